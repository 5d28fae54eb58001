//! The pass of one DatadogOrg: its turn with Datadog, who has to look again, its status, and whether it may go.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use kube::api::DynamicObject;
use kube::{Api, ResourceExt};
use kube_runtime::controller::Action;
use tokio::time::Instant;
use tracing::{info, warn};

use super::brake;
use super::context::{CachedOrg, Context, NOT_ALL_LISTED};
use super::events;
use super::kubernetes::{self, Error};
use super::poll::{self as turn, Turned};
use super::record;
use super::unmanaged;
use crate::api::conditions::{ConnectionReason, Progress, find};
use crate::api::datadog_org::{DatadogOrgStatus, UnmanagedConnection};
use crate::api::{CONNECTION_FINALIZER, DatadogOrg, IN_USE_FINALIZER, RECONCILE_REQUEST_ANNOTATION};
use crate::decide::digest;
use crate::decide::event::Event;
use crate::decide::model::ConnectionId;
use crate::decide::organization::{self, Findings, Stand, Trouble};
use crate::decide::poll::{self, Ask, SECRET_INTERVAL};
use crate::decide::requeue;
use crate::decide::unmanaged::Tally;
use crate::log::one_line;
use crate::world::inventory::Changed;
use crate::world::org::Org;
use crate::world::row::{LONGEST_REQUEST, Row, understand};
use crate::world::{Key, carries};

/// One pass. It records its own failure and says when to look again.
pub(super) async fn reconcile(object: Arc<CachedOrg>, context: Arc<Context>) -> Action {
    let object = match &object.0 {
        Ok(object) => object,
        Err(invalid) => {
            let key = Key::of(&*object);
            // What it says now is not known, so nothing is done in its name.
            if let Some(org) = context.orgs.get(&key)
                && org.failed(Trouble::Undecodable(one_line(&invalid.error)), 0.0)
            {
                context.wake(context.served_by(&org));
            }
            return record::undecodable::<DatadogOrg>(&context, &key, &key.as_org(), &invalid.error).await;
        }
    };
    let key = Key::of(object);
    if !context.knows::<Row>(&key) {
        context.orgs.applied(object);
        return Action::requeue(NOT_ALL_LISTED);
    }
    match pass(object, &context).await {
        Ok(wait) => {
            context.objects.succeeded(&key.as_org());
            wait.map_or_else(Action::await_change, Action::requeue)
        }
        Err(error) => record::failed(&context, &key.as_org(), &error),
    }
}

async fn pass(object: &DatadogOrg, context: &Context) -> Result<Option<Duration>, Error> {
    let org = context.orgs.applied(object);
    brake::org_applied(context, &org);
    let api = Api::<DatadogOrg>::namespaced(context.kubernetes.clone(), &org.key.namespace);
    let terminating = object.metadata.deletion_timestamp.is_some();
    let held = carries(object, IN_USE_FINALIZER);
    if terminating && !held {
        return Ok(None);
    }
    if !held {
        // The patch comes back as an event, and with it the pass that asks Datadog.
        kubernetes::hold(&api, object, IN_USE_FINALIZER).await?;
        return Ok(None);
    }
    let users = if terminating { users(context, &org.key).await? } else { Vec::new() };
    if terminating && users.is_empty() {
        kubernetes::let_go(&api, object, IN_USE_FINALIZER).await?;
        info!(object = %org.key, "let go; no OrgConnection uses it any more");
        return Ok(None);
    }
    let request = open_request(context, object, &org);
    // It may have been suspended, or name another Secret.
    let is_unheard_of = context.is_unheard_of::<CachedOrg>(&org.key);
    let turned = if is_unheard_of { Turned::Idle } else { turn::turn(context, object, &org).await? };
    wake(context, &org, &turned);
    // Once for each list: the objects change more often. Before every object of every namespace has been seen, a connection may only seem
    // to be nobody's.
    let uncounted = org.uncounted().filter(|_| context.health.missing().is_empty() && org.doubt().is_none());
    let tally = uncounted.and_then(|_| unmanaged::tally(context, &org));
    let unsettled = (uncounted.is_some() && tally.is_none()).then_some(unmanaged::LOOK_AGAIN);
    let handled_request = request.filter(|(_, at)| org.looked_since(*at) && unsettled.is_none()).map(|(value, _)| value);
    let (held, number_is_old) = org.tells_held(brake::held(context, &org));
    let findings = Findings { stand: org.stand(), doubt: org.doubt(), tally, users, held, handled_request };
    let again = say(context, &api, object, &findings, &org.unmanaged().unwrap_or_default()).await?;
    if let (Some(list), Some(tally), None) = (uncounted, &findings.tally, again) {
        org.counted(list, tally);
    }
    if matches!(findings.stand, Stand::Connected(_)) && again.is_none() {
        org.recorded();
    }
    if org.becomes_usable() {
        context.wake(context.served_by(&org));
    }
    // A user that is corrected, or lets go without vanishing, tells nobody.
    let users = (!findings.users.is_empty()).then_some(SECRET_INTERVAL);
    let look = if is_unheard_of { SECRET_INTERVAL } else { next_look(&org) };
    Ok([Some(look), again, users, unsettled, number_is_old].into_iter().flatten().min())
}

/// A request to look afresh that the status has not echoed yet, and since when. It asks for a list once, and is fulfilled by the next look.
fn open_request(context: &Context, object: &DatadogOrg, org: &Org) -> Option<(String, Instant)> {
    let value = object.annotations().get(RECONCILE_REQUEST_ANNOTATION).filter(|value| value.len() <= LONGEST_REQUEST)?;
    let handled = object.status.as_ref().and_then(|status| status.last_handled_reconcile_at.as_ref());
    if handled == Some(value) {
        return None;
    }
    let (at, new) = context.objects.requested_at(&org.key.as_org(), value);
    if new {
        org.look_afresh(None);
    }
    Some((value.clone(), at))
}

/// Has looked again whom the turn may concern.
pub(super) fn wake(context: &Context, org: &Org, turned: &Turned) {
    // Nobody can vouch any more for what the objects say: they have to say so, once.
    if !org.vouches() {
        context.wake(context.objects.of_org(&org.key));
    }
    match turned {
        Turned::Listed(Changed::Pairs(pairs)) => context.wake(pairs.iter().flat_map(|pair| context.objects.of_pair(*pair))),
        Turned::Listed(Changed::Everything) | Turned::Failed(true) => context.wake(context.served_by(org)),
        Turned::Failed(false) | Turned::Idle => {}
    }
}

/// The objects that claim through a terminating DatadogOrg, read live: each of them still needs its key.
async fn users(context: &Context, key: &Key) -> Result<Vec<String>, Error> {
    let mut objects = kubernetes::neighbours(context, key).await?;
    objects.retain(|object| carries(object, CONNECTION_FINALIZER));
    let uses = |object: DynamicObject| match understand(object) {
        Ok(object) => (object.spec.source_org_ref.name == key.name).then(|| object.name_any()),
        // What cannot be understood may well use it.
        Err(unclear) => Some(unclear.key.name),
    };
    Ok(objects.into_iter().filter_map(uses).collect())
}

/// What a status says, as one number, without the times that move with each write.
fn words(status: &DatadogOrgStatus) -> u64 {
    let conditions = status.conditions.iter().map(|condition| (&condition.type_, &condition.status, &condition.reason, &condition.message));
    let unmanaged = status
        .unmanaged
        .iter()
        .map(|UnmanagedConnection { id, source, sink, connection_types, created_at: _ }| (id, &source.name, &sink.name, connection_types));
    let counts = status.connections.map(|counts| (counts.managed, counts.unmanaged));
    let (conditions, unmanaged): (Vec<_>, Vec<_>) = (conditions.collect(), unmanaged.collect());
    digest::hash(&(conditions, status.observed_generation, counts, &status.permissions, unmanaged, &status.last_handled_reconcile_at))
}

/// The one exit: status, events and log lines, if something changed. Answers when to say it again, if somebody has just written over it.
/// What is `known` to be unmanaged is no news.
async fn say(
    context: &Context,
    api: &Api<DatadogOrg>,
    object: &DatadogOrg,
    findings: &Findings,
    known: &BTreeSet<ConnectionId>,
) -> Result<Option<Duration>, Error> {
    let generation = object.metadata.generation.unwrap_or_default();
    let Some(next) = organization::next(object.status.as_ref(), findings, generation, (context.seams.wall_clock)()) else {
        return Ok(None);
    };
    let (own, words) = (Key::of(object).as_org(), words(&next));
    if let Some(wait) = context.objects.repeats(&own, words) {
        return Ok(Some(wait));
    }
    let told = DatadogOrg { status: Some(next.clone()), ..object.clone() };
    if kubernetes::write_status(api, &told).await?.status != told.status {
        return Err(Error::OlderCrd);
    }
    context.health.crds_are_older(false);
    context.objects.said(&own, words);
    tell_unmanaged(context, object, findings.tally.as_ref(), known).await;
    if let (None, Some(note)) = (object.status.as_ref().and_then(|status| status.held_deletions), findings.held_notice()) {
        let event = Event { warning: true, reason: ConnectionReason::DeletionHeld.name(), note };
        events::publish(context, object, &event).await;
    }
    let reason = |status: &DatadogOrgStatus| find(&status.conditions, "Ready").map(|ready| ready.reason.clone());
    if object.status.as_ref().and_then(reason) == reason(&next) {
        return Ok(None);
    }
    let (key, verdict) = (Key::of(object), findings.verdict());
    if verdict.progress == Progress::Settled {
        info!(object = %key, reason = verdict.reason, "{}", one_line(&verdict.message));
    } else {
        warn!(object = %key, reason = verdict.reason, "{}", one_line(&verdict.message));
        let event = Event { warning: true, reason: verdict.reason, note: verdict.message };
        if !matches!(findings.stand, Stand::Checking) {
            events::publish(context, object, &event).await;
        }
    }
    Ok(None)
}

/// A connection that nobody manages is a way out for telemetry that nobody may know of.
async fn tell_unmanaged(context: &Context, object: &DatadogOrg, tally: Option<&Tally>, known: &BTreeSet<ConnectionId>) {
    for event in tally.map(|tally| tally.news(object.status.as_ref(), known)).unwrap_or_default() {
        warn!(object = %Key::of(object), "{}", event.note);
        events::publish(context, object, &event).await;
    }
}

/// When there will be something to ask, or the Secret to be read again.
fn next_look(org: &Org) -> Duration {
    let turn = match poll::next(&org.turn()) {
        Ask::Nothing(wait) => wait,
        Ask::List | Ask::IdentityAndList => requeue::FIRST_WAIT,
    };
    let settled = match org.stand() {
        Stand::Connected(_) => !org.refuses_writes(),
        Stand::Trouble(Trouble::Suspended, _) => true,
        Stand::Checking | Stand::Trouble(..) => false,
    };
    if settled { turn } else { turn.min(SECRET_INTERVAL) }
}
