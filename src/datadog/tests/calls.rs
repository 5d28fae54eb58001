use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Value, json};

use super::super::{Call, Deleted, Error, Observation, Outcome, Patched, Transport, TransportError, Unreadable};
use super::{
    AGENT, API_KEY, APP_KEY, CONNECTION, REPLY, SINK, SOURCE, USER, answering, client, connection_id, pair, scripted, source, types,
};
use super::{json as reply, with_headers};

#[tokio::test]
async fn a_create_sends_the_documented_body_and_reads_the_recorded_reply() {
    let (client, sent) = answering(200, REPLY);
    let made = client.create(pair(), &types(&["logs"])).await.unwrap();

    let request = sent.last();
    assert_eq!(
        (request.method().as_str(), request.uri().to_string().as_str()),
        ("POST", "https://api.datadoghq.eu/api/v2/org_connections")
    );
    let documented = json!({"data":{"type":"org_connection",
        "attributes":{"connection_types":["logs"]},
        "relationships":{"sink_org":{"data":{"type":"orgs","id":"22222222-0000-4000-8000-000000000002"}}}}});
    assert_eq!(serde_json::from_slice::<Value>(request.body()).unwrap(), documented);

    assert_eq!(made.id, connection_id());
    assert_eq!(made.pair(), pair());
    assert_eq!((made.source.name.as_str(), made.sink.name.as_str()), ("Source Org", "Sink Org"));
    assert_eq!(made.types, types(&["logs"]));
    assert_eq!(made.created_at, "2025-01-02T03:04:05.678901Z".parse().unwrap());
    assert_eq!(made.created_by.unwrap().id, USER.parse().unwrap());
    assert_eq!(made.created_by.unwrap().service_account, None);
}

#[tokio::test]
async fn a_create_answered_with_another_pair_is_not_believed() {
    let stranger = "44444444-0000-4000-8000-000000000004";
    let (client, _) = answering(200, &REPLY.replace(SOURCE, stranger));
    let error = client.create(pair(), &types(&["logs"])).await.unwrap_err();
    assert!(matches!(error, Error::Unreadable { what: Unreadable::OtherPair(told), .. } if told.source.to_string() == stranger));
    assert_eq!(error.outcome(), Outcome::Unknown);
}

#[tokio::test]
async fn an_update_sends_all_types_sorted_and_reads_the_reply_that_has_no_names() {
    let nameless = r#"{"data":{"type":"org_connection","id":"aaaaaaaa-0000-4000-8000-000000000001","attributes":{"created_at":"2025-01-02T03:04:05.678901+00:00","connection_types":["logs","metrics"]},"relationships":{"source_org":{"data":{"type":"orgs","id":"11111111-0000-4000-8000-000000000001"}},"sink_org":{"data":{"type":"orgs","id":"22222222-0000-4000-8000-000000000002"}},"created_by":{"data":{"type":"users","id":"33333333-0000-4000-8000-000000000003"}}}}}"#;
    let (client, sent) = answering(200, nameless);
    let patched = client.update(connection_id(), &types(&["metrics", "logs"])).await.unwrap();

    let request = sent.last();
    assert_eq!((request.method().as_str(), request.uri().path()), ("PATCH", format!("/api/v2/org_connections/{CONNECTION}").as_str()));
    let documented = json!({"data":{"type":"org_connection","id":CONNECTION,"attributes":{"connection_types":["logs","metrics"]}}});
    assert_eq!(serde_json::from_slice::<Value>(request.body()).unwrap(), documented);
    let created_at = Some("2025-01-02T03:04:05.678901Z".parse().unwrap());
    assert_eq!(patched, Patched { types: types(&["logs", "metrics"]), created_at });
}

#[tokio::test]
async fn an_update_answered_with_another_connection_is_not_believed() {
    let (client, _) = answering(200, &REPLY.replace(CONNECTION, "bbbbbbbb-0000-4000-8000-000000000002"));
    let error = client.update(connection_id(), &types(&["logs"])).await.unwrap_err();
    assert!(matches!(error, Error::Unreadable { what: Unreadable::OtherConnection(_), .. }));
}

#[tokio::test]
async fn a_deletion_is_done_when_it_is_done_now_and_when_it_was_done_before() {
    let (client, sent) = answering(200, "{}\n");
    assert_eq!(client.delete(connection_id()).await.unwrap(), Deleted::Now);
    assert_eq!((sent.last().method().as_str(), sent.last().body().len()), ("DELETE", 0));

    let gone = format!(r#"{{"errors":["org connection with id:{CONNECTION} not found not found"]}}"#);
    let (client, _) = answering(404, &gone);
    assert_eq!(client.delete(connection_id()).await.unwrap(), Deleted::AlreadyGone);
}

#[tokio::test]
async fn a_deletion_is_not_done_because_some_proxy_says_404_or_200_in_html() {
    let (client, _) = answering(404, "<html>nginx</html>");
    assert!(matches!(client.delete(connection_id()).await, Err(Error::NotFound { .. })));
    let (client, _) = answering(200, "<html>Welcome to the hotel</html>");
    assert_eq!(client.delete(connection_id()).await.unwrap_err().outcome(), Outcome::Unknown);
}

#[tokio::test]
async fn an_identity_is_organization_principal_and_the_permissions_that_matter() {
    let body = r#"{"data":{"type":"users","id":"33333333-0000-4000-8000-000000000003","attributes":{"service_account":true,"disabled":false,"status":"Active","email":"ops@example.com"},
  "relationships":{"org":{"data":{"type":"orgs","id":"11111111-0000-4000-8000-000000000001"}},"roles":{"data":[{"type":"roles","id":"R"}]}}},
 "included":[{"type":"orgs","id":"11111111-0000-4000-8000-000000000001","attributes":{"name":"My Org","public_id":"abc","description":null}},
             {"type":"permissions","id":"P","attributes":{"name":"org_management","restricted":false}},
             {"type":"permissions","id":"Q","attributes":{"name":"dashboards_read","restricted":false}},
             {"type":"roles","id":"R"},
             {"type":"permissions","id":"P","attributes":{"name":"org_connections_write","restricted":false}}]}"#;
    let (client, sent) = answering(200, body);
    let identity = client.identity().await.unwrap();
    assert_eq!((sent.last().method().as_str(), sent.last().uri().path()), ("GET", "/api/v2/current_user"));
    assert_eq!((identity.organization.id, identity.organization.name.as_str()), (source(), "My Org"));
    assert_eq!(identity.principal.service_account, Some(true));
    assert_eq!(identity.permissions, ["org_connections_write", "org_management"]);
    assert!(!format!("{identity:?}").contains("ops@example.com"));
}

#[tokio::test]
async fn keys_travel_in_sensitive_headers_and_bodies_are_declared_as_json() {
    let (client, sent) = answering(200, REPLY);
    client.create(pair(), &types(&["logs"])).await.unwrap();
    let request = sent.last();
    for (name, value) in [("dd-api-key", API_KEY), ("dd-application-key", APP_KEY)] {
        assert_eq!(request.headers()[name], value);
        assert!(request.headers()[name].is_sensitive());
    }
    for (name, value) in [("accept", "application/json"), ("content-type", "application/json"), ("user-agent", AGENT)] {
        assert_eq!(request.headers()[name], value);
    }
    assert!(!request.uri().to_string().contains(API_KEY));
}

#[tokio::test]
async fn a_base_with_a_path_keeps_it_and_an_impossible_base_sends_nothing() {
    let transport = |sent: Arc<Mutex<Vec<String>>>| {
        Transport::new(tower::service_fn(move |request: Request<Bytes>| {
            sent.lock().unwrap().push(request.uri().to_string());
            async { reply(200, "{}") }
        }))
    };
    let sent = Arc::new(Mutex::new(Vec::new()));
    client(transport(sent.clone()), "http://127.0.0.1:8080/double/?x=1").delete(connection_id()).await.unwrap();
    assert_eq!(*sent.lock().unwrap(), [format!("http://127.0.0.1:8080/double/api/v2/org_connections/{CONNECTION}")]);

    let error = client(transport(sent.clone()), "/nowhere").delete(connection_id()).await.unwrap_err();
    assert_eq!((error.label(), error.outcome(), sent.lock().unwrap().len()), ("unreachable", Outcome::NotDone, 1));
}

#[tokio::test(start_paused = true)]
async fn a_call_ends_within_its_deadline_whatever_the_transport_does() {
    let silent = Transport::new(tower::service_fn(|_| std::future::pending::<Result<Response<Bytes>, TransportError>>()));
    let client = client(silent, "https://api.datadoghq.eu");
    let began = tokio::time::Instant::now();
    let error = client.create(pair(), &types(&["logs"])).await.unwrap_err();
    assert_eq!(began.elapsed().as_secs(), super::super::DEADLINE.as_secs());
    assert!(matches!(error, Error::NoAnswer { call: Call::Create, source: TransportError::TimedOut(_) }));
    assert_eq!(error.outcome(), Outcome::Unknown);
}

#[tokio::test(start_paused = true)]
async fn the_organization_has_its_own_clock_in_whole_seconds() {
    let (client, _) = scripted(|n, _| {
        let dates = ["Thu, 01 Jan 2026 10:00:00 GMT", "not a date"];
        with_headers(200, &[("date", dates[n])], "{}")
    });
    assert_eq!(client.organization_time(), None);
    client.delete(connection_id()).await.unwrap();
    tokio::time::advance(Duration::from_millis(2_900)).await;
    assert_eq!(client.organization_time(), Some("2026-01-01T10:00:02Z".parse().unwrap()));
    client.delete(connection_id()).await.unwrap();
    assert_eq!(client.clone().organization_time(), Some("2026-01-01T10:00:02Z".parse().unwrap()));
}

#[tokio::test]
async fn the_clock_of_whatever_answers_in_datadogs_place_is_not_believed() {
    for (status, body) in [(200, "<html>"), (302, ""), (403, ""), (404, "{}"), (429, "{}"), (503, "<html>")] {
        let (client, _) = scripted(move |_, _| with_headers(status, &[("date", "Thu, 01 Jan 2032 10:00:00 GMT")], body));
        client.delete(connection_id()).await.unwrap_err();
        assert_eq!(client.organization_time(), None, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_observer_is_told_once_for_each_request_that_was_sent() {
    let seen: Arc<Mutex<Vec<Observation>>> = Arc::default();
    let log = seen.clone();
    let (client, _) = scripted(|n, _| match n {
        0 => reply(200, "{}"),
        1 => reply(404, r#"{"errors":["Not found"]}"#),
        _ => reply(429, ""),
    });
    let client = client.observed_by(Arc::new(move |observation| log.lock().unwrap().push(*observation)));
    for _ in 0..4 {
        client.delete(connection_id()).await.ok();
    }
    let seen: Vec<_> = seen.lock().unwrap().iter().map(|seen| (seen.call, seen.route, seen.class, seen.result)).collect();
    let route = "/api/v2/org_connections/{connection_id}";
    let told = [("ok", "ok"), ("transient", "not_found"), ("throttled", "throttled")];
    assert_eq!(seen, told.map(|(class, result)| ("delete", route, class, result)));
    assert!(!route.contains(SINK));
}
