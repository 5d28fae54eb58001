//! Keys that may only read.

use crossorg::api::OrgConnection;
use datadog_double::{CENTRAL, Fault, Organization, PAYMENTS, READ, READER, Rule, WRITE, When};
use uuid::Uuid;

use super::{FEW, MENDED_AT_DATADOG, MENDED_IN_KUBERNETES, STALLED, change_keys, requests};
use crate::harness::{Conditioned, World, print_past_capture};

/// More than are looked at at the same time.
const MANY: usize = 30;

/// A key that may only read is good enough for its DatadogOrg, not for an object that has to write, until it may write too.
pub(super) async fn granted_write(world: &World) {
    world.organization("reader").with_key(READER).apply().await;
    world.org_ready("reader").await;
    world.connection("read-only").from("reader").to(CENTRAL).types(&["logs"]).apply().await;
    let object = world.reason("read-only", "PermissionMissing").await;
    assert!(object.has(STALLED) && object.message().contains(WRITE), "{}", object.message());
    world.org_ready("reader").await;
    world.datadog.set_permissions(PAYMENTS, READER, &[READ, WRITE]).unwrap();
    world.comes_to::<OrgConnection>("read-only", "InSync", MENDED_AT_DATADOG).await;
}

#[tokio::test]
async fn an_object_whose_key_may_only_read_is_ready_soon_after_the_secret_holds_another() {
    let world = World::new("reader-mended").await;
    world.organization("reader").with_key(READER).apply().await;
    let _operator = world.operator().await;
    world.connection("to-central").from("reader").to(CENTRAL).types(&["logs"]).apply().await;
    world.reason("to-central", "PermissionMissing").await;
    change_keys(&world, "reader-datadog", "payments").await;
    let took = world.comes_to::<OrgConnection>("to-central", "InSync", MENDED_IN_KUBERNETES).await;
    print_past_capture(&format!("an object in sync {took:.1?} after its key was replaced by one that may write"));
}

#[tokio::test]
async fn many_objects_of_a_key_that_may_only_read_cost_no_more_than_one() {
    let world = World::new("reader-many").await;
    // As slow as the real one: all that are looked at meanwhile could ask too.
    world.datadog.script(Rule::new(Fault::Delay { when: When::Before, millis: 300 }).method("POST").always());
    world.organization("reader").with_key(READER).apply().await;
    for number in 0..MANY {
        let (id, name) = (Uuid::new_v4(), format!("sink-{number}"));
        let sink =
            Organization { id, name: name.clone(), public_id: None, account: "main".to_owned(), credentials: Vec::new(), limit: None };
        world.datadog.add_organization(sink);
        world.connection(&name).from("reader").to(id).types(&["logs"]).apply().await;
    }
    let _operator = world.operator().await;
    for number in 0..MANY {
        assert!(world.reason(&format!("sink-{number}"), "PermissionMissing").await.has(STALLED));
    }
    let asked: Vec<_> = requests(&world, READER).into_iter().map(|entry| entry.method).collect();
    assert!(asked.len() < FEW, "{asked:?}");
}
