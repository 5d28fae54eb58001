//! The connections of one organization as one DatadogOrg's key showed them last, with our own writes laid over. Instants are passed in.
//!
//! Only a complete list proves absence; an incomplete one still proves presence. An own write stands until a list *begun after it* has
//! come in, and because a list may lag, what we wrote is believed gone, and what we deleted believed still there, only after two; so too
//! that somebody has changed it, unless the list began too late to lag behind the write.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use tokio::time::Instant;

use crate::decide::model::{Connection, ConnectionId, OrgId, Pair};
use crate::decide::plan::{Doubt, Seen};
use crate::decide::release::LISTED;

/// Lists, begun after a write, that must contradict it before it is given up.
const LISTS_TO_CONTRADICT: u8 = 2;

/// One list of an organization's connections.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Whose list it is. It says nothing of pairs that this organization is no part of.
    pub organization: OrgId,
    /// Its rows.
    pub connections: BTreeMap<Pair, Connection>,
    /// Why it does not prove absence, if it does not.
    pub doubt: Option<String>,
    /// When the list began, by Datadog's clock.
    pub began: Option<Timestamp>,
    /// When the list began, by ours.
    pub began_here: Instant,
}

impl Snapshot {
    /// What its rows call the organization, if one does.
    pub fn name_of_its_organization(&self) -> Option<String> {
        let sides = self.connections.values().flat_map(|connection| [&connection.source, &connection.sink]);
        let mut names = sides.filter(|side| side.id == self.organization && !side.name.is_empty());
        names.next().map(|side| side.name.clone())
    }
}

/// What one of our calls did to a pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnWrite {
    /// It created or changed this connection.
    Wrote(Connection),
    /// It deleted the connection with this id.
    Deleted(ConnectionId),
    /// Its outcome is not known.
    InDoubt,
}

#[derive(Debug)]
struct Overlay {
    write: OwnWrite,
    at: Instant,
    contradictions: u8,
}

/// The latest snapshot and what we did since.
#[derive(Debug, Default)]
pub struct Inventory {
    snapshot: Option<Snapshot>,
    /// The pairs of the last complete list, and what incomplete ones have shown since.
    shown: Option<BTreeSet<Pair>>,
    overlays: BTreeMap<Pair, Overlay>,
    waiting: BTreeMap<Pair, Instant>,
}

/// Who has to look again after a list.
#[derive(Debug, PartialEq, Eq)]
pub enum Changed {
    /// Everybody: what can be proved changed altogether.
    Everything,
    /// Those who speak of these pairs.
    Pairs(BTreeSet<Pair>),
}

impl Inventory {
    /// What is known of the pair.
    pub fn seen(&self, pair: Pair) -> Seen {
        match self.overlays.get(&pair).map(|overlay| &overlay.write) {
            Some(OwnWrite::Wrote(connection)) => return Seen::Present(connection.clone()),
            Some(OwnWrite::Deleted(_)) => return Seen::Absent,
            Some(OwnWrite::InDoubt) => return Seen::Unknown(Doubt::CallPending),
            None => {}
        }
        let Some(snapshot) = &self.snapshot else {
            return Seen::Unknown(Doubt::NotListed);
        };
        match (snapshot.connections.get(&pair), &snapshot.doubt) {
            (Some(connection), _) => Seen::Present(connection.clone()),
            (None, Some(doubt)) => Seen::Unknown(Doubt::Incomplete(doubt.clone())),
            (None, None) if pair.involves(snapshot.organization) => Seen::Absent,
            (None, None) => Seen::Unknown(Doubt::OutOfView { listed: snapshot.organization, pair }),
        }
    }

    /// Since when what `seen` says holds at least: the begin of the list, or the answer to our own write.
    pub fn seen_at(&self, pair: Pair) -> Option<Instant> {
        let own = self.overlays.get(&pair).map(|overlay| overlay.at);
        own.or(self.snapshot.as_ref().map(|snapshot| snapshot.began_here))
    }

    /// When the list began that proves what `seen` says of the pair: complete, and begun after our last write to it.
    pub fn proof(&self, pair: Pair) -> Option<Timestamp> {
        let snapshot = self.snapshot.as_ref()?;
        let proves = snapshot.doubt.is_none() && pair.involves(snapshot.organization) && !self.overlays.contains_key(&pair);
        snapshot.began.filter(|_| proves)
    }

    /// Lays one of our calls over the snapshot, from the moment of its answer.
    pub fn wrote(&mut self, pair: Pair, write: OwnWrite, at: Instant) {
        self.overlays.insert(pair, Overlay { write, at, contradictions: 0 });
    }

    /// Whoever speaks of the pair is woken by the first list begun after `since`, whatever it shows.
    pub fn wake_after_list(&mut self, pair: Pair, since: Instant) {
        self.waiting.insert(pair, since);
    }

    /// Takes in a list and tells who has to look again.
    pub fn listed(&mut self, snapshot: Snapshot) -> Changed {
        let could_prove = self.snapshot.as_ref().is_some_and(|snapshot| snapshot.doubt.is_none());
        let pairs: BTreeSet<Pair> = self.pairs().chain(snapshot.connections.keys().copied()).collect();
        let told: Vec<_> = pairs.iter().map(|pair| (self.seen(*pair), self.overlays.contains_key(pair))).collect();
        self.overlays.retain(|pair, overlay| overlay.at >= snapshot.began_here || !overlay.is_settled_by(*pair, &snapshot));
        let same_kind = could_prove == snapshot.doubt.is_none() && self.snapshot.is_some();
        let began = snapshot.began_here;
        let before = if snapshot.doubt.is_none() { Some(BTreeSet::new()) } else { self.shown.take() };
        self.shown = before.map(|pairs| pairs.into_iter().chain(snapshot.connections.keys().copied()).collect());
        self.snapshot = Some(snapshot);
        let served: Vec<Pair> = self.waiting.extract_if(.., |_, since| *since <= began).map(|(pair, _)| pair).collect();
        if !same_kind {
            return Changed::Everything;
        }
        let differs = |pair: &Pair, told: &(Seen, bool)| *told != (self.seen(*pair), self.overlays.contains_key(pair));
        let changed = pairs.iter().zip(&told).filter(|(pair, told)| differs(pair, told)).map(|(pair, _)| *pair);
        Changed::Pairs(changed.chain(served).collect())
    }

    fn pairs(&self) -> impl Iterator<Item = Pair> {
        self.overlays.keys().copied().chain(self.snapshot.iter().flat_map(|snapshot| snapshot.connections.keys().copied()))
    }

    /// The pairs that should have a connection in the next list: those of the last complete one, what was seen since and what we wrote
    /// since, without what we deleted. Nothing before the first complete list.
    pub fn expected(&self) -> Option<BTreeSet<Pair>> {
        let mut pairs = self.shown.clone()?;
        for (pair, overlay) in &self.overlays {
            match overlay.write {
                OwnWrite::Wrote(_) => pairs.insert(*pair),
                OwnWrite::Deleted(_) => pairs.remove(pair),
                OwnWrite::InDoubt => false,
            };
        }
        Some(pairs)
    }

    /// The pairs of the last list.
    pub fn listed_pairs(&self) -> Vec<Pair> {
        self.snapshot.iter().flat_map(|snapshot| snapshot.connections.keys().copied()).collect()
    }

    /// The connections of the last list, without those that we have deleted since.
    pub fn listed_connections(&self) -> Vec<Connection> {
        let connections = self.snapshot.iter().flat_map(|snapshot| snapshot.connections.values());
        let is_deleted = |connection: &Connection| {
            let write = self.overlays.get(&connection.pair()).map(|overlay| &overlay.write);
            matches!(write, Some(OwnWrite::Deleted(id)) if *id == connection.id)
        };
        connections.filter(|connection| !is_deleted(connection)).cloned().collect()
    }

    /// Why the last list proves nothing, if it does not. One more out of turn would bring the same.
    pub fn doubt(&self) -> Option<&str> {
        self.snapshot.as_ref().and_then(|snapshot| snapshot.doubt.as_deref())
    }
}

impl Overlay {
    /// Whether a list begun after the write makes the overlay unnecessary.
    fn is_settled_by(&mut self, pair: Pair, snapshot: &Snapshot) -> bool {
        let row = snapshot.connections.get(&pair);
        let listed = row.map(|connection| connection.id);
        let cannot_lag = snapshot.began_here.duration_since(self.at) >= LISTED.unsigned_abs();
        let settled = match &self.write {
            OwnWrite::Wrote(connection) => row.is_some_and(|row| row.id == connection.id && (row.types == connection.types || cannot_lag)),
            OwnWrite::Deleted(id) => listed.map_or(snapshot.doubt.is_none(), |listed| listed != *id),
            OwnWrite::InDoubt => listed.is_some() || snapshot.doubt.is_none(),
        };
        // An incomplete list contradicts by what it shows, not by what it does not.
        if !settled && (snapshot.doubt.is_none() || listed.is_some()) {
            self.contradictions += 1;
        }
        settled || self.contradictions >= LISTS_TO_CONTRADICT
    }
}

#[cfg(test)]
mod tests;
