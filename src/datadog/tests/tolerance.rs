//! What an answer may lack, and what it may not.

use serde_json::{Value, json};

use super::super::Error;
use super::{REPLY, USER, answering, pair, source, types};

fn reply() -> Value {
    serde_json::from_str(REPLY).unwrap()
}

async fn create(body: &Value) -> Result<crate::decide::model::Connection, Error> {
    answering(200, &body.to_string()).0.create(pair(), &types(&["logs"])).await
}

/// Sets the member at the pointer, in objects only.
fn set(body: &mut Value, pointer: &str, value: Value) {
    let (parent, member) = pointer.rsplit_once('/').unwrap();
    body.pointer_mut(parent).unwrap()[member] = value;
}

fn remove(body: &mut Value, pointer: &str) {
    let (parent, member) = pointer.rsplit_once('/').unwrap();
    body.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(member).unwrap();
}

#[tokio::test]
async fn without_a_member_that_makes_a_connection_there_is_none() {
    let needed = [
        "/data/id",
        "/data/attributes",
        "/data/attributes/connection_types",
        "/data/attributes/created_at",
        "/data/relationships",
        "/data/relationships/source_org",
        "/data/relationships/source_org/data",
        "/data/relationships/source_org/data/id",
        "/data/relationships/sink_org",
        "/data/relationships/sink_org/data",
        "/data/relationships/sink_org/data/id",
    ];
    for pointer in needed {
        let mut without = reply();
        remove(&mut without, pointer);
        assert!(matches!(create(&without).await, Err(Error::Unreadable { .. })), "{pointer} absent");
        for wrong in [json!(null), json!(7), json!(""), json!("\u{7}"), json!([null])] {
            let mut torn = reply();
            set(&mut torn, pointer, wrong.clone());
            assert!(matches!(create(&torn).await, Err(Error::Unreadable { .. })), "{pointer} is {wrong}");
        }
    }
}

#[tokio::test]
async fn every_other_member_may_be_absent_null_or_nonsense() {
    let optional = [
        "/data/type",
        "/data/relationships/source_org/data/name",
        "/data/relationships/source_org/data/type",
        "/data/relationships/sink_org/data/name",
        "/data/relationships/created_by",
        "/data/relationships/created_by/data",
        "/data/relationships/created_by/data/id",
        "/data/relationships/created_by/data/name",
    ];
    for pointer in optional {
        let mut without = reply();
        remove(&mut without, pointer);
        assert!(create(&without).await.is_ok(), "{pointer} absent");
        for wrong in [json!(null), json!(7), json!("nonsense"), json!({}), json!([1])] {
            let mut torn = reply();
            set(&mut torn, pointer, wrong.clone());
            assert!(create(&torn).await.is_ok(), "{pointer} is {wrong}");
        }
    }
    for member in ["/included", "/meta", "/data/links", "/data/attributes/expires_at"] {
        for extra in [json!(null), json!(7), json!([7, {"type": "users"}]), json!({"page": []})] {
            let mut extended = reply();
            set(&mut extended, member, extra.clone());
            assert!(create(&extended).await.is_ok(), "{member} is {extra}");
        }
    }
}

#[tokio::test]
async fn unknown_types_are_kept_as_they_are_and_order_means_nothing() {
    let mut body = reply();
    set(&mut body, "/data/attributes/connection_types", json!(["metrics", "ci-pipelines", "logs", "metrics"]));
    assert_eq!(create(&body).await.unwrap().types, types(&["ci-pipelines", "logs", "metrics"]));
    for hostile in [json!(["lo\u{0}gs"]), json!(["x".repeat(65)]), json!(["logs", 7])] {
        set(&mut body, "/data/attributes/connection_types", hostile);
        assert!(create(&body).await.is_err());
    }
}

#[tokio::test]
async fn names_lose_control_characters_and_what_is_too_long() {
    let mut body = reply();
    set(&mut body, "/data/relationships/sink_org/data/name", json!(format!("A\r\n\u{1b}[31mB\u{202e}{}", "é".repeat(10_000))));
    let name = create(&body).await.unwrap().sink.name;
    assert!(name.starts_with("A[31mBé") && name.chars().count() == 200, "{name}");
}

#[tokio::test]
async fn an_identity_needs_user_and_organization_and_nothing_else() {
    let minimal = json!({"data": {"id": USER, "relationships": {"org": {"data": {"id": source().to_string()}}}}});
    let identity = answering(200, &minimal.to_string()).0.identity().await.unwrap();
    assert_eq!((identity.organization.name.as_str(), identity.principal.service_account, identity.permissions.len()), ("", None, 0));
    for pointer in ["/data/id", "/data/relationships/org/data/id", "/data/relationships/org/data", "/data/relationships"] {
        let mut without = minimal.clone();
        remove(&mut without, pointer);
        assert!(answering(200, &without.to_string()).0.identity().await.is_err(), "{pointer}");
    }
}
