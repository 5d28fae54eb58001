use super::*;
use crate::api::conditions::{ConnectionReason, find};
use crate::decide::fixtures::*;
use crate::decide::model::{ConnectionId, Principal};
use crate::decide::outcome::Retry;
use jiff::SignedDuration;

/// Not a whole second, as a clock tells it.
fn now() -> Timestamp {
    at(0) + SignedDuration::from_millis(789)
}

fn first(report: &Report) -> OrgConnectionStatus {
    next(None, report, 1, None, now()).unwrap()
}

fn then(previous: &OrgConnectionStatus, report: &Report) -> OrgConnectionStatus {
    next(Some(previous), report, 1, None, now() + SignedDuration::from_secs(60)).unwrap()
}

fn in_sync() -> OrgConnectionStatus {
    first(&Report::in_sync(connection(), Some(Effect::Created(connection()))))
}

fn retrying() -> Report {
    Report::not_ready(ConnectionReason::Retrying, "text", Retry::Backoff)
}

fn transition(status: &OrgConnectionStatus, type_: &str) -> Timestamp {
    find(&status.conditions, type_).unwrap().last_transition_time.0
}

#[test]
fn nothing_is_written_when_nothing_changes() {
    for start in [None, Some(in_sync())] {
        for report in every_report() {
            for request in [None, Some("2026-03-01")] {
                let written = next(start.as_ref(), &report, 7, request, now());
                let Some(stands) = written.or_else(|| start.clone()) else { continue };
                let later = now() + SignedDuration::from_hours(1);
                assert_eq!(next(Some(&stands), &report, 7, request, later), None, "{report:?}");
                assert_eq!(next(Some(&stands), &report, 7, None, later), None, "{report:?}");
            }
        }
    }
}

#[test]
fn a_report_without_a_verdict_says_nothing_of_an_object_nobody_has_looked_at() {
    assert_eq!(next(None, &Report::unchanged(Retry::Backoff), 1, None, now()), None);
    let handled = next(None, &Report::unchanged(Retry::Backoff), 1, Some("2026-03-01"), now()).unwrap();
    assert_eq!((handled.observed_generation, handled.last_handled_reconcile_at.as_deref()), (-1, Some("2026-03-01")));
}

#[test]
fn a_new_generation_and_a_new_request_are_written() {
    let report = Report::in_sync(connection(), None);
    let seen = next(Some(&in_sync()), &report, 2, None, now()).unwrap();
    assert_eq!((seen.observed_generation, find(&seen.conditions, "Ready").unwrap().observed_generation), (2, Some(2)));
    let handled = next(Some(&seen), &report, 2, Some("again"), now()).unwrap();
    assert_eq!(handled.last_handled_reconcile_at.as_deref(), Some("again"));
    let kept = next(Some(&handled), &retrying(), 2, None, now()).unwrap();
    assert_eq!(kept.last_handled_reconcile_at.as_deref(), Some("again"), "an echo stays");
}

#[test]
fn an_owned_connection_is_shown_whole() {
    let precise = connection().made_at("2026-03-01T11:00:00.678901Z".parse().unwrap());
    let status = first(&Report::in_sync(precise, None));
    assert_eq!(status.connection_id.as_deref(), Some(id(1).to_string().as_str()));
    assert_eq!(status.connection_types, ["logs", "metrics"]);
    assert_eq!(status.created_at.unwrap().0, at(-3600), "whole seconds");
    assert_eq!(status.created_by, Some(PrincipalStatus { id: us().to_string(), service_account: Some(true) }));
    assert_eq!(status.origin, Some(Origin::Created));
    assert_eq!(status.source, Some(OrganizationStatus { id: source().id.to_string(), name: Some("payments".to_owned()) }));
    assert_eq!(status.sink, Some(OrganizationStatus { id: sink().id.to_string(), name: Some("central".to_owned()) }));
}

#[test]
fn names_are_kept_when_an_answer_leaves_them_out() {
    let nameless = Report::in_sync(connection().nameless(), None);
    let kept = next(Some(&in_sync()), &nameless, 1, None, now());
    assert_eq!(kept, None, "the same organizations under the same names");
    let unnamed = first(&nameless);
    assert_eq!(unnamed.source.and_then(|source| source.name), None, "an unknown name is left out, not empty");
}

#[test]
fn a_name_is_not_kept_for_another_organization() {
    let elsewhere = Organization { id: other_pair().source, name: String::new() };
    let status = then(&first(&retrying().between(Some((source(), sink())))), &retrying().between(Some((elsewhere, sink()))));
    assert_eq!(status.source, Some(OrganizationStatus { id: other_pair().source.to_string(), name: None }));
}

#[test]
fn whether_the_creator_is_a_service_account_is_kept_when_an_answer_leaves_it_out() {
    let untold = connection().made_by(us()).differing();
    let status = then(&in_sync(), &Report::in_sync(untold, None));
    assert_eq!(status.created_by, Some(PrincipalStatus { id: us().to_string(), service_account: Some(true) }));
    let another = then(&in_sync(), &Report::in_sync(connection().made_by(stranger()), None));
    assert_eq!(another.created_by, Some(PrincipalStatus { id: stranger().to_string(), service_account: None }));
}

#[test]
fn the_id_stays_when_the_connection_vanishes() {
    let before = in_sync();
    for shown in [Shown::NotOurs, Shown::Unknown] {
        let status = then(&before, &retrying().showing(shown));
        assert_eq!(status.connection_id, before.connection_id);
        assert_eq!((&status.created_at, &status.created_by, status.origin), (&before.created_at, &before.created_by, before.origin));
    }
}

#[test]
fn types_are_shown_only_while_the_connection_is_ours() {
    assert!(then(&in_sync(), &retrying().showing(Shown::NotOurs)).connection_types.is_empty());
    assert_eq!(then(&in_sync(), &retrying()).connection_types, ["logs", "metrics"], "nobody knows: what was said stays");
}

#[test]
fn a_connection_that_was_made_again_replaces_the_recorded_one() {
    let again = Connection { id: id(2), ..connection() }.made_at(at(-1));
    let adopted = OrgConnectionStatus { origin: Some(Origin::Adopted), ..in_sync() };
    let status = then(&adopted, &Report::in_sync(again.clone(), Some(Effect::Recreated(again))));
    assert_eq!(status.connection_id.as_deref(), Some(id(2).to_string().as_str()));
    assert_eq!((status.created_at.unwrap().0, status.origin), (at(-1), Some(Origin::Created)));
}

#[test]
fn an_old_list_does_not_write_an_older_connection_back() {
    let again = Connection { id: id(2), ..connection() }.made_at(at(-1));
    let newer = then(&in_sync(), &Report::in_sync(again, None));
    assert_eq!(next(Some(&newer), &retrying().showing(Shown::Owned(connection().differing())), 1, None, at(9)), None);
    let same = then(&newer, &retrying().showing(Shown::Owned(Connection { id: id(3), ..connection() }.made_at(at(-1)))));
    assert_eq!(same.connection_id, Some(id(3).to_string()), "as old as the recorded one, so not outdated");
}

#[test]
fn an_adopted_connection_stays_adopted() {
    let adopted = OrgConnectionStatus { origin: Some(Origin::Adopted), ..in_sync() };
    let status = then(&adopted, &Report::in_sync(connection().differing(), None));
    assert_eq!(status.origin, Some(Origin::Adopted));
}

#[test]
fn what_is_taken_over_is_recorded_as_adopted_and_stays_that() {
    for foreign in [false, true] {
        let effect = Effect::Adopted { what: "took it over".to_owned(), foreign };
        let taken = first(&Report { verdict: None, ..Report::in_sync(connection().differing(), Some(effect)) });
        assert_eq!((taken.origin, taken.connection_id), (Some(Origin::Adopted), Some(id(1).to_string())));
    }
    let taken = first(&Report::in_sync(connection(), Some(Effect::Adopted { what: String::new(), foreign: true })));
    let changed = then(&taken, &Report::in_sync(connection().differing(), Some(Effect::Updated("add audit".to_owned()))));
    assert_eq!(changed.origin, Some(Origin::Adopted));
}

#[test]
fn what_was_made_here_and_is_taken_over_from_a_namesake_is_adopted() {
    let status = then(&in_sync(), &Report::in_sync(connection(), Some(Effect::Adopted { what: String::new(), foreign: false })));
    assert_eq!(status.origin, Some(Origin::Adopted));
}

#[test]
fn what_is_only_looked_at_shows_its_types_and_no_id() {
    let observing = Report::observed(connection());
    let status = first(&observing);
    assert_eq!(status.connection_types, ["logs", "metrics"]);
    assert_eq!((&status.connection_id, &status.created_at, &status.created_by, status.origin), (&None, &None, &None, None));
    assert_eq!(status.source.as_ref().and_then(|source| source.name.as_deref()), Some("payments"));
    assert_eq!(remembered(Some(&status), Memory::default()).pair(), None, "nothing is bound by looking");
    let differing = then(&status, &retrying().showing(Shown::Observed(connection().differing())));
    assert_eq!((differing.connection_types, differing.connection_id), (vec!["audit".to_owned(), "logs".to_owned()], None));
}

#[test]
fn what_was_owned_before_stays_recorded_while_another_connection_is_looked_at() {
    let another = Connection { id: id(2), ..connection() }.differing();
    let status = then(&in_sync(), &retrying().showing(Shown::Observed(another)));
    assert_eq!((status.connection_id, status.connection_types), (in_sync().connection_id, vec!["audit".to_owned(), "logs".to_owned()]));
    assert_eq!((status.created_at, status.created_by), (in_sync().created_at, in_sync().created_by));
}

#[test]
fn what_would_be_done_stands_as_long_as_the_verdict_that_it_belongs_to() {
    let planning = |plan: &str| retrying().planning(Some(plan.to_owned()));
    let told = first(&planning("add metrics"));
    assert_eq!(told.plan.as_deref(), Some("add metrics"));
    assert_eq!(then(&told, &planning("remove audit")).plan.as_deref(), Some("remove audit"));
    assert_eq!(then(&told, &retrying()).plan, None);
    assert_eq!(then(&told, &Report::in_sync(connection(), None)).plan, None);
    assert_eq!(next(Some(&told), &Report::unchanged(Retry::WhenWoken), 1, None, now()), None, "who says nothing takes nothing back");
}

#[test]
fn transition_times_are_whole_seconds_and_move_only_when_the_status_flips() {
    let ready = in_sync();
    assert_eq!(transition(&ready, "Ready"), at(0));
    let failing = then(&ready, &retrying());
    assert_eq!((transition(&failing, "Ready"), transition(&failing, "Reconciling")), (at(60), at(60)));
    let deleting = Report::not_ready(ConnectionReason::Deleting, "text", Retry::Backoff);
    let other_reason = next(Some(&failing), &deleting, 2, None, at(120)).unwrap();
    assert_eq!((transition(&other_reason, "Ready"), transition(&other_reason, "Reconciling")), (at(60), at(60)));
    let recovered = next(Some(&other_reason), &Report::in_sync(connection(), None), 2, None, at(180)).unwrap();
    assert_eq!(transition(&recovered, "Ready"), at(180));
    assert!(find(&recovered.conditions, "Reconciling").is_none());
}

#[test]
fn a_status_remembers_what_was_owned() {
    let precise = connection().made_at(at(-3600) + SignedDuration::from_millis(678));
    let status = first(&Report::in_sync(precise, None));
    let memory = claimed(at(0));
    assert_eq!(remembered(Some(&status), memory), memory.recording(&connection()), "to the second");
    assert_eq!(remembered(None, memory), memory);
    assert_eq!(remembered(Some(&blank()), memory), memory);
}

#[test]
fn a_status_that_cannot_be_read_is_not_remembered() {
    let garbled = OrganizationStatus { id: "?".to_owned(), name: None };
    let status = OrgConnectionStatus { connection_id: Some("?".to_owned()), source: Some(garbled), ..in_sync() };
    let memory = remembered(Some(&status), Memory::default());
    assert_eq!((memory.recorded, memory.recorded_pair), (None::<ConnectionId>, None));
}

#[test]
fn a_creator_that_was_never_told_stays_unknown() {
    let status = first(&Report::in_sync(Connection { created_by: None::<Principal>, ..connection() }, None));
    assert_eq!(status.created_by, None);
}

#[test]
fn a_condition_of_somebody_else_is_no_reason_to_write() {
    let report = Report::in_sync(connection(), None);
    let mut stands = next(None, &report, 1, None, at(0)).unwrap();
    let mut theirs = stands.conditions[0].clone();
    theirs.type_ = "Theirs".to_owned();
    stands.conditions.push(theirs);
    assert_eq!(next(Some(&stands), &report, 1, None, at(9)), None);
}

#[test]
fn the_creator_is_kept_when_an_answer_leaves_it_out() {
    let stands = next(None, &Report::in_sync(connection(), None), 1, None, at(0)).unwrap();
    let untold = Report::in_sync(Connection { created_by: None, ..connection() }, None);
    assert_eq!(next(Some(&stands), &untold, 1, None, at(9)), None);
}

#[test]
fn the_recorded_pair_stays_that_of_the_recorded_connection() {
    let stands = next(None, &Report::in_sync(connection(), None), 1, None, at(0)).unwrap();
    let elsewhere = Organization { id: org(3), ..source() };
    let refused = Report::refused(&crate::decide::plan::Refusal::PairChanged { claimed: pair(), resolved: other_pair() }, other_pair());
    let next = next(Some(&stands), &refused.between(Some((elsewhere, sink()))), 1, None, at(9)).unwrap();
    assert_eq!(remembered(Some(&next), Memory::default()).pair(), Some(pair()));
}
