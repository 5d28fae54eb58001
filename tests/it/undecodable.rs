//! Objects that this version cannot read, as a downgrade leaves them behind: they say so, stop no other, and lose nothing.

use crossorg::api::OrgConnection;
use datadog_double::{CENTRAL, PAYMENTS, SECURITY};
use serde_json::{Value, json};

use crate::harness::{Operator, World, connection_id, plane};

/// What no version of the operator knows.
const ODD_POLICY: &str = "Sometimes";

/// Takes the values of `deletionPolicy` and `site` out of the installed CRDs, as if another version had more of them.
async fn allow_anything(world: &World) {
    for (crd, field) in [("orgconnections.crossorg.dev", "deletionPolicy"), ("datadogorgs.crossorg.dev", "site")] {
        let path = format!("/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/{field}/enum");
        let patch = json!([{"op": "remove", "path": path}]).to_string();
        world.kubectl_text(&["patch", "crd", crd, "--type", "json", "--patch", &patch]).await;
    }
}

/// Applies it as a user does, as often as it takes until the API server goes by the newest CRDs.
async fn kubectl_apply(world: &World, manifest: &Value) {
    let apply = async || world.kubectl(&["apply", "--server-side", "--force-conflicts", "-f", "-"], &manifest.to_string()).await;
    world.until("kubectl applies it", async || apply().await.status.success().then_some(())).await;
}

fn odd(manifest: &Value) -> Value {
    let mut odd = manifest.clone();
    odd["spec"]["deletionPolicy"] = ODD_POLICY.into();
    odd
}

/// An object as it is, whether or not it can be understood.
async fn raw(world: &World, name: &str) -> Value {
    let text = world.kubectl_text(&["get", "orgconnection", name, "-o", "json"]).await;
    serde_json::from_str(&text).unwrap()
}

/// Waits until an object says that it is invalid and a person has to act.
async fn says_invalid(world: &World, name: &str) -> Value {
    let says = |object: &Value, condition: &str, status: &str| {
        let conditions = object["status"]["conditions"].as_array();
        conditions
            .is_some_and(|all| all.iter().any(|one| one["type"] == condition && one["status"] == status && one["reason"] == "Invalid"))
    };
    let look = async || Some(raw(world, name).await).filter(|object| says(object, "Ready", "False") && says(object, "Stalled", "True"));
    world.until(&format!("{name} says that it is invalid"), look).await
}

async fn ready_payments(world: &World) -> Operator {
    world.org("payments").await;
    let operator = world.operator().await;
    world.org_ready("payments").await;
    operator
}

#[tokio::test]
async fn what_an_object_that_cannot_be_understood_owns_is_not_taken_over_though_somebody_has_stripped_it() {
    let world = World::on(plane::private().await, "undecodable-owner").await;
    let mut operator = ready_payments(&world).await;
    let owner = world.connection("owner").from("payments").to(SECURITY).types(&["logs"]);
    world.apply::<OrgConnection>(owner.manifest()).await;
    world.ready("owner").await;
    operator.kill();
    allow_anything(&world).await;
    kubectl_apply(&world, &odd(&owner.manifest())).await;
    let stripped = json!({"metadata": {"labels": null, "annotations": null, "finalizers": null}}).to_string();
    world.kubectl_text(&["patch", "orgconnection", "owner", "--type", "merge", "--patch", &stripped]).await;
    plane::apply_crds(&world.plane).await;

    let _next = world.operator().await;
    says_invalid(&world, "owner").await;
    world.connection("taker").from("payments").to(SECURITY).types(&["metrics"]).adopting("Always").apply().await;
    world.reason("taker", "Conflict").await;
    assert_eq!(world.counts().remote_writes(), (1, 0, 0));
    assert_eq!(world.datadog.connection(PAYMENTS, SECURITY).unwrap().connection_types, ["logs"]);
}

#[tokio::test]
async fn an_object_that_cannot_be_understood_says_so_and_stops_no_other() {
    let world = World::on(plane::private().await, "undecodable").await;
    let bad = world.connection("bad").from("payments").to(SECURITY).types(&["logs"]).manifest();
    let good = world.connection("good").from("payments").to(CENTRAL).types(&["logs"]).manifest();
    allow_anything(&world).await;
    kubectl_apply(&world, &odd(&bad)).await;
    kubectl_apply(&world, &world.organization("nowhere").on_site("datadoghq.example").manifest()).await;
    plane::apply_crds(&world.plane).await;
    let _operator = ready_payments(&world).await;
    says_invalid(&world, "bad").await;
    world.apply::<OrgConnection>(good.clone()).await;
    let before = world.ready("good").await;
    assert_eq!(world.counts().remote_writes(), (1, 0, 0));

    kubectl_apply(&world, &bad).await;
    let object = world.ready("bad").await;
    assert_eq!(connection_id(&object), world.datadog.connection(PAYMENTS, SECURITY).unwrap().id.to_string());

    allow_anything(&world).await;
    kubectl_apply(&world, &odd(&good)).await;
    plane::apply_crds(&world.plane).await;
    let object = says_invalid(&world, "good").await;
    assert_eq!(object["status"]["connectionId"], connection_id(&before), "what it owns is not forgotten");
    kubectl_apply(&world, &good).await;
    assert_eq!(connection_id(&world.ready("good").await), connection_id(&before));
    assert_eq!(world.counts().remote_writes(), (2, 0, 0));
}
