//! What goes wrong: partitions, requests and answers that come late or never, errors, processes that stand still.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use tokio::time::Instant;

use super::process::Freezer;
use crate::apiserver::{Fault, RequestInfo, What};

/// How long a process stands still: longer than a lease.
const STANDSTILL: Duration = Duration::from_secs(25);
/// The longest way of a request: longer than its sender waits, and longer than a lease.
const LATEST_MILLIS: u64 = 20_000;

/// Cheap to clone; all clones are one weather.
#[derive(Clone)]
pub(super) struct Weather(Arc<Mutex<State>>);

struct State {
    chance: Rng,
    fair: Instant,
    /// When which slot is cut off; one beyond the last is all of them.
    partitions: Vec<(usize, Range<Instant>)>,
    all: usize,
    /// Of a hundred requests.
    disturbed: u8,
    lines: BTreeMap<usize, (usize, Freezer)>,
    last_effect: Instant,
    frozen: usize,
    faults: usize,
}

impl Weather {
    pub(super) fn new(mut chance: Rng, slots: usize, turmoil: Duration) -> Self {
        let begun = Instant::now();
        let fair = begun + turmoil;
        let partitions = std::iter::repeat_with(|| {
            let from = begun + turmoil.mul_f64(chance.f64());
            (chance.usize(..=slots), from..fair.min(from + Duration::from_secs(chance.u64(3..45))))
        });
        let partitions = partitions.take(12).collect();
        let disturbed = chance.u8(..40);
        let state =
            State { chance, fair, partitions, all: slots, disturbed, lines: BTreeMap::new(), last_effect: fair, frozen: 0, faults: 0 };
        Self(Arc::new(Mutex::new(state)))
    }

    /// Over a process on this line, in this slot.
    pub(super) fn watches(&self, slot: usize, line: usize) -> Freezer {
        let freezer = Freezer::default();
        self.0.lock().unwrap().lines.insert(line, (slot, freezer.clone()));
        freezer
    }

    /// What befalls a request.
    pub(super) fn of(&self, request: &RequestInfo) -> Fault {
        self.0.lock().unwrap().of(request)
    }

    /// When nothing that has gone wrong has an effect any more.
    pub(super) fn last_effect(&self) -> Instant {
        self.0.lock().unwrap().last_effect
    }

    pub(super) fn frozen(&self) -> usize {
        self.0.lock().unwrap().frozen
    }

    pub(super) fn faults(&self) -> usize {
        self.0.lock().unwrap().faults
    }
}

impl State {
    fn of(&mut self, request: &RequestInfo) -> Fault {
        let ordinary = Fault::NONE.delayed(self.millis(1..50), self.millis(0..50));
        if Instant::now() >= self.fair {
            return ordinary;
        }
        let mut fault = self.fault(request, ordinary);
        if self.freezes(request) {
            // The answer waits for it.
            fault.after = Duration::ZERO;
        }
        self.faults += usize::from(fault != ordinary);
        self.last_effect = self.last_effect.max(Instant::now() + fault.before + fault.after);
        fault
    }

    /// Whether its sender stands still from the moment at which this request has left it.
    fn freezes(&mut self, request: &RequestInfo) -> bool {
        let one_in = if request.is_write() { 40 } else { 400 };
        if self.chance.u32(..one_in) > 0 {
            return false;
        }
        let until = Instant::now() + STANDSTILL;
        self.lines[&request.line].1.freeze(until);
        self.last_effect = self.last_effect.max(until);
        self.frozen += 1;
        true
    }

    fn fault(&mut self, request: &RequestInfo, ordinary: Fault) -> Fault {
        let (now, slot) = (Instant::now(), self.lines[&request.line].0);
        if self.partitions.iter().any(|(cut, when)| (*cut == slot || *cut == self.all) && when.contains(&now)) {
            return if self.chance.bool() { What::Swallow.into() } else { What::Unreachable.into() };
        }
        if self.chance.u8(..100) >= self.disturbed {
            return ordinary;
        }
        let Fault { before, after, what: _ } = ordinary;
        match self.chance.u8(..8) {
            0 => What::Swallow.into(),
            1 => Fault::from(What::Refuse(503)).delayed(before, after),
            2 => Fault::from(What::FailAfter(500)).delayed(before, after),
            3 => Fault::from(What::BreakAfter).delayed(before, after),
            4 => Fault::from(What::LoseAnswer).delayed(before, after),
            5 => ordinary.delayed(self.millis(0..LATEST_MILLIS), after),
            6 => ordinary.delayed(before, self.millis(0..8000)),
            _ => ordinary.delayed(self.millis(0..4000), self.millis(0..4000)),
        }
    }

    fn millis(&mut self, range: Range<u64>) -> Duration {
        Duration::from_millis(self.chance.u64(range))
    }
}
