//! What is published beside the chart: each example is welcome at a real API server as it stands, and each monitor watches what there is.

use std::collections::BTreeSet;
use std::path::Path;

use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::harness::World;

/// The examples, as path and objects: the walk through all of it, and one file for each situation.
fn files() -> Vec<(String, Vec<Value>)> {
    let mut files = Vec::new();
    for folder in ["deploy/examples", "deploy/examples/situations"] {
        for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let text = std::fs::read_to_string(&path).unwrap();
                files.push((path.display().to_string(), serde_yaml::from_multiple(&text).unwrap()));
            }
        }
    }
    files
}

#[tokio::test]
async fn every_example_is_welcome_as_it_stands() {
    let world = World::new("examples").await;
    let files = files();
    let objects = files.iter().flat_map(|(_, objects)| objects);
    let namespaces: BTreeSet<&str> = objects.filter_map(|object| object["metadata"]["namespace"].as_str()).collect();
    let api: Api<Namespace> = Api::all(world.client.clone());
    for name in namespaces {
        let manifest = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        api.patch(name, &PatchParams::apply("tests"), &Patch::Apply(manifest)).await.unwrap();
    }
    assert!(files.len() >= 12);
    for (path, objects) in &files {
        assert_eq!(world.apply_all(objects, true).await, Ok(()), "{path}");
    }
}

#[test]
fn a_situation_stands_in_one_file_and_no_file_holds_a_key() {
    for (path, objects) in files().iter().filter(|(path, _)| path.contains("situations")) {
        assert!(objects.iter().all(|object| object["kind"] != "Secret"), "{path}");
        assert!(objects.iter().any(|object| object["apiVersion"] == "crossorg.dev/v1alpha1"), "{path}");
    }
}

/// The metrics that a query names, as the operator calls them.
fn metrics_of(query: &str) -> Vec<String> {
    let named = query.split("crossorg.").skip(1).map(|rest| rest.split('{').next().unwrap());
    named.map(|name| format!("crossorg_{}", name.replace(".count", "_total"))).collect()
}

#[test]
fn every_monitor_watches_a_metric_that_there_is() {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/datadog/monitors.json")).unwrap();
    let page = include_str!("../../docs/metrics.md");
    let monitors: Vec<Value> = serde_json::from_str(&text).unwrap();
    assert!(!monitors.is_empty());
    for monitor in &monitors {
        let metrics = metrics_of(monitor["query"].as_str().unwrap());
        assert!(!metrics.is_empty() && metrics.iter().all(|name| page.contains(&format!("| `{name}` |"))), "{monitor}");
        let threshold = monitor["options"]["thresholds"]["critical"].as_f64().unwrap();
        assert!(monitor["query"].as_str().unwrap().ends_with(&format!(" {threshold}")), "{monitor}");
    }
}
