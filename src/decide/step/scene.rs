//! What a step depends on.

use std::time::Duration;

use jiff::Timestamp;

use crate::api::org_connection::ExternalDeletionPolicy;
use crate::decide::brake::Brake;
use crate::decide::claims::Claimant;
use crate::decide::desired::{Desired, Invalid};
use crate::decide::digest::Digest;
use crate::decide::model::PrincipalId;
use crate::decide::plan::{Policies, Seen};

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
    /// Nothing but deleting is possible: with the sink's key, or with credentials whose Secret is gone.
    DeletesOnly {
        /// Whom the source's key acted as, if that is known.
        us: Option<PrincipalId>,
        /// Datadog's clock.
        now: Timestamp,
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
    /// What its spec lets be done.
    pub policies: Policies,
    /// What its status says.
    pub digest: Digest,
    /// What it wants.
    pub desired: Result<Desired, Invalid>,
    /// What is known of its pair: the claimed one if it is terminating, else the wanted one.
    pub seen: Seen,
    /// When the list began that proves it.
    pub proof: Option<Timestamp>,
    /// Why the last list proves nothing, if it does not.
    pub doubt: Option<String>,
    /// Whether it was looked at after this generation of the spec was seen.
    pub current: bool,
    /// The other objects that claim the pair.
    pub others: Vec<Claimant>,
    /// How its organization stands.
    pub organization: Organization,
    /// The brake that its deletion counts against.
    pub brake: Brake,
    /// Whether a person has asked to look afresh, and that has been done.
    pub asked: bool,
    /// For how long nothing is put right any more, because somebody else undid that again and again.
    pub contested: Option<Duration>,
    /// Whether the organization was listed recently enough to vouch for what the status says.
    pub vouched: bool,
}

impl Scene {
    /// Whom our key acts as, if that is known.
    pub(super) fn us(&self) -> Option<PrincipalId> {
        match &self.organization {
            Organization::Usable { us, .. } => Some(*us),
            Organization::DeletesOnly { us, .. } => *us,
            Organization::Missing | Organization::NotUsable { .. } => None,
        }
    }

    /// Whether its connection is missed and only a person's request has it created again: that request must not be lost on the way.
    pub fn is_missed(&self) -> bool {
        let reports = self.policies.external_deletion == ExternalDeletionPolicy::Report && !self.policies.only_look();
        reports && self.me.memory.recorded.is_some() && self.seen.present().is_none()
    }

    /// Whether a terminating object owns the connection and leaves it to this one.
    pub(super) fn inherits(&self) -> bool {
        self.seen.present().is_some_and(|connection| self.others.iter().any(|other| other.hands_over(connection)))
    }
}
