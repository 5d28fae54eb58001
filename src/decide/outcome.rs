//! What a pass came to: the one value that status, event, metrics, log line and requeue are made from. Pure.

use std::time::Duration;

use super::desired::Invalid;
use super::model::{Connection, ConnectionId, Organization, Pair};
use super::plan::Refusal;
use crate::api::conditions::{ConnectionReason, Progress, Ready, Verdict};

/// What was done at Datadog, or put back in Kubernetes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// A connection was created.
    Created(Connection),
    /// An owned connection had vanished and was created again.
    Recreated(Connection),
    /// A connection that existed before is owned from now on.
    Adopted {
        /// Which one, and who made it.
        what: String,
        /// Whether somebody else than our principal made it.
        foreign: bool,
    },
    /// The spec changed and the connection followed; the text says which types came and went.
    Updated(String),
    /// The connection had been changed behind our back and was put right; the text says which types came and went.
    Repaired(String),
    /// The owned connection was deleted.
    Deleted(String),
    /// The finalizer is gone, and nothing of this object is left at Datadog.
    Released(String),
    /// The finalizer is gone, and the connection stays on purpose.
    Orphaned(String),
}

/// When to look again without being woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Not at all: an event or a change of the inventory wakes the object.
    WhenWoken,
    /// With growing, jittered waits.
    Backoff,
    /// After this time.
    After(Duration),
    /// After half an hour: only a person can mend it, and nobody may tell us when.
    Permanent,
}

/// What is known of the pair's connection, for the status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// It is this object's.
    Owned(Connection),
    /// It is looked at and not this object's.
    Observed(Connection),
    /// There is none, or it is somebody else's.
    NotOurs,
    /// Nobody knows: what the status says stays.
    Unknown,
}

/// The end of one pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What the conditions shall say; nothing if what they say still holds.
    pub verdict: Option<Verdict>,
    /// What the status shall show.
    pub shown: Shown,
    /// The two organizations, as far as they are known.
    pub organizations: Option<(Organization, Organization)>,
    /// What would be done if it could, in words.
    pub plan: Option<String>,
    /// What was done.
    pub effect: Option<Effect>,
    /// When to look again.
    pub retry: Retry,
    /// Whether the next write at Datadog waits for that time too, whoever wakes the object before: a call has just failed.
    pub pauses: bool,
    /// Why a call at Datadog failed, down to the last cause, for the log.
    pub cause: Option<String>,
}

impl Report {
    /// The connection is exactly as wanted.
    pub fn in_sync(connection: Connection, effect: Option<Effect>) -> Self {
        let message = format!("Datadog shows {} shared as connection {}", connection.types, connection.id);
        Self {
            verdict: Some(Verdict {
                ready: Ready::True,
                reason: ConnectionReason::InSync.name(),
                message,
                progress: ConnectionReason::InSync.progress(),
            }),
            organizations: Some((connection.source.clone(), connection.sink.clone())),
            shown: Shown::Owned(connection),
            effect,
            ..Self::unchanged(Retry::WhenWoken)
        }
    }

    /// The connection is exactly as wanted, and somebody else's.
    pub fn observed(connection: Connection) -> Self {
        let message = format!("Datadog shows {} shared as connection {}, which is not this object's", connection.types, connection.id);
        let report = Self::in_sync(connection.clone(), None);
        let verdict = report.verdict.map(|verdict| Verdict { message, ..verdict });
        Self { verdict, shown: Shown::Observed(connection), ..report }
    }

    /// Not ready, for this reason; it says what to do.
    pub fn not_ready(reason: ConnectionReason, message: impl Into<String>, retry: Retry) -> Self {
        let verdict = Verdict { ready: Ready::False, reason: reason.name(), message: message.into(), progress: reason.progress() };
        Self { verdict: Some(verdict), ..Self::unchanged(retry) }
    }

    /// What the status says stays.
    pub fn unchanged(retry: Retry) -> Self {
        Self { verdict: None, shown: Shown::Unknown, organizations: None, plan: None, effect: None, retry, pauses: false, cause: None }
    }

    /// The same report after a failed call.
    pub fn pausing(self) -> Self {
        Self { pauses: true, ..self }
    }

    /// The same report with another look after this time, unless it asks for one sooner than in half an hour.
    pub fn looking_again(self, after: Duration) -> Self {
        match self.retry {
            Retry::WhenWoken | Retry::Permanent => Self { retry: Retry::After(after), ..self },
            Retry::Backoff | Retry::After(_) => self,
        }
    }

    /// The same report with why a call failed.
    pub fn because(self, cause: String) -> Self {
        Self { cause: Some(cause), ..self }
    }

    /// The same report with what the status shall show.
    pub fn showing(self, shown: Shown) -> Self {
        Self { shown, ..self }
    }

    /// The same report between these organizations, if it says anything.
    pub fn between(self, organizations: Option<(Organization, Organization)>) -> Self {
        if self.verdict.is_none() {
            return self;
        }
        Self { organizations: self.organizations.or(organizations), ..self }
    }

    /// The same report with what would be done, if it says that something is not as wanted.
    pub fn planning(self, plan: Option<String>) -> Self {
        match &self.verdict {
            Some(verdict) if verdict.ready != Ready::True => Self { plan: self.plan.or(plan), ..self },
            Some(_) | None => self,
        }
    }

    /// The same report with what was done.
    pub fn having(self, effect: Effect) -> Self {
        Self { effect: Some(effect), ..self }
    }

    /// The same report after its status was written, or was not. A connection is taken over by being recorded there, and by nothing else.
    pub fn recorded(self, written: bool) -> Self {
        Self { effect: self.effect.filter(|effect| written || !matches!(effect, Effect::Adopted { .. })), ..self }
    }

    /// Nothing can be wanted. An organization that is missing or unproven may come by itself.
    pub fn invalid(invalid: &Invalid) -> Self {
        let (reason, retry) = match invalid {
            Invalid::OrgMissing { .. }
            | Invalid::OrgUnproven { .. }
            | Invalid::NameNotLookedUp(_)
            | Invalid::NamesUnavailable { refused: false, .. } => (ConnectionReason::OrganizationNotReady, Retry::WhenWoken),
            Invalid::NamesUnavailable { refused: true, .. } => (ConnectionReason::PermissionMissing, Retry::WhenWoken),
            Invalid::SinkUnknown { .. } => (ConnectionReason::SinkUnknown, Retry::WhenWoken),
            Invalid::DifferentSite { .. } => (ConnectionReason::DifferentSite, Retry::Permanent),
            Invalid::SameOrganization(_) => (ConnectionReason::SameOrganization, Retry::Permanent),
            Invalid::Malformed(_) => (ConnectionReason::Invalid, Retry::Permanent),
        };
        Self::not_ready(reason, invalid.to_string(), retry)
    }

    /// Something is wanted that must not be done. Every refusal ends by a change that wakes the object.
    pub fn refused(refusal: &Refusal, pair: Pair) -> Self {
        let (reason, message) = match refusal {
            Refusal::PairChanged { claimed, resolved } => (
                ConnectionReason::PairChanged,
                format!(
                    "this object claimed {claimed}, but its references now lead to {resolved}: nothing is touched; restore the \
                     credentials, or delete this object and create another"
                ),
            ),
            Refusal::Conflict(holder) => (
                ConnectionReason::Conflict,
                format!("{holder} already holds the connection {pair}, and Datadog allows one: delete either object"),
            ),
            Refusal::DeletedOutside(id) => (
                ConnectionReason::DeletedOutside,
                format!(
                    "connection {id} was deleted at Datadog by somebody else, and externalDeletionPolicy is Report: nothing is done; to have \
                     it created again set that to Recreate, or annotate this object with crossorg.dev/reconcile-requested-at"
                ),
            ),
            Refusal::AlreadyExists { id, difference } => (ConnectionReason::AlreadyExists, already_exists(*id, difference)),
        };
        let shown = if matches!(refusal, Refusal::PairChanged { .. }) { Shown::Unknown } else { Shown::NotOurs };
        Self::not_ready(reason, message, Retry::Permanent).showing(shown)
    }

    /// Whether a person must act.
    pub fn is_stalled(&self) -> bool {
        self.verdict.as_ref().is_some_and(|verdict| verdict.progress == Progress::Stalled)
    }
}

fn already_exists(id: ConnectionId, difference: &str) -> String {
    let (differs, policy) =
        if difference.is_empty() { (String::new(), "IfIdentical") } else { (format!(" (it differs: {difference})"), "Always") };
    format!(
        "connection {id} already exists for this pair and this object did not create it{differs}: nothing is touched; set adoptionPolicy to \
         {policy} to take it over, or delete it at Datadog to have it created from here"
    )
}

#[cfg(test)]
mod tests;
