//! The steps in their order.

mod end;
mod leaders;
mod life;
mod versions;

use std::error::Error;
use std::time::Duration;

use tokio::time::Instant;

use super::Options;
use super::packages::{self, chart};
use super::stage::{HOME, Stage};
use super::steps::Steps;

/// The settings of every installation.
const VALUES: &str = "xtask/src/commands/e2e/manifests/values.yaml";

/// Takes all steps.
pub(super) async fn tell(stage: &Stage, steps: &mut Steps<'_>, options: &Options) -> Result<(), Box<dyn Error>> {
    steps.take("A cluster without crossorg", life::nothing_is_there(stage)).await?;
    steps.take("Images and charts", packages::build(stage, &options.load_image)).await?;
    steps.take("The double of Datadog as a pod", life::datadog_comes(stage)).await?;
    steps.take("helm install, and the examples", life::installed(stage)).await?;
    steps.take("What it takes", life::memory(stage)).await?;
    steps.take("Drift and its repair", life::drift_is_repaired(stage)).await?;
    steps.take("helm test", life::tested(stage)).await?;
    steps.take("Upgrade: CRDs first", versions::crds_first(stage)).await?;
    steps.take("The only pod is deleted by force", leaders::the_only_pod_is_killed(stage)).await?;
    steps.take("helm rollback", versions::rolled_back(stage)).await?;
    steps.take("Upgrade: operator first", versions::operator_first(stage)).await?;
    steps.take("Two replicas; the leader is deleted", leaders::deleted(stage)).await?;
    let kill = options.kill_container.as_deref();
    steps.take("Two replicas; the leader is killed", leaders::killed(stage, kill)).await?;
    steps.take("helm uninstall", end::uninstalled(stage)).await?;
    steps.take("helm install again", end::installed_again(stage)).await?;
    steps.take("Removal in the documented order", end::removed(stage)).await
}

/// `helm install` or `helm upgrade` to the chart of a version.
fn helm(verb: &str, version: &str, more: &str) -> String {
    let line = format!("helm {verb} crossorg {} --namespace {HOME} --values {VALUES} {more} --wait --timeout 3m", chart(version));
    line.replace("  ", " ")
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

fn since(began: Instant) -> String {
    seconds(began.elapsed())
}
