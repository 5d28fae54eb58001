use std::iter;

use super::{Choice, Place, choose};
use crate::controlplane::binaries::Program;

/// `KUBEBUILDER_ASSETS` not set, and every set of binaries that its directory can hold.
fn every_assets() -> impl Iterator<Item = Option<Vec<Program>>> {
    let subset = |bits: usize| {
        Program::ALL.into_iter().enumerate().filter(|(index, _)| bits & (1 << index) != 0).map(|(_, program)| program).collect()
    };
    iter::once(None).chain((0..1 << Program::ALL.len()).map(move |bits| Some(subset(bits))))
}

#[test]
fn every_row_of_the_table_holds_for_every_input() {
    for assets in every_assets() {
        for (cached, wanted) in [(false, false), (false, true), (true, false), (true, true)] {
            let case = format!("assets {assets:?}, cached {cached}, controller manager wanted {wanted}");
            let choice = choose(assets.as_deref(), cached, wanted);
            let has = |program| assets.as_ref().is_some_and(|assets| assets.contains(&program));
            let expected = match &assets {
                None => Ok(Choice { base: Place::Cache, controller_manager: Some(Place::Cache), build: !cached }),
                Some(_) if !Program::BASE.into_iter().all(has) => Err(Program::BASE.into_iter().filter(|program| !has(*program)).collect()),
                Some(_) if has(Program::KubeControllerManager) => {
                    Ok(Choice { base: Place::Assets, controller_manager: Some(Place::Assets), build: false })
                }
                Some(_) if wanted => Ok(Choice { base: Place::Assets, controller_manager: Some(Place::Cache), build: !cached }),
                Some(_) => Ok(Choice { base: Place::Assets, controller_manager: None, build: false }),
            };
            assert_eq!(choice, expected, "{case}");
        }
    }
}

#[test]
fn what_is_chosen_is_there_or_gets_built() {
    for assets in every_assets() {
        for (cached, wanted) in [(false, false), (false, true), (true, false), (true, true)] {
            let Ok(choice) = choose(assets.as_deref(), cached, wanted) else { continue };
            let there = |place, program| match place {
                Place::Assets => assets.as_ref().is_some_and(|assets| assets.contains(&program)),
                Place::Cache => cached || choice.build,
            };
            let case = format!("{choice:?} of {assets:?}, cached {cached}");
            assert!(Program::BASE.into_iter().all(|program| there(choice.base, program)), "{case}");
            assert!(choice.controller_manager.is_none_or(|place| there(place, Program::KubeControllerManager)), "{case}");
            assert!(choice.controller_manager.is_some() || !wanted, "{case}");
            assert!(!(choice.build && cached), "{case}");
        }
    }
}
