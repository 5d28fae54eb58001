use super::*;
use crate::decide::fixtures::*;

fn message(report: &Report) -> &str {
    &report.verdict.as_ref().unwrap().message
}

#[test]
fn every_refusal_says_what_to_do() {
    for refusal in every_refusal() {
        let instruction = match &refusal {
            Refusal::PairChanged { .. } => "restore the credentials, or delete this object and create another",
            Refusal::Conflict(_) => "delete either object",
            Refusal::DeletedOutside(_) => "set that to Recreate, or annotate this object with crossorg.dev/reconcile-requested-at",
            Refusal::AlreadyExists { .. } => "delete it at Datadog to have it created from here",
        };
        let report = Report::refused(&refusal, pair());
        assert!(message(&report).ends_with(instruction), "{}", message(&report));
    }
}

#[test]
fn every_refusal_stalls_and_is_looked_at_again_slowly() {
    for refusal in every_refusal() {
        let report = Report::refused(&refusal, pair());
        assert!(report.is_stalled());
        assert_eq!((report.verdict.as_ref().unwrap().ready, report.retry), (Ready::False, Retry::Permanent));
        assert_ne!(report.shown, Shown::Owned(connection()));
    }
}

#[test]
fn a_refusal_names_what_stands_in_the_way() {
    for (refusal, expected, names) in [
        (
            Refusal::PairChanged { claimed: pair(), resolved: other_pair() },
            "PairChanged",
            vec![pair().to_string(), other_pair().to_string()],
        ),
        (Refusal::Conflict("apps/older".to_owned()), "Conflict", vec!["apps/older".to_owned(), pair().to_string()]),
        (Refusal::DeletedOutside(id(1)), "DeletedOutside", vec![id(1).to_string(), "externalDeletionPolicy is Report".to_owned()]),
        (
            Refusal::AlreadyExists { id: id(1), difference: "add metrics; remove audit".to_owned() },
            "AlreadyExists",
            vec![id(1).to_string(), "add metrics; remove audit".to_owned()],
        ),
    ] {
        let report = Report::refused(&refusal, pair());
        assert_eq!(report.verdict.as_ref().unwrap().reason, expected);
        for name in names {
            assert!(message(&report).contains(&name), "{} lacks {name}", message(&report));
        }
    }
}

#[test]
fn a_connection_that_is_as_wanted_but_foreign_is_not_said_to_differ() {
    let report = Report::refused(&Refusal::AlreadyExists { id: id(1), difference: String::new() }, pair());
    assert!(!message(&report).contains("differs"), "{}", message(&report));
}

#[test]
fn a_foreign_connection_names_the_policy_that_would_take_it_over() {
    for (difference, policy) in [("", "adoptionPolicy to IfIdentical"), ("add metrics", "adoptionPolicy to Always")] {
        let report = Report::refused(&Refusal::AlreadyExists { id: id(1), difference: difference.to_owned() }, pair());
        assert!(message(&report).contains(policy), "{}", message(&report));
    }
}

#[test]
fn a_connection_that_is_only_looked_at_is_ready_and_is_said_to_be_another_ones() {
    let report = Report::observed(connection());
    let verdict = report.verdict.as_ref().unwrap();
    assert_eq!((verdict.ready, verdict.reason, verdict.progress), (Ready::True, "InSync", Progress::Settled));
    assert!(verdict.message.contains("logs, metrics") && verdict.message.contains("not this object's"), "{}", verdict.message);
    assert_eq!((report.shown, report.organizations, report.effect), (Shown::Observed(connection()), Some((source(), sink())), None));
}

#[test]
fn what_would_be_done_is_told_only_beside_a_verdict_that_something_is_not_as_wanted() {
    let plan = || Some("add metrics".to_owned());
    for (report, told) in [
        (Report::not_ready(ConnectionReason::Suspended, "text", Retry::WhenWoken), true),
        (Report::refused(&Refusal::DeletedOutside(id(1)), pair()), true),
        (Report::in_sync(connection(), None), false),
        (Report::observed(connection()), false),
        (Report::unchanged(Retry::WhenWoken), false),
    ] {
        assert_eq!(report.clone().planning(plan()).plan, plan().filter(|_| told), "{report:?}");
        assert_eq!(report.planning(None).plan, None);
    }
}

#[test]
fn what_may_come_by_itself_does_not_stall() {
    for invalid in every_invalid() {
        let report = Report::invalid(&invalid);
        let waits = match &invalid {
            Invalid::OrgMissing { .. } | Invalid::OrgUnproven { .. } | Invalid::NameNotLookedUp(_) => true,
            Invalid::NamesUnavailable { refused, .. } => !refused,
            Invalid::SinkUnknown { .. } | Invalid::DifferentSite { .. } | Invalid::SameOrganization(_) | Invalid::Malformed(_) => false,
        };
        assert_eq!(report.is_stalled(), !waits, "{invalid}");
        assert_eq!(report.verdict.as_ref().unwrap().reason == ConnectionReason::OrganizationNotReady.name(), waits, "{invalid}");
        assert_eq!((message(&report), &report.shown), (invalid.to_string().as_str(), &Shown::Unknown));
    }
}

#[test]
fn a_sink_by_name_that_cannot_be_found_says_who_can_help() {
    let reasons = every_invalid().iter().map(|invalid| Report::invalid(invalid).verdict.unwrap().reason).collect::<Vec<_>>();
    assert_eq!(reasons.iter().filter(|reason| **reason == "PermissionMissing").count(), 1, "the names are refused");
    assert_eq!(reasons.iter().filter(|reason| **reason == "SinkUnknown").count(), 1, "nobody has the name");
}

#[test]
fn a_connection_in_sync_is_ready_and_shows_itself() {
    let report = Report::in_sync(connection(), Some(Effect::Created(connection())));
    let verdict = report.verdict.as_ref().unwrap();
    assert_eq!((verdict.ready, verdict.reason, verdict.progress), (Ready::True, "InSync", Progress::Settled));
    assert!(verdict.message.contains("logs, metrics") && verdict.message.contains(&id(1).to_string()), "{}", verdict.message);
    assert_eq!(report.shown, Shown::Owned(connection()));
    assert_eq!(report.organizations, Some((source(), sink())));
    assert_eq!(report.effect, Some(Effect::Created(connection())));
    assert!(!report.is_stalled());
}

#[test]
fn only_a_stalled_reason_waits_for_a_person() {
    for reason in ConnectionReason::ALL {
        let report = Report::not_ready(*reason, "text", Retry::Backoff);
        assert_eq!(report.is_stalled(), reason.progress() == Progress::Stalled, "{}", reason.name());
    }
    assert!(!Report::unchanged(Retry::Backoff).is_stalled());
}

#[test]
fn organizations_that_the_connection_itself_named_are_kept() {
    let another = Some((sink(), source()));
    assert_eq!(Report::in_sync(connection(), None).between(another.clone()).organizations, Some((source(), sink())));
    assert_eq!(Report::unchanged(Retry::WhenWoken).between(another.clone()).organizations, None, "who says nothing names nobody");
}

#[test]
fn a_report_is_amended_one_part_at_a_time() {
    let base = Report::not_ready(ConnectionReason::Deleting, "text", Retry::Backoff);
    let amended = base.clone().showing(Shown::NotOurs).having(Effect::Released("left alone".to_owned()));
    let expected = Report { shown: Shown::NotOurs, effect: Some(Effect::Released("left alone".to_owned())), ..base };
    assert_eq!(amended, expected);
}

#[test]
fn a_changed_pair_does_not_say_that_the_claimed_connection_is_gone() {
    let refused = Report::refused(&Refusal::PairChanged { claimed: pair(), resolved: other_pair() }, other_pair());
    assert_eq!(refused.shown, Shown::Unknown);
}

#[test]
fn another_look_is_laid_over_a_rest_and_over_no_growing_wait() {
    let soon = Duration::from_secs(1);
    for (retry, expected) in [
        (Retry::WhenWoken, Retry::After(soon)),
        (Retry::Permanent, Retry::After(soon)),
        (Retry::Backoff, Retry::Backoff),
        (Retry::After(10 * soon), Retry::After(10 * soon)),
    ] {
        assert_eq!(Report::unchanged(retry).looking_again(soon).retry, expected);
    }
}
