//! What a well-behaved client never does, counted by the one who knows the truth. Pure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::reply::Reply;

/// A larger reset than the longest bucket of the recordings is absurd and binds nobody.
const LONGEST_RESET_SECONDS: i64 = 3600;

/// Something a client must not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Broken {
    /// A second POST for a pair after its success had been told, nothing having deleted the connection since.
    SecondCreate,
    /// A request after an answer had told `X-RateLimit-Remaining: 0`, before the reset told with it (a reset of 1 to 3600 seconds; any
    /// other binds nobody). What counts is the order of arrival: a client that has several requests under way must reserve.
    ExhaustedBudget,
    /// A key in a query string.
    KeyInQuery,
    /// PATCH or DELETE of a connection that a test has protected.
    ProtectedTouched,
    /// PATCH or DELETE of an id that no connection has ever had.
    UnknownId,
    /// Two connections of one pair. It would be a fault of the double itself.
    DuplicatePair,
}

/// One break of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// The rule.
    pub broken: Broken,
    /// The request that broke it.
    pub seq: u64,
    /// What it was about.
    pub subject: String,
}

/// The memory needed to see rules broken.
#[derive(Debug, Default)]
pub(crate) struct Monitor {
    violations: Vec<Violation>,
    told_created: BTreeSet<(Uuid, Uuid)>,
    exhausted_until: BTreeMap<Uuid, Timestamp>,
}

impl Monitor {
    pub(crate) fn violations(&self) -> &[Violation] {
        &self.violations
    }

    pub(crate) fn clear(&mut self) {
        self.violations.clear();
    }

    pub(crate) fn note(&mut self, broken: Broken, seq: u64, subject: &(impl ToString + ?Sized)) {
        self.violations.push(Violation { broken, seq, subject: subject.to_string() });
    }

    /// A request of this organization arrives.
    pub(crate) fn spends(&mut self, organization: Uuid, seq: u64, now: Timestamp) {
        if self.exhausted_until.get(&organization).is_some_and(|until| now < *until) {
            self.note(Broken::ExhaustedBudget, seq, &organization);
        }
    }

    /// A POST for this pair arrives.
    pub(crate) fn creates(&mut self, source: Uuid, sink: Uuid, seq: u64) {
        if self.told_created.contains(&(source, sink)) {
            self.note(Broken::SecondCreate, seq, &format!("{source}/{sink}"));
        }
    }

    /// The client is about to learn of its success.
    pub(crate) fn told_created(&mut self, source: Uuid, sink: Uuid) {
        self.told_created.insert((source, sink));
    }

    /// The connection of this pair is gone.
    pub(crate) fn deleted(&mut self, source: Uuid, sink: Uuid) {
        self.told_created.remove(&(source, sink));
    }

    /// The client is about to read these rate-limit headers.
    pub(crate) fn told_budget(&mut self, organization: Uuid, reply: &Reply, now: Timestamp) {
        let reset = reply.header("x-ratelimit-reset").and_then(|text| text.parse().ok());
        let binding = reset.filter(|seconds| (1..=LONGEST_RESET_SECONDS).contains(seconds));
        if let (Some("0"), Some(seconds)) = (reply.header("x-ratelimit-remaining"), binding) {
            let until = window_end(now, seconds);
            self.exhausted_until.insert(organization, until);
        }
    }
}

/// The reset is rounded up to whole seconds, so the window really ends at a whole second of the wall clock.
fn window_end(now: Timestamp, seconds: i64) -> Timestamp {
    let whole = Timestamp::from_second(now.as_second()).unwrap_or(now);
    whole.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(now)
}
