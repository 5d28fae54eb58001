//! What a watch tells, and when. Waits by tokio's time alone.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use serde_json::{Value, json};
use tokio::sync::watch::Receiver;
use tokio::time::{Instant, timeout_at};

use super::faults::{Ending, WatchFault};
use super::kind::Kind;
use super::refusal::Refusal;
use super::store::{Change, Store, What};
use super::{ApiServer, Broken, Line};

/// What is watched.
pub(super) struct Scope {
    pub(super) kind: Kind,
    /// `None` is all of them.
    pub(super) namespace: Option<String>,
}

/// One watch.
pub(super) struct Watch {
    server: ApiServer,
    line: Line,
    scope: Scope,
    /// What has been told or passed over.
    seen: u64,
    begun: Instant,
    ends: (Instant, Ending),
    fault: WatchFault,
    ready: VecDeque<Bytes>,
    changes: Receiver<()>,
}

impl Watch {
    /// Begins a watch from a version; from `None` it tells first what is there.
    pub(super) fn begin(server: &ApiServer, line: &Line, scope: Scope, from: Option<u64>, lasts: Duration, fault: WatchFault) -> Self {
        let begun = Instant::now();
        let (after, ending) = fault.ends.unwrap_or((lasts, Ending::Closed));
        let mut watch = Self {
            server: server.clone(),
            line: line.clone(),
            scope,
            seen: from.unwrap_or_default(),
            begun,
            ends: (begun + after, ending),
            fault,
            ready: VecDeque::new(),
            changes: server.changed.subscribe(),
        };
        server.look(|state| match from {
            Some(version) if version < state.store.oldest => watch.end_as_too_old(version, state.store.oldest),
            Some(_) => {}
            None => watch.show_all(&state.store),
        });
        watch
    }

    /// Its lines, one for each event.
    pub(super) fn lines(self) -> impl Stream<Item = Result<Bytes, Broken>> + Send + 'static {
        futures::stream::unfold(Some(self), async |watch| watch?.next().await)
    }

    async fn next(mut self) -> Option<(Result<Bytes, Broken>, Option<Self>)> {
        loop {
            if self.line.is_cut() {
                return std::future::pending().await;
            }
            if let Some(line) = self.ready.pop_front() {
                return Some((Ok(line), Some(self)));
            }
            let (ends, ending) = self.ends;
            if Instant::now() >= ends {
                return end(ending).await;
            }
            let visible = self.take_visible(Instant::now());
            if self.ready.is_empty() {
                // Time passed or something changed: either way it is time to look again.
                drop(timeout_at(visible.unwrap_or(ends).min(ends), self.changes.changed()).await);
            }
        }
    }

    /// Takes what may be told by now; returns when the next event may.
    fn take_visible(&mut self, now: Instant) -> Option<Instant> {
        let server = self.server.clone();
        server.look(|state| {
            let mut batch: Vec<&Change> = Vec::new();
            let mut next = None;
            for change in state.store.since(self.seen) {
                if self.scope.covers(change) {
                    let visible = (change.at + self.fault.lag).max(self.begun + self.fault.hold);
                    if visible > now && (batch.is_empty() || !self.fault.coalesce) {
                        next = Some(visible);
                        break;
                    }
                    batch.push(change);
                }
                self.seen = change.version;
            }
            let is_last = |at: usize| !batch[at + 1..].iter().any(|later| later.key == batch[at].key);
            let told = (0..batch.len()).filter(|at| !self.fault.coalesce || is_last(*at));
            self.ready.extend(told.map(|at| line(batch[at].what, &batch[at].object)));
            next
        })
    }

    fn show_all(&mut self, store: &Store) {
        self.seen = store.version();
        let objects = store.as_of(self.seen);
        let mine = objects.iter().filter(|(key, _)| self.scope.has(key.kind, &key.namespace));
        self.ready.extend(mine.map(|(_, object)| line(What::Added, object)));
    }

    fn end_as_too_old(&mut self, version: u64, oldest: u64) {
        self.ready.push_back(error(&Refusal::too_old(version, oldest)));
        self.ends = (self.begun, Ending::Closed);
    }
}

impl Scope {
    pub(super) fn has(&self, kind: Kind, namespace: &str) -> bool {
        self.kind == kind && self.namespace.as_deref().is_none_or(|wanted| wanted == namespace)
    }

    fn covers(&self, change: &Change) -> bool {
        self.has(change.key.kind, &change.key.namespace)
    }
}

async fn end(ending: Ending) -> Option<(Result<Bytes, Broken>, Option<Watch>)> {
    match ending {
        Ending::Closed => None,
        Ending::Broken => Some((Err(Broken), None)),
        Ending::Gone => Some((Ok(error(&Refusal::of_code(410))), None)),
        Ending::Silent => std::future::pending().await,
    }
}

fn line(what: What, object: &Arc<Value>) -> Bytes {
    let word = match what {
        What::Added => "ADDED",
        What::Modified => "MODIFIED",
        What::Deleted => "DELETED",
    };
    format!("{}\n", json!({ "type": word, "object": **object })).into()
}

fn error(refusal: &Refusal) -> Bytes {
    format!("{}\n", json!({ "type": "ERROR", "object": refusal.body() })).into()
}
