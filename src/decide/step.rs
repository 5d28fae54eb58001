//! One step of one object: what it wants, what is there, how its organization stands, put together. Pure.
//!
//! Flow: a live object wants something ([`Desired`]), and [`plan`] says what to do about it; a terminating one is released
//! ([`release`](super::release::release)). Around both stands the organization: as long as it cannot be used, nothing is done, and what the
//! status says stays true until nobody can vouch for it any more.

mod intention;
mod parting;
mod scene;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

pub use self::parting::blocked;
use self::parting::parting_step;
pub use self::scene::{Organization, Scene};
use super::brake;
use super::claims::{Claim, Memory, standing};
use super::desired::{Desired, Invalid};
use super::model::{Connection, ConnectionTypes, Pair, PrincipalId};
use super::outcome::{Report, Retry, Shown};
use super::plan::{Doubt, Hold, Plan, Refusal, Seen, Situation, plan};
use super::requeue;
use crate::api::conditions::{ConnectionReason, Progress, Ready, Verdict};

/// When a list began and when a connection was created are known in whole seconds only.
const WHOLE_SECONDS: SignedDuration = SignedDuration::from_secs(2);

/// What to do next; all but the first are done on a live read only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nothing but to say so.
    Rest(Report),
    /// The same, and somebody has to list the organization.
    AskForList(Report),
    /// Write this claim, then look again.
    Claim(Claim),
    /// Create the connection.
    Create(Pair, ConnectionTypes),
    /// Give the owned connection these types.
    Update(Connection, ConnectionTypes),
    /// Delete the owned connection; first the DatadogOrg has to remember this of its brake.
    Delete(Connection, Option<brake::Memory>),
    /// Remove the finalizer.
    LetGo,
}

impl Step {
    /// The claim to write, if that is the step.
    pub fn claim(&self) -> Option<&Claim> {
        if let Self::Claim(claim) = self { Some(claim) } else { None }
    }

    /// Whether it waits while the first write with new credentials is under way. A deletion does not: each object has its own one.
    pub fn needs_trial(&self) -> bool {
        matches!(self, Self::Create(..) | Self::Update(..))
    }

    /// Whether it writes at Datadog, or prepares to.
    pub fn writes(&self) -> bool {
        match self {
            Self::Claim(_) | Self::Create(..) | Self::Update(..) | Self::Delete(..) => true,
            Self::Rest(_) | Self::AskForList(_) | Self::LetGo => false,
        }
    }
}

/// The next step of an object.
pub fn next(scene: &Scene) -> Step {
    let step = if scene.me.terminating { parting_step(scene) } else { live_step(scene) };
    match step {
        Step::Rest(report) => Step::Rest(report.planning(intention::of(scene))),
        Step::AskForList(report) => Step::AskForList(report.planning(intention::of(scene))),
        Step::Claim(_) | Step::Create(..) | Step::Update(..) | Step::Delete(..) | Step::LetGo => step,
    }
}

fn live_step(scene: &Scene) -> Step {
    let desired = match (&scene.desired, &scene.organization) {
        (Err(Invalid::OrgUnproven { .. }), Organization::NotUsable { undecided: true, .. }) => return Step::Rest(vouch(scene)),
        (Err(Invalid::NameNotLookedUp(_)), Organization::Usable { .. }) => {
            return Step::AskForList(Report::unchanged(Retry::WhenWoken));
        }
        (Err(Invalid::NameNotLookedUp(_)), _) => return Step::Rest(not_usable(scene)),
        (Err(invalid), _) => return Step::Rest(Report::invalid(invalid)),
        (Ok(desired), _) => desired,
    };
    let Organization::Usable { us, now, terminating, writes_refused } = &scene.organization else {
        return Step::Rest(not_usable(scene));
    };
    let (memory, present) = (&scene.me.memory, scene.seen.present());
    let situation = Situation {
        desired,
        seen: &scene.seen,
        memory,
        standing: &standing(&scene.me, &scene.others, desired.pair, present),
        policies: &scene.policies,
        inherits: scene.inherits(),
        asked: scene.asked,
        us: *us,
        now: *now,
    };
    let next = plan(&situation);
    let is_elsewhere = matches!(next, Plan::Refuse(Refusal::Conflict(_) | Refusal::PairChanged { .. }));
    if let Some(created) = overtaken(scene, desired.pair).filter(|_| !is_elsewhere) {
        return look_again(scene, created, *now);
    }
    if matches!(next, Plan::Claim(_)) && *terminating && memory.owns_nothing() {
        return Step::Rest(waiting("its DatadogOrg is being deleted and takes no new connections: name another one"));
    }
    match (next, writes_refused, scene.contested) {
        (Plan::Tell, ..) => tell(scene),
        (Plan::Keep, ..) => keep(scene),
        (Plan::Wait(doubt), ..) => Step::Rest(uncertain(scene, &doubt)),
        (Plan::Refuse(refusal), ..) => Step::Rest(Report::refused(&refusal, desired.pair)),
        (Plan::Record(_), ..) => record(scene, desired),
        // A claim on a connection that is there needs no permission at Datadog.
        (Plan::Claim(claim), ..) if present.is_some() => Step::Claim(claim),
        (Plan::Create | Plan::Update(_) | Plan::Claim(_), Some(text), _) => {
            Step::Rest(permission_missing(text).showing(shown(&scene.seen, memory, *us)))
        }
        (Plan::Create | Plan::Update(_) | Plan::Claim(_), None, Some(rest)) => {
            Step::Rest(contested(rest).showing(shown(&scene.seen, memory, *us)))
        }
        (Plan::Claim(claim), None, None) => Step::Claim(claim),
        (Plan::Create, None, None) => Step::Create(desired.pair, desired.types.clone()),
        (Plan::Update(_), None, None) => update(&scene.seen, &desired.types),
    }
}

/// The list shows no connection, but an object has recorded one that is younger: another process made it. Answers when.
fn overtaken(scene: &Scene, pair: Pair) -> Option<Timestamp> {
    let began = scene.proof.filter(|_| scene.seen == Seen::Absent)?;
    let memories = scene.others.iter().chain([&scene.me]).map(|object| &object.memory);
    let recorded = memories.filter(|memory| memory.bound() == Some(pair)).filter_map(|memory| memory.recorded_created_at);
    recorded.max().filter(|created| *created > began)
}

/// A younger list tells. One that is asked for at once could still seem older.
fn look_again(scene: &Scene, created: Timestamp, now: Timestamp) -> Step {
    let report = uncertain(scene, &Doubt::NotListed);
    let wait = requeue::until(created.checked_add(WHOLE_SECONDS).unwrap_or(created), now);
    if wait.is_zero() { Step::AskForList(report) } else { Step::Rest(Report { retry: Retry::After(wait), ..report }) }
}

/// So it is wished: nothing is done, and it is said what would be.
fn tell(scene: &Scene) -> Step {
    let equal = scene.desired.as_ref().is_ok_and(|desired| scene.seen.present().is_some_and(|row| row.types == desired.types));
    if equal {
        return keep(scene);
    }
    let would = intention::of(scene).unwrap_or_default();
    let report = match scene.policies.hold {
        Hold::Suspended => Report::not_ready(
            ConnectionReason::Suspended,
            format!("suspended by its spec; without that the operator would {would}"),
            Retry::WhenWoken,
        ),
        Hold::ObserveOnly => Report::not_ready(
            ConnectionReason::OutOfSync,
            format!("the operator runs with --observe-only; without that it would {would}"),
            Retry::WhenWoken,
        ),
        Hold::No => Report::not_ready(
            ConnectionReason::OutOfSync,
            format!("only observed (managementPolicy: Observe); with Full the operator would {would}"),
            Retry::WhenWoken,
        ),
    };
    Step::Rest(report.showing(looked_at(scene)))
}

/// What is there, owned or only looked at.
fn looked_at(scene: &Scene) -> Shown {
    match scene.seen.present() {
        Some(connection) if scene.me.memory.owns(connection, scene.us()) => Shown::Owned(connection.clone()),
        Some(connection) => Shown::Observed(connection.clone()),
        None => Shown::NotOurs,
    }
}

/// The connection is taken over: its id goes into the status, and from then on it is owned. If it differs, the write wakes the object.
fn record(scene: &Scene, desired: &Desired) -> Step {
    let Some(connection) = scene.seen.present().filter(|_| scene.current) else {
        return Step::AskForList(Report::unchanged(Retry::WhenWoken));
    };
    let effect = intention::taken_over(scene, connection);
    let report = Report::in_sync(connection.clone(), Some(effect));
    if connection.types == desired.types { Step::Rest(report) } else { Step::Rest(Report { verdict: None, ..report }) }
}

/// Everything is as wanted. That is said of a new spec only after a look that is younger than it.
fn keep(scene: &Scene) -> Step {
    match looked_at(scene) {
        Shown::Owned(_) | Shown::Observed(_) if !scene.current && !scene.digest.is_in_sync(scene.generation) => {
            Step::AskForList(Report::unchanged(Retry::WhenWoken))
        }
        Shown::Owned(connection) => Step::Rest(Report::in_sync(connection, None)),
        Shown::Observed(connection) => Step::Rest(Report::observed(connection)),
        Shown::NotOurs | Shown::Unknown => Step::Rest(Report::unchanged(Retry::WhenWoken)),
    }
}

fn update(seen: &Seen, types: &ConnectionTypes) -> Step {
    seen.present()
        .map_or_else(|| Step::Rest(Report::unchanged(Retry::WhenWoken)), |connection| Step::Update(connection.clone(), types.clone()))
}

/// Nothing is certain. What was true stays said; an own call that is still being looked up has been told of already.
fn uncertain(scene: &Scene, doubt: &Doubt) -> Report {
    if was_in_sync(scene) {
        return vouch(scene);
    }
    match doubt {
        Doubt::NotListed | Doubt::CallPending => Report::unchanged(Retry::WhenWoken),
        Doubt::Incomplete(_) | Doubt::OutOfView { .. } => Report::not_ready(
            ConnectionReason::InventoryUnavailable,
            format!("{doubt}: nothing is done until a list is complete"),
            Retry::WhenWoken,
        ),
    }
}

fn not_usable(scene: &Scene) -> Report {
    if was_in_sync(scene) {
        return vouch(scene);
    }
    match &scene.organization {
        Organization::NotUsable { undecided: true, .. } | Organization::Usable { .. } | Organization::DeletesOnly { .. } => {
            Report::unchanged(Retry::WhenWoken)
        }
        Organization::NotUsable { why, .. } => waiting(&format!("its DatadogOrg cannot be used: {why}")),
        Organization::Missing => waiting("its DatadogOrg does not exist: create it, or correct sourceOrgRef"),
    }
}

fn was_in_sync(scene: &Scene) -> bool {
    scene.digest.is_in_sync(scene.generation) || scene.digest.is_not_vouched_for(scene.generation)
}

/// Nothing new is said, unless the status says `Ready` and nobody has been able to look for so long that it may not be true any more.
fn vouch(scene: &Scene) -> Report {
    let unchanged = Report::unchanged(Retry::WhenWoken);
    if scene.vouched || !scene.digest.is_in_sync(scene.generation) {
        return unchanged;
    }
    let verdict = Verdict {
        ready: Ready::Unknown,
        reason: ConnectionReason::OrganizationNotReady.name(),
        message: "it was in sync, but its organization could not be listed for long: see its DatadogOrg".to_owned(),
        progress: Progress::Reconciling,
    };
    Report { verdict: Some(verdict), ..unchanged }
}

fn waiting(why: &str) -> Report {
    Report::not_ready(ConnectionReason::OrganizationNotReady, why, Retry::WhenWoken)
}

fn shown(seen: &Seen, memory: &Memory, us: PrincipalId) -> Shown {
    match seen {
        Seen::Present(connection) if memory.owns(connection, Some(us)) => Shown::Owned(connection.clone()),
        Seen::Present(_) | Seen::Absent => Shown::NotOurs,
        Seen::Unknown(_) => Shown::Unknown,
    }
}

/// Datadog refused a write with this text. Permissions are looked at again with the polls of the organization.
pub fn permission_missing(text: &str) -> Report {
    Report::not_ready(ConnectionReason::PermissionMissing, text, Retry::Permanent)
}

/// Somebody else undoes what is put right. Two owners would go on for ever.
fn contested(rest: Duration) -> Report {
    let message = "the connection was put right several times within minutes and changed again each time: somebody else manages it too. \
                   Nothing is changed for half an hour; leave it to one owner (managementPolicy: Observe here, or remove it there)";
    Report::not_ready(ConnectionReason::Contested, message, Retry::After(rest))
}

/// What would be done if nothing stood in the way, for a report on a call that came to nothing.
pub fn intention(scene: &Scene) -> Option<String> {
    intention::of(scene)
}

#[cfg(test)]
mod tests;
