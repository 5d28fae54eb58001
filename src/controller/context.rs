//! What every pass shares: the two APIs, what is known, and who is to be woken.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use http::Uri;
use jiff::Timestamp;
use kube::core::DeserializeGuard;
use kube::runtime::reflector::{ObjectRef, Store};
use tokio_util::task::TaskTracker;

use super::events::Numbers;
use super::health::Health;
use crate::api::DatadogOrg;
use crate::datadog::{Budgets, Client, Credentials, Observer, Transport, transport};
use crate::metrics::Metrics;
use crate::world::Key;
use crate::world::gate::Gates;
use crate::world::objects::Objects;
use crate::world::orgs::Orgs;
use crate::world::row::Row;

/// How long a pass waits for the first list of the other kind, whose end wakes everybody: what is missing before may only not have been
/// seen.
pub(super) const NOT_ALL_LISTED: Duration = Duration::from_secs(10);

/// A DatadogOrg as it is cached.
pub type CachedOrg = DeserializeGuard<DatadogOrg>;

/// What the world outside the process gives: replaced one by one in a simulation, where the real code runs in virtual time.
#[derive(Clone)]
pub struct Seams {
    /// The way to Datadog.
    pub transport: Transport,
    /// One base address in place of all sites.
    pub datadog_url: Option<Uri>,
    /// Whether nothing may be changed at Datadog, whatever the objects say.
    pub observe_only: bool,
    /// The wall clock; only ever shown, never decided on.
    pub wall_clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// Uniform in 0..1.
    pub chance: Arc<dyn Fn() -> f64 + Send + Sync>,
}

impl fmt::Debug for Seams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seams = &mut f.debug_struct("Seams");
        seams.field("datadog_url", &self.datadog_url).field("observe_only", &self.observe_only).finish_non_exhaustive()
    }
}

/// What every pass shares.
pub struct Context {
    /// The Kubernetes API.
    pub kubernetes: kube::Client,
    /// Where objects are watched: these namespaces, or everywhere (`None`).
    pub scopes: Vec<Scope>,
    /// Which objects speak of which pair and organization.
    pub objects: Objects,
    /// The organizations and their inventories.
    pub orgs: Orgs,
    /// Where objects wait that are too many at once for one organization.
    pub(super) gates: Gates,
    /// How many requests are left, by key and organization.
    pub(super) budgets: Budgets,
    /// The world outside.
    pub seams: Seams,
    /// Numbers Kubernetes events.
    pub(super) events: Numbers,
    /// Counts.
    pub metrics: Arc<Metrics>,
    /// How the watches are doing.
    pub health: Arc<Health>,
    /// Calls that change something at Datadog: they outlive the pass that made them.
    pub calls: TaskTracker,
}

/// One watched namespace, or all of them, with the way to wake its objects.
pub struct Scope {
    /// The namespace; `None` is all.
    pub namespace: Option<String>,
    /// The cached OrgConnections.
    pub rows: Store<Row>,
    wake_rows: UnboundedSender<ObjectRef<Row>>,
    wake_orgs: UnboundedSender<ObjectRef<CachedOrg>>,
}

/// The receiving ends of a scope's wake-ups, for its two controllers.
pub struct Wakeups {
    /// OrgConnections.
    pub rows: UnboundedReceiver<ObjectRef<Row>>,
    /// DatadogOrgs.
    pub orgs: UnboundedReceiver<ObjectRef<CachedOrg>>,
}

impl Scope {
    /// A scope on this store.
    pub fn new(namespace: Option<String>, rows: Store<Row>) -> (Self, Wakeups) {
        let (wake_rows, awake_rows) = unbounded();
        let (wake_orgs, awake_orgs) = unbounded();
        (Self { namespace, rows, wake_rows, wake_orgs }, Wakeups { rows: awake_rows, orgs: awake_orgs })
    }

    fn holds(&self, key: &Key) -> bool {
        self.namespace.as_ref().is_none_or(|namespace| *namespace == key.namespace)
    }
}

impl Context {
    /// A context on these scopes.
    pub fn new(kubernetes: kube::Client, scopes: Vec<Scope>, seams: Seams, metrics: Arc<Metrics>, health: Arc<Health>) -> Self {
        Self {
            events: Numbers::default(),
            kubernetes,
            scopes,
            objects: Objects::default(),
            orgs: Orgs::default(),
            gates: Gates::default(),
            budgets: Budgets::default(),
            seams,
            metrics,
            health,
            calls: TaskTracker::new(),
        }
    }

    /// The scopes that an object is watched in: one, or none.
    pub(super) fn scopes_of(&self, key: &Key) -> impl Iterator<Item = &Scope> {
        self.scopes.iter().filter(|scope| scope.holds(key))
    }

    /// The cached form of an OrgConnection.
    pub fn row(&self, key: &Key) -> Option<Arc<Row>> {
        let reference = ObjectRef::new(&key.name).within(&key.namespace);
        self.scopes_of(key).find_map(|scope| scope.rows.get(&reference))
    }

    /// The cached form of every OrgConnection.
    pub fn rows(&self) -> impl Iterator<Item = Arc<Row>> {
        self.scopes.iter().flat_map(|scope| scope.rows.state())
    }

    /// Has OrgConnections looked at again.
    pub fn wake(&self, keys: impl IntoIterator<Item = Key>) {
        for key in keys {
            for scope in self.scopes_of(&key) {
                // Fails only when the controller has ended, and the process with it.
                scope.wake_rows.unbounded_send(ObjectRef::new(&key.name).within(&key.namespace)).ok();
            }
        }
    }

    /// Has a DatadogOrg looked at again.
    pub fn wake_org(&self, key: &Key) {
        for scope in self.scopes_of(key) {
            scope.wake_orgs.unbounded_send(ObjectRef::new(&key.name).within(&key.namespace)).ok();
        }
    }

    /// A client for a DatadogOrg on this site.
    pub fn datadog(
        &self,
        org: &Key,
        site: crate::api::datadog_org::Site,
        credentials: Credentials,
    ) -> Result<Client, http::uri::InvalidUri> {
        let base = match &self.seams.datadog_url {
            Some(url) => url.clone(),
            None => format!("https://api.{}", site.domain()).parse()?,
        };
        let (metrics, org) = (Arc::clone(&self.metrics), org.clone());
        let observer: Observer = Arc::new(move |observation| metrics.observe(&org, observation));
        let transport = self.seams.transport.clone();
        let transport = if self.seams.observe_only { transport::observe_only(transport) } else { transport };
        Ok(Client::new(transport, &base, credentials).observed_by(observer))
    }
}
