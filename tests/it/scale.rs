//! What it costs when nothing changes, and how long a change takes: the tests that count time, one after the other.

use std::time::Duration;

use crossorg::api::{DatadogOrg, OrgConnection};
use datadog_double::{Config, Entry};
use kube::api::ListParams;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::harness::{Conditioned, Counts, World, many_organizations, plane, print_past_capture, share_with_each};

/// Two tests that count time would count each other's work.
static CLOCK: Mutex<()> = Mutex::const_new(());

/// The shortest that the API allows.
const INTERVAL: Duration = Duration::from_secs(10);
/// For many objects, beside whatever else the machine does.
const LONG: Duration = Duration::from_secs(120);
const SOURCES: [&str; 4] = ["north", "east", "south", "west"];
const SINKS_EACH: usize = 50;
/// How often the time is taken.
const TAKES: usize = 20;

/// A world where each source is connected and polled as often as can be.
async fn connected(name: &str, sources: &[&str], config: &Config) -> World {
    let world = World::with(plane::shared().await, name, config).await;
    for source in sources {
        world.organization(source).poll_every("10s").apply().await;
    }
    world
}

/// Waits until so many objects are ready, and each organization has counted them.
async fn converged(world: &World, sources: &[&str], sinks: usize) {
    let count = sources.len() * sinks;
    world.datadog.wait_for_connections(LONG, |connections| connections.len() == count).await.unwrap();
    for object in world.connections().list(&ListParams::default()).await.unwrap() {
        world.comes_to::<OrgConnection>(object.metadata.name.as_deref().unwrap(), "InSync", LONG).await;
    }
    for source in sources {
        let counted = |org: &DatadogOrg| {
            let managed = org.status.as_ref().and_then(|status| status.connections.as_ref()).map(|connections| connections.managed);
            managed == i64::try_from(sinks).ok()
        };
        world.object(source, "all its connections are counted", counted).await;
    }
}

/// The lists of one organization since a moment, as milliseconds since Datadog began.
fn lists(journal: &[Entry], source: &str, since: u64) -> Vec<u64> {
    let is = |entry: &&Entry| entry.at_millis >= since && entry.credential.as_deref() == Some(source) && entry.method == "GET";
    journal.iter().filter(is).map(|entry| entry.at_millis).collect()
}

/// Watches three intervals in which nothing happens.
async fn quiet_for_three_intervals(world: &World, sources: &[&str]) {
    let before = world.counts();
    let since = world.datadog.journal().last().unwrap().at_millis + 1;
    let four_each = |journal: &[Entry]| sources.iter().all(|source| lists(journal, source, since).len() >= 4);
    world.datadog.wait(INTERVAL * 6, four_each).await.unwrap();
    let (spent, journal) = (world.counts() - before, world.datadog.journal());
    let only_lists = Counts { requests: spent.lists, lists: spent.lists, ..Counts::default() };
    assert_eq!(spent, only_lists, "no request but lists, and nothing written, at Datadog or in Kubernetes");
    for source in sources {
        let times = lists(&journal, source, since);
        let gaps: Vec<u64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        // As they arrive: a list that was held up for a moment on a busy machine is nearer to the next one.
        assert!(gaps.iter().all(|gap| (9_500..12_000).contains(gap)), "{source} is listed once in 10 s: {gaps:?} ms");
    }
}

#[tokio::test]
async fn a_few_objects_cost_one_list_an_interval_and_no_write() {
    let (config, sinks) = many_organizations(&["north"], 3);
    let world = connected("quiet-few", &["north"], &config).await;
    let _operator = world.operator().await;
    for (number, sink) in sinks.iter().enumerate() {
        world.connection(&format!("few-{number}")).from("north").to(*sink).types(&["logs"]).apply().await;
    }
    converged(&world, &["north"], 3).await;
    quiet_for_three_intervals(&world, &["north"]).await;
}

#[tokio::test]
async fn an_applied_object_reaches_datadog_within_a_second() {
    let _alone = CLOCK.lock().await;
    let (config, sinks) = many_organizations(&["north"], TAKES);
    let world = connected("latency", &["north"], &config).await;
    let _operator = world.operator().await;
    world.org_ready("north").await;
    let mut times = Vec::new();
    for (number, sink) in sinks.iter().enumerate() {
        let begun = Instant::now();
        world.connection(&format!("take-{number}")).from("north").to(*sink).types(&["logs"]).apply().await;
        let posts = |journal: &[Entry]| journal.iter().filter(|entry| entry.method == "POST").count() > number;
        world.datadog.wait(LONG, posts).await.unwrap();
        times.push(begun.elapsed());
    }
    times.sort();
    let (median, worst) = (times[TAKES / 2], times[TAKES - 1]);
    print_past_capture(&format!("from applying an object to the request at Datadog: median {median:.0?}, worst of {TAKES} {worst:.0?}"));
    assert!(worst < Duration::from_secs(1), "{times:?}");
}

#[tokio::test]
async fn two_hundred_objects_of_four_organizations_cost_four_lists_an_interval_and_no_write() {
    let _alone = CLOCK.lock().await;
    let (config, sinks) = many_organizations(&SOURCES, SINKS_EACH);
    let world = connected("scale", &SOURCES, &config).await;
    let _operator = world.operator().await;
    let begun = Instant::now();
    for source in SOURCES {
        share_with_each(&world, source, source, &sinks).await;
    }
    converged(&world, &SOURCES, SINKS_EACH).await;
    print_past_capture(&format!("200 objects applied and in sync within {:.0?}", begun.elapsed()));

    let made = world.counts();
    assert_eq!((made.remote_writes(), made.object_writes()), ((200, 0, 0), (200, 200)), "{made:?}");
    assert!(made.org_status <= made.lists + SOURCES.len(), "a DatadogOrg's status is written at most once per poll: {made:?}");
    quiet_for_three_intervals(&world, &SOURCES).await;
    assert!(world.datadog.violations().is_empty());
    let ready = world.connections().list(&ListParams::default()).await.unwrap();
    assert!(ready.iter().all(|object| object.verdict().is_some_and(|ready| ready.status == "True")));
}
