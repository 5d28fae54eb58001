//! What the API server accepts and refuses by the two kinds' schemas. No operator runs here.

mod shown;

use crossorg::api::{DatadogOrg, OrgConnection};
use kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::harness::{Kind, World};

const UUID: &str = "22222222-0000-4000-8000-000000000002";
const NOT_A_UUID: &str = "must be the organization's UUID in lower case";
const NOT_AN_INTERVAL: &str = "pollInterval must be a duration from 10s to 1h, such as 60s, 5m or 1h";
const FIXED_PAIR: &str = "cannot be changed: Datadog cannot move a connection; delete this object and create another";

fn connection() -> Value {
    json!({
        "apiVersion": "crossorg.dev/v1alpha1", "kind": "OrgConnection", "metadata": {"name": "any"},
        "spec": {"sourceOrgRef": {"name": "payments"}, "sinkOrg": {"id": UUID}, "connectionTypes": ["logs"]},
    })
}

fn organization() -> Value {
    json!({
        "apiVersion": "crossorg.dev/v1alpha1", "kind": "DatadogOrg", "metadata": {"name": "any"},
        "spec": {"site": "datadoghq.eu", "credentialsSecretRef": {"name": "keys"}},
    })
}

/// A merge as RFC 7396 has it: null takes a member away.
fn merge(into: &mut Value, change: &Value) {
    match (into, change) {
        (Value::Object(into), Value::Object(change)) => {
            for (name, value) in change {
                if value.is_null() {
                    into.remove(name);
                } else {
                    merge(into.entry(name).or_insert(Value::Null), value);
                }
            }
        }
        (into, change) => change.clone_into(into),
    }
}

fn with_spec(manifest: Value, change: &Value) -> Value {
    let mut changed = manifest;
    merge(&mut changed["spec"], change);
    changed
}

/// What the API server says to a new object: nothing if it is welcome.
async fn refusal(world: &World, manifest: &Value) -> Option<String> {
    let object: DynamicObject = serde_json::from_value(manifest.clone()).unwrap();
    let resource =
        if manifest["kind"] == "DatadogOrg" { ApiResource::erase::<DatadogOrg>(&()) } else { ApiResource::erase::<OrgConnection>(&()) };
    let api: Api<DynamicObject> = Api::namespaced_with(world.client.clone(), &world.namespace, &resource);
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    api.create(&dry, &object).await.err().map(|error| error.to_string())
}

/// What the API server says to a changed spec.
async fn refused_change<K: Kind>(world: &World, name: &str, change: Value) -> Option<String> {
    let dry = PatchParams { dry_run: true, ..PatchParams::default() };
    world.api::<K>().patch(name, &dry, &Patch::Merge(json!({"spec": change}))).await.err().map(|error| error.to_string())
}

/// Each change makes a good manifest one that is refused with this text.
async fn assert_refused(world: &World, good: fn() -> Value, cases: &[(Value, &str)]) {
    assert_eq!(refusal(world, &good()).await, None);
    for (change, expected) in cases {
        let said = refusal(world, &with_spec(good(), change)).await.unwrap_or_else(|| "accepted".to_owned());
        assert!(said.contains(expected), "{change}\n  expected: {expected}\n  was told: {said}");
    }
}

#[tokio::test]
async fn a_bad_connection_is_refused_with_what_to_do() {
    let world = World::new("admission-connection").await;
    let many: Vec<String> = (0..17).map(|number| format!("type_{number}")).collect();
    let cases = [
        (json!({"sinkOrg": {"id": null}}), "sinkOrg needs exactly one of id, name and ref"),
        (json!({"sinkOrg": {"ref": {"name": "central"}}}), "sinkOrg needs exactly one of id, name and ref"),
        (json!({"sinkOrg": {"name": "Central"}}), "sinkOrg needs exactly one of id, name and ref"),
        (json!({"sinkOrg": {"id": null, "name": ""}}), "spec.sinkOrg.name in body should be at least 1 chars long"),
        (json!({"sinkOrg": {"id": null, "name": "n".repeat(257)}}), "spec.sinkOrg.name: Too long"),
        (json!({"managementPolicy": "Watch"}), r#"supported values: "Full", "Observe""#),
        (json!({"adoptionPolicy": "IfEqual"}), r#"supported values: "Never", "IfIdentical", "Always""#),
        (json!({"externalDeletionPolicy": "Ignore"}), r#"supported values: "Recreate", "Report""#),
        (json!({"suspend": "yes"}), "spec.suspend"),
        (json!({"sinkOrg": null}), "spec.sinkOrg: Required value"),
        (json!({"sinkOrg": {"id": "22222222-0000-4000-8000-00000000000A"}}), NOT_A_UUID),
        (json!({"sinkOrg": {"id": "abc123def"}}), "not the short public_id"),
        (json!({"sinkOrg": {"id": "22222222000040008000000000000002"}}), NOT_A_UUID),
        (json!({"sinkOrg": {"id": format!("{UUID} ")}}), NOT_A_UUID),
        (json!({"sinkOrg": {"id": ""}}), NOT_A_UUID),
        (json!({"sinkOrg": {"id": "2".repeat(65)}}), "Too long"),
        (json!({"sinkOrg": {"id": null, "ref": {"name": "payments"}}}), "sinkOrg.ref must name another DatadogOrg than sourceOrgRef"),
        (json!({"sinkOrg": {"id": null, "ref": {"name": ""}}}), "spec.sinkOrg.ref.name in body should be at least 1 chars long"),
        (json!({"sinkOrg": {"id": null, "ref": {}}}), "spec.sinkOrg.ref.name: Required value"),
        (json!({"sourceOrgRef": null}), "spec.sourceOrgRef: Required value"),
        (json!({"sourceOrgRef": {"name": ""}}), "spec.sourceOrgRef.name in body should be at least 1 chars long"),
        (json!({"sourceOrgRef": {"name": "a".repeat(254)}}), "Too long"),
        (json!({"connectionTypes": null}), "spec.connectionTypes: Required value"),
        (json!({"connectionTypes": []}), "spec.connectionTypes in body should have at least 1 items"),
        (json!({"connectionTypes": many}), "must have at most 16 items"),
        (json!({"connectionTypes": ["logs", "metrics", "logs"]}), "connectionTypes must not name a type twice: remove the repeated one"),
        (json!({"connectionTypes": ["Logs"]}), "spec.connectionTypes[0] in body should match"),
        (json!({"connectionTypes": ["logs "]}), "spec.connectionTypes[0] in body should match"),
        (json!({"connectionTypes": [""]}), "spec.connectionTypes[0] in body should"),
        (json!({"connectionTypes": ["a".repeat(65)]}), "Too long"),
        (json!({"deletionPolicy": "Keep"}), r#"supported values: "Delete", "Orphan""#),
    ];
    assert_refused(&world, connection, &cases).await;
}

#[tokio::test]
async fn a_bad_organization_is_refused_with_what_to_do() {
    let world = World::new("admission-organization").await;
    let cases = [
        (json!({"site": "api.evil.example"}), r#"Unsupported value: "api.evil.example""#),
        (json!({"site": "https://api.datadoghq.eu"}), r#"supported values: "datadoghq.com""#),
        (json!({"site": null}), "spec.site: Required value"),
        (json!({"credentialsSecretRef": null}), "spec.credentialsSecretRef: Required value"),
        (json!({"credentialsSecretRef": {"name": ""}}), "spec.credentialsSecretRef.name in body should be at least 1 chars long"),
        (json!({"organizationId": "ABCDEF00-0000-4000-8000-000000000002"}), NOT_A_UUID),
        (json!({"organizationId": "abc123def"}), "not the short public_id"),
        (json!({"organizationId": ""}), NOT_A_UUID),
        (json!({"pollInterval": "1".repeat(33)}), "Too long"),
        (json!({"maxDeletionsPerHour": -1}), "spec.maxDeletionsPerHour in body should be greater than or equal to 0"),
        (json!({"maxDeletionsPerHour": 1001}), "spec.maxDeletionsPerHour in body should be less than or equal to 1000"),
        (json!({"maxDeletionsPerHour": "10"}), "spec.maxDeletionsPerHour"),
    ];
    assert_refused(&world, organization, &cases).await;
    let intervals =
        ["", "s", "60", "9s", "0s", "61m", "1h1s", "2h", "1d", "-1m", "1.5m", "60S", "10 s", "30s1m", "500ms", "9999999999999h"];
    let cases = intervals.map(|interval| (json!({"pollInterval": interval}), NOT_AN_INTERVAL));
    assert_refused(&world, organization, &cases).await;
}

#[tokio::test]
async fn good_manifests_are_accepted() {
    let world = World::new("admission-good").await;
    let sixteen: Vec<String> = (0..16).map(|number| format!("type_{number}")).collect();
    let sites = [
        "datadoghq.com",
        "us3.datadoghq.com",
        "us5.datadoghq.com",
        "ap1.datadoghq.com",
        "ap2.datadoghq.com",
        "uk1.datadoghq.com",
        "datadoghq.eu",
        "ddog-gov.com",
        "us2.ddog-gov.com",
    ];
    let connections = [
        json!({"sinkOrg": {"id": null, "ref": {"name": "central"}}}),
        json!({"connectionTypes": sixteen}),
        json!({"connectionTypes": ["a_type_of_tomorrow2"]}),
        json!({"deletionPolicy": "Orphan"}),
    ];
    let organizations = ["10s", "60s", "1m30s", "60m", "1h", "3600s"].map(|interval| json!({"pollInterval": interval})).into_iter();
    let organizations = organizations.chain([0, 1000].map(|limit| json!({"maxDeletionsPerHour": limit})));
    let organizations = organizations.chain(sites.map(|site| json!({"site": site}))).chain([json!({"organizationId": UUID})]);
    let manifests = connections.iter().map(|change| with_spec(connection(), change));
    for manifest in manifests.chain(organizations.map(|change| with_spec(organization(), &change))) {
        assert_eq!(refusal(&world, &manifest).await, None, "{manifest}");
    }
}

#[tokio::test]
async fn defaults_appear_and_nobody_has_looked_yet() {
    let world = World::new("admission-defaults").await;
    world.apply::<DatadogOrg>(organization()).await;
    world.apply::<OrgConnection>(connection()).await;
    // As the API server holds them, and not as a client fills them in.
    let stored = async |kind: &str| {
        let text = world.kubectl_text(&["get", kind, "any", "-o", "json"]).await;
        serde_json::from_str::<Value>(&text).unwrap()
    };
    let (organization, connection) = (stored("ddorg").await, stored("oconn").await);
    assert_eq!((&organization["spec"]["pollInterval"], &connection["spec"]["deletionPolicy"]), (&json!("60s"), &json!("Delete")));
    assert_eq!(organization["spec"]["maxDeletionsPerHour"], 10);
    assert_eq!((&organization["status"], &connection["status"]), (&json!({"observedGeneration": -1}), &json!({"observedGeneration": -1})));
}

#[tokio::test]
async fn what_a_connection_connects_cannot_be_changed_but_the_rest_can() {
    let world = World::new("admission-fixed").await;
    world.apply::<OrgConnection>(connection()).await;
    let by_ref = json!({"metadata": {"name": "by-ref"}, "spec": {"sinkOrg": {"id": null, "ref": {"name": "central"}}}});
    let mut other = connection();
    merge(&mut other, &by_ref);
    world.apply::<OrgConnection>(other).await;
    let cases = [
        ("any", json!({"sourceOrgRef": {"name": "security"}}), format!("sourceOrgRef {FIXED_PAIR}")),
        ("any", json!({"sinkOrg": {"id": "33333333-0000-4000-8000-000000000003"}}), format!("sinkOrg {FIXED_PAIR}")),
        ("any", json!({"sinkOrg": {"id": null, "ref": {"name": "central"}}}), format!("sinkOrg {FIXED_PAIR}")),
        ("by-ref", json!({"sinkOrg": {"ref": {"name": "security"}}}), format!("sinkOrg {FIXED_PAIR}")),
        ("by-ref", json!({"sinkOrg": {"ref": null, "id": UUID}}), format!("sinkOrg {FIXED_PAIR}")),
    ];
    for (name, change, expected) in cases {
        let said = refused_change::<OrgConnection>(&world, name, change.clone()).await.unwrap_or_else(|| "accepted".to_owned());
        assert!(said.contains(&expected), "{change}\n  expected: {expected}\n  was told: {said}");
    }
    for change in [json!({"connectionTypes": ["audit"]}), json!({"deletionPolicy": "Orphan"})] {
        assert_eq!(refused_change::<OrgConnection>(&world, "any", change).await, None);
    }
}

#[tokio::test]
async fn an_organization_id_is_final_once_set() {
    let world = World::new("admission-pin").await;
    world.apply::<DatadogOrg>(organization()).await;
    let pin = json!({"organizationId": UUID});
    assert_eq!(refused_change::<DatadogOrg>(&world, "any", pin.clone()).await, None, "it may be set later");
    world.patch::<DatadogOrg>("any", json!({"spec": pin})).await;
    let final_once_set = "organizationId cannot be changed or removed once set: create another DatadogOrg for another organization";
    for change in [json!({"organizationId": "33333333-0000-4000-8000-000000000003"}), json!({"organizationId": null})] {
        let said = refused_change::<DatadogOrg>(&world, "any", change).await.unwrap();
        assert!(said.contains(final_once_set), "{said}");
    }
    assert_eq!(refused_change::<DatadogOrg>(&world, "any", json!({"pollInterval": "5m"})).await, None);
}

#[tokio::test]
async fn a_site_is_final_once_the_organization_has_been_proven() {
    let world = World::new("admission-site").await;
    world.apply::<DatadogOrg>(organization()).await;
    let move_away = json!({"site": "datadoghq.com"});
    assert_eq!(refused_change::<DatadogOrg>(&world, "any", move_away.clone()).await, None, "nothing is proven yet");
    let proven = json!({"status": {"observedGeneration": 1, "organization": {"id": UUID}}});
    world.orgs().patch_status("any", &PatchParams::default(), &Patch::Merge(proven)).await.unwrap();
    let said = refused_change::<DatadogOrg>(&world, "any", move_away).await.unwrap();
    assert!(said.contains("site cannot be changed once the organization has been proven"), "{said}");
    assert_eq!(refused_change::<DatadogOrg>(&world, "any", json!({"credentialsSecretRef": {"name": "new-keys"}})).await, None);
}

#[tokio::test]
async fn a_type_that_another_manager_slipped_in_does_not_survive_the_next_apply() {
    let world = World::new("admission-atomic").await;
    let apply = async |manager: &str, types: &[&str]| {
        let manifest = with_spec(connection(), &json!({"connectionTypes": types}));
        let parameters = PatchParams::apply(manager).force();
        world.connections().patch("any", &parameters, &Patch::Apply(manifest)).await.unwrap().spec.connection_types
    };
    apply("git", &["logs"]).await;
    assert_eq!(apply("somebody", &["logs", "audit"]).await, ["logs", "audit"]);
    assert_eq!(apply("git", &["logs"]).await, ["logs"]);
}
