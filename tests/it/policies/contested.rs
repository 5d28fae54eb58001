//! Somebody else manages the connection too.

use datadog_double::{CENTRAL, PAYMENTS};

use super::{payments, plan, shared};
use crate::harness::{Conditioned, World};

/// Somebody changes the types, and the operator looks. What it has just written is believed changed only after two lists.
async fn somebody_changes(world: &World) {
    world.refresh("payments").await;
    let connection = world.datadog.connection(PAYMENTS, CENTRAL).unwrap();
    world.datadog.change_types(connection.id, &["audit"]).unwrap();
    world.refresh("payments").await;
}

#[tokio::test]
async fn what_is_undone_again_and_again_is_left_to_a_person() {
    let (world, _operator) = payments("contested").await;
    world.connection("to-central").from("payments").to(CENTRAL).types(&["logs"]).apply().await;
    world.ready("to-central").await;
    for repaired in 1..=3 {
        somebody_changes(&world).await;
        let is_repaired = async || (world.counts().remote_writes() == (1, repaired, 0)).then_some(());
        world.until("it is put right", is_repaired).await;
        world.ready("to-central").await;
    }
    somebody_changes(&world).await;
    let object = world.reason("to-central", "Contested").await;
    assert!(object.has("Stalled") && object.message().contains("one owner"), "{}", object.message());
    assert_eq!(plan(&object), Some("add logs; remove audit"));
    world.refresh("payments").await;
    assert_eq!((shared(&world), world.counts().remote_writes()), (Some(vec!["audit".to_owned()]), (1, 3, 0)));

    let again = world.look_again("to-central").await;
    assert_eq!(again.verdict().map(|ready| ready.reason.as_str()), Some("InSync"), "a person has decided: {}", again.message());
}

#[tokio::test]
async fn a_change_of_the_spec_is_no_contest() {
    let (world, _operator) = payments("not-contested").await;
    for types in [&["logs"], &["metrics"], &["audit"], &["logs"], &["metrics"]] {
        world.connection("to-central").from("payments").to(CENTRAL).types(types).apply().await;
        world.ready("to-central").await;
    }
    assert_eq!(world.counts().remote_writes(), (1, 4, 0));
}
