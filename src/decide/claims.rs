//! Who may act on a pair: the claim is the intent, the recorded id is the property. Pure.
//!
//! The annotation reads `<uid of the object> <source>/<sink> [create=<time>] [adopt=<id>]`. It is written together with the finalizer and
//! the pair label before anything is created or adopted at Datadog. The uid makes a copied object (a restore, another cluster) claim
//! nothing. A claim only grows: adding one part keeps the other.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use super::model::{Connection, ConnectionId, OrgId, Pair, PrincipalId};

/// How far a connection's `created_at` may lie from the claim's create time and still prove that the claim created it. A POST is sent
/// within 30 s of its claim and answered within 10 s; five minutes leave room for clocks and for hands that hold up a process.
pub const CREATION_WINDOW: SignedDuration = SignedDuration::from_mins(5);

/// The recorded intent of one object to own the connection of one pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Claim {
    /// The pair; it never changes once claimed.
    pub pair: Pair,
    /// By Datadog's clock, just before the POST.
    pub create: Option<Timestamp>,
    /// A connection that existed before and is to be owned. It is intent only until its id stands in the status.
    pub adopt: Option<ConnectionId>,
}

impl Claim {
    /// Reads the annotation. A claim that carries another object's uid is none, and neither is one that cannot be read.
    pub fn parse(annotation: &str, own_uid: &str) -> Option<Self> {
        let mut words = annotation.split_ascii_whitespace();
        if words.next()? != own_uid {
            return None;
        }
        let mut claim = Self { pair: words.next()?.parse().ok()?, create: None, adopt: None };
        for word in words {
            match word.split_once('=') {
                // A part that cannot be read gives no right, and takes none away.
                Some(("create", time)) => claim.create = time.parse().ok(),
                Some(("adopt", id)) => claim.adopt = id.parse().ok(),
                // A part that a newer version added: ours still hold.
                Some(_) | None => {}
            }
        }
        Some(claim)
    }

    /// The annotation's value for the object with this uid.
    pub fn render(&self, own_uid: &str) -> String {
        let mut text = format!("{own_uid} {}", self.pair);
        for part in [self.create.map(|time| format!(" create={time}")), self.adopt.map(|id| format!(" adopt={id}"))].into_iter().flatten() {
            text.push_str(&part);
        }
        text
    }
}

/// The value of the pair label: 160 bits of the pair's SHA-256, since a label has no room for two UUIDs.
pub fn pair_label(pair: Pair) -> String {
    Sha256::digest(pair.to_string().as_bytes()).iter().take(20).map(|byte| format!("{byte:02x}")).collect()
}

/// What an object remembers, in Kubernetes, of its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Memory {
    /// Its claim, if the annotation holds a valid one.
    pub claim: Option<Claim>,
    /// Whether annotation, finalizer and label are all there.
    pub intact: bool,
    /// `status.connectionId`: the connection owned last.
    pub recorded: Option<ConnectionId>,
    /// `status.createdAt`: when that connection was created.
    pub recorded_created_at: Option<Timestamp>,
    /// The pair that the status names.
    pub recorded_pair: Option<Pair>,
}

impl Memory {
    /// The pair that the object is bound to: that of the recorded connection. An annotation can be forged by whoever may write the object,
    /// the status cannot.
    pub fn bound(&self) -> Option<Pair> {
        self.recorded.and(self.recorded_pair)
    }

    /// The same, with a claim on another pair than the recorded one as lost: the operator never wrote such a one.
    #[must_use]
    pub fn without_forged_claim(self) -> Self {
        let is_forged = self.claim.is_some_and(|claim| self.bound().is_some_and(|bound| bound != claim.pair));
        if is_forged { Self { claim: None, intact: false, ..self } } else { self }
    }

    /// The pair that this object may own something of: that of the recorded connection, or the claimed one. It never changes.
    pub fn pair(&self) -> Option<Pair> {
        self.bound().or(self.claim.map(|claim| claim.pair))
    }

    /// Whether it neither claims nor has recorded anything.
    pub fn owns_nothing(&self) -> bool {
        self.claim.is_none() && self.recorded.is_none()
    }

    /// The claim's create time: from then on a creation was announced.
    pub fn create_time(&self) -> Option<Timestamp> {
        self.claim?.create
    }

    /// Whether the connection is this object's property: its id is recorded, or the claim says that this object created it, its
    /// creator is our principal and it was created when the claim says. Only an owned connection is ever changed or deleted. As long as
    /// our principal is not known, the recorded id alone counts.
    pub fn owns(&self, connection: &Connection, us: Option<PrincipalId>) -> bool {
        let created_by_claim = |claim: Claim| {
            claim.pair == connection.pair()
                && us.is_some_and(|us| connection.created_by.is_some_and(|creator| creator.id == us))
                && claim.create.is_some_and(|create| connection.created_at.duration_since(create).abs() <= CREATION_WINDOW)
        };
        self.recorded == Some(connection.id) || self.claim.is_some_and(created_by_claim)
    }
}

/// One object that could act on a pair, as the live list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimant {
    /// `namespace/name`.
    pub name: String,
    /// Its uid.
    pub uid: String,
    /// When the object was created.
    pub created: Option<Timestamp>,
    /// Whether it is being deleted.
    pub terminating: bool,
    /// What it remembers. A claim counts only if its source is the organization that the object's own source has proven.
    pub memory: Memory,
    /// Whom its own source's key acts as, if that is known: what it made, that one made.
    pub acts_as: Option<PrincipalId>,
    /// What it would do with the pair's connection.
    pub intent: Intent,
}

/// What an object would do with a connection of the pair if it could have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Intent {
    /// Hold it: it wants this pair, may act for it, and its organization is connected.
    Hold(Pair),
    /// Give it to whoever wants it: it is being deleted, and the connection with it.
    HandOver,
    /// Perhaps hold it: it wants a sink of this source by a name that is still being looked up.
    MayHold(OrgId),
    /// Neither: only look, wait for its organization, or leave the connection behind.
    Neither,
    /// Nobody knows: its spec or status cannot be understood, only what it owns can.
    Unclear,
}

impl Claimant {
    /// Whether the connection is this object's property.
    pub fn owns(&self, connection: &Connection) -> bool {
        self.memory.owns(connection, self.acts_as)
    }

    /// Whether it holds on to this pair: what is recorded counts as a claim, though somebody has taken the claim away.
    pub fn claims(&self, pair: Pair) -> bool {
        self.memory.pair() == Some(pair)
    }

    /// Recorded before owned, owned before claimed, then older, then smaller uid.
    fn rank(&self, present: Option<&Connection>) -> (bool, bool, Option<Timestamp>, &str) {
        let owns = present.is_some_and(|connection| self.owns(connection));
        let recorded = present.is_some_and(|connection| self.memory.recorded == Some(connection.id));
        (!recorded, !owns, self.created, &self.uid)
    }

    /// Whether it is a live object that would hold the pair's connection.
    fn would_hold(&self, pair: Pair) -> bool {
        !self.terminating && self.intent == Intent::Hold(pair)
    }

    /// Whether it is on its way out, owns this connection, and leaves it to whoever wants the pair.
    pub fn hands_over(&self, connection: &Connection) -> bool {
        self.terminating && self.intent == Intent::HandOver && self.owns(connection)
    }
}

/// How an object stands among those that claim the same pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It claims the pair, and nobody comes before it.
    Holder,
    /// Another object holds the pair.
    Rival(String),
    /// Nobody claims the pair.
    Free,
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Holder => f.write_str("holds the pair"),
            Self::Rival(name) => write!(f, "{name} holds the pair"),
            Self::Free => f.write_str("nobody holds the pair"),
        }
    }
}

/// How `me` stands on the pair. A terminating object counts for nothing among live ones: it neither outranks nor blocks them.
pub fn standing(me: &Claimant, others: &[Claimant], pair: Pair, present: Option<&Connection>) -> Standing {
    let live = others.iter().filter(|other| other.uid != me.uid && !other.terminating && other.claims(pair));
    let best_rival = live.min_by_key(|other| other.rank(present));
    let owned = present.is_some_and(|connection| me.owns(connection));
    match best_rival {
        None if me.claims(pair) => Standing::Holder,
        None => Standing::Free,
        Some(rival) if (me.claims(pair) || owned) && me.rank(present) < rival.rank(present) => Standing::Holder,
        Some(rival) => Standing::Rival(rival.name.clone()),
    }
}

/// The live object that will hold this connection once its present owner lets it go, if any will.
pub fn heir<'a>(others: &'a [Claimant], connection: &Connection) -> Option<&'a Claimant> {
    let pair = connection.pair();
    let unhindered = |other: &&Claimant| !matches!(standing(other, others, pair, Some(connection)), Standing::Rival(_));
    others.iter().filter(|other| other.would_hold(pair)).find(unhindered)
}

#[cfg(test)]
mod tests;
