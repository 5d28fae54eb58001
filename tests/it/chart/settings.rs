//! Settings that the chart does not know, or that are of another type: refused before anything is done, by name.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::{Value, json};
use xtask::helm::Version;

use crate::harness::chart::{folder, render, render_chart};

/// Every setting, as the keys that lead to it, and its default.
fn defaults() -> Vec<(Vec<String>, Value)> {
    let text = fs::read_to_string(folder().join("values.yaml")).unwrap();
    let mut found = Vec::new();
    collect(&[], &serde_yaml::from_str(&text).unwrap(), &mut found);
    found
}

/// What is empty or no object is a setting; what stands in an object that Kubernetes reads belongs to it.
fn collect(path: &[String], value: &Value, found: &mut Vec<(Vec<String>, Value)>) {
    let passed_on = ["resources", "podSecurityContext", "securityContext"];
    match value.as_object().filter(|members| !members.is_empty() && !passed_on.iter().any(|name| path == [*name])) {
        Some(members) => members.iter().for_each(|(key, value)| collect(&[path, std::slice::from_ref(key)].concat(), value, found)),
        None => found.push((path.to_owned(), value.clone())),
    }
}

fn values(path: &[String], value: Value) -> Value {
    path.iter().rev().fold(value, |value, key| json!({key: value}))
}

/// A value of a type that the setting has not.
fn ill_typed(default: &Value) -> Value {
    if default.is_number() { json!("1") } else { json!(1.5) }
}

fn refusal(version: Version, values: &Value) -> String {
    render(version, "any", values).err().unwrap_or_else(|| panic!("nobody has anything against {values}"))
}

#[test]
fn a_misspelt_setting_is_refused_by_its_name() {
    for (path, default) in defaults() {
        let (last, above) = path.split_last().unwrap();
        let misspelt = format!("{last}x");
        let refusal = refusal(Version::V4, &values(&[above, std::slice::from_ref(&misspelt)].concat(), default));
        assert!(refusal.contains(&format!("'{misspelt}' not allowed")), "{path:?}: {refusal}");
    }
}

#[test]
fn an_ill_typed_setting_is_refused_by_its_name() {
    for (path, default) in defaults() {
        let refusal = refusal(Version::V4, &values(&path, ill_typed(&default)));
        assert!(refusal.contains(&format!("at '/{}'", path.join("/"))), "{path:?}: {refusal}");
    }
}

#[test]
fn helm_3_refuses_in_the_same_words() {
    for wrong in [json!({"replica": 2}), json!({"crds": {"kept": true}}), json!({"replicas": "2"}), json!({"watchNamespaces": "a"})] {
        assert_eq!(refusal(Version::V3, &wrong), refusal(Version::V4, &wrong));
    }
}

#[test]
fn what_cannot_be_is_refused() {
    for (wrong, at) in [
        (json!({"watchNamespaces": ["a", "a"]}), "/watchNamespaces"),
        (json!({"watchNamespaces": ["*"]}), "/watchNamespaces/0"),
        (json!({"secretNames": ["a/b"]}), "/secretNames/0"),
        (json!({"image": {"digest": "sha256:abc"}}), "/image/digest"),
        (json!({"image": {"pullPolicy": "Sometimes"}}), "/image/pullPolicy"),
        (json!({"logFormat": "xml"}), "/logFormat"),
        (json!({"terminationGracePeriodSeconds": 9}), "/terminationGracePeriodSeconds"),
        (json!({"networkPolicy": {"apiServerPorts": [0]}}), "/networkPolicy/apiServerPorts/0"),
        (json!({"extraArgs": ["listen"]}), "/extraArgs/0"),
    ] {
        let refusal = refusal(Version::V4, &wrong);
        assert!(refusal.contains(&format!("at '{at}'")), "{refusal}");
    }
}

#[test]
fn what_would_not_run_is_refused_with_what_to_do() {
    for (wrong, words) in [
        (json!({"extraArgs": ["--listen=0.0.0.0:9090"]}), "the port is 8080"),
        (json!({"extraArgs": ["--log=debug"]}), "from its settings"),
        (json!({"extraArgs": ["--leader-elect"]}), "from its settings"),
        (json!({"serviceAccount": {"create": false}}), "name an account, or set rbac.create to false"),
    ] {
        let refusal = refusal(Version::V4, &wrong);
        assert!(refusal.contains(words), "{refusal}");
    }
}

#[test]
fn a_parent_chart_can_switch_it_on_and_off() {
    let parent = Path::new(env!("CARGO_TARGET_TMPDIR")).join("parent-chart");
    fs::remove_dir_all(&parent).ok();
    fs::create_dir_all(parent.join("charts")).unwrap();
    symlink(folder(), parent.join("charts/crossorg")).unwrap();
    let dependency = json!({"name": "crossorg", "version": "*", "condition": "crossorg.enabled"});
    let about = json!({"apiVersion": "v2", "name": "parent", "version": "1.0.0", "dependencies": [dependency]});
    fs::write(parent.join("Chart.yaml"), about.to_string()).unwrap();
    for version in Version::ALL {
        for enabled in [true, false] {
            let values = json!({"crossorg": {"enabled": enabled}});
            let objects = render_chart(version, &parent, "any", &values).unwrap();
            assert_eq!(objects.iter().any(|object| object["kind"] == "Deployment"), enabled, "{version:?}");
        }
    }
}
