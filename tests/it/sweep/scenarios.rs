//! What is swept. A scenario is what is there before, what a person does then, and how it ends when nothing goes wrong.

use crossorg::api::{DatadogOrg, OrgConnection, RECONCILE_REQUEST_ANNOTATION};
use datadog_double::{CENTRAL, Credential, Keys, PAYMENTS, SECURITY};
use futures::FutureExt;
use futures::future::LocalBoxFuture;
use k8s_openapi::api::core::v1::Secret;
use serde_json::json;

use crate::harness::{Conditioned, OLD_ENOUGH, World, keys_of};

/// Something that is done to a world.
type Step = for<'a> fn(&'a World) -> LocalBoxFuture<'a, ()>;

/// One scenario.
pub(super) struct Scenario {
    /// Its name, also in the names of namespaces.
    pub(super) name: &'static str,
    /// What is there before; the operator runs already, and nothing goes wrong yet.
    pub(super) setup: Step,
    /// What a person does. It waits for nothing that the operator has to do, unless that is what the scenario is about.
    pub(super) act: Step,
    /// How it ends: every object with its reason, and every connection.
    pub(super) end: &'static [&'static str],
}

/// All of them.
pub(super) const SCENARIOS: [Scenario; 20] = [
    Scenario {
        name: "create",
        setup: |_| async {}.boxed_local(),
        act: |world| {
            async {
                world.org("payments").await;
                share(world, "to-central", &["logs"]).await;
            }
            .boxed_local()
        },
        end: &["payments: Connected", "to-central: InSync", "Payments shares logs with Central"],
    },
    Scenario {
        name: "change",
        setup: |world| sharing(world).boxed_local(),
        act: |world| share(world, "to-central", &["metrics", "audit"]).boxed_local(),
        end: &["payments: Connected", "to-central: InSync", "Payments shares audit, metrics with Central"],
    },
    Scenario {
        name: "delete",
        setup: |world| sharing_for_long(world).boxed_local(),
        act: |world| world.delete::<OrgConnection>("to-central").boxed_local(),
        end: &["payments: Connected"],
    },
    Scenario {
        name: "delete-young",
        setup: |world| sharing(world).boxed_local(),
        act: |world| world.delete::<OrgConnection>("to-central").boxed_local(),
        end: &["payments: Connected"],
    },
    Scenario {
        name: "orphan",
        setup: |world| {
            async {
                world.org("payments").await;
                world.connection("to-central").from("payments").to(CENTRAL).types(&["logs"]).orphaning().apply().await;
                world.ready("to-central").await;
            }
            .boxed_local()
        },
        act: |world| world.delete::<OrgConnection>("to-central").boxed_local(),
        end: &["payments: Connected", "Payments shares logs with Central"],
    },
    Scenario {
        name: "conflict",
        setup: |world| world.org("payments").map(drop).boxed_local(),
        act: |world| {
            async {
                share(world, "to-central", &["logs"]).await;
                let claimed = |object: &OrgConnection| object.metadata.annotations.is_some();
                world.object("to-central", "it claims the pair first", claimed).await;
                share(world, "rival", &["audit"]).await;
            }
            .boxed_local()
        },
        end: &["payments: Connected", "rival: Conflict", "to-central: InSync", "Payments shares logs with Central"],
    },
    Scenario {
        name: "holder-leaves",
        setup: |world| {
            async {
                sharing_for_long(world).await;
                share(world, "rival", &["audit"]).await;
                world.reason("rival", "Conflict").await;
            }
            .boxed_local()
        },
        act: |world| world.delete::<OrgConnection>("to-central").boxed_local(),
        end: &["payments: Connected", "rival: InSync", "Payments shares audit with Central"],
    },
    Scenario {
        name: "rotation",
        setup: |world| sharing(world).boxed_local(),
        act: |world| rotate_and_change(world).boxed_local(),
        end: &["payments: Connected", "to-central: InSync", "Payments shares metrics with Central"],
    },
    Scenario {
        name: "status-lost",
        setup: |world| sharing(world).boxed_local(),
        act: |world| lose_status(world).boxed_local(),
        end: &["payments: Connected", "to-central: InSync", "Payments shares logs with Central"],
    },
    Scenario {
        name: "replaced",
        setup: |world| sharing(world).boxed_local(),
        act: |world| replace(world).boxed_local(),
        end: &["payments: Connected", "to-central: InSync", "Payments shares metrics with Central"],
    },
    Scenario {
        name: "vanished",
        setup: |world| sharing(world).boxed_local(),
        act: |world| async { take_away(world) }.boxed_local(),
        end: &["payments: Connected", "to-central: InSync", "Payments shares logs with Central"],
    },
    Scenario {
        name: "foreign",
        setup: |world| {
            async {
                sharing_for_long(world).await;
                take_away(world);
                let foreign = world.datadog.create_as("Alice", PAYMENTS, CENTRAL, &["audit"]).unwrap();
                world.datadog.protect(foreign.id).unwrap();
                world.refresh("payments").await;
                world.reason("to-central", "AlreadyExists").await;
            }
            .boxed_local()
        },
        act: |world| world.delete::<OrgConnection>("to-central").boxed_local(),
        end: &["payments: Connected", "Payments shares audit with Central"],
    },
    Scenario {
        name: "org-first",
        setup: |world| sharing_for_long(world).boxed_local(),
        act: |world| {
            async {
                world.delete::<DatadogOrg>("payments").await;
                world.delete::<OrgConnection>("to-central").await;
            }
            .boxed_local()
        },
        end: &[],
    },
    Scenario {
        name: "adopt",
        setup: |world| alice_shares(world, &["logs"]).boxed_local(),
        act: |world| adopt(world, "IfIdentical").boxed_local(),
        end: &["payments: Connected", "to-central: InSync", "Payments shares logs with Central"],
    },
    Scenario {
        name: "take-over",
        setup: |world| alice_shares(world, &["audit"]).boxed_local(),
        act: |world| adopt(world, "Always").boxed_local(),
        end: &["payments: Connected", "to-central: InSync", "Payments shares logs with Central"],
    },
    Scenario {
        name: "renamed",
        setup: |world| sharing(world).boxed_local(),
        act: |world| {
            async {
                share(world, "new-name", &["logs"]).await;
                world.delete::<OrgConnection>("to-central").await;
            }
            .boxed_local()
        },
        end: &["payments: Connected", "new-name: InSync", "Payments shares logs with Central"],
    },
    Scenario {
        name: "reported",
        setup: |world| reported(world).boxed_local(),
        act: |world| world.annotate::<OrgConnection>("to-central", RECONCILE_REQUEST_ANNOTATION, "again").map(drop).boxed_local(),
        end: &["payments: Connected", "to-central: InSync", "Payments shares logs with Central"],
    },
    Scenario {
        name: "held",
        setup: |world| nothing_may_go(world).boxed_local(),
        act: |world| world.delete::<OrgConnection>("to-central").boxed_local(),
        end: &["payments: Connected", "to-central: DeletionHeld", "Payments shares logs with Central"],
    },
    Scenario {
        name: "window-full",
        setup: |world| one_of_two_has_gone(world).boxed_local(),
        act: |world| world.delete::<OrgConnection>("to-security").boxed_local(),
        end: &["payments: Connected", "to-security: DeletionHeld", "Payments shares logs with Security"],
    },
    Scenario {
        name: "approved",
        setup: |world| held(world).boxed_local(),
        act: |world| approve(world).boxed_local(),
        end: &["payments: Connected"],
    },
];

/// Of two connections that Payments has had for long, one has been deleted, which is all that its brake lets through in an hour.
async fn one_of_two_has_gone(world: &World) {
    sharing(world).await;
    world.connection("to-security").from("payments").to(SECURITY).types(&["logs"]).apply().await;
    world.ready("to-security").await;
    world.advance(OLD_ENOUGH);
    world.patch::<DatadogOrg>("payments", json!({"spec": {"maxDeletionsPerHour": 1}})).await;
    world.refresh("payments").await;
    world.delete::<OrgConnection>("to-central").await;
    world.gone::<OrgConnection>("to-central").await;
}

/// The deletion of a connection waits for approval.
async fn held(world: &World) {
    nothing_may_go(world).await;
    world.delete::<OrgConnection>("to-central").await;
    world.reason("to-central", "DeletionHeld").await;
}

async fn approve(world: &World) {
    let message = world.reason("to-central", "DeletionHeld").await.message().to_owned();
    world.approve_as_told(&message).await;
}

/// Payments shares its logs with Central for long, and no connection may be deleted without approval.
async fn nothing_may_go(world: &World) {
    sharing_for_long(world).await;
    world.patch::<DatadogOrg>("payments", json!({"spec": {"maxDeletionsPerHour": 0}})).await;
}

async fn share(world: &World, name: &str, types: &[&str]) {
    world.connection(name).from("payments").to(CENTRAL).types(types).apply().await;
}

/// Alice has made a connection that no object speaks of.
async fn alice_shares(world: &World, types: &[&str]) {
    world.org("payments").await;
    world.org_ready("payments").await;
    world.datadog.create_as("Alice", PAYMENTS, CENTRAL, types).unwrap();
    world.refresh("payments").await;
}

async fn adopt(world: &World, policy: &str) {
    world.connection("to-central").from("payments").to(CENTRAL).types(&["logs"]).adopting(policy).apply().await;
}

/// A connection that somebody has deleted is missed, and only reported.
async fn reported(world: &World) {
    world.org("payments").await;
    world.connection("to-central").from("payments").to(CENTRAL).types(&["logs"]).reporting().apply().await;
    world.ready("to-central").await;
    world.refresh("payments").await;
    take_away(world);
    world.refresh("payments").await;
    world.reason("to-central", "DeletedOutside").await;
}

/// Payments shares its logs with Central.
async fn sharing(world: &World) {
    world.org("payments").await;
    share(world, "to-central", &["logs"]).await;
    world.ready("to-central").await;
}

async fn sharing_for_long(world: &World) {
    sharing(world).await;
    world.advance(OLD_ENOUGH);
    world.refresh("payments").await;
}

/// Somebody deletes the connection at Datadog.
fn take_away(world: &World) {
    let connection = world.datadog.connection(PAYMENTS, CENTRAL).unwrap();
    world.datadog.delete(connection.id).unwrap();
}

/// The key in the Secret is replaced by another of the same user, the old one is revoked, and there is something to do for the new one.
async fn rotate_and_change(world: &World) {
    let payments = world.datadog.state().organizations.into_iter().find(|organization| organization.id == PAYMENTS).unwrap();
    let old = payments.credentials.into_iter().find(|credential| credential.id == "payments").unwrap();
    let user = world.datadog.state().users.into_iter().find(|known| known.user.id == old.user).unwrap().user;
    let [(_, api_key), (_, app_key)] = keys_of("rotated");
    let (keys, permissions) = (Keys::Pair { api_key, app_key }, old.permissions.into_iter().collect());
    let rotated = Credential { id: "rotated".to_owned(), keys, user, permissions, enabled: true };
    world.datadog.add_credential(PAYMENTS, rotated).unwrap();
    let data: serde_json::Map<_, _> = keys_of("rotated").into_iter().map(|(name, key)| (name.to_owned(), key.into())).collect();
    world.patch::<Secret>("payments-datadog", json!({"stringData": data})).await;
    world.datadog.revoke(PAYMENTS, "payments").unwrap();
    share(world, "to-central", &["metrics"]).await;
}

/// As after a restore from a backup: the object is there and its status is not.
async fn lose_status(world: &World) {
    let (parameters, nothing) = (kube::api::PatchParams::default(), kube::api::Patch::Merge(json!({"status": null})));
    world.connections().patch_status("to-central", &parameters, &nothing).await.unwrap();
}

/// `kubectl replace` with the manifest as it was once applied: it takes finalizer, annotation and label away.
async fn replace(world: &World) {
    let manifest = world.connection("to-central").from("payments").to(CENTRAL).types(&["metrics"]).manifest().to_string();
    let replaced = world.kubectl(&["replace", "--filename", "-"], &manifest).await;
    assert!(replaced.status.success(), "{}", String::from_utf8_lossy(&replaced.stderr));
}
