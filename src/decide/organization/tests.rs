use std::collections::BTreeSet;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::*;
use crate::api::conditions::{Progress, find};
use crate::api::datadog_org::ConnectionCounts;
use crate::decide::fixtures::{at, connection, other_pair, pair, sink, source, us};
use crate::decide::model::{Connection, Organization, Principal};
use crate::decide::poll::SPREADING;

const SECOND: Duration = Duration::from_secs(1);

fn identity() -> Identity {
    Identity {
        organization: source(),
        principal: Principal { id: us(), service_account: Some(true) },
        permissions: vec!["org_connections_read".to_owned(), "org_connections_write".to_owned()],
    }
}

fn rejected() -> Trouble {
    Trouble::KeyRejected("Datadog refuses the key (403: Forbidden). Check it".to_owned())
}

fn forbidden() -> Trouble {
    Trouble::SecretForbidden { secret: "payments-key".to_owned(), why: "the account cannot get it".to_owned() }
}

fn every_trouble() -> Vec<Trouble> {
    vec![
        Trouble::SecretNotFound("payments-key".to_owned()),
        forbidden(),
        Trouble::SecretUnreadable { secret: "payments-key".to_owned(), why: "it cannot be decrypted".to_owned() },
        Trouble::SecretInvalid { secret: "payments-key".to_owned(), why: "it holds no key".to_owned() },
        rejected(),
        Trouble::WrongOrganization { expected: source().id, found: sink() },
        Trouble::PermissionMissing("give it org_connections_read".to_owned()),
        Trouble::Unreachable("no route".to_owned()),
        Trouble::Throttled { why: "the budget is used up".to_owned(), wait: 40 * SECOND },
        Trouble::Suspended,
    ]
}

fn every_stand() -> Vec<Stand> {
    let troubles =
        every_trouble().into_iter().flat_map(|trouble| [SECOND, SPREADING].map(|lasting| Stand::Trouble(trouble.clone(), lasting)));
    [Stand::Checking, Stand::Connected(identity())].into_iter().chain(troubles).collect()
}

fn findings(stand: Stand) -> Findings {
    Findings { stand, doubt: None, tally: None, users: Vec::new(), held: 0, handled_request: None }
}

/// A list with so many connections of each kind.
fn tally(managed: usize, unmanaged: usize) -> Tally {
    let rows = [
        vec![connection(); managed],
        vec![Connection { sink: Organization { id: other_pair().source, name: String::new() }, ..connection() }; unmanaged],
    ];
    Tally::of(rows.concat(), &BTreeSet::from([pair()]))
}

fn counted(managed: usize, unmanaged: usize) -> Findings {
    Findings { tally: Some(tally(managed, unmanaged)), ..findings(Stand::Connected(identity())) }
}

fn first(findings: &Findings) -> DatadogOrgStatus {
    next(None, findings, 1, at(0)).unwrap()
}

fn ready(status: &DatadogOrgStatus) -> (&str, &str) {
    let ready = find(&status.conditions, "Ready").unwrap();
    (&ready.status, &ready.reason)
}

#[test]
fn every_trouble_has_its_word_and_says_who_brings_it_forward() {
    for (trouble, reason, progress) in [
        ("SecretNotFound", "SecretNotFound", Progress::Reconciling),
        ("SecretForbidden", "SecretForbidden", Progress::Stalled),
        ("SecretUnreadable", "SecretUnreadable", Progress::Reconciling),
        ("SecretInvalid", "SecretInvalid", Progress::Stalled),
        ("KeyRejected", "KeyRejected", Progress::Stalled),
        ("WrongOrganization", "WrongOrganization", Progress::Stalled),
        ("PermissionMissing", "PermissionMissing", Progress::Stalled),
        ("Unreachable", "Unreachable", Progress::Reconciling),
        ("Throttled", "Throttled", Progress::Reconciling),
        ("Suspended", "Suspended", Progress::Settled),
    ] {
        let trouble = every_trouble().into_iter().find(|known| format!("{known:?}").starts_with(trouble)).unwrap();
        let verdict = Stand::Trouble(trouble, SPREADING).verdict(&[]);
        assert_eq!((verdict.ready, verdict.reason, verdict.progress), (Ready::False, reason, progress));
    }
}

#[test]
fn a_refused_key_and_a_refused_secret_are_final_only_after_two_minutes() {
    for (lasting, progress) in [
        (Duration::ZERO, Progress::Reconciling),
        (SPREADING.checked_sub(SECOND).unwrap(), Progress::Reconciling),
        (SPREADING, Progress::Stalled),
    ] {
        for refused in [rejected(), forbidden()] {
            assert_eq!(Stand::Trouble(refused, lasting).verdict(&[]).progress, progress, "{lasting:?}");
        }
    }
}

#[test]
fn every_message_says_what_is_the_matter_and_with_what() {
    for (trouble, words) in every_trouble().iter().zip([
        vec!["`payments-key`", "does not exist", "api-key", "bearer-token"],
        vec!["`payments-key`", "the account cannot get it", "`get`", "`secretNames`"],
        vec!["`payments-key`", "it cannot be decrypted", "every 10 s"],
        vec!["`payments-key`", "it holds no key"],
        vec!["refuses the key"],
        vec!["11111111-0000", "22222222-0000", "central"],
        vec!["org_connections_read"],
        vec!["no route"],
        vec!["used up"],
        vec!["suspended by its spec", "left as they are"],
    ]) {
        for word in words {
            assert!(trouble.message().contains(word), "{trouble:?} does not say {word}");
        }
    }
}

#[test]
fn only_a_proven_and_listed_organization_is_ready() {
    for stand in every_stand() {
        let verdict = stand.verdict(&[]);
        assert_eq!(verdict.ready == Ready::True, matches!(stand, Stand::Connected(_)), "{stand:?}");
        let at_will = matches!(stand, Stand::Trouble(Trouble::Suspended, _));
        assert_eq!(verdict.progress == Progress::Settled, matches!(stand, Stand::Connected(_)) || at_will, "{stand:?}");
    }
}

#[test]
fn a_key_that_may_only_read_is_ready() {
    let reader = Identity { permissions: vec!["org_connections_read".to_owned()], ..identity() };
    assert_eq!(Stand::Connected(reader).verdict(&[]).ready, Ready::True);
}

#[test]
fn a_persons_key_is_ready_with_a_caution() {
    for (service_account, caution) in [(Some(true), false), (None, false), (Some(false), true)] {
        let identity = Identity { principal: Principal { id: us(), service_account }, ..identity() };
        let verdict = Stand::Connected(identity).verdict(&[]);
        assert_eq!((verdict.ready, verdict.message.contains("deactivated")), (Ready::True, caution));
    }
}

#[test]
fn an_organization_in_use_names_those_that_keep_it_whatever_else_is_the_matter() {
    let users: Vec<String> = (1..=7).map(|number| format!("user-{number}")).collect();
    for stand in every_stand() {
        let verdict = stand.verdict(&users);
        assert_eq!((verdict.ready, verdict.reason, verdict.progress), (Ready::False, "InUse", Progress::Reconciling));
        assert!(verdict.message.contains("7 OrgConnection") && verdict.message.contains("user-1") && verdict.message.contains("Orphan"));
    }
}

#[test]
fn every_wait_is_as_long_as_its_trouble_needs() {
    let waits = |lasting| every_trouble().iter().map(|trouble| trouble.wait(lasting, 0, 1.0).as_secs()).collect::<Vec<_>>();
    assert_eq!(waits(Duration::ZERO), [10, 10, 10, 10, 15, 55, 55, 4, 40, 3600]);
    assert_eq!(waits(SPREADING), [10, 10, 10, 10, 55, 55, 55, 4, 40, 3600]);
}

#[test]
fn a_mended_key_or_permission_is_noticed_within_a_minute_whatever_was_tried_before() {
    for trouble in every_trouble().into_iter().filter(|trouble| trouble.needs_a_person(SPREADING)) {
        for lasting in [Duration::ZERO, SPREADING, Duration::from_hours(100)] {
            for attempts in [0, 1, 100, u32::MAX] {
                let wait = trouble.wait(lasting, attempts, 1.0);
                assert!((10 * SECOND..=60 * SECOND).contains(&wait), "{trouble:?}: {wait:?}");
            }
        }
    }
}

#[test]
fn an_outage_is_looked_at_less_and_less_and_every_five_minutes_at_least() {
    let waits: Vec<_> = (0..9).map(|attempts| Trouble::Unreachable(String::new()).wait(SECOND, attempts, 1.0).as_secs()).collect();
    assert_eq!(waits, [4, 8, 16, 32, 64, 128, 256, 300, 300]);
    assert_eq!(Trouble::Unreachable(String::new()).wait(SECOND, u32::MAX, 1.0).as_secs(), 300);
}

#[test]
fn nothing_is_sent_before_the_budget_opens_again() {
    for chance in [0.0, 0.5, 1.0] {
        for seconds in [0, 1, 40, 3600] {
            let wait = Duration::from_secs(seconds);
            assert!(Trouble::Throttled { why: String::new(), wait }.wait(SECOND, 0, chance) > wait);
        }
    }
}

#[test]
fn a_trouble_on_the_way_or_at_will_says_nothing_of_the_key_and_needs_nobody() {
    for trouble in every_trouble() {
        let nobody =
            matches!(trouble, Trouble::Unreachable(_) | Trouble::Throttled { .. } | Trouble::Suspended | Trouble::SecretUnreadable { .. });
        assert_eq!(trouble.needs_a_person(SPREADING), !nobody, "{trouble:?}");
        let may_spread = matches!(trouble, Trouble::KeyRejected(_) | Trouble::SecretForbidden { .. });
        assert_eq!(trouble.needs_a_person(SECOND), !nobody && !may_spread, "{trouble:?}");
        let unread = matches!(trouble, Trouble::SecretNotFound(_) | Trouble::SecretForbidden { .. });
        assert_eq!(trouble.leaves_identity(), nobody || unread, "{trouble:?}: a Secret that is not read says nothing of the last good key");
    }
}

#[test]
fn nothing_is_written_twice() {
    for stand in every_stand() {
        for (users, request) in [(Vec::new(), None), (vec!["a".to_owned()], Some("now".to_owned()))] {
            for tally in [None, Some(tally(2, 1))] {
                let findings =
                    Findings { stand: stand.clone(), doubt: None, tally, users: users.clone(), held: 0, handled_request: request.clone() };
                let written = first(&findings);
                assert_eq!(next(Some(&written), &findings, 1, at(3600)), None, "{findings:?}");
                let nothing_new = Findings { tally: None, handled_request: None, ..findings };
                assert_eq!(next(Some(&written), &nothing_new, 1, at(3600)), None);
            }
        }
    }
}

#[test]
fn the_time_that_a_trouble_has_lasted_is_no_reason_to_write() {
    for trouble in every_trouble() {
        let minutes = |number| findings(Stand::Trouble(trouble.clone(), Duration::from_mins(number)));
        assert_eq!(next(Some(&first(&minutes(5))), &minutes(600), 1, at(3600)), None, "{trouble:?}");
    }
}

#[test]
fn a_connected_organization_shows_who_it_is_and_whom_the_key_acts_as() {
    let status = first(&counted(2, 1));
    assert_eq!(ready(&status), ("True", "Connected"));
    assert_eq!(status.organization.unwrap().name.as_deref(), Some("payments"));
    assert_eq!(status.principal.unwrap().service_account, Some(true));
    assert_eq!(status.permissions, ["org_connections_read", "org_connections_write"]);
    assert_eq!(status.connections, Some(ConnectionCounts { managed: 2, unmanaged: 1 }));
    assert_eq!(status.unmanaged.len(), 1);
    assert_eq!(status.observed_generation, 1);
}

#[test]
fn what_was_proven_stays_shown_in_trouble() {
    let before = first(&counted(2, 1));
    for trouble in every_trouble() {
        let after = next(Some(&before), &findings(Stand::Trouble(trouble.clone(), SECOND)), 1, at(60)).unwrap();
        assert_eq!(ready(&after), ("False", trouble.reason().name()));
        assert_eq!(
            (&after.organization, &after.principal, &after.connections, &after.unmanaged),
            (&before.organization, &before.principal, &before.connections, &before.unmanaged)
        );
        assert_eq!(after.permissions, before.permissions);
    }
}

#[test]
fn a_mended_organization_has_no_condition_left_but_ready() {
    for trouble in every_trouble() {
        let broken = first(&findings(Stand::Trouble(trouble, SPREADING)));
        assert_eq!(broken.conditions.len(), if ready(&broken).1 == "Suspended" { 1 } else { 2 });
        let mended = next(Some(&broken), &findings(Stand::Connected(identity())), 1, at(60)).unwrap();
        assert_eq!((ready(&mended), mended.conditions.len()), (("True", "Connected"), 1));
    }
}

#[test]
fn a_new_generation_other_counts_and_a_request_are_each_written() {
    let before = first(&counted(2, 1));
    assert_eq!(next(Some(&before), &counted(2, 1), 2, at(60)).unwrap().observed_generation, 2);
    assert_eq!(next(Some(&before), &counted(3, 1), 1, at(60)).unwrap().connections, Some(ConnectionCounts { managed: 3, unmanaged: 1 }));
    let request = Findings { handled_request: Some("now".to_owned()), ..counted(2, 1) };
    assert_eq!(next(Some(&before), &request, 1, at(60)).unwrap().last_handled_reconcile_at.as_deref(), Some("now"));
}

#[test]
fn conditions_of_others_stay_and_are_no_reason_to_write() {
    let mut before = first(&counted(2, 1));
    let theirs = before.conditions[0].clone();
    before.conditions.push(k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition { type_: "Theirs".to_owned(), ..theirs });
    assert_eq!(next(Some(&before), &counted(2, 1), 1, at(60)), None);
    let after = next(Some(&before), &counted(2, 1), 2, at(60)).unwrap();
    assert!(find(&after.conditions, "Theirs").is_some());
}

#[test]
fn times_are_whole_seconds_as_kubernetes_stores_them() {
    let between = at(0) + jiff::SignedDuration::from_millis(789);
    let status = next(None, &counted(2, 1), 1, between).unwrap();
    assert_eq!(find(&status.conditions, "Ready").unwrap().last_transition_time.0, at(0));
}

#[test]
fn a_list_that_proves_nothing_is_told_beside_the_connection() {
    let doubtful = Findings { doubt: Some("one row could not be read".to_owned()), ..counted(0, 0) };
    let verdict = doubtful.verdict();
    assert_eq!((verdict.ready, verdict.reason), (Ready::True, "Connected"));
    assert!(verdict.message.ends_with("so nothing is created and nothing believed gone: one row could not be read"), "{}", verdict.message);
    assert_eq!(Findings { doubt: None, ..doubtful.clone() }.verdict(), doubtful.stand.verdict(&[]));
}

#[test]
fn a_status_tells_otherwise_when_principal_or_permissions_differ_and_one_without_a_principal_does_not() {
    let told = first(&findings(Stand::Connected(identity())));
    let granted = Identity { permissions: vec!["org_management".to_owned()], ..identity() };
    let person = Identity { principal: Principal { service_account: Some(false), ..identity().principal }, ..identity() };
    let renamed = Identity { organization: sink(), ..identity() };
    for (other, otherwise) in [(identity(), false), (renamed, false), (granted.clone(), true), (person, true)] {
        assert_eq!(tells_otherwise(&told, &other), otherwise, "{other:?}");
    }
    assert!(!tells_otherwise(&first(&findings(Stand::Checking)), &granted));
}

#[test]
fn held_deletions_are_counted_and_told_as_long_as_there_are_any() {
    let holding = |held| Findings { held, ..findings(Stand::Connected(identity())) };
    let status = next(Some(&first(&holding(0))), &holding(190), 1, at(1)).unwrap();
    let message = &find(&status.conditions, "Ready").unwrap().message;
    assert_eq!((status.held_deletions, ready(&status)), (Some(190), ("True", "Connected")));
    assert!(message.contains("; 190 deletion(s) wait for its brake"), "{message}");
    let over = next(Some(&status), &holding(0), 1, at(2)).unwrap();
    assert_eq!(over.held_deletions, None);
    assert_eq!(over.conditions, first(&holding(0)).conditions);
}

#[test]
fn what_the_brake_remembers_survives_whatever_is_found() {
    let remembering = DatadogOrgStatus {
        deletion_window_start: Some(Time(at(0))),
        deletions_in_window: vec!["cccccccc-0000-4000-8000-000000000001".to_owned()],
        ..blank()
    };
    for stand in every_stand() {
        let status = next(Some(&remembering), &findings(stand), 1, at(1)).unwrap();
        assert_eq!(status.deletion_window_start, remembering.deletion_window_start);
        assert_eq!(status.deletions_in_window, remembering.deletions_in_window);
    }
}
