//! Renames: whoever deletes a connection must not do so under an object that would hold it.

use std::time::Duration;

use datadog_double::Connection;

use super::asked::Asked;
use super::lives::Life;
use super::memory::{Memory, Pair, Sink};
use super::{Ledger, READ_AGE};
use crate::world::Seat;

/// So long an organization has to have been usable for every process to know of it: longer than any spell of the weather.
const KNOWN: Duration = Duration::from_mins(10);
/// The same in fair weather.
const KNOWN_IN_PEACE: Duration = Duration::from_mins(2);

impl Ledger {
    /// An object that was there before any of those that give the connection up were deleted, and would hold it.
    pub(super) fn heir(&self, row: &Connection, leavers: &[&Life], asked: &Asked, at: Duration) -> Option<&Memory> {
        let (version, deleted) = leavers.iter().filter_map(|life| life.deleted()).min()?;
        let pair = (row.source, row.sink);
        let is_heir = |life: &&Life| {
            life.is_older_than(version)
                && life.always(deleted, |memory| self.would_hold(memory, pair))
                && life
                    .last()
                    .is_some_and(|memory| self.can_hold(memory, asked, deleted, at) && !self.is_hindered(memory, leavers, pair, at))
        };
        self.lives.values().find(is_heir).and_then(Life::last)
    }

    fn would_hold(&self, memory: &Memory, pair: Pair) -> bool {
        let is_unbound = memory.recorded.is_none();
        let still_leads_there = match &memory.wish.sink {
            Sink::Name(name) if is_unbound => self.truth.is_called(name) == Some(pair.1),
            Sink::Id(_) | Sink::Ref(_) | Sink::Name(_) | Sink::Nowhere => true,
        };
        let leads_there = still_leads_there && self.pairs_of(memory).is_some_and(|pairs| pairs.len() == 1 && pairs.contains(&pair));
        !memory.terminating && memory.wish.acts() && leads_there && memory.pair().is_none_or(|remembered| remembered == pair)
    }

    /// Whether the process must know that the object's organizations are connected.
    fn can_hold(&self, memory: &Memory, asked: &Asked, deleted: Duration, at: Duration) -> bool {
        let Some(seat) = memory.wish.seat else { return false };
        let is_new = memory.pair().is_none();
        let serves = |office: &super::seats::Office| !(office.suspended || office.terminating && is_new);
        let since = at.saturating_sub(KNOWN);
        let sink_is_known = match &memory.wish.sink {
            Sink::Ref(sink) => self.seats.always(*sink, since.min(deleted), |office| office.proven),
            Sink::Id(_) | Sink::Name(_) => true,
            Sink::Nowhere => false,
        };
        let in_peace = self.peace.is_some_and(|peace| at >= peace + KNOWN_IN_PEACE);
        let ready = self.seats.always(seat, at.saturating_sub(KNOWN_IN_PEACE), |office| office.ready && serves(office));
        let by_its_own_key = self.is_only_held_by(asked, seat) && self.seats.has_secret_since(seat, since);
        let serves = self.seats.always(seat, at.saturating_sub(READ_AGE).min(deleted), serves);
        sink_is_known && serves && (by_its_own_key || (in_peace && ready))
    }

    /// Whether somebody else holds on to the pair, whoever gives it up: who does nothing lets nobody else (limit R4), and others are looked
    /// at themselves.
    fn is_hindered(&self, heir: &Memory, leavers: &[&Life], pair: Pair, at: Duration) -> bool {
        let is_third = |other: &Memory, leaver: &Life| other.uid != heir.uid && leaver.last().is_some_and(|last| last.uid != other.uid);
        let holds_on = |other: &Memory| !other.terminating && other.pair() == Some(pair);
        leavers.iter().all(|leaver| self.recently(at).any(|other| is_third(other, leaver) && holds_on(other)))
    }

    /// Whether no other DatadogOrg has had the request's key.
    fn is_only_held_by(&self, asked: &Asked, seat: Seat) -> bool {
        self.seats.holders(&asked.key).eq([seat])
    }
}
