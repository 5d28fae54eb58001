//! The control interface over HTTP.

use datadog_double::{CENTRAL, PAYMENTS};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::{Answer, Ask, CONNECTIONS, DEADLINE, created, list, start};

fn control(method: &'static str, path: &str) -> Ask {
    Ask::new(method, format!("/_double/{path}"))
}

fn with_body(method: &'static str, path: &str, body: &Value) -> Ask {
    control(method, path).body(body.to_string())
}

fn statuses<const N: usize>(answers: [&Answer; N]) -> [u16; N] {
    answers.map(|answer| answer.status)
}

#[tokio::test]
async fn the_journal_tells_each_request_and_no_control_request() {
    let running = start().await;
    list().with("payments").header("User-Agent: test/1").to(&running).await;
    let id = created(&running).await;
    let journal = control("GET", "journal").to(&running).await.json();
    assert_eq!(journal.as_array().unwrap().len(), 2);
    let first = json!({
        "seq": 1, "at": "2026-01-02T03:04:05.678901Z", "organization": PAYMENTS, "credential": "payments", "method": "GET",
        "path": CONNECTIONS, "query": null, "user_agent": "test/1", "body": null, "outcome": 200, "took_effect": false, "rule": null,
        "held": null, "at_millis": journal[0]["at_millis"], "ended_millis": journal[0]["ended_millis"]
    });
    assert_eq!(journal[0], first);
    assert_eq!((&journal[1]["took_effect"], &journal[1]["body"]["data"]["type"]), (&json!(true), &json!("org_connection")));
    assert_eq!(control("GET", "journal?since=1").to(&running).await.json().as_array().unwrap().len(), 1);
    assert_eq!(control("GET", "state").to(&running).await.json()["connections"][0]["id"], json!(id));
}

#[tokio::test]
async fn the_journal_can_be_summed_up_and_cleared_and_goes_on_counting() {
    let running = start().await;
    created(&running).await;
    list().to(&running).await;
    let tally = control("GET", "tally").to(&running).await.json();
    let expected = json!({"requests": 2, "methods": {"GET": 1, "POST": 1}, "statuses": {"200": 1, "403": 1}, "effects": 1, "dropped": 0});
    assert_eq!(tally, expected);
    control("DELETE", "journal").to(&running).await;
    list().to(&running).await;
    assert_eq!(running.double.journal().iter().map(|entry| entry.seq).collect::<Vec<_>>(), [3]);
}

#[tokio::test]
async fn the_state_shows_no_key() {
    let running = start().await;
    let state = control("GET", "state").to(&running).await.text();
    assert!(state.contains("payments-reader") && !state.contains("fake-a"));
    assert!(!format!("{:?}", datadog_double::Config::three_organizations()).contains("fake-a"));
}

#[tokio::test]
async fn rules_are_scripted_released_and_removed() {
    let running = start().await;
    let rule = json!({"method": "GET", "times": null, "faults": [{"kind": "hold", "when": "before"}, {"kind": "drop", "when": "before"}]});
    assert_eq!(with_body("POST", "rules", &rule).to(&running).await.json(), json!({"id": 1}));
    let client = list().with("payments").maybe(&running);
    let test = async {
        running.double.wait(DEADLINE, |journal| journal.iter().any(|entry| entry.held.is_some())).await.unwrap();
        control("POST", "rules/1/release").to(&running).await;
    };
    assert!(tokio::join!(client, test).0.is_none());
    assert_eq!(control("GET", "rules").to(&running).await.json()["1"]["faults"], rule["faults"]);
    let answers = [control("DELETE", "rules/1").to(&running).await, control("DELETE", "rules/1").to(&running).await];
    assert_eq!(statuses(answers.each_ref()), [200, 404]);
    assert_eq!(list().with("payments").to(&running).await.status, 200);
}

#[tokio::test]
async fn a_rule_that_makes_no_sense_is_refused() {
    let running = start().await;
    let unknown = with_body("POST", "rules", &json!({"faults": [{"kind": "earthquake"}]})).to(&running).await;
    let misspelt = with_body("POST", "rules", &json!({"methd": "GET", "faults": []})).to(&running).await;
    assert_eq!(statuses([&unknown, &misspelt]), [422, 422]);
}

#[tokio::test]
async fn people_act_over_http_as_well() {
    let running = start().await;
    let new = json!({"person": "Mallory", "source": PAYMENTS, "sink": CENTRAL, "connection_types": ["logs"]});
    let made = with_body("POST", "connections", &new).to(&running).await.json();
    let path = format!("connections/{}", made["id"].as_str().unwrap());
    with_body("PATCH", &path, &json!({"connection_types": ["audit"], "protected": true})).to(&running).await;
    let known = running.double.connection(PAYMENTS, CENTRAL).unwrap();
    assert_eq!((known.connection_types.as_slice(), known.protected), (["audit".to_owned()].as_slice(), true));
    let again = with_body("POST", "connections", &new).to(&running).await;
    assert_eq!((again.status, again.json()["cause"].as_str().unwrap().ends_with("already exists")), (409, true));
    let user = made["created_by"].as_str().unwrap();
    let gone = control("POST", &format!("users/{user}/deactivate")).to(&running).await.json();
    assert_eq!(gone[0]["id"], made["id"]);
    assert_eq!(control("DELETE", &path).to(&running).await.status, 404);
}

#[tokio::test]
async fn organizations_keys_and_budgets_change_over_http() {
    let running = start().await;
    let organization = format!("organizations/{PAYMENTS}");
    with_body("PATCH", &organization, &json!({"name": "Pay"})).to(&running).await;
    let credential = format!("{organization}/credentials/payments");
    with_body("PATCH", &credential, &json!({"enabled": false})).to(&running).await;
    assert_eq!(list().with("payments").to(&running).await.status, 403);
    with_body("PATCH", &credential, &json!({"enabled": true, "permissions": []})).to(&running).await;
    assert_eq!(list().with("payments").to(&running).await.status, 403);
    let user = json!({"id": Uuid::from_u128(9), "name": "New", "service_account": true});
    let new = json!({"id": "new", "bearer_token": "fake", "user": user, "permissions": ["org_connections_read"]});
    with_body("POST", &format!("{organization}/credentials"), &new).to(&running).await;
    assert_eq!(list().header("Authorization: Bearer fake").to(&running).await.status, 200);
    with_body("PUT", &format!("{organization}/limit"), &json!({"limit": 2, "period_seconds": 10})).to(&running).await;
    with_body("POST", &format!("{organization}/limit/use"), &json!({"requests": 2})).to(&running).await;
    assert_eq!(list().header("Authorization: Bearer fake").to(&running).await.status, 429);
    control("DELETE", &format!("{organization}/limit")).to(&running).await;
    assert_eq!(list().header("Authorization: Bearer fake").to(&running).await.status, 200);
    assert_eq!(running.double.state().organizations[0].name, "Pay");
}

#[tokio::test]
async fn violations_are_told_and_forgotten() {
    let running = start().await;
    crate::client::delete(Uuid::nil()).with("payments").to(&running).await;
    let told = control("GET", "violations").to(&running).await.json();
    assert_eq!((&told["counts"], &told["violations"][0]["seq"]), (&json!({"unknown_id": 1}), &json!(1)));
    control("DELETE", "violations").to(&running).await;
    assert_eq!(control("GET", "violations").to(&running).await.json()["counts"], json!({}));
}
