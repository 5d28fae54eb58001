//! The Kubernetes API in this process, for the operator's real code in virtual time.
//!
//! No socket, no thread, no clock but tokio's: on a current-thread runtime with paused time, begun through [`repeatable::run`] and with
//! `fastrand::seed` (kube's waits), a run is a function of its seed.
//!
//! ```ignore
//! let server = ApiServer::new(seed, wall_clock);
//! let line = server.line();                                   // one process' way to it; `line.cut()` is its kill -9
//! server.secret("team", "payments-datadog", &keys)?;          // what people do: users.rs
//! server.create(json!({ "kind": "DatadogOrg", … }))?;
//! server.faults(move |request| if request.is_write() && chance.bool() { What::LoseAnswer.into() } else { Fault::NONE });
//! crossorg::controller::run(line.client(), …).await;
//! server.object::<OrgConnection>("team", "to-central");        // the truth, past all faults
//! server.journal();                                           // every request; `journal::writes` counts those that took effect
//! ```
//!
//! # What is faithful
//!
//! Each of these rules is something that the operator stands on. `tests/pairs.rs` runs the same scenario here and on a real API server
//! and compares every answer and every watch event.
//!
//! | Rule | |
//! |---|---|
//! | versions | one counter for all; a write that changes nothing makes none, and no event |
//! | create | uid, creationTimestamp, generation 1; the request's status is dropped; defaults of the definition, `status.observedGeneration` -1 among them; 409 `AlreadyExists` |
//! | get, list | all namespaces or one, by labels; a list's version is that of its snapshot |
//! | merge patch | stale resourceVersion 409; then another uid 422; none of both: last writer wins; `null` takes away; the status stays |
//! | finalizers | a new one on a terminating object 422; the last one off it and it is gone: 200, and a DELETED event with the last stored state |
//! | generation | +1 by a change of spec and by the beginning of a deletion; metadata and status leave it |
//! | delete | without finalizers gone at once; else deletionTimestamp; a second time nothing changes; 404 |
//! | replace | what is not said is dropped, the status stays; without a resourceVersion 422, a stale one 409, another uid 409 |
//! | replace the status | the same, and nothing else of the object is looked at; unchanged: no new version |
//! | apply of the status | missing object 404; stale resourceVersion 409; another uid is not looked at; unchanged: no new version; conditions merge by type: what a manager leaves out goes unless it is another's, what another wrote stays |
//! | merge patch of the status | takes fields over from who applied them; the rest of the request is not looked at but its resourceVersion |
//! | shared conditions | an apply that would leave half of one is refused: 422 |
//! | watch | every version after the given one, in order, as it was; ends after timeoutSeconds; a version that is too old: an ERROR event with 410 |
//!
//! Not here: admission rules and pruning (the objects of a simulation keep the schema), paging (a list is one page), bookmarks (none are
//! sent), foreground deletion, server-side apply of anything but a status, dry runs, namespaces as objects, expiry of events.

#![allow(dead_code, unused_imports, reason = "a vocabulary: no rule says that each word is in use at any time")]

mod exchange;
mod faults;
pub(crate) mod journal;
mod kind;
mod ownership;
mod refusal;
mod routes;
mod rules;
mod store;
mod users;
mod watch;

#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::watch::Sender;
use tokio::time::Instant;

pub(crate) use faults::{Ending, Fault, Past, WatchFault, What};
pub(crate) use journal::{Entry, Outcome, RequestInfo};
pub(crate) use kind::Kind;
pub(crate) use refusal::Refusal;
pub(crate) use routes::Verb;
pub(crate) use store::{Change, Key, Part, What as Happened, Written};

use faults::Faults;
use journal::Journal;
use store::Store;

/// The connection broke, or did not come about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the connection to the API server broke")]
pub(crate) struct Broken;

/// The Kubernetes API. Cheap to clone; all clones are one server.
#[derive(Clone)]
pub(crate) struct ApiServer {
    state: Arc<Mutex<State>>,
    faults: Arc<Mutex<Faults>>,
    changed: Sender<()>,
    begun: Instant,
}

struct State {
    store: Store,
    journal: Journal,
    lines: usize,
}

impl ApiServer {
    /// An empty server. Uids follow from the seed, times in objects from the clock.
    pub(crate) fn new(seed: u64, wall_clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        let state = State { store: Store::new(seed, Arc::new(wall_clock)), journal: Journal::default(), lines: 0 };
        Self { state: Arc::new(Mutex::new(state)), faults: Arc::default(), changed: Sender::new(()), begun: Instant::now() }
    }

    /// A way to it for one process.
    pub(crate) fn line(&self) -> Line {
        let number = self.update(|state| {
            state.lines += 1;
            state.lines
        });
        Line { server: self.clone(), number, cut: Arc::default() }
    }

    // === What goes wrong ===

    /// From now on this decides what befalls each request. It may look at the server.
    pub(crate) fn faults(&self, decide: impl FnMut(&RequestInfo) -> Fault + Send + 'static) {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).decided_by(Box::new(decide));
    }

    /// This befalls the next so many requests that match, before anything else is asked.
    pub(crate) fn script(&self, times: usize, matches: impl Fn(&RequestInfo) -> bool + Send + 'static, fault: impl Into<Fault>) {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).rule(times, Box::new(matches), fault.into());
    }

    /// Nothing goes wrong any more. Watches that are open stay as they are.
    pub(crate) fn stop_faults(&self) {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).stop();
    }

    /// Forgets the past: a watch from before now is told 410.
    pub(crate) fn compact(&self) {
        self.update(|state| state.store.oldest = state.store.version());
    }

    // === What happened ===

    /// All requests, in the order of their arrival.
    pub(crate) fn journal(&self) -> Vec<Entry> {
        self.look(|state| state.journal.entries().to_vec())
    }

    /// All versions after this one, whoever made them.
    pub(crate) fn changes_since(&self, version: u64) -> Vec<Change> {
        self.look(|state| state.store.since(version).to_vec())
    }

    /// The newest resource version.
    pub(crate) fn version(&self) -> u64 {
        self.look(|state| state.store.version())
    }

    /// Waits for the next change, whoever makes it.
    pub(crate) async fn change(&self) {
        // The server keeps the sender alive.
        self.changed.subscribe().changed().await.ok();
    }

    fn look<T>(&self, at: impl FnOnce(&State) -> T) -> T {
        at(&self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn update<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn read(&self, key: &Key) -> Option<Arc<Value>> {
        self.look(|state| state.store.get(key).ok())
    }

    fn write(&self, write: impl FnOnce(&mut Store) -> Result<Written, Refusal>) -> Result<Written, Refusal> {
        let written = self.update(|state| write(&mut state.store))?;
        if written.version.is_some() {
            self.changed.send_replace(());
        }
        Ok(written)
    }
}

/// One process' way to the server.
#[derive(Clone)]
pub(crate) struct Line {
    server: ApiServer,
    number: usize,
    cut: Arc<AtomicBool>,
}

impl Line {
    /// The number in the journal.
    pub(crate) fn number(&self) -> usize {
        self.number
    }

    /// A client on this line.
    pub(crate) fn client(&self) -> kube::Client {
        let line = self.clone();
        kube::Client::new(tower::service_fn(move |request| line.server.clone().exchange(line.clone(), request)), "default")
    }

    /// The process is killed: what it has sent still arrives, nothing comes back to it, and it sends nothing more.
    pub(crate) fn cut(&self) {
        self.cut.store(true, Ordering::Relaxed);
    }

    /// Any other exchange of the process, such as one with Datadog: it begins and ends only while the process lives.
    pub(crate) async fn through<T>(&self, exchange: impl Future<Output = T>) -> T {
        self.or_never(()).await;
        let answer = exchange.await;
        self.or_never(answer).await
    }

    /// Whether the process has been killed.
    pub(crate) fn is_cut(&self) -> bool {
        self.cut.load(Ordering::Relaxed)
    }

    async fn or_never<T>(&self, value: T) -> T {
        if self.is_cut() {
            return std::future::pending().await;
        }
        value
    }
}
