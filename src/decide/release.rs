//! What to do for an object that is being deleted. Pure.
//!
//! | first match | step |
//! |---|---|
//! | no claim and no recorded id, or `deletionPolicy: Orphan` | let go |
//! | a live object has recorded the connection's id as its own | let go |
//! | a live object owns it by its creation, and this one has not recorded it | wait until that one has |
//! | the connection is owned and there | delete it by its id |
//! | a list that proves it shows no connection that could be owned | let go |
//! | otherwise | wait for such a list |
//!
//! The proof: a complete list begun after our last write to the pair, and at least [`LANDED`] after the claim's create time, so that no
//! POST of any process, dead or alive, can still land. A connection older than a minute never waits.

use jiff::{SignedDuration, Timestamp};

use super::claims::{Claimant, Memory};
use super::model::{Connection, ConnectionId, PrincipalId};
use super::plan::Seen;
use crate::api::org_connection::DeletionPolicy;

/// 30 s in which a POST may be sent after its claim, 10 s request deadline, 20 s for a list that lags.
pub const LANDED: SignedDuration = SignedDuration::from_secs(60);

/// The next step for a terminating object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Release {
    /// Remove the finalizer.
    LetGo,
    /// Delete the owned connection.
    Delete(ConnectionId),
    /// Wait for this live object to record the connection.
    Await(String),
    /// A list begun at or after this time, by Datadog's clock, is needed first.
    Prove(Option<Timestamp>),
}

/// What a release depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parting<'a> {
    /// What the object remembers.
    pub memory: &'a Memory,
    /// Its deletion policy, as it is now.
    pub policy: DeletionPolicy,
    /// What is known of the claimed pair.
    pub seen: &'a Seen,
    /// Whom our key acts as, if it is known.
    pub us: Option<PrincipalId>,
    /// When the list that `seen` comes from began, if it is complete and began after our last write to the pair.
    pub proof: Option<Timestamp>,
    /// The other objects that claim the pair.
    pub others: &'a [Claimant],
}

/// The next step for a terminating object.
pub fn release(parting: &Parting<'_>) -> Release {
    let Parting { memory, policy, seen, us, proof, others: _ } = parting;
    let nothing_is_ours = memory.claim.is_none() && memory.recorded.is_none();
    if nothing_is_ours || *policy == DeletionPolicy::Orphan {
        return Release::LetGo;
    }
    let landed = memory.claim.and_then(|claim| claim.create).and_then(|create| create.checked_add(LANDED).ok());
    let absent_or_foreign = match seen {
        Seen::Unknown(_) => false,
        Seen::Absent => true,
        Seen::Present(connection) => match whose(parting, connection) {
            Some(step) => return step,
            // Who made it can only be told once our principal is known.
            None => us.is_some() || landed.is_none(),
        },
    };
    match proof {
        Some(began) if absent_or_foreign && landed.is_none_or(|landed| *began >= landed) => Release::LetGo,
        Some(_) | None => Release::Prove(landed),
    }
}

/// What to do about the connection that is there; nothing if it is not this object's.
fn whose(parting: &Parting<'_>, connection: &Connection) -> Option<Release> {
    let Parting { memory, us, others, policy: _, seen: _, proof: _ } = parting;
    let recorded = memory.recorded == Some(connection.id);
    let mut live = others.iter().filter(|other| !other.terminating);
    if live.clone().any(|other| other.memory.recorded == Some(connection.id)) {
        return Some(Release::LetGo);
    }
    match live.find(|other| !recorded && other.memory.owns(connection, *us)) {
        Some(owner) => Some(Release::Await(owner.name.clone())),
        None => memory.owns(connection, *us).then_some(Release::Delete(connection.id)),
    }
}

#[cfg(test)]
mod tests;
