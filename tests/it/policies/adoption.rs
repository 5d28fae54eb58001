//! What is there already: left alone, or taken over.

use crossorg::api::OrgConnection;
use crossorg::api::org_connection::Origin;
use datadog_double::{CENTRAL, PAYMENTS};
use serde_json::json;

use super::{OLD_ENOUGH, payments, plan, shared, written};
use crate::harness::{Conditioned, World, connection_id};

const LOGS: &[&str] = &["logs"];

/// Alice has made a connection with these types, and the operator has seen it.
async fn alice_shares(world: &World, types: &[&str]) -> String {
    let foreign = world.datadog.create_as("Alice", PAYMENTS, CENTRAL, types).unwrap();
    world.refresh("payments").await;
    foreign.id.to_string()
}

fn origin(object: &OrgConnection) -> Option<Origin> {
    object.status.as_ref().and_then(|status| status.origin)
}

#[tokio::test]
async fn an_identical_connection_is_taken_over_without_a_write_at_datadog() {
    let (world, _operator) = payments("adopt-identical").await;
    let foreign = alice_shares(&world, LOGS).await;
    let before = world.counts();
    world.connection("to-central").from("payments").to(CENTRAL).types(LOGS).adopting("IfIdentical").apply().await;
    let object = world.ready("to-central").await;
    assert_eq!((connection_id(&object), origin(&object), plan(&object)), (foreign, Some(Origin::Adopted), None));
    let note = world.event("to-central", "Adopted").await;
    assert!(note.contains("which user") && note.contains("has to stop"), "{note}");
    assert_eq!(written(&world, before), ((0, 0, 0), (1, 1)), "the claim, and one status");

    world.advance(OLD_ENOUGH);
    world.delete::<OrgConnection>("to-central").await;
    world.gone::<OrgConnection>("to-central").await;
    assert!(shared(&world).is_none(), "it goes with its new owner");
}

#[tokio::test]
async fn a_connection_that_differs_is_taken_over_only_if_always() {
    let (world, _operator) = payments("adopt-differing").await;
    let foreign = alice_shares(&world, &["audit"]).await;
    let before = world.counts();
    for (policy, expected) in [("Never", "AlreadyExists"), ("IfIdentical", "AlreadyExists")] {
        world.connection("to-central").from("payments").to(CENTRAL).types(LOGS).adopting(policy).apply().await;
        let object = world.reason("to-central", expected).await;
        assert!(object.message().contains("set adoptionPolicy to Always"), "{}", object.message());
        assert!(plan(&object).is_some_and(|plan| plan.contains("add logs; remove audit")), "{:?}", plan(&object));
    }
    assert_eq!(written(&world, before).0, (0, 0, 0));

    world.connection("to-central").from("payments").to(CENTRAL).types(LOGS).adopting("Always").apply().await;
    let object = world.ready("to-central").await;
    assert_eq!((connection_id(&object), origin(&object)), (foreign, Some(Origin::Adopted)));
    assert_eq!((shared(&world), written(&world, before).0), (Some(vec!["logs".to_owned()]), (0, 1, 0)));
}

#[tokio::test]
async fn a_connection_that_becomes_identical_is_taken_over_then() {
    let (world, _operator) = payments("adopt-later").await;
    let foreign = alice_shares(&world, &["audit"]).await;
    world.connection("to-central").from("payments").to(CENTRAL).types(LOGS).adopting("IfIdentical").apply().await;
    world.reason("to-central", "AlreadyExists").await;
    world.datadog.change_types(foreign.parse().unwrap(), LOGS).unwrap();
    world.refresh("payments").await;
    assert_eq!(origin(&world.ready("to-central").await), Some(Origin::Adopted));
}

#[tokio::test]
async fn an_adopted_connection_is_adopted_again_after_a_restore_without_its_status() {
    let (world, _operator) = payments("adopt-restored").await;
    let foreign = alice_shares(&world, LOGS).await;
    world.connection("to-central").from("payments").to(CENTRAL).types(LOGS).adopting("IfIdentical").apply().await;
    world.ready("to-central").await;
    let nothing = kube::api::Patch::Merge(json!({"status": null}));
    world.connections().patch_status("to-central", &kube::api::PatchParams::default(), &nothing).await.unwrap();
    let object = world.ready("to-central").await;
    assert_eq!((connection_id(&object), origin(&object)), (foreign, Some(Origin::Adopted)));
    assert!(!object.has("Stalled") && world.counts().remote_writes() == (0, 0, 0));
}
