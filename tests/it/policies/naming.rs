//! A sink by its name.

use datadog_double::{CENTRAL, PAYMENTS, SECURITY};

use super::{payments, shared};
use crate::harness::{Conditioned, World};

async fn connect(world: &World, name: &str, organization: &str) {
    world.connection(name).from("payments").with_sink_called(organization).types(&["logs"]).apply().await;
}

#[tokio::test]
async fn a_sink_is_found_by_its_name_and_stays_the_same_organization_when_the_name_moves() {
    let (world, _operator) = payments("named").await;
    connect(&world, "to-central", "Central").await;
    let object = world.ready("to-central").await;
    let sink = object.status.unwrap().sink.unwrap();
    assert_eq!((sink.id, sink.name.as_deref()), (CENTRAL.to_string(), Some("Central")));
    let lookups = |world: &World| world.datadog.journal().iter().filter(|entry| entry.path == "/api/v2/org").count();
    let looked_up = lookups(&world);

    world.datadog.rename(CENTRAL, "Former").unwrap();
    world.datadog.rename(SECURITY, "Central").unwrap();
    world.refresh("payments").await;
    world.connection("to-central").from("payments").with_sink_called("Central").types(&["metrics"]).apply().await;
    world.ready("to-central").await;
    assert_eq!((shared(&world), lookups(&world)), (Some(vec!["metrics".to_owned()]), looked_up), "what is claimed is not looked up again");
    assert!(world.datadog.connection(PAYMENTS, SECURITY).is_none());
}

#[tokio::test]
async fn a_name_that_nobody_or_more_than_one_has_is_answered_with_what_there_is() {
    let (world, _operator) = payments("misnamed").await;
    connect(&world, "to-nobody", "Centrall").await;
    let unknown = world.reason("to-nobody", "SinkUnknown").await;
    assert!(unknown.has("Stalled") && unknown.message().contains("Central, Payments, Security"), "{}", unknown.message());

    world.datadog.rename(SECURITY, "Central").unwrap();
    connect(&world, "to-central", "Central").await;
    let ambiguous = world.reason("to-central", "SinkUnknown").await;
    assert!(ambiguous.message().contains(&CENTRAL.to_string()) && ambiguous.message().contains(&SECURITY.to_string()));
    assert_eq!(world.counts().remote_writes(), (0, 0, 0));

    world.datadog.rename(SECURITY, "Centrall").unwrap();
    world.refresh("payments").await;
    world.ready("to-nobody").await;
    world.ready("to-central").await;
}

#[tokio::test]
async fn a_key_that_may_not_look_names_up_says_which_permission_is_missing() {
    let (world, _operator) = payments("may-not-look-up").await;
    world.organization("reader").with_key("payments-reader").apply().await;
    world.org_ready("reader").await;
    world.connection("by-name").from("reader").with_sink_called("Central").types(&["logs"]).apply().await;
    let object = world.reason("by-name", "PermissionMissing").await;
    assert!(object.message().contains("org_management") && object.message().contains("name the sink by its id"), "{}", object.message());
}
