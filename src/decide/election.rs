//! Who leads: what a process does next about the lease, given what it saw, since when, and now. Pure.
//!
//! | first match | step |
//! |---|---|
//! | the term that this process leads in is over | lost |
//! | there is no lease, or nobody holds it | take |
//! | this process holds it | renew |
//! | another holds it, and this process leads | lost |
//! | another holds it, and its record has not changed for as long as it is to last | take |
//! | another holds it | wait |
//!
//! # Guarantees
//! - No two terms overlap, as long as clocks *run* equally fast within five seconds in fifteen; what they *show* does not matter. A term ends
//!   [`RENEW_DEADLINE`] after the last write that succeeded was sent. Whoever takes over has seen that write, or a later one, for at least
//!   [`LEASE_DURATION`] by its own clock, and writes on exactly the version that it read, so that no renewal can have come in between.
//!
//! # Assumptions
//! - Nobody else writes the lease. Whoever deletes or empties it while somebody leads makes two lead until the first one looks again.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::LeaseSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;

/// Since the process began, by a clock that nobody sets: the wall clocks of two machines differ.
pub type Moment = Duration;

/// How long a record keeps others away. The times are those of the controllers of Kubernetes.
pub const LEASE_DURATION: Duration = Duration::from_secs(15);
/// How long a term lasts beyond the moment at which its last renewal was sent. What is left of the lease, 5 s, is for calls under way.
pub const RENEW_DEADLINE: Duration = Duration::from_secs(10);
/// The longest time from one attempt to the next.
pub const RETRY_PERIOD: Duration = Duration::from_secs(2);

/// What to do about the lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Another leads.
    Wait,
    /// It may be had.
    Take,
    /// It is this process's own.
    Renew,
    /// This process led, and does so no more.
    Lost,
}

/// A lease as this process has seen it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Seen {
    /// What it says; nothing if there is none.
    record: Option<LeaseSpec>,
    /// The first of the looks that have all shown the same.
    since: Moment,
}

impl Seen {
    /// After another look, which was answered at this moment.
    #[must_use]
    pub fn again(self, record: Option<&LeaseSpec>, now: Moment) -> Self {
        if self.record.as_ref() == record { self } else { Self { record: record.cloned(), since: now } }
    }

    /// Who holds it.
    pub fn holder(&self) -> Option<&str> {
        holder(self.record.as_ref()?)
    }

    /// When a record that stays as it is has kept others away for long enough. One that was written with other times than ours counts for
    /// what it says, if that is longer.
    fn expires(&self) -> Moment {
        let said = self.record.as_ref().and_then(|record| record.lease_duration_seconds).and_then(|seconds| u64::try_from(seconds).ok());
        self.since + LEASE_DURATION.max(Duration::from_secs(said.unwrap_or_default()))
    }
}

/// What this process does next; `term_ends` is the end of its term, if it leads.
pub fn step(me: &str, seen: &Seen, term_ends: Option<Moment>, now: Moment) -> Step {
    if term_ends.is_some_and(|end| now >= end) {
        return Step::Lost;
    }
    match seen.holder() {
        None => Step::Take,
        Some(holder) if holder == me => Step::Renew,
        Some(_) if term_ends.is_some() => Step::Lost,
        Some(_) if now >= seen.expires() => Step::Take,
        Some(_) => Step::Wait,
    }
}

/// How long after an attempt the next one begins; `chance` is from 0 to 1. Two that wait for the same lease do not go in step.
pub fn pause(chance: f64) -> Duration {
    RETRY_PERIOD.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0)
}

/// Who holds a lease of this record; a released one has an empty name.
pub fn holder(record: &LeaseSpec) -> Option<&str> {
    record.holder_identity.as_deref().filter(|holder| !holder.is_empty())
}

/// The record of a lease that this process takes or renews.
pub fn held(me: &str, before: Option<&LeaseSpec>, now: Timestamp) -> LeaseSpec {
    let renewed = before.filter(|record| holder(record) == Some(me));
    let transitions = before.map_or(0, |record| record.lease_transitions.unwrap_or_default());
    LeaseSpec {
        holder_identity: Some(me.to_owned()),
        lease_duration_seconds: i32::try_from(LEASE_DURATION.as_secs()).ok(),
        acquire_time: renewed.and_then(|record| record.acquire_time.clone()).or(Some(MicroTime(now))),
        renew_time: Some(MicroTime(now)),
        lease_transitions: Some(if before.is_some() && renewed.is_none() { transitions.saturating_add(1) } else { transitions }),
        ..before.cloned().unwrap_or_default()
    }
}

/// The record of a lease that its holder gives back: it keeps nobody waiting. A duration of 0 is refused by the API server.
pub fn released(before: &LeaseSpec, now: Timestamp) -> LeaseSpec {
    LeaseSpec {
        holder_identity: Some(String::new()),
        lease_duration_seconds: Some(1),
        acquire_time: Some(MicroTime(now)),
        renew_time: Some(MicroTime(now)),
        ..before.clone()
    }
}

#[cfg(test)]
mod tests;
