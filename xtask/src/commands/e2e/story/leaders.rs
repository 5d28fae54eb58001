//! Pods go, and others take their work over.

use std::error::Error;

use datadog_double::Connection;
use tokio::time::Instant;

use super::super::Outcome;
use super::super::packages::VERSION;
use super::super::stage::{HOME, Leader, NAMESPACE, SOON, Stage};
use super::{helm, since};
use crate::commands::truth::{counted, eventually, is_still, same};

/// Gone from the API at once; the kubelet asks the process to end, and does not wait long.
const FORCE: &str = "--grace-period=0 --force";

/// The only pod goes; what is changed at Datadog meanwhile is put right by the next one.
pub(super) async fn the_only_pod_is_killed(stage: &Stage) -> Outcome {
    let (leader, changed) = (stage.leader().await?, stage.connection_of("payments-to-central").await?);
    let last = stage.datadog.last().await?;
    let began = Instant::now();
    stage.run(&format!("kubectl delete pod {} --namespace {HOME} {FORCE}", leader.pod)).await?;
    stage.datadog.change_types(&changed, &["audit"]).await?;
    stage.leader_other_than(&leader).await?;
    let leads = since(began);
    put_right(stage, &changed).await?;
    let repaired = since(began);
    stage.all_agree().await?;
    same("writes", &counted([("PATCH", 1)]), &stage.datadog.writes_since(last).await?)?;
    stage.datadog.has_no_complaint().await?;
    Ok(format!("another pod led after {leads}, and had put right by {repaired} what was changed meanwhile: one PATCH"))
}

pub(super) async fn deleted(stage: &Stage) -> Outcome {
    stage.run(&helm("upgrade", VERSION, "--set replicas=2")).await?;
    stage.run(&format!("kubectl get pods,pdb --namespace {HOME}")).await?;
    let leader = stage.leader().await?;
    let line = format!("kubectl delete pod {} --namespace {HOME} --wait=false", leader.pod);
    hand_over(stage, &leader, &line, r#"["metrics"]"#, "payments-to-security").await
}

pub(super) async fn killed(stage: &Stage, kill_container: Option<&str>) -> Outcome {
    let leader = stage.leader().await?;
    let pod = &leader.pod;
    let line = match kill_container {
        None => format!("kubectl delete pod {pod} --namespace {HOME} {FORCE}"),
        Some(kill) => {
            let id = format!("kubectl get pod {pod} --namespace {HOME} -o jsonpath={{.status.containerStatuses[0].containerID}}");
            let id = stage.cluster.ask(&id).await?;
            format!("{kill} {}", id.rsplit('/').next().unwrap_or_default())
        }
    };
    hand_over(stage, &leader, &line, r#"["logs","metrics"]"#, "central-to-payments").await
}

/// The leader goes by this command; at that moment one object is changed and another one comes. Each has to cost one write, and no more.
async fn hand_over(stage: &Stage, leader: &Leader, line: &str, types: &str, newcomer: &str) -> Outcome {
    stage.has_pods(2).await?;
    let last = stage.datadog.last().await?;
    let began = Instant::now();
    stage.run(line).await?;
    let patch = format!(r#"'{{"spec":{{"connectionTypes":{types}}}}}'"#);
    stage.run(&format!("kubectl patch -n {NAMESPACE} orgconnection payments-to-central --type merge -p {patch}")).await?;
    stage.run(&format!("kubectl apply -f xtask/src/commands/e2e/manifests/{newcomer}.yaml")).await?;
    stage.leader_other_than(leader).await?;
    let leads = since(began);
    stage.all_agree().await?;
    let agreed = since(began);
    stage.looked_afresh().await?;
    same("writes", &counted([("PATCH", 1), ("POST", 1)]), &stage.datadog.writes_since(last).await?)?;
    stage.datadog.has_no_complaint().await?;
    Ok(format!("another process led after {leads}; a change and a creation made meanwhile were done by {agreed}: one PATCH, one POST"))
}

async fn put_right(stage: &Stage, before: &Connection) -> Result<(), Box<dyn Error>> {
    eventually("what was changed is put right", SOON, async || {
        let now = stage.datadog.connections().await.map_err(|error| error.to_string())?;
        if now.iter().any(|one| is_still(one, before)) { Ok(()) } else { Err(format!("{now:?}")) }
    })
    .await?;
    Ok(())
}
