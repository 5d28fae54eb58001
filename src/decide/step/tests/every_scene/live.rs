//! What holds in every scene of a live object.

use super::*;
use crate::decide::outcome::Effect;
use crate::decide::plan::CLAIM_FRESH;

fn every_digest() -> [Digest; 3] {
    [Digest::default(), said_in_sync(), digest(&Report::invalid(&every_invalid()[0]))]
}

/// Every organization, every doubt, everything that a status may have said, under the policies of a spec that names none.
fn in_all_circumstances(check: &mut dyn FnMut(&Case<'_>)) {
    let sights = [every_doubt(), every_sight().split_off(1)].concat();
    for digest in every_digest() {
        for (vouched, current) in [(false, true), (true, true), (true, false)] {
            let base = Scene { digest: digest.clone(), vouched, current, ..settled() };
            around(&base, &sights, &every_organization(), check);
        }
        for invalid in [every_invalid().swap_remove(1), every_invalid().swap_remove(4), every_invalid().swap_remove(2)] {
            let base = Scene { digest: digest.clone(), desired: Err(invalid), ..settled() };
            around(&base, &every_sight(), &[usable(), not_usable(true, false), Organization::Missing], check);
        }
    }
}

/// Policies that differ in what a live object may do.
fn telling_policies() -> Vec<Policies> {
    let adopting = EVERY_ADOPTION.map(|adoption| Policies { adoption, ..policies() });
    let report = ExternalDeletionPolicy::Report;
    let reporting =
        [AdoptionPolicy::Never, AdoptionPolicy::Always].map(|adoption| Policies { adoption, external_deletion: report, ..policies() });
    let held = [Hold::Suspended, Hold::ObserveOnly].map(|hold| Policies { hold, adoption: AdoptionPolicy::Always, ..policies() });
    let observing = [AdoptionPolicy::Never, AdoptionPolicy::IfIdentical].map(|adoption| Policies {
        management: ManagementPolicy::Observe,
        adoption,
        ..policies()
    });
    [&adopting[..], &reporting, &held, &observing].concat()
}

/// All policies, contested or not, asked or not, through an organization that is connected.
fn under_all_policies(check: &mut dyn FnMut(&Case<'_>)) {
    for policies in telling_policies() {
        for (contested, asked) in [(None, false), (Some(Duration::from_mins(20)), false), (None, true)] {
            for (digest, current) in [(Digest::default(), true), (said_in_sync(), true), (Digest::default(), false)] {
                let base = Scene { policies, contested, asked, digest, current, ..settled() };
                let organizations = if current && !asked { vec![usable(), refusing()] } else { vec![usable()] };
                around(&base, &every_sight(), &organizations, check);
            }
        }
    }
}

fn everywhere(check: &mut dyn FnMut(&Case<'_>)) {
    let mut cases = 0;
    let mut counted = |case: &Case<'_>| {
        cases += 1;
        check(case);
    };
    in_all_circumstances(&mut counted);
    under_all_policies(&mut counted);
    eprintln!("{cases} scenes of live objects");
}

#[test]
fn a_live_object_deletes_nothing_keeps_its_finalizer_and_rests_while_its_organization_cannot_be_used() {
    everywhere(&mut |Case { scene, step, .. }| {
        assert!(!matches!(step, Step::Delete(..) | Step::LetGo), "{scene:?}");
        assert!(matches!(scene.organization, Organization::Usable { .. }) || matches!(step, Step::Rest(_)), "{scene:?}");
    });
}

#[test]
fn whoever_only_looks_writes_nothing() {
    under_all_policies(&mut |case| assert!(case.acts() || matches!(case.step, Step::Rest(_) | Step::AskForList(_)), "{:?}", case.scene));
}

#[test]
fn what_is_contested_is_neither_created_nor_changed_nor_claimed_anew() {
    under_all_policies(&mut |case| {
        let writes = match case.step {
            Step::Create(..) | Step::Update(..) => true,
            Step::Claim(_) => case.scene.seen == Seen::Absent,
            Step::Rest(_) | Step::AskForList(_) | Step::Delete(..) | Step::LetGo => false,
        };
        assert!(case.scene.contested.is_none() || !writes, "{:?}", case.scene);
    });
}

#[test]
fn a_connection_is_created_only_in_proven_absence_under_an_intact_and_fresh_claim_of_its_own() {
    everywhere(&mut |case| {
        let Case { scene, step: Step::Create(created, types), .. } = case else { return };
        let claim = scene.me.memory.claim.unwrap();
        assert!(scene.seen == Seen::Absent && scene.me.memory.intact && case.may_write() && !case.has_rival(), "{scene:?}");
        assert_eq!((*created, claim.pair, types), (pair(), pair(), &desired().types), "{scene:?}");
        assert!(at(0).duration_since(claim.create.unwrap()) <= CLAIM_FRESH, "{scene:?}");
        assert!(scene.me.memory.recorded_created_at < claim.create, "{scene:?}");
    });
}

#[test]
fn what_somebody_else_deleted_is_created_again_only_if_that_is_the_policy_or_asked_for() {
    under_all_policies(&mut |case| {
        let scene = case.scene;
        let vanished = scene.me.memory.recorded.is_some() && scene.seen == Seen::Absent;
        let only_reported = scene.policies.external_deletion == ExternalDeletionPolicy::Report && !scene.asked;
        assert!(!(vanished && only_reported) || matches!(case.step, Step::Rest(_)), "{scene:?}");
    });
}

#[test]
fn only_an_owned_connection_that_is_seen_is_changed_and_only_to_what_is_wanted() {
    everywhere(&mut |case| {
        let Case { scene, step: Step::Update(row, types), .. } = case else { return };
        assert!(case.ours && scene.seen.present() == Some(row) && case.may_write() && scene.me.memory.intact, "{scene:?}");
        assert!(*types == desired().types && row.types != *types, "{scene:?}");
    });
}

#[test]
fn a_claim_names_the_wanted_pair_and_loses_nothing_of_the_one_before() {
    everywhere(&mut |case| {
        let Case { scene, step: Step::Claim(claim), .. } = case else { return };
        let (before, row) = (scene.me.memory.claim.unwrap_or(*claim), scene.seen.present().map(|row| row.id));
        assert!(claim.pair == pair() && before.pair == pair() && case.is_usable(), "{scene:?}");
        assert!(claim.create >= before.create && (claim.adopt == before.adopt || claim.adopt == row), "{scene:?}");
        assert!(row.is_none() || case.ours || case.may_take_over(), "nothing foreign is claimed: {scene:?}");
        assert!(row.is_some() || case.may_write(), "{scene:?}");
    });
}

#[test]
fn nothing_is_taken_over_but_under_an_intact_claim_of_it_and_as_the_policy_says() {
    everywhere(&mut |case| {
        let Some(Report { effect: Some(effect), shown, .. }) = case.report() else { return };
        let (scene, row) = (case.scene, case.scene.seen.present().unwrap());
        assert!(matches!(effect, Effect::Adopted { .. }) && *shown == Shown::Owned(row.clone()), "{scene:?}");
        assert!(scene.me.memory.intact && scene.me.memory.claim.unwrap().adopt == Some(row.id), "{scene:?}");
        assert!(!case.ours && case.may_take_over() && case.acts() && case.is_usable() && !case.has_rival(), "{scene:?}");
    });
}

#[test]
fn ready_is_said_only_of_what_is_seen_as_wanted() {
    everywhere(&mut |case| {
        let Some(Report { verdict: Some(Verdict { ready: Ready::True, .. }), shown, .. }) = case.report() else { return };
        let (scene, row) = (case.scene, case.scene.seen.present().unwrap());
        assert!(scene.desired.as_ref().is_ok_and(|desired| desired.types == row.types), "{scene:?}");
        assert!(*shown == Shown::Owned(row.clone()) || *shown == Shown::Observed(row.clone()), "{scene:?}");
    });
}

#[test]
fn ready_is_said_of_a_new_spec_only_after_a_younger_look() {
    everywhere(&mut |Case { scene, step, .. }| {
        let Step::Rest(Report { verdict: Some(Verdict { ready: Ready::True, .. }), .. }) = step else { return };
        assert!(scene.current || scene.digest.is_in_sync(scene.generation), "{scene:?}");
    });
}

#[test]
fn what_is_owned_is_shown_as_owned_and_what_is_only_looked_at_is_not() {
    everywhere(&mut |case| {
        let (scene, Some(report)) = (case.scene, case.report()) else { return };
        match &report.shown {
            Shown::Owned(row) => assert!(case.ours || report.effect.is_some(), "{scene:?} {row:?}"),
            Shown::Observed(row) => assert!(!case.ours && !case.acts() && scene.seen.present() == Some(row), "{scene:?}"),
            Shown::NotOurs => assert!(case.has_rival() || !case.ours && !matches!(scene.seen, Seen::Unknown(_)), "{scene:?}"),
            Shown::Unknown => {}
        }
    });
}

#[test]
fn what_would_be_done_is_told_exactly_when_something_is_not_as_wanted() {
    everywhere(&mut |case| {
        let Some(report) = case.report() else { return };
        let not_ready = report.verdict.as_ref().is_some_and(|verdict| verdict.ready != Ready::True);
        let may_have_made_it = case.scene.me.memory.claim.is_some_and(|claim| claim.create.is_some());
        let would = match &case.scene.seen {
            Seen::Unknown(_) => false,
            Seen::Absent => true,
            Seen::Present(_) if may_have_made_it && !case.knows_the_maker() => false,
            Seen::Present(_) => !case.is_as_wanted() || !case.ours && case.may_take_over(),
        };
        let told = not_ready && would && case.scene.desired.is_ok() && case.is_in_reach();
        assert_eq!(report.plan.is_some(), told, "{:?} {report:?}", case.scene);
    });
}

#[test]
fn a_list_is_asked_for_to_vouch_for_a_new_spec() {
    everywhere(&mut |case| {
        let Case { scene, step: Step::AskForList(report), .. } = case else { return };
        assert!(case.is_usable(), "{scene:?}");
        if scene.desired.is_ok() {
            assert!(!matches!(scene.seen, Seen::Unknown(_)) && !scene.current, "{scene:?}");
        }
        assert_eq!(*report, Report::unchanged(Retry::WhenWoken), "{scene:?}");
    });
}

#[test]
fn what_was_in_sync_stays_said_while_nothing_can_be_looked_at() {
    everywhere(&mut |case| {
        let scene = case.scene;
        if scene.desired.is_err() || !scene.vouched || !scene.digest.is_in_sync(1) {
            return;
        }
        let blind = !case.is_usable() || matches!(scene.seen, Seen::Unknown(_));
        let refused = scene.me.memory.pair().is_some_and(|claimed| claimed != pair()) || case.has_rival();
        if blind && !(refused && case.is_usable()) {
            assert_eq!(case.step, Step::Rest(Report::unchanged(Retry::WhenWoken)), "{scene:?}");
        }
    });
}
