//! The manifest that installs the operator without Helm: the chart, rendered. Talks to Helm.

use std::io;
use std::path::Path;

use xtask::BuildError;
use xtask::helm::{Helm, Version};

use super::HEADER;
use crate::commands::repository::TextFile;

/// Where it is.
const PATH: &str = "deploy/install.yaml";

/// The namespace, and how the manifest is used.
const BEGINNING: &str = "\
#
# The operator without Helm: the chart with its defaults.
#
#   kubectl apply --server-side -f deploy/install.yaml
#
# `image` near the end is the name that `make image` gives; put the name under which your cluster finds it there.
#
# To remove it, delete the objects first, while the operator runs: only it can take their finalizers off.
#
#   kubectl delete orgconnections --all --all-namespaces
#   kubectl delete datadogorgs --all --all-namespaces
#   kubectl delete -f deploy/install.yaml
apiVersion: v1
kind: Namespace
metadata:
  name: crossorg-system
  labels:
    app.kubernetes.io/name: crossorg
    pod-security.kubernetes.io/enforce: restricted
";

/// The rendering: without what `helm test` applies, and for a version of Kubernetes that does not depend on Helm's.
const RENDER: [&str; 7] = [
    "template",
    "crossorg",
    "charts/crossorg",
    "--namespace=crossorg-system",
    "--skip-tests",
    "--kube-version=1.31.0",
    "--set=crds.keep=false",
];

/// Lines that say something to Helm alone, or say that Helm is there.
const OF_HELM: [&str; 3] = ["# Source: ", "app.kubernetes.io/managed-by: ", "helm.sh/chart: "];

/// Why there is no manifest.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error(transparent)]
    Helm(#[from] BuildError),
    #[error("Helm does not run")]
    Run(#[from] io::Error),
    #[error("Helm does not render the chart: {0}")]
    Refused(String),
}

/// The manifest of the chart as it is on disk.
pub(super) fn manifest(root: &Path) -> Result<TextFile, Error> {
    let output = Helm::ensure(Version::V4)?.command().args(RENDER).current_dir(root).output()?;
    if !output.status.success() {
        return Err(Error::Refused(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    let rendered = String::from_utf8_lossy(&output.stdout);
    Ok(TextFile::new(PATH, format!("{HEADER}{BEGINNING}{}", without_helm(&rendered))))
}

fn without_helm(rendered: &str) -> String {
    let is_of_helm = |line: &&str| OF_HELM.iter().any(|beginning| line.trim_start().starts_with(beginning));
    rendered.lines().filter(|line| !is_of_helm(line)).map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests;
