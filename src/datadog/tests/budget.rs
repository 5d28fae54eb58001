use std::time::Duration;

use http::{HeaderMap, HeaderName, StatusCode};
use tokio::time::{Instant, advance};

use super::super::budget::Buckets;
use super::super::{Call, Class, Error, Outcome};
use super::{REPLY, connection_id, json as reply, pair, scripted, source, types, with_headers};

const LIST: &str = r#"{"data":[],"meta":{"page":{"total_filtered_count":0}}}"#;

fn headers(told: &[(&str, &str)]) -> HeaderMap {
    told.iter().map(|(name, value)| (format!("x-ratelimit-{name}").parse::<HeaderName>().unwrap(), value.parse().unwrap())).collect()
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// How long the budget is closed for lists after this answer to a list.
fn closed_for(status: u16, told: &[(&str, &str)]) -> Option<Duration> {
    let (mut buckets, now) = (Buckets::default(), Instant::now());
    buckets.learn(Call::List, StatusCode::from_u16(status).unwrap(), &headers(told), now);
    buckets.admit(Call::List, now).err().map(|until| until - now)
}

#[tokio::test(start_paused = true)]
async fn a_429_closes_the_budget_until_the_reset_and_nothing_is_sent_meanwhile() {
    let recorded = [("x-ratelimit-limit", "10"), ("x-ratelimit-period", "10"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "7")];
    let (client, sent) = scripted(move |n, _| {
        if n == 0 {
            with_headers(429, &recorded, r#"{"errors": ["Rate limit of 10 requests in 10 seconds reached. Please try again later."]}"#)
        } else {
            reply(200, REPLY)
        }
    });
    let refused_at = Instant::now();
    let until = refused_at + seconds(7);
    for _ in 0..3 {
        let error = client.create(pair(), &types(&["logs"])).await.unwrap_err();
        assert_eq!((error.class(), error.outcome()), (Class::Throttled { until }, Outcome::NotDone));
        advance(seconds(2)).await;
    }
    assert_eq!(sent.count(), 1);
    advance(seconds(1)).await;
    assert!(client.create(pair(), &types(&["logs"])).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn the_last_request_of_a_window_closes_the_budget_though_it_succeeds() {
    let (client, sent) = scripted(|_, _| with_headers(200, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "5")], LIST));
    client.list(source()).await.unwrap();
    assert!(matches!(client.list(source()).await, Err(Error::Throttled { .. })));
    assert_eq!((sent.count(), client.budget().remaining()), (1, Some(0)));
    advance(seconds(5)).await;
    assert_eq!(client.budget().remaining(), None);
    assert!(client.list(source()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_was_overtaken_by_a_429_opens_nothing() {
    let (mut buckets, now) = (Buckets::default(), Instant::now());
    buckets.learn(Call::List, StatusCode::TOO_MANY_REQUESTS, &headers(&[("remaining", "0"), ("reset", "7"), ("name", "list")]), now);
    buckets.learn(Call::List, StatusCode::OK, &headers(&[("remaining", "25"), ("reset", "30")]), now);
    assert_eq!(buckets.admit(Call::List, now), Err(now + seconds(7)));
    buckets.learn(Call::List, StatusCode::OK, &headers(&[("remaining", "25"), ("reset", "30"), ("name", "another")]), now);
    assert_eq!(buckets.admit(Call::List, now), Err(now + seconds(7)), "under whatever name");
    assert!(buckets.admit(Call::List, now + seconds(7)).is_ok());
}

#[tokio::test(start_paused = true)]
async fn clients_that_share_a_budget_are_closed_together() {
    let (one, _) = scripted(|_, _| reply(429, ""));
    let (other, sent) = scripted(|_, _| reply(200, LIST));
    let other = other.with_budget(one.budget().clone());
    one.identity().await.unwrap_err();
    assert!(matches!(other.list(source()).await, Err(Error::Throttled { .. })));
    assert_eq!(sent.count(), 0);
}

/// What the server may say about the reset, and how long nothing is sent.
#[test]
fn only_a_believable_reset_is_followed() {
    let rows = [
        ("1", 1),
        ("10", 10),
        (" 30 ", 30),
        ("3600", 3600),
        ("0", 1),
        ("3601", 10),
        ("1767261600", 10),
        ("99999999999999999999999999", 10),
        ("-5", 10),
        ("2.5", 10),
        ("soon", 10),
        ("", 10),
        ("NaN", 10),
        ("Thu, 01 Jan 2026 10:00:00 GMT", 10),
    ];
    for (reset, expected) in rows {
        assert_eq!(closed_for(429, &[("reset", reset)]), Some(seconds(expected)), "reset {reset:?} with 429");
        assert_eq!(closed_for(200, &[("remaining", "0"), ("reset", reset)]), Some(seconds(expected)), "reset {reset:?} with 200");
    }
    assert_eq!(closed_for(429, &[]), Some(seconds(10)));
}

#[test]
fn only_an_empty_bucket_is_closed() {
    let rows = [("0", true), ("-1", true), ("1", false), ("12000", false), ("", false), ("none", false), ("99999999999999999999", false)];
    for (remaining, closed) in rows {
        assert_eq!(closed_for(200, &[("remaining", remaining), ("reset", "5")]).is_some(), closed, "remaining {remaining:?}");
    }
    assert_eq!(closed_for(200, &[]), None);
    assert_eq!(closed_for(500, &[("remaining", "7")]), None);
}

#[test]
fn blind_waits_grow_to_a_cap_and_start_anew_after_a_good_answer() {
    let (mut buckets, mut now) = (Buckets::default(), Instant::now());
    let mut refuse = |buckets: &mut Buckets| {
        let until = buckets.learn(Call::List, StatusCode::TOO_MANY_REQUESTS, &headers(&[]), now).unwrap();
        let wait = until - now;
        now = until;
        wait.as_secs()
    };
    let waits: Vec<u64> = (0..40).map(|_| refuse(&mut buckets)).collect();
    assert_eq!(waits[..7], [10, 20, 40, 80, 160, 300, 300]);
    assert_eq!(waits[39], 300);
    buckets.learn(Call::List, StatusCode::OK, &headers(&[("name", "lists"), ("remaining", "5"), ("reset", "5")]), Instant::now());
    assert_eq!(refuse(&mut buckets), 10);
}

#[test]
fn several_refusals_of_requests_in_flight_are_one_blind_wait() {
    let (mut buckets, now) = (Buckets::default(), Instant::now());
    for _ in 0..8 {
        let until = buckets.learn(Call::Create, StatusCode::TOO_MANY_REQUESTS, &headers(&[]), now).unwrap();
        assert_eq!(until, now + seconds(10));
    }
}

#[test]
fn requests_in_flight_count_before_they_are_answered() {
    let (mut buckets, now) = (Buckets::default(), Instant::now());
    buckets.learn(Call::List, StatusCode::OK, &headers(&[("remaining", "2"), ("reset", "10")]), now);
    assert!(buckets.admit(Call::List, now).is_ok());
    assert!(buckets.admit(Call::List, now).is_ok());
    assert_eq!(buckets.admit(Call::List, now), Err(now + seconds(10)));
    // An answer that was overtaken does not open it again.
    buckets.learn(Call::List, StatusCode::OK, &headers(&[("remaining", "1"), ("reset", "10")]), now);
    assert!(buckets.admit(Call::List, now).is_err());
    assert!(buckets.admit(Call::List, now + seconds(10)).is_ok());
}

#[test]
fn a_new_window_has_its_own_number() {
    let (mut buckets, now) = (Buckets::default(), Instant::now());
    buckets.learn(Call::List, StatusCode::OK, &headers(&[("remaining", "1"), ("reset", "1")]), now);
    buckets.learn(Call::List, StatusCode::OK, &headers(&[("remaining", "500"), ("reset", "10")]), now);
    assert_eq!(buckets.remaining(now), Some(500));
}

#[test]
fn an_exhausted_budget_for_writing_does_not_stop_the_lists() {
    let (mut buckets, now) = (Buckets::default(), Instant::now());
    let ok = StatusCode::OK;
    buckets.learn(Call::List, ok, &headers(&[("name", "lists"), ("remaining", "500"), ("reset", "10")]), now);
    buckets.learn(Call::Create, ok, &headers(&[("name", "writes"), ("remaining", "0"), ("reset", "3600")]), now);
    assert!(buckets.admit(Call::Create, now).is_err());
    assert!(buckets.admit(Call::List, now).is_ok());
    assert_eq!(buckets.remaining(now), Some(0));
    // One bucket for several calls is one bucket.
    buckets.learn(Call::Delete(connection_id()), ok, &headers(&[("name", "writes")]), now);
    assert!(buckets.admit(Call::Delete(connection_id()), now).is_err());
}

#[test]
fn a_refusal_without_a_name_closes_every_bucket() {
    let (mut buckets, now) = (Buckets::default(), Instant::now());
    buckets.learn(Call::List, StatusCode::OK, &headers(&[("name", "lists"), ("remaining", "500"), ("reset", "10")]), now);
    buckets.learn(Call::Create, StatusCode::TOO_MANY_REQUESTS, &headers(&[]), now);
    assert!(buckets.admit(Call::List, now).is_err());
}

#[test]
fn a_server_that_makes_up_names_does_not_fill_the_memory() {
    let (mut buckets, now) = (Buckets::default(), Instant::now());
    for n in 0..1000 {
        let name = format!("{n}-{}", "x".repeat(5000));
        buckets.learn(Call::List, StatusCode::OK, &headers(&[("name", &name), ("remaining", "1"), ("reset", "5")]), now);
    }
    assert!(format!("{buckets:?}").len() < 1000);
}
