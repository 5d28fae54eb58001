//! What is shown, part by part, and how each sentence is checked before it is said.

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

use datadog_double::{CENTRAL, Connection, Double, PAYMENTS, SECURITY};
use tokio::time::Instant;

use super::stage::{NAMESPACE, Stage};
use super::truth::{self, datadog_has};
use crate::commands::screen::Screen;
use crate::commands::truth::{Broken, agreed, counted, eventually, same, sorted_types};

type Outcome = Result<(), Box<dyn Error>>;

/// The object whose connection others change, and we change and delete.
const CHANGED: &str = "payments-to-central";
/// The object whose connection others delete.
const DELETED: &str = "central-to-security";
/// The examples' `pollInterval` is 10 s; the rest is for a machine that compiles beside it.
const POLLED_WITHIN: Duration = Duration::from_secs(30);
/// What needs no poll takes milliseconds, or a second if it needs a list; see above.
const AT_ONCE: Duration = Duration::from_secs(15);

/// Shows and checks everything.
pub(super) async fn tell(screen: &Screen, stage: &Stage) -> Outcome {
    manifests_become_connections(screen, stage).await?;
    a_request_brings_a_fresh_look(screen, stage).await?;
    drift_is_repaired(screen, stage).await?;
    a_change_in_kubernetes_reaches_datadog(screen, stage).await?;
    a_deleted_object_takes_its_connection_along(screen, stage).await
}

async fn manifests_become_connections(screen: &Screen, stage: &Stage) -> Outcome {
    screen.title("1. Manifests become connections")?;
    stage.run(screen, "kubectl apply -f deploy/examples/").await?;
    let began = Instant::now();
    stage.run(screen, &format!("kubectl wait -n {NAMESPACE} --for=condition=Ready orgconnection --all --timeout=30s")).await?;
    let waited = seconds(began);
    stage.run(screen, &format!("kubectl get -n {NAMESPACE} datadog")).await?;
    let objects = stage.connections().await?;
    for object in &objects {
        agreed(object, &stage.datadog().state().connections).map_err(|seen| Broken::new("each object says what Datadog has", seen))?;
    }
    let posts = counted([("POST", objects.len())]);
    same("writes at Datadog", &posts, &truth::writes(stage.datadog()))?;
    screen
        .proved(format!("all Ready {waited} after apply; one POST for each OrgConnection, and its status has the id that Datadog gave"))?;
    at_datadog(screen, stage)
}

async fn a_request_brings_a_fresh_look(screen: &Screen, stage: &Stage) -> Outcome {
    screen.title("2. A fresh look at Datadog, on request instead of within pollInterval (10 s here, 60 s by default)")?;
    let began = Instant::now();
    stage.run(screen, &format!("kubectl annotate -n {NAMESPACE} ddorg --all crossorg.dev/reconcile-requested-at=\"$(date)\"")).await?;
    let looked = async || truth::looked_afresh(&stage.organizations().await.map_err(|error| error.to_string())?);
    eventually("every DatadogOrg has carried out the request", AT_ONCE, looked).await?;
    let waited = seconds(began);
    let payments = stage.organizations().await?.into_iter().find(|org| org.metadata.name.as_deref() == Some("payments"));
    let counts = payments.and_then(|org| org.status?.connections).map(|counts| (counts.managed, counts.unmanaged));
    same("managed and unmanaged connections of Payments", &Some((1, 1)), &counts)?;
    screen.proved(format!("after {waited} the status of Payments counts two connections: one managed, one unmanaged (Alice's)"))?;
    Ok(())
}

async fn drift_is_repaired(screen: &Screen, stage: &Stage) -> Outcome {
    screen.title("3. Behind the operator's back, in the Datadog UI")?;
    let (datadog, before) = (stage.datadog(), truth::writes(stage.datadog()));
    let (changed, deleted) = (agreed_now(stage, CHANGED).await?, agreed_now(stage, DELETED).await?);
    let last_request = datadog.journal().last().map_or(0, |entry| entry.seq);
    datadog.change_types(changed.id, &["audit"])?;
    datadog.delete(deleted.id)?;
    let began = Instant::now();
    screen.said("Somebody makes Payments → Central share audit alone, and deletes Central → Security.")?;
    let as_before = |all: &[Connection]| has_types(all, &changed, &changed.connection_types);
    let is_there = |all: &[Connection]| of_pair(all, &deleted).is_some();
    let put_right = async {
        datadog_has(datadog, "Payments → Central shares logs and metrics", POLLED_WITHIN, as_before).await.map(|()| seconds(began))
    };
    let made_again = async { datadog_has(datadog, "Central → Security exists", POLLED_WITHIN, is_there).await.map(|()| seconds(began)) };
    let (put_right, made_again) = tokio::try_join!(put_right, made_again)?;
    agreed_soon(stage, CHANGED, |connection| connection.id == changed.id).await?;
    agreed_soon(stage, DELETED, |connection| connection.id != deleted.id).await?;
    same("writes of the repair", &counted([("PATCH", 1), ("POST", 1)]), &since(datadog, &before))?;
    let polls = [&changed, &deleted].map(|connection| truth::lists_before_write(datadog, last_request, connection));
    // What is missing from one list is believed gone only when a second one says the same.
    same("lists of each organization until the repair", &[1, 2], &polls)?;
    eventually("two events, one for each repair", AT_ONCE, async || {
        let count = stage.events("DriftRepaired").await.map_err(|error| error.to_string())?.len();
        if count == 2 { Ok(()) } else { Err(format!("{count} events")) }
    })
    .await?;
    screen.proved(format!("seen by the next poll: the first put right after {put_right}, the other made again after {made_again}"))?;
    let columns = "OBJECT:.involvedObject.name,MESSAGE:.message";
    stage.run(screen, &format!("kubectl get -n {NAMESPACE} events --field-selector reason=DriftRepaired -o custom-columns={columns}")).await
}

async fn a_change_in_kubernetes_reaches_datadog(screen: &Screen, stage: &Stage) -> Outcome {
    screen.title("4. A change through kubectl")?;
    let (datadog, before) = (stage.datadog(), truth::writes(stage.datadog()));
    let connection = agreed_now(stage, CHANGED).await?;
    let patch = r#"'{"spec":{"connectionTypes":["metrics"]}}'"#;
    let line = format!("kubectl patch -n {NAMESPACE} orgconnection {CHANGED} --type merge -p {patch}");
    let began = Instant::now();
    let arrived = async {
        let metrics = |all: &[Connection]| has_types(all, &connection, &["metrics".to_owned()]);
        datadog_has(datadog, "Payments → Central shares metrics alone", AT_ONCE, metrics).await?;
        Ok(millis(began))
    };
    let ((), arrived) = tokio::try_join!(stage.run(screen, &line), arrived)?;
    agreed_soon(stage, CHANGED, |now| now.id == connection.id).await?;
    same("writes of the change", &counted([("PATCH", 1)]), &since(datadog, &before))?;
    screen.proved(format!("one PATCH: Datadog shares metrics alone {arrived} after Enter, and the status says so"))?;
    Ok(())
}

async fn a_deleted_object_takes_its_connection_along(screen: &Screen, stage: &Stage) -> Outcome {
    screen.title("5. The end of a connection")?;
    let (datadog, before) = (stage.datadog(), truth::writes(stage.datadog()));
    let connection = agreed_now(stage, CHANGED).await?;
    let line = format!("kubectl delete -n {NAMESPACE} orgconnection {CHANGED} --wait=false");
    let began = Instant::now();
    let gone = async {
        datadog_has(datadog, "no Payments → Central", AT_ONCE, |all| of_pair(all, &connection).is_none()).await?;
        Ok(millis(began))
    };
    let ((), gone) = tokio::try_join!(stage.run(screen, &line), gone)?;
    same("writes of the deletion", &counted([("DELETE", 1)]), &since(datadog, &before))?;
    screen.proved(format!("one DELETE: the connection is gone {gone} after Enter"))?;
    screen.said("The object stays until its claim is a minute old: only then can no request, however late, bring a connection back.")?;
    let untouched = datadog.connection(stage.undeclared.source, stage.undeclared.sink);
    let expected = Connection { protected: true, ..stage.undeclared.clone() };
    same("the connection that nobody declared", &Some(expected), &untouched)?;
    same("broken rules of the API", &Vec::new(), &datadog.violations())?;
    screen.proved("Alice's connection is as it was: no write ever named it")?;
    Ok(())
}

/// The object's connection; it and Datadog should say the same already.
async fn agreed_now(stage: &Stage, name: &str) -> Result<Connection, Broken> {
    agreed_soon(stage, name, |_| true).await
}

async fn agreed_soon(stage: &Stage, name: &str, fits: impl Fn(&Connection) -> bool) -> Result<Connection, Broken> {
    eventually(&format!("{name} is Ready and says what Datadog has"), AT_ONCE, async || {
        let object = stage.connection(name).await.map_err(|error| error.to_string())?;
        let connection = agreed(&object, &stage.datadog().state().connections)?;
        if fits(&connection) { Ok(connection) } else { Err(format!("Datadog has {connection:?}")) }
    })
    .await
}

fn of_pair<'a>(all: &'a [Connection], pair: &Connection) -> Option<&'a Connection> {
    all.iter().find(|connection| (connection.source, connection.sink) == (pair.source, pair.sink))
}

fn has_types(all: &[Connection], of: &Connection, types: &[String]) -> bool {
    all.iter().any(|connection| connection.id == of.id && sorted_types(&connection.connection_types) == sorted_types(types))
}

/// The writes since then.
fn since(datadog: &Double, before: &BTreeMap<String, usize>) -> BTreeMap<String, usize> {
    let known = |method: &String| before.get(method).copied().unwrap_or_default();
    let more = truth::writes(datadog).into_iter().map(|(method, count)| (count - known(&method), method));
    more.filter(|(count, _)| *count > 0).map(|(count, method)| (method, count)).collect()
}

fn seconds(began: Instant) -> String {
    format!("{:.1} s", began.elapsed().as_secs_f64())
}

fn millis(began: Instant) -> String {
    format!("{} ms", began.elapsed().as_millis())
}

/// Shows all connections as Datadog has them.
fn at_datadog(screen: &Screen, stage: &Stage) -> Outcome {
    screen.said("Datadog has now:")?;
    let state = stage.datadog().state();
    for connection in &state.connections {
        let name = |id| match id {
            PAYMENTS => "Payments",
            CENTRAL => "Central",
            SECURITY => "Security",
            _ => "another organization",
        };
        let creator = state.users.iter().find(|known| known.user.id == connection.created_by).map_or("", |known| known.user.name.as_str());
        let (pair, types) =
            (format!("{} → {}", name(connection.source), name(connection.sink)), sorted_types(&connection.connection_types));
        screen.output(&format!("{pair:<20} {types:<14} {}  created by {creator}", connection.id))?;
    }
    Ok(())
}
