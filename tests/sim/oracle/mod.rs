//! The oracle: it knows the truth from the double and the stores, never from the operator, and looks at every step.
//!
//! | Invariant | Looked at |
//! |---|---|
//! | I1 | each POST has a persisted, guarded claim of a live object that names its pair, wants its types and is no older than 30 s; the double never has two connections of a pair |
//! | I2 | each object that the operator lets go owns nothing any more, or its policies leave the connection behind (`Orphan`, `Observe`), or a live object owns it; at the end no connection of the operator's is without an object |
//! | I3 | each PATCH and DELETE is about a connection that the object owns: by the recorded id, or by the claim of its creation. An id is recorded only of a connection that the object made, that its `adoptionPolicy` lets it take over under a claim that names it, or that a terminating object leaves to it. While a live object has it recorded, no other records it, and nobody deletes it |
//! | I4 | a wrong list causes no DELETE and no let-go (I2, I3), and no second POST for a connection of which the operator has been told |
//! | I5 | after the last misfortune the desired state is reached (`end.rs`), with the reason and the plan that the policies ask for (`expected.rs`); and again after each of some renames |
//! | I6 | and then nothing is written for an hour (`run.rs`) |
//! | I7 | `Ready=True` for a generation only if the connection had its types after that generation was stored, and never with a plan; `Contested` only if people changed the connection and one process put it right three times within the window |
//! | I8 | no part of a key in any object or event |
//! | I9 | no request with a key whose answer told an exhausted budget, before the reset |
//! | I10 | within an hour less than twice as many connections are deleted through one DatadogOrg as its limit says, but what was approved; none if the limit is 0 (`braked.rs`) |
//! | I12 | a bounded number of requests for each object and organization in a minute |
//! | suspended | no POST or PATCH for an object that is observed, suspended or of a suspended DatadogOrg; no request at all with a key that only suspended DatadogOrgs hold (`suspension.rs`) |
//! | no gap | no DELETE of a connection that an object would hold which was there before the deletion was asked for: `Full`, not suspended, its organization usable (`handover.rs`) |
//!
//! What is excused, and nothing else ("known limits" of the design):
//!
//! - Two processes, two DatadogOrgs of one organization, or a process whose first list lags may POST what is there already, since each has
//!   lists of its own: Datadog answers 409.
//! - An answer of Kubernetes is [`READ_AGE`] old at most when the operator acts on it: what people changed meanwhile it cannot know. A
//!   status is written again on newer versions, for some seconds more. That a DatadogOrg was suspended is told by the watch alone: while
//!   things go wrong it may be unnoticed for a quarter of an hour.
//! - A list of Datadog may lag by [`LIST_LAG`]: what it shows was so then. Without an event a policy is judged by the last list, which is
//!   as old as the interval.
//! - People who strip an object of finalizer, claim or recorded id (`kubectl replace`, a wiped status, a finalizer removed by force) make
//!   it forget what it owns; a connection of that pair that exists then or lands within [`LANDING`] may stay behind. So it is with `Orphan`
//!   and `Observe`.
//! - An heir is looked at only if the process must know that its organization is usable: the DELETE is sent with that very key, or the
//!   weather is fair and its DatadogOrg ready for minutes. A hand-over to another DatadogOrg while things go wrong may have a gap; so may
//!   one to an object that was created, or began to want the pair, after the deletion (limit R1).
//! - A sink by name is the organization that had the name when it was looked up, at any time since the object was created.
//! - A claimant that owns nothing and is refused or only looks keeps others in `Conflict` (limit R4), and from being heirs.
//! - Objects of a suspended DatadogOrg say what they said when they were in sync, for an hour, and then once that nobody knows any
//!   more; their deletion waits.

mod asked;
mod braked;
mod contest;
mod end;
mod expected;
mod handover;
mod lives;
mod memory;
mod rates;
mod seats;
mod stored;
mod suspension;
mod truth;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use datadog_double::Broken;
use serde_json::Value;
use tokio::time::Instant;

use self::braked::Braked;
use self::contest::Contest;
use self::lives::Life;
use self::memory::{Memory, Pair, Sink};
use self::rates::Rates;
use self::seats::Seats;
use self::truth::Truth;
use crate::apiserver::RequestInfo;
use crate::world::World;

pub(crate) use asked::Asked;

/// How old an answer of Kubernetes may be when the operator acts on it: two reads, each answered within 3 s.
const READ_AGE: Duration = Duration::from_secs(8);
/// How far a list of Datadog may lag behind the truth.
pub(crate) const LIST_LAG: Duration = Duration::from_secs(15);
/// How long after its claim a POST may still land: 30 s until it is sent, and 12 s on its way.
const LANDING: Duration = Duration::from_secs(45);

/// An invariant did not hold.
#[derive(Debug, Clone)]
pub(crate) struct Violation {
    invariant: &'static str,
    at: Duration,
    what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {:.3} s: {}", self.invariant, self.at.as_secs_f64(), self.what)
    }
}

/// The one who knows. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Oracle {
    world: World,
    ledger: Arc<Mutex<Ledger>>,
}

#[derive(Default)]
struct Ledger {
    version: u64,
    truth: Truth,
    lives: BTreeMap<String, Life>,
    seats: Seats,
    licences: Vec<Licence>,
    rates: Rates,
    contest: Contest,
    /// Each DELETE that its brake had to let through.
    braked: Vec<Braked>,
    /// Which objects have said that the brake holds their deletion.
    held: BTreeSet<String>,
    /// Each POST with the DatadogOrg whose key it was sent with.
    posts: Vec<(Pair, String)>,
    /// Each POST, by process and DatadogOrg, whose outcome neither its answer nor a list has told, and when it was sent.
    unknown: BTreeMap<(usize, String, Pair), Duration>,
    /// When a process asked for the last list, by DatadogOrg.
    lists: BTreeMap<(usize, String), Duration>,
    /// Since when nothing goes wrong any more.
    peace: Option<Duration>,
    broken_rules: usize,
    violation: Option<Violation>,
}

/// Connections of this pair that land until then may stay behind without an object.
struct Licence {
    pair: Pair,
    until: Duration,
}

impl Oracle {
    pub(crate) fn new(world: &World) -> Self {
        Self { world: world.clone(), ledger: Arc::default() }
    }

    /// Looks at everything that happened since the last look.
    pub(crate) fn look(&self) {
        self.look_at(false);
    }

    /// Lets people do something, which is not the operator's doing.
    pub(crate) fn people<T>(&self, act: impl FnOnce() -> T) -> T {
        self.look();
        let done = act();
        self.look_at(true);
        done
    }

    /// Looks at each change, for ever.
    pub(crate) async fn watch(self) {
        loop {
            let known = self.ledger().truth.rows().to_vec();
            let day = Duration::from_hours(24);
            tokio::select! {
                biased;
                () = self.world.server.change() => {}
                _ = self.world.datadog.wait_for_connections(day, |rows| *rows != known) => {}
            }
            self.look();
        }
    }

    /// The first violation so far.
    pub(crate) fn violation(&self) -> Option<Violation> {
        self.ledger().violation.clone()
    }

    /// Whether everything has been as it should be so far.
    pub(crate) fn is_content(&self) -> bool {
        self.ledger().violation.is_none()
    }

    /// How many objects have said that the brake holds their deletion.
    pub(crate) fn held(&self) -> usize {
        self.ledger().held.len()
    }

    /// Notes a violation that somebody else found.
    pub(crate) fn accuse(&self, invariant: &'static str, what: impl Into<String>) {
        let at = self.now();
        self.ledger().accuse(invariant, at, what.into());
    }

    /// A request to Kubernetes arrives.
    pub(crate) fn kubernetes_asked(&self, request: &RequestInfo) {
        let at = self.now();
        let mut ledger = self.ledger();
        if let Some(what) = ledger.rates.kubernetes(request, at) {
            ledger.accuse("I12 bounded", at, what);
        }
    }

    fn look_at(&self, people: bool) {
        let at = self.now();
        let state = self.world.datadog.state();
        let broken = self.world.datadog.violations();
        let mut ledger = self.ledger();
        if people {
            let before = ledger.truth.rows().to_vec();
            ledger.contest.disturbed(&before, &state.connections, at);
            ledger.truth.see_names(state.organizations.into_iter().map(|known| (known.id, known.name)).collect(), at);
        }
        ledger.truth.see(state.connections, at);
        for violation in &broken[ledger.broken_rules..] {
            if !ledger.excuses(violation, at) {
                ledger.accuse("a rule of the double", at, format!("{violation:?}"));
            }
        }
        ledger.broken_rules = broken.len();
        let changes = self.world.server.changes_since(ledger.version);
        for change in &changes {
            ledger.version = change.version;
            self.see(&mut ledger, change, people);
        }
    }

    fn ledger(&self) -> std::sync::MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Duration {
        Instant::now().saturating_duration_since(self.world.begun)
    }
}

impl Ledger {
    /// Rules of the double that were broken by nobody's fault.
    fn excuses(&self, violation: &datadog_double::Violation, at: Duration) -> bool {
        match violation.broken {
            // A budget is told to one process, and the other one cannot know: `rates.rs` looks at each by itself.
            Broken::ExhaustedBudget => true,
            Broken::SecondCreate => {
                let made = self.truth.rows().iter().find(|row| violation.subject == format!("{}/{}", row.source, row.sink));
                let Some(made) = made else { return true };
                let is_young = self.truth.since(made.id).is_none_or(|since| at - since <= LIST_LAG + READ_AGE);
                let of_pair = self.posts.iter().rev().filter(|(pair, _)| *pair == (made.source, made.sink)).map(|(_, seat)| seat);
                let seats: Vec<&String> = of_pair.take(2).collect();
                is_young || self.rates.processes(at) > 1 || seats.first() != seats.last()
            }
            Broken::KeyInQuery | Broken::ProtectedTouched | Broken::UnknownId | Broken::DuplicatePair => false,
        }
    }

    fn accuse(&mut self, invariant: &'static str, at: Duration, what: String) {
        self.violation.get_or_insert(Violation { invariant, at, what });
    }

    /// All versions of objects that an answer of Kubernetes may have shown which the operator acts on now.
    fn recently(&self, at: Duration) -> impl Iterator<Item = &Memory> {
        let from = at.saturating_sub(READ_AGE);
        self.lives.values().flat_map(move |life| life.since(from))
    }

    /// The pairs that the object's references lead to, or have led to since it was created: a sink by name is looked up at any time.
    fn pairs_of(&self, object: &Memory) -> Option<BTreeSet<Pair>> {
        let source = object.wish.seat?.organization;
        let begun = self.lives.get(&object.uid).map(Life::begun).unwrap_or_default();
        let sinks = match (&object.wish.sink, object.recorded.and(object.shown)) {
            (Sink::Id(id), _) => BTreeSet::from([*id]),
            (Sink::Ref(seat), _) => BTreeSet::from([seat.organization]),
            (Sink::Name(_), Some((_, bound))) => BTreeSet::from([bound]),
            (Sink::Name(name), None) => self.truth.called(name, begun),
            (Sink::Nowhere, _) => return None,
        };
        Some(sinks.into_iter().map(|sink| (source, sink)).collect())
    }
}

/// The text of a member.
fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
