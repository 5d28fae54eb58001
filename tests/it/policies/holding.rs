//! Suspended objects, suspended organizations, and a whole operator that only looks.

use crossorg::api::{DatadogOrg, OrgConnection};
use datadog_double::CENTRAL;
use kube::ResourceExt;
use serde_json::json;

use super::{OLD_ENOUGH, payments, plan, shared, written};
use crate::harness::{Conditioned, World};

#[tokio::test]
async fn a_suspended_object_changes_nothing_until_it_goes_on_and_can_still_be_deleted() {
    let (world, _operator) = payments("suspended").await;
    let connection = |types| world.connection("to-central").from("payments").to(CENTRAL).types(types);
    connection(&["logs"]).apply().await;
    world.ready("to-central").await;

    connection(&["logs"]).suspended().apply().await;
    world.ready("to-central").await;
    connection(&["metrics"]).suspended().apply().await;
    let object = world.reason("to-central", "Suspended").await;
    assert_eq!(plan(&object), Some("add metrics; remove logs"));
    assert!(!object.has("Stalled") && !object.has("Reconciling"));
    assert_eq!(world.counts().remote_writes(), (1, 0, 0));

    connection(&["metrics"]).apply().await;
    assert_eq!(plan(&world.ready("to-central").await), None);
    connection(&["metrics"]).suspended().apply().await;
    world.ready("to-central").await;
    world.advance(OLD_ENOUGH);
    world.delete::<OrgConnection>("to-central").await;
    world.gone::<OrgConnection>("to-central").await;
    assert_eq!((shared(&world), world.counts().remote_writes()), (None, (1, 1, 1)));
}

#[tokio::test]
async fn a_suspended_object_creates_nothing_and_claims_nothing() {
    let (world, _operator) = payments("suspended-new").await;
    let before = world.counts();
    world.connection("to-central").from("payments").to(CENTRAL).types(&["logs"]).suspended().apply().await;
    let object = world.reason("to-central", "Suspended").await;
    assert_eq!(plan(&object), Some("create a connection that shares logs"));
    assert!(object.finalizers().is_empty());
    assert_eq!(written(&world, before), ((0, 0, 0), (0, 1)));
}

#[tokio::test]
async fn nothing_is_asked_with_the_key_of_a_suspended_organization() {
    let (world, _operator) = payments("suspended-org").await;
    world.connection("to-central").from("payments").to(CENTRAL).types(&["logs"]).apply().await;
    world.ready("to-central").await;
    world.organization("payments").poll_every("10s").suspended().apply().await;
    let org = world.org_reason("payments", "Suspended").await;
    assert!(!org.has("Stalled") && !org.has("Reconciling"));

    let asked = world.datadog.journal().len();
    world.connection("to-central").from("payments").to(CENTRAL).types(&["metrics"]).apply().await;
    let object = world.reason("to-central", "OrganizationNotReady").await;
    assert!(object.message().contains("Suspended"), "{}", object.message());
    world.annotate::<DatadogOrg>("payments", crossorg::api::RECONCILE_REQUEST_ANNOTATION, "now").await;
    world.connection("another").from("payments").to(CENTRAL).types(&["metrics"]).apply().await;
    world.reason("another", "OrganizationNotReady").await;
    assert_eq!(world.datadog.journal().len(), asked);

    world.delete::<OrgConnection>("another").await;
    world.gone::<OrgConnection>("another").await;
    assert_eq!(world.datadog.journal().len(), asked);
    world.patch::<DatadogOrg>("payments", json!({"spec": {"suspend": false}})).await;
    world.org_ready("payments").await;
    world.ready("to-central").await;
    assert_eq!(shared(&world), Some(vec!["metrics".to_owned()]));
}

#[tokio::test]
async fn an_operator_that_only_observes_shows_every_plan_and_writes_nothing_at_datadog() {
    let world = World::new("observe-only").await;
    world.org("payments").await;
    let mut first = world.operator().await;
    world.org_ready("payments").await;
    world.connection("to-central").from("payments").to(CENTRAL).types(&["logs"]).apply().await;
    world.ready("to-central").await;
    world.advance(OLD_ENOUGH);
    first.terminate().await;

    let operator = world.start_operator(&["--observe-only"]).await;
    world.until("the operator is ready", async || operator.is_ready().await.then_some(())).await;
    let before = world.counts();
    world.connection("to-central").from("payments").to(CENTRAL).types(&["metrics"]).apply().await;
    let object = world.reason("to-central", "OutOfSync").await;
    assert_eq!(plan(&object), Some("add metrics; remove logs"));
    assert!(object.message().contains("--observe-only"), "{}", object.message());
    world.delete::<OrgConnection>("to-central").await;
    let leaving = world.reason("to-central", "DeletionBlocked").await;
    assert!(leaving.message().contains("--observe-only") && plan(&leaving).is_some_and(|plan| plan.starts_with("delete connection")));
    assert!(operator.log().contains("--observe-only"), "said at the start");
    assert_eq!((written(&world, before).0, shared(&world)), ((0, 0, 0), Some(vec!["logs".to_owned()])));
}
