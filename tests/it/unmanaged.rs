//! Who else reads our telemetry: what no OrgConnection manages is listed, told once, and hidden by nothing but an object that means it.

use crossorg::api::{CLAIM_ANNOTATION, DatadogOrg, OrgConnection};
use datadog_double::{CENTRAL, Fault, PAYMENTS, Rule, SECURITY, When};
use k8s_openapi::api::events::v1::Event;
use kube::ResourceExt;
use kube::api::ListParams;
use serde_json::{Value, json};

use crate::harness::{Operator, World};

/// A world in which Alice lets Security read the logs of Payments, and an operator.
async fn alice_shares(name: &str) -> (World, Operator) {
    let world = World::new(name).await;
    world.datadog.create_as("Alice", PAYMENTS, SECURITY, &["logs", "audit"]).unwrap();
    world.org("payments").await;
    let operator = world.operator().await;
    world.org_ready("payments").await;
    (world, operator)
}

/// What a DatadogOrg shows after a fresh list: the counts, and the sinks of what nobody manages.
async fn shown(world: &World, org: &str) -> (Value, Vec<String>) {
    let status = world.refresh(org).await.status.unwrap();
    let sinks = status.unmanaged.into_iter().map(|connection| connection.sink.id).collect();
    (serde_json::to_value(status.connections).unwrap(), sinks)
}

/// The notes of the events about connections that nobody manages.
async fn told(world: &World) -> Vec<String> {
    let events = world.api::<Event>().list(&ListParams::default()).await.unwrap();
    let of_it = events.items.into_iter().filter(|event| event.reason.as_deref() == Some("UnmanagedConnection"));
    of_it.inspect(|event| assert_eq!(event.type_.as_deref(), Some("Warning"))).filter_map(|event| event.note).collect()
}

#[tokio::test]
async fn what_nobody_manages_is_listed_and_told_once_also_after_a_restart() {
    let (world, operator) = alice_shares("unmanaged").await;
    let object: DatadogOrg = world.refresh("payments").await;
    let connection = world.datadog.connection(PAYMENTS, SECURITY).unwrap();
    let expected = json!([{
        "id": connection.id.to_string(),
        "source": {"id": PAYMENTS.to_string(), "name": "Payments"},
        "sink": {"id": SECURITY.to_string(), "name": "Security"},
        "connectionTypes": ["audit", "logs"],
        "createdAt": format!("{:.0}", connection.created_at),
    }]);
    assert_eq!(serde_json::to_value(object.status.unwrap().unmanaged).unwrap(), expected);
    let note = world.event("payments", "UnmanagedConnection").await;
    assert!(note.starts_with(&format!("Security ({SECURITY}) may read audit, logs of Payments ({PAYMENTS})")), "{note}");

    drop(operator);
    let next = world.operator().await;
    world.datadog.create_as("Alice", PAYMENTS, CENTRAL, &["metrics"]).unwrap();
    assert_eq!(shown(&world, "payments").await.0, json!({"managed": 0, "unmanaged": 2}));
    world.until("the new one is told", async || (told(&world).await.len() == 2).then_some(())).await;
    let (before, _) = (world.counts(), shown(&world, "payments").await);
    assert_eq!(((world.counts() - before).events, told(&world).await.len()), (0, 2), "nothing new, and nothing is said");
    let sample = format!("crossorg_unmanaged_connections{{namespace=\"{}\",name=\"payments\"}} 2", world.namespace);
    let metrics = next.get("/metrics").await.unwrap().1;
    assert!(metrics.lines().any(|line| line == sample), "{metrics}");
}

#[tokio::test]
async fn an_object_that_only_looks_manages_and_one_that_is_let_go_no_longer_does() {
    let (world, _operator) = alice_shares("unmanaged-observed").await;
    world.connection("to-security").from("payments").to(SECURITY).types(&["logs"]).observed().apply().await;
    world.reason("to-security", "OutOfSync").await;
    assert_eq!(shown(&world, "payments").await, (json!({"managed": 1, "unmanaged": 0}), Vec::new()));
    world.delete::<OrgConnection>("to-security").await;
    world.gone::<OrgConnection>("to-security").await;
    assert_eq!(shown(&world, "payments").await, (json!({"managed": 0, "unmanaged": 1}), vec![SECURITY.to_string()]));
}

#[tokio::test]
async fn neither_a_forged_claim_nor_a_pin_hides_a_connection() {
    let (world, _operator) = alice_shares("unmanaged-forged").await;
    // Whose key it will be, nobody has proven: there is no Secret.
    world.organization("pinned").pinned_to(PAYMENTS).without_secret().apply().await;
    world.org_reason("pinned", "SecretNotFound").await;
    world.connection("by-a-pin").from("pinned").to(SECURITY).types(&["logs"]).apply().await;
    let forged = world.connection("by-a-claim").from("pinned").to(CENTRAL).types(&["logs"]).apply().await;
    let claim = format!("{} {PAYMENTS}/{SECURITY} create=2026-01-01T00:00:00Z", forged.uid().unwrap());
    world.annotate::<OrgConnection>("by-a-claim", CLAIM_ANNOTATION, &claim).await;
    for name in ["by-a-pin", "by-a-claim"] {
        world.reason(name, "OrganizationNotReady").await;
    }
    assert_eq!(shown(&world, "payments").await, (json!({"managed": 0, "unmanaged": 1}), vec![SECURITY.to_string()]));
}

#[tokio::test]
async fn the_sink_sees_who_shares_with_it_and_what_an_object_of_the_source_manages() {
    let (world, _operator) = alice_shares("unmanaged-sink").await;
    world.org("security").await;
    world.org_ready("security").await;
    assert_eq!(shown(&world, "security").await, (json!({"managed": 0, "unmanaged": 1}), vec![SECURITY.to_string()]));
    world.connection("to-security").from("payments").with_sink("security").types(&["logs", "audit"]).adopting("Always").apply().await;
    world.ready("to-security").await;
    assert_eq!(shown(&world, "security").await.0, json!({"managed": 1, "unmanaged": 0}));
}

#[tokio::test]
async fn nothing_seems_to_be_nobodys_while_an_organization_is_still_being_checked() {
    let world = World::new("unmanaged-checking").await;
    world.datadog.create_as("Alice", PAYMENTS, SECURITY, &["logs"]).unwrap();
    let slow = Fault::Delay { when: When::Before, millis: 3_000 };
    world.datadog.script(Rule::new(slow).organization(PAYMENTS).path("/api/v2/current_user"));
    world.org("payments").await;
    world.org("security").await;
    world.connection("to-security").from("payments").with_sink("security").types(&["logs"]).observed().apply().await;
    let _operator = world.operator().await;
    world.ready("to-security").await;
    for org in ["security", "payments"] {
        assert_eq!(shown(&world, org).await.0, json!({"managed": 1, "unmanaged": 0}), "{org}");
    }
    assert!(told(&world).await.is_empty());
}
