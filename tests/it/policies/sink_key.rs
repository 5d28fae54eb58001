//! Either side may delete a connection: the way out when the source's key has gone first.

use crossorg::api::{DatadogOrg, OrgConnection};
use datadog_double::{CENTRAL, SECURITY};
use k8s_openapi::api::core::v1::Secret;
use serde_json::json;

use super::{OLD_ENOUGH, payments, plan, shared};
use crate::harness::{Conditioned, Operator, World};

/// Payments shares its logs with Central for long, its Secret is gone, and the operator has never seen it.
async fn without_the_sources_key(name: &str) -> (World, Operator) {
    let (world, mut operator) = payments(name).await;
    world.connection("to-central").from("payments").to(CENTRAL).types(&["logs"]).apply().await;
    world.ready("to-central").await;
    world.advance(OLD_ENOUGH);
    operator.terminate().await;
    world.delete::<Secret>("payments-datadog").await;
    let operator = world.operator().await;
    world.org_reason("payments", "SecretNotFound").await;
    (world, operator)
}

#[tokio::test]
async fn a_connection_is_deleted_with_the_sinks_key_if_the_sources_is_gone() {
    let (world, _operator) = without_the_sources_key("sink-key").await;
    world.org("central").await;
    world.org_ready("central").await;
    world.delete::<OrgConnection>("to-central").await;
    world.gone::<OrgConnection>("to-central").await;
    assert!(shared(&world).is_none());
    let deleted = world.datadog.journal().into_iter().find(|entry| entry.method == "DELETE").unwrap();
    assert_eq!((deleted.organization, deleted.credential.as_deref()), (Some(CENTRAL), Some("central")));
    assert!(world.datadog.violations().is_empty());
}

#[tokio::test]
async fn a_connection_is_deleted_with_the_sinks_key_if_the_sources_datadog_org_is_another_organization_by_now() {
    let (world, _operator) = payments("sink-key-stranger").await;
    world.connection("to-central").from("payments").to(CENTRAL).types(&["logs"]).apply().await;
    world.ready("to-central").await;
    world.advance(OLD_ENOUGH);
    world.delete::<DatadogOrg>("payments").await;
    world.patch::<DatadogOrg>("payments", json!({"metadata": {"finalizers": null}})).await;
    world.gone::<DatadogOrg>("payments").await;
    world.organization("payments").with_key("security").apply().await;
    world.reason("to-central", "PairChanged").await;
    world.org("central").await;
    world.org_ready("central").await;
    world.delete::<OrgConnection>("to-central").await;
    world.gone::<OrgConnection>("to-central").await;
    assert!(shared(&world).is_none() && world.datadog.violations().is_empty());
}

#[tokio::test]
async fn the_sinks_key_deletes_no_more_than_the_sources_brake_lets_through() {
    let (world, _operator) = without_the_sources_key("sink-key-brake").await;
    world.patch::<DatadogOrg>("payments", json!({"spec": {"maxDeletionsPerHour": 0}})).await;
    world.org("central").await;
    world.org_ready("central").await;
    world.delete::<OrgConnection>("to-central").await;
    let object = world.reason("to-central", "DeletionHeld").await;
    assert!(object.message().contains("DatadogOrg payments") && shared(&world).is_some(), "{}", object.message());
    world.patch::<DatadogOrg>("payments", json!({"spec": {"maxDeletionsPerHour": 1}})).await;
    world.gone::<OrgConnection>("to-central").await;
    let brakes = async |org: &str| world.orgs().get(org).await.unwrap().status.unwrap().deletions_in_window.len();
    assert_eq!((brakes("payments").await, brakes("central").await, shared(&world)), (1, 0, None));
}

#[tokio::test]
async fn without_either_key_a_deletion_says_what_is_missing_and_ends_as_soon_as_the_sink_is_there() {
    let (world, _operator) = without_the_sources_key("no-key").await;
    world.delete::<OrgConnection>("to-central").await;
    let object = world.reason("to-central", "DeletionBlocked").await;
    assert!(object.message().contains("SecretNotFound") && shared(&world).is_some(), "{}", object.message());
    assert!(plan(&object).is_none(), "what is there cannot be seen");
    world.org("central").await;
    world.gone::<OrgConnection>("to-central").await;
    assert!(shared(&world).is_none());
}

#[tokio::test]
async fn the_last_good_key_finishes_deletions_when_its_secret_goes_and_does_nothing_else() {
    let (world, _operator) = payments("last-good-key").await;
    world.organization("payments").poll_every("10s").apply().await;
    for (name, sink) in [("to-central", CENTRAL), ("to-security", SECURITY)] {
        world.connection(name).from("payments").to(sink).types(&["logs"]).apply().await;
        world.ready(name).await;
    }
    world.advance(OLD_ENOUGH);
    world.delete::<Secret>("payments-datadog").await;
    world.org_reason("payments", "SecretNotFound").await;
    let before = world.counts();
    world.connection("to-security").from("payments").to(SECURITY).types(&["metrics"]).apply().await;
    world.reason("to-security", "OrganizationNotReady").await;
    world.delete::<OrgConnection>("to-central").await;
    world.gone::<OrgConnection>("to-central").await;
    assert_eq!(((world.counts() - before).remote_writes(), shared(&world)), ((0, 0, 1), None));
    world.org_reason("payments", "SecretNotFound").await;
}
