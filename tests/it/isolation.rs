//! One organization that is slow, dead or out of budget delays no other.

use std::time::Duration;

use crossorg::api::OrgConnection;
use datadog_double::{Entry, Fault, Rule, When};
use uuid::Uuid;

use crate::harness::{World, many_organizations, plane};

const SOON: Duration = Duration::from_secs(30);
/// A request without an answer is given up then.
const DEADLINE_MILLIS: u64 = 10_000;
/// More than are ever looked at at once for one organization.
const MANY: usize = 40;
const FEW: usize = 10;

/// Two connected organizations with so many sinks each, and which is which.
async fn two_organizations(name: &str) -> (World, Vec<Uuid>, Uuid, Uuid) {
    let (config, sinks) = many_organizations(&["slow", "quick"], MANY);
    let (slow, quick) = (config.organizations[0].id, config.organizations[1].id);
    let world = World::with(plane::shared().await, name, &config).await;
    world.org("slow").await;
    world.org("quick").await;
    (world, sinks, slow, quick)
}

async fn share(world: &World, source: &str, sinks: &[Uuid]) {
    for (number, sink) in sinks.iter().enumerate() {
        world.connection(&format!("{source}-{number}")).from(source).to(*sink).types(&["logs"]).apply().await;
    }
}

fn creations(journal: &[Entry], organization: Uuid) -> impl Iterator<Item = &Entry> {
    journal.iter().filter(move |entry| entry.method == "POST" && entry.organization == Some(organization))
}

#[tokio::test]
async fn no_request_of_one_organization_waits_behind_those_of_another_that_does_not_answer() {
    let (world, sinks, slow, quick) = two_organizations("isolation-slow").await;
    let _operator = world.operator().await;
    // Whether their keys may write is known: nothing keeps their creations apart.
    share(&world, "slow", &sinks[..1]).await;
    share(&world, "quick", &sinks[..1]).await;
    world.ready("slow-0").await;
    world.ready("quick-0").await;
    let rule = world.datadog.script(Rule::new(Fault::Hold { when: When::Before }).organization(slow).always());
    share(&world, "slow", &sinks).await;
    world.datadog.wait(SOON, |journal| creations(journal, slow).count() > 1).await.unwrap();
    share(&world, "quick", &sinks[..FEW]).await;
    world.datadog.wait(SOON, |journal| creations(journal, quick).count() == FEW).await.unwrap();

    let journal = world.datadog.journal();
    let last = creations(&journal, quick).last().unwrap();
    let given_up = creations(&journal, slow).find(|entry| entry.rule == Some(rule)).unwrap().at_millis + DEADLINE_MILLIS;
    assert!(last.at_millis < given_up, "its last creation came {} ms after the other's first was given up", last.at_millis - given_up);

    world.datadog.remove_rule(rule).unwrap();
    world.datadog.release(rule).ok();
    for number in 0..MANY {
        world.comes_to::<OrgConnection>(&format!("slow-{number}"), "InSync", Duration::from_secs(120)).await;
    }
    assert_eq!(world.datadog.state().connections.len(), MANY + FEW);
}

#[tokio::test]
async fn an_organization_that_never_answers_keeps_no_other_from_being_connected_listed_and_shared() {
    let (world, sinks, slow, quick) = two_organizations("isolation-dead").await;
    world.datadog.script(Rule::new(Fault::Hold { when: When::Before }).organization(slow).always());
    share(&world, "slow", &sinks).await;
    let _operator = world.operator().await;
    world.org_ready("quick").await;
    share(&world, "quick", &sinks[..FEW]).await;
    for number in 0..FEW {
        world.ready(&format!("quick-{number}")).await;
    }
    let journal = world.datadog.journal();
    assert_eq!((creations(&journal, quick).count(), creations(&journal, slow).count()), (FEW, 0));
}
