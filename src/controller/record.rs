//! The one exit of a pass, for success and failure: status, event, metric, log line, and when to look again.

use std::time::Duration;

use kube::api::{ApiResource, DynamicObject};
use kube::{Api, Resource, ResourceExt};
use kube_runtime::controller::Action;
use serde_json::json;
use tokio::time::Instant;
use tracing::{debug, error, field, info, warn};

use super::context::Context;
use super::events;
use super::kubernetes::{self, Error, within};
use crate::api::OrgConnection;
use crate::api::conditions::{ConnectionReason, Ready, Verdict};
use crate::decide::digest::{self, Digest};
use crate::decide::event;
use crate::decide::model::Pair;
use crate::decide::outcome::{Effect, Report, Retry};
use crate::decide::{requeue, status};
use crate::log::{chain, one_line};
use crate::metrics::{Failure, Outcome};
use crate::world::Key;
use crate::world::objects::Occasion;

/// How often a status is computed anew when somebody else wrote in between; then the next pass says it.
const STATUS_ATTEMPTS: usize = 3;
/// The longest wait after a failure of the Kubernetes API: nothing tells when it is back.
const KUBERNETES_WAIT: Duration = Duration::from_secs(10);

/// The end of a pass that read live.
pub(super) struct Ending {
    object: OrgConnection,
    pair: Option<Pair>,
    report: Report,
    handled_request: Option<String>,
    occasion: Option<Occasion>,
    gone: bool,
}

impl Ending {
    /// For an object that is still there.
    pub(super) fn of(object: OrgConnection, report: Report) -> Self {
        Self { object, pair: None, report, handled_request: None, occasion: None, gone: false }
    }

    /// For an object that has just been let go.
    pub(super) fn gone(object: OrgConnection, report: Report) -> Self {
        Self { gone: true, ..Self::of(object, report) }
    }

    /// The same, with what a call of this pass depended on.
    pub(super) fn on(self, occasion: Occasion) -> Self {
        Self { occasion: Some(occasion), ..self }
    }

    /// The same, with the pair that the pass was about.
    pub(super) fn about(self, pair: Option<Pair>) -> Self {
        Self { pair, ..self }
    }

    /// Whether something was done.
    pub(super) fn has_effect(&self) -> bool {
        self.report.effect.is_some()
    }

    /// The same, with another look after this time. A status that could not be written is waited for by its own growing series.
    pub(super) fn looking_again(self, after: Duration) -> Self {
        Self { report: self.report.looking_again(after), ..self }
    }

    /// The same, with the reconcile request that was carried out.
    pub(super) fn handling(self, handled_request: Option<String>) -> Self {
        Self { handled_request, ..self }
    }
}

/// What became of a status.
enum Written {
    /// It says what it should.
    Done,
    /// It did already, or the object is gone.
    Nothing,
    /// Somebody has written over the same words a moment ago: they are said again after this time.
    Later(Duration),
}

/// Nothing is to be written.
pub(super) fn quiet(context: &Context, key: &Key, report: &Report) -> Action {
    debug!(object = %key, "nothing to do");
    context.metrics.pass(Outcome::Quiet);
    wait(context, key, report, true).map_or_else(Action::await_change, Action::requeue)
}

/// Records a pass; `None` if its object had gone before.
pub(super) async fn record(context: &Context, key: &Key, ending: Option<Ending>) -> Action {
    let Some(ending) = ending else {
        context.objects.succeeded(key);
        return Action::await_change();
    };
    let previous = ending.object.status.clone();
    let written = if ending.gone { Ok(Written::Nothing) } else { write_status(context, &ending).await };
    let told = matches!(written, Ok(Written::Done));
    let ending = Ending { report: ending.report.recorded(told), ..ending };
    if let Some(event) = event::of(previous.as_ref(), &ending.report)
        && (ending.report.effect.is_some() || told)
    {
        events::publish(context, &ending.object, &event).await;
    }
    let changed = ending.report.effect.is_some() || told;
    count(context, &ending.report, told);
    log(key, &ending, changed);
    // What could not be said is not over: the series of failures goes on.
    let settles = written.is_ok();
    let wait = wait(context, key, &ending.report, settles);
    if let (true, Some(wait), Some(occasion)) = (ending.report.pauses, wait, ending.occasion) {
        context.objects.pause(key, Instant::now() + wait, occasion);
    }
    match written {
        Ok(Written::Later(rest)) => Action::requeue(wait.map_or(rest, |wait| wait.min(rest))),
        Ok(Written::Done | Written::Nothing) => wait.map_or_else(Action::await_change, Action::requeue),
        Err(error) => failed(context, key, &error),
    }
}

/// A pass that could not read or write Kubernetes.
pub(super) fn failed(context: &Context, key: &Key, error: &Error) -> Action {
    context.metrics.failed(match error {
        Error::OlderCrd => Failure::OlderCrd,
        _ if error.is_conflict() || error.is_gone() => Failure::Conflict,
        Error::Api(_) | Error::TimedOut => Failure::Kubernetes,
    });
    if error.is_conflict() || error.is_gone() {
        debug!(object = %key, error = chain(error), "somebody else wrote in between; looking again");
    } else if matches!(error, Error::OlderCrd) {
        if context.health.crds_are_older(true) {
            error!(
                object = %key,
                "the installed CRDs are older than this operator: apply its own with `crossorg crds | kubectl apply --server-side --force-conflicts -f -`"
            );
        }
    } else {
        warn!(object = %key, error = chain(error), "the pass could not read or write Kubernetes; trying again");
    }
    let attempts = context.objects.failed(key);
    Action::requeue(requeue::backoff(attempts, (context.seams.chance)()).min(KUBERNETES_WAIT))
}

/// What is said of a write that Kubernetes will go on refusing, to the object itself or to what its brake remembers. Its status is another
/// resource, and mostly still writable.
pub(super) fn refused(context: &Context, key: &Key, what: &str, error: Error) -> Result<Report, Error> {
    let Some(words) = error.refusal() else { return Err(error) };
    context.metrics.failed(Failure::Kubernetes);
    warn!(object = %key, error = words, "Kubernetes refuses {what}; trying again");
    Ok(told_of_refusal(what, words))
}

fn told_of_refusal(what: &str, words: &str) -> Report {
    let message = format!(
        "Kubernetes refuses {what}: {}. Look at admission webhooks and policies, and at the rights of the operator",
        one_line(words).trim_end_matches('.')
    );
    Report::not_ready(ConnectionReason::Retrying, message, Retry::Backoff)
}

/// An object of either kind that cannot be understood: said in its own status, and it stops no other. What its status remembers stays.
/// `noted_as` is its key in [`Context::objects`].
pub(super) async fn undecodable<K>(context: &Context, key: &Key, noted_as: &Key, why: &str) -> Action
where
    K: Resource<DynamicType = ()>,
{
    context.metrics.failed(Failure::Invalid);
    // What cannot be read may be quoted in the reason, at any length.
    match say_undecodable::<K>(context, key, noted_as, &one_line(why)).await {
        Ok(again) => {
            context.objects.succeeded(noted_as);
            again.map_or_else(Action::await_change, Action::requeue)
        }
        Err(error) => failed(context, noted_as, &error),
    }
}

/// Answers when to say it again, if somebody has just written over it.
async fn say_undecodable<K>(context: &Context, key: &Key, noted_as: &Key, why: &str) -> Result<Option<Duration>, Error>
where
    K: Resource<DynamicType = ()>,
{
    let kind = ApiResource::erase::<K>(&());
    let api: Api<DynamicObject> = Api::namespaced_with(context.kubernetes.clone(), &key.namespace, &kind);
    let Some(mut object) = within(api.get_opt(&key.name)).await? else { return Ok(None) };
    let message = format!("this object cannot be understood: {why}. Correct it, or apply the CRDs of this operator's version");
    let reason = ConnectionReason::Invalid;
    let verdict = Verdict { ready: Ready::False, reason: reason.name(), message, progress: reason.progress() };
    let generation = object.metadata.generation.unwrap_or_default();
    let known = serde_json::from_value(object.data["status"]["conditions"].clone()).unwrap_or_else(|_| Vec::new());
    let conditions = verdict.conditions(&known, generation, status::whole_seconds((context.seams.wall_clock)()));
    if conditions == known {
        return Ok(None);
    }
    let words = digest::hash(&(generation, why));
    if let Some(wait) = context.objects.repeats(noted_as, words) {
        return Ok(Some(wait));
    }
    object.data["status"]["observedGeneration"] = json!(generation);
    object.data["status"]["conditions"] = json!(conditions);
    kubernetes::write_status(&api, &object).await?;
    context.objects.said(noted_as, words);
    warn!(object = %key, error = why, "the {} cannot be understood", K::kind(&()));
    Ok(None)
}

/// Writes what the report says, on the version that it was decided on, or on a newer one of the same object.
async fn write_status(context: &Context, ending: &Ending) -> Result<Written, Error> {
    let key = Key::of(&ending.object);
    let generation = ending.object.metadata.generation.unwrap_or_default();
    let now = (context.seams.wall_clock)();
    let (mut object, mut report) = (ending.object.clone(), ending.report.clone());
    for attempt in 1.. {
        let next = status::next(object.status.as_ref(), &report, generation, ending.handled_request.as_deref(), now);
        let Some(next) = next else { return Ok(Written::Nothing) };
        let words = Digest::of_status(Some(&next)).words();
        if let Some(wait) = context.objects.repeats(&key, words) {
            return Ok(Written::Later(wait));
        }
        object.status = Some(next);
        match kubernetes::write_status(&kubernetes::connections(context, &key), &object).await {
            Ok(written) if written.status != object.status => return Err(Error::OlderCrd),
            Ok(_) => {
                context.health.crds_are_older(false);
                context.objects.said(&key, words);
                return Ok(Written::Done);
            }
            Err(error) if error.is_conflict() && attempt < STATUS_ATTEMPTS => {}
            Err(error) if error.is_gone() => return Ok(Written::Nothing),
            Err(error) => return Err(error),
        }
        match kubernetes::read_alone(context, &key, &object.uid().unwrap_or_default()).await? {
            Some(newer) => object = newer,
            None => return Ok(Written::Nothing),
        }
        if status::is_ahead(object.status.as_ref(), generation, object.metadata.generation.unwrap_or_default()) {
            report.verdict = None;
        }
    }
    Ok(Written::Nothing)
}

/// How long until the next look. A series of failures ends with a pass that has something to say and nothing to try again.
fn wait(context: &Context, key: &Key, report: &Report, settles: bool) -> Option<Duration> {
    let says = report.verdict.is_some() || report.effect.is_some();
    let attempts = match report.retry {
        Retry::Backoff => context.objects.failed(key),
        Retry::After(_) => 0,
        Retry::WhenWoken | Retry::Permanent => {
            if says && settles {
                context.objects.succeeded(key);
            }
            0
        }
    };
    requeue::after(report.retry, attempts, (context.seams.chance)())
}

fn count(context: &Context, report: &Report, told: bool) {
    if let Some(effect) = &report.effect {
        context.metrics.effect(effect);
    }
    context.metrics.pass(match (&report.effect, told) {
        (Some(_), _) => Outcome::Changed,
        (None, true) => Outcome::Said,
        (None, false) => Outcome::Unchanged,
    });
}

/// One line for a pass that changed or failed something, none for the others.
fn log(key: &Key, ending: &Ending, changed: bool) {
    let (report, pair) = (&ending.report, ending.pair.map(field::display));
    let (reason, message) = report.verdict.as_ref().map_or(("", ""), |verdict| (verdict.reason, verdict.message.as_str()));
    match (&report.effect, &report.cause) {
        (Some(Effect::Created(made)), _) => info!(object = %key, pair, id = %made.id, types = %made.types, "created"),
        (Some(Effect::Recreated(made)), _) => {
            warn!(object = %key, pair, id = %made.id, types = %made.types, "had been deleted outside; created again");
        }
        (Some(Effect::Adopted { what, foreign: true }), _) => warn!(object = %key, pair, "{what}"),
        (Some(Effect::Adopted { what, foreign: false }), _) => info!(object = %key, pair, "{what}"),
        (Some(Effect::Updated(difference)), _) => info!(object = %key, pair, difference, "changed"),
        (Some(Effect::Repaired(difference)), _) => warn!(object = %key, pair, difference, "had been changed outside; put right"),
        (Some(Effect::Deleted(what) | Effect::Released(what) | Effect::Orphaned(what)), _) => info!(object = %key, pair, "{what}"),
        (None, Some(cause)) => warn!(object = %key, pair, reason, error = cause, "a call at Datadog failed"),
        (None, None) if changed && report.is_stalled() => warn!(object = %key, pair, reason, "{}", one_line(message)),
        (None, None) if changed && report.verdict.is_some() => info!(object = %key, pair, reason, "{}", one_line(message)),
        (None, None) => debug!(object = %key, pair, reason, "nothing to do"),
    }
}
