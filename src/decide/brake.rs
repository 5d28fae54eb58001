//! The deletion brake: how many connections may be deleted through one DatadogOrg within an hour. Pure.
//!
//! | first match | decision |
//! |---|---|
//! | an approval is in force | go |
//! | the connection was let through in this window | go: trying again costs nothing |
//! | the window has room, or has been open for an hour | remember the connection, then go |
//! | otherwise | held until the window ends, or for `maxDeletionsPerHour: 0` until approved |
//!
//! A window opens with its first deletion and is an hour long, by Datadog's clock. What it has let through stands in the status of the
//! DatadogOrg, written on exactly the version that was decided on, and before the DELETE is sent: so nobody who is killed, restarted, or
//! runs beside another lets more through than the limit.
//!
//! # Guarantees
//! - In no window are more connections let through than the limit that stood when the last of them was. Windows open at least an hour apart,
//!   so in any hour at all it is less than twice the limit, and all of them at once only if one window ends and another begins in it.
//! - A deletion is held only if as many others were let through since the window opened.
//! - A clock that goes back lengthens a window and opens none.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::model::ConnectionId;
use super::organization::blank;
use super::requeue;
use super::status::whole_seconds;
use crate::api::datadog_org::DatadogOrgStatus;
use crate::api::{APPROVAL_ANNOTATION, DatadogOrg};

/// How long a window is open.
pub const WINDOW: SignedDuration = SignedDuration::from_hours(1);
/// An approval further ahead is none yet: what is approved now is not to last for longer.
pub const LONGEST_APPROVAL: SignedDuration = SignedDuration::from_hours(24);
/// No time is longer: as much of an unreadable approval is kept and shown.
const SHOWN_LETTERS: usize = 64;

/// What has been let through since the window opened.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Memory {
    /// When the first of them was, by Datadog's clock, in whole seconds.
    pub opened: Timestamp,
    /// The connections.
    pub let_through: Vec<ConnectionId>,
}

/// What a DatadogOrg says of its brake.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Brake {
    /// The DatadogOrg's namespace.
    pub namespace: String,
    /// The DatadogOrg's name.
    pub name: String,
    /// `spec.maxDeletionsPerHour`.
    pub limit: usize,
    /// The annotation that approves, as it was written, but for what no time has room for.
    pub approval: Option<String>,
    /// What its status remembers.
    pub memory: Option<Memory>,
    /// How many deletions wait, by its status.
    pub held: usize,
}

/// Whether a connection may be deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It may, after this has been written.
    Go(Option<Memory>),
    /// It waits.
    Held {
        /// When the window ends; never by itself if the limit is 0.
        until: Option<Timestamp>,
    },
}

/// What an annotation approves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Approval {
    InForce,
    None,
    TooFarAhead,
    Unreadable,
}

impl Brake {
    /// As the object says.
    pub fn of(object: &DatadogOrg) -> Self {
        let (metadata, status) = (&object.metadata, object.status.as_ref());
        Self {
            namespace: metadata.namespace.clone().unwrap_or_default(),
            name: metadata.name.clone().unwrap_or_default(),
            limit: usize::try_from(object.spec.max_deletions_per_hour).unwrap_or_default(),
            approval: metadata.annotations.as_ref().and_then(|all| all.get(APPROVAL_ANNOTATION)).map(|text| short(text)),
            memory: status.and_then(remembered),
            held: status.and_then(|status| status.held_deletions).and_then(|held| usize::try_from(held).ok()).unwrap_or_default(),
        }
    }

    /// Whether this connection may be deleted now, by Datadog's clock.
    pub fn decide(&self, connection: ConnectionId, now: Timestamp) -> Decision {
        if self.approval(now) == Approval::InForce {
            return Decision::Go(None);
        }
        let open = self.memory.as_ref().filter(|memory| now.duration_since(memory.opened) < WINDOW);
        if open.is_some_and(|memory| memory.let_through.contains(&connection)) {
            return Decision::Go(None);
        }
        let (opened, known) = open.map_or((whole_seconds(now), [].as_slice()), |memory| (memory.opened, &memory.let_through));
        if known.len() < self.limit {
            let let_through = known.iter().copied().chain([connection]).collect();
            return Decision::Go(Some(Memory { opened, let_through }));
        }
        Decision::Held { until: (self.limit > 0).then(|| later(opened, WINDOW)) }
    }

    fn approval(&self, now: Timestamp) -> Approval {
        let Some(text) = &self.approval else { return Approval::None };
        let Ok(until) = text.trim().parse::<Timestamp>() else { return Approval::Unreadable };
        let ahead = until.duration_since(now);
        match ahead {
            _ if !ahead.is_positive() => Approval::None,
            _ if ahead > LONGEST_APPROVAL => Approval::TooFarAhead,
            _ => Approval::InForce,
        }
    }

    /// Why a deletion is held, with how many others, and the command that lets them all through. The same words for as long as they are
    /// true, in every process.
    pub fn message(&self, until: Option<Timestamp>, now: Timestamp) -> String {
        let Self { namespace, name, limit, held, .. } = self;
        let why = match until {
            Some(until) => format!("{name} lets {limit} connection(s) be deleted per hour (maxDeletionsPerHour), the next ones at {until}"),
            None => format!("{name} lets no connection be deleted without approval (maxDeletionsPerHour is 0)"),
        };
        let approve_until = later(renewed(until, now), WINDOW);
        format!(
            "DatadogOrg {why}: {} deletion(s) wait{}. If they are meant, let all of them through until {approve_until} with: kubectl annotate \
             --overwrite --namespace {namespace} datadogorg {name} {APPROVAL_ANNOTATION}={approve_until}",
            held.max(&1),
            self.complaint(now)
        )
    }

    fn complaint(&self, now: Timestamp) -> String {
        let text = self.approval.as_deref().unwrap_or_default();
        let says = |why: &str| format!("; its annotation {APPROVAL_ANNOTATION} says `{text}`, which is {why}");
        match self.approval(now) {
            Approval::InForce | Approval::None => String::new(),
            Approval::TooFarAhead => says("more than 24 h ahead and approves nothing yet"),
            Approval::Unreadable => says("no time in the form 2026-01-31T12:00:00Z and approves nothing"),
        }
    }

    /// How long until a held deletion may go, or the words about it are old.
    pub fn next_look(until: Option<Timestamp>, now: Timestamp) -> Duration {
        requeue::until(renewed(until, now), now)
    }
}

/// What is longer than any time stays no time when it is cut.
fn short(approval: &str) -> String {
    let mut text: String = approval.chars().take(SHOWN_LETTERS).collect();
    if text.len() < approval.len() {
        text.push('…');
    }
    text
}

/// When the message is to be renewed: at the end of the window, or else with each full hour.
fn renewed(until: Option<Timestamp>, now: Timestamp) -> Timestamp {
    let into_the_hour = now.as_second().rem_euclid(WINDOW.as_secs());
    until.unwrap_or_else(|| later(whole_seconds(now), WINDOW - SignedDuration::from_secs(into_the_hour)))
}

fn later(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// What cannot be read as an id was not written by the operator, and counts for nothing.
fn remembered(status: &DatadogOrgStatus) -> Option<Memory> {
    let opened = status.deletion_window_start.as_ref()?.0;
    Some(Memory { opened, let_through: status.deletions_in_window.iter().filter_map(|id| id.parse().ok()).collect() })
}

/// The status that remembers this and says all else as before.
pub fn remembering(status: Option<&DatadogOrgStatus>, memory: &Memory) -> DatadogOrgStatus {
    DatadogOrgStatus {
        deletion_window_start: Some(Time(memory.opened)),
        deletions_in_window: memory.let_through.iter().map(ToString::to_string).collect(),
        ..status.cloned().unwrap_or_else(blank)
    }
}

#[cfg(test)]
mod tests;
