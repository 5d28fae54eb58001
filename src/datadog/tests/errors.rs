use std::sync::Mutex;

use http::StatusCode;

use super::super::{Call, Class, Error, Outcome, Texts, TransportError, Unreadable};
use super::{
    API_KEY, APP_KEY, CONNECTION, answering, chain, connection_id, json as reply, keys, pair, scripted, source, types, with_headers,
};

async fn create(status: u16, body: &str) -> Error {
    answering(status, body).0.create(pair(), &types(&["logs"])).await.unwrap_err()
}

/// Every status with label, class (transient or permanent) and outcome. Recorded bodies where there are any.
#[tokio::test]
async fn every_status_has_its_class_and_outcome() {
    use Class::{Permanent, Transient};
    use Outcome::{NotDone, Unknown};
    let exists = r#"{"errors":["connection between orgs S and D already exists"]}"#;
    let not_allowed = r#"{"errors":["connection between orgs S and D is not allowed"]}"#;
    let not_found = "{\"errors\":[\"Not found\"]}\n";
    let rows = [
        (201, "{}", "unreadable", Transient, Unknown),
        (204, "", "unreadable", Transient, Unknown),
        (301, "", "redirect_refused", Transient, Unknown),
        (302, "<html>", "redirect_refused", Transient, Unknown),
        (307, "", "redirect_refused", Transient, Unknown),
        (400, not_allowed, "rejected", Permanent, NotDone),
        (400, r#"{"errors":["Validation failed for input."]}"#, "rejected", Permanent, NotDone),
        (401, r#"{"errors":["Unauthorized"]}"#, "unauthorized", Permanent, NotDone),
        (403, r#"{"errors":["Forbidden"]}"#, "forbidden", Permanent, NotDone),
        (403, "<html>blocked</html>", "forbidden", Permanent, NotDone),
        (404, not_found, "not_found", Permanent, NotDone),
        (404, "<html>nginx</html>", "not_found", Transient, NotDone),
        (408, "", "server_error", Transient, Unknown),
        (409, exists, "conflict", Transient, NotDone),
        (413, "", "rejected", Permanent, NotDone),
        (422, r#"{"errors":[{"title":"Bad","detail":"limit reached"}]}"#, "rejected", Permanent, NotDone),
        (500, "", "server_error", Transient, Unknown),
        (502, "<html>", "server_error", Transient, Unknown),
        (503, r#"{"errors":["later"]}"#, "server_error", Transient, Unknown),
        (504, "", "server_error", Transient, Unknown),
        (599, "", "server_error", Transient, Unknown),
        (600, "", "unreadable", Transient, Unknown),
    ];
    for (status, body, label, class, outcome) in rows {
        let error = create(status, body).await;
        assert_eq!((error.label(), error.class(), error.outcome()), (label, class, outcome), "{status} {body}");
        assert!(error.to_string().starts_with("POST /api/v2/org_connections: "), "{error}");
    }
}

#[tokio::test]
async fn every_unusable_body_under_a_good_status_leaves_the_outcome_unknown() {
    let rows = [
        ("", Unreadable::Empty),
        (" \n", Unreadable::Empty),
        ("<!DOCTYPE html><html></html>", Unreadable::NotJson),
        (r#"{"data":{"type":"org_conn"#, Unreadable::CutShort),
        ("{}", Unreadable::Shape),
        ("null", Unreadable::Shape),
        (r#"{"data":{"id":"aaaaaaaa-0000-4000-8000-000000000001"}}"#, Unreadable::Shape),
    ];
    for (body, expected) in rows {
        let error = create(200, body).await;
        assert!(matches!(error, Error::Unreadable { what, .. } if what == expected), "{body}: {error}");
        assert_eq!((error.class(), error.outcome()), (Class::Transient, Outcome::Unknown));
    }
}

#[tokio::test]
async fn a_request_that_was_not_sent_did_nothing_and_one_that_broke_off_may_have() {
    let rows = [
        (TransportError::NotSent("refused".into()), "unreachable", Outcome::NotDone),
        (TransportError::Broken("reset by peer".into()), "no_answer", Outcome::Unknown),
        (TransportError::TooLarge, "no_answer", Outcome::Unknown),
        (TransportError::TimedOut(super::super::DEADLINE), "no_answer", Outcome::Unknown),
    ];
    for (broken, label, outcome) in rows {
        let broken = Mutex::new(Some(broken));
        let (client, _) = scripted(move |_, _| Err(broken.lock().unwrap().take().expect("a call sends one request")));
        let error = client.delete(connection_id()).await.unwrap_err();
        assert_eq!((error.label(), error.class(), error.outcome()), (label, Class::Transient, outcome));
    }
}

#[tokio::test]
async fn a_missing_permission_is_told_from_a_wrong_key() {
    let lacking = r#"{"errors":["Forbidden","Failed permission authorization checks"]}"#;
    let error = create(403, lacking).await;
    assert_eq!(error.missing_permission(), Some("org_connections_write"));
    assert!(error.to_string().contains("give its owner"), "{error}");
    assert_eq!(answering(403, lacking).0.list(source()).await.unwrap_err().missing_permission(), Some("org_connections_read"));
    let error = answering(403, lacking).0.organizations().await.unwrap_err();
    assert_eq!(error.missing_permission(), Some("org_connections_write or org_management"));
    assert!(error.to_string().contains("permission org_connections_write or org_management"), "{error}");

    let error = create(403, r#"{"errors":["Forbidden"]}"#).await;
    assert_eq!(error.missing_permission(), None);
    assert!(error.to_string().contains("key of this site"), "{error}");
}

#[tokio::test]
async fn a_404_blames_nobody_unless_a_sink_was_asked_for() {
    let (client, _) = answering(404, r#"{"errors":["Not found"]}"#);
    assert_eq!(client.identity().await.unwrap_err().class(), Class::Transient);
    assert_eq!(client.list(source()).await.unwrap_err().class(), Class::Transient);
    let text = format!(r#"{{"errors":["Org connection with id:{CONNECTION} not found not found"]}}"#);
    let error = answering(404, &text).0.update(connection_id(), &types(&["logs"])).await.unwrap_err();
    assert_eq!((error.class(), error.outcome()), (Class::Transient, Outcome::NotDone));
}

#[test]
fn reasons_are_kept_as_strings_and_as_objects_and_nothing_else() {
    let rows = [
        (r#"{"errors":["Forbidden","Failed permission authorization checks"]}"#, "Forbidden; Failed permission authorization checks"),
        (r#"{"errors":[{"title":"Forbidden"}]}"#, "Forbidden"),
        (r#"{"errors":[{"status":"409","title":"Conflict","detail":"exists"}]}"#, "Conflict: exists"),
        (r#"{"status":"error","code":403,"errors":["Forbidden"],"email":"x@example.com"}"#, "Forbidden"),
        (r#"{"errors":[1,null,{},["x"],"real"]}"#, "real"),
        (r#"{"errors":["line\nbreak\u001b[31m\u202eright"]}"#, "linebreak[31mright"),
        (r#"{"errors":"Forbidden"}"#, "no reason given"),
        (r#"{"errors":[]}"#, "no reason given"),
        ("<html><body>Request blocked</body></html>", "no reason given"),
        ("", "no reason given"),
    ];
    for (body, text) in rows {
        assert_eq!(Texts::read(body.as_bytes(), &keys()).to_string(), text, "{body}");
    }
}

#[test]
fn reasons_are_cut_to_a_readable_length() {
    let endless = serde_json::json!({"errors": ["é".repeat(400), "b".repeat(400), "c"]}).to_string();
    let text = Texts::read(endless.as_bytes(), &keys()).to_string();
    assert_eq!(text, format!("{}; {}", "é".repeat(400), "b".repeat(100)));
}

#[tokio::test]
async fn a_message_names_the_call_and_not_its_query_and_never_repeats_its_source() {
    let (client, _) = scripted(|_, _| Err(TransportError::Broken("reset by peer".into())));
    let error = client.list(source()).await.unwrap_err();
    assert_eq!(error.to_string(), "GET /api/v2/org_connections: no complete answer came");
    assert_eq!(chain(&error), "GET /api/v2/org_connections: no complete answer came: the exchange broke off: reset by peer");

    let error = client.delete(connection_id()).await.unwrap_err();
    let told = format!("DELETE /api/v2/org_connections/{CONNECTION}: no complete answer came; the next list shows whether it took effect");
    assert_eq!(error.to_string(), told);
    let rejected = Error::Rejected { call: Call::List, status: StatusCode::BAD_REQUEST, texts: Texts::default() };
    assert_eq!(rejected.to_string(), "GET /api/v2/org_connections: Datadog rejects the request (400: no reason given)");
}

#[tokio::test]
async fn a_key_is_in_no_debug_and_no_display_even_if_the_answer_echoes_it() {
    let echo = format!(r#"{{"errors":["API key {API_KEY} with {APP_KEY} is not known"]}}"#);
    for status in [200, 302, 400, 401, 403, 404, 409, 429, 500] {
        let body = echo.clone();
        let (client, _) =
            scripted(move |n, _| if n == 0 { reply(status, &body) } else { with_headers(200, &[("location", API_KEY)], "{}") });
        let error = client.create(pair(), &types(&["logs"])).await.unwrap_err();
        for shown in [error.to_string(), format!("{error:?}"), chain(&error), format!("{client:?}"), format!("{:?}", client.budget())] {
            assert!(!shown.contains(API_KEY) && !shown.contains(APP_KEY), "{shown}");
        }
    }
    assert!(create(401, &echo).await.to_string().contains("API key [key] with [key] is not known"));
}

#[tokio::test]
async fn a_key_is_found_though_it_is_spread_over_a_text_or_lies_where_the_text_is_cut() {
    let hidden: String = API_KEY.chars().flat_map(|letter| [letter, '\u{200e}']).collect();
    let late = format!("{}{API_KEY}", "é".repeat(490));
    for text in [hidden, late, API_KEY[16..].to_owned()] {
        let told = create(401, &serde_json::json!({"errors": [text]}).to_string()).await.to_string();
        assert!(!told.contains(&API_KEY[..8]) && !told.contains(&API_KEY[16..]) && told.contains("[key]"), "{told}");
    }
}
