//! What the policies of an object let be done: every value of each, with what it costs and what is said.

mod adoption;
mod contested;
mod holding;
mod naming;
mod sink_key;

use crossorg::api::{CLAIM_ANNOTATION, OrgConnection, RECONCILE_REQUEST_ANNOTATION};
use datadog_double::{CENTRAL, Fault, PAYMENTS, Rule, When};
use kube::ResourceExt;

use crate::harness::{Conditioned, Counts, OLD_ENOUGH, World, connection_id, payments};

/// The types that Payments shares with Central, if it does.
fn shared(world: &World) -> Option<Vec<String>> {
    world.datadog.connection(PAYMENTS, CENTRAL).map(|connection| connection.connection_types)
}

fn plan(object: &OrgConnection) -> Option<&str> {
    object.status.as_ref().and_then(|status| status.plan.as_deref())
}

/// Writes at Datadog and to the object, as (POST, PATCH, DELETE) and (object, status).
fn written(world: &World, before: Counts) -> ((usize, usize, usize), (usize, usize)) {
    let spent = world.counts() - before;
    (spent.remote_writes(), spent.object_writes())
}

#[tokio::test]
async fn an_object_that_only_observes_says_what_would_be_done_and_does_nothing() {
    let (world, _operator) = payments("observe").await;
    let before = world.counts();
    let observed = || world.connection("to-central").from("payments").to(CENTRAL).types(&["logs"]).observed();

    observed().apply().await;
    let object = world.reason("to-central", "OutOfSync").await;
    assert_eq!(plan(&object), Some("create a connection that shares logs"));
    assert!(object.has("Stalled") && object.finalizers().is_empty() && !object.annotations().contains_key(CLAIM_ANNOTATION));

    let foreign = world.datadog.create_as("Alice", PAYMENTS, CENTRAL, &["audit"]).unwrap();
    world.datadog.protect(foreign.id).unwrap();
    world.refresh("payments").await;
    let differs =
        world.object("to-central", "it sees the other types", |object| plan(object).is_some_and(|plan| plan.contains("add logs"))).await;
    assert_eq!(differs.status.as_ref().unwrap().connection_types, ["audit"]);

    world.connection("to-central").from("payments").to(CENTRAL).types(&["audit"]).observed().apply().await;
    let equal = world.ready("to-central").await;
    let status = equal.status.unwrap();
    assert_eq!((status.connection_id, status.plan, status.connection_types), (None, None, vec!["audit".to_owned()]));

    world.delete::<OrgConnection>("to-central").await;
    world.gone::<OrgConnection>("to-central").await;
    assert_eq!(written(&world, before), ((0, 0, 0), (0, 3)));
    assert!(shared(&world).is_some() && world.datadog.violations().is_empty());
}

#[tokio::test]
async fn a_request_to_create_a_missed_connection_again_outlives_a_creation_that_fails() {
    let (world, _operator) = payments("report-fails").await;
    world.connection("to-central").from("payments").to(CENTRAL).types(&["logs"]).reporting().apply().await;
    world.ready("to-central").await;
    world.refresh("payments").await;
    world.datadog.delete(world.datadog.connection(PAYMENTS, CENTRAL).unwrap().id).unwrap();
    world.refresh("payments").await;
    world.reason("to-central", "DeletedOutside").await;
    for status in [429, 503] {
        world.datadog.script(Rule::new(Fault::status(When::Before, status)).method("POST").times(1));
    }
    world.annotate::<OrgConnection>("to-central", RECONCILE_REQUEST_ANNOTATION, "again").await;
    let object = world.ready("to-central").await;
    let handled = |object: &OrgConnection| object.status.as_ref().and_then(|status| status.last_handled_reconcile_at.clone());
    assert_eq!(handled(&object).as_deref(), Some("again"));
    assert_eq!(world.counts().remote_writes(), (4, 0, 0), "the first one, two failures, and one more");
}

#[tokio::test]
async fn an_object_that_comes_to_observe_keeps_its_claim_and_leaves_its_connection_behind() {
    let (world, _operator) = payments("full-to-observe").await;
    world.connection("to-central").from("payments").to(CENTRAL).types(&["logs"]).apply().await;
    world.ready("to-central").await;
    world.connection("to-central").from("payments").to(CENTRAL).types(&["metrics"]).observed().apply().await;
    let object = world.reason("to-central", "OutOfSync").await;
    assert_eq!(plan(&object), Some("add metrics; remove logs"));
    assert!(object.annotations().contains_key(CLAIM_ANNOTATION));
    world.delete::<OrgConnection>("to-central").await;
    world.gone::<OrgConnection>("to-central").await;
    assert_eq!((shared(&world), world.counts().remote_writes()), (Some(vec!["logs".to_owned()]), (1, 0, 0)));
}

#[tokio::test]
async fn a_connection_that_somebody_deleted_is_only_reported_if_so_wished_and_comes_back_on_request() {
    let (world, _operator) = payments("report").await;
    let reporting = || world.connection("to-central").from("payments").to(CENTRAL).types(&["logs"]).reporting();
    reporting().apply().await;
    let first = connection_id(&world.ready("to-central").await);
    let vanish = async || {
        // What has just been created is believed gone only after two lists.
        world.refresh("payments").await;
        world.datadog.delete(world.datadog.connection(PAYMENTS, CENTRAL).unwrap().id).unwrap();
        world.refresh("payments").await;
        let object = world.reason("to-central", "DeletedOutside").await;
        assert!(object.has("Stalled"));
        assert_eq!(plan(&object), Some("create a connection that shares logs"));
        object
    };

    let object = vanish().await;
    assert!(object.message().contains(&first), "{}", object.message());
    world.refresh("payments").await;
    assert_eq!(world.counts().remote_writes(), (1, 0, 0), "another list changes nothing");

    let again = world.look_again("to-central").await;
    assert_eq!(again.verdict().map(|ready| ready.reason.as_str()), Some("InSync"), "{}", again.message());
    assert_ne!(connection_id(&again), first);

    vanish().await;
    world.connection("to-central").from("payments").to(CENTRAL).types(&["logs"]).apply().await;
    world.ready("to-central").await;
    assert_eq!(world.counts().remote_writes(), (3, 0, 0));
}
