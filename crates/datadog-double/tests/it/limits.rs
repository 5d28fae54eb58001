//! Request budgets.

use std::sync::{Arc, Mutex};

use datadog_double::{Clock, Config, Double, Ids, Limit, PAYMENTS, READER, Running};
use jiff::Timestamp;

use crate::client::{Answer, created, list, start};

type Now = Arc<Mutex<Timestamp>>;

/// A double whose clock the test moves, five seconds into a window of ten.
async fn start_at_five() -> (Running, Now) {
    let now: Now = Arc::new(Mutex::new("2026-01-02T03:04:05.5Z".parse().unwrap()));
    let read = Arc::clone(&now);
    let clock = Clock::from_fn(move || *read.lock().unwrap());
    let double = Double::with_sources(&Config::three_organizations(), clock, Ids::seeded(1));
    (double.listen().await.unwrap(), now)
}

fn told(answer: &Answer) -> (u16, [Option<&str>; 5]) {
    (answer.status, ["limit", "period", "remaining", "reset", "name"].map(|name| answer.header(&format!("x-ratelimit-{name}"))))
}

#[tokio::test]
async fn without_a_budget_there_are_no_headers() {
    let running = start().await;
    assert_eq!(told(&list().with("payments").to(&running).await), (200, [None; 5]));
}

#[tokio::test]
async fn the_keys_of_an_organization_share_a_calendar_aligned_window() {
    let (running, now) = start_at_five().await;
    running.double.set_limit(PAYMENTS, Some(Limit::new(2, 10))).unwrap();
    let headers = |remaining, reset| [Some("2"), Some("10"), Some(remaining), Some(reset), Some("global_org")];
    assert_eq!(told(&list().with("payments").to(&running).await), (200, headers("1", "5")));
    assert_eq!(told(&list().with(READER).to(&running).await), (200, headers("0", "5")));
    let refused = list().with("payments").to(&running).await;
    refused.is(429, "{\"errors\": [\"Rate limit of 2 requests in 10 seconds reached. Please try again later.\"]}");
    assert_eq!(told(&refused), (429, headers("0", "5")));
    assert_eq!(list().with("central").to(&running).await.status, 200);
    *now.lock().unwrap() = "2026-01-02T03:04:10Z".parse().unwrap();
    assert_eq!(told(&list().with("payments").to(&running).await), (200, headers("1", "10")));
}

#[tokio::test]
async fn a_refused_write_has_no_effect() {
    let (running, _) = start_at_five().await;
    running.double.set_limit(PAYMENTS, Some(Limit::new(0, 10))).unwrap();
    assert_eq!(crate::client::post("[\"logs\"]", datadog_double::CENTRAL).with("payments").to(&running).await.status, 429);
    assert_eq!(running.double.state().connections, []);
    running.double.set_limit(PAYMENTS, None).unwrap();
    created(&running).await;
}

#[tokio::test]
async fn other_tools_use_the_same_budget() {
    let (running, now) = start_at_five().await;
    running.double.set_limit(PAYMENTS, Some(Limit { foreign_per_period: 1, headers: false, ..Limit::new(4, 10) })).unwrap();
    running.double.use_budget(PAYMENTS, 2);
    assert_eq!(told(&list().with("payments").to(&running).await), (200, [None; 5]));
    assert_eq!(told(&list().with("payments").to(&running).await), (429, [None; 5]));
    *now.lock().unwrap() = "2026-01-02T03:04:10Z".parse().unwrap();
    for status in [200, 200, 200, 429] {
        assert_eq!(list().with("payments").to(&running).await.status, status);
    }
}
