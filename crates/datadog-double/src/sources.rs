//! The two sources of chance: the wall clock and the ids of new connections. Both are passed in, so that a simulation repeats itself.

use std::fmt;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;
use uuid::{Builder, Uuid};

/// Where the double reads the wall clock: `created_at`, the `Date` header and the rate-limit windows follow it.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The clock of this machine.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place where the real clock enters; everything else gets it passed in")]
    pub fn real() -> Self {
        Self(Arc::new(Timestamp::now))
    }

    /// A clock that starts at `start` and moves with tokio's time: with a paused runtime it stands still until time is advanced.
    #[must_use]
    pub fn virtual_from(start: Timestamp) -> Self {
        let begun = Instant::now();
        Self::from_fn(move || {
            let elapsed = SignedDuration::try_from(begun.elapsed()).unwrap_or(SignedDuration::ZERO);
            start.saturating_add(elapsed).unwrap_or(start)
        })
    }

    /// Any other clock.
    #[must_use]
    pub fn from_fn(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// Where the ids of new connections and users come from.
pub struct Ids(Box<dyn FnMut() -> Uuid + Send>);

impl Ids {
    /// Random UUIDs of version 4.
    #[must_use]
    pub fn random() -> Self {
        Self(Box::new(Uuid::new_v4))
    }

    /// The same well-formed version 4 UUIDs in the same order for the same seed.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        let mut state = seed;
        Self(Box::new(move || {
            let mut bytes = [0; 16];
            let (high, low) = bytes.split_at_mut(8);
            high.copy_from_slice(&split_mix(&mut state).to_be_bytes());
            low.copy_from_slice(&split_mix(&mut state).to_be_bytes());
            Builder::from_random_bytes(bytes).into_uuid()
        }))
    }

    pub(crate) fn next(&mut self) -> Uuid {
        (self.0)()
    }
}

impl fmt::Debug for Ids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ids")
    }
}

/// `SplitMix64`: tiny, and good enough that ids of neighbouring seeds do not collide.
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
