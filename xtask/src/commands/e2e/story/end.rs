//! The operator goes; then everything does.

use std::error::Error;

use datadog_double::{CENTRAL, Connection, PAYMENTS, SECURITY};
use tokio::time::Instant;

use super::super::Outcome;
use super::super::packages::VERSION;
use super::super::stage::{HOME, NAMESPACE, Stage};
use super::{helm, since};
use crate::commands::truth::same;

/// The README's words, in its order. The namespaces and the double are the test's own.
const REMOVAL: [&str; 5] = [
    "kubectl delete orgconnections --all --all-namespaces",
    "kubectl delete datadogorgs --all --all-namespaces",
    "helm uninstall crossorg --namespace crossorg-system",
    "kubectl delete crd datadogorgs.crossorg.dev orgconnections.crossorg.dev",
    "kubectl delete namespace crossorg-system",
];

/// Kinds that an installation makes or that it could leave behind.
const KINDS: &str = "all,configmaps,secrets,serviceaccounts,leases,roles,rolebindings,clusterroles,clusterrolebindings,\
    poddisruptionbudgets,networkpolicies,crds,namespaces";

pub(super) async fn uninstalled(stage: &Stage) -> Outcome {
    let kept = stage.keep().await?;
    stage.run(&format!("helm uninstall crossorg --namespace {HOME}")).await?;
    stage.has_pods(0).await?;
    stage.run(&format!("kubectl get datadog --namespace {NAMESPACE}")).await?;
    stage.is_untouched(&kept).await?;
    Ok("CRDs, objects and connections stay; no write at Datadog".to_owned())
}

pub(super) async fn installed_again(stage: &Stage) -> Outcome {
    let kept = stage.keep().await?;
    let began = Instant::now();
    stage.run(&helm("install", VERSION, "")).await?;
    stage.is_kept(&kept).await?;
    Ok(format!("it found everything as it was {} after helm install: no write at Datadog", since(began)))
}

pub(super) async fn removed(stage: &Stage) -> Outcome {
    for line in REMOVAL {
        stage.run(line).await?;
    }
    let pairs: Vec<_> = stage.datadog.connections().await?.iter().map(|one: &Connection| (one.source, one.sink)).collect();
    same("connections at Datadog: Alice's, and that of deletionPolicy Orphan", &2, &pairs.len())?;
    same("both of them", &(true, true), &(pairs.contains(&(SECURITY, PAYMENTS)), pairs.contains(&(CENTRAL, SECURITY))))?;
    stage.datadog.has_no_complaint().await?;
    stage.run(&format!("kubectl delete namespace {NAMESPACE} datadog-double")).await?;
    nothing_is_left(stage).await?;
    Ok("nothing is left in the cluster; at Datadog, Alice's connection and the one that deletionPolicy: Orphan keeps".to_owned())
}

async fn nothing_is_left(stage: &Stage) -> Result<(), Box<dyn Error>> {
    let everything = stage.cluster.ask(&format!("kubectl get {KINDS} --all-namespaces -o name")).await?;
    let left: Vec<&str> = everything.lines().filter(|name| name.contains("crossorg") || name.contains("datadog")).collect();
    Ok(same("what is left in the cluster", &Vec::new(), &left)?)
}
