//! A term by itself. What several processes do with a lease is simulated in `tests/sim/election`.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use tokio::time::timeout;

use super::*;

fn term(lasts: Duration) -> (watch::Sender<Instant>, Term) {
    let (ends, term) = watch::channel(Instant::now() + lasts);
    (ends, Term(term))
}

#[tokio::test(start_paused = true)]
async fn a_term_is_over_when_it_is_renewed_no_more_and_not_before() {
    let begun = Instant::now();
    let (ends, term) = term(Duration::from_secs(10));
    let renew = async {
        sleep_until(begun + Duration::from_secs(8)).await;
        ends.send_replace(begun + Duration::from_secs(18));
    };
    futures::future::join(term.clone().over(), renew).await;
    assert_eq!((begun.elapsed().as_secs(), term.is_over()), (18, true));
}

#[tokio::test(start_paused = true)]
async fn a_term_that_nobody_can_renew_any_more_is_over() {
    let begun = Instant::now();
    let (ends, term) = term(Duration::from_secs(10));
    drop(ends);
    term.over().await;
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn no_request_begins_after_the_term_and_one_that_has_begun_gets_its_answer() {
    let (_ends, term) = term(Duration::from_secs(10));
    let slow = Transport::new(tower::service_fn(|_| async {
        tokio::time::sleep(Duration::from_secs(12)).await;
        Ok(Response::new(Bytes::new()))
    }));
    let fenced = term.fence(slow);
    let ask = || timeout(Duration::from_secs(60), fenced.clone().oneshot(Request::new(Bytes::new())));
    assert!(ask().await.unwrap().is_ok());
    assert!(ask().await.is_err(), "it is never answered");
}
