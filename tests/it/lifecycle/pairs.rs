//! Who holds a pair: what was there before is left alone, of two objects one has it, and a claim that is lost is put back.

use crossorg::api::{CLAIM_ANNOTATION, CONNECTION_FINALIZER, OrgConnection, PAIR_LABEL};
use crossorg::decide::claims::pair_label;
use crossorg::decide::model::Pair;
use datadog_double::{CENTRAL, PAYMENTS, SECURITY};
use kube::ResourceExt;
use serde_json::json;

use super::{OLD_ENOUGH, payments, shared, sharing};
use crate::harness::{Conditioned, World, connection_id, keys_of};

#[tokio::test]
async fn a_connection_that_somebody_else_made_is_left_alone_also_by_a_deletion() {
    let (world, _operator) = payments("already-exists").await;
    let foreign = world.datadog.create_as("Alice", PAYMENTS, CENTRAL, &["audit"]).unwrap();
    world.datadog.protect(foreign.id).unwrap();
    world.refresh("payments").await;
    let before = world.counts();

    world.connection("to-central").from("payments").to(CENTRAL).types(&["logs"]).apply().await;
    let object = world.reason("to-central", "AlreadyExists").await;
    assert!(object.has("Stalled") && object.message().contains(&foreign.id.to_string()), "{}", object.message());
    assert!(object.finalizers().is_empty() && !object.annotations().contains_key(CLAIM_ANNOTATION));
    world.delete::<OrgConnection>("to-central").await;
    world.gone::<OrgConnection>("to-central").await;
    world.refresh("payments").await;

    let touched = world.counts() - before;
    assert_eq!((touched.remote_writes(), touched.object_writes()), ((0, 0, 0), (0, 1)), "{touched:?}");
    assert_eq!(shared(&world), Some(vec!["audit".to_owned()]));
}

#[tokio::test]
async fn an_object_is_ready_once_the_foreign_connection_in_its_way_has_gone() {
    let (world, _operator) = payments("foreign-goes").await;
    let foreign = world.datadog.create_as("Alice", PAYMENTS, CENTRAL, &["audit"]).unwrap();
    world.refresh("payments").await;
    world.connection("to-central").from("payments").to(CENTRAL).types(&["logs"]).apply().await;
    world.reason("to-central", "AlreadyExists").await;
    world.datadog.delete(foreign.id).unwrap();
    world.refresh("payments").await;
    world.ready("to-central").await;
    assert_eq!(shared(&world), Some(vec!["logs".to_owned()]));
}

#[tokio::test]
async fn the_later_of_two_objects_for_one_pair_touches_nothing_also_when_deleted() {
    let (world, _operator, first) = sharing("conflict").await;
    world.advance(OLD_ENOUGH);
    let before = world.counts();
    world.connection("second").from("payments").to(CENTRAL).types(&["audit"]).apply().await;
    let second = world.reason("second", "Conflict").await;
    assert!(second.has("Stalled") && second.message().contains("to-central"), "{}", second.message());
    assert!(second.finalizers().is_empty() && !second.annotations().contains_key(CLAIM_ANNOTATION));

    world.delete::<OrgConnection>("second").await;
    world.gone::<OrgConnection>("second").await;
    world.refresh("payments").await;
    let touched = world.counts() - before;
    assert_eq!((touched.remote_writes(), touched.object_writes()), ((0, 0, 0), (0, 1)), "{touched:?}");
    assert_eq!(connection_id(&world.ready("to-central").await), connection_id(&first));
    assert_eq!(shared(&world), Some(vec!["logs".to_owned()]));
}

#[tokio::test]
async fn the_later_object_takes_over_when_the_first_one_goes() {
    let (world, _operator, _) = sharing("conflict-ends").await;
    world.advance(OLD_ENOUGH);
    world.connection("second").from("payments").to(CENTRAL).types(&["audit"]).apply().await;
    world.reason("second", "Conflict").await;
    world.delete::<OrgConnection>("to-central").await;
    world.gone::<OrgConnection>("to-central").await;
    world.ready("second").await;
    assert_eq!(shared(&world), Some(vec!["audit".to_owned()]));
    assert!(world.datadog.violations().is_empty());
}

#[tokio::test]
async fn of_two_objects_applied_at_once_exactly_one_gets_the_pair() {
    let (world, _operator) = payments("race").await;
    let connection = |name| world.connection(name).from("payments").to(CENTRAL).types(&["logs"]);
    tokio::join!(connection("one").apply(), connection("two").apply());
    let reasons = async || {
        let verdicts = world.connections().list(&Default::default()).await.unwrap();
        let mut reasons: Vec<_> = verdicts.iter().filter_map(|object| object.verdict().map(|ready| ready.reason.clone())).collect();
        reasons.sort();
        (reasons == ["Conflict", "InSync"]).then_some(())
    };
    world.until("one is in sync and the other one in conflict", reasons).await;
    let counts = world.counts();
    assert_eq!((counts.remote_writes(), counts.object), ((1, 0, 0), 1), "{counts:?}");
}

#[tokio::test]
async fn an_object_replaced_with_kubectl_gets_its_claim_back_and_still_owns_its_connection() {
    let (world, _operator, object) = sharing("replaced").await;
    world.advance(OLD_ENOUGH);
    let before = world.counts();
    let manifest = world.connection("to-central").from("payments").to(CENTRAL).types(&["logs"]).manifest();
    let replaced = world.kubectl(&["replace", "-f", "-"], &manifest.to_string()).await;
    assert!(replaced.status.success(), "{}", String::from_utf8_lossy(&replaced.stderr));

    let is_held = |object: &OrgConnection| {
        object.finalizers().contains(&CONNECTION_FINALIZER.to_owned())
            && object.annotations().contains_key(CLAIM_ANNOTATION)
            && object.labels().contains_key(PAIR_LABEL)
    };
    world.object("to-central", "finalizer, claim and label are back", is_held).await;
    assert_eq!(connection_id(&world.ready("to-central").await), connection_id(&object));
    let put_back = world.counts() - before;
    assert_eq!((put_back.remote_writes(), put_back.object_writes()), ((0, 0, 0), (1, 0)), "{put_back:?}");

    world.advance(OLD_ENOUGH);
    world.delete::<OrgConnection>("to-central").await;
    world.gone::<OrgConnection>("to-central").await;
    assert!(shared(&world).is_none());
}

#[tokio::test]
async fn a_sink_is_found_through_its_datadog_org_as_soon_as_that_is_there() {
    let (world, _operator) = payments("sink-ref").await;
    world.connection("to-central").from("payments").with_sink("central").types(&["logs"]).apply().await;
    let waiting = world.reason("to-central", "OrganizationNotReady").await;
    assert!(waiting.has("Reconciling") && waiting.message().contains("central"), "{}", waiting.message());
    world.org("central").await;
    let object = world.ready("to-central").await;
    let sink = object.status.unwrap().sink.unwrap();
    assert_eq!((sink.id, sink.name.as_deref()), (CENTRAL.to_string(), Some("Central")));
    let by_payments = |entry: &datadog_double::Entry| entry.method != "POST" || entry.organization == Some(PAYMENTS);
    assert!(world.datadog.journal().iter().all(by_payments), "only the source's key creates");
}

#[tokio::test]
async fn an_organization_cannot_share_with_itself_under_another_name() {
    let (world, _operator) = payments("same").await;
    world.organization("payments-again").with_key("payments-alice").apply().await;
    world.org_ready("payments-again").await;
    world.connection("by-ref").from("payments").with_sink("payments-again").types(&["logs"]).apply().await;
    world.connection("by-id").from("payments").to(PAYMENTS).types(&["logs"]).apply().await;
    for name in ["by-ref", "by-id"] {
        assert!(world.reason(name, "SameOrganization").await.has("Stalled"));
    }
    assert_eq!(world.counts().remote_writes(), (0, 0, 0));
}

#[tokio::test]
async fn of_two_objects_in_different_namespaces_the_later_one_touches_nothing() {
    let (here, there) = (World::new("pair-here").await, World::new("pair-there").await);
    let operator = here.start_operator(&["--namespace", &there.namespace]).await;
    here.until("the operator is ready", async || operator.is_ready().await.then_some(())).await;
    for world in [&here, &there] {
        world.org("payments").await;
        world.org_ready("payments").await;
    }
    here.connection("to-central").from("payments").to(CENTRAL).types(&["logs"]).apply().await;
    here.ready("to-central").await;
    there.connection("to-central").from("payments").to(CENTRAL).types(&["audit"]).apply().await;
    let refused = there.reason("to-central", "Conflict").await;
    assert!(refused.message().contains("pair-here/to-central"), "{}", refused.message());
    there.delete::<OrgConnection>("to-central").await;
    there.gone::<OrgConnection>("to-central").await;
    assert_eq!((here.counts().remote_writes(), there.counts().object), ((1, 0, 0), 0));
    assert_eq!(shared(&here), Some(vec!["logs".to_owned()]));
}

#[tokio::test]
async fn a_forged_claim_blocks_nobody() {
    let (world, _operator) = payments("forged").await;
    world.org("security").await;
    world.org_ready("security").await;
    let forged = world.connection("forged").from("security").to(CENTRAL).types(&["audit"]).apply().await;
    let uid = forged.uid().unwrap();
    let pair: Pair = format!("{PAYMENTS}/{CENTRAL}").parse().unwrap();
    let claim = json!({"annotations": {CLAIM_ANNOTATION: format!("{uid} {pair}")}, "labels": {PAIR_LABEL: pair_label(pair)}});
    world.patch::<OrgConnection>("forged", json!({"metadata": claim})).await;

    world.connection("to-central").from("payments").to(CENTRAL).types(&["logs"]).apply().await;
    world.ready("to-central").await;
    world.delete::<OrgConnection>("forged").await;
    world.gone::<OrgConnection>("forged").await;
    world.refresh("payments").await;
    assert_eq!(shared(&world), Some(vec!["logs".to_owned()]));
    assert!(world.datadog.connection(SECURITY, PAYMENTS).is_none() && world.datadog.violations().is_empty());
}

#[tokio::test]
async fn a_copy_of_an_object_owns_nothing() {
    let (world, _operator, original) = sharing("copied").await;
    let mut copy = serde_json::to_value(&original).unwrap();
    copy["metadata"] = json!({"name": "copy", "annotations": original.annotations(), "labels": original.labels()});
    copy.as_object_mut().unwrap().remove("status");
    world.apply::<OrgConnection>(copy).await;
    world.reason("copy", "Conflict").await;
    world.delete::<OrgConnection>("copy").await;
    world.gone::<OrgConnection>("copy").await;
    world.refresh("payments").await;
    assert_eq!(connection_id(&world.ready("to-central").await), connection_id(&original));
    assert_eq!(world.counts().remote_writes(), (1, 0, 0));
}

#[tokio::test]
async fn a_connection_stays_owned_when_the_key_becomes_another_principals() {
    let (world, _operator, original) = sharing("new-principal").await;
    world.secret("payments-datadog", &keys_of("payments-alice")).await;
    world.refresh("payments").await;
    world.advance(OLD_ENOUGH);
    world.connection("to-central").from("payments").to(CENTRAL).types(&["metrics"]).apply().await;
    assert_eq!(connection_id(&world.ready("to-central").await), connection_id(&original));
    world.delete::<OrgConnection>("to-central").await;
    world.gone::<OrgConnection>("to-central").await;
    assert_eq!(world.counts().remote_writes(), (1, 1, 1));
    let by_alice = |entry: &datadog_double::Entry| entry.method == "POST" || entry.credential.as_deref() == Some("payments-alice");
    assert!(world.datadog.journal().iter().filter(|entry| entry.is_write()).all(by_alice));
}
