//! Two processes and one Lease: one works, the other stands by and takes over.

use std::time::Duration;

use crossorg::api::OrgConnection;
use datadog_double::{CENTRAL, Fault, Rule, When};
use futures::future::{join, join_all};
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::json;
use tokio::time::Instant;
use uuid::Uuid;
use xtask::controlplane::audit;

use crate::harness::{OLD_ENOUGH, Operator, World, many_organizations, plane, print_past_capture, share_with_each};

/// The lease as the next leader sees it, its next look, and a little for the machine.
const TAKEN_OVER: Duration = Duration::from_secs(15 + 2 + 10);
/// A look every two seconds, and a little for the machine.
const TAKEN_UP: Duration = Duration::from_secs(2 + 8);
/// For a request to arrive at Datadog.
const SOON: Duration = Duration::from_secs(20);

/// An operator that stands for the lease of its world.
async fn candidate(world: &World) -> Operator {
    world.start_operator(&["--leader-elect", "--lease-name", &world.namespace]).await
}

/// Whether it says that it leads; nothing if it does not answer.
async fn leads(operator: &Operator) -> Option<bool> {
    let metrics = operator.get("/metrics").await?.1;
    Some(metrics.lines().any(|line| line == "crossorg_leader 1"))
}

async fn comes_to_lead(world: &World, operator: &Operator, within: Duration) {
    world.within(within, "it leads", async || leads(operator).await.filter(|leads| *leads)).await;
}

/// The leader, and another that has said that it stands by.
async fn two(world: &World) -> (Operator, Operator) {
    let leader = candidate(world).await;
    comes_to_lead(world, &leader, SOON).await;
    let other = candidate(world).await;
    world.until("the other stands by", async || other.log().contains("standing by").then_some(())).await;
    assert!(other.is_ready().await && leads(&other).await == Some(false));
    (leader, other)
}

/// Leases are in the namespace of the operator, which for a kubeconfig that names none is `default`.
fn leases(world: &World) -> Api<Lease> {
    Api::namespaced(world.client.clone(), "default")
}

async fn record(world: &World) -> LeaseSpec {
    leases(world).get(&world.namespace).await.unwrap().spec.unwrap()
}

async fn hold_by(world: &World, holder: &str) {
    let change = json!({"spec": {"holderIdentity": holder}});
    leases(world).patch(&world.namespace, &PatchParams::default(), &Patch::Merge(change)).await.unwrap();
}

/// People share with six sinks, and then at once with six more, change three of the first and delete three, while the leader is made to
/// end. Tells how long after that the next one leads.
async fn people_go_on(world: &World, sinks: &[Uuid], end: impl AsyncFnOnce(), (next, within): (&Operator, Duration)) -> Duration {
    let (first, second) = sinks.split_at(6);
    share_with_each(world, "first", "north", first).await;
    join_all((0..6).map(async |number| world.ready(&format!("first-{number}")).await)).await;
    world.advance(OLD_ENOUGH);
    world.refresh("north").await;

    share_with_each(world, "early", "north", &second[..3]).await;
    change(world, 0, first).await;
    world.delete::<OrgConnection>("first-3").await;
    let begun = Instant::now();
    end().await;
    let rest = async {
        share_with_each(world, "late", "north", &second[3..]).await;
        for number in [1, 2] {
            change(world, number, first).await;
        }
        for name in ["first-4", "first-5"] {
            world.delete::<OrgConnection>(name).await;
        }
    };
    let leads = async {
        comes_to_lead(world, next, within).await;
        begun.elapsed()
    };
    join(rest, leads).await.1
}

async fn change(world: &World, number: usize, sinks: &[Uuid]) {
    world.connection(&format!("first-{number}")).from("north").to(sinks[number]).types(&["logs", "metrics"]).apply().await;
}

/// All that people asked for is so, and every change was made exactly once.
async fn nothing_is_lost_or_done_twice(world: &World, sinks: &[Uuid]) {
    let changed = (0..3).map(|number| format!("first-{number}"));
    let ready = changed.chain((0..3).flat_map(|number| [format!("early-{number}"), format!("late-{number}")]));
    join_all(ready.map(async |name| world.ready(&name).await)).await;
    join_all((3..6).map(async |number| world.gone::<OrgConnection>(&format!("first-{number}")).await)).await;
    let mut shared: Vec<(Uuid, usize)> =
        world.datadog.state().connections.iter().map(|connection| (connection.sink, connection.connection_types.len())).collect();
    let mut wanted: Vec<(Uuid, usize)> = sinks
        .iter()
        .enumerate()
        .filter_map(|(number, sink)| [Some(2), None, Some(1), Some(1)][number / 3].map(|types| (*sink, types)))
        .collect();
    shared.sort();
    wanted.sort();
    assert_eq!(shared, wanted);
    assert_eq!(world.counts().remote_writes(), (12, 3, 3), "each change is asked for once");
    assert!(world.datadog.violations().is_empty());
}

async fn world_of_twelve_sinks(name: &str) -> (World, Vec<Uuid>) {
    let (organizations, sinks) = many_organizations(&["north"], 12);
    let world = World::with(plane::shared().await, name, &organizations).await;
    world.org("north").await;
    (world, sinks)
}

#[tokio::test]
async fn when_the_leader_is_killed_another_takes_over_within_the_lease_and_nothing_is_lost_or_done_twice() {
    let (world, sinks) = world_of_twelve_sinks("leader-killed").await;
    let (mut leader, other) = two(&world).await;
    let took = people_go_on(&world, &sinks, async || leader.kill(), (&other, TAKEN_OVER)).await;
    print_past_capture(&format!("election: after kill -9 another led within {:.1} s", took.as_secs_f64()));
    nothing_is_lost_or_done_twice(&world, &sinks).await;
    assert_eq!(record(&world).await.lease_transitions, Some(1));
}

#[tokio::test]
async fn when_the_leader_is_stopped_another_takes_over_at_once_and_nothing_is_lost_or_done_twice() {
    let (world, sinks) = world_of_twelve_sinks("leader-stopped").await;
    let (mut leader, other) = two(&world).await;
    let stop = async || assert!(leader.terminate().await.success());
    let took = people_go_on(&world, &sinks, stop, (&other, TAKEN_UP)).await;
    print_past_capture(&format!("election: after SIGTERM another led within {:.1} s", took.as_secs_f64()));
    nothing_is_lost_or_done_twice(&world, &sinks).await;
    let shown = world.kubectl_text(&["get", "lease", &world.namespace, "--namespace", "default", "--no-headers"]).await;
    let holder = record(&world).await.holder_identity.unwrap();
    assert!(shown.contains(&holder) && other.log().contains(&holder), "{shown} is not {holder}");
}

#[tokio::test]
async fn a_leader_whose_lease_another_has_taken_ends_with_an_error_and_begins_no_request() {
    let world = World::new("lease-taken").await;
    world.organization("payments").poll_every("10s").apply().await;
    let mut leader = candidate(&world).await;
    comes_to_lead(&world, &leader, SOON).await;
    world.org_ready("payments").await;
    // A call that has no answer yet keeps the process from ending at once.
    world.datadog.script(Rule::new(Fault::Hold { when: When::After }).method("POST"));
    world.connection("one").from("payments").to(CENTRAL).types(&["logs"]).apply().await;
    world.datadog.wait(SOON, |journal| journal.iter().any(|entry| entry.held.is_some())).await.unwrap();

    hold_by(&world, "somebody-else").await;
    world.until("it has lost its lease", async || (leads(&leader).await != Some(true)).then_some(())).await;
    let asked = world.datadog.journal().len();
    for name in ["two", "three"] {
        world.connection(name).from("payments").to(datadog_double::SECURITY).types(&["logs"]).apply().await;
    }
    let ended = std::cell::RefCell::new(&mut leader);
    let status = world.until("it has ended", async || ended.borrow_mut().ended()).await;
    let told = leader.log();
    assert!(!status.success() && told.contains("somebody-else holds the Lease lease-taken"), "{status}: {told}");
    assert_eq!(told.lines().filter(|line| line.contains("ERROR")).count(), 1, "{told}");
    assert_eq!(world.datadog.journal().len(), asked, "no request begins after the loss");
    assert_eq!(record(&world).await.holder_identity.as_deref(), Some("somebody-else"), "what is another's is not given back");
}

/// Everything the candidates of this world have asked of the API server: verb and resource.
fn asked(world: &World) -> Vec<(String, String)> {
    let entries = audit::read(world.plane.audit_log()).unwrap();
    let own = entries.into_iter().filter(|entry| entry.is_by("crossorg/"));
    own.map(|entry| (entry.verb, entry.resource)).collect()
}

#[tokio::test]
async fn whoever_stands_by_is_ready_says_once_for_whom_it_waits_and_only_looks_at_the_lease() {
    let world = World::on(plane::private().await, "stands-by").await;
    world.org("payments").await;
    let held = LeaseSpec { holder_identity: Some("somebody-else".to_owned()), lease_duration_seconds: Some(15), ..LeaseSpec::default() };
    let lease = Lease { metadata: kube::api::ObjectMeta { name: Some("stands-by".to_owned()), ..Default::default() }, spec: Some(held) };
    leases(&world).create(&PostParams::default(), &lease).await.unwrap();
    let begun = Instant::now();
    let mut operator = candidate(&world).await;
    world.until("it has looked a few times", async || (asked(&world).len() > 3).then_some(())).await;
    for path in ["/livez", "/readyz"] {
        assert_eq!(operator.get(path).await, Some((200, "ok\n".to_owned())));
    }
    assert!(asked(&world).iter().all(|(verb, resource)| verb == "get" && resource == "leases"), "{:?}", asked(&world));
    assert_eq!((world.datadog.journal().len(), leads(&operator).await), (0, Some(false)));

    comes_to_lead(&world, &operator, TAKEN_OVER).await;
    assert!(begun.elapsed() >= Duration::from_secs(15), "it waits for as long as the lease lasts");
    let told = operator.log();
    assert_eq!(told.matches("standing by").count(), 1, "{told}");
    assert!(told.contains(r#"holder="somebody-else""#), "{told}");
    world.org_ready("payments").await;
    let record = record(&world).await;
    assert_eq!((record.lease_duration_seconds, record.lease_transitions), (Some(15), Some(1)));
    assert!(record.acquire_time.is_some() && record.renew_time >= record.acquire_time);
    let of_leases: Vec<String> = asked(&world).into_iter().filter(|(_, resource)| resource == "leases").map(|(verb, _)| verb).collect();
    assert!(of_leases.iter().all(|verb| ["get", "create", "update"].contains(&verb.as_str())), "{of_leases:?}");

    assert!(operator.terminate().await.success());
    let released = leases(&world).get("stands-by").await.unwrap().spec.unwrap();
    assert_eq!((released.holder_identity.as_deref(), released.lease_duration_seconds), (Some(""), Some(1)));
}
