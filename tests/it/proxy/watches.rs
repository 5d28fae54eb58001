//! The watches of an operator and the lists that they begin with: what it is shown of the objects, and when.

use std::collections::{HashMap, HashSet, VecDeque};
use std::convert::Infallible;
use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::body::Body;
use bytes::Bytes;
use futures::{Stream, stream};
use http::{Response, header};
use http_body_util::BodyExt;
use serde_json::json;
use tokio::sync::watch;

use super::Answer;

/// What a watch does at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    /// Everything comes through.
    Flows,
    /// Nothing comes through, not even its end; it is kept.
    Stands,
    /// It tells that its resource version is too old, and ends.
    Expires,
}

/// A list as it is given instead of the true one.
#[derive(Clone, Debug)]
enum Instead {
    /// This one of before.
    Old(Bytes),
    /// None, ever.
    Nothing,
}

/// The watches that are open, and what becomes of those to come.
#[derive(Default)]
pub(crate) struct Watches(Mutex<State>);

#[derive(Default)]
struct State {
    open: Vec<(String, watch::Sender<Flow>)>,
    held: HashSet<String>,
    silent: HashSet<String>,
    instead: HashMap<String, VecDeque<Instead>>,
    unanswered_watches: HashSet<String>,
    live_reads: usize,
}

impl State {
    /// Watches that have ended need not be told anything.
    fn tell(&mut self, kind: &str, flow: Flow) {
        self.open.retain(|(_, watch)| !watch.is_closed());
        for (_, watch) in self.open.iter().filter(|(of, _)| of == kind) {
            watch.send_replace(flow);
        }
    }
}

impl Watches {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // === What a test can do ===

    /// Half-open: on the watch that is open now nothing arrives any more, and nothing closes. Later ones work.
    pub(crate) fn freeze(&self, kind: &str) {
        self.state().tell(kind, Flow::Stands);
    }

    /// Holds back the events of all watches on this kind, also of later ones, until [`Watches::release`] or [`Watches::expire`].
    pub(crate) fn hold(&self, kind: &str) {
        let mut state = self.state();
        state.held.insert(kind.to_owned());
        state.tell(kind, Flow::Stands);
    }

    /// Nothing comes from the API server about this kind until [`Watches::release`]: neither events nor answers to lists and watches.
    pub(crate) fn silence(&self, kind: &str) {
        self.state().silent.insert(kind.to_owned());
        self.freeze(kind);
    }

    /// Lets everything go on that stands still: events arrive late, but all of them.
    pub(crate) fn release(&self, kind: &str) {
        let mut state = self.state();
        state.held.remove(kind);
        state.silent.remove(kind);
        state.tell(kind, Flow::Flows);
    }

    /// 410 on the watch that is open now: what was held is never told, only the list that follows tells how things stand.
    pub(crate) fn expire(&self, kind: &str) {
        let mut state = self.state();
        state.held.remove(kind);
        state.tell(kind, Flow::Expires);
    }

    /// The next list of this kind is this one, of before.
    pub(crate) fn show_instead(&self, kind: &str, list: Bytes) {
        self.state().instead.entry(kind.to_owned()).or_default().push_back(Instead::Old(list));
    }

    /// The next list of this kind is never answered.
    pub(crate) fn never_answer_list(&self, kind: &str) {
        self.state().instead.entry(kind.to_owned()).or_default().push_back(Instead::Nothing);
    }

    /// The next watch on this kind is never answered, not even with a refusal.
    pub(crate) fn never_answer_watch(&self, kind: &str) {
        self.state().unanswered_watches.insert(kind.to_owned());
    }

    /// Whether all lists and watches that were to be answered otherwise have been asked for.
    pub(crate) fn all_asked_for(&self) -> bool {
        let state = self.state();
        state.unanswered_watches.is_empty() && state.instead.values().all(VecDeque::is_empty)
    }

    /// How often OrgConnections were read live.
    pub(crate) fn live_reads(&self) -> usize {
        self.state().live_reads
    }

    // === What becomes of a request ===

    /// The answer to a watch.
    pub(super) async fn watch(&self, kind: &str, server: impl Future<Output = Answer>) -> Answer {
        if self.leaves_watch_unanswered(kind) {
            std::future::pending::<()>().await;
        }
        let (head, body) = server.await?.into_parts();
        let mut state = self.state();
        let flow = watch::Sender::new(if state.held.contains(kind) { Flow::Stands } else { Flow::Flows });
        let told = flow.subscribe();
        state.open.push((kind.to_owned(), flow));
        Ok(Response::from_parts(head, Body::from_stream(shown(body, told))))
    }

    fn leaves_watch_unanswered(&self, kind: &str) -> bool {
        let mut state = self.state();
        state.silent.contains(kind) || state.unanswered_watches.remove(kind)
    }

    fn instead_of_list(&self, kind: &str) -> Option<Instead> {
        let mut state = self.state();
        if state.silent.contains(kind) { Some(Instead::Nothing) } else { state.instead.get_mut(kind)?.pop_front() }
    }

    /// Counts a read of what is live.
    pub(super) fn has_read(&self, path: &str) {
        self.state().live_reads += usize::from(path.contains("/orgconnections"));
    }

    /// The answer to the list that a watch begins with.
    pub(super) async fn list(&self, kind: &str, server: impl Future<Output = Answer>) -> Answer {
        match self.instead_of_list(kind) {
            Some(Instead::Old(list)) => Ok(json_of(list)),
            Some(Instead::Nothing) => std::future::pending().await,
            None => server.await,
        }
    }
}

fn json_of(list: Bytes) -> Response<Body> {
    Response::builder().header(header::CONTENT_TYPE, "application/json").body(Body::from(list)).unwrap()
}

/// The events of a watch as they are let through. A watch that breaks at the server's side ends here.
fn shown(body: Body, flow: watch::Receiver<Flow>) -> impl Stream<Item = Result<Bytes, Infallible>> {
    stream::unfold(Some((body, flow)), async |state| {
        let (mut body, mut flow) = state?;
        loop {
            let now = *flow.borrow_and_update();
            match now {
                Flow::Expires => return Some((Ok(expired()), None)),
                // An error means that nobody can release it any more.
                Flow::Stands => flow.changed().await.ok()?,
                Flow::Flows => tokio::select! {
                    changed = flow.changed() => changed.ok()?,
                    frame = body.frame() => {
                        let events = frame?.ok()?.into_data().unwrap_or_default();
                        return Some((Ok(events), Some((body, flow))));
                    }
                },
            }
        }
    })
}

fn expired() -> Bytes {
    let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Expired", "code": 410, "message": "too old"});
    format!("{}\n", json!({"type": "ERROR", "object": status})).into()
}
