//! How a DatadogOrg stands, and the status that says so. Pure.

mod trouble;

use std::time::Duration;

use jiff::Timestamp;

pub use self::trouble::Trouble;
use super::model::Identity;
use super::status::{named, whole_seconds};
use super::unmanaged::Tally;
use crate::api::conditions::{OrganizationReason, Ready, Verdict};
use crate::api::datadog_org::DatadogOrgStatus;
use crate::api::fields::PrincipalStatus;

/// What the owner of a key lacks to write, if that is certain: an answer that names no permission at all proves nothing.
pub fn lacks_write(identity: &Identity) -> Option<String> {
    let writes = |permission: &String| permission == "org_connections_write" || permission == "org_management";
    let lacks = !identity.permissions.is_empty() && !identity.permissions.iter().any(writes);
    lacks.then(|| {
        format!(
            "the key of {} belongs to a user without the permission org_connections_write (it has {}): grant it to one of the user's roles; \
             it is looked at again every minute",
            identity.organization.name,
            identity.permissions.join(", ")
        )
    })
}

/// How a DatadogOrg stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stand {
    /// Nothing is known yet.
    Checking,
    /// Its connections can be listed.
    Connected(Identity),
    /// It cannot be used, for so long already.
    Trouble(Trouble, Duration),
}

impl Stand {
    /// The word in the condition of one that is there to stay.
    pub fn reason(&self) -> OrganizationReason {
        match self {
            Self::Checking => OrganizationReason::Checking,
            Self::Connected(_) => OrganizationReason::Connected,
            Self::Trouble(trouble, _) => trouble.reason(),
        }
    }

    /// What the conditions shall say; `users` are the objects that keep a terminating DatadogOrg from going.
    pub fn verdict(&self, users: &[String]) -> Verdict {
        let make = |reason: OrganizationReason, message: String, progress| Verdict {
            ready: if reason == OrganizationReason::Connected { Ready::True } else { Ready::False },
            reason: reason.name(),
            message,
            progress,
        };
        if !users.is_empty() {
            let message = format!(
                "deletion waits for {} OrgConnection(s) that still use it ({}): delete them, or set their deletionPolicy to Orphan",
                users.len(),
                users.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(", ")
            );
            return make(OrganizationReason::InUse, message, OrganizationReason::InUse.progress());
        }
        match self {
            Self::Checking => {
                make(OrganizationReason::Checking, "the credentials are being checked".to_owned(), OrganizationReason::Checking.progress())
            }
            Self::Connected(identity) => make(OrganizationReason::Connected, connected(identity), OrganizationReason::Connected.progress()),
            Self::Trouble(trouble, lasting) => make(trouble.reason(), trouble.message(), trouble.progress(*lasting)),
        }
    }
}

fn connected(identity: &Identity) -> String {
    let caution = match identity.principal.service_account {
        Some(false) => "; the key is a person's, not a service account's: Datadog deletes its connections when the person is deactivated",
        Some(true) | None => "",
    };
    format!("the credentials belong to {} ({}) and can list its connections{caution}", identity.organization.name, identity.organization.id)
}

/// Whether a status tells of another principal or of other permissions than the identity does. Then one of the two is old, as when a
/// permission was granted between the starts of two processes.
pub fn tells_otherwise(status: &DatadogOrgStatus, identity: &Identity) -> bool {
    status.principal.as_ref().is_some_and(|told| *told != principal(identity) || status.permissions != identity.permissions)
}

fn principal(identity: &Identity) -> PrincipalStatus {
    PrincipalStatus { id: identity.principal.id.to_string(), service_account: identity.principal.service_account }
}

/// What one look at an organization found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Findings {
    /// How it stands.
    pub stand: Stand,
    /// Why the last list proves nothing, if it does not.
    pub doubt: Option<String>,
    /// What a list showed, if one came and it is certain who manages what.
    pub tally: Option<Tally>,
    /// The objects that keep it from going, if it is terminating.
    pub users: Vec<String>,
    /// How many deletions wait for the brake.
    pub held: usize,
    /// The reconcile request that was carried out.
    pub handled_request: Option<String>,
}

impl Findings {
    /// What the conditions shall say. A list that proves nothing is no trouble with the organization, but people have to know of it.
    pub fn verdict(&self) -> Verdict {
        let mut verdict = self.stand.verdict(&self.users);
        if let (Stand::Connected(_), Some(doubt), []) = (&self.stand, &self.doubt, self.users.as_slice()) {
            verdict.message.push_str(&format!("; but its list is incomplete, so nothing is created and nothing believed gone: {doubt}"));
        }
        if let Some(notice) = self.held_notice() {
            verdict.message.push_str(&format!("; {notice}"));
        }
        verdict
    }

    /// How many deletions wait, and where to read what to do, if any does.
    pub fn held_notice(&self) -> Option<String> {
        (self.held > 0).then(|| {
            format!(
                "{} deletion(s) wait for its brake (maxDeletionsPerHour): the OrgConnections with the reason DeletionHeld say how to approve \
                 them",
                self.held
            )
        })
    }
}

/// The status of an object that nobody has looked at.
pub fn blank() -> DatadogOrgStatus {
    DatadogOrgStatus {
        observed_generation: -1,
        organization: None,
        principal: None,
        permissions: Vec::new(),
        connections: None,
        unmanaged: Vec::new(),
        deletion_window_start: None,
        deletions_in_window: Vec::new(),
        held_deletions: None,
        last_handled_reconcile_at: None,
        conditions: Vec::new(),
    }
}

/// The status to write, or `None` if `previous` says it already.
pub fn next(previous: Option<&DatadogOrgStatus>, findings: &Findings, generation: i64, now: Timestamp) -> Option<DatadogOrgStatus> {
    let blank = blank();
    let previous = previous.unwrap_or(&blank);
    let mut next = previous.clone();
    next.observed_generation = generation;
    next.conditions = findings.verdict().conditions(&previous.conditions, generation, whole_seconds(now));
    if let Stand::Connected(identity) = &findings.stand {
        next.organization = Some(named(&identity.organization, previous.organization.as_ref()));
        next.principal = Some(principal(identity));
        next.permissions.clone_from(&identity.permissions);
    }
    if let Some(tally) = &findings.tally {
        next.connections = Some(tally.counts());
        next.unmanaged = tally.shown(&previous.unmanaged);
    }
    next.held_deletions = i64::try_from(findings.held).ok().filter(|held| *held > 0);
    if findings.handled_request.is_some() {
        next.last_handled_reconcile_at.clone_from(&findings.handled_request);
    }
    (next != *previous).then_some(next)
}

#[cfg(test)]
mod tests;
