//! The writes to both APIs in one order, and what befalls one of them.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Body;
use http::Response;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use super::{Answer, Cut};

/// What befalls a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// The operator is killed when it has sent the request, which never arrives.
    KilledBefore,
    /// The operator is killed when its request has taken effect, before the answer arrives.
    KilledAfter,
    /// The request takes effect and its answer is lost.
    AnswerLost,
    /// The request takes effect and is answered with a 5xx.
    ErrorAfter,
    /// As [`Fault::KilledAfter`], and each process that follows dies after its first write too.
    KilledAfterEach,
}

impl Fault {
    /// All of them.
    pub(crate) const ALL: [Self; 5] = [Self::KilledBefore, Self::KilledAfter, Self::AnswerLost, Self::ErrorAfter, Self::KilledAfterEach];

    /// Its name in tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::KilledBefore => "killed before",
            Self::KilledAfter => "killed after",
            Self::AnswerLost => "answer lost",
            Self::ErrorAfter => "5xx after",
            Self::KilledAfterEach => "killed each",
        }
    }

    /// Whether it befalls all writes from the planned one on.
    pub(crate) fn goes_on(self) -> bool {
        self == Self::KilledAfterEach
    }
}

/// The writes that have come through since the last [`Effects::forget`].
pub(crate) struct Effects {
    state: Mutex<State>,
    moved: watch::Sender<()>,
}

struct State {
    seen: Vec<String>,
    planned: Option<Planned>,
    befallen: usize,
    under_way: usize,
    last: Instant,
}

/// What is to happen to which write.
#[derive(Clone)]
struct Planned {
    fault: Fault,
    number: usize,
    crash: Crash,
}

/// Kills the operator, if it runs.
type Crash = Arc<dyn Fn() + Send + Sync>;

impl Default for Effects {
    fn default() -> Self {
        let state = State { seen: Vec::new(), planned: None, befallen: 0, under_way: 0, last: Instant::now() };
        Self { state: Mutex::new(state), moved: watch::Sender::new(()) }
    }
}

impl Effects {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts from one again.
    pub(crate) fn forget(&self) {
        self.state().seen.clear();
    }

    /// The writes in their order: method and path.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.state().seen.clone()
    }

    /// This befalls the write of this number, counted from one; `crash` has to kill the operator before it returns.
    pub(crate) fn befall(&self, fault: Fault, number: usize, crash: impl Fn() + Send + Sync + 'static) {
        self.state().planned = Some(Planned { fault, number, crash: Arc::new(crash) });
    }

    /// How many writes the fault has befallen.
    pub(crate) fn befallen(&self) -> usize {
        self.state().befallen
    }

    /// Waits until no write is under way and none has come for so long; false if that takes longer than `within`.
    pub(crate) async fn quiet(&self, span: Duration, within: Duration) -> bool {
        let mut moved = self.moved.subscribe();
        let quiet = async {
            loop {
                let (under_way, last) = {
                    let state = self.state();
                    (state.under_way, state.last)
                };
                if under_way == 0 && last.elapsed() >= span {
                    return;
                }
                let enough = async { if under_way == 0 { sleep_until(last + span).await } else { std::future::pending().await } };
                tokio::select! {
                    () = enough => {}
                    // The sender lives as long as this value.
                    _ = moved.changed() => {}
                }
            }
        };
        timeout(within, quiet).await.is_ok()
    }

    /// Passes one write on, or does to it what is planned for its number.
    pub(super) async fn pass(
        &self,
        what: String,
        server: impl Future<Output = Answer> + Send + 'static,
        error: fn() -> Response<Body>,
    ) -> Answer {
        let planned = self.arrives(what);
        let _under_way = UnderWay(self);
        let Some(Planned { fault, crash, .. }) = planned else { return carried_out(server).await };
        match fault {
            Fault::KilledBefore => {
                crash();
                Err(Cut)
            }
            Fault::KilledAfter | Fault::KilledAfterEach => {
                drop(carried_out(server).await);
                crash();
                Err(Cut)
            }
            Fault::AnswerLost => {
                drop(carried_out(server).await);
                Err(Cut)
            }
            Fault::ErrorAfter => carried_out(server).await.map(|_| error()),
        }
    }

    fn arrives(&self, what: String) -> Option<Planned> {
        let mut state = self.state();
        state.seen.push(what);
        state.under_way += 1;
        let number = state.seen.len();
        let meant = |planned: &&Planned| planned.number == number || planned.fault.goes_on() && planned.number < number;
        let planned = state.planned.as_ref().filter(meant).cloned();
        state.befallen += usize::from(planned.is_some());
        planned
    }
}

/// Counts a write as under way until it is answered or given up.
struct UnderWay<'a>(&'a Effects);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.under_way -= 1;
        state.last = Instant::now();
        drop(state);
        self.0.moved.send_replace(());
    }
}

/// The server's answer; a sender that dies does not take back what it has sent.
async fn carried_out(server: impl Future<Output = Answer> + Send + 'static) -> Answer {
    tokio::spawn(server).await.unwrap_or(Err(Cut))
}
