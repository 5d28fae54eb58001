//! What to do about one pair. Pure: the table of docs/architecture.md, "What is decided", first match wins.
//!
//! | the pair's connection | ours | policy | plan |
//! |---|---|---|---|
//! | any | the claim names another pair | | `Refuse(PairChanged)` |
//! | unknown | has recorded a connection | | `Wait` |
//! | any | another object holds the pair | | `Refuse(Conflict)` |
//! | unknown | | | `Wait` |
//! | any | | `Observe`, suspended, `--observe-only` | `Tell`; a claim that is there stays, none is made |
//! | absent | owned before | `Report`, and nobody has asked since | `Refuse(DeletedOutside)` |
//! | absent | no fresh create time newer than the recorded connection | | `Claim(create)` |
//! | absent | claimed with such a create time | | `Create` |
//! | present | owned, but annotation, finalizer or label is missing | | `Claim` as it was, or `Claim(create, adopt)` if it was lost |
//! | equal / differs | owned | | `Keep` / `Update` |
//! | present | not owned; a terminating object hands it over | any adoption | `Claim(adopt)`, then `Record` |
//! | equal | not owned | `IfIdentical`, `Always` | `Claim(adopt)`, then `Record` |
//! | differs | not owned | `Always` | `Claim(adopt)`, then `Record`; it is owned then |
//! | present | not owned | else | `Refuse(AlreadyExists)` |

use jiff::{SignedDuration, Timestamp};

use super::claims::{CREATION_WINDOW, Claim, Memory, Standing};
use super::desired::Desired;
use super::model::{Connection, ConnectionId, OrgId, Pair, PrincipalId};
use crate::api::org_connection::{AdoptionPolicy, DeletionPolicy, ExternalDeletionPolicy, ManagementPolicy, OrgConnectionSpec};

/// A POST is sent at most this long after the create time in its claim; an older claim is written anew first. Together with the request
/// deadline it bounds when a POST of a process that died can still land.
pub const CLAIM_FRESH: SignedDuration = SignedDuration::from_secs(30);

/// Why nothing is certain of a pair.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Doubt {
    /// There has been no list yet.
    #[error("the organization's connections have not been listed yet")]
    NotListed,
    /// One of our own calls had no readable answer.
    #[error("the outcome of the last call is not known; the next list will tell")]
    CallPending,
    /// The last list proves nothing.
    #[error("the list of the organization's connections is incomplete: {0}")]
    Incomplete(String),
    /// The organization that was listed is no part of the pair.
    #[error("{listed} is no part of the pair {pair}, so its list cannot tell")]
    OutOfView {
        /// Whose list it is.
        listed: OrgId,
        /// The pair.
        pair: Pair,
    },
}

/// What the inventory knows of one pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// Nothing is certain.
    Unknown(Doubt),
    /// A complete list proves that there is no connection.
    Absent,
    /// There is one.
    Present(Connection),
}

impl Seen {
    /// The connection, if there is one.
    pub fn present(&self) -> Option<&Connection> {
        match self {
            Self::Present(connection) => Some(connection),
            Self::Absent | Self::Unknown(_) => None,
        }
    }
}

/// What an object's spec lets be done for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Policies {
    /// Whether anything may be done at all.
    pub management: ManagementPolicy,
    /// What becomes of a connection that exists already.
    pub adoption: AdoptionPolicy,
    /// What becomes of one that somebody else has deleted.
    pub external_deletion: ExternalDeletionPolicy,
    /// What becomes of it when the object goes.
    pub deletion: DeletionPolicy,
    /// Whether creating and changing is held.
    pub hold: Hold,
}

/// Why nothing is created or changed now, whatever the policies are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hold {
    /// It is not held.
    No,
    /// The spec suspends the object.
    Suspended,
    /// The whole process only looks.
    ObserveOnly,
}

impl Policies {
    /// As the spec says, in a process that may or may not act.
    pub fn of(spec: &OrgConnectionSpec, observe_only: bool) -> Self {
        let hold = match (observe_only, spec.suspend) {
            (true, _) => Hold::ObserveOnly,
            (false, true) => Hold::Suspended,
            (false, false) => Hold::No,
        };
        Self {
            management: spec.management_policy,
            adoption: spec.adoption_policy,
            external_deletion: spec.external_deletion_policy,
            deletion: spec.deletion_policy,
            hold,
        }
    }

    /// Whether nothing is created or changed now.
    pub fn only_look(&self) -> bool {
        self.hold != Hold::No || self.management == ManagementPolicy::Observe
    }

    /// Whether the connection stays when the object goes.
    pub fn leave_it(&self) -> bool {
        self.deletion == DeletionPolicy::Orphan || self.management == ManagementPolicy::Observe
    }

    /// Whether a connection that is not owned is taken over.
    pub fn adopt(&self, equal: bool) -> bool {
        match self.adoption {
            AdoptionPolicy::Never => false,
            AdoptionPolicy::IfIdentical => equal,
            AdoptionPolicy::Always => true,
        }
    }
}

/// Everything that a plan depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Situation<'a> {
    /// What is wanted.
    pub desired: &'a Desired,
    /// What is there.
    pub seen: &'a Seen,
    /// What the object remembers.
    pub memory: &'a Memory,
    /// How the object stands among those that claim the pair.
    pub standing: &'a Standing,
    /// What the spec lets be done.
    pub policies: &'a Policies,
    /// Whether a terminating object owns the connection and leaves it to whoever wants the pair.
    pub inherits: bool,
    /// Whether a person has asked to look afresh, and that has been done.
    pub asked: bool,
    /// Whom our key acts as.
    pub us: PrincipalId,
    /// Datadog's clock.
    pub now: Timestamp,
}

/// One step; at most one of them is a write at Datadog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// Everything is as it should be.
    Keep,
    /// Nothing is certain yet.
    Wait(Doubt),
    /// Touch nothing, and say what would be done: so it is wished.
    Tell,
    /// Write this claim, with finalizer and label, then plan again.
    Claim(Claim),
    /// Write the id of this connection into the status: from then on it is owned.
    Record(ConnectionId),
    /// Create the connection.
    Create,
    /// Replace the owned connection's types.
    Update(ConnectionId),
    /// Touch nothing.
    Refuse(Refusal),
}

/// Why nothing is touched although something is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The claim names another pair than the references resolve to now.
    PairChanged {
        /// The pair in the claim.
        claimed: Pair,
        /// The pair that the references lead to.
        resolved: Pair,
    },
    /// The named object holds the pair.
    Conflict(String),
    /// The owned connection was deleted by somebody else, and the policy is to report that.
    DeletedOutside(ConnectionId),
    /// The connection exists and is not this object's.
    AlreadyExists {
        /// The connection that is there.
        id: ConnectionId,
        /// What would have to change for it to be as wanted; empty if it is already.
        difference: String,
    },
}

/// The next step for a live object.
pub fn plan(situation: &Situation<'_>) -> Plan {
    let Situation { desired, seen, memory, standing, policies, inherits: _, asked, us, now } = situation;
    if let Some(claimed) = memory.pair().filter(|claimed| *claimed != desired.pair) {
        return Plan::Refuse(Refusal::PairChanged { claimed, resolved: desired.pair });
    }
    // Who owns what is there, only a list tells: until then an owner does not step back from an older claim.
    if let (Seen::Unknown(why), Some(_)) = (seen, memory.recorded) {
        return Plan::Wait(why.clone());
    }
    if let Standing::Rival(name) = standing {
        return Plan::Refuse(Refusal::Conflict(name.clone()));
    }
    match (seen, memory.recorded) {
        (Seen::Unknown(why), _) => Plan::Wait(why.clone()),
        (Seen::Absent | Seen::Present(_), _) if policies.only_look() => Plan::Tell,
        (Seen::Absent, Some(id)) if policies.external_deletion == ExternalDeletionPolicy::Report && !asked => {
            Plan::Refuse(Refusal::DeletedOutside(id))
        }
        (Seen::Absent, _) if memory.intact && is_fresh(memory, *now) => Plan::Create,
        (Seen::Absent, _) => Plan::Claim(Claim {
            pair: desired.pair,
            create: Some(create_time(memory, *now)),
            adopt: memory.claim.and_then(|claim| claim.adopt),
        }),
        (Seen::Present(connection), _) if !memory.owns(connection, Some(*us)) => plan_of_foreign(situation, connection),
        (Seen::Present(connection), _) if !memory.intact => Plan::Claim(restored(memory, connection, *now)),
        (Seen::Present(connection), _) if connection.types == desired.types => Plan::Keep,
        (Seen::Present(connection), _) => Plan::Update(connection.id),
    }
}

/// A connection that is not owned is taken over or left alone. Its id is recorded only under a claim, so that nobody else takes it too.
fn plan_of_foreign(situation: &Situation<'_>, connection: &Connection) -> Plan {
    let Situation { desired, memory, policies, inherits, .. } = situation;
    let difference = connection.types.difference(&desired.types);
    if !inherits && !policies.adopt(difference.is_empty()) {
        return Plan::Refuse(Refusal::AlreadyExists { id: connection.id, difference });
    }
    let claimed = memory.claim.filter(|claim| memory.intact && claim.adopt == Some(connection.id));
    match claimed {
        Some(_) => Plan::Record(connection.id),
        None => Plan::Claim(Claim { pair: desired.pair, create: memory.create_time(), adopt: Some(connection.id) }),
    }
}

/// Whether the claim's create time may still be followed by a POST, and is after the recorded connection's. It may lie ahead of `now` by
/// as much as Datadog's own clocks differ.
fn is_fresh(memory: &Memory, now: Timestamp) -> bool {
    memory.create_time().is_some_and(|create| {
        let age = now.duration_since(create);
        (-CREATION_WINDOW..=CLAIM_FRESH).contains(&age) && create >= create_time(memory, create)
    })
}

/// Now, or the second after the recorded connection was created (its time is stored in whole seconds) if that is later.
fn create_time(memory: &Memory, now: Timestamp) -> Timestamp {
    let after = memory.recorded_created_at.and_then(|recorded| recorded.checked_add(SignedDuration::from_secs(1)).ok());
    after.map_or(now, |after| now.max(after))
}

/// The claim to put back: the old one if only finalizer or label went; else one that the recorded id backs.
fn restored(memory: &Memory, connection: &Connection, now: Timestamp) -> Claim {
    memory.claim.unwrap_or(Claim { pair: connection.pair(), create: Some(now), adopt: Some(connection.id) })
}

#[cfg(test)]
mod tests;
