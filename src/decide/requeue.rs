//! When to look again. Pure: chance is passed in.

use std::time::Duration;

use jiff::Timestamp;

use super::outcome::Retry;

/// The first wait of a growing series.
pub const FIRST_WAIT: Duration = Duration::from_secs(1);
/// Where it stops growing: an outage of hours costs one attempt each five minutes, and its end is noticed within that.
pub const LONGEST_WAIT: Duration = Duration::from_mins(5);
/// Permanent is never for ever: what only a person can mend is looked at twice an hour.
pub const PERMANENT_WAIT: Duration = Duration::from_mins(30);

/// How long to wait; `None` means until something wakes the object. `attempts` counts the failures in a row before this one, `chance` is
/// uniform in 0..1: waits are spread over the whole interval ("full jitter"), so that objects that failed together do not come back
/// together.
pub fn after(retry: Retry, attempts: u32, chance: f64) -> Option<Duration> {
    match retry {
        Retry::WhenWoken => None,
        Retry::After(time) => Some(time.mul_f64(1.0 + chance / 10.0)),
        Retry::Backoff => Some(backoff(attempts, chance)),
        Retry::Permanent => Some(PERMANENT_WAIT.mul_f64(0.9 + chance / 5.0)),
    }
}

/// How long it is from now until then; nothing if that is over.
pub fn until(then: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(then.duration_since(now)).unwrap_or_default()
}

/// Who waits for a request budget that is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rank {
    /// Creations and changes: somebody waits for them.
    Change,
    /// Deletions.
    Deletion,
    /// Looks: what was seen before stays good for a while.
    Look,
}

/// How long to wait for a budget that is closed for this long: when it opens again, each rank comes after the one before, spread as
/// [`after`] spreads it.
pub fn on_reopening(closed: Duration, rank: Rank) -> Duration {
    let step = closed / 10 + FIRST_WAIT;
    match rank {
        Rank::Change => closed,
        Rank::Deletion => closed + step,
        Rank::Look => closed + step * 3,
    }
}

/// Exponential with full jitter, but never at once.
pub fn backoff(attempts: u32, chance: f64) -> Duration {
    let ceiling = FIRST_WAIT.saturating_mul(2_u32.saturating_pow(attempts.min(16))).min(LONGEST_WAIT);
    ceiling.mul_f64(chance).max(Duration::from_millis(200))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_five_minutes_and_never_vanish() {
        assert_eq!(backoff(0, 1.0), Duration::from_secs(1));
        assert_eq!(backoff(3, 1.0), Duration::from_secs(8));
        for attempts in [9, 16, 17, u32::MAX] {
            assert_eq!(backoff(attempts, 1.0), LONGEST_WAIT);
            assert_eq!(backoff(attempts, 0.0), Duration::from_millis(200));
        }
    }

    #[test]
    fn only_a_settled_object_waits_to_be_woken() {
        assert_eq!(after(Retry::WhenWoken, 0, 0.5), None);
        for retry in [Retry::Backoff, Retry::After(Duration::from_secs(5)), Retry::Permanent] {
            assert!(after(retry, 2, 0.5).is_some(), "{retry:?}");
        }
    }

    #[test]
    fn when_a_budget_opens_again_changes_come_before_deletions_and_those_before_looks() {
        for closed in [0, 1, 10, 60, 3600].map(Duration::from_secs) {
            let waits = [Rank::Change, Rank::Deletion, Rank::Look].map(|rank| on_reopening(closed, rank));
            let latest = |wait| after(Retry::After(wait), 0, 1.0).unwrap();
            assert!(closed <= waits[0] && latest(waits[0]) < waits[1] && latest(waits[1]) < waits[2], "{closed:?}");
        }
    }

    #[test]
    fn a_named_time_is_never_undercut() {
        for chance in [0.0, 0.5, 1.0] {
            assert!(after(Retry::After(Duration::from_secs(60)), 0, chance).unwrap() >= Duration::from_secs(60));
        }
    }
}
