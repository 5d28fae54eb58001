//! What to do for an object that is being deleted. Pure.
//!
//! | first match | step |
//! |---|---|
//! | no claim and no recorded id, `deletionPolicy: Orphan`, or `managementPolicy: Observe` | let go |
//! | a live object has recorded the connection's id as its own, and it is the last one that this object made | let go |
//! | a live object has recorded it, and this one may have made another since: what is seen may be old | as if it were not owned |
//! | owned, and a live object that claims the pair, or has recorded one of it, cannot be understood, or one may want it that names its sink by a name still looked up | wait until that is clear |
//! | owned, and a live object of the pair would hold it, or owns it by its creation while this one has not recorded it | wait until that one has recorded it |
//! | the connection is owned and there | delete it by its id |
//! | a list that proves it shows no connection that could be owned | let go |
//! | otherwise | wait for such a list |
//!
//! The proof: a complete list begun after our last write to the pair, and at least [`LANDED`] after the claim's create time, so that no
//! POST of any process, dead or alive, can still land, and after the recorded connection was created: an older list, of before another
//! process recorded it, proves nothing. A connection older than a minute never waits.

use jiff::{SignedDuration, Timestamp};

use super::claims::{Claimant, Intent, Memory, heir};
use super::model::{Connection, ConnectionId, PrincipalId};
use super::plan::Seen;

/// 30 s in which a POST may be sent after its claim, 10 s request deadline, 20 s for a list that lags.
pub const LANDED: SignedDuration = SignedDuration::from_secs(60);
/// How long a list may lag behind a connection that is there.
pub const LISTED: SignedDuration = SignedDuration::from_secs(20);

/// The next step for a terminating object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Release {
    /// Remove the finalizer.
    LetGo,
    /// Delete the owned connection.
    Delete(ConnectionId),
    /// Wait for this live object to record the connection.
    Await(String),
    /// Wait until it is clear what this live object wants.
    AwaitClarity(String),
    /// A list begun at or after this time, by Datadog's clock, is needed first.
    Prove(Option<Timestamp>),
}

/// What a release depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parting<'a> {
    /// What the object remembers.
    pub memory: &'a Memory,
    /// Whether its policies, as they are now, leave the connection behind.
    pub leaves_it: bool,
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
    let Parting { memory, leaves_it, seen, us, proof, others: _ } = parting;
    let nothing_is_ours = memory.claim.is_none() && memory.recorded.is_none();
    if nothing_is_ours || *leaves_it {
        return Release::LetGo;
    }
    let landed = landed(memory);
    let absent_or_foreign = match seen {
        Seen::Unknown(_) => false,
        Seen::Absent => true,
        Seen::Present(connection) if parting.is_recorded_by_another(connection) => {
            if is_the_last(memory, connection) {
                return Release::LetGo;
            }
            true
        }
        Seen::Present(connection) => match whose(parting, connection) {
            Some(step) => return step,
            // Who made it can only be told once our principal is known.
            None => us.is_some() || memory.create_time().is_none(),
        },
    };
    match proof {
        Some(began) if absent_or_foreign && landed.is_none_or(|landed| *began >= landed) => Release::LetGo,
        Some(_) | None => Release::Prove(landed),
    }
}

/// From when on a list shows whatever this object may own: what it asked for has landed, and what it recorded was there. Another process
/// may have recorded that long after this one's last list.
fn landed(memory: &Memory) -> Option<Timestamp> {
    let landed = memory.create_time().and_then(|create| create.checked_add(LANDED).ok());
    landed.max(memory.recorded_created_at.and_then(|recorded| recorded.checked_add(LISTED).ok()))
}

impl Parting<'_> {
    /// Whether a live object has recorded the connection as its own.
    pub fn is_recorded_by_another(&self, connection: &Connection) -> bool {
        live(self).any(|other| other.memory.recorded == Some(connection.id))
    }
}

fn live<'a>(parting: &'a Parting<'_>) -> impl Iterator<Item = &'a Claimant> {
    parting.others.iter().filter(|other| !other.terminating)
}

/// Whether this object has made no other connection since: it has recorded this one, and has not claimed anew.
fn is_the_last(memory: &Memory, connection: &Connection) -> bool {
    memory.recorded == Some(connection.id) && memory.create_time().is_none_or(|create| create <= connection.created_at)
}

/// What to do about the connection that is there; nothing if it is not this object's.
fn whose(parting: &Parting<'_>, connection: &Connection) -> Option<Release> {
    let Parting { memory, us, others, leaves_it: _, seen: _, proof: _ } = parting;
    if !memory.owns(connection, *us) {
        return None;
    }
    let may_want_it = |other: &&Claimant| match other.intent {
        Intent::Unclear => other.claims(connection.pair()),
        Intent::MayHold(source) => source == connection.source.id,
        Intent::Hold(_) | Intent::HandOver | Intent::Neither => false,
    };
    if let Some(unclear) = live(parting).find(may_want_it) {
        return Some(Release::AwaitClarity(unclear.name.clone()));
    }
    let recorded = memory.recorded == Some(connection.id);
    let maker = live(parting).find(|other| !recorded && other.owns(connection));
    let next = heir(others, connection).or(maker);
    Some(next.map_or(Release::Delete(connection.id), |next| Release::Await(next.name.clone())))
}

#[cfg(test)]
mod tests;
