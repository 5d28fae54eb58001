//! How the connections came to be, kept backwards so that a stale list can be told. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::state::Connection;

/// When a change happened, on the three scales a list can lag by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Milliseconds since the double began.
    pub(crate) millis: u64,
    /// The last request that had arrived.
    pub(crate) seq: u64,
    /// How many lists had been answered.
    pub(crate) lists: u64,
}

/// One change of one connection; the state before it is enough to undo it.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) moment: Moment,
    pub(crate) ordinal: u64,
    pub(crate) before: Option<Connection>,
}

/// How old the rows of a list are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case", deny_unknown_fields)]
pub enum Stale {
    /// The state before the last `count` changes.
    Writes {
        /// How many changes are not seen.
        count: usize,
    },
    /// The state when the request with this number had just taken effect.
    Request {
        /// A sequence number of the journal.
        seq: u64,
    },
    /// The state of so many milliseconds ago.
    Millis {
        /// The lag.
        millis: u64,
    },
    /// A change is missing in the next `count` lists after it.
    Lists {
        /// How many lists miss it.
        count: u64,
    },
}

/// All changes, oldest first.
#[derive(Debug, Default)]
pub(crate) struct History(Vec<Change>);

impl History {
    pub(crate) fn record(&mut self, change: Change) {
        self.0.push(change);
    }

    /// The rows as a list of that staleness sees them at `now`.
    pub(crate) fn rows(&self, current: &BTreeMap<u64, Connection>, stale: Stale, now: Moment) -> BTreeMap<u64, Connection> {
        let mut rows = current.clone();
        for change in self.0[self.known(stale, now)..].iter().rev() {
            match &change.before {
                Some(connection) => rows.insert(change.ordinal, connection.clone()),
                None => rows.remove(&change.ordinal),
            };
        }
        rows
    }

    /// How many changes from the beginning the list knows of.
    fn known(&self, stale: Stale, now: Moment) -> usize {
        match stale {
            Stale::Writes { count } => self.0.len().saturating_sub(count),
            Stale::Request { seq } => self.0.partition_point(|change| change.moment.seq <= seq),
            Stale::Millis { millis } => self.0.partition_point(|change| change.moment.millis.saturating_add(millis) <= now.millis),
            Stale::Lists { count } => self.0.partition_point(|change| change.moment.lists.saturating_add(count) <= now.lists),
        }
    }
}
