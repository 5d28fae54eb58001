//! The chart as Helm renders it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use xtask::helm::{Helm, Version};

use super::World;

/// What every rendering here calls the release.
pub(crate) const RELEASE: &str = "crossorg";

/// The chart's folder.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("charts/crossorg")
}

/// Runs Helm with these values on its standard input.
pub(crate) fn run(mut helm: Command, arguments: &[&str], values: &Value) -> Output {
    helm.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = helm.spawn().unwrap();
    child.stdin.take().unwrap().write_all(values.to_string().as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// The objects of the chart with these values, or what Helm has against them.
pub(crate) fn render(version: Version, namespace: &str, values: &Value) -> Result<Vec<Value>, String> {
    render_chart(version, &folder(), namespace, values)
}

/// The same of another chart.
pub(crate) fn render_chart(version: Version, chart: &Path, namespace: &str, values: &Value) -> Result<Vec<Value>, String> {
    let helm = Helm::ensure(version).unwrap().command();
    let arguments = ["template", RELEASE, chart.to_str().unwrap(), "--namespace", namespace, "--kube-version", "1.37.1", "--values", "-"];
    let output = run(helm, &arguments, values);
    let text = String::from_utf8(output.stdout).unwrap();
    if !output.status.success() {
        return Err(String::from_utf8(output.stderr).unwrap());
    }
    let documents: Vec<Value> = serde_yaml::from_multiple(&text).unwrap();
    Ok(documents.into_iter().filter(|document| !document.is_null()).collect())
}

/// The only object of a kind.
pub(crate) fn only<'a>(objects: &'a [Value], kind: &str) -> &'a Value {
    let found: Vec<_> = objects.iter().filter(|object| object["kind"] == kind).collect();
    assert_eq!(found.len(), 1, "{kind}");
    found[0]
}

/// Whether a role is for people: the cluster's own roles take it in.
pub(crate) fn is_of_people(role: &Value) -> bool {
    let labels = role["metadata"]["labels"].as_object();
    labels.is_some_and(|labels| labels.keys().any(|label| label.starts_with("rbac.authorization.k8s.io/aggregate-to-")))
}

/// Whether an object is none of the release: Helm makes it for `helm test` and then alone.
pub(crate) fn is_hook(object: &Value) -> bool {
    object["metadata"]["annotations"]["helm.sh/hook"].is_string()
}

impl World {
    /// Applies objects of whatever namespaces as the administrator, strictly, and returns what is said against them.
    pub(crate) async fn apply_all(&self, objects: &[Value], dry_run: bool) -> Result<(), String> {
        let run = if dry_run { "--dry-run=server" } else { "--dry-run=none" };
        let kubectl = self.plane.kubectl();
        let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": objects});
        let arguments = ["apply", "--server-side", "--force-conflicts", "--validate=strict", run, "--filename", "-"];
        let output = tokio::task::spawn_blocking(move || self::run(kubectl, &arguments, &list)).await.unwrap();
        if output.status.success() { Ok(()) } else { Err(String::from_utf8(output.stderr).unwrap()) }
    }
}
