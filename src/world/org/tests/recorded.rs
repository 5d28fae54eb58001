//! Whose credentials they are counts once the status says so, and what it said first counts for ever.

use super::*;
use crate::decide::model::Connection;
use crate::decide::organization::{self, Findings};
use crate::decide::unmanaged::Tally;

/// The object with this organization in its status.
fn recording(organization: &Organization) -> DatadogOrg {
    let mut object = object("one", "");
    let recorded = serde_json::json!({"organization": {"id": organization.id.to_string(), "name": organization.name}});
    object.status = serde_json::from_value(recorded).unwrap();
    object
}

#[tokio::test(start_paused = true)]
async fn an_organization_becomes_usable_once_and_again_after_trouble() {
    let org = connected().await;
    assert_eq!((org.becomes_usable(), org.becomes_usable()), (true, false));
    org.failed(unreachable(), 0.5);
    assert!(!org.becomes_usable());
    org.listed(list());
    assert_eq!((org.becomes_usable(), org.becomes_usable()), (true, false));
}

#[tokio::test(start_paused = true)]
async fn what_a_status_says_already_needs_not_be_recorded_again() {
    let org = new();
    org.credentials(client("first").await);
    org.identified(identity(&[]));
    assert_eq!((org.speaks_for(), org.proven()), (Some(source().id), None));
    org.specified(&recording(&source()));
    org.listed(list());
    assert_eq!(org.proven(), Some(source().id));
    assert!(is_usable(&org));
}

#[tokio::test(start_paused = true)]
async fn what_another_process_has_recorded_counts_more_than_what_this_one_has_proven() {
    let org = new();
    org.credentials(client("first").await);
    org.identified(identity(&[]));
    org.specified(&recording(&sink()));
    assert_eq!((org.speaks_for(), org.proven(), org.contradicts(source().id)), (None, Some(sink().id), Some(sink().id)));
    assert!(!is_usable(&org) && asked(&org) == Ask::IdentityAndList, "it is asked for again at once");
    org.recorded();
    assert_eq!(org.proven(), Some(sink().id), "and is not overwritten");
}

#[tokio::test(start_paused = true)]
async fn names_count_for_those_who_saw_their_spec_before_they_were_looked_up() {
    let org = connected().await;
    let before = Instant::now();
    assert_eq!(org.names(before), Names::NotAsked);
    pass(1).await;
    let known = Names::Known(vec![source(), sink()]);
    org.named(known.clone(), Instant::now());
    assert_eq!((org.names(before), org.names(Instant::now())), (known.clone(), known));
    pass(1).await;
    assert_eq!(org.names(Instant::now()), Names::NotAsked, "a name may have moved to another organization since");
}

#[tokio::test(start_paused = true)]
async fn the_connections_of_a_list_are_counted_once() {
    let org = connected().await;
    let first = org.uncounted().unwrap();
    assert_eq!(org.unmanaged(), None);
    org.counted(first, &Tally::of(vec![connection()], &[].into()));
    assert_eq!((org.uncounted(), org.unmanaged()), (None, Some([connection().id].into())));
    pass(60).await;
    org.listed(list());
    assert_eq!(org.uncounted(), Some(Instant::now()));
}

#[tokio::test(start_paused = true)]
async fn what_is_contested_is_measured_by_the_interval_in_which_it_can_be_noticed() {
    let window = |interval: &str| {
        let org = new();
        org.specified(&object("one", interval));
        org.contest_window()
    };
    assert_eq!(window(", pollInterval: 10s"), Duration::from_mins(10));
    assert_eq!(window(", pollInterval: 1h"), Duration::from_hours(5));
}

#[tokio::test(start_paused = true)]
async fn names_count_for_two_intervals_and_are_asked_for_with_every_regular_list() {
    let org = connected().await;
    let since = Instant::now();
    assert!(org.names_are_due(), "nobody has asked");
    org.named(Names::Known(vec![source()]), Instant::now());
    for (second, due, counts) in [(29, false, true), (30, true, true), (119, true, true), (120, true, false)] {
        tokio::time::advance(since + Duration::from_secs(second) - Instant::now()).await;
        assert_eq!((org.names_are_due(), org.names(since) != Names::NotAsked), (due, counts), "after {second} s");
    }
}

#[tokio::test(start_paused = true)]
async fn names_count_for_nothing_while_their_organization_is_in_trouble() {
    for trouble in every_trouble() {
        let (org, since) = (connected().await, Instant::now());
        let known = Names::Known(vec![source(), sink()]);
        org.named(known.clone(), since);
        org.failed(trouble, 0.5);
        assert_eq!(org.names(since), Names::NotAsked);
        org.listed(list());
        assert_eq!(org.names(since), known);
    }
}

/// What its status is told that the organization is called.
fn called(org: &Org) -> String {
    match org.stand() {
        Stand::Connected(identity) => identity.organization.name,
        other @ (Stand::Checking | Stand::Trouble(..)) => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn two_processes_call_an_organization_the_same_though_it_was_renamed_between_their_starts() {
    let (early, late) = (connected().await, connected().await);
    let renamed = Organization { name: "Renamed".to_owned(), ..source() };
    late.identified(Identity { organization: renamed.clone(), ..identity(&[]) });
    early.specified(&recording(&source()));
    late.specified(&recording(&source()));
    for org in [&early, &late] {
        org.listed(empty_list());
        assert_eq!(called(org), source().name, "no row tells: what is recorded stays");
    }
    let row = Connection { source: renamed.clone(), ..connection() };
    for org in [&early, &late] {
        org.listed(Snapshot { connections: [(pair(), row.clone())].into(), ..list() });
        assert_eq!(called(org), renamed.name);
        org.listed(empty_list());
        assert_eq!(called(org), renamed.name, "and stays known");
    }
}

#[tokio::test(start_paused = true)]
async fn an_identity_that_the_status_contradicts_is_asked_for_again_with_the_next_poll_and_then_believed() {
    let org = connected().await;
    let mut written = recording(&source());
    written.status = organization::next(
        written.status.as_ref(),
        &Findings {
            stand: Stand::Connected(identity(&["org_management"])),
            doubt: None,
            tally: None,
            users: Vec::new(),
            held: 0,
            handled_request: None,
        },
        1,
        at(0),
    );
    org.specified(&written);
    assert!(matches!(asked(&org), Ask::Nothing(_)), "whoever wrote it may have seen another key for a moment");
    pass(55).await;
    assert_eq!(asked(&org), Ask::IdentityAndList);
    org.identified(identity(&["org_management"]));
    org.specified(&written);
    pass(60).await;
    assert_eq!(asked(&org), Ask::List);
}

#[tokio::test(start_paused = true)]
async fn an_inventory_ages_from_its_last_complete_list_or_from_the_beginning() {
    let org = new();
    pass(30).await;
    assert_eq!(org.inventory_age(), Duration::from_secs(30));
    org.listed(list());
    pass(5).await;
    assert_eq!(org.inventory_age(), Duration::from_secs(5));
    org.listed(Snapshot { doubt: Some("one row could not be read".to_owned()), ..list() });
    assert_eq!(org.inventory_age(), Duration::from_secs(5), "an incomplete list proves nothing");
}

fn proven_as(orgs: &Orgs, organization: OrgId) -> Vec<Key> {
    orgs.of_organization(organization).into_iter().map(|org| org.key.clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn who_has_proven_what_is_asked_of_the_status_alone_and_a_check_under_way_is_open() {
    let orgs = Orgs::default();
    let org = orgs.applied(&object("one", &format!(", organizationId: {}", source().id)));
    let proven = || proven_as(&orgs, source().id);
    assert!(proven().is_empty() && orgs.is_any_undecided(), "a pin proves nothing");
    org.failed(unreachable(), 0.5);
    assert!(!orgs.is_any_undecided(), "nobody waits for what may never come");
    orgs.applied(&recording(&source()));
    assert_eq!((proven(), proven_as(&orgs, sink().id)), (vec![org.key.clone()], Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn what_is_uncertain_is_waited_for_once() {
    let (org, patience) = (connected().await, Duration::from_secs(10));
    assert!(!org.settles(false, patience) && org.settles(true, patience) && !org.settles(false, patience));
    pass(10).await;
    assert!(org.settles(false, patience));
    org.listed(list());
    assert!(org.settles(false, patience), "and not with each list again");
}
