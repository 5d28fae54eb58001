//! What the API server and kubectl show of the two kinds.

use crossorg::api::{DatadogOrg, OrgConnection};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{Api, CustomResourceExt, ResourceExt};
use serde_json::Value;

use super::{connection, organization};
use crate::harness::World;

/// The schemas that the API server serves, by kind.
async fn served_schemas(world: &World) -> Vec<(String, Value)> {
    let api: Api<CustomResourceDefinition> = Api::all(world.client.clone());
    let mut schemas = Vec::new();
    for crd in [DatadogOrg::crd(), OrgConnection::crd()] {
        let served = serde_json::to_value(api.get(&crd.name_any()).await.unwrap()).unwrap();
        schemas.push((crd.spec.names.kind, served["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone()));
    }
    schemas
}

/// Every field below a schema, with its path.
fn fields<'a>(path: &str, schema: &'a Value, found: &mut Vec<(String, &'a Value)>) {
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        found.push((path.clone(), field));
        fields(&path, field, found);
        fields(&format!("{path}[]"), &field["items"], found);
    }
}

#[tokio::test]
async fn every_field_is_described_and_every_enum_value_explained() {
    let world = World::new("admission-described").await;
    let mut enums = Vec::new();
    for (kind, schema) in served_schemas(&world).await {
        let mut found = Vec::new();
        fields(&kind, &schema, &mut found);
        assert!(found.len() > 15, "{kind} has fields");
        for (path, field) in found.iter().filter(|(path, _)| !path.ends_with(".metadata")) {
            let described = [".apiVersion", ".kind"].iter().any(|own| path.ends_with(own)) || field["description"].is_string();
            assert!(described, "{path} has no description");
            for value in field["enum"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                assert!(field["description"].as_str().unwrap().contains(value), "{path} does not explain {value}");
                enums.push(format!("{path}={value}"));
            }
        }
    }
    assert_eq!(enums.len(), 9 + 2 + 3 + 2 + 2 + 2, "{enums:?}");
}

#[tokio::test]
async fn every_text_and_list_of_a_spec_has_a_maximum() {
    let world = World::new("admission-bounded").await;
    for (kind, schema) in served_schemas(&world).await {
        let mut found = Vec::new();
        fields(&format!("{kind}.spec"), &schema["properties"]["spec"], &mut found);
        for (path, field) in found {
            let bounded = |schema: &Value| match schema["type"].as_str() {
                Some("string") => schema["enum"].is_array() || schema["maxLength"].is_u64(),
                Some("array") => schema["maxItems"].is_u64(),
                _ => true,
            };
            assert!(bounded(field) && bounded(&field["items"]), "{path} has no maximum");
        }
    }
}

#[tokio::test]
async fn kubectl_explains_the_fields() {
    let world = World::new("admission-explained").await;
    for (field, words) in [
        ("orgconnection.spec.deletionPolicy", ["Orphan", "nobody manages it"]),
        ("orgconnection.spec.sinkOrg.id", ["UUID", "not the short public_id"]),
        ("orgconnection.status.origin", ["Created", "Adopted"]),
        ("datadogorg.spec.site", ["us2.ddog-gov.com", "EU1"]),
        ("datadogorg.spec.credentialsSecretRef", ["app-key", "bearer-token"]),
    ] {
        // The API server publishes its schemas some time after the kinds are served.
        let explained = async || {
            let output = world.kubectl(&["explain", field], "").await;
            let text = String::from_utf8(output.stdout).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
            words.iter().all(|word| text.contains(word)).then_some(())
        };
        world.until(&format!("kubectl explain {field} says {words:?}"), explained).await;
    }
}

/// The words of the first line that kubectl prints.
fn header(table: &str) -> Vec<&str> {
    table.lines().next().unwrap_or_default().split_whitespace().collect()
}

#[tokio::test]
async fn kubectl_shows_both_kinds_under_their_short_names_and_their_category() {
    let world = World::new("admission-columns").await;
    world.apply::<OrgConnection>(connection()).await;
    world.apply::<DatadogOrg>(organization()).await;
    let connections = world.kubectl_text(&["get", "oconn"]).await;
    assert_eq!(header(&connections), ["NAME", "READY", "REASON", "SOURCE", "SINK", "TYPES", "AGE"]);
    assert!(connections.contains(r#"["logs"]"#), "{connections}");
    let connections = world.kubectl_text(&["get", "oconn", "-o", "wide"]).await;
    assert_eq!(header(&connections), ["NAME", "READY", "REASON", "SOURCE", "SINK", "TYPES", "AGE", "ID", "MESSAGE"]);
    let organizations = world.kubectl_text(&["get", "ddorg"]).await;
    assert_eq!(header(&organizations), ["NAME", "READY", "REASON", "ORGANIZATION", "ID", "AGE"]);
    let organizations = world.kubectl_text(&["get", "ddorg", "-o", "wide"]).await;
    assert_eq!(header(&organizations), ["NAME", "READY", "REASON", "ORGANIZATION", "ID", "AGE", "MESSAGE"]);
    let all = world.kubectl_text(&["get", "datadog", "-o", "name"]).await;
    let mut all: Vec<_> = all.lines().collect();
    all.sort_unstable();
    assert_eq!(all, ["datadogorg.crossorg.dev/any", "orgconnection.crossorg.dev/any"]);
}
