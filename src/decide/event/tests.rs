use super::*;
use crate::api::conditions::Progress;
use crate::decide::fixtures::*;
use crate::decide::outcome::Retry;
use crate::decide::status;

fn status_after(report: &Report) -> Option<OrgConnectionStatus> {
    status::next(None, report, 1, None, at(0))
}

fn not_ready(reason: ConnectionReason) -> Report {
    Report::not_ready(reason, format!("{} happened", reason.name()), Retry::Backoff)
}

#[test]
fn every_effect_but_a_release_has_its_event() {
    let row = id(1).to_string();
    let expected = [
        (false, "Created", row.as_str()),
        (true, "DriftRepaired", row.as_str()),
        (true, "Adopted", "took over connection"),
        (false, "Adopted", "took connection over"),
        (false, "Updated", "add metrics"),
        (true, "DriftRepaired", "remove audit"),
        (false, "Deleted", "deleted connection"),
        (false, "Orphaned", "left alone"),
    ];
    let told: Vec<_> = every_effect().into_iter().filter(|effect| !matches!(effect, Effect::Released(_))).collect();
    assert_eq!(told.len(), expected.len());
    for (effect, (warning, reason, named)) in told.into_iter().zip(expected) {
        let event = of(None, &Report::in_sync(connection(), Some(effect))).unwrap();
        assert_eq!((event.warning, event.reason), (warning, reason));
        assert!(event.note.contains(named), "{}", event.note);
    }
}

/// Its deletion had one, and the object is gone.
#[test]
fn a_release_has_no_event() {
    let report = not_ready(ConnectionReason::NotAllowed).having(Effect::Released("nothing is left".to_owned()));
    assert_eq!(of(None, &report), None);
}

#[test]
fn an_effect_speaks_before_a_verdict() {
    let report = not_ready(ConnectionReason::NotAllowed).having(Effect::Updated("add metrics".to_owned()));
    assert_eq!(of(None, &report).unwrap().reason, "Updated");
}

#[test]
fn a_reason_that_needs_a_person_or_a_failure_is_told_once() {
    for reason in ConnectionReason::ALL {
        let report = not_ready(*reason);
        let worth_telling = reason.progress() == Progress::Stalled || *reason == ConnectionReason::Retrying;
        let expected = worth_telling.then(|| Event { warning: true, reason: reason.name(), note: format!("{} happened", reason.name()) });
        assert_eq!(of(None, &report), expected);
        assert_eq!(of(status_after(&report).as_ref(), &report), None, "{} stays", reason.name());
    }
}

#[test]
fn another_message_under_the_same_reason_is_not_told_again() {
    let before = status_after(&not_ready(ConnectionReason::Conflict));
    assert_eq!(of(before.as_ref(), &Report::not_ready(ConnectionReason::Conflict, "another holder", Retry::WhenWoken)), None);
}

#[test]
fn a_reason_that_comes_back_is_told_again() {
    let report = not_ready(ConnectionReason::AlreadyExists);
    for between in [Report::in_sync(connection(), None), not_ready(ConnectionReason::Conflict)] {
        assert!(of(status_after(&between).as_ref(), &report).is_some());
    }
}

#[test]
fn a_quiet_pass_tells_nothing() {
    assert_eq!(of(None, &Report::in_sync(connection(), None)), None);
    assert_eq!(of(None, &Report::unchanged(Retry::Backoff)), None);
}
