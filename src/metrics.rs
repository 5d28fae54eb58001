//! What is counted and measured, in OpenMetrics text. The counters live here; everything else is read from what the process knows at the
//! moment of the scrape, so that nothing is kept twice and the series of an object end with it.
//!
//! Series grow with the DatadogOrgs, never with the OrgConnections, unless that is asked for (`--metrics-per-object`). Each label is a word
//! of ours, a Kubernetes name, an organization's id, or the name of a bucket, of which Datadog cannot make up more than six.

mod described;
mod state;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Metric, Registry};

pub use self::described::{ALL, Described};
pub use self::state::{BudgetState, OrganizationState, State};

use crate::datadog::Observation;
use crate::decide::outcome::Effect;
use crate::world::Key;

/// The content type of [`Metrics::render`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What a pass over an OrgConnection came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// What is cached was enough to see that nothing is to be done: nearly always.
    Quiet,
    /// It read live and changed nothing.
    Unchanged,
    /// It wrote a status.
    Said,
    /// It did something at Datadog, or let the object go.
    Changed,
}

/// Why something did not work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// Somebody else wrote the object in between, or it is gone.
    Conflict,
    /// The Kubernetes API did not answer, or refused.
    Kubernetes,
    /// The installed CRDs are older than this version.
    OlderCrd,
    /// Datadog failed in a way that mends itself.
    Transient,
    /// Datadog's request budget is used up.
    Throttled,
    /// Datadog refuses until a person changes something.
    Permanent,
    /// A Secret is missing, or holds no key.
    Secret,
    /// An object cannot be understood.
    Invalid,
    /// A bug.
    Panic,
}

impl Outcome {
    fn word(self) -> &'static str {
        match self {
            Self::Quiet => "quiet",
            Self::Unchanged => "unchanged",
            Self::Said => "said",
            Self::Changed => "changed",
        }
    }
}

impl Failure {
    fn word(self) -> &'static str {
        match self {
            Self::Conflict => "conflict",
            Self::Kubernetes => "kubernetes",
            Self::OlderCrd => "older_crd",
            Self::Transient => "transient",
            Self::Throttled => "throttled",
            Self::Permanent => "permanent",
            Self::Secret => "secret",
            Self::Invalid => "invalid",
            Self::Panic => "panic",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, EncodeLabelSet)]
struct Request {
    namespace: String,
    name: String,
    call: &'static str,
    class: &'static str,
    result: &'static str,
}

/// A label set of one word of ours.
macro_rules! word_label {
    ($($set:ident { $label:ident })*) => {
        $(#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
        struct $set { $label: &'static str })*
    };
}

word_label! { Call { call } Pass { outcome } Change { change } Drift { was } Class { class } }

type Reader = Box<dyn Fn() -> State + Send + Sync>;

/// The process's metrics.
#[derive(Default)]
pub struct Metrics {
    /// By DatadogOrg; those of one that is gone are dropped with the next scrape.
    requests: Mutex<BTreeMap<Request, u64>>,
    latency: Latency,
    passes: Family<Pass, Counter>,
    changes: Family<Change, Counter>,
    repaired: Family<Drift, Counter>,
    errors: Family<Class, Counter>,
    state: OnceLock<Reader>,
    per_object: bool,
    stands_by: AtomicBool,
}

/// Its default has the buckets.
#[derive(Debug, Clone)]
struct Latency(Family<Call, Histogram>);

impl Default for Latency {
    fn default() -> Self {
        // From 10 ms to the deadline of a request, 10 s.
        Self(Family::new_with_constructor(|| Histogram::new(exponential_buckets(0.01, 2.0, 11))))
    }
}

impl Metrics {
    /// With a series for each OrgConnection, or without.
    pub fn new(per_object: bool) -> Self {
        Self { per_object, ..Self::default() }
    }

    /// Whether there is a series for each OrgConnection.
    pub fn per_object(&self) -> bool {
        self.per_object
    }

    /// From now on the state is read in this way. Only the first call counts.
    pub fn read_state_by(&self, read: impl Fn() -> State + Send + Sync + 'static) {
        self.state.set(Box::new(read)).ok();
    }

    /// Whether another process works and this one waits; it does not unless that is said.
    pub fn stands_by(&self, stands_by: bool) {
        self.stands_by.store(stands_by, Ordering::Relaxed);
    }

    /// One request for this DatadogOrg was answered, or was not.
    pub fn observe(&self, org: &Key, observation: &Observation) {
        let Observation { call, class, result, elapsed, route: _ } = *observation;
        let request = Request { namespace: org.namespace.clone(), name: org.name.clone(), call, class, result };
        *self.requests().entry(request).or_default() += 1;
        self.latency.0.get_or_create(&Call { call }).observe(elapsed.max(Duration::ZERO).as_secs_f64());
    }

    /// One pass over an OrgConnection ended.
    pub fn pass(&self, outcome: Outcome) {
        self.passes.get_or_create(&Pass { outcome: outcome.word() }).inc();
    }

    /// Something was done.
    pub fn effect(&self, effect: &Effect) {
        match effect {
            Effect::Created(_) => self.changed("created"),
            Effect::Adopted { .. } => self.changed("adopted"),
            Effect::Updated(_) => self.changed("updated"),
            Effect::Deleted(_) => self.changed("deleted"),
            Effect::Released(_) => self.changed("released"),
            Effect::Orphaned(_) => self.changed("orphaned"),
            Effect::Recreated(_) => self.put_right("deleted"),
            Effect::Repaired(_) => self.put_right("changed"),
        }
    }

    fn changed(&self, change: &'static str) {
        self.changes.get_or_create(&Change { change }).inc();
    }

    fn put_right(&self, was: &'static str) {
        self.repaired.get_or_create(&Drift { was }).inc();
    }

    /// Something did not work.
    pub fn failed(&self, failure: Failure) {
        self.errors.get_or_create(&Class { class: failure.word() }).inc();
    }

    /// All of them as text.
    pub fn render(&self) -> String {
        let state = self.state.get().map(|read| read()).unwrap_or_default();
        let mut board = Board(Registry::with_prefix("crossorg"));
        self.show(&mut board, &state);
        state.show(&mut board);
        let mut text = String::new();
        // Writing to a string cannot fail.
        encode(&mut text, &board.0).ok();
        text
    }

    fn show(&self, board: &mut Board, state: &State) {
        let requests = Family::<Request, Counter>::default();
        for (request, count) in self.requests_of(&state.organizations) {
            requests.get_or_create(&request).inc_by(count);
        }
        board.add(&described::REQUESTS, requests);
        board.add(&described::REQUEST_DURATION, self.latency.0.clone());
        board.add(&described::PASSES, self.passes.clone());
        board.add(&described::CHANGES, self.changes.clone());
        board.add(&described::DRIFT_REPAIRED, self.repaired.clone());
        board.add(&described::ERRORS, self.errors.clone());
        let leader = Gauge::<u64, AtomicU64>::default();
        leader.set(u64::from(!self.stands_by.load(Ordering::Relaxed)));
        board.add(&described::LEADER, leader);
    }

    /// What was counted for the DatadogOrgs that are there.
    fn requests_of(&self, organizations: &[OrganizationState]) -> BTreeMap<Request, u64> {
        let there: BTreeSet<_> = organizations.iter().map(|org| (&org.key.namespace, &org.key.name)).collect();
        let mut requests = self.requests();
        requests.retain(|request, _| there.contains(&(&request.namespace, &request.name)));
        requests.clone()
    }

    fn requests(&self) -> MutexGuard<'_, BTreeMap<Request, u64>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").field("per_object", &self.per_object).finish_non_exhaustive()
    }
}

/// What one scrape shows. Nothing comes onto it without a description.
struct Board(Registry);

impl Board {
    fn add(&mut self, described: &Described, metric: impl Metric) {
        self.0.register(described.name, described.help, metric);
    }
}

#[cfg(test)]
mod tests;
