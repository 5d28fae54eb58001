mod histories;

use super::*;
use crate::decide::fixtures::*;

const HOUR: i64 = 3600;

fn remembering(numbers: &[u8]) -> Brake {
    Brake { memory: let_through(numbers), limit: 3, ..brake() }
}

fn approving(until: &str) -> Brake {
    Brake { approval: Some(until.to_owned()), ..remembering(&[1, 2, 3]) }
}

fn held(brake: &Brake) -> String {
    let Decision::Held { until } = brake.decide(id(9), at(0)) else { panic!("{brake:?}") };
    brake.message(until, at(0))
}

#[test]
fn a_deletion_within_the_limit_goes_once_it_is_remembered() {
    assert_eq!(brake().decide(id(1), at(0)), Decision::Go(let_through(&[1])));
    assert_eq!(remembering(&[1, 2]).decide(id(3), at(HOUR - 1)), Decision::Go(let_through(&[1, 2, 3])));
}

#[test]
fn a_deletion_beyond_the_limit_waits_for_the_end_of_the_window() {
    for second in [-HOUR, 0, 1, HOUR - 1] {
        assert_eq!(remembering(&[1, 2, 3]).decide(id(4), at(second)), Decision::Held { until: Some(at(HOUR)) });
    }
    let next = Memory { opened: at(HOUR), let_through: vec![id(4)] };
    assert_eq!(remembering(&[1, 2, 3]).decide(id(4), at(HOUR)), Decision::Go(Some(next)));
}

#[test]
fn trying_again_needs_neither_room_nor_another_write() {
    assert_eq!(remembering(&[1, 2, 3]).decide(id(2), at(10)), Decision::Go(None));
    let of_before = Memory { opened: at(HOUR), let_through: vec![id(2)] };
    assert_eq!(remembering(&[1, 2, 3]).decide(id(2), at(HOUR)), Decision::Go(Some(of_before)), "in another window it counts again");
}

#[test]
fn a_limit_counts_as_it_is_now() {
    let lowered = Brake { limit: 1, ..remembering(&[1, 2, 3]) };
    assert_eq!(lowered.decide(id(4), at(0)), Decision::Held { until: Some(at(HOUR)) });
    let raised = Brake { limit: 4, ..remembering(&[1, 2, 3]) };
    assert_eq!(raised.decide(id(4), at(0)), Decision::Go(let_through(&[1, 2, 3, 4])));
    for memory in [None, let_through(&[1])] {
        let never = Brake { limit: 0, memory, ..brake() };
        assert_eq!(never.decide(id(4), at(2 * HOUR)), Decision::Held { until: None });
    }
}

#[test]
fn an_approval_lets_everything_through_until_its_time_and_is_not_counted() {
    let times = [(1, true), (24 * HOUR, true), (24 * HOUR + 1, false), (0, false), (-1, false)];
    for (second, approves) in times {
        for brake in [approving(&at(second).to_string()), Brake { limit: 0, ..approving(&at(second).to_string()) }] {
            assert_eq!(brake.decide(id(9), at(0)) == Decision::Go(None), approves, "{second} s ahead");
        }
    }
    assert_eq!(approving(" 2026-03-01T14:30:00+02:00 ").decide(id(9), at(0)), Decision::Go(None), "12:30 in UTC");
}

#[test]
fn an_approval_that_cannot_be_read_or_is_too_far_ahead_approves_nothing_and_that_is_said() {
    for text in ["", "yes", "2026-03-01", "2026-03-01T13:00:00", "13:00"] {
        let message = held(&approving(text));
        assert!(message.contains(&format!("says `{text}`, which is no time in the form")), "{message}");
    }
    let message = held(&approving("2027-03-01T12:00:00Z"));
    assert!(message.contains("says `2027-03-01T12:00:00Z`, which is more than 24 h ahead and approves nothing yet"), "{message}");
    assert!(!held(&approving(&at(-5).to_string())).contains("its annotation"), "one that is over needs no words");
}

#[test]
fn the_message_tells_how_many_wait_and_its_command_approves_them() {
    let brake = Brake { held: 190, ..remembering(&[1, 2, 3]) };
    for brake in [brake.clone(), Brake { limit: 0, ..brake }] {
        let message = held(&brake);
        let (_, command) = message.split_once("with: ").unwrap();
        let (before, until) = command.split_once("crossorg.dev/approve-deletions-until=").unwrap();
        assert_eq!(before, "kubectl annotate --overwrite --namespace apps datadogorg payments ");
        assert!(message.contains("190 deletion(s) wait. ") && message.contains("maxDeletionsPerHour"), "{message}");
        for second in [0, HOUR - 1] {
            let approved = Brake { approval: Some(until.to_owned()), ..brake.clone() };
            assert_eq!(approved.decide(id(9), at(second)), Decision::Go(None), "{message}");
        }
    }
    assert!(held(&remembering(&[1, 2, 3])).contains(": 1 deletion(s) wait"), "at least the one that says it");
}

#[test]
fn the_words_stay_the_same_until_the_next_look() {
    for brake in [remembering(&[1, 2, 3]), Brake { limit: 0, ..remembering(&[]) }] {
        let told = |second| {
            let Decision::Held { until } = brake.decide(id(9), at(second)) else { panic!("{brake:?}") };
            (brake.message(until, at(second)), Brake::next_look(until, at(second)))
        };
        let (words, wait) = told(0);
        assert_eq!(wait, Duration::from_secs(3600));
        for second in [1, 1800, HOUR - 1] {
            assert_eq!(told(second), (words.clone(), wait - Duration::from_secs(second.unsigned_abs())));
        }
    }
}

fn object() -> DatadogOrg {
    serde_yaml::from_str(
        "{apiVersion: crossorg.dev/v1alpha1, kind: DatadogOrg, metadata: {name: payments, namespace: apps}, spec: {site: datadoghq.eu, \
         credentialsSecretRef: {name: key}}}",
    )
    .unwrap()
}

#[test]
fn what_is_written_is_what_is_read() {
    let mut object = object();
    assert_eq!(Brake::of(&object), brake());
    let memory = let_through(&[1, 2]).unwrap();
    object.status = Some(super::remembering(None, &memory));
    assert_eq!(Brake::of(&object), Brake { memory: Some(memory.clone()), ..brake() });
    let mut status = object.status.take().unwrap();
    status.deletions_in_window.push("nobody's".to_owned());
    status.held_deletions = Some(7);
    object.status = Some(status);
    object.metadata.annotations = Some([(APPROVAL_ANNOTATION.to_owned(), "soon".to_owned())].into());
    object.spec.max_deletions_per_hour = 0;
    let expected = Brake { limit: 0, approval: Some("soon".to_owned()), memory: Some(memory), held: 7, ..brake() };
    assert_eq!(Brake::of(&object), expected);
}

#[test]
fn of_an_annotation_that_is_longer_than_any_time_only_the_beginning_is_kept_and_approves_nothing() {
    let mut object = object();
    for padding in [" ", "é"] {
        let text = format!("2026-01-31T13:00:00Z{}", padding.repeat(100_000));
        object.metadata.annotations = Some([(APPROVAL_ANNOTATION.to_owned(), text)].into());
        let brake = Brake::of(&object);
        assert!(brake.approval.as_ref().is_some_and(|text| text.chars().count() == 65), "{:?}", brake.approval);
        assert_eq!(brake.approval(at(0)), Approval::Unreadable);
        assert!(brake.message(None, at(0)).len() < 1000);
    }
}
