//! Answers that are lost, or speak of somebody else's connection.

use crossorg::api::{CONNECTION_FINALIZER, OrgConnection};
use datadog_double::{CENTRAL, Fault, PAYMENTS, Rule, SECURITY, When};
use kube::ResourceExt;
use uuid::Uuid;

use super::{OLD_ENOUGH, held, hold, payments, share_logs, types_with_central};
use crate::harness::{Conditioned, World};

/// Answers that tell nothing, of requests that took effect.
fn lost_answers() -> [Fault; 5] {
    let when = When::After;
    [Fault::Drop { when }, Fault::status(when, 502), Fault::Html { when, status: 200 }, Fault::Truncate { keep: 20 }, Fault::EmptyBody]
}

/// As many pairs of the three organizations: object, source, sink.
const PAIRS: [(&str, &str, Uuid); 5] = [
    ("payments-central", "payments", CENTRAL),
    ("payments-security", "payments", SECURITY),
    ("central-payments", "central", PAYMENTS),
    ("central-security", "central", SECURITY),
    ("security-payments", "security", PAYMENTS),
];

/// Applies all five objects, each meeting another lost answer, and waits until all are ready.
async fn all_share(world: &World, types: &[&str]) {
    for (name, source, sink) in PAIRS {
        world.connection(name).from(source).to(sink).types(types).apply().await;
    }
    for (name, _, _) in PAIRS {
        world.ready(name).await;
    }
    let shares = |state: &datadog_double::State| state.connections.iter().filter(|row| row.connection_types == types).count();
    assert_eq!(shares(&world.datadog.state()), PAIRS.len());
}

fn lose_answers(world: &World, method: &str) {
    world.datadog.clear_script();
    for fault in lost_answers() {
        world.datadog.script(Rule::new(fault).method(method));
    }
}

#[tokio::test]
async fn an_effect_whose_answer_is_lost_is_looked_up_and_not_repeated() {
    let world = World::new("lost-answers").await;
    for org in ["payments", "central", "security"] {
        world.org(org).await;
    }
    let _operator = world.operator().await;
    lose_answers(&world, "POST");
    all_share(&world, &["logs"]).await;
    assert_eq!(world.counts().remote_writes(), (5, 0, 0));
    for (name, _, _) in PAIRS {
        assert!(world.connections().get(name).await.unwrap().finalizers().contains(&CONNECTION_FINALIZER.to_owned()));
    }

    lose_answers(&world, "PATCH");
    all_share(&world, &["metrics"]).await;
    assert_eq!(world.counts().remote_writes(), (5, 5, 0));

    lose_answers(&world, "DELETE");
    world.advance(OLD_ENOUGH);
    for (name, _, _) in PAIRS {
        world.delete::<OrgConnection>(name).await;
    }
    for (name, _, _) in PAIRS {
        world.gone::<OrgConnection>(name).await;
    }
    assert_eq!(world.counts().remote_writes(), (5, 5, 5));
    assert!(world.datadog.state().connections.is_empty() && world.datadog.violations().is_empty());
}

#[tokio::test]
async fn a_request_lost_on_its_way_is_repeated_but_not_before_a_list() {
    let (world, _operator) = payments("lost-requests").await;
    world.datadog.script(Rule::new(Fault::Drop { when: When::Before }).method("POST"));
    world.datadog.script(Rule::new(Fault::status(When::Before, 503)).method("POST"));
    share_logs(&world).await;
    world.ready("to-central").await;
    let journal = world.datadog.journal();
    let calls: Vec<&str> = journal.iter().map(|entry| entry.method.as_str()).skip_while(|method| *method != "POST").collect();
    let posts: Vec<usize> = (0..calls.len()).filter(|index| calls[*index] == "POST").collect();
    assert_eq!(posts.len(), 3, "{calls:?}");
    assert!(posts.windows(2).all(|pair| calls[pair[0]..pair[1]].contains(&"GET")), "{calls:?}");
    assert!(world.datadog.violations().is_empty());
}

#[tokio::test]
async fn a_connection_that_appears_before_the_creation_arrives_stays_its_makers() {
    let (world, _operator) = payments("appeared").await;
    let rule = hold(&world, "POST", When::Before);
    share_logs(&world).await;
    held(&world, "POST", 1).await;
    let foreign = world.datadog.create_as("Alice", PAYMENTS, CENTRAL, &["audit"]).unwrap();
    world.datadog.protect(foreign.id).unwrap();
    world.datadog.release(rule).unwrap();

    let object = world.reason("to-central", "AlreadyExists").await;
    assert!(object.has("Stalled") && object.message().contains(&foreign.id.to_string()), "{}", object.message());
    world.advance(OLD_ENOUGH);
    world.refresh("payments").await;
    world.delete::<OrgConnection>("to-central").await;
    world.gone::<OrgConnection>("to-central").await;
    assert_eq!((types_with_central(&world), world.counts().remote_writes()), (Some(vec!["audit".to_owned()]), (1, 0, 0)));
    assert!(world.datadog.violations().is_empty());
}
