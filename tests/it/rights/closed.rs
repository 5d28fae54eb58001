//! One of the watched namespaces is closed to the operator: somebody takes the role away, or deletes the namespace and the role with it.

use std::time::Duration;

use crossorg::api::OrgConnection;
use datadog_double::{CENTRAL, PAYMENTS, SECURITY};
use serde_json::json;

use super::Release;
use crate::harness::{World, plane};

/// A watch ends after 30 s, is then refused, and counts as blind after a minute; the rest is for the next attempt.
const KNOWN_TO_BE_CLOSED: Duration = Duration::from_secs(30 + 60 + 30);

#[tokio::test]
async fn a_namespace_that_is_closed_to_it_stops_nobody_in_another() {
    let (name, other) = ("rights-open", "rights-closed");
    let closed = World::on(plane::shared().await, other).await;
    let release = Release::new(plane::shared().await, name, json!({"watchNamespaces": [name, other]})).await;
    let world = &release.world;
    world.org("payments").await;
    world.connection("stays").from("payments").to(CENTRAL).types(&["logs"]).apply().await;
    world.ready("stays").await;

    closed.kubectl_text(&["delete", "rolebinding", "--all", "--namespace", other]).await;
    let is_blind = async || release.operator.get("/readyz").await?.1.contains("nothing has been heard for a minute").then_some(());
    world.within(KNOWN_TO_BE_CLOSED, "the namespace is closed to it", is_blind).await;

    world.connection("new").from("payments").to(SECURITY).types(&["audit"]).apply().await;
    world.ready("new").await;
    world.connection("stays").from("payments").to(CENTRAL).types(&["logs", "metrics"]).apply().await;
    world.ready("stays").await;
    world.delete::<OrgConnection>("stays").await;
    world.gone::<OrgConnection>("stays").await;
    assert!(world.datadog.connection(PAYMENTS, CENTRAL).is_none() && world.datadog.connection(PAYMENTS, SECURITY).is_some());
}
