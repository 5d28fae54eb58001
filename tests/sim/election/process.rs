//! A process, and the place where it is started again whenever it ends.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use crossorg::controller::End;
use crossorg::leader::{Candidate, Term, WallClock};
use fastrand::Rng;
use futures::FutureExt;
use futures::future::{Either, select};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use super::ledger::Ledger;
use super::weather::Weather;
use crate::apiserver::ApiServer;

/// Where a process runs: a pod.
pub(super) struct Slot {
    pub(super) number: usize,
    pub(super) server: ApiServer,
    pub(super) weather: Weather,
    pub(super) ledger: Ledger,
    pub(super) chance: Rng,
}

/// Stops a process for a while, as SIGSTOP does: its clock goes on, and so does what it has sent.
#[derive(Clone, Default)]
pub(super) struct Freezer(Arc<Mutex<Option<Instant>>>);

/// A process that may be stopped.
struct Freezable<F> {
    process: Pin<Box<F>>,
    freezer: Freezer,
    thaw: Pin<Box<Sleep>>,
}

impl Slot {
    /// Runs one process after the other; after this moment it does nothing to them.
    pub(super) async fn run(mut self, wall_clock: WallClock, fair: Instant) {
        for incarnation in 0.. {
            self.one(format!("{}.{incarnation}", self.number), Arc::clone(&wall_clock), fair).await;
            sleep(Duration::from_millis(self.chance.u64(500..5000))).await;
        }
    }

    /// One process from its beginning to its end.
    async fn one(&mut self, who: String, wall_clock: WallClock, fair: Instant) {
        let line = self.server.line();
        let freezer = self.weather.watches(self.number, line.number());
        let fate = Instant::now() + Duration::from_secs(self.chance.u64(5..300));
        let fate = async move { if fate < fair { sleep_until(fate).await } else { std::future::pending().await } }.shared();
        let is_killed = self.chance.bool();
        let (stop, killed) = (until(!is_killed, fate.clone()).shared(), until(is_killed, fate));
        let chance = Mutex::new(self.chance.fork());
        let chance = Arc::new(move || chance.lock().unwrap().f64());
        let candidate = Candidate::new(line.client(), "crossorg".to_owned(), who.clone(), wall_clock, chance, Arc::default());
        let (ledger, calls_take) = (self.ledger.clone(), Duration::from_millis(self.chance.u64(..4000)));
        let work = |term| work(ledger, who, term, stop.clone(), calls_take);
        let process = Freezable::new(candidate.lead(stop.clone(), work), freezer);
        if let Either::Right(_) = select(pin!(process), pin!(killed)).await {
            line.cut();
        }
    }
}

async fn until(is: bool, fate: impl Future<Output = ()>) {
    if is { fate.await } else { std::future::pending().await }
}

/// Believes that it leads until its own deadline, or until it has been stopped and its calls have ended.
async fn work(ledger: Ledger, who: String, term: Term, stop: impl Future<Output = ()>, calls_take: Duration) -> End {
    let reign = ledger.open(who);
    let works = async {
        select(pin!(term.clone().over()), pin!(stop)).await;
        sleep(calls_take).await;
    };
    let mut works = pin!(works);
    // Each renewal is followed by a look at the work.
    poll_fn(|task| {
        reign.until(term.ends());
        works.as_mut().poll(task)
    })
    .await;
    End::InOrder
}

impl Freezer {
    pub(super) fn freeze(&self, until: Instant) {
        let mut frozen = self.0.lock().unwrap();
        *frozen = (*frozen).max(Some(until));
    }

    fn frozen_until(&self) -> Option<Instant> {
        self.0.lock().unwrap().filter(|until| Instant::now() < *until)
    }
}

impl<F: Future> Freezable<F> {
    fn new(process: F, freezer: Freezer) -> Self {
        Self { process: Box::pin(process), freezer, thaw: Box::pin(sleep(Duration::ZERO)) }
    }
}

impl<F: Future> Future for Freezable<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<F::Output> {
        while let Some(until) = self.freezer.frozen_until() {
            self.thaw.as_mut().reset(until);
            if self.thaw.as_mut().poll(task).is_pending() {
                return Poll::Pending;
            }
        }
        self.process.as_mut().poll(task)
    }
}
