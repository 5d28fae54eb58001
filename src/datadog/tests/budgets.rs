use std::time::Duration;

use http::{HeaderMap, StatusCode};
use tokio::time::advance;

use super::super::{Budget, Budgets, Call, Credentials};
use super::{SINK, source};

fn key(name: &str) -> Credentials {
    Credentials::from_keys(format!("api-{name}").as_bytes(), b"application").unwrap()
}

/// An answer to this key says that nothing is left for the next seconds.
fn use_up(budget: &Budget, seconds: &str) {
    let told = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", seconds)];
    let headers: HeaderMap = told.iter().map(|(name, value)| (name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap())).collect();
    budget.learn(Call::List, StatusCode::OK, &headers);
}

fn is_open(budget: &Budget) -> bool {
    budget.admit(Call::List).is_ok()
}

/// A key that has proven to be the source organization's.
fn proven(budgets: &Budgets, name: &str) -> Budget {
    let budget = budgets.of(&key(name), None);
    budgets.belongs(&budget, source());
    budget
}

#[tokio::test(start_paused = true)]
async fn all_keys_of_an_organization_draw_on_one_budget() {
    let budgets = Budgets::default();
    let (first, second) = (proven(&budgets, "first"), proven(&budgets, "second"));
    use_up(&first, "40");
    assert!(!is_open(&second) && !is_open(&budgets.of(&key("second"), None)));
}

#[tokio::test(start_paused = true)]
async fn what_a_key_was_told_before_it_is_proven_comes_along() {
    let budgets = Budgets::default();
    let (known, new) = (proven(&budgets, "known"), budgets.of(&key("new"), None));
    use_up(&new, "40");
    assert!(is_open(&known), "whose key it is, nobody knows yet");
    budgets.belongs(&new, source());
    assert!(!is_open(&known) && !is_open(&new));
    advance(Duration::from_secs(40)).await;
    assert!(is_open(&known) && is_open(&new));
}

#[tokio::test(start_paused = true)]
async fn a_key_is_held_by_the_budget_of_the_organization_that_it_should_belong_to() {
    let budgets = Budgets::default();
    let known = proven(&budgets, "known");
    use_up(&known, "40");
    assert!(!is_open(&budgets.of(&key("rotated"), Some(source()))));
    assert!(is_open(&budgets.of(&key("elsewhere"), Some(SINK.parse().unwrap()))));
}

#[tokio::test(start_paused = true)]
async fn a_key_of_another_organization_teaches_this_one_nothing() {
    let budgets = Budgets::default();
    let (known, wrong) = (proven(&budgets, "known"), budgets.of(&key("wrong"), Some(source())));
    use_up(&wrong, "40");
    budgets.belongs(&wrong, SINK.parse().unwrap());
    assert!(is_open(&known) && !is_open(&wrong));
    use_up(&known, "40");
    advance(Duration::from_secs(39)).await;
    let other = budgets.of(&key("other"), None);
    budgets.belongs(&other, SINK.parse().unwrap());
    assert!(!is_open(&other), "the wrong key's budget is that of its own organization");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_remembered_of_what_nobody_uses_once_its_window_is_over() {
    let budgets = Budgets::default();
    for round in 0..1000 {
        use_up(&proven(&budgets, &format!("key-{round}")), "40");
    }
    assert!(!is_open(&proven(&budgets, "last")), "a window that is not over counts for whoever comes next");
    advance(Duration::from_secs(40)).await;
    assert!(is_open(&proven(&budgets, "last")) && budgets.known() <= 2, "{}", budgets.known());
}

#[tokio::test(start_paused = true)]
async fn what_was_told_last_is_shown_for_the_organizations_asked_for_and_outlives_its_window() {
    let budgets = Budgets::default();
    let known = proven(&budgets, "known");
    assert!(budgets.told(&[source()].into()).is_empty(), "nothing was told yet");
    let told = |name: &'static str, remaining: &str| -> HeaderMap {
        let headers = [("x-ratelimit-name", name), ("x-ratelimit-remaining", remaining), ("x-ratelimit-reset", "10")];
        headers.iter().map(|(name, value)| (name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap())).collect()
    };
    known.learn(Call::List, StatusCode::OK, &told("reads", "7"));
    known.learn(Call::Create, StatusCode::OK, &told("writes", "3"));
    known.learn(Call::Identity, StatusCode::TOO_MANY_REQUESTS, &HeaderMap::new());
    advance(Duration::from_secs(60)).await;
    let expected = [("unnamed", 0), ("reads", 7), ("writes", 3)].map(|(name, left)| (source(), name.to_owned(), left));
    assert_eq!(budgets.told(&[source()].into()), expected);
    assert!(budgets.told(&[SINK.parse().unwrap()].into()).is_empty());
}
