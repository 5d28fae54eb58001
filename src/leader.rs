//! One of several processes works, the others stand by: a Lease of the cluster says who.
//!
//! [`crate::decide::election`] has the rules. Here are the requests: a GET and, on exactly the version that it showed, a PUT; or a POST
//! where there is no lease. Whoever loses a race learns it from a 409. A term ends by this process's own clock whether or not the API
//! server can be heard, and once it has ended, it stays so.
//!
//! Nothing at Datadog rests on it: claims, the brake and every write are safe with any number of processes at work. A lease saves requests,
//! and spares the objects two processes that say different words.

mod term;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{Either, select};
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use kube::Api;
use kube::api::{ObjectMeta, PostParams};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tracing::{debug, info, warn};

pub use self::term::Term;

use crate::controller::End;
use crate::controller::health::Health;
use crate::decide::election::{self, Moment, RENEW_DEADLINE, Seen, Step};
use crate::log::chain;

/// How long one attempt may take, GET and write together: two fit into a term after one that was renewed.
pub const ATTEMPT: Duration = Duration::from_secs(5);
/// How long giving the lease back may take: together with the calls under way it stays within the 5 s in which the process is to end.
const RELEASE: Duration = Duration::from_millis(900);

/// Under this name the lease stands among what is heard of the API server.
const LEASES: &str = "leases";

/// The real time, for people who read the lease: nothing is decided by it.
pub type WallClock = Arc<dyn Fn() -> Timestamp + Send + Sync>;
/// Numbers from 0 to 1.
pub type Chance = Arc<dyn Fn() -> f64 + Send + Sync>;

/// A process that stands for election.
pub struct Candidate {
    leases: Api<Lease>,
    name: String,
    me: String,
    wall_clock: WallClock,
    chance: Chance,
    health: Arc<Health>,
    begun: Instant,
    seen: Seen,
    /// Of whom it has said that it waits for them.
    waits_for: Option<String>,
    failing: bool,
}

/// Why a process that led does so no more.
#[derive(Debug, thiserror::Error)]
pub enum Lost {
    /// Somebody else has written itself into the lease.
    #[error("leadership is lost: {holder} holds the Lease {name}; this process ends, and stands by when it is started again")]
    ToAnother {
        /// The lease.
        name: String,
        /// Who holds it.
        holder: String,
    },
    /// The API server was not heard in time.
    #[error(
        "leadership is lost: the Lease {name} could not be renewed for {} s; this process ends, and stands by when it is started again",
        RENEW_DEADLINE.as_secs()
    )]
    NotRenewed {
        /// The lease.
        name: String,
    },
}

/// Why an attempt came to nothing.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("the API server did not answer in time")]
    NoAnswer(#[from] tokio::time::error::Elapsed),
    #[error("the service account needs the verbs get, create and update on leases.coordination.k8s.io, in the operator's own namespace")]
    Forbidden(#[source] kube::Error),
    #[error("the request failed")]
    Request(#[source] kube::Error),
}

impl From<kube::Error> for Failure {
    fn from(error: kube::Error) -> Self {
        let forbidden = matches!(&error, kube::Error::Api(status) if status.is_forbidden());
        if forbidden { Self::Forbidden(error) } else { Self::Request(error) }
    }
}

/// What an attempt came to.
enum Attempt {
    /// The lease is ours, and the term ends then.
    Ours(Moment),
    /// It is somebody else's.
    Theirs(String),
    /// Somebody else wrote first.
    Raced,
}

impl Candidate {
    /// A process called `me`, as no other ever is, that stands for the Lease `name` in the client's own namespace. One that cannot read it,
    /// or not write it, is not healthy.
    pub fn new(kubernetes: kube::Client, name: String, me: String, wall_clock: WallClock, chance: Chance, health: Arc<Health>) -> Self {
        let leases = Api::default_namespaced(kubernetes);
        health.begins(LEASES);
        Self { leases, name, me, wall_clock, chance, health, begun: Instant::now(), seen: Seen::default(), waits_for: None, failing: false }
    }

    /// Waits until this process leads, works as long as it does, and gives the lease back when the work has ended in good order.
    ///
    /// # Flow
    /// `stop` ends the waiting; the work has to listen to it by itself, and to its term. The lease is renewed until the work has ended. It is
    /// given back only if no call is left under way: else it expires, and the next leader begins when such a call has long had its answer.
    ///
    /// # Errors
    /// Leadership was lost. The work had ended by then or has been waited for.
    pub async fn lead<W: Future<Output = End>>(mut self, stop: impl Future<Output = ()>, work: impl FnOnce(Term) -> W) -> Result<(), Lost> {
        let elected = match select(pin!(self.elected()), pin!(stop)).await {
            Either::Left((ends, _)) => Some(ends),
            Either::Right(_) => None,
        };
        let Some(ends) = elected else {
            // A write may have been under way.
            self.release().await;
            return Ok(());
        };
        let (ends, term) = watch::channel(ends);
        let term = Term::of(term);
        match self.while_leading(&ends, work(term.clone())).await? {
            _ if term.is_over() => return Err(Lost::NotRenewed { name: self.name }),
            End::InOrder => self.release().await,
            End::CallsLeft => info!(lease = self.name, "a call is still under way: the lease is not given back but expires"),
        }
        Ok(())
    }

    async fn while_leading(&mut self, ends: &watch::Sender<Instant>, work: impl Future<Output = End>) -> Result<End, Lost> {
        // The lease comes first: the work hears of its loss, and must not end before that is known here.
        match select(pin!(self.keep(ends)), pin!(work)).await {
            Either::Left((lost, work)) => {
                work.await;
                Err(lost)
            }
            Either::Right((end, _)) => Ok(end),
        }
    }

    /// Waits until this process leads; answers when that ends unless it is renewed.
    async fn elected(&mut self) -> Instant {
        loop {
            let next = self.next_attempt();
            let outcome = timeout(ATTEMPT, self.attempt(None)).await;
            match self.told(outcome) {
                // Between a write and its answer the process may have stood still for longer than a term.
                Some(Attempt::Ours(ends)) if self.now() < ends => {
                    info!(lease = self.name, identity = self.me, "this process leads");
                    return self.begun + ends;
                }
                Some(Attempt::Theirs(holder)) => self.wait_for(holder),
                Some(Attempt::Ours(_) | Attempt::Raced) | None => {}
            }
            sleep_until(next).await;
        }
    }

    /// Renews until that fails for too long, or the lease is another's.
    async fn keep(&mut self, ends: &watch::Sender<Instant>) -> Lost {
        loop {
            let term_ends = *ends.borrow();
            sleep_until(self.next_attempt().min(term_ends)).await;
            let deadline = term_ends.min(Instant::now() + ATTEMPT);
            let outcome = timeout_at(deadline, self.attempt(Some(term_ends - self.begun))).await;
            let attempt = self.told(outcome);
            // What comes too late is not believed: a term that was over does not begin again.
            if Instant::now() >= term_ends {
                return Lost::NotRenewed { name: self.name.clone() };
            }
            match attempt {
                Some(Attempt::Ours(until)) => drop(ends.send_replace(self.begun + until)),
                Some(Attempt::Theirs(holder)) => {
                    ends.send_replace(Instant::now());
                    return Lost::ToAnother { name: self.name.clone(), holder };
                }
                Some(Attempt::Raced) | None => {}
            }
        }
    }

    /// One look at the lease and, if it may be, one write on what was seen.
    async fn attempt(&mut self, term_ends: Option<Moment>) -> Result<Attempt, Failure> {
        let lease = self.leases.get_opt(&self.name).await?;
        let record = lease.as_ref().and_then(|lease| lease.spec.as_ref());
        self.seen = std::mem::take(&mut self.seen).again(record, self.now());
        match election::step(&self.me, &self.seen, term_ends, self.now()) {
            Step::Wait | Step::Lost => return Ok(Attempt::Theirs(self.seen.holder().unwrap_or_default().to_owned())),
            Step::Take | Step::Renew => {}
        }
        let held = election::held(&self.me, record, (self.wall_clock)());
        let sent = self.now();
        match self.write(lease, held).await {
            Ok(_) => Ok(Attempt::Ours(sent + RENEW_DEADLINE)),
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(Attempt::Raced),
            Err(error) => Err(error.into()),
        }
    }

    async fn write(&self, lease: Option<Lease>, held: LeaseSpec) -> Result<Lease, kube::Error> {
        let write = PostParams { field_manager: Some("crossorg".to_owned()), ..PostParams::default() };
        match lease {
            // With the version that was read.
            Some(lease) => self.leases.replace(&self.name, &write, &Lease { spec: Some(held), ..lease }).await,
            None => {
                let metadata = ObjectMeta { name: Some(self.name.clone()), ..ObjectMeta::default() };
                self.leases.create(&write, &Lease { metadata, spec: Some(held) }).await
            }
        }
    }

    /// Gives the lease back if this process still holds it.
    async fn release(&self) {
        match timeout(RELEASE, self.give_back()).await {
            Ok(Ok(true)) => info!(lease = self.name, "the lease is given back"),
            Ok(Ok(false)) => {}
            Ok(Err(error)) => warn!(lease = self.name, error = chain(&error), "the lease could not be given back; it expires"),
            Err(_) => warn!(lease = self.name, "the lease could not be given back in time; it expires"),
        }
    }

    async fn give_back(&self) -> Result<bool, kube::Error> {
        let lease = self.leases.get_opt(&self.name).await?;
        let ours = lease.as_ref().and_then(|lease| lease.spec.as_ref()).filter(|record| election::holder(record) == Some(&self.me));
        let Some(released) = ours.map(|record| election::released(record, (self.wall_clock)())) else { return Ok(false) };
        self.write(lease, released).await.map(|_| true)
    }

    fn now(&self) -> Moment {
        self.begun.elapsed()
    }

    /// Counted from the beginning of an attempt: one that took long has waited enough.
    fn next_attempt(&self) -> Instant {
        Instant::now() + election::pause((self.chance)())
    }

    /// One line at the beginning of a series of failures, not one for each.
    fn told(&mut self, outcome: Result<Result<Attempt, Failure>, tokio::time::error::Elapsed>) -> Option<Attempt> {
        let failure = match outcome.map_err(Failure::from).flatten() {
            Ok(attempt) => {
                self.failing = false;
                self.health.has_listed(LEASES);
                self.health.is_answered(LEASES);
                return Some(attempt);
            }
            Err(failure) => failure,
        };
        if !std::mem::replace(&mut self.failing, true) {
            warn!(lease = self.name, error = chain(&failure), "the lease could not be read or written; trying again");
        } else {
            debug!(lease = self.name, error = chain(&failure), "the lease could not be read or written");
        }
        None
    }

    fn wait_for(&mut self, holder: String) {
        if self.waits_for.as_ref() != Some(&holder) {
            info!(lease = self.name, holder, "standing by: another process leads");
            self.waits_for = Some(holder);
        }
    }
}
