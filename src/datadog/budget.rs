//! The request budget that Datadog grants an organization, learned from the `X-RateLimit-*` headers of every answer.
//!
//! All keys and tools of an organization share its buckets ([`super::budgets`] sees to that). A bucket is known by its name
//! (`X-RateLimit-Name`) and a call belongs to the bucket that its last answer named: an exhausted budget for writing does not stop
//! the lists. An answer without a name (the edge's HTML) speaks for every call.

use std::collections::BTreeMap;
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use tokio::time::Instant;

use super::Call;
use super::text::printable;

/// The longest period that Datadog documents for a bucket is an hour. A reset further away (or an epoch, or a negative number) is a
/// mistake and is not believed.
const LONGEST_RESET: Duration = Duration::from_secs(3600);

/// `Reset: 0` means within this second.
const SHORTEST_RESET: Duration = Duration::from_secs(1);

/// The wait when the bucket is empty and no believable reset is told: the common period of Datadog's buckets, doubled each time in a row...
const BLIND_WAIT: Duration = Duration::from_secs(10);

/// ...up to the cap of every backoff.
const LONGEST_BLIND_WAIT: Duration = Duration::from_secs(300);

/// Resets are whole seconds: two answers of one window may disagree by that and the time on the way.
const SAME_WINDOW: Duration = Duration::from_secs(2);

/// A bucket's name is a short word; what is longer is cut, so that it cannot fill the memory.
const MAX_NAME: usize = 64;

/// The buckets of an organization. Pure: time comes in.
#[derive(Debug, Default)]
pub(super) struct Buckets {
    shared: Bucket,
    named: BTreeMap<String, Bucket>,
    /// The bucket that each call was last told to belong to.
    name_of: BTreeMap<&'static str, String>,
}

impl Buckets {
    pub(super) fn admit(&mut self, call: Call, now: Instant) -> Result<(), Instant> {
        if let Some(until) = self.closed_until(call, now) {
            return Err(until);
        }
        let own = self.name_of.get(call.name()).and_then(|name| self.named.get_mut(name));
        std::iter::once(&mut self.shared).chain(own).for_each(|bucket| bucket.take(now));
        Ok(())
    }

    /// Until when nothing may be sent for this call.
    pub(super) fn closed_until(&self, call: Call, now: Instant) -> Option<Instant> {
        let own = self.name_of.get(call.name()).and_then(|name| self.named.get(name));
        std::iter::once(&self.shared).chain(own).filter_map(|bucket| bucket.closed_until(now)).max()
    }

    /// Takes in what was learned of the same organization elsewhere.
    pub(super) fn absorb(&mut self, other: &Self, now: Instant) {
        self.shared.absorb(&other.shared, now);
        for (call, name) in &other.name_of {
            let Some(bucket) = other.named.get(name) else { continue };
            self.name_of.entry(call).or_insert_with(|| name.clone());
            self.named.entry(name.clone()).or_default().absorb(bucket, now);
        }
    }

    pub(super) fn learn(&mut self, call: Call, status: StatusCode, headers: &HeaderMap, now: Instant) -> Option<Instant> {
        let told = Told::read(status, headers);
        if !told.exhausted {
            self.shared.blind_waits = 0;
        }
        let bucket = self.bucket_of(call, told.name, now);
        bucket.learn(told.exhausted, told.remaining, told.reset, now);
        told.exhausted.then(|| bucket.closed_until(now)).flatten()
    }

    pub(super) fn remaining(&self, now: Instant) -> Option<u64> {
        std::iter::once(&self.shared).chain(self.named.values()).filter_map(|bucket| Some(bucket.window_at(now)?.remaining)).min()
    }

    /// What each bucket was last told to have left; the one without a name is `unnamed`.
    pub(super) fn told(&self) -> Vec<(String, u64)> {
        let named = self.named.iter().map(|(name, bucket)| (name.as_str(), bucket));
        let all = std::iter::once(("unnamed", &self.shared)).chain(named);
        all.filter_map(|(name, bucket)| Some((name.to_owned(), bucket.told?))).collect()
    }

    /// Whether nothing is known that would still count.
    pub(super) fn is_idle(&self, now: Instant) -> bool {
        std::iter::once(&self.shared).chain(self.named.values()).all(|bucket| bucket.window_at(now).is_none())
    }

    fn bucket_of(&mut self, call: Call, name: Option<String>, now: Instant) -> &mut Bucket {
        let Some(name) = name else { return &mut self.shared };
        let before = self.name_of.insert(call.name(), name.clone()).filter(|before| *before != name);
        let before = before.and_then(|before| self.named.get(&before).copied());
        // At most one bucket for each call is kept, whatever names a server makes up.
        self.named.retain(|known, _| self.name_of.values().any(|used| used == known));
        let bucket = self.named.entry(name).or_default();
        // A call that is told another name while its bucket is closed has to wait all the same.
        if let Some(before) = before.filter(|before| before.closed_until(now).is_some()) {
            bucket.absorb(&before, now);
        }
        bucket
    }
}

/// What the headers of one answer say; what cannot be believed is left out.
struct Told {
    name: Option<String>,
    exhausted: bool,
    remaining: Option<u64>,
    reset: Option<Duration>,
}

impl Told {
    fn read(status: StatusCode, headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim).filter(|text| !text.is_empty());
        let remaining = text("x-ratelimit-remaining").and_then(|text| text.parse::<i64>().ok()).map(|n| u64::try_from(n).unwrap_or(0));
        let reset = text("x-ratelimit-reset").and_then(|text| text.parse().ok()).map(Duration::from_secs);
        Self {
            name: text("x-ratelimit-name").map(|name| printable(name, MAX_NAME)),
            exhausted: status == StatusCode::TOO_MANY_REQUESTS || remaining == Some(0),
            remaining,
            reset: reset.filter(|reset| *reset <= LONGEST_RESET).map(|reset| reset.max(SHORTEST_RESET)),
        }
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Bucket {
    window: Option<Window>,
    /// What an answer said last is left, also when that is long over: for people.
    told: Option<u64>,
    /// How often in a row the bucket was empty without a word about its reset.
    blind_waits: u32,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    remaining: u64,
    resets_at: Instant,
    /// Whether an answer said that nothing is left, and not our own count alone.
    told_empty: bool,
}

impl Bucket {
    fn window_at(&self, now: Instant) -> Option<Window> {
        self.window.filter(|window| now < window.resets_at)
    }

    fn closed_until(&self, now: Instant) -> Option<Instant> {
        self.window_at(now).filter(|window| window.remaining == 0).map(|window| window.resets_at)
    }

    /// Counts a request that is about to be sent: its answer comes too late for those that are sent meanwhile.
    fn take(&mut self, now: Instant) {
        self.window = self.window_at(now).map(|window| Window { remaining: window.remaining.saturating_sub(1), ..window });
    }

    fn learn(&mut self, exhausted: bool, remaining: Option<u64>, reset: Option<Duration>, now: Instant) {
        if !exhausted {
            self.blind_waits = 0;
        }
        self.told = if exhausted { Some(0) } else { remaining.or(self.told) };
        let told = match (exhausted, remaining, reset) {
            (true, _, Some(reset)) => Window { remaining: 0, resets_at: now + reset, told_empty: true },
            // Several requests in flight meet one empty bucket: that is one blind wait, not one each.
            (true, _, None) if self.closed_until(now).is_some() => return,
            (true, _, None) => Window { remaining: 0, resets_at: now + self.next_blind_wait(), told_empty: true },
            (false, Some(remaining), Some(reset)) => Window { remaining, resets_at: now + reset, told_empty: false },
            (false, None, _) | (false, _, None) => return,
        };
        self.meet(told, now);
    }

    fn absorb(&mut self, other: &Self, now: Instant) {
        self.blind_waits = self.blind_waits.max(other.blind_waits);
        self.told = self.told.or(other.told);
        if let Some(told) = other.window_at(now) {
            self.meet(told, now);
        }
    }

    fn meet(&mut self, told: Window, now: Instant) {
        self.window = Some(match self.window_at(now) {
            // Answers may overtake each other, and some requests are in flight: within a window the smaller number is the safe one.
            Some(known) if told.resets_at <= known.resets_at + SAME_WINDOW => {
                let told_empty = known.told_empty || told.told_empty;
                Window { remaining: known.remaining.min(told.remaining), resets_at: known.resets_at.max(told.resets_at), told_empty }
            }
            // Nothing is sent while it is closed: this answers a request that was under way before.
            Some(known) if known.told_empty && !told.told_empty => known,
            Some(_) | None => told,
        });
    }

    fn next_blind_wait(&mut self) -> Duration {
        let wait = BLIND_WAIT.saturating_mul(2_u32.saturating_pow(self.blind_waits)).min(LONGEST_BLIND_WAIT);
        self.blind_waits = self.blind_waits.saturating_add(1);
        wait
    }
}
