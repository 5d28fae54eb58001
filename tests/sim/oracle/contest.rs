//! Who changed a connection how often: people behind the operator's back, and each process that put it right again.

use std::ops::RangeInclusive;
use std::time::Duration;

use datadog_double::Connection;

use super::memory::Pair;

/// So many corrections within a window make the next one a contest.
const MANY: usize = 3;

/// All changes from the beginning on.
#[derive(Debug, Default)]
pub(super) struct Contest {
    disturbances: Vec<(Pair, Duration)>,
    corrections: Vec<(usize, Pair, Duration)>,
}

impl Contest {
    /// People have changed or deleted some of these rows.
    pub(super) fn disturbed(&mut self, before: &[Connection], after: &[Connection], at: Duration) {
        let lost = before.iter().filter(|row| !after.contains(row));
        self.disturbances.extend(lost.map(|row| ((row.source, row.sink), at)));
    }

    /// A process creates or changes the pair's connection.
    pub(super) fn corrects(&mut self, line: usize, pair: Pair, at: Duration) {
        self.corrections.push((line, pair, at));
    }

    /// Whether the pair was really changed, and put right by one process, as often as that in some window since then.
    pub(super) fn was_real(&self, pair: Pair, since: Duration, window: Duration) -> bool {
        let disturbed = self.disturbances.iter().filter(|(of, _)| *of == pair).map(|(_, at)| *at);
        let corrected = self.corrections.iter().filter(|(_, of, _)| *of == pair).map(|(_, _, at)| *at);
        disturbed.chain(corrected).filter(|at| *at >= since).any(|begin| self.is_real(pair, &(begin..=begin + window)))
    }

    fn is_real(&self, pair: Pair, window: &RangeInclusive<Duration>) -> bool {
        let disturbances = self.disturbances.iter().filter(|(of, at)| *of == pair && window.contains(at)).count();
        let by = |line: usize| self.corrections.iter().filter(|(by, of, at)| (*by, *of) == (line, pair) && window.contains(at)).count();
        disturbances >= MANY && self.corrections.iter().any(|(line, _, _)| by(*line) >= MANY)
    }
}
