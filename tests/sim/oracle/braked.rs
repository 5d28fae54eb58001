//! I10: how many connections are deleted through one DatadogOrg.

use std::collections::BTreeSet;
use std::time::Duration;

use datadog_double::Connection;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{Ledger, READ_AGE};
use crate::world::Seat;

/// How long a window of the brake is open.
const WINDOW: Duration = Duration::from_hours(1);
/// How far apart the operator's clock of Datadog and the true one may be: it counts in whole seconds.
const CLOCKS: Duration = Duration::from_secs(2);

/// A deletion that was sent without an approval.
#[derive(Debug)]
pub(super) struct Braked {
    org: String,
    connection: Uuid,
    at: Duration,
}

impl Ledger {
    /// Notes that a connection is to be deleted. Within an hour it may be one less than twice the limit: windows begin an hour apart, and two
    /// may meet in any hour.
    pub(super) fn brakes(&mut self, row: &Connection, principals: &BTreeSet<Uuid>, now: Timestamp, at: Duration) -> Option<String> {
        let since = at.saturating_sub(READ_AGE);
        let leavers = self.leavers(row, principals, since).into_iter();
        let seats: BTreeSet<Option<Seat>> = leavers.flat_map(|life| life.since(since)).map(|memory| memory.wish.seat).collect();
        let [Some(seat)] = seats.into_iter().collect::<Vec<_>>()[..] else { return None };
        let offices: Option<Vec<_>> = self.seats.since(seat, since).collect();
        let offices = offices?;
        let org = offices.first()?.uid.clone();
        let then = now - SignedDuration::try_from(READ_AGE).unwrap();
        let is_approved = offices.iter().any(|office| office.approves(now) || office.approves(then));
        if is_approved || offices.iter().any(|office| office.uid != org) {
            return None;
        }
        let from = at.saturating_sub(WINDOW - READ_AGE - CLOCKS);
        let limit = self.seats.since(seat, from.saturating_sub(WINDOW)).flatten().map(|office| office.limit).max().unwrap_or_default();
        self.braked.push(Braked { org: org.clone(), connection: row.id, at });
        let lately = self.braked.iter().filter(|braked| braked.org == org && braked.at > from);
        let connections: BTreeSet<Uuid> = lately.map(|braked| braked.connection).collect();
        let most = (limit * 2).saturating_sub(1);
        (connections.len() > most).then(|| format!("{} connections within an hour, where {limit} are allowed: {row:?}", connections.len()))
    }
}
