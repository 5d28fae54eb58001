//! What the operator knows of the objects is old, or has gaps: nothing wrong is written for it, and it catches up by itself.
//!
//! The three patterns are those of the Sieve study: time travel (a process begins with an older list than its predecessor knew),
//! unobserved states (something happened and was undone before it was seen), and watches that fail in silence.

use std::time::Duration;

use bytes::Bytes;
use crossorg::api::OrgConnection;
use datadog_double::{CENTRAL, Fault, PAYMENTS, Rule, When};
use kube::ResourceExt;
use serde_json::json;

use crate::harness::{OLD_ENOUGH, Operator, World, connection_id};
use crate::proxy::Proxy;

/// For a request to arrive at Datadog.
const SOON: Duration = Duration::from_secs(20);
/// What is promised for a watch on which nothing arrives any more; and a little for the machine.
const NOTICED_WITHIN: Duration = Duration::from_secs(60 + 5);
/// Failed watches are begun again after 30 s at most, and passes after 10 s.
const CAUGHT_UP_WITHIN: Duration = Duration::from_secs(45);
/// The collection that the operator watches.
const KIND: &str = "orgconnections";

/// A world where Payments shares its logs with Central, for long enough that it can be ended at once; and the way to it.
async fn sharing(name: &str) -> (World, Proxy, Operator) {
    let world = World::new(name).await;
    let proxy = Proxy::before(&world).await;
    world.organization("payments").poll_every("10s").apply().await;
    let operator = world.start_operator_by(proxy.way(), &[]).await;
    share(&world, &["logs"]).await;
    world.ready("to-central").await;
    world.advance(OLD_ENOUGH);
    world.refresh("payments").await;
    (world, proxy, operator)
}

async fn share(world: &World, types: &[&str]) -> OrgConnection {
    world.connection("to-central").from("payments").to(CENTRAL).types(types).apply().await
}

/// The id and the types of what Payments shares with Central.
fn shared(world: &World) -> Option<(String, Vec<String>)> {
    world.datadog.connection(PAYMENTS, CENTRAL).map(|connection| (connection.id.to_string(), connection.connection_types))
}

fn shared_types(world: &World) -> Option<Vec<String>> {
    shared(world).map(|(_, types)| types)
}

/// The OrgConnections as they are listed now.
async fn photograph(world: &World) -> Bytes {
    let path = format!("/apis/crossorg.dev/v1alpha1/namespaces/{}/{KIND}", world.namespace);
    world.client.request_text(http::Request::get(path).body(Vec::new()).unwrap()).await.unwrap().into()
}

// === Time travel ===

/// Starts another operator, for which it is as it was when the photograph was taken, and waits until it has acted on that.
async fn in_the_past(world: &World, proxy: &Proxy, mut operator: Operator, photograph: Bytes) -> Operator {
    operator.kill();
    proxy.watches.show_instead(KIND, photograph);
    proxy.watches.hold(KIND);
    let before = proxy.watches.live_reads();
    let next = world.start_operator_by(proxy.way(), &[]).await;
    world.until("it begins in the past", async || proxy.watches.all_asked_for().then_some(())).await;
    world.until("it looks at what is live", async || (proxy.watches.live_reads() > before).then_some(())).await;
    next
}

#[tokio::test]
async fn an_old_list_with_an_object_that_has_gone_creates_nothing() {
    let (world, proxy, operator) = sharing("old-gone").await;
    let old = photograph(&world).await;
    world.delete::<OrgConnection>("to-central").await;
    world.gone::<OrgConnection>("to-central").await;
    let before = world.counts();

    let _next = in_the_past(&world, &proxy, operator, old).await;
    world.refresh("payments").await;
    proxy.watches.release(KIND);
    world.refresh("payments").await;
    assert_eq!((shared(&world), (world.counts() - before).remote_writes()), (None, (0, 0, 0)));
    assert!(world.datadog.violations().is_empty());
}

#[tokio::test]
async fn an_old_list_with_an_old_spec_changes_nothing_back() {
    let (world, proxy, operator) = sharing("old-spec").await;
    let old = photograph(&world).await;
    share(&world, &["metrics"]).await;
    world.ready("to-central").await;
    let before = world.counts();

    let _next = in_the_past(&world, &proxy, operator, old).await;
    world.refresh("payments").await;
    proxy.watches.release(KIND);
    world.refresh("payments").await;
    world.ready("to-central").await;
    assert_eq!(shared_types(&world), Some(vec!["metrics".to_owned()]));
    assert_eq!((world.counts() - before).remote_writes(), (0, 0, 0));
}

#[tokio::test]
async fn an_old_list_with_a_terminating_namesake_deletes_nothing() {
    let (world, proxy, operator) = sharing("old-namesake").await;
    let rule = world.datadog.script(Rule::new(Fault::Hold { when: When::Before }).method("DELETE"));
    world.delete::<OrgConnection>("to-central").await;
    world.datadog.wait(SOON, |journal| journal.iter().any(|entry| entry.held.is_some())).await.unwrap();
    let old = photograph(&world).await;
    world.datadog.release(rule).unwrap();
    world.gone::<OrgConnection>("to-central").await;
    share(&world, &["logs"]).await;
    let object = world.ready("to-central").await;
    let before = world.counts();

    let _next = in_the_past(&world, &proxy, operator, old).await;
    world.refresh("payments").await;
    proxy.watches.release(KIND);
    world.refresh("payments").await;
    let again = world.ready("to-central").await;
    assert_eq!((again.uid(), shared(&world)), (object.uid(), Some((connection_id(&object), vec!["logs".to_owned()]))));
    assert_eq!((world.counts() - before).remote_writes(), (0, 0, 0));
}

// === Unobserved states ===

#[tokio::test]
async fn changes_that_come_late_and_all_at_once_cost_one_write() {
    let (world, proxy, _operator) = sharing("late").await;
    proxy.watches.hold(KIND);
    for types in [["metrics"], ["logs"], ["audit"]] {
        share(&world, &types).await;
    }
    proxy.watches.release(KIND);
    world.ready("to-central").await;
    assert_eq!(shared_types(&world), Some(vec!["audit".to_owned()]));
    assert_eq!(world.counts().remote_writes(), (1, 1, 0));
}

#[tokio::test]
async fn a_namesake_whose_predecessor_went_unseen_inherits_nothing() {
    let (world, proxy, _operator) = sharing("unseen").await;
    let connection = shared(&world);
    proxy.watches.hold(KIND);
    world.patch::<OrgConnection>("to-central", json!({"metadata": {"finalizers": null}})).await;
    world.delete::<OrgConnection>("to-central").await;
    world.gone::<OrgConnection>("to-central").await;
    share(&world, &["audit"]).await;
    proxy.watches.expire(KIND);
    let object = world.reason("to-central", "AlreadyExists").await;
    assert!(object.finalizers().is_empty());
    world.delete::<OrgConnection>("to-central").await;
    world.gone::<OrgConnection>("to-central").await;
    assert_eq!((shared(&world), world.counts().remote_writes()), (connection, (1, 0, 0)));
}

#[tokio::test]
async fn an_object_whose_deletion_went_unseen_is_not_written_for_any_more_and_then_released() {
    let (world, proxy, _operator) = sharing("unseen-deletion").await;
    proxy.watches.hold(KIND);
    world.delete::<OrgConnection>("to-central").await;
    let connection = world.datadog.connection(PAYMENTS, CENTRAL).unwrap().id;
    world.datadog.change_types(connection, &["logs", "audit"]).unwrap();
    let before = proxy.watches.live_reads();
    world.until("it sees the difference and looks at what is live", async || (proxy.watches.live_reads() > before).then_some(())).await;
    assert_eq!(world.counts().remote_writes(), (1, 0, 0));
    proxy.watches.expire(KIND);
    world.gone::<OrgConnection>("to-central").await;
    assert_eq!((shared(&world), world.counts().remote_writes()), (None, (1, 0, 1)));
}

// === Watches that fail ===

#[tokio::test]
async fn expired_watches_cost_a_list_and_no_write() {
    let (world, proxy, _operator) = sharing("expired").await;
    let before = world.counts();
    for _ in 0..3 {
        proxy.watches.expire(KIND);
    }
    world.refresh("payments").await;
    let spent = world.counts() - before;
    assert_eq!((spent.remote_writes(), spent.object_writes(), spent.events), ((0, 0, 0), (0, 0), 0), "{spent:?}");
    share(&world, &["metrics"]).await;
    world.comes_to::<OrgConnection>("to-central", "InSync", CAUGHT_UP_WITHIN).await;
    assert_eq!(shared_types(&world), Some(vec!["metrics".to_owned()]));
}

#[tokio::test]
async fn while_the_api_server_is_away_nothing_is_written_and_afterwards_everything_is_caught_up_with() {
    let (world, proxy, operator) = sharing("away").await;
    proxy.kubernetes_is_away();
    let connection = world.datadog.connection(PAYMENTS, CENTRAL).unwrap().id;
    world.datadog.change_types(connection, &["audit"]).unwrap();
    world.connection("to-security").from("payments").to(datadog_double::SECURITY).types(&["logs"]).apply().await;
    let failed = || operator.log().matches("could not read or write Kubernetes").count();
    world.within(CAUGHT_UP_WITHIN, "it has tried in vain three times", async || (failed() >= 3).then_some(())).await;
    assert_eq!(world.counts().remote_writes(), (1, 0, 0));

    proxy.kubernetes_is_back();
    world.comes_to::<OrgConnection>("to-security", "InSync", CAUGHT_UP_WITHIN).await;
    let repaired = async || (shared_types(&world) == Some(vec!["logs".to_owned()])).then_some(());
    world.within(CAUGHT_UP_WITHIN, "the difference is put right", repaired).await;
    assert_eq!(world.counts().remote_writes(), (2, 1, 0));
}

/// Changes the object and waits until the operator has seen it.
async fn catches_up(world: &World, proxy: &Proxy) {
    share(world, &["metrics"]).await;
    world.within(NOTICED_WITHIN, "it asks again", async || proxy.watches.all_asked_for().then_some(())).await;
    world.comes_to::<OrgConnection>("to-central", "InSync", NOTICED_WITHIN).await;
    assert_eq!(shared_types(world), Some(vec!["metrics".to_owned()]));
    assert_eq!(world.counts().remote_writes(), (1, 1, 0));
}

#[tokio::test]
async fn a_half_open_watch_is_replaced_within_a_minute() {
    let (world, proxy, _operator) = sharing("half-open").await;
    proxy.watches.freeze(KIND);
    catches_up(&world, &proxy).await;
}

#[tokio::test]
async fn a_list_that_is_never_answered_is_asked_for_again_within_a_minute() {
    let (world, proxy, _operator) = sharing("unanswered-list").await;
    proxy.watches.never_answer_list(KIND);
    proxy.watches.expire(KIND);
    catches_up(&world, &proxy).await;
}

#[tokio::test]
async fn a_watch_that_is_never_answered_is_begun_again_within_a_minute() {
    let (world, proxy, _operator) = sharing("unanswered-watch").await;
    proxy.watches.never_answer_watch(KIND);
    proxy.watches.expire(KIND);
    catches_up(&world, &proxy).await;
}

/// The age of the watch on OrgConnections as the metrics tell it, in seconds.
async fn watch_age(operator: &Operator) -> Option<f64> {
    let (_, metrics) = operator.get("/metrics").await?;
    let sample = metrics.lines().find(|line| line.starts_with("crossorg_watch_age_seconds") && line.contains(KIND))?;
    sample.rsplit(' ').next()?.parse().ok()
}

/// Readiness and the metric say within a minute that the operator is blind; when it sees again it catches up and says so.
async fn is_shown_until_released(world: &World, proxy: &Proxy, operator: &Operator) {
    let not_ready = async || operator.get("/readyz").await.filter(|(status, text)| *status == 503 && text.contains(KIND));
    world.within(NOTICED_WITHIN, "readiness names the watch", not_ready).await;
    assert!(watch_age(operator).await.is_some_and(|age| age > 30.0), "the metric shows it too");
    proxy.watches.release(KIND);
    share(world, &["metrics"]).await;
    world.comes_to::<OrgConnection>("to-central", "InSync", NOTICED_WITHIN).await;
    world.within(NOTICED_WITHIN, "it is ready again", async || operator.is_ready().await.then_some(())).await;
    assert_eq!(world.counts().remote_writes(), (1, 1, 0));
}

#[tokio::test]
async fn an_api_server_that_does_not_answer_is_shown_by_readiness_and_a_metric_within_a_minute() {
    let (world, proxy, operator) = sharing("silent").await;
    assert!(operator.is_ready().await && watch_age(&operator).await.is_some_and(|age| age < 40.0));
    proxy.watches.silence(KIND);
    is_shown_until_released(&world, &proxy, &operator).await;
}

#[tokio::test]
async fn watches_that_begin_and_then_show_nothing_are_shown_by_readiness_and_a_metric_within_a_minute() {
    let (world, proxy, operator) = sharing("showing-nothing").await;
    proxy.watches.hold(KIND);
    is_shown_until_released(&world, &proxy, &operator).await;
}
