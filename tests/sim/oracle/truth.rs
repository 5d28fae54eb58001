//! What the double holds, and what it has held: which types a pair had, which names the organizations, from when to when.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use datadog_double::Connection;
use uuid::Uuid;

use super::memory::Pair;

/// The rows now, and all that have been.
#[derive(Debug, Default)]
pub(super) struct Truth {
    rows: Vec<Connection>,
    stretches: Vec<Stretch>,
    names: Vec<(Duration, BTreeMap<Uuid, String>)>,
}

/// A row did not change for a while.
#[derive(Debug)]
struct Stretch {
    row: Connection,
    from: Duration,
    to: Option<Duration>,
}

impl Truth {
    /// Takes in what is there; answers which rows are new.
    pub(super) fn see(&mut self, rows: Vec<Connection>, at: Duration) {
        if rows == self.rows {
            return;
        }
        for stretch in self.stretches.iter_mut().filter(|stretch| stretch.to.is_none() && !rows.contains(&stretch.row)) {
            stretch.to = Some(at);
        }
        for row in rows.iter().filter(|row| !self.rows.contains(row)) {
            self.stretches.push(Stretch { row: row.clone(), from: at, to: None });
        }
        self.rows = rows;
    }

    /// Takes in what the organizations are called.
    pub(super) fn see_names(&mut self, names: BTreeMap<Uuid, String>, at: Duration) {
        if self.names.last().is_none_or(|(_, known)| *known != names) {
            self.names.push((at, names));
        }
    }

    /// The organizations that alone had this name at any time since.
    pub(super) fn called(&self, name: &str, since: Duration) -> BTreeSet<Uuid> {
        let first = self.names.iter().rposition(|(from, _)| *from <= since).unwrap_or_default();
        self.names[first..].iter().filter_map(|(_, names)| the_one_called(name, names)).collect()
    }

    /// The organization that alone has this name now.
    pub(super) fn is_called(&self, name: &str) -> Option<Uuid> {
        self.names.last().and_then(|(_, names)| the_one_called(name, names))
    }

    pub(super) fn rows(&self) -> &[Connection] {
        &self.rows
    }

    pub(super) fn of_pair(&self, pair: Pair) -> Option<&Connection> {
        self.rows.iter().find(|row| (row.source, row.sink) == pair)
    }

    /// Whether the pair had exactly these types at any time since.
    pub(super) fn showed(&self, pair: Pair, types: &BTreeSet<String>, since: Duration) -> bool {
        let of_pair = self.stretches.iter().filter(|stretch| (stretch.row.source, stretch.row.sink) == pair);
        of_pair.filter(|stretch| stretch.to.is_none_or(|to| to >= since)).any(|stretch| types_of(&stretch.row) == *types)
    }

    /// The row with this id, also one that is gone.
    pub(super) fn ever(&self, id: Uuid) -> Option<&Connection> {
        self.stretches.iter().rev().map(|stretch| &stretch.row).find(|row| row.id == id)
    }

    /// When the row was first seen.
    pub(super) fn since(&self, id: Uuid) -> Option<Duration> {
        self.stretches.iter().find(|stretch| stretch.row.id == id).map(|stretch| stretch.from)
    }
}

/// The types of a row, as a set.
pub(super) fn types_of(row: &Connection) -> BTreeSet<String> {
    row.connection_types.iter().cloned().collect()
}

fn the_one_called(name: &str, names: &BTreeMap<Uuid, String>) -> Option<Uuid> {
    let mut called = names.iter().filter(|(_, one)| *one == name).map(|(id, _)| *id);
    called.next().filter(|_| called.next().is_none())
}
