//! One step of one object: what it wants, what is there, how its organization stands, put together. Pure.
//!
//! Flow: a live object wants something ([`Desired`]), and [`plan`] says what to do about it; a terminating one is released
//! ([`release`]). Around both stands the organization: as long as it cannot be used, nothing is done, and what the status says stays
//! true until nobody can vouch for it any more.

use std::time::Duration;

use jiff::Timestamp;

use super::claims::{Claim, Claimant, Memory, standing};
use super::desired::{Desired, Invalid};
use super::digest::Digest;
use super::model::{Connection, ConnectionTypes, Pair, PrincipalId};
use super::outcome::{Report, Retry, Shown};
use super::plan::{Doubt, Plan, Seen, Situation, plan};
use super::release::{Parting, Release, release};
use crate::api::conditions::{ConnectionReason, Progress, Ready, Verdict};
use crate::api::org_connection::DeletionPolicy;

/// A wait shorter than this is not worth a write to the status.
const WORTH_TELLING: Duration = Duration::from_secs(5);

/// How the object's own organization stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Organization {
    /// There is no such DatadogOrg.
    Missing,
    /// Nothing may be written through it now.
    NotUsable {
        /// What stands in the way.
        why: String,
        /// Whether the first attempt is still under way.
        undecided: bool,
        /// Whether a person has to mend it.
        stalled: bool,
    },
    /// It is connected.
    Usable {
        /// Whom our key acts as.
        us: PrincipalId,
        /// Datadog's clock.
        now: Timestamp,
        /// Whether it is being deleted, and takes no new claims.
        terminating: bool,
        /// Datadog's text, if it refused the last write for want of a permission.
        writes_refused: Option<String>,
    },
}

/// Everything that a step depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scene {
    /// The object among its rivals.
    pub me: Claimant,
    /// The generation of its spec.
    pub generation: i64,
    /// Whether our finalizer is on it.
    pub finalizer: bool,
    /// Its deletion policy.
    pub policy: DeletionPolicy,
    /// What its status says.
    pub digest: Digest,
    /// What it wants.
    pub desired: Result<Desired, Invalid>,
    /// What is known of its pair: the claimed one if it is terminating, else the wanted one.
    pub seen: Seen,
    /// When the list began that proves it.
    pub proof: Option<Timestamp>,
    /// The other objects that claim the pair.
    pub others: Vec<Claimant>,
    /// How its organization stands.
    pub organization: Organization,
    /// Whether the organization was listed recently enough to vouch for what the status says.
    pub vouched: bool,
}

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
    /// Delete the owned connection.
    Delete(Connection),
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
            Self::Claim(_) | Self::Create(..) | Self::Update(..) | Self::Delete(_) => true,
            Self::Rest(_) | Self::AskForList(_) | Self::LetGo => false,
        }
    }
}

/// The next step of an object.
pub fn next(scene: &Scene) -> Step {
    if scene.me.terminating { parting_step(scene) } else { live_step(scene) }
}

fn live_step(scene: &Scene) -> Step {
    let desired = match (&scene.desired, &scene.organization) {
        (Err(Invalid::OrgUnproven { .. }), Organization::NotUsable { undecided: true, .. }) => return Step::Rest(vouch(scene)),
        (Err(invalid), _) => return Step::Rest(Report::invalid(invalid)),
        (Ok(desired), _) => desired,
    };
    let Organization::Usable { us, now, terminating, writes_refused } = &scene.organization else {
        return Step::Rest(not_usable(scene));
    };
    let standing = standing(&scene.me, &scene.others, desired.pair, scene.seen.present(), Some(*us));
    let memory = &scene.me.memory;
    let situation = Situation { desired, seen: &scene.seen, memory, standing: &standing, us: *us, now: *now };
    let next = plan(&situation);
    let owns_nothing = memory.claim.is_none() && memory.recorded.is_none();
    if matches!(next, Plan::Claim(_)) && *terminating && owns_nothing {
        return Step::Rest(waiting("its DatadogOrg is being deleted and takes no new connections: name another one"));
    }
    // A claim that only puts back what was lost needs no permission at Datadog.
    let restores = scene.seen.present().is_some();
    match (next, writes_refused) {
        (Plan::Claim(claim), Some(_)) if restores => Step::Claim(claim),
        (Plan::Create | Plan::Update(_) | Plan::Claim(_), Some(text)) => {
            Step::Rest(permission_missing(text).showing(shown(&scene.seen, memory, *us)))
        }
        (Plan::Keep, _) => keep(&scene.seen),
        (Plan::Wait(doubt), _) => Step::Rest(uncertain(scene, &doubt)),
        (Plan::Refuse(refusal), _) => Step::Rest(Report::refused(&refusal, desired.pair)),
        (Plan::Claim(claim), None) => Step::Claim(claim),
        (Plan::Create, None) => Step::Create(desired.pair, desired.types.clone()),
        (Plan::Update(_), None) => update(&scene.seen, &desired.types),
    }
}

fn keep(seen: &Seen) -> Step {
    Step::Rest(seen.present().map_or_else(|| Report::unchanged(Retry::WhenWoken), |connection| Report::in_sync(connection.clone(), None)))
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
        Organization::NotUsable { undecided: true, .. } | Organization::Usable { .. } => Report::unchanged(Retry::WhenWoken),
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

fn parting_step(scene: &Scene) -> Step {
    if !scene.finalizer {
        return Step::Rest(Report::unchanged(Retry::WhenWoken));
    }
    let us = if let Organization::Usable { us, .. } = &scene.organization { Some(*us) } else { None };
    let parting =
        Parting { memory: &scene.me.memory, policy: scene.policy, seen: &scene.seen, us, proof: scene.proof, others: &scene.others };
    match (release(&parting), &scene.organization) {
        (Release::LetGo, _) => Step::LetGo,
        (Release::Await(owner), _) => {
            Step::Rest(deleting(&format!("waits until {owner}, which owns the connection, has recorded it"), Retry::WhenWoken))
        }
        (Release::Delete(_) | Release::Prove(_), Organization::Missing) => Step::Rest(blocked("its DatadogOrg does not exist any more")),
        (Release::Delete(_) | Release::Prove(_), Organization::NotUsable { why, undecided, stalled }) => {
            Step::Rest(held_up(why, *undecided, *stalled))
        }
        (Release::Delete(_), Organization::Usable { .. }) => {
            scene.seen.present().map_or(Step::LetGo, |connection| Step::Delete(connection.clone()))
        }
        (Release::Prove(landed), Organization::Usable { now, .. }) => prove(&scene.seen, landed, *now),
    }
}

fn prove(seen: &Seen, landed: Option<Timestamp>, now: Timestamp) -> Step {
    match seen {
        Seen::Unknown(doubt @ Doubt::OutOfView { .. }) => return Step::Rest(blocked(&doubt.to_string())),
        // The next complete list wakes the object; asking for one more would bring the same. A call's outcome is being looked up already.
        Seen::Unknown(doubt @ Doubt::Incomplete(_)) => return Step::Rest(deleting(&doubt.to_string(), Retry::WhenWoken)),
        Seen::Unknown(Doubt::NotListed | Doubt::CallPending) => return Step::Rest(Report::unchanged(Retry::WhenWoken)),
        Seen::Absent | Seen::Present(_) => {}
    }
    let wait = landed.map(|landed| landed.duration_since(now)).and_then(|wait| Duration::try_from(wait).ok()).unwrap_or_default();
    if wait.is_zero() {
        return Step::AskForList(Report::unchanged(Retry::WhenWoken));
    }
    let retry = Retry::After(wait);
    if wait < WORTH_TELLING {
        return Step::Rest(Report::unchanged(retry));
    }
    let why = "no connection is to be seen, but one that was asked for less than a minute ago could still appear; looking again then";
    Step::Rest(deleting(why, retry))
}

fn deleting(why: &str, retry: Retry) -> Report {
    Report::not_ready(ConnectionReason::Deleting, why, retry)
}

fn held_up(why: &str, undecided: bool, stalled: bool) -> Report {
    match (undecided, stalled) {
        (true, _) => Report::unchanged(Retry::WhenWoken),
        (false, true) => blocked(why),
        (false, false) => deleting(&format!("its DatadogOrg cannot be used: {why}"), Retry::WhenWoken),
    }
}

/// Only a person can bring a deletion forward, and this is the way out.
pub fn blocked(why: &str) -> Report {
    let message = format!(
        "the connection cannot be deleted at Datadog: {why}. Mend that, or set deletionPolicy to Orphan to leave the connection there"
    );
    Report::not_ready(ConnectionReason::DeletionBlocked, message, Retry::Permanent)
}

#[cfg(test)]
mod tests;
