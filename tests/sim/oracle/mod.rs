//! The oracle: it knows the truth from the double and the stores, never from the operator, and looks at every step.
//!
//! | Invariant | Looked at |
//! |---|---|
//! | I1 | each POST has a persisted, guarded claim of a live object that names its pair, wants its types and is no older than 30 s; the double never has two connections of a pair |
//! | I2 | each object that the operator lets go owns nothing any more, or its policy is Orphan, or a live object has recorded the connection; at the end no connection of the operator's is without an object |
//! | I3 | each PATCH and DELETE is about a connection that the operator's user made and that the object owns: by the recorded id, or by the claim of its creation; what people made is never touched; no DELETE while a live object has it recorded |
//! | I4 | a wrong list causes no DELETE and no let-go (I2, I3), and no second POST for a connection of which the operator has been told |
//! | I5 | after the last misfortune the desired state is reached (`end.rs`) |
//! | I6 | and then nothing is written for an hour (`run.rs`) |
//! | I7 | `Ready=True` for a generation only if the connection had its types after that generation was stored |
//! | I8 | no part of a key in any object or event |
//! | I9 | no request with a key whose answer told an exhausted budget, before the reset |
//! | I12 | a bounded number of requests for each object and organization in a minute |
//!
//! What is excused, and nothing else ("known limits" of the design):
//!
//! - Two processes, two DatadogOrgs of one organization, or a process whose first list lags may POST what is there already, since each has
//!   lists of its own: Datadog answers 409.
//! - An answer of Kubernetes is [`READ_AGE`] old at most when the operator acts on it: what people changed meanwhile it cannot know.
//! - A list of Datadog may lag by [`LIST_LAG`]: what it shows was so then.
//! - People who strip an object of finalizer, claim or recorded id (`kubectl replace`, a wiped status, a finalizer removed by force) make
//!   it forget what it owns; a connection of that pair that exists then or lands within [`LANDING`] may stay behind. So it is with `Orphan`.

mod asked;
mod end;
mod memory;
mod rates;
mod truth;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use datadog_double::Broken;
use serde_json::Value;
use tokio::time::Instant;

use self::memory::{Memory, Pair};
use self::rates::Rates;
use self::truth::Truth;
use crate::apiserver::{Change, Happened, Kind, RequestInfo};
use crate::world::{KEY_PREFIX, World};

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
    licences: Vec<Licence>,
    rates: Rates,
    /// Each POST with the DatadogOrg whose key it was sent with.
    posts: Vec<(Pair, String)>,
    broken_rules: usize,
    violation: Option<Violation>,
}

/// One object from its creation on.
#[derive(Default)]
struct Life {
    versions: Vec<(Duration, Memory)>,
    generations: BTreeMap<i64, Duration>,
    gone: Option<Duration>,
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
        let rows = self.world.datadog.state().connections;
        let broken = self.world.datadog.violations();
        let mut ledger = self.ledger();
        ledger.truth.see(rows, at);
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

    fn see(&self, ledger: &mut Ledger, change: &Change, people: bool) {
        let at = change.at.saturating_duration_since(self.world.begun);
        if !people && change.key.kind != Kind::Secret && change.object.to_string().contains(KEY_PREFIX) {
            ledger.accuse("I8 confidential", at, format!("{} holds a key", change.key));
        }
        match change.key.kind {
            Kind::OrgConnection => self.see_connection(ledger, change, at, people),
            Kind::DatadogOrg if change.what == Happened::Deleted => ledger.rates.forget_budgets(),
            Kind::DatadogOrg | Kind::Secret | Kind::Event => {}
        }
    }

    fn see_connection(&self, ledger: &mut Ledger, change: &Change, at: Duration, people: bool) {
        let now = Memory::of(&change.object);
        let before = ledger.lives.get(&now.uid).and_then(|life| life.versions.last()).map(|(_, memory)| memory.clone());
        let deleted = change.what == Happened::Deleted;
        let forgets = before.as_ref().is_some_and(|before| {
            deleted || (before.claim.is_some() && now.claim.is_none()) || (before.recorded.is_some() && now.recorded.is_none())
        });
        if forgets
            && (people || now.orphans)
            && let Some(pair) = before.as_ref().and_then(Memory::pair)
        {
            ledger.licences.push(Licence { pair, until: at + LANDING });
        }
        if deleted && !people {
            self.is_free(ledger, &now, at);
        }
        let life = ledger.lives.entry(now.uid.clone()).or_default();
        life.gone = deleted.then_some(at);
        life.generations.entry(now.generation).or_insert(at);
        if !deleted {
            life.versions.push((at, now.clone()));
        }
        let said = |memory: &Memory| (memory.ready.clone(), memory.observed);
        if !people && !deleted && now.is_ready() && before.as_ref().map(said) != Some(said(&now)) {
            is_true(ledger, &now, at);
        }
    }

    /// I2: the operator has let this object go.
    fn is_free(&self, ledger: &mut Ledger, object: &Memory, at: Duration) {
        let principals = self.world.principals();
        let owned = ledger.truth.rows().iter().find(|row| principals.contains(&row.created_by) && object.owns(row, &principals));
        let Some(row) = owned.filter(|_| !object.orphans).cloned() else { return };
        let successor = |other: &Memory| other.uid != object.uid && !other.terminating && other.recorded == Some(row.id);
        if !ledger.recently(at).any(successor) {
            ledger.accuse("I2 no orphan", at, format!("{} was let go, but its connection is there: {row:?}", object.name));
        }
    }

    fn ledger(&self) -> std::sync::MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Duration {
        Instant::now().saturating_duration_since(self.world.begun)
    }
}

/// I7: the object says `Ready=True`.
fn is_true(ledger: &mut Ledger, object: &Memory, at: Duration) {
    let Some((_, _, generation)) = object.ready.clone() else { return };
    let since = ledger.lives.get(&object.uid).and_then(|life| life.generations.get(&generation)).copied();
    let types = ledger.types_of(object, generation);
    let (Some(since), Some(types), Some(pair)) = (since, types, object.shown) else {
        return ledger.accuse("I7 truthful", at, format!("{} is ready without a connection or for no generation of its own", object.name));
    };
    if generation != object.observed || !ledger.truth.showed(pair, &types, since.saturating_sub(LIST_LAG)) {
        let what = format!("{} is ready for generation {generation}, since {since:?}, but never shared {types:?} then", object.name);
        ledger.accuse("I7 truthful", at, what);
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
        self.lives.values().filter(move |life| life.gone.is_none_or(|gone| gone >= from)).flat_map(move |life| {
            let first = life.versions.iter().rposition(|(since, _)| *since <= from).unwrap_or_default();
            life.versions[first..].iter().map(|(_, memory)| memory)
        })
    }

    /// The types that a generation of the object's spec wants.
    fn types_of(&self, object: &Memory, generation: i64) -> Option<std::collections::BTreeSet<String>> {
        let versions = &self.lives.get(&object.uid)?.versions;
        versions.iter().rev().find(|(_, memory)| memory.generation == generation).map(|(_, memory)| memory.types.clone())
    }
}

/// The text of a member.
fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
