mod brake;
mod last_good;
mod recorded;
mod unread;

use http::Response;

use std::time::Duration;

use super::*;
use crate::datadog::{Credentials, Transport};
use crate::decide::desired::Names;
use crate::decide::fixtures::*;
use crate::decide::plan::Seen;
use crate::decide::poll::{self, Ask, next};
use crate::world::inventory::{Changed, OwnWrite, Snapshot};
use crate::world::orgs::Orgs;

const SECRET: Duration = poll::SECRET_INTERVAL;

/// A DatadogOrg as people write it, with whatever else stands in its spec.
fn object(uid: &str, more: &str) -> DatadogOrg {
    serde_yaml::from_str(&format!(
        "{{apiVersion: crossorg.dev/v1alpha1, kind: DatadogOrg, metadata: {{name: payments, namespace: apps, uid: {uid}}}, \
         spec: {{site: datadoghq.eu, credentialsSecretRef: {{name: key}}{more}}}}}"
    ))
    .unwrap()
}

fn new() -> Org {
    let object = object("one", "");
    let org = Org::new(Key::of(&object), "one".to_owned(), &object);
    org.specified(&object);
    org
}

/// A client that has heard Datadog's time once.
async fn client(key: &str) -> Client {
    let transport = Transport::new(tower::service_fn(|_| async {
        Ok(Response::builder().header("date", "Sun, 01 Mar 2026 12:00:00 GMT").body(bytes::Bytes::from_static(b"{}")).unwrap())
    }));
    let credentials = Credentials::from_keys(key.as_bytes(), b"application").unwrap();
    let client = Client::new(transport, &"https://api.datadoghq.eu".parse().unwrap(), credentials);
    client.delete(connection().id).await.unwrap();
    client
}

fn identity(permissions: &[&str]) -> Identity {
    Identity {
        organization: source(),
        principal: Principal { id: us(), service_account: Some(true) },
        permissions: permissions.iter().map(|name| (*name).to_owned()).collect(),
    }
}

fn source() -> Organization {
    crate::decide::fixtures::source()
}

fn list() -> Snapshot {
    let connections = [(pair(), connection())].into();
    Snapshot { organization: source().id, connections, doubt: None, began: Some(at(0)), began_here: Instant::now() }
}

fn empty_list() -> Snapshot {
    Snapshot { connections: std::collections::BTreeMap::new(), ..list() }
}

async fn connected() -> Org {
    let org = new();
    org.credentials(client("first").await);
    org.identified(identity(&["org_connections_read", "org_connections_write"]));
    org.recorded();
    org.listed(list());
    org
}

fn rejected() -> Trouble {
    Trouble::KeyRejected("Datadog refuses the key".to_owned())
}

fn unreachable() -> Trouble {
    Trouble::Unreachable("no route".to_owned())
}

fn secret_gone() -> Trouble {
    Trouble::SecretNotFound("key".to_owned())
}

fn wrong() -> Trouble {
    Trouble::WrongOrganization { expected: source().id, found: sink() }
}

fn throttled(seconds: u64) -> Trouble {
    Trouble::Throttled { why: "the budget is used up".to_owned(), wait: Duration::from_secs(seconds) }
}

fn every_trouble() -> Vec<Trouble> {
    let invalid = Trouble::SecretInvalid { secret: "key".to_owned(), why: "it holds no key".to_owned() };
    let missing = Trouble::PermissionMissing("lacks org_connections_read".to_owned());
    vec![rejected(), unreachable(), secret_gone(), wrong(), throttled(30), invalid, missing]
}

async fn pass(seconds: u64) {
    tokio::time::advance(Duration::from_secs(seconds)).await;
}

fn asked(org: &Org) -> Ask {
    next(&org.turn())
}

fn wait(org: &Org) -> Duration {
    match asked(org) {
        Ask::Nothing(wait) => wait,
        Ask::List | Ask::IdentityAndList => Duration::ZERO,
    }
}

fn is_usable(org: &Org) -> bool {
    matches!(org.source(), step::Organization::Usable { .. })
}

fn refusal(org: &Org) -> Option<String> {
    let source = org.source();
    let step::Organization::Usable { writes_refused, .. } = source else { panic!("{source:?}") };
    writes_refused
}

#[tokio::test(start_paused = true)]
async fn a_new_organization_is_unknown_and_proves_itself_before_anything_is_listed() {
    let org = new();
    assert_eq!((org.stand(), org.proven(), asked(&org)), (Stand::Checking, None, Ask::IdentityAndList));
    assert!(matches!(org.referenced(), Referenced::Unproven(_)));
    assert!(matches!(org.source(), step::Organization::NotUsable { undecided: true, stalled: false, .. }));
    assert!(org.speaker().is_none() && org.secret_is_due());
    assert_eq!(org.seen(pair()).1, None);
}

#[tokio::test(start_paused = true)]
async fn it_is_connected_once_it_is_proven_and_listed_and_used_once_that_is_recorded() {
    let org = new();
    org.credentials(client("first").await);
    assert!(!is_usable(&org));
    org.identified(identity(&[]));
    assert_eq!(org.stand(), Stand::Checking);
    org.listed(list());
    assert_eq!(org.stand(), Stand::Connected(identity(&[])));
    assert!(!is_usable(&org) && org.speaker().is_none(), "nothing is written before the status says whose key it is");
    org.recorded();
    assert!(is_usable(&org) && org.speaker().is_some() && !org.secret_is_due());
    assert_eq!(org.seen(pair()).0, Seen::Present(connection()));
}

#[tokio::test(start_paused = true)]
async fn a_connected_organization_is_listed_once_an_interval() {
    let org = connected().await;
    assert_eq!(wait(&org), Duration::from_secs(60));
    pass(60).await;
    assert_eq!(asked(&org), Ask::List);
}

#[tokio::test(start_paused = true)]
async fn a_wanted_list_is_one_begun_after_the_wish_a_second_after_the_last() {
    let org = connected().await;
    let begun_before = list();
    pass(5).await;
    let wish = Instant::now();
    org.want_list(Some(pair()));
    assert_eq!(asked(&org), Ask::List);
    org.listed(begun_before);
    assert!(org.turn().wanted && !org.looked_since(wish));
    pass(1).await;
    assert_eq!(org.listed(list()), Changed::Pairs([pair()].into()));
    assert!(!org.turn().wanted && org.looked_since(wish));
}

#[tokio::test(start_paused = true)]
async fn a_wish_does_not_hurry_lists_that_prove_nothing() {
    let org = connected().await;
    org.listed(Snapshot { doubt: Some("one row could not be read".to_owned()), ..list() });
    pass(5).await;
    org.want_list(Some(pair()));
    assert_eq!(wait(&org), Duration::from_secs(55));
}

#[tokio::test(start_paused = true)]
async fn nobody_is_told_of_a_trouble_twice() {
    for trouble in every_trouble() {
        let org = connected().await;
        assert!(org.failed(trouble.clone(), 0.5), "{trouble:?}");
        assert!(!org.failed(trouble.clone(), 0.5), "{trouble:?}");
        assert!(matches!(org.stand(), Stand::Trouble(stands, _) if stands == trouble));
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_written_in_trouble_whatever_it_is() {
    for trouble in every_trouble() {
        let org = connected().await;
        org.failed(trouble.clone(), 0.5);
        assert!(org.speaker().is_none(), "{trouble:?}");
        let step::Organization::NotUsable { why, undecided, stalled } = org.source() else { panic!("{trouble:?}") };
        assert!(why.contains(trouble.reason().name()) && !undecided, "{why}");
        assert_eq!(stalled, trouble.needs_a_person(Duration::ZERO), "{trouble:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn that_a_refusal_is_final_is_news_once() {
    let org = connected().await;
    let rejected = || org.failed(Trouble::KeyRejected("Datadog refuses the key".to_owned()), 0.5);
    let is_stalled = || matches!(org.source(), step::Organization::NotUsable { stalled: true, .. });
    assert!(rejected() && !rejected() && !is_stalled());
    pass(poll::SPREADING.as_secs()).await;
    assert!(is_stalled() && rejected() && !rejected() && is_stalled());
}

#[tokio::test(start_paused = true)]
async fn what_was_proven_stays_known_in_trouble() {
    for trouble in every_trouble() {
        let org = connected().await;
        org.failed(trouble, 0.5);
        assert_eq!((org.proven(), org.contradicts(sink().id)), (Some(source().id), Some(source().id)));
        assert!(matches!(org.referenced(), Referenced::Proven(organization, _) if organization == source()));
        assert_eq!(org.seen(pair()).0, Seen::Present(connection()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_trouble_about_the_key_asks_for_the_identity_again_and_one_on_the_way_does_not() {
    for trouble in every_trouble() {
        let org = connected().await;
        org.failed(trouble.clone(), 0.5);
        pass(600).await;
        let expected = if trouble.leaves_identity() { Ask::List } else { Ask::IdentityAndList };
        assert_eq!(asked(&org), expected, "{trouble:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_credentials_cost_twelve_requests_in_their_first_minute() {
    for trouble in every_trouble() {
        let org = new();
        org.credentials(client("first").await);
        let (begin, mut requests) = (Instant::now(), 0);
        while begin.elapsed() < Duration::from_secs(60) {
            if matches!(asked(&org), Ask::Nothing(_)) {
                pass(1).await;
                continue;
            }
            // Identity and list: no turn sends more for bad credentials.
            requests += if trouble.is_about_the_secret() { 0 } else { 2 };
            org.failed(trouble.clone(), 1.0);
        }
        assert!(requests < 12, "{requests} for {trouble:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_key_is_tried_often_for_two_minutes_and_then_once_a_minute() {
    let org = new();
    org.credentials(client("first").await);
    let mut waits = Vec::new();
    for _ in 0..12 {
        org.failed(rejected(), 0.5);
        waits.push(wait(&org).as_secs());
        pass(wait(&org).as_secs()).await;
    }
    assert_eq!(waits, [15, 15, 15, 15, 15, 15, 15, 15, 55, 55, 55, 55]);
    assert!(matches!(org.stand(), Stand::Trouble(_, lasting) if lasting > poll::SPREADING));
}

#[tokio::test(start_paused = true)]
async fn everybody_is_woken_when_a_trouble_ends() {
    for trouble in every_trouble() {
        let org = connected().await;
        org.failed(trouble.clone(), 0.5);
        pass(600).await;
        let epoch = org.epoch();
        org.credentials(client("first").await);
        org.identified(identity(&["org_connections_read", "org_connections_write"]));
        let changed = org.listed(list());
        assert_ne!(org.epoch(), epoch, "{trouble:?}: a failed call is worth trying again");
        assert!(matches!(org.stand(), Stand::Connected(_)) && is_usable(&org), "{trouble:?}");
        assert_eq!(changed, Changed::Everything, "{trouble:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_secret_of_an_organization_in_trouble_is_looked_at_every_ten_seconds() {
    for trouble in every_trouble() {
        let org = connected().await;
        assert!(!org.secret_is_due());
        pass(30).await;
        org.failed(trouble.clone(), 0.5);
        if !trouble.is_about_the_secret() {
            assert!(org.secret_is_due(), "at once: {trouble:?}");
            org.credentials(client("first").await);
        }
        assert!(!org.secret_is_due(), "{trouble:?}");
        assert!(wait(&org) > Duration::from_secs(1), "{trouble:?}");
        pass(SECRET.as_secs() - 1).await;
        assert!(!org.secret_is_due(), "{trouble:?}");
        pass(1).await;
        assert!(org.secret_is_due(), "{trouble:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn other_credentials_end_every_wait_and_have_to_prove_themselves() {
    for trouble in every_trouble() {
        let org = connected().await;
        org.failed(trouble.clone(), 0.5);
        let epoch = org.epoch();
        org.credentials(client("second").await);
        assert_eq!((org.stand(), asked(&org)), (Stand::Checking, Ask::IdentityAndList), "{trouble:?}");
        assert!(org.speaker().is_none() && org.epoch() > epoch);
        assert_eq!(org.contradicts(sink().id), Some(source().id), "a key of another organization is still refused");
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_credentials_end_no_wait_but_that_for_the_secret() {
    for trouble in every_trouble() {
        let org = connected().await;
        org.failed(trouble.clone(), 0.5);
        let before = wait(&org);
        org.credentials(client("first").await);
        let expected = if trouble.is_about_the_secret() { Duration::ZERO } else { before };
        assert_eq!(wait(&org), expected, "{trouble:?}");
        assert!(matches!(org.stand(), Stand::Trouble(..)), "{trouble:?}: a list ends it");
    }
}

#[tokio::test(start_paused = true)]
async fn a_named_reset_is_waited_for_in_full() {
    let org = connected().await;
    org.failed(throttled(40), 0.0);
    assert!(wait(&org) >= Duration::from_secs(40));
    pass(39).await;
    assert!(matches!(asked(&org), Ask::Nothing(_)));
    pass(2).await;
    assert_eq!(asked(&org), Ask::List);
}

#[tokio::test(start_paused = true)]
async fn other_credentials_are_used_from_then_on() {
    let org = connected().await;
    let other = client("second").await;
    org.credentials(other.clone());
    assert_eq!(org.client().unwrap().credentials(), other.credentials());
}

#[tokio::test(start_paused = true)]
async fn a_person_who_asks_to_look_afresh_ends_every_wait() {
    for trouble in every_trouble() {
        let org = connected().await;
        org.failed(trouble.clone(), 0.5);
        org.look_afresh(None);
        assert_eq!(wait(&org), Duration::ZERO, "{trouble:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_look_that_a_person_asked_for_is_news_though_it_fails_as_the_one_before() {
    for trouble in every_trouble() {
        let org = connected().await;
        org.failed(trouble.clone(), 0.5);
        pass(1).await;
        org.look_afresh(None);
        pass(1).await;
        assert_eq!([org.failed(trouble.clone(), 0.5), org.failed(trouble.clone(), 0.5)], [true, false], "{trouble:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_write_keeps_the_organization_usable_and_has_its_permissions_looked_at_within_a_minute() {
    let org = connected().await;
    let speaker = org.speaker().unwrap().0;
    org.refused(&speaker, "lacks org_connections_write".to_owned());
    assert_eq!(refusal(&org).as_deref(), Some("lacks org_connections_write"));
    assert!(wait(&org) > Duration::from_secs(30));
    pass(60).await;
    assert_eq!(asked(&org), Ask::IdentityAndList);
}

#[tokio::test(start_paused = true)]
async fn a_write_refused_without_a_reason_has_the_identity_asked_for_at_once() {
    let org = connected().await;
    pass(1).await;
    let speaker = org.speaker().unwrap().0;
    org.suspects(&speaker);
    assert_eq!(asked(&org), Ask::IdentityAndList);
    org.identified(identity(&["org_connections_read", "org_connections_write"]));
    pass(1).await;
    org.listed(list());
    assert!(refusal(&org).is_none() && wait(&org) > Duration::from_secs(30), "it is not asked for again and again");
}

#[tokio::test(start_paused = true)]
async fn a_permission_that_was_granted_lets_writes_through_again() {
    let org = connected().await;
    let speaker = org.speaker().unwrap().0;
    let (less, epoch) = (identity(&["org_connections_read"]), org.epoch());
    org.identified(less.clone());
    org.refused(&speaker, "no".to_owned());
    org.identified(less);
    assert!(refusal(&org).is_some(), "nothing has changed");
    org.identified(identity(&["org_connections_read", "org_connections_write"]));
    assert_eq!(refusal(&org), None);
    assert!(org.epoch() > epoch);
}

#[tokio::test(start_paused = true)]
async fn a_refused_write_is_worth_another_try_after_half_an_hour() {
    let org = connected().await;
    let speaker = org.speaker().unwrap().0;
    let (same, epoch) = (identity(&["org_connections_read", "org_connections_write"]), org.epoch());
    org.refused(&speaker, "no".to_owned());
    pass(PERMANENT_WAIT.as_secs()).await;
    org.identified(same);
    assert_eq!(refusal(&org), None);
    assert!(org.epoch() > epoch);
}

#[tokio::test(start_paused = true)]
async fn a_request_to_look_afresh_ends_a_refusal() {
    let org = connected().await;
    let speaker = org.speaker().unwrap().0;
    org.refused(&speaker, "no".to_owned());
    pass(1).await;
    org.look_afresh(None);
    assert_eq!((refusal(&org), asked(&org)), (None, Ask::IdentityAndList));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_the_old_key_says_nothing_of_the_new_one() {
    let org = connected().await;
    let old = org.speaker().unwrap().0;
    org.credentials(client("second").await);
    org.refused(&old, "no".to_owned());
    org.suspects(&old);
    org.identified(identity(&[]));
    org.listed(list());
    assert_eq!(refusal(&org), None);
}

#[tokio::test(start_paused = true)]
async fn an_organization_vouches_for_its_objects_for_an_hour_or_ten_intervals_after_its_last_list() {
    for (interval, hours) in [("10s", 1), ("6m", 1), ("1h", 10)] {
        let org = connected().await;
        org.specified(&object("one", &format!(", pollInterval: {interval}")));
        org.failed(unreachable(), 0.5);
        pass(hours * 3600 - 1).await;
        assert!(org.vouches(), "{interval}");
        pass(1).await;
        assert!(!org.vouches(), "{interval}");
        org.listed(list());
        assert!(org.vouches(), "{interval}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_organization_that_was_never_listed_is_given_the_same_time() {
    let org = new();
    pass(3599).await;
    assert!(org.vouches());
    pass(1).await;
    assert!(!org.vouches());
}

#[tokio::test(start_paused = true)]
async fn another_secret_site_or_pin_is_looked_at_at_once() {
    let other_site = serde_yaml::from_str::<DatadogOrg>(
        "{apiVersion: crossorg.dev/v1alpha1, kind: DatadogOrg, metadata: {name: payments, namespace: apps, uid: one}, \
         spec: {site: datadoghq.com, credentialsSecretRef: {name: key}}}",
    );
    let mut other_secret = object("one", "");
    other_secret.spec.credentials_secret_ref.name = "other".to_owned();
    let pin = object("one", &format!(", organizationId: {}", sink().id));
    for changed in [other_site.unwrap(), other_secret, pin.clone()] {
        let org = connected().await;
        org.specified(&changed);
        assert_eq!((org.stand(), asked(&org)), (Stand::Checking, Ask::IdentityAndList));
        assert!(org.secret_is_due() && org.client().is_none() && !is_usable(&org));
        org.specified(&changed);
        org.credentials(client("first").await);
        org.specified(&changed);
        assert!(org.client().is_some(), "the same spec again changes nothing");
    }
    let org = connected().await;
    org.specified(&pin);
    let refused = [source(), sink()].map(|found| org.contradicts(found.id));
    assert_eq!(refused, [Some(sink().id), Some(source().id)], "neither the pin nor what was proven gives way to the other");
}

#[tokio::test(start_paused = true)]
async fn another_interval_counts_from_the_last_list_and_disturbs_nobody() {
    let org = connected().await;
    org.specified(&object("one", ", pollInterval: 5m"));
    assert!(is_usable(&org));
    assert_eq!(wait(&org), Duration::from_mins(5));
}

#[tokio::test(start_paused = true)]
async fn an_organization_proven_by_an_earlier_process_is_known_before_it_is_asked() {
    let mut object = object("one", "");
    object.status =
        serde_json::from_value(serde_json::json!({"organization": {"id": source().id.to_string(), "name": "payments"}})).unwrap();
    let org = Org::new(Key::of(&object), "one".to_owned(), &object);
    assert_eq!((org.proven(), org.contradicts(sink().id)), (Some(source().id), Some(source().id)));
    assert_eq!(org.contradicts(source().id), None);
    assert!(!is_usable(&org));
}

#[tokio::test(start_paused = true)]
async fn an_own_write_is_seen_before_any_list_and_after_one_begun_before_it() {
    let org = connected().await;
    let begun_before = empty_list();
    pass(1).await;
    org.wrote(pair(), OwnWrite::Wrote(connection().differing()));
    org.listed(begun_before);
    assert_eq!(org.seen(pair()), (Seen::Present(connection().differing()), None));
}

#[tokio::test(start_paused = true)]
async fn a_terminating_organization_stays_usable_and_says_so() {
    let org = connected().await;
    let mut leaving = object("one", "");
    leaving.metadata.deletion_timestamp = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(at(0)));
    org.specified(&leaving);
    assert!(matches!(org.source(), step::Organization::Usable { terminating: true, .. }));
}

#[tokio::test(start_paused = true)]
async fn a_namesake_starts_afresh_and_the_same_object_does_not() {
    let orgs = Orgs::default();
    let first = orgs.applied(&object("one", ""));
    first.credentials(client("first").await);
    assert!(orgs.applied(&object("one", ", pollInterval: 5m")).client().is_some());
    let namesake = orgs.applied(&object("two", ""));
    assert_eq!(namesake.uid(), "two");
    assert!(namesake.client().is_none() && namesake.proven().is_none());
    assert_eq!(orgs.get(&first.key).unwrap().uid(), "two");
    orgs.deleted(&first.key);
    assert!(orgs.get(&first.key).is_none());
}
