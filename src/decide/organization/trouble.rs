//! What can be the matter with an organization: the words for it, who mends it, and when it is looked at again. Pure.

use std::time::Duration;

use crate::api::conditions::{OrganizationReason, Progress};
use crate::decide::model::{OrgId, Organization};
use crate::decide::poll::{REFUSED_INTERVAL, SECRET_INTERVAL, SPREADING, SPREADING_INTERVAL};
use crate::decide::requeue;

/// Why an organization cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// The Secret is not there.
    SecretNotFound(String),
    /// Kubernetes does not let the operator read the Secret.
    SecretForbidden {
        /// Its name.
        secret: String,
        /// What the API server says.
        why: String,
    },
    /// Kubernetes does not answer what is in the Secret.
    SecretUnreadable {
        /// Its name.
        secret: String,
        /// What happened.
        why: String,
    },
    /// The Secret cannot be read as credentials.
    SecretInvalid {
        /// Its name.
        secret: String,
        /// What is wrong with it.
        why: String,
    },
    /// Datadog refuses the credentials.
    KeyRejected(String),
    /// The credentials belong to another organization.
    WrongOrganization {
        /// The one that the spec pins or that was proven before.
        expected: OrgId,
        /// The one that they belong to.
        found: Organization,
    },
    /// The credentials may not list connections.
    PermissionMissing(String),
    /// The spec suspends it.
    Suspended,
    /// The object's spec cannot be understood.
    Undecodable(String),
    /// No answer, or one that says nothing about the credentials.
    Unreachable(String),
    /// Nothing may be sent for this long.
    Throttled {
        /// What was refused.
        why: String,
        /// How long until the budget opens again.
        wait: Duration,
    },
}

impl Trouble {
    /// The word in the condition.
    pub fn reason(&self) -> OrganizationReason {
        match self {
            Self::SecretNotFound(_) => OrganizationReason::SecretNotFound,
            Self::SecretForbidden { .. } => OrganizationReason::SecretForbidden,
            Self::SecretUnreadable { .. } => OrganizationReason::SecretUnreadable,
            Self::SecretInvalid { .. } => OrganizationReason::SecretInvalid,
            Self::KeyRejected(_) => OrganizationReason::KeyRejected,
            Self::WrongOrganization { .. } => OrganizationReason::WrongOrganization,
            Self::PermissionMissing(_) => OrganizationReason::PermissionMissing,
            Self::Suspended => OrganizationReason::Suspended,
            Self::Undecodable(_) => OrganizationReason::Invalid,
            Self::Unreachable(_) => OrganizationReason::Unreachable,
            Self::Throttled { .. } => OrganizationReason::Throttled,
        }
    }

    /// What happened, to what, and what to do.
    pub fn message(&self) -> String {
        match self {
            Self::SecretNotFound(secret) => format!(
                "the Secret `{secret}` does not exist in this namespace: create it with the keys api-key and app-key, or bearer-token; it \
                 is looked for every 10 s"
            ),
            Self::SecretForbidden { secret, why } => format!(
                "the operator may not read the Secret `{secret}` (403: {why}): grant its ServiceAccount `get` on it, with the Helm chart by \
                 naming it in `secretNames`; it is tried again every 10 s"
            ),
            Self::SecretUnreadable { secret, why } => format!(
                "Kubernetes does not say what is in the Secret `{secret}`: {why}. Look at the API server, and at what encrypts its Secrets; \
                 it is tried again every 10 s"
            ),
            Self::SecretInvalid { secret, why } => format!("the Secret `{secret}` cannot be used: {why}"),
            Self::WrongOrganization { expected, found } => format!(
                "the credentials belong to organization {} ({}), not to {expected}: put a key of {expected} into the Secret; until then \
                 nothing is done with it",
                found.id, found.name
            ),
            Self::KeyRejected(why) | Self::PermissionMissing(why) | Self::Unreachable(why) | Self::Throttled { why, .. } => why.clone(),
            Self::Suspended => {
                "suspended by its spec: no request is made with its credentials, and its OrgConnections are left as they are".to_owned()
            }
            Self::Undecodable(why) => format!("the object cannot be understood: {why}. Correct it"),
        }
    }

    /// Who brings it forward. A key, or a right in Kubernetes, that was just given may be refused for seconds: a refusal is final only
    /// after a while.
    pub fn progress(&self, lasting: Duration) -> Progress {
        let may_spread = matches!(self, Self::KeyRejected(_) | Self::SecretForbidden { .. });
        if may_spread && lasting < SPREADING { Progress::Reconciling } else { self.reason().progress() }
    }

    /// How long Datadog is left alone with the same credentials.
    pub fn wait(&self, lasting: Duration, attempts: u32, chance: f64) -> Duration {
        match self {
            Self::SecretNotFound(_) | Self::SecretForbidden { .. } => SECRET_INTERVAL,
            Self::SecretUnreadable { .. } | Self::SecretInvalid { .. } => SECRET_INTERVAL,
            Self::KeyRejected(_) if lasting < SPREADING => SPREADING_INTERVAL,
            Self::KeyRejected(_) | Self::WrongOrganization { .. } | Self::PermissionMissing(_) | Self::Undecodable(_) => REFUSED_INTERVAL,
            // It ends with a change of the spec.
            Self::Suspended => Duration::from_hours(1),
            Self::Unreachable(_) => requeue::backoff(attempts.saturating_add(2), chance),
            Self::Throttled { wait, .. } => *wait + Duration::from_millis(100).mul_f64(1.0 + chance),
        }
    }

    /// Whether Datadog was not even asked.
    pub fn is_about_the_secret(&self) -> bool {
        match self {
            Self::SecretNotFound(_) | Self::SecretForbidden { .. } | Self::SecretUnreadable { .. } | Self::SecretInvalid { .. } => true,
            Self::KeyRejected(_) | Self::WrongOrganization { .. } | Self::PermissionMissing(_) => false,
            Self::Suspended | Self::Undecodable(_) | Self::Unreachable(_) | Self::Throttled { .. } => false,
        }
    }

    /// Whether the identity that was proven before still stands.
    pub fn leaves_identity(&self) -> bool {
        match self {
            Self::SecretNotFound(_) | Self::SecretForbidden { .. } | Self::SecretUnreadable { .. } => true,
            Self::Unreachable(_) | Self::Throttled { .. } | Self::Suspended => true,
            Self::SecretInvalid { .. } | Self::KeyRejected(_) | Self::WrongOrganization { .. } => false,
            Self::PermissionMissing(_) | Self::Undecodable(_) => false,
        }
    }

    /// Whether a person has to mend it before anything can be deleted, after it has lasted so long.
    pub fn needs_a_person(&self, lasting: Duration) -> bool {
        match self {
            Self::Unreachable(_) | Self::Throttled { .. } | Self::SecretUnreadable { .. } | Self::Suspended => false,
            Self::SecretNotFound(_) => true,
            Self::SecretForbidden { .. } | Self::SecretInvalid { .. } | Self::KeyRejected(_) => self.progress(lasting) == Progress::Stalled,
            Self::WrongOrganization { .. } | Self::PermissionMissing(_) | Self::Undecodable(_) => true,
        }
    }
}
