//! What is remembered of an organization between its turns.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use crate::api::datadog_org::DatadogOrgSpec;
use crate::datadog::Client;
use crate::decide::brake::Brake;
use crate::decide::desired::Names;
use crate::decide::model::{ConnectionId, Identity, OrgId, Organization, Principal};
use crate::decide::organization::Trouble;
use crate::decide::poll::{self, Link};
use crate::world::inventory::Inventory;

use super::writes::Writes;

#[derive(Debug)]
pub(super) struct State {
    pub(super) spec: DatadogOrgSpec,
    pub(super) terminating: bool,
    /// From the status, or proven by this process.
    pub(super) proven: Option<Organization>,
    pub(super) client: Option<Client>,
    /// What the organization is called in the rows of its lists: it may be renamed after its identity was asked for.
    pub(super) called: Option<String>,
    /// With the time when it was asked for; none if it is to be asked for again at once.
    pub(super) identity: Option<(Identity, Option<Instant>)>,
    pub(super) trouble: Option<Failing>,
    /// Whether it could be used when that was asked last.
    pub(super) was_usable: bool,
    pub(super) inventory: Inventory,
    pub(super) listed_at: Option<Instant>,
    /// When the last complete list began.
    pub(super) proved_at: Option<Instant>,
    /// Which list has been counted in the status.
    pub(super) counted: Option<Instant>,
    /// What it showed that no object manages.
    pub(super) unmanaged: Option<BTreeSet<ConnectionId>>,
    /// Since when it is not certain who manages what.
    pub(super) unsettled_since: Option<Instant>,
    pub(super) wanted: Option<Instant>,
    /// The last wish of a person.
    pub(super) insisted: Option<Instant>,
    pub(super) doubted: bool,
    pub(super) writes: Writes,
    /// Of the account's organizations, for sinks named by one, and when they were asked for.
    pub(super) names: Option<(Names, Instant)>,
    /// Since when each lookup of them has failed.
    pub(super) names_fail_since: Option<Instant>,
    pub(super) secret_read_at: Option<Instant>,
    /// Since when Kubernetes has not let the Secret be read, or not answered.
    pub(super) secret_unread_since: Option<Instant>,
    pub(super) started: Instant,
    /// Counts what makes a failed call worth trying again at once: other credentials, another identity, an end of trouble.
    pub(super) epoch: u64,
    pub(super) brake: Brake,
    /// Whether the brake may decide otherwise than when that was asked last, or say something else.
    pub(super) brake_is_news: bool,
    /// How many deletions were said to be held, and since when.
    pub(super) held: Option<(usize, Instant)>,
}

#[derive(Debug)]
pub(super) struct Failing {
    pub(super) trouble: Trouble,
    pub(super) since: Instant,
    pub(super) attempts: u32,
    pub(super) asked_at: Instant,
    pub(super) wait: Duration,
}

impl State {
    /// The client, and whom it speaks as, once that is proven and recorded: a stale cache could hide that another organization was.
    pub(super) fn speaker(&self) -> Option<(Client, Principal)> {
        let recorded = self.identity.as_ref().filter(|_| self.proven.is_some() && !self.spec.suspend);
        self.client.clone().zip(recorded.map(|(identity, _)| identity.principal))
    }

    /// The identity under the name that the organization has now, or else under the recorded one: what two processes say must not differ.
    pub(super) fn renamed(&self, identity: &Identity) -> Identity {
        let recorded = self.proven.as_ref().map(|proven| proven.name.clone()).filter(|name| !name.is_empty());
        let mut renamed = identity.clone();
        if let Some(name) = self.called.clone().or(recorded) {
            renamed.organization.name = name;
        }
        renamed
    }

    pub(super) fn speaks_as(&self, client: &Client) -> bool {
        self.client.as_ref().is_some_and(|known| known.credentials() == client.credentials())
    }

    /// The identity is asked for with the next turn, and that comes at once.
    pub(super) fn asks_again(&mut self) {
        self.doubted = true;
        self.wanted = Some(Instant::now());
        if let Some((_, asked_at)) = &mut self.identity {
            *asked_at = None;
        }
    }

    pub(super) fn refusal(&self) -> Option<&str> {
        if let Writes::Refused { why, .. } = &self.writes { Some(why) } else { None }
    }

    pub(super) fn pinned(&self) -> Option<OrgId> {
        self.spec.organization_id.as_ref().and_then(|id| id.0.parse().ok())
    }

    pub(super) fn interval(&self) -> Duration {
        poll::parse_interval(&self.spec.poll_interval).unwrap_or(poll::DEFAULT_INTERVAL)
    }

    pub(super) fn link(&self) -> Link {
        match (&self.trouble, &self.identity) {
            (Some(failing), identity) => Link::Down { since: failing.asked_at.elapsed(), wait: failing.wait, proven: identity.is_some() },
            (None, None) => Link::New,
            (None, Some((_, at))) => Link::Connected { identity_age: at.map_or(Duration::MAX, |at| at.elapsed()), doubted: self.doubted },
        }
    }

    pub(super) fn why_not(&self) -> Option<String> {
        self.trouble.as_ref().map(|failing| format!("{}: {}", failing.trouble.reason().name(), failing.trouble.message()))
    }
}
