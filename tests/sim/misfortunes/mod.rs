//! What goes wrong, on both sides: which kinds in this seed, how often, and how often it did.
//!
//! The bounds are those that the operator is built for, and no others: a request to Datadog lands within 12 s of its being sent or never;
//! a list lags by 15 s, and misses a write in one list at most; a list that says it is empty is followed by a true one.

mod datadog;
mod kubernetes;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use tokio::time::Instant;

use crate::apiserver::Line;

pub(crate) use datadog::transport;

/// A kind of misfortune.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    // The process.
    CrashBeforeEffect,
    CrashAfterEffect,
    // Kubernetes, any request.
    Refused,
    Conflict,
    NoConnection,
    Swallowed,
    FailedAfterEffect,
    BrokenAfterEffect,
    AnswerLost,
    SlowKubernetes,
    LateKubernetes,
    KubernetesAway,
    ClaimsForbidden,
    StatusForbidden,
    // Kubernetes, watches and their lists.
    StaleCache,
    WatchLags,
    WatchHolds,
    WatchCoalesces,
    WatchCloses,
    WatchBreaks,
    WatchTooOld,
    WatchSilent,
    // Datadog, any request.
    NotSent,
    DroppedBefore,
    DroppedAfter,
    ErrorBefore,
    ErrorAfter,
    HtmlBefore,
    HtmlAfter,
    ThrottledWithReset,
    ThrottledBlindly,
    ThrottledByHtml,
    Truncated,
    EmptyBody,
    SlowDatadog,
    LateRequest,
    LateAnswer,
    KeyRefusedOnce,
    DatadogAway,
    // Datadog, lists.
    EmptyList,
    ShortList,
    LaggingList,
    OddRow,
    ListWithoutCounts,
    ListReversed,
    ListOfAnother,
}

impl Kind {
    const OF_PROCESS: [Self; 2] = [Self::CrashBeforeEffect, Self::CrashAfterEffect];
    const OF_KUBERNETES: [Self; 12] = [
        Self::Refused,
        Self::Conflict,
        Self::NoConnection,
        Self::Swallowed,
        Self::FailedAfterEffect,
        Self::BrokenAfterEffect,
        Self::AnswerLost,
        Self::SlowKubernetes,
        Self::LateKubernetes,
        Self::KubernetesAway,
        Self::ClaimsForbidden,
        Self::StatusForbidden,
    ];
    const OF_WATCHES: [Self; 8] = [
        Self::StaleCache,
        Self::WatchLags,
        Self::WatchHolds,
        Self::WatchCoalesces,
        Self::WatchCloses,
        Self::WatchBreaks,
        Self::WatchTooOld,
        Self::WatchSilent,
    ];
    const OF_DATADOG: [Self; 17] = [
        Self::NotSent,
        Self::DroppedBefore,
        Self::DroppedAfter,
        Self::ErrorBefore,
        Self::ErrorAfter,
        Self::HtmlBefore,
        Self::HtmlAfter,
        Self::ThrottledWithReset,
        Self::ThrottledBlindly,
        Self::ThrottledByHtml,
        Self::Truncated,
        Self::EmptyBody,
        Self::SlowDatadog,
        Self::LateRequest,
        Self::LateAnswer,
        Self::KeyRefusedOnce,
        Self::DatadogAway,
    ];
    const OF_LISTS: [Self; 7] = [
        Self::EmptyList,
        Self::ShortList,
        Self::LaggingList,
        Self::OddRow,
        Self::ListWithoutCounts,
        Self::ListReversed,
        Self::ListOfAnother,
    ];

    fn all() -> impl Iterator<Item = Self> {
        [&Self::OF_PROCESS[..], &Self::OF_KUBERNETES, &Self::OF_WATCHES, &Self::OF_DATADOG, &Self::OF_LISTS].concat().into_iter()
    }
}

/// How often which kind struck.
pub(crate) type Tally = BTreeMap<Kind, usize>;

/// The weather of one run. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Weather(Arc<Mutex<State>>);

struct State {
    chance: Rng,
    kinds: BTreeSet<Kind>,
    /// One request in so many meets a misfortune.
    odds: u32,
    over: bool,
    tally: Tally,
    /// What lasts for a while.
    spells: BTreeMap<Kind, Instant>,
    lines: BTreeMap<usize, Line>,
    /// Whose last list was wrongly empty, by process and key: the next one is not.
    empty: BTreeSet<(usize, String)>,
    /// When the last list was asked for.
    listed_at: Option<Instant>,
}

impl Weather {
    /// The weather of this seed: each kind in two seeds of three, and from fair to foul.
    pub(crate) fn new(seed: u64) -> Self {
        let mut chance = Rng::with_seed(seed ^ 0x0077_6561_7468_6572);
        let kinds = Kind::all().filter(|_| chance.u8(..3) > 0).collect();
        let odds = [12, 25, 60, 150][chance.usize(..4)];
        Self(Arc::new(Mutex::new(State {
            chance,
            kinds,
            odds,
            over: false,
            tally: Tally::new(),
            spells: BTreeMap::new(),
            lines: BTreeMap::new(),
            empty: BTreeSet::new(),
            listed_at: None,
        })))
    }

    /// A process has begun; it may crash at any of its writes.
    pub(crate) fn may_crash(&self, line: &Line) {
        self.state().lines.insert(line.number(), line.clone());
    }

    /// From now on nothing goes wrong.
    pub(crate) fn clears(&self) {
        let mut state = self.state();
        state.over = true;
        state.spells.clear();
    }

    /// What struck so far.
    pub(crate) fn tally(&self) -> Tally {
        self.state().tally.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// One of these kinds, or mostly none.
    fn strikes(&mut self, of: &[Kind], odds: u32) -> Option<Kind> {
        if self.over || self.chance.u32(..odds) > 0 {
            return None;
        }
        let possible: Vec<Kind> = of.iter().copied().filter(|kind| self.kinds.contains(kind)).collect();
        let kind = *possible.get(self.chance.usize(..possible.len().max(1)))?;
        *self.tally.entry(kind).or_default() += 1;
        Some(kind)
    }

    fn lasts(&mut self, kind: Kind, seconds: std::ops::Range<u64>) {
        let until = Instant::now() + Duration::from_secs(self.chance.u64(seconds));
        self.spells.insert(kind, until);
    }

    fn is_under(&self, kind: Kind) -> bool {
        self.spells.get(&kind).is_some_and(|until| Instant::now() < *until)
    }

    fn crash(&self, line: usize) {
        if let Some(line) = self.lines.get(&line) {
            line.cut();
        }
    }

    fn up_to(&mut self, seconds: f64) -> Duration {
        Duration::from_secs_f64(self.chance.f64() * seconds)
    }
}
