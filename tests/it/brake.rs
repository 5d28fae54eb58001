//! The deletion brake: no more connections are deleted within an hour than a DatadogOrg allows, whoever is killed; a person can let the
//! rest through; and whoever stays within the limit does not notice it.

use std::collections::BTreeSet;
use std::time::Duration;

use crossorg::api::{APPROVAL_ANNOTATION, DatadogOrg, OrgConnection};
use datadog_double::Entry;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, DeleteParams, ListParams};
use serde_json::json;
use xtask::controlplane::audit;

use crate::harness::{Conditioned, OLD_ENOUGH, Operator, World, connection_id, many_organizations, plane, share_with_each};

/// For many objects, beside whatever else the machine does.
const LONG: Duration = Duration::from_secs(180);
/// What a DatadogOrg allows that says nothing of it.
const DEFAULT_LIMIT: usize = 10;
const MANY: usize = 200;

/// A world where North has shared its logs with so many sinks for long.
async fn sharing(name: &str, count: usize) -> (World, Operator) {
    let (config, sinks) = many_organizations(&["north"], count);
    let world = World::with(plane::shared().await, name, &config).await;
    world.org("north").await;
    let operator = world.operator().await;
    share_with_each(&world, "share", "north", &sinks).await;
    world.datadog.wait_for_connections(LONG, |connections| connections.len() == count).await.unwrap();
    let all_ready = async || {
        let objects = world.connections().list(&ListParams::default()).await.unwrap();
        objects.iter().all(|object| object.verdict().is_some_and(|ready| ready.reason == "InSync")).then_some(())
    };
    world.within(LONG, "all are in sync", all_ready).await;
    world.advance(OLD_ENOUGH);
    world.refresh("north").await;
    (world, operator)
}

/// The same with this `maxDeletionsPerHour`.
async fn sharing_within(name: &str, count: usize, limit: usize) -> (World, Operator) {
    let (world, operator) = sharing(name, count).await;
    limit_to(&world, limit).await;
    world.refresh("north").await;
    (world, operator)
}

async fn limit_to(world: &World, limit: usize) {
    world.patch::<DatadogOrg>("north", json!({"spec": {"maxDeletionsPerHour": limit}})).await;
}

async fn delete_all(world: &World) {
    world.kubectl_text(&["delete", "orgconnections", "--all", "--wait=false"]).await;
}

/// The connections whose deletion has reached Datadog.
fn deleted(journal: &[Entry]) -> BTreeSet<String> {
    journal.iter().filter(|entry| entry.method == "DELETE").map(|entry| entry.path.clone()).collect()
}

/// Waits until so many say that they are held and how many they are, all in the same words, and everybody else has gone. Answers the words.
async fn all_held(world: &World, count: usize) -> String {
    let words = async || {
        let objects = world.connections().list(&ListParams::default()).await.unwrap().items;
        let held = objects.iter().filter(|object| object.verdict().is_some_and(|ready| ready.reason == "DeletionHeld"));
        let messages: Vec<String> = held.map(|object| object.message().to_owned()).collect();
        let one = messages.iter().all(|message| *message == messages[0] && message.contains(&format!(": {count} deletion(s) wait")));
        (messages.len() == count && objects.len() == count && one).then(|| messages[0].clone())
    };
    world.within(LONG, &format!("{count} objects, all of which are held"), words).await
}

async fn all_gone(world: &World) {
    let none = async || world.connections().list(&ListParams::default()).await.unwrap().items.is_empty().then_some(());
    world.within(LONG, "no object is left", none).await;
    assert!(world.datadog.state().connections.is_empty() && world.datadog.violations().is_empty());
}

/// How often the status of a DatadogOrg was written: without the attempts that were refused because somebody else had just done so.
fn org_statuses(world: &World) -> usize {
    let entries = audit::read(world.plane.audit_log()).unwrap();
    let is = |entry: &&audit::Entry| (entry.resource.as_str(), entry.subresource.as_str()) == ("datadogorgs", "status");
    entries.iter().filter(is).filter(|entry| entry.is_write() && entry.namespace == world.namespace && entry.code == 200).count()
}

fn held_by(org: &DatadogOrg) -> Option<i64> {
    org.status.as_ref().and_then(|status| status.held_deletions)
}

#[tokio::test]
async fn of_two_hundred_objects_deleted_at_once_ten_go_and_the_rest_waits_for_approval() {
    let (world, _operator) = sharing("mass-deletion", MANY).await;
    delete_all(&world).await;
    let message = all_held(&world, MANY - DEFAULT_LIMIT).await;
    assert_eq!(deleted(&world.datadog.journal()).len(), DEFAULT_LIMIT);
    assert_eq!(world.datadog.state().connections.len(), MANY - DEFAULT_LIMIT);
    let org = world.object("north", "it says how many wait", |org: &DatadogOrg| held_by(org) == Some(190)).await;
    assert!(org.message().contains("190 deletion(s) wait for its brake"), "{}", org.message());
    assert_eq!(org.status.unwrap().deletions_in_window.len(), DEFAULT_LIMIT);
    assert!(world.event("north", "DeletionHeld").await.contains("maxDeletionsPerHour"));
    let events = world.api::<k8s_openapi::api::events::v1::Event>().list(&ListParams::default()).await.unwrap();
    assert_eq!(events.iter().filter(|event| event.reason.as_deref() == Some("DeletionHeld")).count(), 1, "it is told once");

    world.approve_as_told(&message).await;
    all_gone(&world).await;
    assert_eq!(deleted(&world.datadog.journal()).len(), MANY);
    world.object("north", "nothing waits", |org: &DatadogOrg| held_by(org).is_none()).await;
}

#[tokio::test]
async fn an_operator_that_is_killed_every_few_seconds_deletes_no_more_than_one_that_is_not() {
    let (world, mut operator) = sharing("mass-killed", MANY).await;
    delete_all(&world).await;
    for life in 1..=8 {
        // It dies while it deletes: when two more connections have gone, or after a few seconds if none goes any more.
        let two_more = |journal: &[Entry]| deleted(journal).len() >= 2 * life;
        world.datadog.wait(Duration::from_secs(4), two_more).await.ok();
        operator.kill();
        assert!(deleted(&world.datadog.journal()).len() <= DEFAULT_LIMIT);
        operator = world.operator().await;
    }
    let left = MANY - deleted(&world.datadog.journal()).len();
    assert!(left >= MANY - DEFAULT_LIMIT);
    let message = all_held(&world, world.datadog.state().connections.len()).await;
    let remembered: BTreeSet<String> = world.orgs().get("north").await.unwrap().status.unwrap().deletions_in_window.into_iter().collect();
    let deleted_now = deleted(&world.datadog.journal());
    assert!(remembered.len() == DEFAULT_LIMIT && deleted_now.len() <= DEFAULT_LIMIT, "{remembered:?} {deleted_now:?}");
    assert!(deleted_now.iter().all(|path| remembered.iter().any(|id| path.ends_with(id))), "each was remembered before");

    world.approve_as_told(&message).await;
    all_gone(&world).await;
}

#[tokio::test]
async fn deletions_within_the_limit_cost_one_write_each_and_are_never_held() {
    let (world, _operator) = sharing_within("within-the-limit", 5, 5).await;
    let (before, statuses) = (world.counts(), org_statuses(&world));
    delete_all(&world).await;
    all_gone(&world).await;
    world.refresh("north").await;
    let (spent, statuses) = (world.counts() - before, org_statuses(&world) - statuses);
    assert_eq!((spent.remote_writes(), spent.object_writes()), ((0, 0, 5), (5, 0)), "{spent:?}");
    assert!((5..=5 + spent.lists).contains(&statuses), "one for each deletion, and one for each list: {statuses} {spent:?}");
    let status = world.orgs().get("north").await.unwrap().status.unwrap();
    assert_eq!((status.deletions_in_window.len(), status.held_deletions), (5, None));
}

#[tokio::test]
async fn an_hour_after_the_first_deletion_as_many_go_again() {
    let (world, _operator) = sharing_within("next-hour", 5, 2).await;
    delete_all(&world).await;
    all_held(&world, 3).await;
    world.advance(Duration::from_secs(3601));
    world.refresh("north").await;
    // Their own clock has not moved: a look is asked for.
    for object in world.connections().list(&ListParams::default()).await.unwrap() {
        world
            .annotate::<OrgConnection>(object.metadata.name.as_deref().unwrap(), "crossorg.dev/reconcile-requested-at", "an hour on")
            .await;
    }
    all_held(&world, 1).await;
    assert_eq!(deleted(&world.datadog.journal()).len(), 4);
}

#[tokio::test]
async fn with_a_limit_of_nothing_every_deletion_waits_and_a_higher_one_lets_them_through_at_once() {
    let (world, _operator) = sharing_within("no-deletions", 3, 0).await;
    delete_all(&world).await;
    let message = all_held(&world, 3).await;
    assert!(message.contains("maxDeletionsPerHour is 0"), "{message}");
    assert!(deleted(&world.datadog.journal()).is_empty());
    limit_to(&world, 3).await;
    all_gone(&world).await;
}

#[tokio::test]
async fn what_is_held_no_longer_is_counted_no_longer() {
    let (world, _operator) = sharing_within("held-then-suspended", 2, 0).await;
    delete_all(&world).await;
    all_held(&world, 2).await;
    world.object::<DatadogOrg>("north", "counts them", |org| held_by(org) == Some(2)).await;
    world.patch::<DatadogOrg>("north", json!({"spec": {"suspend": true}})).await;
    world.object::<DatadogOrg>("north", "counts none", |org| held_by(org).is_none_or(|held| held == 0)).await;
    assert!(deleted(&world.datadog.journal()).is_empty());
}

#[tokio::test]
async fn a_held_object_leaves_its_connection_to_one_that_is_applied_under_another_name() {
    let (world, _operator) = sharing_within("held-renamed", 1, 0).await;
    let held = world.connections().get("share-0").await.unwrap();
    delete_all(&world).await;
    all_held(&world, 1).await;
    let sink = held.status.as_ref().unwrap().sink.as_ref().unwrap().id.parse().unwrap();
    world.connection("renamed").from("north").to(sink).types(&["logs"]).apply().await;
    let renamed = world.ready("renamed").await;
    world.gone::<OrgConnection>("share-0").await;
    assert_eq!(connection_id(&renamed), connection_id(&held));
    assert!(deleted(&world.datadog.journal()).is_empty());
}

#[tokio::test]
async fn an_approval_that_is_none_is_said_to_be_none() {
    let (world, _operator) = sharing_within("no-approval", 2, 0).await;
    delete_all(&world).await;
    let message = all_held(&world, 2).await;
    for (text, why) in [("2199-01-01T00:00:00Z", "more than 24 h ahead"), ("tomorrow", "no time in the form")] {
        world.annotate::<DatadogOrg>("north", APPROVAL_ANNOTATION, text).await;
        let says = |object: &OrgConnection| object.message().contains(&format!("says `{text}`, which is {why}"));
        world.object("share-0", "it says that this approves nothing", says).await;
        assert!(deleted(&world.datadog.journal()).is_empty());
    }
    world.approve_as_told(&message).await;
    all_gone(&world).await;
}

#[tokio::test]
async fn a_namespace_of_more_objects_than_the_limit_waits_for_approval() {
    let (world, _operator) = sharing_within("held-namespace", 5, 2).await;
    let namespaces: Api<Namespace> = Api::all(world.client.clone());
    namespaces.delete(&world.namespace, &DeleteParams::default()).await.unwrap();
    let message = all_held(&world, 3).await;
    assert_eq!(deleted(&world.datadog.journal()).len(), 2);
    world.approve_as_told(&message).await;
    let is_gone = async || namespaces.get_opt(&world.namespace).await.unwrap().is_none().then_some(());
    world.within(LONG, "the namespace is gone", is_gone).await;
    assert!(world.datadog.state().connections.is_empty());
}
