//! A connection goes from one object to another without a gap: a rename in Git, and folders that are deleted at once.

use crossorg::api::{DatadogOrg, OrgConnection};
use datadog_double::{CENTRAL, PAYMENTS, READ, READER, WRITE};
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::Api;
use kube::api::DeleteParams;
use serde_json::json;

use crate::harness::{Conditioned, OLD_ENOUGH, Operator, World, connection_id};

/// Payments shares its logs with Central, through the object `old`.
async fn sharing(name: &str) -> (World, Operator, String) {
    let world = World::new(name).await;
    world.org("payments").await;
    let operator = world.operator().await;
    world.connection("old").from("payments").to(CENTRAL).types(&["logs"]).apply().await;
    let id = connection_id(&world.ready("old").await);
    (world, operator, id)
}

#[tokio::test]
async fn a_renamed_object_keeps_its_connection_whatever_its_adoption_policy() {
    for policy in ["Never", "IfIdentical", "Always"] {
        let (world, _operator, id) = sharing(&format!("renamed-{}", policy.to_lowercase())).await;
        world.advance(OLD_ENOUGH);
        world.connection("new").from("payments").to(CENTRAL).types(&["logs"]).adopting(policy).apply().await;
        world.reason("new", "Conflict").await;
        world.delete::<OrgConnection>("old").await;
        world.gone::<OrgConnection>("old").await;
        let object = world.ready("new").await;
        assert_eq!(connection_id(&object), id, "{policy}");
        assert_eq!(world.counts().remote_writes(), (1, 0, 0), "{policy}: made once, and never deleted");
        let note = world.event("new", "Adopted").await;
        assert!(note.contains("/old, which is being deleted"), "{note}");
    }
}

#[tokio::test]
async fn a_rename_that_changes_the_types_too_is_one_change_and_no_gap() {
    let (world, _operator, id) = sharing("renamed-and-changed").await;
    world.connection("new").from("payments").to(CENTRAL).types(&["metrics"]).apply().await;
    world.delete::<OrgConnection>("old").await;
    world.gone::<OrgConnection>("old").await;
    assert_eq!(connection_id(&world.ready("new").await), id);
    assert_eq!(world.counts().remote_writes(), (1, 1, 0));
    assert_eq!(world.datadog.connection(PAYMENTS, CENTRAL).unwrap().connection_types, ["metrics"]);
}

#[tokio::test]
async fn an_object_whose_key_may_not_write_comes_into_nothing() {
    let (world, _operator, _) = sharing("handed-to-nobody").await;
    world.organization("reader").with_key(READER).apply().await;
    world.connection("heir").from("reader").to(CENTRAL).types(&["logs"]).apply().await;
    world.reason("heir", "Conflict").await;
    world.advance(OLD_ENOUGH);
    world.delete::<OrgConnection>("old").await;
    world.gone::<OrgConnection>("old").await;
    world.refresh("reader").await;
    world.reason("heir", "PermissionMissing").await;
    assert!(world.datadog.connection(PAYMENTS, CENTRAL).is_none(), "whoever deletes the object ends the sharing");
    assert_eq!(world.counts().remote_writes(), (1, 0, 1));
}

#[tokio::test]
async fn a_rename_to_a_sink_by_name_leaves_no_gap_though_the_name_has_to_be_looked_up_first() {
    let (world, _operator, id) = sharing("renamed-by-name").await;
    world.advance(OLD_ENOUGH);
    world.connection("new").from("payments").with_sink_called("Central").types(&["logs"]).apply().await;
    world.delete::<OrgConnection>("old").await;
    world.gone::<OrgConnection>("old").await;
    assert_eq!(connection_id(&world.ready("new").await), id);
    assert_eq!(world.counts().remote_writes(), (1, 0, 0));
}

#[tokio::test]
async fn a_rename_to_a_sink_by_name_waits_as_long_as_the_key_may_not_look_names_up() {
    let (world, _operator, id) = sharing("renamed-by-unknown-name").await;
    world.advance(OLD_ENOUGH);
    world.datadog.set_permissions(PAYMENTS, "payments", &[READ]).unwrap();
    world.connection("new").from("payments").with_sink_called("Central").types(&["logs"]).apply().await;
    world.reason("new", "PermissionMissing").await;
    world.delete::<OrgConnection>("old").await;
    world
        .object::<OrgConnection>("old", "waits", |old| {
            old.verdict().is_some_and(|ready| ready.message.contains("/new may want the same connection"))
        })
        .await;
    world.refresh("payments").await;
    assert_eq!(world.counts().remote_writes(), (1, 0, 0), "nothing is deleted that new may want");

    world.datadog.set_permissions(PAYMENTS, "payments", &[READ, WRITE]).unwrap();
    world.refresh("payments").await;
    world.gone::<OrgConnection>("old").await;
    assert_eq!(connection_id(&world.ready("new").await), id);
    assert_eq!(world.counts().remote_writes(), (1, 0, 0));
}

#[tokio::test]
async fn an_object_that_would_not_hold_the_connection_inherits_nothing() {
    let (world, _operator, _) = sharing("no-heir").await;
    world.advance(OLD_ENOUGH);
    let new = |name| world.connection(name).from("payments").to(CENTRAL).types(&["logs"]);
    new("observer").observed().apply().await;
    new("suspended").suspended().apply().await;
    for name in ["observer", "suspended"] {
        world.reason(name, "Conflict").await;
    }
    world.delete::<OrgConnection>("old").await;
    world.gone::<OrgConnection>("old").await;
    world.reason("observer", "OutOfSync").await;
    world.reason("suspended", "Suspended").await;
    assert_eq!(world.counts().remote_writes(), (1, 0, 1));
}

#[tokio::test]
async fn an_orphaned_connection_is_foreign_to_the_next_object() {
    let (world, _operator, id) = sharing("orphaned").await;
    world.connection("old").from("payments").to(CENTRAL).types(&["logs"]).orphaning().apply().await;
    world.ready("old").await;
    world.connection("new").from("payments").to(CENTRAL).types(&["logs"]).apply().await;
    world.reason("new", "Conflict").await;
    world.delete::<OrgConnection>("old").await;
    world.gone::<OrgConnection>("old").await;
    let object = world.reason("new", "AlreadyExists").await;
    assert!(object.message().contains(&id) && world.counts().remote_writes() == (1, 0, 0));
}

#[tokio::test]
async fn a_folder_deleted_at_once_leaves_nothing_behind_in_any_order() {
    let orders: [[&str; 3]; 3] = [["objects", "org", "secret"], ["secret", "org", "objects"], ["org", "secret", "objects"]];
    for (number, order) in orders.iter().enumerate() {
        let world = World::new(&format!("folder-{number}")).await;
        let _operator = world.operator().await;
        for name in ["payments", "central"] {
            world.org(name).await;
        }
        world.connection("one").from("payments").to(CENTRAL).types(&["logs"]).apply().await;
        world.connection("two").from("central").to(PAYMENTS).types(&["logs"]).apply().await;
        for name in ["one", "two"] {
            world.ready(name).await;
        }
        world.advance(OLD_ENOUGH);
        for kind in order {
            match *kind {
                "objects" => {
                    for name in ["one", "two"] {
                        world.delete::<OrgConnection>(name).await;
                    }
                }
                "org" => {
                    for name in ["payments", "central"] {
                        world.delete::<DatadogOrg>(name).await;
                    }
                }
                _ => {
                    for name in ["payments-datadog", "central-datadog"] {
                        world.delete::<Secret>(name).await;
                    }
                }
            }
        }
        for name in ["one", "two"] {
            world.gone::<OrgConnection>(name).await;
        }
        for name in ["payments", "central"] {
            world.gone::<DatadogOrg>(name).await;
        }
        assert!(world.datadog.state().connections.is_empty(), "{order:?}");
        assert!(world.datadog.violations().is_empty());
    }
}

#[tokio::test]
async fn a_namespace_deleted_as_a_whole_leaves_nothing_at_datadog() {
    let (world, _operator, _) = sharing("namespace-gone").await;
    world.advance(OLD_ENOUGH);
    let namespaces: Api<Namespace> = Api::all(world.client.clone());
    namespaces.delete(&world.namespace, &DeleteParams::default()).await.unwrap();
    world.gone::<OrgConnection>("old").await;
    world.gone::<DatadogOrg>("payments").await;
    assert!(world.datadog.state().connections.is_empty());
    let is_gone = async || namespaces.get_opt(&world.namespace).await.unwrap().is_none().then_some(());
    world.until("the namespace is gone", is_gone).await;
}

#[tokio::test]
async fn a_namespace_whose_secret_went_while_no_operator_ran_says_so_and_goes_once_the_connection_may_stay() {
    let (world, mut operator, id) = sharing("namespace-blocked").await;
    world.advance(OLD_ENOUGH);
    operator.kill();
    world.delete::<Secret>("payments-datadog").await;
    let namespaces: Api<Namespace> = Api::all(world.client.clone());
    namespaces.delete(&world.namespace, &DeleteParams::default()).await.unwrap();
    let _operator = world.operator().await;
    let blocked = world.reason("old", "DeletionBlocked").await;
    assert!(blocked.has("Stalled") && blocked.message().contains("SecretNotFound"), "{}", blocked.message());
    assert!(blocked.message().contains("set deletionPolicy to Orphan"), "{}", blocked.message());

    world.patch::<OrgConnection>("old", json!({"spec": {"deletionPolicy": "Orphan"}})).await;
    let is_gone = async || namespaces.get_opt(&world.namespace).await.unwrap().is_none().then_some(());
    world.until("the namespace is gone", is_gone).await;
    let left: Vec<String> = world.datadog.state().connections.iter().map(|connection| connection.id.to_string()).collect();
    assert_eq!((left, world.counts().remote_writes()), (vec![id], (1, 0, 0)));
}
