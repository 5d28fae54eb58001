//! Request budgets in calendar-aligned windows. Pure: the clock is an argument.

use std::collections::BTreeMap;

use jiff::Timestamp;
use uuid::Uuid;

use crate::config::{Config, Limit};

/// What one request found in its bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Allowance {
    pub(crate) granted: bool,
    pub(crate) limit: Limit,
    pub(crate) remaining: u64,
    /// Whole seconds until the window ends, rounded up.
    pub(crate) reset: i64,
}

impl Allowance {
    /// The five headers, or none if this bucket keeps quiet.
    pub(crate) fn headers(&self) -> Vec<(String, String)> {
        if !self.limit.headers {
            return Vec::new();
        }
        let values = [
            ("x-ratelimit-limit", self.limit.limit.to_string()),
            ("x-ratelimit-period", self.limit.period_seconds.to_string()),
            ("x-ratelimit-remaining", self.remaining.to_string()),
            ("x-ratelimit-reset", self.reset.to_string()),
            ("x-ratelimit-name", self.limit.name.clone()),
        ];
        values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

#[derive(Clone, Debug)]
struct Bucket {
    limit: Limit,
    window: i64,
    used: u64,
}

impl Bucket {
    fn period(&self) -> i64 {
        i64::try_from(self.limit.period_seconds).unwrap_or(i64::MAX).max(1)
    }

    fn turn(&mut self, now: Timestamp) {
        let window = now.as_second().div_euclid(self.period());
        if window != self.window {
            (self.window, self.used) = (window, self.limit.foreign_per_period);
        }
    }

    fn take(&mut self, now: Timestamp) -> Allowance {
        self.turn(now);
        let granted = self.used < self.limit.limit;
        if granted {
            self.used += 1;
        }
        let reset = self.period() - now.as_second().rem_euclid(self.period());
        Allowance { granted, remaining: self.limit.limit.saturating_sub(self.used), reset, limit: self.limit.clone() }
    }
}

/// The buckets of all organizations that have one.
#[derive(Debug, Default)]
pub(crate) struct Limits(BTreeMap<Uuid, Bucket>);

impl Limits {
    pub(crate) fn new(config: &Config) -> Self {
        let mut limits = Self::default();
        for organization in &config.organizations {
            limits.set(organization.id, organization.limit.clone());
        }
        limits
    }

    /// Gives an organization a fresh bucket, or takes its bucket away.
    pub(crate) fn set(&mut self, organization: Uuid, limit: Option<Limit>) {
        match limit {
            Some(limit) => self.0.insert(organization, Bucket { limit, window: i64::MIN, used: 0 }),
            None => self.0.remove(&organization),
        };
    }

    /// Counts one request; `None` if the organization has no bucket.
    pub(crate) fn take(&mut self, organization: Uuid, now: Timestamp) -> Option<Allowance> {
        self.0.get_mut(&organization).map(|bucket| bucket.take(now))
    }

    /// Other tools used up so much of the present window.
    pub(crate) fn used_elsewhere(&mut self, organization: Uuid, count: u64, now: Timestamp) {
        if let Some(bucket) = self.0.get_mut(&organization) {
            bucket.turn(now);
            bucket.used = bucket.used.saturating_add(count);
        }
    }
}
