//! A release on a real API server, from its installation to its end. No pod runs here: what the objects do has tests of its own.

use std::fs;
use std::path::Path;
use std::process::Command;

use crossorg::api::DatadogOrg;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;
use kube::api::ListParams;
use serde_json::{Value, json};
use xtask::helm::{Helm, Version};

use crate::harness::chart::{RELEASE, folder, run};
use crate::harness::{World, plane};

/// Runs Helm against the world's cluster and returns what it says.
async fn helm(world: &World, version: Version, arguments: &[&str], values: Value) -> String {
    let mut helm = Helm::ensure(version).unwrap().command();
    helm.env("KUBECONFIG", world.plane.kubeconfig()).args(["--namespace", &world.namespace]);
    let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    let ran = move || run(helm, &arguments.iter().map(String::as_str).collect::<Vec<_>>(), &values);
    let output = tokio::task::spawn_blocking(ran).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

async fn install(world: &World, version: Version, values: Value) -> String {
    let chart = folder();
    helm(world, version, &["upgrade", "--install", RELEASE, chart.to_str().unwrap(), "--values", "-"], values).await
}

async fn crds(world: &World) -> Vec<CustomResourceDefinition> {
    Api::<CustomResourceDefinition>::all(world.client.clone()).list(&ListParams::default()).await.unwrap().items
}

#[tokio::test]
async fn an_uninstall_leaves_the_crds_and_their_objects_and_the_next_release_takes_them_over() {
    for version in Version::ALL {
        let world = World::on(plane::bare().await, "released").await;
        let notes = install(&world, version, json!({})).await;
        assert!(notes.contains("helm test crossorg --namespace released") && notes.contains("kind: DatadogOrg"), "{notes}");
        plane::await_kinds(&world.plane).await;
        world.org("payments").await;

        helm(&world, version, &["uninstall", RELEASE], json!({})).await;
        assert_eq!(crds(&world).await.len(), 2, "{version:?}");
        install(&world, version, json!({"replicas": 2})).await;
        world.orgs().get("payments").await.unwrap();

        install(&world, version, json!({"crds": {"enabled": false}})).await;
        assert_eq!(crds(&world).await.len(), 2, "{version:?}");
    }
}

#[tokio::test]
async fn an_upgrade_upgrades_the_crds() {
    let world = World::on(plane::bare().await, "upgraded").await;
    install(&world, Version::V3, json!({})).await;
    let older = json!({"spec": {"names": {"categories": []}}});
    let name = "orgconnections.crossorg.dev";
    world.kubectl_text(&["patch", "crd", name, "--type", "merge", "--patch", &older.to_string()]).await;
    install(&world, Version::V4, json!({"replicas": 2})).await;
    let crd = crds(&world).await.into_iter().find(|crd| crd.metadata.name.as_deref() == Some(name)).unwrap();
    assert_eq!(crd.spec.names.categories, Some(vec!["datadog".to_owned()]));
}

/// The commands of these notes, run as a person does who pastes them into a shell beside the files that they name.
async fn paste(world: &World, notes: &str) {
    let begin = notes.find("kubectl create").unwrap();
    let end = notes.find("\nEOF\n").unwrap() + "\nEOF\n".len();
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pasted");
    fs::create_dir_all(&directory).unwrap();
    ["api-key", "app-key"].iter().for_each(|name| fs::write(directory.join(name), name).unwrap());
    let kubectl = world.plane.kubectl();
    let programs = Path::new(kubectl.get_program()).parent().unwrap();
    let script = format!("PATH='{}':$PATH\n{}", programs.display(), &notes[begin..end]);
    let mut shell = Command::new("sh");
    shell.args(["-e", "-c", &script]).current_dir(directory).env("KUBECONFIG", world.plane.kubeconfig());
    let output = tokio::task::spawn_blocking(move || shell.output()).await.unwrap().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn the_commands_of_the_notes_can_be_pasted_into_a_shell() {
    let world = World::on(plane::bare().await, "pasted").await;
    for (values, namespace, secret) in [
        (json!({}), "observability", "payments-datadog"),
        (json!({"watchNamespaces": ["pasted"], "secretNames": ["keys", "others"]}), "pasted", "keys"),
    ] {
        let notes = install(&world, Version::V4, values).await;
        plane::await_kinds(&world.plane).await;
        paste(&world, &notes).await;
        let org = Api::<DatadogOrg>::namespaced(world.client.clone(), namespace).get("payments").await.unwrap();
        assert_eq!(org.spec.credentials_secret_ref.name, secret);
        let secret = Api::<Secret>::namespaced(world.client.clone(), namespace).get(secret).await.unwrap();
        assert!(secret.data.unwrap().keys().eq(["api-key", "app-key"]));
    }
}
