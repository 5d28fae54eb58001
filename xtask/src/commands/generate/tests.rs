use datadog_double::Keys;
use k8s_openapi::api::core::v1::Secret;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Difference, Written, apply, check, difference, repository, wanted};
use crate::commands::repository::TextFile;

fn repository_file(path: &str) -> String {
    repository::read(&repository::root(), path).unwrap().unwrap_or_else(|| panic!("{path} is missing"))
}

/// The documents of one kind in a YAML stream.
fn documents<T: DeserializeOwned>(stream: &str, kind: &str) -> Vec<T> {
    let values: Vec<Value> = serde_yaml::from_multiple(stream).unwrap();
    values.into_iter().filter(|value| value["kind"] == kind).map(|value| serde_json::from_value(value).unwrap()).collect()
}

fn files() -> Vec<TextFile> {
    wanted(&Written::read(&repository::root()).unwrap()).unwrap()
}

#[test]
fn a_fresh_directory_is_stale_until_it_is_written_and_then_it_is_current() {
    let root = tempfile::tempdir().unwrap();
    let wanted = files();
    let before = difference(root.path(), &wanted).unwrap();
    let complaint = check(difference(root.path(), &wanted).unwrap()).unwrap_err().to_string();
    for file in &wanted {
        assert!(complaint.contains(&file.path), "{complaint}");
    }
    assert!(complaint.contains("make generate"), "{complaint}");
    apply(root.path(), &before).unwrap();
    assert_eq!(difference(root.path(), &wanted).unwrap(), Difference::default());
}

#[test]
fn a_changed_file_is_named_alone_and_put_right() {
    let root = tempfile::tempdir().unwrap();
    let wanted = files();
    apply(root.path(), &difference(root.path(), &wanted).unwrap()).unwrap();
    let crd = "crds/crossorg.dev_orgconnections.yaml";
    repository::write(root.path(), &TextFile::new(crd, "kind: Other\n")).unwrap();
    let found = difference(root.path(), &wanted).unwrap();
    assert_eq!(found.stale.iter().map(|file| file.path.as_str()).collect::<Vec<_>>(), [crd]);
    apply(root.path(), &found).unwrap();
    assert_eq!(difference(root.path(), &wanted).unwrap(), Difference::default());
}

#[test]
fn a_definition_of_a_kind_that_is_no_more_is_a_stray() {
    let root = tempfile::tempdir().unwrap();
    let wanted = files();
    apply(root.path(), &difference(root.path(), &wanted).unwrap()).unwrap();
    repository::write(root.path(), &TextFile::new("crds/crossorg.dev_formers.yaml", "")).unwrap();
    let found = difference(root.path(), &wanted).unwrap();
    assert_eq!(found, Difference { stale: Vec::new(), stray: vec!["crds/crossorg.dev_formers.yaml".to_owned()] });
    apply(root.path(), &found).unwrap();
    assert_eq!(repository::read(root.path(), "crds/crossorg.dev_formers.yaml").unwrap(), None);
}

#[test]
fn the_written_definitions_are_the_codes() {
    let stream: String = files().iter().filter(|file| file.path.starts_with("crds/")).map(|file| format!("---\n{}", file.text)).collect();
    let written: Vec<k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition> =
        documents(&stream, "CustomResourceDefinition");
    assert_eq!(written, crossorg::api::crds());
}

#[test]
fn the_image_is_built_by_the_pinned_compiler() {
    let toolchain = repository_file("rust-toolchain.toml");
    let pinned = toolchain.lines().find_map(|line| line.strip_prefix("channel = ")).unwrap().trim_matches('"');
    assert!(repository_file("Dockerfile").contains(&format!("FROM rust:{pinned}-")));
}

fn examples() -> String {
    let paths = repository::files_in(&repository::root(), "deploy/examples").unwrap();
    paths.iter().map(|path| format!("---\n{}", repository_file(path))).collect()
}

#[test]
fn the_keys_of_the_examples_are_those_of_the_double() {
    let fixture = datadog_double::Config::three_organizations();
    let known: Vec<_> = fixture.organizations.iter().flat_map(|organization| &organization.credentials).collect();
    let secrets: Vec<Secret> = documents(&examples(), "Secret");
    assert!(!secrets.is_empty());
    for secret in secrets {
        let data = secret.string_data.unwrap();
        let keys = Keys::Pair { api_key: data["api-key"].clone(), app_key: data["app-key"].clone() };
        assert!(known.iter().any(|credential| credential.keys == keys), "{data:?}");
    }
}

#[test]
fn the_organizations_of_the_examples_exist_in_the_double() {
    let fixture = datadog_double::Config::three_organizations();
    let exists = |id: &str| fixture.organizations.iter().any(|organization| organization.id.to_string() == id);
    let orgs: Vec<crossorg::api::DatadogOrg> = documents(&examples(), "DatadogOrg");
    let connections: Vec<crossorg::api::OrgConnection> = documents(&examples(), "OrgConnection");
    for org in &orgs {
        assert!(exists(&org.spec.organization_id.as_ref().unwrap().0), "{org:?}");
    }
    let by_id = connections.iter().filter_map(|connection| connection.spec.sink_org.id.as_ref()).inspect(|id| assert!(exists(&id.0)));
    let by_ref = connections.iter().filter_map(|connection| connection.spec.sink_org.r#ref.as_ref());
    assert!(by_id.count() > 0 && by_ref.count() > 0, "both ways to name a sink are shown");
}
