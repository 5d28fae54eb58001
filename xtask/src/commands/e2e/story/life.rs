//! From an empty cluster to an operator at work.

use std::error::Error;

use datadog_double::{CENTRAL, PAYMENTS, SECURITY};
use serde_json::Value;
use tokio::time::Instant;

use super::super::Outcome;
use super::super::packages::BEFORE;
use super::super::stage::{HOME, NAMESPACE, SOON, Stage};
use super::{helm, since};
use crate::commands::truth::{Broken, counted, eventually, is_still, same};

/// How to make room, for whoever is told that there is none.
const MAKE_ROOM: &str = "this cluster has crossorg in it: remove it as the README says, or, if all of it is left from a test, \
    `kubectl delete namespace crossorg-system datadog-double observability` and the CRDs";

/// What is refused in a namespace that enforces the restricted profile.
const INTRUDER: &str = "kubectl run intruder --namespace crossorg-system --image intruder --dry-run=server";

/// Nothing of somebody else's is touched.
pub(super) async fn nothing_is_there(stage: &Stage) -> Outcome {
    let nodes = stage.run("kubectl get nodes").await?;
    let namespaces = ["crossorg-system", "datadog-double", NAMESPACE].join(" ");
    let found = stage.cluster.ask(&format!("kubectl get --ignore-not-found -o name namespace {namespaces}")).await?;
    let crds = stage.cluster.ask("kubectl get crd -o name").await?;
    if !found.is_empty() || crds.contains("crossorg.dev") {
        return Err(MAKE_ROOM.into());
    }
    Ok(format!("{} node(s), none of our namespaces, none of our CRDs", nodes.lines().count().saturating_sub(1)))
}

pub(super) async fn datadog_comes(stage: &Stage) -> Outcome {
    stage.run("kubectl apply -f xtask/src/commands/e2e/manifests/datadog.yaml").await?;
    stage.run("kubectl rollout status deployment/double --namespace datadog-double --timeout=120s").await?;
    eventually("the double answers through the API server", SOON, async || stage.datadog.connections().await.map(drop)).await?;
    stage.datadog.create_as("Alice", SECURITY, PAYMENTS, &["logs"]).await?;
    for connection in stage.datadog.connections().await? {
        stage.datadog.protect(&connection).await?;
    }
    let refusal = stage.cluster.ask(INTRUDER).await.err().map(|error| error.to_string()).unwrap_or_default();
    if !refusal.contains("violates PodSecurity \"restricted") {
        return Err(Broken::new(format!("`{INTRUDER}` is refused: the profile is enforced"), refusal).into());
    }
    Ok("it runs under the restricted profile, which refuses another pod; Alice has a connection that is none of ours".to_owned())
}

pub(super) async fn installed(stage: &Stage) -> Outcome {
    let began = Instant::now();
    stage.run(&helm("install", BEFORE, "")).await?;
    let installed = since(began);
    stage.run("kubectl apply -f deploy/examples/").await?;
    let applied = Instant::now();
    let objects = stage.all_agree().await?;
    let (ready, all) = (since(applied), since(began));
    same("writes at Datadog", &counted([("POST", objects)]), &stage.datadog.writes_since(0).await?)?;
    stage.run(&format!("kubectl get datadog --namespace {NAMESPACE}")).await?;
    stage.run(&format!("kubectl get pods --namespace {HOME}")).await?;
    Ok(format!("pod ready {installed} after helm install; {objects} connections Ready {ready} after apply, {all} after helm install"))
}

/// What the kubelet has measured.
pub(super) async fn memory(stage: &Stage) -> Outcome {
    let pod = stage.leader().await?.pod;
    let node = stage.cluster.ask(&format!("kubectl get pod {pod} --namespace {HOME} -o jsonpath={{.spec.nodeName}}")).await?;
    let (working, resident) = eventually("the kubelet has measured the pod's memory", SOON, async || {
        let summary = stage.cluster.ask(&format!("kubectl get --raw /api/v1/nodes/{node}/proxy/stats/summary")).await;
        memory_of(&summary.map_err(|error| error.to_string())?, &pod).ok_or_else(|| format!("nothing is said of {pod}"))
    })
    .await?;
    let mebibytes = |bytes: u64| format!("{:.1} MiB", f64::from(u32::try_from(bytes / 1024).unwrap_or(u32::MAX)) / 1024.0);
    Ok(format!("memory of the pod: working set {}, resident {}", mebibytes(working), mebibytes(resident)))
}

/// Working set and resident set in bytes, once there are any.
fn memory_of(summary: &str, pod: &str) -> Option<(u64, u64)> {
    let summary: Value = serde_json::from_str(summary).ok()?;
    let found = summary["pods"].as_array()?.iter().find(|entry| entry["podRef"]["name"] == pod)?;
    let memory = &found["containers"][0]["memory"];
    Some((memory["workingSetBytes"].as_u64().filter(|bytes| *bytes > 0)?, memory["rssBytes"].as_u64()?))
}

pub(super) async fn drift_is_repaired(stage: &Stage) -> Outcome {
    let changed = stage.connection_of("payments-to-central").await?;
    let deleted = stage.connection_of("central-to-security").await?;
    let since_then = stage.datadog.last().await?;
    let began = Instant::now();
    stage.datadog.change_types(&changed, &["audit"]).await?;
    stage.datadog.delete(&deleted).await?;
    stage.said("Somebody makes Payments → Central share audit alone, and deletes Central → Security.")?;
    let repaired = eventually("both are as declared again", SOON, async || {
        let now = stage.datadog.connections().await.map_err(|error| error.to_string())?;
        let right = now.iter().any(|one| is_still(one, &changed));
        let again = now.iter().any(|one| (one.source, one.sink) == (CENTRAL, SECURITY) && one.id != deleted.id);
        if right && again { Ok(since(began)) } else { Err(format!("{now:?}")) }
    })
    .await?;
    stage.all_agree().await?;
    same("writes of the repair", &counted([("PATCH", 1), ("POST", 1)]), &stage.datadog.writes_since(since_then).await?)?;
    Ok(format!("one PATCH and one POST put both right within {repaired}; they are polled every 10 s"))
}

pub(super) async fn tested(stage: &Stage) -> Outcome {
    // Helm 4.2.1 waits for as long as it may until a pod goes that has gone already (helm/helm#32214).
    let said = stage.run(&format!("helm test crossorg --namespace {HOME} --timeout 30s")).await?;
    if !said.contains("Succeeded") {
        return Err(Broken::new("`helm test` succeeds", said).into());
    }
    Ok("a pod with the operator's own image asked /readyz through the Service".to_owned())
}

/// Waits until a pod of this version leads.
pub(super) async fn leads(stage: &Stage, version: &str) -> Result<(), Box<dyn Error>> {
    let image = format!("localhost/crossorg:{version}");
    eventually(&format!("a pod with {image} leads"), SOON, async || {
        let leader = stage.leader().await?.pod;
        let pods = stage.pods().await.map_err(|error| error.to_string())?;
        let pod = pods.into_iter().find(|pod| pod.metadata.name.as_ref() == Some(&leader)).and_then(|pod| pod.spec);
        let found = pod.and_then(|spec| spec.containers.into_iter().next()?.image).unwrap_or_default();
        if found == image { Ok(()) } else { Err(format!("{leader} leads, with {found:?}")) }
    })
    .await?;
    Ok(())
}
