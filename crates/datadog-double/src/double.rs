//! The handle to a double: what a test sees, and what it can do to the request path.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::watch;
use uuid::Uuid;

use crate::config::{Config, Limit};
use crate::core::Core;
use crate::faults::Rule;
use crate::journal::{Entry, Tally, tally};
use crate::monitor::{Broken, Violation};
use crate::sources::{Clock, Ids};
use crate::state::{Connection, KnownUser};

mod behind;

/// The Datadog API in this process. Cheap to clone; all clones are one double.
#[derive(Clone)]
pub struct Double {
    core: Arc<Mutex<Core>>,
    changed: watch::Sender<()>,
}

impl std::fmt::Debug for Double {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Double")
    }
}

/// The whole truth at one moment.
#[derive(Clone, Debug, Serialize)]
pub struct State {
    /// All connections, in the order of their creation.
    pub connections: Vec<Connection>,
    /// All organizations, without the secret part of their keys.
    pub organizations: Vec<OrganizationState>,
    /// All users.
    pub users: Vec<KnownUser>,
}

/// An organization as the control interface shows it.
#[derive(Clone, Debug, Serialize)]
pub struct OrganizationState {
    /// Its UUID.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Its account.
    pub account: String,
    /// Its keys.
    pub credentials: Vec<CredentialState>,
    /// The budget it was configured with.
    pub limit: Option<Limit>,
}

/// A credential without its secret part.
#[derive(Clone, Debug, Serialize)]
pub struct CredentialState {
    /// Its name in the journal.
    pub id: String,
    /// Whom it acts as.
    pub user: Uuid,
    /// What it may do.
    pub permissions: Vec<String>,
    /// False when revoked.
    pub enabled: bool,
}

/// Why the control interface could not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// Nothing of that kind has this name.
    #[error("the double knows no {kind} {name}: look at its state for what there is")]
    Unknown {
        /// What was looked for.
        kind: &'static str,
        /// Its id or name.
        name: String,
    },
    /// The account's rules forbid it, for people too.
    #[error("the account does not allow it: choose another pair or other types")]
    Refused(#[source] crate::refusal::Refusal),
}

impl ControlError {
    fn unknown(kind: &'static str, name: &(impl ToString + ?Sized)) -> Self {
        Self::Unknown { kind, name: name.to_string() }
    }
}

/// What was waited for did not happen in time.
#[derive(Clone, Debug, thiserror::Error)]
#[error("waited {within:?} for something that did not happen: {requests} requests in the journal, the last one {last}")]
pub struct WaitExpired {
    within: Duration,
    requests: usize,
    last: String,
}

impl Double {
    /// A double with the real clock and random ids.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self::with_sources(config, Clock::real(), Ids::random())
    }

    /// A double with this clock and these ids.
    #[must_use]
    pub fn with_sources(config: &Config, clock: Clock, ids: Ids) -> Self {
        Self { core: Arc::new(Mutex::new(Core::new(config, clock, ids))), changed: watch::Sender::new(()) }
    }

    /// Looks at the core. A panic of a test under the lock leaves nothing half done that others could trip over.
    pub(crate) fn look<T>(&self, at: impl FnOnce(&Core) -> T) -> T {
        at(&self.core.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the core and wakes whoever waits.
    pub(crate) fn update<T>(&self, change: impl FnOnce(&mut Core) -> T) -> T {
        let result = change(&mut self.core.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.send_replace(());
        result
    }

    // === What a test sees ===

    /// All requests since the last clear.
    #[must_use]
    pub fn journal(&self) -> Vec<Entry> {
        self.look(|core| core.journal.entries().to_vec())
    }

    /// Sums over the journal.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.look(|core| tally(core.journal.entries()))
    }

    /// Forgets the requests so far; their numbers are not used again.
    pub fn clear_journal(&self) {
        self.update(|core| core.journal.clear());
    }

    /// The broken rules so far.
    #[must_use]
    pub fn violations(&self) -> Vec<Violation> {
        self.look(|core| core.monitor.violations().to_vec())
    }

    /// How often each rule was broken.
    #[must_use]
    pub fn broken(&self) -> BTreeMap<Broken, usize> {
        let mut counts = BTreeMap::new();
        self.violations().iter().for_each(|violation| *counts.entry(violation.broken).or_default() += 1);
        counts
    }

    /// Forgets the broken rules so far.
    pub fn clear_violations(&self) {
        self.update(|core| core.monitor.clear());
    }

    /// The whole truth.
    #[must_use]
    pub fn state(&self) -> State {
        self.look(|core| State {
            connections: core.world.connections().cloned().collect(),
            organizations: core.world.organizations().iter().map(OrganizationState::of).collect(),
            users: core.world.users().cloned().collect(),
        })
    }

    /// The connection of a pair, if there is one.
    #[must_use]
    pub fn connection(&self, source: Uuid, sink: Uuid) -> Option<Connection> {
        self.look(|core| core.world.connection_of_pair(source, sink).cloned())
    }

    // === Waiting ===

    /// Waits until the journal satisfies the predicate, which must not use the double: it runs under its lock.
    ///
    /// # Errors
    /// When `within` has passed, by tokio's clock.
    pub async fn wait(&self, within: Duration, satisfied: impl Fn(&[Entry]) -> bool) -> Result<(), WaitExpired> {
        self.wait_for(within, |core| satisfied(core.journal.entries())).await
    }

    /// Waits until the connections satisfy the predicate, which must not use the double: it runs under its lock.
    ///
    /// # Errors
    /// When `within` has passed, by tokio's clock.
    pub async fn wait_for_connections(&self, within: Duration, satisfied: impl Fn(&[Connection]) -> bool) -> Result<(), WaitExpired> {
        self.wait_for(within, |core| satisfied(&core.world.connections().cloned().collect::<Vec<_>>())).await
    }

    async fn wait_for(&self, within: Duration, satisfied: impl Fn(&Core) -> bool) -> Result<(), WaitExpired> {
        let mut changes = self.changed.subscribe();
        let waited = tokio::time::timeout(within, async {
            // The handle keeps the sender alive, so `changed` cannot fail while this future exists.
            while !self.look(&satisfied) && changes.changed().await.is_ok() {}
        });
        waited.await.map_err(|_| self.look(|core| WaitExpired::new(within, core.journal.entries())))
    }

    // === The script ===

    /// Adds a rule; the answer is its number.
    pub fn script(&self, rule: Rule) -> u64 {
        self.update(|core| core.script.add(rule))
    }

    /// The rules in force, by number. Used-up ones stay until they are removed.
    #[must_use]
    pub fn rules(&self) -> BTreeMap<u64, Rule> {
        self.look(|core| core.script.rules())
    }

    /// Takes a rule away and lets go what it holds.
    ///
    /// # Errors
    /// When there is no such rule.
    pub fn remove_rule(&self, rule: u64) -> Result<(), ControlError> {
        self.update(|core| core.script.remove(rule)).ok_or_else(|| ControlError::unknown("rule", &rule))
    }

    /// Takes all rules away and lets go what they hold.
    pub fn clear_script(&self) {
        self.update(|core| core.script.clear());
    }

    /// Opens the gate of a rule: what it holds goes on, and it holds nothing any more.
    ///
    /// # Errors
    /// When there is no such rule.
    pub fn release(&self, rule: u64) -> Result<(), ControlError> {
        self.update(|core| core.script.release(rule)).ok_or_else(|| ControlError::unknown("rule", &rule))
    }
}

impl OrganizationState {
    fn of(organization: &crate::config::Organization) -> Self {
        let credentials = organization.credentials.iter().map(|credential| CredentialState {
            id: credential.id.clone(),
            user: credential.user.id,
            permissions: credential.permissions.iter().cloned().collect(),
            enabled: credential.enabled,
        });
        Self {
            id: organization.id,
            name: organization.name.clone(),
            account: organization.account.clone(),
            credentials: credentials.collect(),
            limit: organization.limit.clone(),
        }
    }
}

impl WaitExpired {
    fn new(within: Duration, journal: &[Entry]) -> Self {
        let last = journal.last().map_or_else(|| "none".to_owned(), |entry| format!("{} {}", entry.method, entry.path));
        Self { within, requests: journal.len(), last }
    }
}
