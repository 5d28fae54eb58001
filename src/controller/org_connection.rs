//! The pass of one OrgConnection: look, decide, act, record.

use std::sync::Arc;
use std::time::Duration;

use kube_runtime::controller::Action;

use super::apply::{Reservation, Target};
use super::brake;
use super::context::{CachedOrg, Context, NOT_ALL_LISTED};
use super::kubernetes::{self, Error, Live};
use super::record::{self, Ending};
use super::view::{View, cached_rivals, live_rivals};
use crate::api::conditions::ConnectionReason;
use crate::api::org_connection::{DeletionPolicy, ManagementPolicy};
use crate::api::{CONNECTION_FINALIZER, OrgConnection};
use crate::decide::model::Pair;
use crate::decide::outcome::{Effect, Report, Retry};
use crate::decide::step::{self, Scene, Step};
use crate::world::Key;
use crate::world::row::{Row, Subject};

/// How long to leave a pair alone that another pass of this process writes for; the end of a call wakes this object sooner.
const BUSY: Duration = Duration::from_secs(1);

/// One pass. It records its own failure and says when to look again.
pub(super) async fn reconcile(row: Arc<Row>, context: Arc<Context>) -> Action {
    let subject = match &row.subject {
        Ok(subject) => subject,
        Err(unclear) => {
            return record::undecodable::<OrgConnection>(&context, &unclear.key, &unclear.key, &unclear.error).await;
        }
    };
    if !context.knows::<CachedOrg>(&subject.key) || context.awaits_rivals() {
        return Action::requeue(NOT_ALL_LISTED);
    }
    let seen = View::of(&context, subject, cached_rivals(&context, subject));
    if let Step::Rest(report) = step::next(&seen.scene)
        && subject.digest.says(&report, subject.generation)
        && subject.open_request().is_none()
    {
        return record::quiet(&context, &subject.key, &report);
    }
    let gate = context.gates.of(&subject.source());
    // After the end has begun nothing new is begun.
    let Ok(_inside) = gate.acquire().await else { return Action::await_change() };
    let reservation = match seen.pair.map(|pair| Reservation::of(&context, pair)) {
        Some(None) => return Action::requeue(BUSY),
        reserved => reserved.flatten(),
    };
    match live_pass(&context, subject, seen.pair, reservation).await {
        Ok(ending) => {
            // Nothing wakes an object without a pair when the look that it asked for has been taken.
            let unanswered = subject.open_request().is_some() && seen.pair.is_none();
            let ending = ending.map(|ending| if unanswered { ending.looking_again(BUSY) } else { ending }.about(seen.pair));
            record::record(&context, &subject.key, ending).await
        }
        Err(error) => record::failed(&context, &subject.key, &error),
    }
}

/// Reads live, plans again from that, and acts: at most one claim and one write at Datadog.
async fn live_pass(
    context: &Arc<Context>,
    cached: &Subject,
    pair: Option<Pair>,
    reservation: Option<Reservation>,
) -> Result<Option<Ending>, Error> {
    let Some(mut live) = kubernetes::read(context, &cached.key, &cached.uid, pair).await? else { return Ok(None) };
    let mut claimed = false;
    loop {
        let subject = Subject::of(&live.object);
        let view = View::of(context, &subject, live_rivals(context, &subject, &live));
        // The cache is behind: its next event brings the pass that fits. A release begins only once the watch has delivered the deletion.
        if view.pair != pair || subject.terminating != cached.terminating {
            return Ok(Some(Ending::of(live.object, Report::unchanged(Retry::Backoff))));
        }
        let handled = request(context, &subject, &view);
        let step = step::next(&view.scene);
        let occasion = view.occasion(&subject);
        if let Some(wait) = context.objects.paused(&cached.key, &occasion).filter(|_| step.writes()) {
            return Ok(Some(
                Ending::of(live.object, Report::unchanged(Retry::After(wait))).handling(handled.filter(|_| !view.scene.is_missed())),
            ));
        }
        let Some(claim) = step.claim().filter(|_| !claimed) else {
            let (writes, missed) = (step.writes(), view.scene.is_missed());
            let ending = act(context, live, step, &view, reservation).await?.on(occasion);
            // A request that was to create or change something is carried out when that is done: a failure does not eat it.
            let carried_out = ending.has_effect() || !(writes || missed);
            return Ok(Some(ending.handling(handled.filter(|_| carried_out))));
        };
        claimed = true;
        if let Err(error) = kubernetes::claim(context, &live.object, claim).await {
            let report = record::refused(context, &cached.key, "the claim", error)?.planning(step::intention(&view.scene));
            return Ok(Some(Ending::of(live.object, report.pausing()).on(occasion)));
        }
        let Some(again) = kubernetes::read(context, &cached.key, &cached.uid, pair).await? else { return Ok(None) };
        live = again;
    }
}

/// A request to look afresh: asks for a list once, and is fulfilled by the next look, if there is anything to look at.
fn request(context: &Context, subject: &Subject, view: &View) -> Option<String> {
    let value = subject.open_request()?;
    let Some(org) = &view.org else { return Some(value.to_owned()) };
    let (at, new) = context.objects.requested_at(&subject.key, value);
    if new {
        context.objects.succeeded(&subject.key);
        context.objects.forget_corrections(&subject.key);
        org.look_afresh(view.pair);
        context.wake_org(&org.key);
    }
    org.looked_since(at).then(|| value.to_owned())
}

async fn act(context: &Arc<Context>, live: Live, step: Step, view: &View, reservation: Option<Reservation>) -> Result<Ending, Error> {
    let object = live.object;
    let tries = step.needs_trial();
    let target = || {
        let (org, reservation) = (view.org.clone()?, reservation?);
        let deletes = || org.last_good().filter(|_| view.scene.me.terminating);
        let (client, us) = org.speaker().filter(|_| !tries || org.begins_write()).or_else(deletes)?;
        Some(Target { object: Key::of(&object), context: Arc::clone(context), org, client, us, tries, reservation })
    };
    // The first write with new credentials is under way, and its end wakes this object; or the organization was lost a moment ago.
    let unchanged = || Report::unchanged(Retry::After(BUSY));
    let report = match step {
        Step::Rest(report) => report,
        Step::AskForList(report) => {
            ask_for_list(context, view);
            report
        }
        Step::LetGo => return let_go(context, object).await,
        Step::Claim(_) => claimed_in_vain(context, &Key::of(&object), view.scene.me.memory.intact),
        Step::Create(pair, types) => match target() {
            Some(target) => target.create(pair, types, view.scene.me.memory.recorded.is_some()).await,
            None => unchanged(),
        },
        Step::Update(connection, types) => match target() {
            Some(target) => target.update(connection, types, view.scene.digest.is_in_sync(view.scene.generation)).await,
            None => unchanged(),
        },
        Step::Delete(connection, _) => match target() {
            Some(target) => match brake::holds(context, &Key::of(&object), view).await? {
                Some(held) => held,
                None => {
                    let report = target.delete(connection).await;
                    ask_for_list(context, view);
                    report
                }
            },
            None => unchanged(),
        },
    };
    note_corrections(context, &Key::of(&object), &view.scene, &report);
    Ok(Ending::of(object, report.planning(step::intention(&view.scene)).between(view.organizations.clone())))
}

/// A second claim in one pass: what was seen has changed meanwhile, or something takes the first one away at once. That goes on.
pub(super) fn claimed_in_vain(context: &Context, key: &Key, is_intact: bool) -> Report {
    let goes_on = !is_intact && context.objects.contradicted(key);
    let report = if goes_on {
        let message = "something takes the claim away as soon as it is written (finalizer crossorg.dev/connection, annotation \
                       crossorg.dev/claim, label crossorg.dev/pair): look at admission webhooks and policies";
        Report::not_ready(ConnectionReason::Retrying, message, Retry::Backoff)
    } else {
        Report::unchanged(Retry::Backoff)
    };
    report.pausing()
}

/// Two owners that correct each other are noticed by how often one of them had to.
fn note_corrections(context: &Context, key: &Key, scene: &Scene, report: &Report) {
    let contested = report.verdict.as_ref().is_some_and(|verdict| verdict.reason == ConnectionReason::Contested.name());
    if matches!(report.effect, Some(Effect::Repaired(_) | Effect::Recreated(_))) {
        context.objects.corrected(key, scene.generation);
    } else if contested {
        context.objects.gave_up(key);
    }
}

fn ask_for_list(context: &Context, view: &View) {
    if let Some(org) = &view.org {
        org.want_list(view.pair);
        context.wake_org(&org.key);
    }
}

async fn let_go(context: &Arc<Context>, object: OrgConnection) -> Result<Ending, Error> {
    let key = Key::of(&object);
    if let Err(error) = kubernetes::let_go(&kubernetes::connections(context, &key), &object, CONNECTION_FINALIZER).await {
        return Ok(Ending::of(object, record::refused(context, &key, "to remove the finalizer", error)?));
    }
    let effect = match object.status.as_ref().and_then(|status| status.connection_id.as_ref()) {
        Some(id) if object.spec.management_policy == ManagementPolicy::Observe => {
            Effect::Orphaned(format!("let go without touching Datadog (managementPolicy: Observe); the connection owned last was {id}"))
        }
        Some(id) if object.spec.deletion_policy == DeletionPolicy::Orphan => {
            Effect::Orphaned(format!("let go without touching Datadog (deletionPolicy: Orphan); the connection owned last was {id}"))
        }
        Some(id) => Effect::Released(format!("let go; nothing is left of connection {id} that would be this object's")),
        None => Effect::Released("let go; it owned nothing at Datadog".to_owned()),
    };
    Ok(Ending::gone(object, Report::unchanged(Retry::WhenWoken).having(effect)))
}
