//! The double without a socket, and in virtual time.

use std::time::Duration;

use axum::body::Body;
use datadog_double::{CENTRAL, Clock, Config, Double, Dropped, Fault, Ids, Limit, PAYMENTS, Rule, Stale, When};
use http::{Request, Response};
use http_body_util::BodyExt;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tower::ServiceExt;

use crate::client::{CONNECTIONS, DEADLINE};

fn double() -> Double {
    let clock = Clock::virtual_from("2026-01-02T03:04:05Z".parse().unwrap());
    Double::with_sources(&Config::three_organizations(), clock, Ids::seeded(7))
}

fn request(method: &str, body: Option<&Value>) -> Request<Body> {
    let keys = Request::builder().method(method).uri(CONNECTIONS).header("DD-API-KEY", "fake-api-key-payments");
    let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
    keys.header("DD-APPLICATION-KEY", "fake-app-key-payments").body(body).unwrap()
}

fn list() -> Request<Body> {
    request("GET", None)
}

fn create() -> Request<Body> {
    let sink = serde_json::json!({"data": {"type": "orgs", "id": CENTRAL}});
    let attributes = serde_json::json!({"connection_types": ["logs"]});
    let data = serde_json::json!({"type": "org_connection", "attributes": attributes, "relationships": {"sink_org": sink}});
    request("POST", Some(&serde_json::json!({"data": data})))
}

async fn text(response: Response<Body>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_router_answers_without_a_socket() {
    let response = double().router().oneshot(create()).await.unwrap();
    assert_eq!(response.headers()["date"], "Fri, 02 Jan 2026 03:04:05 GMT");
    assert!(text(response).await.contains("\"created_at\":\"2026-01-02T03:04:05.000000+00:00\""));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_connection_is_an_error_of_the_service_and_a_broken_body_of_the_router() {
    let double = double();
    double.script(Rule::new(Fault::Drop { when: When::Before }).times(2));
    assert_eq!(double.service().oneshot(list()).await.unwrap_err(), Dropped);
    let response = double.router().oneshot(list()).await.unwrap();
    assert_eq!(response.extensions().get::<Dropped>(), Some(&Dropped));
    assert!(response.into_body().collect().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_truncated_answer_is_a_body_that_breaks() {
    let double = double();
    double.script(Rule::new(Fault::Truncate { keep: 3 }));
    let response = double.service().oneshot(list()).await.unwrap();
    assert!(response.into_body().collect().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn an_hours_delay_takes_an_hour_of_virtual_time() {
    let double = double();
    double.script(Rule::new(Fault::Delay { when: When::Before, millis: 3_600_000 }));
    let begun = Instant::now();
    let response = double.service().oneshot(list()).await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 3600);
    assert_eq!(response.headers()["date"], "Fri, 02 Jan 2026 04:04:05 GMT");
}

#[tokio::test(start_paused = true)]
async fn lists_can_lag_by_time() {
    let double = double();
    double.script(Rule::new(Fault::stale(Stale::Millis { millis: 5000 })).method("GET").always());
    double.service().oneshot(create()).await.unwrap();
    let rows = async || text(double.service().oneshot(list()).await.unwrap()).await.matches("\"org_connection\"").count();
    tokio::time::advance(Duration::from_millis(4900)).await;
    assert_eq!(rows().await, 0);
    tokio::time::advance(Duration::from_millis(200)).await;
    assert_eq!(rows().await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_window_turns_in_virtual_time() {
    let double = double();
    double.set_limit(PAYMENTS, Some(Limit::new(1, 10))).unwrap();
    let status = async || double.service().oneshot(list()).await.unwrap().status().as_u16();
    assert_eq!((status().await, status().await), (200, 429));
    tokio::time::advance(Duration::from_secs(5)).await;
    assert_eq!(status().await, 200);
}

#[tokio::test(start_paused = true)]
async fn a_request_goes_on_though_nobody_waits_for_it() {
    let double = double();
    let rule = double.script(Rule::new(Fault::Hold { when: When::Before }));
    assert!(tokio::time::timeout(Duration::from_secs(1), double.exchange(create())).await.is_err());
    double.release(rule).unwrap();
    double.wait_for_connections(Duration::from_secs(1), |connections| connections.len() == 1).await.unwrap();
    assert_eq!(serde_json::to_value(double.journal()).unwrap()[0]["outcome"], "abandoned");
}

#[tokio::test(start_paused = true)]
async fn equal_seeds_give_equal_ids() {
    let mut answers = Vec::new();
    for _ in 0..2 {
        answers.push(text(double().service().oneshot(create()).await.unwrap()).await);
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test(start_paused = true)]
async fn waiting_in_vain_says_what_there_was() {
    let double = double();
    double.service().oneshot(list()).await.unwrap();
    let error = double.wait(Duration::from_secs(2), |journal| journal.len() > 1).await.unwrap_err();
    let message = "waited 2s for something that did not happen: 1 requests in the journal, the last one GET /api/v2/org_connections";
    assert_eq!(error.to_string(), message);
}

#[tokio::test]
async fn a_running_double_stops_when_it_is_dropped() {
    let running = Double::start(&Config::three_organizations()).await.unwrap();
    let address = running.address;
    assert_eq!(running.url, format!("http://{address}"));
    drop(running);
    let refused = async { while TcpStream::connect(address).await.is_ok() {} };
    tokio::time::timeout(DEADLINE, refused).await.unwrap();
}
