//! Watches, the two controllers on them, and their end.
//!
//! Each kind and namespace has exactly one watch inside its controller: kube puts one back-off around all triggers of a controller, so a
//! second failing watch would hold up the first. Everything else wakes objects through a channel.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt::Debug;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use futures::{FutureExt, StreamExt};
use kube::runtime::WatchStreamExt;
use kube::runtime::reflector::store::Writer;
use kube::runtime::reflector::{self, Store};
use kube::{Api, Resource};
use kube_runtime::controller::{Action, Config as ControllerConfig, Controller};
use kube_runtime::watcher::{self, Event, watcher};
use serde::de::DeserializeOwned;
use tracing::{error, warn};

use super::context::{Context, Scope, Seams, Wakeups};
use super::health::Health;
use super::{contact, datadog_org, org_connection, signals};
use crate::log::chain;
use crate::metrics::{Failure, Metrics};
use crate::world::Key;
use crate::world::row::Row;

/// The server ends each watch after this many seconds and kube begins another, so a connection that died in silence is noticed.
const WATCH_SECONDS: u32 = 30;
/// Any number of passes at the same time: each organization must be able to wait without holding up another, and what is too much for one
/// waits at its own [gate](crate::world::gate).
const CONCURRENCY: u16 = 0;
/// How long calls under way at the end may take: a pod has 30 s, and an end within 5 s is promised.
const LAST_CALLS: Duration = Duration::from_secs(4);
/// How long after a panic the object is left alone. It is a bug: fast repetition helps nobody.
const AFTER_PANIC: Duration = Duration::from_mins(1);

/// How the work has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// No call at Datadog is left.
    InOrder,
    /// A call at Datadog has had no answer yet.
    CallsLeft,
}

/// Runs both controllers until `stop`, then gives calls under way 4 s to end.
pub async fn run(
    kubernetes: kube::Client,
    namespaces: &[String],
    seams: Seams,
    (metrics, health): (Arc<Metrics>, Arc<Health>),
    stop: impl Future<Output = ()> + Send + Sync + 'static,
) -> End {
    let stop = stop.shared();
    let wanted: Vec<Option<String>> = if namespaces.is_empty() { vec![None] } else { namespaces.iter().cloned().map(Some).collect() };
    let mut scopes = Vec::new();
    let mut ends = Vec::new();
    for namespace in wanted {
        let (rows, row_writer) = reflector::store();
        let (scope, wakeups) = Scope::new(namespace.clone(), rows.clone());
        scopes.push(scope);
        ends.push((namespace, rows, row_writer, wakeups));
    }
    let context = Arc::new(Context::new(kubernetes, scopes, seams, metrics, health));
    signals::serve(&context);
    let loops = ends
        .into_iter()
        .map(|(namespace, rows, writer, wakeups)| scope_loop(Arc::clone(&context), namespace, rows, writer, wakeups, stop.clone()));
    let graceful = async {
        join_all(loops).await;
        context.calls.close();
        context.calls.wait().await;
    };
    let deadline = async {
        stop.clone().await;
        context.gates.close();
        tokio::time::sleep(LAST_CALLS).await;
    };
    // A pass that hangs, or a first list that never came, would keep a graceful end waiting for ever.
    drop(futures::future::select(Box::pin(graceful), Box::pin(deadline)).await);
    if context.calls.is_empty() { End::InOrder } else { End::CallsLeft }
}

async fn scope_loop(
    context: Arc<Context>,
    namespace: Option<String>,
    rows: Store<Row>,
    row_writer: Writer<Row>,
    wakeups: Wakeups,
    stop: impl Future<Output = ()> + Clone + Send + Sync + 'static,
) {
    let (orgs, org_writer) = reflector::store();
    let row_taps = Taps { applied: Context::row_applied, deleted: Context::row_deleted, listed: Context::rows_listed };
    let org_taps = Taps { applied: Context::org_applied, deleted: Context::org_deleted, listed: Context::orgs_listed };
    let row_tap = Tap::new(Arc::clone(&context), namespace.as_ref(), row_taps);
    let org_tap = Tap::new(Arc::clone(&context), namespace.as_ref(), org_taps);
    let config = ControllerConfig::default().concurrency(CONCURRENCY);
    let (counted, metrics) = (Arc::clone(&context.metrics), Arc::clone(&context.metrics));
    let connections = Controller::for_stream(stream(api(&context, namespace.as_deref()), row_writer, row_tap), rows)
        .with_config(config.clone())
        .reconcile_on(wakeups.rows)
        .graceful_shutdown_on(stop.clone())
        .run(move |row, context| isolated(Arc::clone(&counted), org_connection::reconcile(row, context)), give_up, Arc::clone(&context))
        .for_each(|_| std::future::ready(()));
    let organizations = Controller::for_stream(stream(api(&context, namespace.as_deref()), org_writer, org_tap), orgs)
        .with_config(config)
        .reconcile_on(wakeups.orgs)
        .graceful_shutdown_on(stop)
        .run(move |org, context| isolated(Arc::clone(&metrics), datadog_org::reconcile(org, context)), give_up, context)
        .for_each(|_| std::future::ready(()));
    futures::future::join(connections, organizations).await;
}

fn api<K>(context: &Context, namespace: Option<&str>) -> Api<K>
where
    K: Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>,
{
    let (health, name) = (Arc::clone(&context.health), watch_name::<K>(namespace));
    let client = contact::client(context.kubernetes.clone(), move || health.is_answered(&name));
    match namespace {
        Some(namespace) => Api::namespaced(client, namespace),
        None => Api::all(client),
    }
}

fn stream<K>(api: Api<K>, writer: Writer<K>, mut tap: Tap<K>) -> impl futures::Stream<Item = Result<K, watcher::Error>> + Send + 'static
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
{
    watcher(api, watcher::Config::default().timeout(WATCH_SECONDS))
        .modify(|object| object.meta_mut().managed_fields = None)
        .reflect(writer)
        .inspect(move |event| tap.see(event))
        .touched_objects()
}

/// Nothing ends a pass with an error: it records its failure itself and says when to look again.
fn give_up<K>(_: Arc<K>, never: &Infallible, _: Arc<Context>) -> Action {
    match *never {}
}

/// A panic in a pass would end its controller; it costs that object a minute instead.
async fn isolated(metrics: Arc<Metrics>, pass: impl Future<Output = Action>) -> Result<Action, Infallible> {
    Ok(AssertUnwindSafe(pass).catch_unwind().await.unwrap_or_else(|_| {
        metrics.failed(Failure::Panic);
        error!("a pass panicked; its object is looked at again in a minute. This is a bug: please report it with the lines above");
        Action::requeue(AFTER_PANIC)
    }))
}

/// What a kind's events mean for the rest of the world.
struct Taps<K> {
    applied: fn(&Context, &K),
    deleted: fn(&Context, &Key),
    listed: fn(&Context),
}

/// Looks at the events of a watch on their way.
struct Tap<K> {
    context: Arc<Context>,
    name: String,
    /// What the list under way has shown, with its uid; what is not in it at its end has gone while nobody watched.
    listing: BTreeMap<Key, Option<String>>,
    known: BTreeMap<Key, Option<String>>,
    taps: Taps<K>,
    failing: bool,
}

impl<K: Resource<DynamicType = ()>> Tap<K> {
    fn new(context: Arc<Context>, namespace: Option<&String>, taps: Taps<K>) -> Self {
        let name = watch_name::<K>(namespace.map(String::as_str));
        context.health.begins(&name);
        Self { context, name, listing: BTreeMap::new(), known: BTreeMap::new(), taps, failing: false }
    }

    fn see(&mut self, event: &Result<Event<K>, watcher::Error>) {
        match event {
            Ok(event) => self.see_event(event),
            Err(error) => self.see_error(error),
        }
    }

    fn see_event(&mut self, event: &Event<K>) {
        // `Init` only says that a list is begun, and comes before each failure of one.
        self.failing &= matches!(event, Event::Init);
        match event {
            Event::Init => self.listing.clear(),
            Event::InitApply(object) => {
                self.listing.insert(Key::of(object), object.meta().uid.clone());
                self.applied(object);
            }
            Event::InitDone => {
                let listed = std::mem::take(&mut self.listing);
                for gone in self.known.keys().filter(|key| !listed.contains_key(key)) {
                    (self.taps.deleted)(&self.context, gone);
                }
                self.known = listed;
                self.context.health.has_listed(&self.name);
                (self.taps.listed)(&self.context);
            }
            Event::Apply(object) => {
                self.applied(object);
                self.known.insert(Key::of(object), object.meta().uid.clone());
            }
            Event::Delete(object) => {
                self.known.remove(&Key::of(object));
                (self.taps.deleted)(&self.context, &Key::of(object));
            }
        }
    }

    /// A namesake inherits nothing, also when the end of the one before was not seen.
    fn applied(&self, object: &K) {
        let key = Key::of(object);
        if self.known.get(&key).is_some_and(|uid| *uid != object.meta().uid) {
            (self.taps.deleted)(&self.context, &key);
        }
        (self.taps.applied)(&self.context, object);
    }

    /// One line at the beginning of a series of failures, not one for each.
    fn see_error(&mut self, error: &watcher::Error) {
        if std::mem::replace(&mut self.failing, true) {
            return;
        }
        if is_missing_kind(error) {
            error!(
                watch = self.name,
                "the API server does not know {}: apply the CRDs with `crossorg crds | kubectl apply --server-side --force-conflicts -f -`; waiting for them",
                K::plural(&())
            );
        } else {
            warn!(watch = self.name, error = chain(error), "the watch failed and is begun again");
        }
    }
}

fn watch_name<K: Resource<DynamicType = ()>>(namespace: Option<&str>) -> String {
    namespace.map_or_else(|| K::plural(&()).into_owned(), |namespace| format!("{} in {namespace}", K::plural(&())))
}

fn is_missing_kind(error: &watcher::Error) -> bool {
    match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status)) | watcher::Error::WatchStartFailed(kube::Error::Api(status)) => {
            // Not `is_not_found()`: an unknown kind is answered in plain text, without a reason.
            status.code == 404
        }
        watcher::Error::InitialListFailed(_)
        | watcher::Error::WatchStartFailed(_)
        | watcher::Error::WatchError(_)
        | watcher::Error::WatchFailed(_)
        | watcher::Error::NoResourceVersion => false,
    }
}

impl Context {
    /// Whether every object of this kind beside the key has been seen.
    pub(super) fn knows<K: Resource<DynamicType = ()>>(&self, key: &Key) -> bool {
        self.scopes_of(key).all(|scope| self.health.knows(&watch_name::<K>(scope.namespace.as_deref())))
    }

    /// Whether the first list of a namespace may still show who else has a say about a pair. One that does not come is not waited for.
    pub(super) fn awaits_rivals(&self) -> bool {
        let is_listed = |scope: &Scope| self.health.knows(&watch_name::<Row>(scope.namespace.as_deref()));
        self.scopes.iter().any(|scope| !is_listed(scope) && !self.is_blind::<Row>(scope))
    }

    /// Whether nothing has been heard for long of the objects of this kind beside the key: what the cache says of them may be old.
    pub(super) fn is_unheard_of<K: Resource<DynamicType = ()>>(&self, key: &Key) -> bool {
        self.scopes_of(key).any(|scope| self.is_blind::<K>(scope))
    }

    /// Whether nothing has been heard for long of the objects of this kind in this scope.
    pub(super) fn is_blind<K: Resource<DynamicType = ()>>(&self, scope: &Scope) -> bool {
        self.health.is_blind(&watch_name::<K>(scope.namespace.as_deref()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_costs_its_object_a_minute_and_ends_nothing() {
        let action = isolated(Arc::default(), async { panic!("a bug") }).await;
        assert_eq!(action.unwrap(), Action::requeue(AFTER_PANIC));
    }
}
