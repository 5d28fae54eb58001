//! A process that dies, an answer that never comes, an object that goes, between an effect at Datadog and its record: nothing is done
//! twice, nothing is lost, nobody has to help.

mod answers;

use std::time::Duration;

use crossorg::api::{CLAIM_ANNOTATION, OrgConnection};
use datadog_double::{CENTRAL, Entry, Fault, PAYMENTS, Rule, SECURITY, When};
use kube::ResourceExt;
use serde_json::json;
use uuid::Uuid;

use crate::harness::{Conditioned, OLD_ENOUGH, Operator, World, connection_id, payments};

/// For a request to arrive at Datadog.
const SOON: Duration = Duration::from_secs(20);

/// The same, and it shares its logs with Central.
async fn sharing(name: &str) -> (World, Operator, OrgConnection) {
    let (world, operator) = payments(name).await;
    share_logs(&world).await;
    let object = world.ready("to-central").await;
    (world, operator, object)
}

async fn share_logs(world: &World) -> OrgConnection {
    world.connection("to-central").from("payments").to(CENTRAL).types(&["logs"]).apply().await
}

/// Has Datadog hold the next request of this method, before or after its effect, until the rule is released.
fn hold(world: &World, method: &str, when: When) -> u64 {
    world.datadog.script(Rule::new(Fault::Hold { when }).method(method))
}

/// Waits until so many requests of this method are held.
async fn held(world: &World, method: &str, count: usize) {
    let is = |entry: &&Entry| entry.method == method && entry.held.is_some();
    world.datadog.wait(SOON, |journal| journal.iter().filter(is).count() == count).await.unwrap();
}

/// The connection from Payments to this organization: its id and what is shared.
fn shared_with(world: &World, sink: Uuid) -> Option<(String, Vec<String>)> {
    world.datadog.connection(PAYMENTS, sink).map(|connection| (connection.id.to_string(), connection.connection_types))
}

fn types_with_central(world: &World) -> Option<Vec<String>> {
    shared_with(world, CENTRAL).map(|(_, types)| types)
}

// === kill -9 ===

#[tokio::test]
async fn a_process_killed_between_a_creation_and_its_record_leaves_one_connection_and_no_work() {
    let (world, mut operator) = payments("killed-create").await;
    let rule = hold(&world, "POST", When::After);
    share_logs(&world).await;
    held(&world, "POST", 1).await;
    let object = world.connections().get("to-central").await.unwrap();
    assert!(object.status.is_none_or(|status| status.connection_id.is_none()), "nothing is recorded when the process dies");
    operator.kill();
    world.datadog.release(rule).unwrap();

    let _next = world.operator().await;
    let object = world.ready("to-central").await;
    assert_eq!(Some((connection_id(&object), vec!["logs".to_owned()])), shared_with(&world, CENTRAL));
    world.connection("to-central").from("payments").to(CENTRAL).types(&["metrics"]).apply().await;
    world.ready("to-central").await;
    assert_eq!(types_with_central(&world), Some(vec!["metrics".to_owned()]), "it is owned: it follows its spec");
    assert_eq!(world.counts().remote_writes(), (1, 1, 0));
    assert!(world.datadog.violations().is_empty());
}

#[tokio::test]
async fn a_process_killed_between_a_change_and_its_record_leaves_nothing_to_change() {
    let (world, mut operator, object) = sharing("killed-update").await;
    let rule = hold(&world, "PATCH", When::After);
    world.connection("to-central").from("payments").to(CENTRAL).types(&["logs", "metrics"]).apply().await;
    held(&world, "PATCH", 1).await;
    operator.kill();
    world.datadog.release(rule).unwrap();

    let _next = world.operator().await;
    let again = world.ready("to-central").await;
    assert_eq!(connection_id(&again), connection_id(&object));
    assert_eq!(again.status.unwrap().connection_types, ["logs", "metrics"]);
    assert_eq!(world.counts().remote_writes(), (1, 1, 0));
    assert!(world.datadog.violations().is_empty());
}

#[tokio::test]
async fn a_process_killed_between_a_deletion_and_its_record_leaves_nothing_to_delete() {
    let (world, mut operator, _) = sharing("killed-delete").await;
    world.advance(OLD_ENOUGH);
    let rule = hold(&world, "DELETE", When::After);
    world.delete::<OrgConnection>("to-central").await;
    held(&world, "DELETE", 1).await;
    operator.kill();
    world.datadog.release(rule).unwrap();

    let _next = world.operator().await;
    world.gone::<OrgConnection>("to-central").await;
    assert_eq!((types_with_central(&world), world.counts().remote_writes()), (None, (1, 0, 1)));
    assert!(world.datadog.violations().is_empty());
}

#[tokio::test]
async fn a_creation_that_lands_after_its_process_died_is_found_by_the_next_one() {
    let (world, mut operator) = payments("lands-late").await;
    let (first, second) = (hold(&world, "POST", When::Before), hold(&world, "POST", When::Before));
    share_logs(&world).await;
    held(&world, "POST", 1).await;
    operator.kill();
    let _next = world.operator().await;
    held(&world, "POST", 2).await;

    world.datadog.release(first).unwrap();
    world.datadog.wait_for_connections(SOON, |connections| connections.len() == 1).await.unwrap();
    world.datadog.release(second).unwrap();
    let object = world.ready("to-central").await;
    assert_eq!(Some((connection_id(&object), vec!["logs".to_owned()])), shared_with(&world, CENTRAL));
    assert_eq!(world.counts().remote_writes(), (2, 0, 0));
    assert!(world.datadog.violations().is_empty());
}

#[tokio::test]
async fn a_creation_that_was_under_way_when_its_object_was_deleted_and_its_process_died_is_undone() {
    let (world, mut operator) = payments("killed-deleted").await;
    let rule = hold(&world, "POST", When::After);
    share_logs(&world).await;
    held(&world, "POST", 1).await;
    world.delete::<OrgConnection>("to-central").await;
    operator.kill();
    world.datadog.release(rule).unwrap();

    let _next = world.operator().await;
    world.datadog.wait_for_connections(SOON, <[_]>::is_empty).await.unwrap();
    world.advance(OLD_ENOUGH);
    world.refresh("payments").await;
    world.gone::<OrgConnection>("to-central").await;
    assert_eq!(world.counts().remote_writes(), (1, 0, 1));
    assert!(world.datadog.violations().is_empty());
}

#[tokio::test]
async fn an_object_waits_for_a_creation_that_may_still_land_and_undoes_it() {
    let (world, mut operator) = payments("lands-deleted").await;
    let rule = hold(&world, "POST", When::Before);
    share_logs(&world).await;
    held(&world, "POST", 1).await;
    world.delete::<OrgConnection>("to-central").await;
    operator.kill();

    let _next = world.operator().await;
    world.refresh("payments").await;
    world.reason("to-central", "Deleting").await;
    world.datadog.release(rule).unwrap();
    world.datadog.wait_for_connections(SOON, |connections| connections.len() == 1).await.unwrap();
    world.advance(OLD_ENOUGH);
    world.refresh("payments").await;
    world.gone::<OrgConnection>("to-central").await;
    assert_eq!((types_with_central(&world), world.counts().remote_writes()), (None, (1, 0, 1)));
    assert!(world.datadog.violations().is_empty());
}

// === Namesakes ===

/// While the creation of `to-central` is held, a person strips the object's finalizer, deletes it, and makes another one of the same name.
async fn replaced_while_creating(world: &World, sink: Uuid, types: &[&str]) {
    let rule = hold(world, "POST", When::After);
    let old = share_logs(world).await;
    held(world, "POST", 1).await;
    world.patch::<OrgConnection>("to-central", json!({"metadata": {"finalizers": null}})).await;
    world.delete::<OrgConnection>("to-central").await;
    world.gone::<OrgConnection>("to-central").await;
    let new = world.connection("to-central").from("payments").to(sink).types(types).apply().await;
    assert_ne!(new.uid(), old.uid());
    world.datadog.release(rule).unwrap();
}

#[tokio::test]
async fn what_an_old_pass_created_is_not_recorded_on_a_namesake_of_the_same_pair() {
    let (world, _operator) = payments("namesake-pair").await;
    replaced_while_creating(&world, CENTRAL, &["audit"]).await;
    let object = world.reason("to-central", "AlreadyExists").await;
    let (id, types) = shared_with(&world, CENTRAL).unwrap();
    assert!(object.message().contains(&id), "{}", object.message());
    assert!(world.event("to-central", "Created").await.contains(&id));
    assert_eq!(object.status.as_ref().unwrap().connection_id, None);
    assert!(object.finalizers().is_empty() && !object.annotations().contains_key(CLAIM_ANNOTATION));
    assert_eq!((types, world.counts().remote_writes()), (vec!["logs".to_owned()], (1, 0, 0)), "nobody's any more: left as it is");
}

#[tokio::test]
async fn what_an_old_pass_created_is_not_recorded_on_a_namesake_of_another_pair() {
    let (world, _operator) = payments("namesake-other").await;
    replaced_while_creating(&world, SECURITY, &["audit"]).await;
    let object = world.ready("to-central").await;
    let (orphan, _) = shared_with(&world, CENTRAL).unwrap();
    assert_eq!(Some((connection_id(&object), vec!["audit".to_owned()])), shared_with(&world, SECURITY));
    assert!(world.event("to-central", "Created").await.contains(&orphan));
    assert_eq!(world.counts().remote_writes(), (2, 0, 0));
    let counts = serde_json::to_value(world.refresh("payments").await.status.unwrap().connections).unwrap();
    assert_eq!(counts, json!({"managed": 1, "unmanaged": 1}), "what is left behind is told");
}
