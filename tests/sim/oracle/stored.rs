//! What is written in Kubernetes, looked at when it is stored.

use std::collections::BTreeSet;
use std::time::Duration;

use datadog_double::Connection;
use uuid::Uuid;

use super::lives::{Life, Recording};
use super::memory::{Memory, Wish};
use super::truth::types_of;
use super::{LANDING, LIST_LAG, Ledger, Licence, Oracle};
use crate::apiserver::{Change, Happened, Kind};
use crate::world::KEY_PREFIX;

/// How old the object may be of which a status speaks: it is written again on a newer version, three times, each within 10 s.
const STATUS_AGE: Duration = Duration::from_secs(40);
/// The time in which corrections of a connection make a contest, unless its list is read less often than that.
const CONTEST: Duration = Duration::from_mins(10);
/// After this time a contest is over, and a few minutes later everybody has noticed.
const TRUCE: Duration = Duration::from_mins(35);

impl Oracle {
    pub(super) fn see(&self, ledger: &mut Ledger, change: &Change, people: bool) {
        let at = change.at.saturating_duration_since(self.world.begun);
        let gone = change.what == Happened::Deleted;
        if !people && change.key.kind != Kind::Secret && change.object.to_string().contains(KEY_PREFIX) {
            ledger.accuse("I8 confidential", at, format!("{} holds a key", change.key));
        }
        match change.key.kind {
            Kind::OrgConnection => self.see_connection(ledger, change, at, people),
            Kind::DatadogOrg => {
                ledger.seats.see_org(&change.object, gone, at);
                if gone {
                    ledger.rates.forget_budgets();
                }
            }
            Kind::Secret => ledger.seats.see_secret(&change.object, gone, at),
            Kind::Event | Kind::Lease => {}
        }
    }

    fn see_connection(&self, ledger: &mut Ledger, change: &Change, at: Duration, people: bool) {
        let (now, gone) = (&Memory::of(&change.object), change.what == Happened::Deleted);
        let before = ledger.lives.get(&now.uid).and_then(Life::last).cloned();
        let forgets = before.as_ref().is_some_and(|before| {
            gone || (before.claim.is_some() && now.claim.is_none()) || (before.recorded.is_some() && now.recorded.is_none())
        });
        if forgets
            && (people || now.wish.leaves_it())
            && let Some(pair) = before.as_ref().and_then(Memory::pair)
        {
            ledger.licences.push(Licence { pair, until: at + LANDING });
        }
        if gone && !people {
            self.is_free(ledger, now, at);
        }
        ledger.lives.entry(now.uid.clone()).or_default().see(now, gone, at, change.version);
        if people || gone {
            return;
        }
        let said = |memory: &Memory| (memory.ready.clone(), memory.observed);
        let says_more = before.as_ref().map(said) != Some(said(now));
        if now.is_ready() && says_more {
            is_true(ledger, now, at);
        }
        if now.is_ready() && now.plan.is_some() {
            ledger.accuse("I7 truthful", at, format!("{} is ready and plans {:?}", now.name, now.plan));
        }
        if now.reason() == "DeletionHeld" {
            ledger.held.insert(now.uid.clone());
        }
        if now.reason() == "Contested" && before.as_ref().map(Memory::reason) != Some("Contested") {
            is_contested(ledger, now, at);
        }
        if let Some(id) = now.recorded.filter(|id| before.and_then(|before| before.recorded) != Some(*id)) {
            self.is_entitled(ledger, now, id, at);
        }
    }

    /// I2: the operator has let this object go.
    fn is_free(&self, ledger: &mut Ledger, object: &Memory, at: Duration) {
        let principals = self.world.principals();
        let owned = ledger.truth.rows().iter().find(|row| object.owns(row, &principals));
        let Some(row) = owned.filter(|_| !object.wish.leaves_it()).cloned() else { return };
        let successor = |other: &Memory| other.uid != object.uid && !other.terminating && other.owns(&row, &principals);
        if !ledger.recently(at).any(successor) {
            let of_pair = ledger.recently(at).filter(|other| other.pair() == object.pair());
            let memories: Vec<_> = of_pair.map(|other| (&other.name, other.recorded, other.claim)).collect();
            let what = format!("{} was let go, but its connection is there: {row:?}; remembered was {memories:?}", object.name);
            ledger.accuse("I2 no orphan", at, what);
        }
    }

    /// I3: the operator has recorded this connection as the object's own.
    fn is_entitled(&self, ledger: &mut Ledger, object: &Memory, id: Uuid, at: Duration) {
        let principals = self.world.principals();
        let Some(row) = ledger.truth.ever(id).cloned() else {
            return ledger.accuse("I3 nothing foreign", at, format!("{} has recorded a connection that never was: {id}", object.name));
        };
        let life = &ledger.lives[&object.uid];
        let since = at.saturating_sub(STATUS_AGE);
        let knew_it = life.since(since).any(|memory| memory.uid == object.uid && memory.recorded == Some(id) && memory != object);
        let created = life.since(since).any(|memory| memory.has_created(&row, &principals));
        let adopts = life.since(since).any(|memory| {
            memory.claim.is_some_and(|claim| claim.adopt == Some(id))
                && !memory.terminating
                && memory.wish.acts()
                && (ledger.is_left_to(memory, &row, since, &principals) || ledger.policy_allows(memory, &row, at))
        });
        if let Some(holder) = ledger.holder(id, since).filter(|_| !knew_it) {
            let what = format!("{} has taken over what {} has recorded: {row:?}", object.name, holder.name);
            return ledger.accuse("I3 nothing foreign", at, what);
        }
        let how = match (created, adopts) {
            (true, true) => Recording::Either,
            (true, false) => Recording::Created,
            (false, true) => Recording::Adopted,
            (false, false) if knew_it => return,
            (false, false) => {
                let what = format!("{} has recorded what it may not take over: {row:?}; it is {object:?}", object.name);
                return ledger.accuse("I3 nothing foreign", at, what);
            }
        };
        // It may be changed and deleted from now on, whoever made it.
        self.world.datadog.unprotect(id).ok();
        ledger.lives.entry(object.uid.clone()).or_default().recorded.insert(id, how);
    }
}

impl Ledger {
    /// Who has lived and had this connection recorded since then.
    pub(super) fn holder(&self, id: Uuid, since: Duration) -> Option<&Memory> {
        let holds = |life: &&Life| life.always(since, |memory| !memory.terminating && memory.recorded == Some(id));
        self.lives.values().find(holds).and_then(Life::last)
    }

    /// Whether a terminating object owns the row and takes it along if nobody takes it over.
    fn is_left_to(&self, heir: &Memory, row: &Connection, since: Duration, principals: &BTreeSet<Uuid>) -> bool {
        let leaves = |memory: &Memory| memory.uid != heir.uid && memory.takes_it_along() && memory.owns(row, principals);
        self.lives.values().flat_map(|life| life.since(since)).any(leaves)
    }

    /// Whether the object's policy lets it take the row over, as a list showed the row that was not too old.
    fn policy_allows(&self, memory: &Memory, row: &Connection, at: Duration) -> bool {
        let Wish { seat, types, .. } = &memory.wish;
        let interval = seat.map(|seat| self.seats.interval(seat, at.saturating_sub(CONTEST))).unwrap_or_default();
        let oldest = at.saturating_sub(interval + LIST_LAG + STATUS_AGE);
        let was_equal = types_of(row) == *types || self.truth.showed((row.source, row.sink), types, oldest);
        memory.wish.adopts(was_equal)
    }
}

/// I7: the object says `Ready=True`.
fn is_true(ledger: &mut Ledger, object: &Memory, at: Duration) {
    let Some((_, _, generation)) = object.ready.clone() else { return };
    let life = ledger.lives.get(&object.uid);
    let since = life.and_then(|life| life.specified(generation));
    let types = life.and_then(|life| life.of_generation(generation)).map(|memory| memory.wish.types.clone());
    let (Some(since), Some(types), Some(pair)) = (since, types, object.shown) else {
        return ledger.accuse("I7 truthful", at, format!("{} is ready without a connection or for no generation of its own", object.name));
    };
    if generation != object.observed || !ledger.truth.showed(pair, &types, since.saturating_sub(LIST_LAG)) {
        let what = format!("{} is ready for generation {generation}, since {since:?}, but never shared {types:?} then", object.name);
        ledger.accuse("I7 truthful", at, what);
    }
}

/// I7: the object says `Contested`: that is so from the contest on until its truce is over, however late it could be written.
fn is_contested(ledger: &mut Ledger, object: &Memory, at: Duration) {
    let interval = object.wish.seat.map(|seat| ledger.seats.interval(seat, at.saturating_sub(CONTEST))).unwrap_or_default();
    let window = CONTEST.max(5 * interval) + interval + STATUS_AGE;
    let since = at.saturating_sub(window + TRUCE);
    if !object.pair().is_some_and(|pair| ledger.contest.was_real(pair, since, window)) {
        ledger.accuse("I7 truthful", at, format!("{} says Contested, but nobody contests it", object.name));
    }
}
