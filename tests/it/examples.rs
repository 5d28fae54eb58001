//! What is published beside the chart: each example is welcome at a real API server as it stands, and each monitor watches what there is.

use std::collections::BTreeSet;
use std::path::Path;

use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::harness::World;

/// A file of the repository.
fn file(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// Makes a namespace, if there is none.
async fn namespace(world: &World, name: &str) {
    let manifest = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    Api::<Namespace>::all(world.client.clone()).patch(name, &PatchParams::apply("tests"), &Patch::Apply(manifest)).await.unwrap();
}

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
    for name in namespaces {
        namespace(&world, name).await;
    }
    assert!(files.len() >= 12);
    for (path, objects) in &files {
        assert_eq!(world.apply_all(objects, true).await, Ok(()), "{path}");
    }
}

#[tokio::test]
async fn the_manifest_without_helm_is_welcome_as_it_stands() {
    let world = World::new("without-helm").await;
    let objects: Vec<Value> = serde_yaml::from_multiple(&file("deploy/install.yaml")).unwrap();
    let begins = &objects[0];
    assert_eq!(begins["kind"], "Namespace");
    // What a dry run makes is not there for what comes after it.
    namespace(&world, begins["metadata"]["name"].as_str().unwrap()).await;
    assert_eq!(world.apply_all(&objects, true).await, Ok(()));
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

fn monitors() -> Vec<Value> {
    let monitors: Vec<Value> = serde_json::from_str(&file("deploy/datadog/monitors.json")).unwrap();
    assert!(!monitors.is_empty());
    monitors
}

#[test]
fn a_monitor_that_says_for_how_long_has_waited_so_long() {
    let mut saying = 0;
    for monitor in monitors() {
        let (query, message) = (monitor["query"].as_str().unwrap(), monitor["message"].as_str().unwrap());
        let Some((_, minutes)) = message.split_once(" minutes").and_then(|(before, _)| before.rsplit_once(" for ")) else { continue };
        assert!(query.contains(&format!("(last_{minutes}m):")), "{monitor}");
        // Otherwise the first points of a series are taken for all of them.
        assert!(!query.starts_with("min(") || monitor["options"]["require_full_window"] == true, "{monitor}");
        saying += 1;
    }
    assert_eq!(saying, 3);
}

#[test]
fn every_monitor_watches_a_metric_that_there_is() {
    let page = include_str!("../../docs/metrics.md");
    for monitor in &monitors() {
        let metrics = metrics_of(monitor["query"].as_str().unwrap());
        assert!(!metrics.is_empty() && metrics.iter().all(|name| page.contains(&format!("| `{name}` |"))), "{monitor}");
        let threshold = monitor["options"]["thresholds"]["critical"].as_f64().unwrap();
        assert!(monitor["query"].as_str().unwrap().ends_with(&format!(" {threshold}")), "{monitor}");
    }
}
