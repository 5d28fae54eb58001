//! What the process knows at the moment of a scrape, as gauges.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;

use super::{Board, Described, described};
use crate::world::Key;

/// What the process knows.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// The DatadogOrgs.
    pub organizations: Vec<OrganizationState>,
    /// How many DatadogOrgs there are with each reason, also of those that none has.
    pub organization_reasons: BTreeMap<&'static str, u64>,
    /// How many OrgConnections there are with each reason, likewise.
    pub connections: BTreeMap<&'static str, u64>,
    /// Whether each OrgConnection is ready; empty unless that is asked for.
    pub ready: BTreeMap<Key, bool>,
    /// The request budgets.
    pub budgets: Vec<BudgetState>,
    /// How long ago each watch proved alive.
    pub watches: Vec<(String, Duration)>,
}

/// What is known of a DatadogOrg.
#[derive(Debug, Clone)]
pub struct OrganizationState {
    /// Namespace and name.
    pub key: Key,
    /// How old its last complete list is.
    pub inventory_age: Duration,
    /// How many connections of the last list no object manages; unknown before it.
    pub unmanaged: Option<usize>,
    /// How many deletions wait for its brake.
    pub held: usize,
}

/// What is known of a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetState {
    /// The organization's id.
    pub organization: String,
    /// What Datadog calls the bucket.
    pub bucket: String,
    /// How many requests it said are left.
    pub remaining: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Object {
    namespace: String,
    name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Bucket {
    organization: String,
    bucket: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Watch {
    watch: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Build {
    version: &'static str,
}

type Count = Gauge<u64, AtomicU64>;
type Seconds = Gauge<f64, AtomicU64>;

impl State {
    pub(super) fn show(&self, board: &mut Board) {
        let orgs = || self.organizations.iter();
        count(board, &described::CONNECTIONS, by_reason(&self.connections));
        count(board, &described::CONNECTION_READY, self.ready.iter().map(|(key, ready)| (object(key), u64::from(*ready))));
        count(board, &described::ORGANIZATIONS, by_reason(&self.organization_reasons));
        seconds(board, &described::INVENTORY_AGE, orgs().map(|org| (object(&org.key), org.inventory_age)));
        let unmanaged = orgs().filter_map(|org| Some((object(&org.key), u64::try_from(org.unmanaged?).ok()?)));
        count(board, &described::UNMANAGED, unmanaged);
        let held = orgs().filter_map(|org| Some((object(&org.key), u64::try_from(org.held).ok()?)));
        count(board, &described::DELETIONS_HELD, held);
        let budgets = self
            .budgets
            .iter()
            .map(|budget| (Bucket { organization: budget.organization.clone(), bucket: budget.bucket.clone() }, budget.remaining));
        count(board, &described::BUDGET_REMAINING, budgets);
        seconds(board, &described::WATCH_AGE, self.watches.iter().map(|(watch, age)| (Watch { watch: watch.clone() }, *age)));
        count(board, &described::BUILD, [(Build { version: env!("CARGO_PKG_VERSION") }, 1)]);
    }
}

fn by_reason(counts: &BTreeMap<&'static str, u64>) -> impl Iterator<Item = (Reason, u64)> {
    counts.iter().map(|(reason, number)| (Reason { reason }, *number))
}

fn object(key: &Key) -> Object {
    Object { namespace: key.namespace.clone(), name: key.name.clone() }
}

/// What the labels of a gauge have to be able to do.
trait Labels: EncodeLabelSet + Clone + Eq + std::hash::Hash + std::fmt::Debug + Send + Sync + 'static {}

impl<L: EncodeLabelSet + Clone + Eq + std::hash::Hash + std::fmt::Debug + Send + Sync + 'static> Labels for L {}

fn count<L: Labels>(board: &mut Board, described: &Described, samples: impl IntoIterator<Item = (L, u64)>) {
    let family = Family::<L, Count>::default();
    for (labels, number) in samples {
        family.get_or_create(&labels).set(number);
    }
    board.add(described, family);
}

fn seconds<L: Labels>(board: &mut Board, described: &Described, samples: impl IntoIterator<Item = (L, Duration)>) {
    let family = Family::<L, Seconds>::default();
    for (labels, time) in samples {
        family.get_or_create(&labels).set(time.as_secs_f64());
    }
    board.add(described, family);
}
