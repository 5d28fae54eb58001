//! Who sees and may do what, and how lists are filtered and paged.

use datadog_double::{CENTRAL, Config, PAYMENTS, READER, SECURITY, UnknownSink, UpdateBySink};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::{Ask, CONNECTIONS, created, delete, list, patch, post, start, start_with};

const MISSING_PERMISSION: &str = "{\"errors\":[\"Forbidden\",\"Failed permission authorization checks\"]}";
const INVALID: &str = "{\"errors\":[\"Validation failed for input.\"]}";

fn counts(answer: &Value) -> (usize, u64, u64) {
    let page = &answer["meta"]["page"];
    let number = |name: &str| page[name].as_u64().unwrap();
    (answer["data"].as_array().unwrap().len(), number("total_count"), number("total_filtered_count"))
}

fn not_allowed(sink: Uuid) -> String {
    format!("{{\"errors\":[\"connection between orgs {PAYMENTS} and {sink} is not allowed\"]}}")
}

#[tokio::test]
async fn source_and_sink_list_a_connection_and_a_stranger_does_not() {
    let running = start().await;
    created(&running).await;
    for (who, rows) in [("payments", 1), ("central", 1), ("security", 0)] {
        let answer = list().with(who).to(&running).await.json();
        assert_eq!(answer["data"].as_array().unwrap().len(), rows, "{who}");
    }
}

#[tokio::test]
async fn filters_narrow_the_rows_and_only_the_filtered_count() {
    let running = start().await;
    let double = &running.double;
    double.create_as("Alice", PAYMENTS, CENTRAL, &["logs"]).unwrap();
    double.create_as("Alice", PAYMENTS, SECURITY, &["logs"]).unwrap();
    double.create_as("Bob", CENTRAL, PAYMENTS, &["logs"]).unwrap();
    let count = async |query: String| {
        let answer = Ask::new("GET", format!("{CONNECTIONS}?{query}")).with("payments").to(&running).await;
        counts(&answer.json())
    };
    assert_eq!(count(format!("source_org_id={PAYMENTS}")).await, (2, 3, 2));
    assert_eq!(count(format!("sink_org_id={PAYMENTS}")).await, (1, 3, 1));
    assert_eq!(count(format!("source_org_id={PAYMENTS}&sink_org_id={SECURITY}")).await, (1, 3, 1));
    assert_eq!(count("source_org_id=payments".to_owned()).await, (0, 3, 0));
}

#[tokio::test]
async fn pages_follow_the_order_of_creation_and_keep_the_counts() {
    let running = start().await;
    let double = &running.double;
    let first = double.create_as("Alice", PAYMENTS, CENTRAL, &["logs"]).unwrap().id;
    let second = double.create_as("Alice", PAYMENTS, SECURITY, &["logs"]).unwrap().id;
    for (query, id) in [("limit=1", first), ("limit=1&offset=1", second)] {
        let answer = Ask::new("GET", format!("{CONNECTIONS}?{query}")).with("payments").to(&running).await.json();
        assert_eq!((counts(&answer), &answer["data"][0]["id"]), ((1, 2, 2), &json!(id)));
    }
    let beyond = Ask::new("GET", format!("{CONNECTIONS}?offset=2")).with("payments").to(&running).await.json();
    assert_eq!((counts(&beyond), beyond.get("included")), ((0, 2, 2), None));
    Ask::new("GET", format!("{CONNECTIONS}?limit=many")).with("payments").to(&running).await.is(400, INVALID);
}

#[tokio::test]
async fn included_names_every_organization_and_user_once() {
    let running = start().await;
    running.double.create_as("Alice", PAYMENTS, CENTRAL, &["logs"]).unwrap();
    running.double.create_as("Alice", PAYMENTS, SECURITY, &["logs"]).unwrap();
    let answer = list().with("payments").to(&running).await.json();
    let names: Vec<_> = answer["included"].as_array().unwrap().iter().map(|one| one["attributes"]["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Payments", "Central", "Security", "Alice"]);
}

#[tokio::test]
async fn only_the_source_updates() {
    let running = start().await;
    let id = created(&running).await;
    let absent = format!("{{\"errors\":[\"Org connection with id:{id} not found not found\"]}}");
    patch(&id, "[\"audit\"]").with("central").to(&running).await.is(404, &absent);
    patch(&id, "[\"audit\"]").with("security").to(&running).await.is(404, &absent);
    assert_eq!(running.double.connection(PAYMENTS, CENTRAL).unwrap().connection_types, ["logs"]);
}

#[tokio::test]
async fn the_sink_can_be_told_that_it_may_not_update() {
    let mut config = Config::three_organizations();
    config.behaviour.update_by_sink = UpdateBySink::Forbidden;
    let running = start_with(&config).await;
    let id = created(&running).await;
    patch(&id, "[\"audit\"]").with("central").to(&running).await.is(403, MISSING_PERMISSION);
    assert_eq!(patch(&id, "[\"audit\"]").with("security").to(&running).await.status, 404);
}

#[tokio::test]
async fn either_side_deletes_and_a_stranger_does_not() {
    let running = start().await;
    let id = created(&running).await;
    let absent = format!("{{\"errors\":[\"org connection with id:{id} not found not found\"]}}");
    delete(&id).with("security").to(&running).await.is(404, &absent);
    delete(&id).with("central").to(&running).await.is(200, "{}\n");
    assert_eq!(running.double.connection(PAYMENTS, CENTRAL), None);
}

#[tokio::test]
async fn a_key_that_may_only_read_lists_and_writes_nothing() {
    let running = start().await;
    let id = created(&running).await;
    assert_eq!(list().with(READER).to(&running).await.status, 200);
    for ask in [post("[\"logs\"]", SECURITY), patch(&id, "[\"audit\"]"), delete(&id), Ask::new("GET", "/api/v2/org")] {
        ask.with(READER).to(&running).await.is(403, MISSING_PERMISSION);
    }
    assert_eq!(running.double.state().connections.len(), 1);
}

#[tokio::test]
async fn a_key_that_may_only_write_does_not_list() {
    let running = start().await;
    running.double.set_permissions(PAYMENTS, "payments", &["org_connections_write"]).unwrap();
    list().with("payments").to(&running).await.is(403, MISSING_PERMISSION);
    created(&running).await;
}

#[tokio::test]
async fn sinks_outside_the_account_unknown_ones_and_oneself_are_not_allowed() {
    let mut config = Config::three_organizations();
    config.organizations[2].account = "another".to_owned();
    let running = start_with(&config).await;
    for sink in [SECURITY, Uuid::nil(), PAYMENTS] {
        post("[\"logs\"]", sink).with("payments").to(&running).await.is(400, &not_allowed(sink));
    }
}

#[tokio::test]
async fn an_unknown_sink_can_be_the_generic_not_found() {
    let mut config = Config::three_organizations();
    config.behaviour.unknown_sink = UnknownSink::NotFound;
    let running = start_with(&config).await;
    post("[\"logs\"]", Uuid::nil()).with("payments").to(&running).await.is(404, "{\"errors\":[\"Not found\"]}\n");
}

#[tokio::test]
async fn more_sinks_than_the_limit_are_not_allowed() {
    let mut config = Config::three_organizations();
    config.behaviour.sharing_limit = Some(1);
    let running = start_with(&config).await;
    created(&running).await;
    post("[\"logs\"]", SECURITY).with("payments").to(&running).await.is(400, &not_allowed(SECURITY));
}

#[tokio::test]
async fn bodies_that_do_not_fit_fail_the_validation() {
    let running = start().await;
    let id = created(&running).await;
    let other = Ask::new("PATCH", format!("{CONNECTIONS}/{}", Uuid::nil()));
    let other = other
        .body(format!("{{\"data\":{{\"type\":\"org_connection\",\"id\":\"{id}\",\"attributes\":{{\"connection_types\":[\"logs\"]}}}}}}"));
    let empty = Ask::new("POST", CONNECTIONS).body("{}");
    for ask in [post("[]", SECURITY), post("[\"traces\"]", SECURITY), patch(&id, "[]"), patch(&id, "[\"traces\"]"), other, empty] {
        ask.with("payments").to(&running).await.is(400, INVALID);
    }
    assert_eq!(patch("malformed", "[\"logs\"]").with("payments").to(&running).await.status, 400);
}
