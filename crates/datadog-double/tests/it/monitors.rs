//! Every rule that a client can break, broken and not broken.

use std::sync::{Arc, Mutex};

use datadog_double::{Broken, CENTRAL, Clock, Config, Double, Fault, Ids, Limit, PAYMENTS, Rule, Running, When};
use uuid::Uuid;

use crate::client::{Ask, CONNECTIONS, created, delete, list, patch, post, start};

fn broken(running: &Running, rule: Broken) -> usize {
    running.double.broken().get(&rule).copied().unwrap_or_default()
}

async fn create_again(running: &Running) {
    post("[\"logs\"]", CENTRAL).with("payments").maybe(running).await;
}

#[tokio::test]
async fn a_second_create_after_a_told_success_is_counted() {
    let running = start().await;
    created(&running).await;
    create_again(&running).await;
    assert_eq!(broken(&running, Broken::SecondCreate), 1);
}

#[tokio::test]
async fn a_second_create_after_a_lost_or_spoilt_answer_is_not_counted() {
    for fault in [Fault::Drop { when: When::After }, Fault::Truncate { keep: 5 }, Fault::status(When::After, 500), Fault::EmptyBody] {
        let running = start().await;
        running.double.script(Rule::new(fault));
        create_again(&running).await;
        create_again(&running).await;
        assert_eq!(running.double.violations(), []);
    }
}

#[tokio::test]
async fn a_create_after_a_deletion_of_any_kind_is_not_counted() {
    let running = start().await;
    let id = created(&running).await;
    delete(&id).with("central").to(&running).await;
    let id = created(&running).await;
    running.double.delete(id.parse().unwrap()).unwrap();
    created(&running).await;
    let user = running.double.connection(PAYMENTS, CENTRAL).unwrap().created_by;
    running.double.deactivate_user(user).unwrap();
    create_again(&running).await;
    assert_eq!(running.double.violations(), []);
}

#[tokio::test]
async fn a_request_into_a_budget_told_exhausted_is_counted_until_the_reset() {
    let now = Arc::new(Mutex::new("2026-01-02T03:04:05.5Z".parse().unwrap()));
    let read = Arc::clone(&now);
    let clock = Clock::from_fn(move || *read.lock().unwrap());
    let running = Double::with_sources(&Config::three_organizations(), clock, Ids::seeded(1)).listen().await.unwrap();
    running.double.set_limit(PAYMENTS, Some(Limit::new(1, 10))).unwrap();
    list().with("payments").to(&running).await;
    assert_eq!(broken(&running, Broken::ExhaustedBudget), 0);
    list().with("central").to(&running).await;
    assert_eq!(broken(&running, Broken::ExhaustedBudget), 0);
    list().with("payments").to(&running).await;
    assert_eq!(broken(&running, Broken::ExhaustedBudget), 1);
    *now.lock().unwrap() = "2026-01-02T03:04:10Z".parse().unwrap();
    list().with("payments").to(&running).await;
    assert_eq!(broken(&running, Broken::ExhaustedBudget), 1);
}

#[tokio::test]
async fn a_scripted_reset_binds_when_it_is_sensible_and_not_when_it_is_absurd() {
    for (reset, count) in [("5", 1), ("-1", 0), ("99999999", 0), ("soon", 0)] {
        let running = start().await;
        running.double.script(Rule::new(Fault::TooManyRequests { reset: Some(reset.to_owned()), html: false }));
        list().with("payments").to(&running).await;
        list().with("payments").to(&running).await;
        assert_eq!(broken(&running, Broken::ExhaustedBudget), count, "{reset}");
    }
}

#[tokio::test]
async fn a_key_in_a_query_is_counted_and_not_kept() {
    let running = start().await;
    for query in ["api_key=anything", "x=fake-app-key-payments", "x=%66ake-app-key-payments"] {
        Ask::new("GET", format!("{CONNECTIONS}?{query}")).with("payments").to(&running).await;
    }
    list().with("payments").to(&running).await;
    assert_eq!(broken(&running, Broken::KeyInQuery), 3);
    let journal = serde_json::to_string(&running.double.journal()).unwrap();
    assert!(!journal.contains("ake-app-key") && !journal.contains("anything"));
}

#[tokio::test]
async fn touching_a_protected_connection_is_counted() {
    let running = start().await;
    let id = created(&running).await;
    running.double.protect(id.parse().unwrap()).unwrap();
    patch(&id, "[\"audit\"]").with("payments").to(&running).await;
    delete(&id).with("payments").to(&running).await;
    assert_eq!(broken(&running, Broken::ProtectedTouched), 2);
}

#[tokio::test]
async fn touching_an_id_that_never_existed_is_counted_and_one_that_is_gone_is_not() {
    let running = start().await;
    let id = created(&running).await;
    delete(&id).with("payments").to(&running).await;
    delete(&id).with("payments").to(&running).await;
    assert_eq!(broken(&running, Broken::UnknownId), 0);
    delete(Uuid::nil()).with("payments").to(&running).await;
    patch(Uuid::nil(), "[\"logs\"]").with("payments").to(&running).await;
    delete("malformed").with("payments").to(&running).await;
    assert_eq!(broken(&running, Broken::UnknownId), 3);
}

#[tokio::test]
async fn a_violation_names_its_request_and_can_be_forgotten() {
    let running = start().await;
    delete(Uuid::nil()).with("payments").to(&running).await;
    let violation = running.double.violations().pop().unwrap();
    assert_eq!((violation.broken, violation.seq, violation.subject), (Broken::UnknownId, 1, Uuid::nil().to_string()));
    running.double.clear_violations();
    assert_eq!(running.double.violations(), []);
}
