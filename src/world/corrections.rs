//! How often a connection had to be put right lately. Two owners that correct each other would go on for ever. Instants are passed in.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// So many corrections are made within a window; the next one is not.
const MOST: usize = 3;

/// How long nothing is put right after that.
pub(super) const STOP: Duration = Duration::from_mins(30);

/// The corrections of one object under one generation of its spec.
#[derive(Debug, Default)]
pub(super) struct Corrections {
    generation: i64,
    made: VecDeque<Instant>,
    stopped: Option<Instant>,
}

impl Corrections {
    /// One more was made.
    pub(super) fn add(&mut self, generation: i64, now: Instant) {
        if self.generation != generation || self.stopped.is_some() {
            *self = Self { generation, ..Self::default() };
        }
        self.made.push_back(now);
        if self.made.len() > MOST {
            self.made.pop_front();
        }
    }

    /// The next one is not made.
    pub(super) fn stop(&mut self, now: Instant) {
        if self.stopped.is_none_or(|stopped| now >= stopped + STOP) {
            self.stopped = Some(now);
        }
    }

    /// For how long none is to be made.
    pub(super) fn contested(&self, generation: i64, window: Duration, now: Instant) -> Option<Duration> {
        if self.generation != generation {
            return None;
        }
        match (self.stopped, self.made.front()) {
            (Some(stopped), _) => (stopped + STOP).checked_duration_since(now).filter(|rest| !rest.is_zero()),
            (None, Some(first)) if self.made.len() == MOST && now < *first + window => Some(STOP),
            (None, _) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_mins(10);

    fn minutes(count: u64) -> Duration {
        Duration::from_mins(count)
    }

    /// Corrections at these minutes after now.
    fn made(at: &[u64]) -> (Corrections, Instant) {
        let (mut corrections, begun) = (Corrections::default(), Instant::now());
        at.iter().for_each(|minute| corrections.add(1, begun + minutes(*minute)));
        (corrections, begun)
    }

    #[test]
    fn the_fourth_correction_within_the_window_is_not_made() {
        for (at, now, expected) in [
            (vec![], 0, None),
            (vec![0, 1], 2, None),
            (vec![0, 1, 2], 3, Some(STOP)),
            (vec![0, 1, 2], 10, None),
            (vec![0, 5, 9], 9, Some(STOP)),
            (vec![0, 5, 9, 12], 13, Some(STOP)),
            (vec![0, 5, 9, 12], 15, None),
        ] {
            let (corrections, begun) = made(&at);
            assert_eq!(corrections.contested(1, WINDOW, begun + minutes(now)), expected, "{at:?} at {now}");
        }
    }

    #[test]
    fn the_stop_lasts_half_an_hour_from_the_correction_that_was_not_made() {
        let (mut corrections, begun) = made(&[0, 1, 2]);
        corrections.stop(begun + minutes(3));
        corrections.stop(begun + minutes(20));
        assert_eq!(corrections.contested(1, WINDOW, begun + minutes(32)), Some(minutes(1)));
        assert_eq!(corrections.contested(1, WINDOW, begun + minutes(33)), None);
        corrections.add(1, begun + minutes(33));
        assert_eq!(corrections.contested(1, WINDOW, begun + minutes(34)), None, "and counting begins anew");
    }

    #[test]
    fn another_spec_is_another_matter() {
        let (mut corrections, begun) = made(&[0, 1, 2]);
        assert_eq!(corrections.contested(2, WINDOW, begun + minutes(3)), None);
        corrections.add(2, begun + minutes(3));
        assert_eq!(corrections.contested(2, WINDOW, begun + minutes(4)), None);
    }
}
