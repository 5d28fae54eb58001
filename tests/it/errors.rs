//! The three classes of errors and their waits, counted at Datadog.

use std::time::Duration;

use datadog_double::{Entry, Fault, Rule, When};
use uuid::Uuid;

use crate::harness::{Conditioned, World, many_organizations, plane};

/// Four waits of at most 1, 2, 4 and 8 s, on a machine that compiles.
const LONG: Duration = Duration::from_secs(60);
const ATTEMPTS: usize = 5;
const RESET: u64 = 5;
/// A list, a live read and a busy machine lie between the end of a wait and the request.
const SLACK: u64 = 4_000;

/// When the creations of an organization arrived, in milliseconds.
fn creations(journal: &[Entry], organization: Uuid) -> Vec<u64> {
    let is = |entry: &&Entry| entry.method == "POST" && entry.organization == Some(organization);
    journal.iter().filter(is).map(|entry| entry.at_millis).collect()
}

#[tokio::test]
async fn the_class_of_an_error_decides_how_long_it_is_waited() {
    let names = ["transient", "throttled", "permanent"];
    let (config, sinks) = many_organizations(&names, 1);
    let [transient, throttled, permanent] = [0, 1, 2].map(|number: usize| config.organizations[number].id);
    let world = World::with(plane::shared().await, "error-classes", &config).await;
    for name in names {
        world.org(name).await;
    }
    let _operator = world.operator().await;
    for name in names {
        world.org_ready(name).await;
    }
    let fails = |organization, fault| Rule::new(fault).method("POST").organization(organization);
    let when = When::Before;
    world.datadog.script(fails(transient, Fault::status(when, 503)).always());
    world.datadog.script(fails(throttled, Fault::TooManyRequests { reset: Some(RESET.to_string()), html: false }));
    world.datadog.script(fails(permanent, Fault::status(when, 400)).always());
    for name in names {
        world.connection(name).from(name).to(sinks[0]).types(&["logs"]).apply().await;
    }
    for (name, reason, condition) in
        [("transient", "Retrying", "Reconciling"), ("throttled", "Throttled", "Reconciling"), ("permanent", "NotAllowed", "Stalled")]
    {
        let object = world.reason(name, reason).await;
        assert!(object.has(condition), "{name}: {}", object.message());
    }
    world.ready("throttled").await;
    world.datadog.wait(LONG, |journal| creations(journal, transient).len() >= ATTEMPTS).await.unwrap();

    let journal = world.datadog.journal();
    let gaps = |organization| creations(&journal, organization).windows(2).map(|pair| pair[1] - pair[0]).collect::<Vec<_>>();
    let (waits, waited) = (gaps(transient), gaps(throttled));
    for (gap, longest) in waits.iter().zip([1_000, 2_000, 4_000, 8_000]) {
        assert!(*gap <= longest + SLACK, "each wait may be twice as long as the one before, from a second on: {waits:?} ms");
    }
    assert!(matches!(waited[..], [gap] if (RESET * 1_000..RESET * 1_100 + SLACK).contains(&gap)), "until the reset: {waited:?} ms");
    assert_eq!(creations(&journal, permanent).len(), 1, "not before somebody has changed something");
}
