//! Who else takes part in an organization's telemetry: the connections that no OrgConnection manages, and which of them are news. Pure.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::event::Event;
use super::model::{Connection, ConnectionId, Pair};
use super::status::{named, shown_types, whole_seconds};
use crate::api::datadog_org::{ConnectionCounts, DatadogOrgStatus, MOST_UNMANAGED, UnmanagedConnection};

/// The events that one list may cause: a few by name, and one for the rest.
const EVENTS_BY_NAME: usize = 3;

/// The word in the event.
const REASON: &str = "UnmanagedConnection";

/// One complete list of an organization, by whether an object manages what it shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    managed: usize,
    /// Newest first: a new one is always among those that the status has room for.
    unmanaged: Vec<Connection>,
}

impl Tally {
    /// These connections, of which the objects manage those of these pairs.
    pub fn of(connections: Vec<Connection>, managed: &BTreeSet<Pair>) -> Self {
        let (managed, mut unmanaged): (Vec<_>, Vec<_>) =
            connections.into_iter().partition(|connection| managed.contains(&connection.pair()));
        unmanaged.sort_by_key(|connection| (Reverse(whole_seconds(connection.created_at)), connection.id));
        Self { managed: managed.len(), unmanaged }
    }

    /// How many there are of each.
    pub fn counts(&self) -> ConnectionCounts {
        let count = |number| i64::try_from(number).unwrap_or(i64::MAX);
        ConnectionCounts { managed: count(self.managed), unmanaged: count(self.unmanaged.len()) }
    }

    /// The unmanaged ones, all of them.
    pub fn ids(&self) -> BTreeSet<ConnectionId> {
        self.unmanaged.iter().map(|connection| connection.id).collect()
    }

    /// The unmanaged ones as the status shows them: as many as it has room for, with the names that were known before where the list has
    /// none.
    pub fn shown(&self, before: &[UnmanagedConnection]) -> Vec<UnmanagedConnection> {
        self.unmanaged.iter().take(MOST_UNMANAGED).map(|connection| shown(connection, before)).collect()
    }

    /// The events for those that were not there before, neither in the status nor in the last list of this process: a few by name, the rest
    /// in one.
    pub fn news(&self, before: Option<&DatadogOrgStatus>, known: &BTreeSet<ConnectionId>) -> Vec<Event> {
        let oldest = before.and_then(oldest_of_a_cut_list);
        let is_known = |connection: &Connection| {
            let told = before.is_some_and(|status| status.unmanaged.iter().any(|entry| entry.id == connection.id.to_string()));
            // Behind the last one that a full status shows may be anybody who was there before.
            let beyond = oldest.is_some_and(|oldest| whole_seconds(connection.created_at) <= oldest.0);
            told || beyond || known.contains(&connection.id)
        };
        let new: Vec<&Connection> = self.unmanaged.iter().filter(|connection| !is_known(connection)).collect();
        let rest = new.len().saturating_sub(EVENTS_BY_NAME);
        let summary = (rest > 0).then(|| {
            warning(format!(
                "{rest} more connections have come up that no OrgConnection manages: status.unmanaged of this DatadogOrg lists them"
            ))
        });
        new.into_iter().take(EVENTS_BY_NAME).map(|connection| warning(told(connection))).chain(summary).collect()
    }
}

/// When the last connection was created that a status shows which has no room for all.
fn oldest_of_a_cut_list(status: &DatadogOrgStatus) -> Option<&Time> {
    let count = status.connections.map_or(0, |counts| counts.unmanaged);
    let is_cut = usize::try_from(count).is_ok_and(|count| count > status.unmanaged.len());
    status.unmanaged.last().filter(|_| is_cut).map(|entry| &entry.created_at)
}

fn shown(connection: &Connection, before: &[UnmanagedConnection]) -> UnmanagedConnection {
    let id = connection.id.to_string();
    let known = before.iter().find(|entry| entry.id == id);
    UnmanagedConnection {
        source: named(&connection.source, known.map(|entry| &entry.source)),
        sink: named(&connection.sink, known.map(|entry| &entry.sink)),
        connection_types: shown_types(&connection.types),
        created_at: Time(whole_seconds(connection.created_at)),
        id,
    }
}

fn warning(note: String) -> Event {
    Event { warning: true, reason: REASON, note }
}

fn told(connection: &Connection) -> String {
    let Connection { id, source, sink, types, .. } = connection;
    format!("{sink} may read {types} of {source} (connection {id}), and no OrgConnection manages that: declare it, or delete it at Datadog")
}

#[cfg(test)]
mod tests;
