//! When a list is complete. Only a complete list proves that something is *not* there, and on that proof connections are made and
//! deletions are believed; an incomplete one still proves what it shows. Pure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::wire::Page;
use crate::decide::model::{Connection, ConnectionId, OrgId, Pair};

/// Rows asked for at once: the API's default, and no maximum is declared.
pub(super) const PAGE_ROWS: usize = 1000;

/// A hundred thousand connections are more than any organization has; a server that never comes to an end is cut off here.
const MAX_PAGES: usize = 100;

/// The connections in which an organization is source or sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The rows that could be read, sorted by id.
    pub connections: Vec<Connection>,
    /// Whether these are all, and if not, why that is in doubt.
    pub complete: Result<(), Incomplete>,
    /// The organization's time (whole seconds, never too late) when the list began. Unknown if the answer had no readable `Date`:
    /// then it cannot be told whether the list is newer than a write.
    pub began: Option<Timestamp>,
}

impl Listing {
    /// Whether the list proves that a connection it does not show is not there.
    pub fn proves_absence(&self) -> bool {
        self.complete.is_ok() && self.began.is_some()
    }

    /// Its pairs.
    pub fn pairs(&self) -> BTreeSet<Pair> {
        self.connections.iter().map(Connection::pair).collect()
    }

    /// The list as the second of two in a row, asked for because the first lacked something that was expected: complete only if it lacks
    /// nothing of it any more, or just the same. What it alone lacks has been missing once, and a first list that was partly wrong
    /// confirms nothing. Others may have appeared or changed in between.
    #[must_use]
    pub fn confirming(self, first: &Listing, expected: &BTreeSet<Pair>) -> Self {
        let (before, after) = (first.pairs(), self.pairs());
        let lacks = |shown: &BTreeSet<Pair>| -> BTreeSet<Pair> { expected.difference(shown).copied().collect() };
        let missing = lacks(&after);
        let agrees = before.is_subset(&after) && (missing.is_empty() || missing == lacks(&before));
        let complete = self.complete.clone().and(if agrees { Ok(()) } else { Err(Incomplete::NotRepeatable) });
        Self { complete, ..self }
    }
}

/// Why a list may lack something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Incomplete {
    /// Rows without the members that make a connection.
    #[error("{0} of the listed connections could not be read")]
    RowsUnreadable(usize),
    /// Rows of somebody else: the key may belong to another organization by now.
    #[error("{0} of the listed connections are not the organization's")]
    ForeignRows(usize),
    /// The rows moved between two pages.
    #[error("connection {0} was listed twice")]
    RepeatedConnection(ConnectionId),
    /// The API allows one connection for each pair, so one of the two is stale.
    #[error("two connections were listed for the pair {0}")]
    RepeatedPair(Pair),
    /// A page was short, or rows came and went between two pages.
    #[error("{listed} connections were listed, but the API counts {told}")]
    CountMismatch {
        /// The API's count, of the first page that disagrees.
        told: usize,
        /// The rows of all pages.
        listed: usize,
    },
    /// Some pages had a count and some had none.
    #[error("not every page tells how many connections there are")]
    CountMissing,
    /// The list was cut off.
    #[error("the list does not end within {MAX_PAGES} pages")]
    Endless,
    /// The second list, which should confirm the first, does not.
    #[error("two lists in a row differ")]
    NotRepeatable,
}

/// A list on its way, page by page.
#[derive(Debug)]
pub(super) struct Gathering {
    organization: OrgId,
    connections: BTreeMap<ConnectionId, Connection>,
    pairs: BTreeSet<Pair>,
    rows: usize,
    counts: Vec<Option<usize>>,
    unreadable: usize,
    foreign: usize,
    repeated: Option<Incomplete>,
    ended: bool,
}

impl Gathering {
    pub(super) fn of(organization: OrgId) -> Self {
        Self {
            organization,
            connections: BTreeMap::new(),
            pairs: BTreeSet::new(),
            rows: 0,
            counts: Vec::new(),
            unreadable: 0,
            foreign: 0,
            repeated: None,
            ended: false,
        }
    }

    /// Where the next page begins; `None` when the list has ended or is cut off. Counted in rows received, in case that the server gives
    /// fewer at once than asked for.
    pub(super) fn next_offset(&self) -> Option<usize> {
        (!self.ended && self.counts.len() < MAX_PAGES).then_some(self.rows)
    }

    pub(super) fn add(&mut self, page: Page) {
        let (rows, told) = (page.rows.len(), page.told);
        self.rows += rows;
        self.counts.push(told);
        let repeated = page.rows.into_iter().map(|row| self.add_row(row)).filter(|new| !new).count();
        // Without a count a page that is not full is the last. A page that brings nothing new never leads to an end.
        self.ended = repeated == rows || told.map_or(rows < PAGE_ROWS, |told| self.rows >= told);
    }

    /// Whether a second list has to confirm this one. Nobody counted; or rows that came and went between two pages have shifted others
    /// out of sight while the counts still agree.
    pub(super) fn needs_confirmation(&self) -> bool {
        self.counts.len() > 1 || self.counts.iter().all(Option::is_none)
    }

    pub(super) fn finish(self, began: Option<Timestamp>) -> Listing {
        let complete = self.doubt().map_or(Ok(()), Err);
        Listing { connections: self.connections.into_values().collect(), complete, began }
    }

    /// Tells whether the row was new.
    fn add_row(&mut self, row: Option<Connection>) -> bool {
        let Some(row) = row else {
            self.unreadable += 1;
            return true;
        };
        let (id, pair) = (row.id, row.pair());
        if !pair.involves(self.organization) {
            self.foreign += 1;
            return true;
        }
        if self.connections.contains_key(&id) {
            self.repeated.get_or_insert(Incomplete::RepeatedConnection(id));
            return false;
        }
        if !self.pairs.insert(pair) {
            self.repeated.get_or_insert(Incomplete::RepeatedPair(pair));
        }
        self.connections.insert(id, row);
        true
    }

    fn doubt(&self) -> Option<Incomplete> {
        if self.unreadable > 0 {
            return Some(Incomplete::RowsUnreadable(self.unreadable));
        }
        if self.foreign > 0 {
            return Some(Incomplete::ForeignRows(self.foreign));
        }
        if let Some(repeated) = &self.repeated {
            return Some(repeated.clone());
        }
        if !self.ended {
            return Some(Incomplete::Endless);
        }
        let told: Vec<usize> = self.counts.iter().copied().flatten().collect();
        if !told.is_empty() && told.len() < self.counts.len() {
            return Some(Incomplete::CountMissing);
        }
        told.into_iter().find(|told| *told != self.rows).map(|told| Incomplete::CountMismatch { told, listed: self.rows })
    }
}

/// The first of two lists in a row, complete only if the second shows the same.
pub(super) fn confirmed(first: Listing, second: &Listing) -> Listing {
    let complete = match (&first.complete, &second.complete) {
        (Err(doubt), _) | (Ok(()), Err(doubt)) => Err(doubt.clone()),
        (Ok(()), Ok(())) if first.connections == second.connections => Ok(()),
        (Ok(()), Ok(())) => Err(Incomplete::NotRepeatable),
    };
    Listing { complete, ..first }
}
