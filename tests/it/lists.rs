//! Wrong lists: whatever one of them says, nothing is created, changed, deleted or let go because of it.

use crossorg::api::OrgConnection;
use datadog_double::{CENTRAL, Counts, Fault, ListFault, OddShape, PAYMENTS, Rule, Stale};

use crate::harness::{OLD_ENOUGH, World, connection_id};

/// One list of Payments, and no other, is answered like this.
fn once(list: ListFault) -> Rule {
    Rule::new(Fault::list(list)).method("GET").path("/api/v2/org_connections").organization(PAYMENTS).times(1)
}

fn every_wrong_list() -> Vec<ListFault> {
    vec![
        ListFault::Empty,
        ListFault::Short { keep: 0, counts: Counts::Reduced },
        ListFault::Short { keep: 0, counts: Counts::Full },
        ListFault::Stale { stale: Stale::Writes { count: 1 } },
        ListFault::Odd { row: 0, shape: OddShape::WithoutRelationships },
        ListFault::WithoutMeta,
    ]
}

#[tokio::test]
async fn one_wrong_list_changes_nothing() {
    let world = World::new("wrong-lists").await;
    world.org("payments").await;
    let _operator = world.operator().await;
    world.connection("to-central").from("payments").to(CENTRAL).types(&["logs"]).apply().await;
    let id = connection_id(&world.ready("to-central").await);
    world.refresh("payments").await;
    let before = world.counts();
    for list in every_wrong_list() {
        world.datadog.script(once(list));
        world.refresh("payments").await;
        world.refresh("payments").await;
        let spent = world.counts() - before;
        assert_eq!(spent.remote_writes(), (0, 0, 0), "{list:?}: {spent:?}");
    }
    assert_eq!(connection_id(&world.ready("to-central").await), id);
}

#[tokio::test]
async fn an_object_deleted_while_no_operator_ran_is_not_let_go_on_an_empty_first_list() {
    let world = World::new("wrong-first-list").await;
    world.org("payments").await;
    let mut operator = world.operator().await;
    world.connection("to-central").from("payments").to(CENTRAL).types(&["logs"]).apply().await;
    world.ready("to-central").await;
    operator.kill();
    world.advance(OLD_ENOUGH);
    world.delete::<OrgConnection>("to-central").await;
    world.datadog.script(once(ListFault::Empty));
    let before = world.counts();

    let _next = world.operator().await;
    world.gone::<OrgConnection>("to-central").await;

    let spent = world.counts() - before;
    assert_eq!(spent.remote_writes(), (0, 0, 1), "{spent:?}");
    assert_eq!(world.datadog.connection(PAYMENTS, CENTRAL), None);
}

#[tokio::test]
async fn what_is_there_is_not_created_again_on_a_first_list_that_is_empty_though_nothing_is_recorded_of_it() {
    let world = World::new("wrong-first-list-of-all").await;
    world.org("payments").await;
    world.datadog.create_as("somebody else", PAYMENTS, CENTRAL, &["logs"]).unwrap();
    world.connection("to-central").from("payments").to(CENTRAL).types(&["logs"]).apply().await;
    world.datadog.script(once(ListFault::Empty));
    let _operator = world.operator().await;
    world.reason("to-central", "AlreadyExists").await;
    assert_eq!(world.counts().remote_writes(), (0, 0, 0), "no creation that Datadog has to refuse");
}

#[tokio::test]
async fn each_change_is_told_by_an_event_of_its_own() {
    let world = World::new("events").await;
    world.org("payments").await;
    let _operator = world.operator().await;
    for types in [&["logs"][..], &["logs", "metrics"], &["audit", "metrics"]] {
        world.connection("to-central").from("payments").to(CENTRAL).types(types).apply().await;
        world.ready("to-central").await;
    }
    let told = async || {
        let notes = world.kubectl_text(&["get", "events.events.k8s.io", "-o", "jsonpath={.items[?(@.reason=='Updated')].note}"]).await;
        let both = notes.contains("add metrics") && notes.contains("add audit; remove logs");
        both.then_some(())
    };
    world.until("an event for each change", told).await;
}
