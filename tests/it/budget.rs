//! The request budget of an organization: never overdrawn, used to its end, and what comes first when it opens again.

use std::time::Duration;

use datadog_double::{Config, Entry, Limit, Outcome};
use tokio::time::Instant;
use uuid::Uuid;

use crate::harness::{World, many_organizations, plane, print_past_capture, share_with_each};

const LIMIT: u64 = 30;
const PERIOD: u64 = 10;
const OBJECTS: usize = 100;
/// Long against the forty seconds that the budget allows it in.
const LONG: Duration = Duration::from_secs(120);

fn limited(limit: Limit) -> (Config, Vec<Uuid>) {
    let (mut config, sinks) = many_organizations(&["north"], OBJECTS);
    config.organizations[0].limit = Some(limit);
    (config, sinks)
}

fn refused(journal: &[Entry]) -> usize {
    journal.iter().filter(|entry| entry.outcome == Outcome::Answered(429)).count()
}

#[tokio::test]
async fn a_budget_that_is_told_is_never_overdrawn_and_used_to_its_end() {
    let (config, sinks) = limited(Limit::new(LIMIT, PERIOD));
    let world = World::with(plane::shared().await, "budget-told", &config).await;
    world.org("north").await;
    let _operator = world.operator().await;
    world.org_ready("north").await;
    let begun = Instant::now();
    share_with_each(&world, "north", "north", &sinks).await;
    world.datadog.wait_for_connections(LONG, |connections| connections.len() == OBJECTS).await.unwrap();
    let took = begun.elapsed();

    let journal = world.datadog.journal();
    // The first window may be over at once, and the last one is not needed to its end.
    let windows = u64::try_from(journal.len()).unwrap().div_ceil(LIMIT);
    let bound = Duration::from_secs(windows * PERIOD).mul_f64(1.1);
    print_past_capture(&format!("{} requests for {OBJECTS} creations, {LIMIT} allowed in {PERIOD} s: {took:.1?}", journal.len()));
    assert_eq!((refused(&journal), world.datadog.violations().len()), (0, 0));
    assert!(took <= bound, "{took:?} for {} requests in {windows} windows of {PERIOD} s", journal.len());
    assert!(journal.len() <= OBJECTS * 11 / 10, "{} requests for {OBJECTS} creations", journal.len());
    for number in 0..OBJECTS {
        world.ready(&format!("north-{number}")).await;
    }
}

#[tokio::test]
async fn where_nothing_is_told_of_a_budget_a_refusal_is_waited_for_and_not_run_against() {
    let (config, sinks) = limited(Limit { headers: false, ..Limit::new(LIMIT, PERIOD) });
    let world = World::with(plane::shared().await, "budget-bare", &config).await;
    world.org("north").await;
    let _operator = world.operator().await;
    world.org_ready("north").await;
    share_with_each(&world, "north", "north", &sinks).await;
    world.datadog.wait_for_connections(LONG, |connections| connections.len() == OBJECTS).await.unwrap();
    let journal = world.datadog.journal();
    print_past_capture(&format!("{} of {} requests refused where no header tells the budget", refused(&journal), journal.len()));
    // Those that were under way when the first refusal came, in each of the windows it takes.
    assert!(refused(&journal) <= journal.len() / 3, "{} of {} refused", refused(&journal), journal.len());
}
