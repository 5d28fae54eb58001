//! From one version to the other and back: nothing is lost, and nothing is written at Datadog.

use std::error::Error;

use super::super::Outcome;
use super::super::packages::{BEFORE, NEWEST_FIELD, VERSION};
use super::super::stage::{HOME, Stage};
use super::helm;
use super::life::leads;
use crate::commands::truth::same;

/// How the CRDs are applied without Helm.
const APPLY_CRDS: &str = "kubectl apply --server-side --force-conflicts -f crds/";
/// Helm owns the CRDs too, and kubectl has just taken them over.
const FORCE: &str = "--force-conflicts";

pub(super) async fn crds_first(stage: &Stage) -> Outcome {
    let kept = stage.keep().await?;
    crd_has_the_newest_field(stage, false).await?;
    stage.run(APPLY_CRDS).await?;
    crd_has_the_newest_field(stage, true).await?;
    stage.is_kept(&kept).await?;
    stage.said("The operator before works on with the CRDs of today.")?;
    stage.run(&helm("upgrade", VERSION, FORCE)).await?;
    leads(stage, VERSION).await?;
    stage.is_kept(&kept).await?;
    Ok(format!("{BEFORE} to {VERSION}: no object lost, no write at Datadog"))
}

pub(super) async fn rolled_back(stage: &Stage) -> Outcome {
    let kept = stage.keep().await?;
    stage.run(&format!("helm rollback crossorg 1 --namespace {HOME} {FORCE} --wait --timeout 3m")).await?;
    leads(stage, BEFORE).await?;
    crd_has_the_newest_field(stage, false).await?;
    stage.is_kept(&kept).await?;
    Ok(format!("back to {BEFORE}, CRDs too: no object lost, no write at Datadog"))
}

pub(super) async fn operator_first(stage: &Stage) -> Outcome {
    let kept = stage.keep().await?;
    stage.run(&helm("upgrade", VERSION, "--set crds.enabled=false")).await?;
    leads(stage, VERSION).await?;
    crd_has_the_newest_field(stage, false).await?;
    stage.is_kept(&kept).await?;
    stage.said("The operator of today works on the CRDs before, which are no part of the release any more and stayed.")?;
    stage.run(APPLY_CRDS).await?;
    crd_has_the_newest_field(stage, true).await?;
    stage.is_kept(&kept).await?;
    stage.run(&helm("upgrade", VERSION, FORCE)).await?;
    stage.is_kept(&kept).await?;
    Ok(format!("{BEFORE} to {VERSION}, CRDs out of the release and in again: no object lost, no write at Datadog"))
}

async fn crd_has_the_newest_field(stage: &Stage, expected: bool) -> Result<(), Box<dyn Error>> {
    let crd = stage.cluster.ask("kubectl get crd datadogorgs.crossorg.dev -o json").await?;
    Ok(same(&format!("whether the installed CRD has {NEWEST_FIELD}"), &expected, &crd.contains(&format!("\"{NEWEST_FIELD}\"")))?)
}
