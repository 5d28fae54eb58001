//! Ends of passes, against an API server whose answers are written down here.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{Method, Request, Response};
use http_body_util::BodyExt;
use kube::client::Body;
use kube::runtime::reflector;
use kube_runtime::controller::Action;
use serde_json::{Value, json};

use super::context::{CachedOrg, Context, Scope, Seams};
use super::health::{BLIND_AFTER, Health};
use super::poll::Turned;
use super::record::{self, Ending};
use crate::api::OrgConnection;
use crate::datadog::{Transport, TransportError};
use crate::decide::fixtures::{at, connection, pair, sink};
use crate::decide::outcome::{Effect, Report};
use crate::metrics::Metrics;
use crate::world::Key;
use crate::world::inventory::Changed;

/// What was asked for: method, path, body.
type Asked = Arc<Mutex<Vec<(Method, String, Value)>>>;

fn key() -> Key {
    Key { namespace: "apps".to_owned(), name: "payments".to_owned() }
}

fn object(generation: i64, status: &Value) -> Value {
    let metadata = json!({ "namespace": "apps", "name": "payments", "uid": "one", "generation": generation });
    let spec = json!({ "sourceOrgRef": { "name": "payments" }, "sinkOrg": { "name": "central" }, "connectionTypes": ["logs"] });
    json!({ "apiVersion": "crossorg.dev/v1alpha1", "kind": "OrgConnection", "metadata": metadata, "spec": spec, "status": status })
}

/// A context on an API server that answers each request with this status and body; the request's own body if there is none.
fn context(answer: impl Fn(&Method, usize) -> (u16, Option<Value>) + Send + Sync + 'static) -> (Arc<Context>, Asked) {
    context_in(Vec::new(), answer)
}

fn context_in(
    scopes: Vec<Scope>,
    answer: impl Fn(&Method, usize) -> (u16, Option<Value>) + Send + Sync + 'static,
) -> (Arc<Context>, Asked) {
    let asked = Asked::default();
    let (journal, answer) = (Arc::clone(&asked), Arc::new(answer));
    let server = tower::service_fn(move |request: Request<Body>| {
        let (journal, answer) = (Arc::clone(&journal), Arc::clone(&answer));
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let body: Value = serde_json::from_slice(&body).unwrap_or_default();
            let mut journal = journal.lock().unwrap_or_else(PoisonError::into_inner);
            let (code, reply) = answer(&head.method, journal.len());
            let reply = reply.unwrap_or_else(|| body.clone());
            journal.push((head.method, head.uri.path().to_owned(), body));
            let reply = Response::builder().status(code).body(Body::from(reply.to_string().into_bytes())).unwrap();
            Ok::<_, Infallible>(reply)
        }
    });
    let seams = Seams {
        transport: Transport::new(tower::service_fn(|_| async { Err(TransportError::ObserveOnly) })),
        datadog_url: None,
        observe_only: false,
        wall_clock: Arc::new(|| at(0)),
        chance: Arc::new(|| 0.5),
    };
    let (metrics, health) = (Arc::new(Metrics::default()), Arc::new(Health::default()));
    let context = Context::new(kube::Client::new(server, "default"), scopes, seams, metrics, health);
    context.objects.applied(&key(), []);
    context.objects.org_applied(&key());
    (Arc::new(context), asked)
}

/// What the API server says of this code.
fn refusal(code: u16) -> (u16, Option<Value>) {
    let reason = if code == 409 { "Conflict" } else { "Forbidden" };
    (
        code,
        Some(json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": "no\nway." })),
    )
}

fn ending(report: Report) -> Option<Ending> {
    let object: OrgConnection = serde_json::from_value(object(1, &json!({ "observedGeneration": -1 }))).unwrap();
    Some(Ending::of(object, report))
}

#[tokio::test]
async fn a_connection_is_said_to_be_taken_over_once_that_is_recorded_and_not_before() {
    for (code, said) in [(200, true), (403, false)] {
        let (context, asked) = context(move |method, _| if *method == Method::PUT && code != 200 { refusal(code) } else { (200, None) });
        let effect = Effect::Adopted { what: "took it over".to_owned(), foreign: true };
        record::record(&context, &key(), ending(Report::in_sync(connection(), Some(effect)))).await;
        let asked = asked.lock().unwrap();
        assert_eq!(asked.iter().any(|(_, path, _)| path.ends_with("/events")), said, "{asked:?}");
        assert_eq!(context.metrics.render().contains("change=\"adopted\""), said);
    }
}

#[tokio::test]
async fn words_about_an_earlier_spec_are_not_written_over_those_about_a_later_one() {
    for (told, newest, expected) in [(2, 2, 2), (7, 2, 1)] {
        let newer = object(newest, &json!({ "observedGeneration": told }));
        let (context, asked) = context(move |method, number| match (method, number) {
            (&Method::GET, _) => (200, Some(newer.clone())),
            (_, 0) => refusal(409),
            _ => (200, None),
        });
        record::record(&context, &key(), ending(Report::in_sync(connection(), None))).await;
        let asked = asked.lock().unwrap();
        let (_, _, last) = asked.iter().rfind(|(method, ..)| *method == Method::PUT).unwrap();
        assert_eq!(last["status"]["observedGeneration"], json!(expected), "told of {told} at {newest}");
        assert_eq!(last["status"]["connectionId"], json!(connection().id.to_string()), "what was found is recorded all the same");
    }
}

#[tokio::test]
async fn a_datadog_org_that_cannot_be_understood_fails_apart_from_the_connection_of_its_name() {
    let (context, _) = context(|_, _| (500, Some(json!({}))));
    let metadata = json!({ "namespace": "apps", "name": "payments" });
    let org = json!({ "apiVersion": "crossorg.dev/v1alpha1", "kind": "DatadogOrg", "metadata": metadata, "spec": "none" });
    let org: CachedOrg = serde_json::from_value(org).unwrap();
    super::datadog_org::reconcile(Arc::new(org), Arc::clone(&context)).await;
    assert_eq!((context.objects.failed(&key()), context.objects.failed(&key().as_org())), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn every_namespace_may_show_a_rival_until_it_is_listed_or_nothing_was_heard_of_it_for_a_minute() {
    let scopes = ["apps", "other"].map(|namespace| Scope::new(Some(namespace.to_owned()), reflector::store().0).0);
    let (context, _) = context_in(scopes.into(), |_, _| (200, None));
    let (mine, others) = ("orgconnections in apps", "orgconnections in other");
    for watch in [mine, others] {
        context.health.begins(watch);
    }
    context.health.has_listed(mine);
    assert!(context.awaits_rivals(), "although its own namespace is listed");
    context.health.has_listed(others);
    assert!(!context.awaits_rivals());
    context.health.begins(others);
    tokio::time::advance(BLIND_AFTER).await;
    assert!(context.awaits_rivals());
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(!context.awaits_rivals());
}

#[tokio::test]
async fn what_happens_to_a_datadog_org_wakes_those_too_who_name_its_organization_by_its_id() {
    let (scope, mut wakeups) = Scope::new(None, reflector::store().0);
    let (context, _) = context_in(vec![scope], |_, _| (200, None));
    let metadata = json!({ "namespace": "apps", "name": "central", "uid": "two" });
    let status = json!({ "organization": { "id": sink().id.to_string(), "name": "central" } });
    let spec = json!({ "site": "datadoghq.com", "credentialsSecretRef": { "name": "central" } });
    let central =
        json!({ "apiVersion": "crossorg.dev/v1alpha1", "kind": "DatadogOrg", "metadata": metadata, "spec": spec, "status": status });
    let central = context.orgs.applied(&serde_json::from_value(central).unwrap());
    context.objects.claims(&key(), Some(pair()));
    for turned in [Turned::Listed(Changed::Everything), Turned::Failed(true)] {
        super::datadog_org::wake(&context, &central, &turned);
        assert_eq!(wakeups.rows.try_recv().unwrap().name, "payments", "{turned:?}");
        assert!(wakeups.rows.try_recv().is_err(), "once");
    }
    context.org_deleted(&central.key);
    assert_eq!(wakeups.rows.try_recv().unwrap().name, "payments", "it may have waited for that key");
    assert!(context.orgs.get(&central.key).is_none());
}

#[tokio::test(start_paused = true)]
async fn what_another_process_says_of_an_object_that_cannot_be_understood_is_not_written_over_at_once() {
    let mut other = json!({ "type": "Ready", "status": "False", "reason": "Invalid", "message": "no", "observedGeneration": 1 });
    other["lastTransitionTime"] = json!(at(0));
    let theirs = object(1, &json!({ "conditions": [other] }));
    let (context, asked) = context(move |method, _| (200, (*method == Method::GET).then(|| theirs.clone())));
    let say = async || record::undecodable::<OrgConnection>(&context, &key(), &key(), "spec: odd").await;
    let writes = || asked.lock().unwrap().iter().filter(|(method, ..)| *method == Method::PUT).count();
    assert_eq!((say().await, writes()), (Action::await_change(), 1));
    let later = say().await;
    assert_ne!(later, Action::await_change(), "it is said again");
    assert_eq!(writes(), 1);
    tokio::time::advance(Duration::from_secs(10)).await;
    assert_eq!((say().await, writes()), (Action::await_change(), 2));
}

#[tokio::test]
async fn that_something_takes_the_claim_away_is_told_when_it_does_so_again() {
    let (context, _) = context(|_, _| (200, None));
    let told = |is_intact| super::org_connection::claimed_in_vain(&context, &key(), is_intact).verdict.map(|verdict| verdict.reason);
    assert_eq!([told(true), told(false), told(true), told(false)], [None, None, None, Some("Retrying")]);
    context.objects.succeeded(&key());
    assert_eq!(told(false), None);
}

#[tokio::test]
async fn only_a_refusal_that_lasts_is_told_of_in_the_status() {
    for (code, lasts) in [(400, true), (403, true), (422, true), (404, false), (409, false), (429, false), (500, false), (504, false)] {
        let (context, _) = context(move |_, _| refusal(code));
        let error = super::kubernetes::read_alone(&context, &key(), "one").await;
        let Err(error) = error else {
            assert_eq!(code, 404);
            continue;
        };
        let report = record::refused(&context, &key(), "the claim", error);
        assert_eq!(report.is_ok(), lasts, "{code}");
        let verdict = report.ok().and_then(|report| report.verdict);
        assert!(
            verdict.is_none_or(
                |verdict| verdict.reason == "Retrying" && verdict.message.starts_with("Kubernetes refuses the claim: no\\nway. ")
            )
        );
    }
}
