//! Keys, and what the double says about their owners.

use datadog_double::{CENTRAL, Credential, Keys, PAYMENTS, READ, READER, SECURITY, User};
use serde_json::json;
use uuid::Uuid;

use crate::client::{Ask, list, start};

const FORBIDDEN: &str = "{\"errors\":[\"Forbidden\"]}";
const UNAUTHORIZED: &str = "{\"errors\":[\"Unauthorized\"]}";

fn current_user() -> Ask {
    Ask::new("GET", "/api/v2/current_user")
}

#[tokio::test]
async fn missing_and_wrong_keys_are_refused_each_in_its_way() {
    let running = start().await;
    let api_key = |ask: Ask, key: &str| ask.header(format!("DD-API-KEY: {key}"));
    let app_key = |ask: Ask, key: &str| ask.header(format!("DD-APPLICATION-KEY: {key}"));
    list().to(&running).await.is(403, "{\"errors\":[\"API key required\"]}");
    api_key(list(), "fake-api-key-payments").to(&running).await.is(401, UNAUTHORIZED);
    app_key(api_key(list(), "wrong"), "fake-app-key-payments").to(&running).await.is(403, FORBIDDEN);
    app_key(api_key(list(), "fake-api-key-payments"), "wrong").to(&running).await.is(403, FORBIDDEN);
    app_key(api_key(list(), "fake-api-key-payments"), "fake-app-key-central").to(&running).await.is(403, FORBIDDEN);
    list().header("Authorization: Bearer wrong").to(&running).await.is(401, UNAUTHORIZED);
}

#[tokio::test]
async fn api_keys_and_application_keys_of_one_organization_go_together() {
    let running = start().await;
    let mixed = list().header("DD-API-KEY: fake-api-key-payments-reader").header("DD-APPLICATION-KEY: fake-app-key-payments");
    assert_eq!(mixed.to(&running).await.status, 200);
}

#[tokio::test]
async fn a_token_works_in_both_places_and_then_the_api_key_is_ignored() {
    let running = start().await;
    let user = User { id: Uuid::from_u128(7), name: "Token".to_owned(), service_account: true };
    let keys = Keys::Bearer { bearer_token: "ddsat_fake".to_owned() };
    let permissions = [READ.to_owned()].into();
    running.double.add_credential(PAYMENTS, Credential { id: "token".to_owned(), keys, user, permissions, enabled: true }).unwrap();
    assert_eq!(list().header("Authorization: Bearer ddsat_fake").to(&running).await.status, 200);
    let in_place = list().header("DD-API-KEY: whatever").header("DD-APPLICATION-KEY: ddsat_fake");
    assert_eq!(in_place.to(&running).await.status, 200);
    assert!(running.double.journal().iter().all(|entry| entry.credential.as_deref() == Some("token")));
}

#[tokio::test]
async fn a_revoked_key_is_refused_until_it_is_restored() {
    let running = start().await;
    running.double.revoke(PAYMENTS, "payments").unwrap();
    list().with("payments").to(&running).await.is(403, FORBIDDEN);
    running.double.restore(PAYMENTS, "payments").unwrap();
    assert_eq!(list().with("payments").to(&running).await.status, 200);
    assert_eq!(running.double.journal()[0].credential.as_deref(), Some("payments"));
}

#[tokio::test]
async fn the_current_user_shows_organization_permissions_and_kind() {
    let running = start().await;
    let answer = current_user().with(READER).to(&running).await.json();
    assert_eq!(answer["data"]["relationships"]["org"]["data"], json!({"type": "orgs", "id": PAYMENTS}));
    assert_eq!(answer["data"]["attributes"]["service_account"], true);
    let of_kind = |kind: &str| {
        let all = answer["included"].as_array().unwrap().iter().filter(|one| one["type"] == kind);
        all.map(|one| one["attributes"]["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!((of_kind("permissions"), of_kind("orgs")), (vec![READ.to_owned()], vec!["Payments".to_owned()]));
    let person = current_user().with("payments-alice").to(&running).await.json();
    assert_eq!(person["data"]["attributes"]["service_account"], false);
}

#[tokio::test]
async fn the_organizations_of_the_account_are_listed_and_filtered_by_part_of_the_name() {
    let running = start().await;
    let all = Ask::new("GET", "/api/v2/org").with("payments").to(&running).await.json();
    assert_eq!(all["data"]["relationships"]["current_org"]["data"]["id"], json!(PAYMENTS));
    let managed = json!([{"type": "orgs", "id": CENTRAL}, {"type": "orgs", "id": SECURITY}]);
    assert_eq!(all["data"]["relationships"]["managed_orgs"]["data"], managed);
    let some = Ask::new("GET", "/api/v2/org?filter%5Bname%5D=centr").with("payments").to(&running).await.json();
    assert_eq!(some["included"].as_array().unwrap().len(), 1);
    assert_eq!(some["included"][0]["attributes"]["name"], "Central");
}

#[tokio::test]
async fn validate_needs_the_api_key_alone() {
    let running = start().await;
    let answer = Ask::new("GET", "/api/v2/validate").header("DD-API-KEY: fake-api-key-central").to(&running).await;
    assert_eq!(answer.status, 200);
    assert_eq!((&answer.json()["data"]["type"], &answer.json()["data"]["id"]), (&json!("validate_v2"), &json!(CENTRAL)));
    Ask::new("GET", "/api/v2/validate").header("DD-API-KEY: wrong").to(&running).await.is(403, FORBIDDEN);
    Ask::new("GET", "/api/v2/validate_keys").with("central").to(&running).await.is(200, "{\"status\":\"ok\"}\n");
}
