//! The organization's clock, as its answers tell it. Ownership compares `created_at` with the time of the claim: both must come from
//! one clock, and the clock of this machine may be wrong by hours.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use http::header::DATE;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// The last `Date` header and when it came. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct ServerClock(Arc<Mutex<Option<(Timestamp, Instant)>>>);

impl ServerClock {
    pub(super) fn set(&self, told: Timestamp, at: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((told, at));
    }

    /// The organization's time at `now` in whole seconds: never ahead of it, because `Date` is cut to the second and has travelled.
    pub(super) fn at(&self, now: Instant) -> Option<Timestamp> {
        let (told, at) = (*self.0.lock().unwrap_or_else(PoisonError::into_inner))?;
        whole_seconds(told.checked_add(SignedDuration::try_from(now.saturating_duration_since(at)).ok()?).ok()?)
    }
}

/// The time in the `Date` header, if it can be read.
pub(super) fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let text = headers.get(DATE)?.to_str().ok()?;
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

/// The latest whole second of which it is sure that it is not after the sending of a request that took `elapsed`.
pub(super) fn sent_at(told: Timestamp, elapsed: Duration) -> Option<Timestamp> {
    whole_seconds(told.checked_sub(SignedDuration::try_from(elapsed).ok()?).ok()?)
}

fn whole_seconds(time: Timestamp) -> Option<Timestamp> {
    Timestamp::from_second(time.as_second()).ok()
}
