//! The next status from the last one and a report; nothing if nothing would change. Pure.

use std::borrow::Cow;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::claims::Memory;
use super::model::{Connection, ConnectionTypes, Organization};
use super::outcome::{Effect, Report, Shown};
use crate::api::fields::{OrganizationStatus, PrincipalStatus, cut};
use crate::api::org_connection::{OrgConnectionStatus, Origin};

/// As many connection types as the status has room for; Datadog has three.
const MOST_TYPES: usize = 64;
/// As long as `status.plan` may be.
const PLAN_BYTES: usize = 2048;

/// The status to write, or `None` if `previous` says it already. Times are whole seconds, as Kubernetes stores them: else the previous
/// status would never equal the next one.
pub fn next(
    previous: Option<&OrgConnectionStatus>,
    report: &Report,
    generation: i64,
    handled_request: Option<&str>,
    now: Timestamp,
) -> Option<OrgConnectionStatus> {
    let blank = blank();
    let previous = previous.unwrap_or(&blank);
    let mut next = previous.clone();
    if let Shown::Owned(connection) = &report.shown
        && is_outdated(previous, connection)
    {
        return None;
    }
    if let Some(verdict) = &report.verdict {
        next.observed_generation = generation;
        next.conditions = verdict.conditions(&previous.conditions, generation, whole_seconds(now));
        next.plan = report.plan.as_deref().map(|plan| shown_plan(plan).into_owned());
    }
    // The recorded pair is the recorded connection's, whatever the references lead to now.
    if let (None, Some((source, sink))) = (&previous.connection_id, &report.organizations) {
        next.source = Some(named(source, previous.source.as_ref()));
        next.sink = Some(named(sink, previous.sink.as_ref()));
    }
    match &report.shown {
        Shown::Owned(connection) => show(&mut next, connection, report.effect.as_ref()),
        Shown::Observed(connection) => next.connection_types = shown_types(&connection.types),
        Shown::NotOurs => next.connection_types.clear(),
        Shown::Unknown => {}
    }
    if let Some(request) = handled_request {
        next.last_handled_reconcile_at = Some(request.to_owned());
    }
    (next != *previous).then_some(next)
}

fn blank() -> OrgConnectionStatus {
    OrgConnectionStatus {
        observed_generation: -1,
        connection_id: None,
        source: None,
        sink: None,
        connection_types: Vec::new(),
        created_at: None,
        created_by: None,
        origin: None,
        plan: None,
        last_handled_reconcile_at: None,
        conditions: Vec::new(),
    }
}

/// Another process has recorded a connection that is newer than the one seen here: an old list must not write the old id back.
fn is_outdated(status: &OrgConnectionStatus, connection: &Connection) -> bool {
    let other = status.connection_id.as_ref().is_some_and(|id| *id != connection.id.to_string());
    other && status.created_at.as_ref().is_some_and(|recorded| recorded.0 > whole_seconds(connection.created_at))
}

fn show(status: &mut OrgConnectionStatus, connection: &Connection, effect: Option<&Effect>) {
    let id = connection.id.to_string();
    let is_another = status.connection_id.as_ref() != Some(&id);
    match effect {
        Some(Effect::Adopted { .. }) => status.origin = Some(Origin::Adopted),
        _ if is_another || status.origin.is_none() || matches!(effect, Some(Effect::Created(_))) => status.origin = Some(Origin::Created),
        _ => {}
    }
    status.connection_id = Some(id);
    status.source = Some(named(&connection.source, status.source.as_ref()));
    status.sink = Some(named(&connection.sink, status.sink.as_ref()));
    status.connection_types = shown_types(&connection.types);
    status.created_at = Some(Time(whole_seconds(connection.created_at)));
    if let Some(creator) = connection.created_by {
        let id = creator.id.to_string();
        let known = status.created_by.as_ref().filter(|known| known.id == id).and_then(|known| known.service_account);
        status.created_by = Some(PrincipalStatus { id, service_account: creator.service_account.or(known) });
    } else if is_another {
        status.created_by = None;
    }
}

/// As many types as the status has room for.
pub fn shown_types(types: &ConnectionTypes) -> Vec<String> {
    types.iter().take(MOST_TYPES).map(str::to_owned).collect()
}

/// What would be done, as far as the status has room for it: it may name each of Datadog's types.
pub fn shown_plan(plan: &str) -> Cow<'_, str> {
    cut(plan, PLAN_BYTES)
}

/// Whether a status speaks of a later spec than that of this generation: what was decided on the earlier one is no news any more. A status
/// that was restored from a backup may speak of a generation that the object has not come to.
pub fn is_ahead(status: Option<&OrgConnectionStatus>, generation: i64, newest: i64) -> bool {
    status.is_some_and(|status| generation < status.observed_generation && status.observed_generation <= newest)
}

/// The name is kept when an answer leaves it out (the PATCH reply does).
pub fn named(observed: &Organization, previous: Option<&OrganizationStatus>) -> OrganizationStatus {
    let id = observed.id.to_string();
    let name = (!observed.name.is_empty()).then(|| observed.name.clone());
    let known = || previous.filter(|known| known.id == id).and_then(|known| known.name.clone());
    OrganizationStatus { name: name.or_else(known), id }
}

/// Cuts a time to whole seconds.
pub fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

/// What an object's status remembers, read back leniently: what cannot be read is not remembered.
pub fn remembered(status: Option<&OrgConnectionStatus>, memory: Memory) -> Memory {
    let Some(status) = status else { return memory };
    let id = |organization: &Option<OrganizationStatus>| organization.as_ref().and_then(|organization| organization.id.parse().ok());
    Memory {
        recorded: status.connection_id.as_deref().and_then(|id| id.parse().ok()),
        recorded_created_at: status.created_at.as_ref().map(|time| time.0),
        recorded_pair: id(&status.source).zip(id(&status.sink)).map(|(source, sink)| super::model::Pair { source, sink }),
        ..memory
    }
    .without_forged_claim()
}

#[cfg(test)]
mod tests;
