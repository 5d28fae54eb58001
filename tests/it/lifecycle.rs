//! The life of a connection: created, changed, put right, deleted; and what is left alone. With what each of it costs.

mod pairs;

use std::time::Duration;

use crossorg::api::{CLAIM_ANNOTATION, CONNECTION_FINALIZER, DatadogOrg, OrgConnection, PAIR_LABEL, RECONCILE_REQUEST_ANNOTATION};
use datadog_double::{CENTRAL, PAYMENTS, SECURITY};
use kube::ResourceExt;
use serde_json::json;

use crate::harness::{Conditioned, Counts, OLD_ENOUGH, Operator, World, connection_id, payments};

/// The same, and it shares its logs with Central.
async fn sharing(name: &str) -> (World, Operator, OrgConnection) {
    let (world, operator) = payments(name).await;
    world.connection("to-central").from("payments").to(CENTRAL).types(&["logs"]).apply().await;
    let object = world.ready("to-central").await;
    world.event("to-central", "Created").await;
    (world, operator, object)
}

/// The types that Payments shares with Central, if it does.
fn shared(world: &World) -> Option<Vec<String>> {
    world.datadog.connection(PAYMENTS, CENTRAL).map(|connection| connection.connection_types)
}

/// What has been spent since the last call.
fn spent(world: &World, mark: &mut Counts) -> Counts {
    let now = world.counts();
    now - std::mem::replace(mark, now)
}

#[tokio::test]
async fn each_effect_costs_one_request_the_writes_that_record_it_and_one_event() {
    let (world, _operator) = payments("costs").await;
    let mut mark = world.counts();

    world.connection("to-central").from("payments").to(CENTRAL).types(&["logs"]).apply().await;
    world.ready("to-central").await;
    world.event("to-central", "Created").await;
    let create = spent(&world, &mut mark);
    assert_eq!((create.remote_writes(), create.object_writes(), create.events), ((1, 0, 0), (1, 1), 1), "create: {create:?}");

    world.connection("to-central").from("payments").to(CENTRAL).types(&["metrics", "logs"]).apply().await;
    world.ready("to-central").await;
    let note = world.event("to-central", "Updated").await;
    assert!(note.contains("add metrics"), "{note}");
    let change = spent(&world, &mut mark);
    assert_eq!((change.remote_writes(), change.object_writes(), change.events), ((0, 1, 0), (0, 1), 1), "change: {change:?}");

    world.advance(OLD_ENOUGH);
    world.refresh("payments").await;
    let quiet = spent(&world, &mut mark);
    assert_eq!((quiet.remote_writes(), quiet.object_writes(), quiet.events), ((0, 0, 0), (0, 0), 0), "quiet: {quiet:?}");

    world.delete::<OrgConnection>("to-central").await;
    world.gone::<OrgConnection>("to-central").await;
    world.event("to-central", "Deleted").await;
    let delete = spent(&world, &mut mark);
    assert_eq!((delete.remote_writes(), delete.object_writes(), delete.events), ((0, 0, 1), (1, 0), 1), "delete: {delete:?}");

    world.refresh("payments").await;
    let after = spent(&world, &mut mark);
    assert_eq!((after.remote_writes(), after.object_writes(), after.events), ((0, 0, 0), (0, 0), 0), "afterwards: {after:?}");
    let may_be_written = mark.lists + mark.delete + 1;
    assert!(mark.org_status <= may_be_written, "the DatadogOrg is written at most once per list and deletion, and once before: {mark:?}");
    assert_eq!((shared(&world), mark.org_object, mark.other), (None, 1, 0));
    assert!(world.datadog.violations().is_empty());
}

#[tokio::test]
async fn the_status_shows_the_connection_as_datadog_does() {
    let (world, _operator) = payments("shown").await;
    world.connection("to-central").from("payments").to(CENTRAL).types(&["metrics", "audit", "logs"]).apply().await;
    let object = world.ready("to-central").await;
    let connection = world.datadog.connection(PAYMENTS, CENTRAL).unwrap();
    let status = serde_json::to_value(&object.status).unwrap();
    let shown = json!({
        "observedGeneration": 1,
        "connectionId": connection.id.to_string(),
        "source": {"id": PAYMENTS.to_string(), "name": "Payments"},
        "sink": {"id": CENTRAL.to_string(), "name": "Central"},
        "connectionTypes": ["audit", "logs", "metrics"],
        "createdAt": format!("{:.0}", connection.created_at),
        "createdBy": {"id": connection.created_by.to_string(), "serviceAccount": true},
        "origin": "Created",
        "conditions": status["conditions"],
    });
    assert_eq!(status, shown);
    assert!(object.finalizers().contains(&CONNECTION_FINALIZER.to_owned()));
    assert!(object.annotations()[CLAIM_ANNOTATION].contains(&format!("{PAYMENTS}/{CENTRAL}")));
    assert_eq!(object.labels()[PAIR_LABEL].len(), 40);
    assert!(!object.has("Reconciling") && !object.has("Stalled"));

    let org = world.refresh("payments").await;
    let counts = serde_json::to_value(org.status.unwrap().connections).unwrap();
    assert_eq!(counts, json!({"managed": 1, "unmanaged": 0}));
}

#[tokio::test]
async fn changed_types_are_put_right_in_the_poll_that_sees_it() {
    let (world, _operator, object) = sharing("drift-types").await;
    let connection = world.datadog.connection(PAYMENTS, CENTRAL).unwrap();
    world.refresh("payments").await;
    world.datadog.change_types(connection.id, &["logs", "audit"]).unwrap();
    let before = world.counts();

    world.refresh("payments").await;
    let note = world.event("to-central", "DriftRepaired").await;
    let repair = world.counts() - before;
    assert!(note.contains("audit"), "{note}");
    assert_eq!(shared(&world), Some(vec!["logs".to_owned()]));
    assert_eq!((repair.lists, repair.remote_writes(), repair.events), (1, (0, 1, 0), 1), "{repair:?}");
    assert!(repair.object == 0 && repair.status <= 1, "{repair:?}");
    assert_eq!(connection_id(&world.ready("to-central").await), connection_id(&object));
}

#[tokio::test]
async fn a_connection_deleted_outside_is_created_again_in_the_poll_that_sees_it() {
    let (world, _operator, object) = sharing("drift-deleted").await;
    // A list may lag behind a creation: once one has shown the connection, one without it is proof.
    world.refresh("payments").await;
    let connection = world.datadog.connection(PAYMENTS, CENTRAL).unwrap();
    world.datadog.delete(connection.id).unwrap();
    let before = world.counts();

    world.refresh("payments").await;
    world.event("to-central", "DriftRepaired").await;
    let repair = world.counts() - before;
    // What one list does not show is believed gone only when a second one, at once, says the same.
    assert_eq!((repair.lists, repair.remote_writes(), repair.object_writes(), repair.events), (2, (1, 0, 0), (1, 1), 1), "{repair:?}");
    let again = world.ready("to-central").await;
    assert_ne!(connection_id(&again), connection_id(&object));
    assert_eq!(connection_id(&again), world.datadog.connection(PAYMENTS, CENTRAL).unwrap().id.to_string());
    assert!(world.datadog.violations().is_empty());
}

#[tokio::test]
async fn a_datadog_org_in_use_stays_until_its_objects_are_gone() {
    let (world, _operator, _) = sharing("in-use").await;
    world.advance(OLD_ENOUGH);
    world.delete::<DatadogOrg>("payments").await;
    let org = world.org_reason("payments", "InUse").await;
    assert!(org.has("Reconciling") && org.message().contains("to-central"), "{}", org.message());
    world.connection("late").from("payments").to(SECURITY).types(&["logs"]).apply().await;
    world.reason("late", "OrganizationNotReady").await;
    assert!(shared(&world).is_some() && world.datadog.connection(PAYMENTS, SECURITY).is_none());

    world.delete::<OrgConnection>("to-central").await;
    world.gone::<OrgConnection>("to-central").await;
    world.gone::<DatadogOrg>("payments").await;
    assert!(shared(&world).is_none());
}

#[tokio::test]
async fn an_organization_that_nothing_uses_goes_at_once() {
    let (world, _operator) = payments("not-in-use").await;
    world.delete::<DatadogOrg>("payments").await;
    world.gone::<DatadogOrg>("payments").await;
}

#[tokio::test]
async fn an_orphaned_connection_stays() {
    let (world, _operator) = payments("orphan").await;
    world.connection("to-central").from("payments").to(CENTRAL).types(&["logs"]).orphaning().apply().await;
    let object = world.ready("to-central").await;
    world.delete::<OrgConnection>("to-central").await;
    world.gone::<OrgConnection>("to-central").await;
    let note = world.event("to-central", "Orphaned").await;
    assert!(note.contains(&connection_id(&object)), "{note}");
    assert_eq!(world.counts().delete, 0);
    assert_eq!(shared(&world), Some(vec!["logs".to_owned()]));
}

#[tokio::test]
async fn a_connection_younger_than_a_minute_is_deleted_at_once_and_its_object_a_minute_later() {
    let (world, _operator, _) = sharing("young").await;
    world.delete::<OrgConnection>("to-central").await;
    let object = world.reason("to-central", "Deleting").await;
    assert!(object.has("Reconciling") && shared(&world).is_none());
    world.advance(OLD_ENOUGH);
    world.annotate::<OrgConnection>("to-central", RECONCILE_REQUEST_ANNOTATION, "now").await;
    world.gone::<OrgConnection>("to-central").await;
    assert_eq!(world.counts().remote_writes(), (1, 0, 1));
}

#[tokio::test]
async fn a_terminating_object_can_be_told_to_leave_its_connection() {
    let (world, _operator, _) = sharing("orphan-late").await;
    world.datadog.revoke(PAYMENTS, "payments").unwrap();
    world.delete::<OrgConnection>("to-central").await;
    let refused = |journal: &[datadog_double::Entry]| journal.iter().any(|entry| entry.method == "DELETE");
    world.datadog.wait(Duration::from_secs(30), refused).await.unwrap();
    world.patch::<OrgConnection>("to-central", json!({"spec": {"deletionPolicy": "Orphan"}})).await;
    world.gone::<OrgConnection>("to-central").await;
    assert!(shared(&world).is_some());
}

#[tokio::test]
async fn a_request_to_look_afresh_is_answered_whatever_stands_in_the_way() {
    let (world, _operator, _) = sharing("requests").await;
    world.look_again("to-central").await;
    world.connection("second").from("payments").to(CENTRAL).types(&["logs"]).apply().await;
    world.reason("second", "Conflict").await;
    world.look_again("second").await;
    world.connection("no-org").from("nobody").to(CENTRAL).types(&["logs"]).apply().await;
    world.reason("no-org", "OrganizationNotReady").await;
    world.connection("no-sink").from("payments").with_sink("nobody").types(&["logs"]).apply().await;
    world.reason("no-sink", "OrganizationNotReady").await;
    world.look_again("no-sink").await;
    assert_eq!(world.counts().remote_writes(), (1, 0, 0));
}

#[tokio::test]
async fn a_restarted_operator_finds_everything_as_it_left_it_and_writes_nothing() {
    let (world, mut operator, _) = sharing("restart").await;
    world.refresh("payments").await;
    assert!(operator.terminate().await.success());
    let before = world.counts();
    let _operator = world.operator().await;
    world.refresh("payments").await;
    let restart = world.counts() - before;
    assert_eq!((restart.remote_writes(), restart.object_writes(), restart.events), ((0, 0, 0), (0, 0), 0), "{restart:?}");
    assert!(restart.org_object == 0 && restart.org_status <= restart.lists, "{restart:?}");
}

#[tokio::test]
async fn what_was_asked_for_while_no_operator_ran_is_done_at_its_start() {
    let (world, mut operator, _) = sharing("absence").await;
    world.connection("to-security").from("payments").to(SECURITY).types(&["logs"]).apply().await;
    world.ready("to-security").await;
    operator.kill();
    world.advance(OLD_ENOUGH);
    world.connection("to-central").from("payments").to(CENTRAL).types(&["audit"]).apply().await;
    world.delete::<OrgConnection>("to-security").await;
    let before = world.counts();

    let _operator = world.operator().await;
    world.ready("to-central").await;
    world.gone::<OrgConnection>("to-security").await;
    assert_eq!(shared(&world), Some(vec!["audit".to_owned()]));
    assert_eq!((world.counts() - before).remote_writes(), (0, 1, 1));
    assert!(world.datadog.connection(PAYMENTS, SECURITY).is_none());
}

#[tokio::test]
async fn kubectl_can_wait_for_both_kinds_to_be_ready_and_for_what_needs_a_person() {
    let (world, _operator) = payments("kubectl-wait").await;
    world.datadog.create_as("Alice", PAYMENTS, SECURITY, &["audit"]).unwrap();
    world.connection("to-central").from("payments").to(CENTRAL).types(&["logs"]).apply().await;
    world.connection("to-security").from("payments").to(SECURITY).types(&["logs"]).apply().await;
    let wait = async |condition: &str, objects: &[&str]| {
        let condition = format!("--for=condition={condition}");
        world.kubectl_text(&[&["wait", condition.as_str(), "--timeout=30s"], objects].concat()).await
    };
    wait("Ready", &["datadogorg/payments", "orgconnection/to-central"]).await;
    wait("Stalled", &["orgconnection/to-security"]).await;
    wait("Ready=False", &["orgconnection/to-security"]).await;
}
