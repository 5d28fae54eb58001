//! What is installed: images and charts of two versions. Talks to the file system.
//!
//! There is one version of the sources. The one "before" is the same program under another name, in a chart whose CRD lacks the newest
//! field: what the upgrade shows is how Helm, CRDs, pods and lease behave, not that two programs understand each other.

use std::error::Error;
use std::fs;
use std::path::Path;

use super::Outcome;
use super::stage::Stage;
use crate::commands::repository;

/// The version of the sources.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");
/// What the version before is called here.
pub(super) const BEFORE: &str = "0.0.1";
/// The field that the CRD before does not know. The operator fills it only when it holds a deletion, which it never does here: it is not
/// ready once the API server has dropped a part of a status.
pub(super) const NEWEST_FIELD: &str = "heldDeletions";
/// Where the CRD with that field is in the chart.
const CRD: &str = "templates/crds/crossorg.dev_datadogorgs.yaml";
/// Where the packages are put.
const DIRECTORY: &str = "target/e2e";

/// The packaged chart of a version, relative to the root.
pub(super) fn chart(version: &str) -> String {
    format!("{DIRECTORY}/crossorg-{version}.tgz")
}

/// Builds the images and brings them into the cluster; packages the charts.
pub(super) async fn build(stage: &Stage, load_image: &str) -> Outcome {
    for (package, tag) in [("crossorg", VERSION), ("crossorg", BEFORE), ("datadog-double", "e2e")] {
        let image = format!("localhost/{package}:{tag}");
        stage.cluster.build(&stage.screen, &format!("IMAGE={image} deploy/image.sh {package}")).await?;
        stage.cluster.build(&stage.screen, &format!("{load_image} {image} target/image/{package}-{tag}.tar")).await?;
    }
    let before = format!("{DIRECTORY}/before");
    lay_out_before(&repository::root().join(&before))?;
    for chart in ["charts/crossorg", &before] {
        stage.run(&format!("helm package {chart} --destination {DIRECTORY}")).await?;
    }
    Ok(format!("images and charts of {BEFORE} and {VERSION}, and the double"))
}

/// Copies the chart and makes it that of the version before.
fn lay_out_before(to: &Path) -> Result<(), Box<dyn Error>> {
    if to.exists() {
        fs::remove_dir_all(to)?;
    }
    copy(&repository::root().join("charts/crossorg"), to)?;
    let about = fs::read_to_string(to.join("Chart.yaml"))?;
    fs::write(to.join("Chart.yaml"), about.replace(VERSION, BEFORE))?;
    let crd = fs::read_to_string(to.join(CRD))?;
    Ok(fs::write(to.join(CRD), without(&crd, NEWEST_FIELD))?)
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() { copy(&entry.path(), &target)? } else { fs::copy(entry.path(), target).map(drop)? }
    }
    Ok(())
}

/// The manifest without this field, that is, without its line and the deeper ones after it.
fn without(manifest: &str, field: &str) -> String {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut within = None;
    let kept = manifest.lines().filter(|line| {
        if within.is_some_and(|outer| indent(line) <= outer) {
            within = None;
        }
        if line.trim() == format!("{field}:") {
            within = Some(indent(line));
        }
        within.is_none()
    });
    kept.map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests;
