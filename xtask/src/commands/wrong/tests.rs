use std::collections::BTreeSet;

use super::*;

fn options(nets: &[Net], names: &[&str]) -> Options {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    Options { seeds: 1, nets: nets.to_vec(), names, parallel: 1, cargo: "cargo".into() }
}

fn line(variant: Option<&'static str>, verdict: Verdict) -> Line {
    Line { variant, attempt: Attempt::Seeds, verdict }
}

fn caught() -> Verdict {
    Verdict::Caught { after: "seed 4".to_owned(), by: "I2 no orphan".to_owned() }
}

fn passed() -> Verdict {
    Verdict::Passed { after: "100 seeds".to_owned() }
}

fn all() -> Vec<&'static Variant> {
    VARIANTS.iter().collect()
}

#[test]
fn every_variant_has_a_name_of_its_own_and_a_word_on_each_net() {
    let names: BTreeSet<&str> = VARIANTS.iter().map(|variant| variant.name).collect();
    assert_eq!(names.len(), VARIANTS.len());
    for variant in &VARIANTS {
        assert_eq!(variant.attempts.map(Attempt::net), [Net::Simulation, Net::Sweep, Net::Tests], "{}", variant.name);
    }
}

#[test]
fn no_variant_gets_past_every_net() {
    for variant in &VARIANTS {
        assert!(variant.attempts.iter().any(|attempt| !matches!(attempt, Attempt::Blind(..))), "{}", variant.name);
    }
}

#[test]
fn whatever_catches_a_variant_runs_once_with_nothing_wrong() {
    let trials = trials(&all(), &options(&[], &[]));
    for trial in trials.iter().filter(|trial| !matches!(trial.attempt, Attempt::Seeds | Attempt::Blind(..))) {
        let controls = trials.iter().filter(|known| known.variant.is_none() && known.attempt == trial.attempt);
        assert_eq!(controls.count(), 1, "{trial:?}");
    }
}

#[test]
fn only_what_was_asked_for_is_tried() {
    let options = options(&[Net::Simulation], &["ignores-rivals"]);
    let variants: Vec<&Variant> = all().into_iter().filter(|variant| options.wants(variant)).collect();
    let trials = trials(&variants, &options);
    assert_eq!(trials, [Trial { variant: Some(variants[0]), attempt: Attempt::Seeds }]);
    assert_eq!(variants[0].name, "ignores-rivals");
}

#[test]
fn a_variant_that_is_not_caught_is_a_failure_that_names_it_and_the_net() {
    let error = judge(&[line(Some("one"), caught()), line(Some("two"), passed())]).unwrap_err();
    assert_eq!(error, Unproven::Survived(vec!["two by simulation".to_owned()]));
}

#[test]
fn what_fails_with_nothing_wrong_proves_nothing() {
    let error = judge(&[line(Some("one"), caught()), line(None, caught())]).unwrap_err();
    assert!(matches!(&error, Unproven::Control(lines) if lines[0].contains("I2 no orphan")), "{error}");
}

#[test]
fn nets_that_hold_or_cannot_see_are_no_failure() {
    assert_eq!(judge(&[line(Some("one"), caught()), line(Some("one"), Verdict::Blind("no rivals")), line(None, passed())]), Ok(()));
}
