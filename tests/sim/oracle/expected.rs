//! What an object may say once everything has settled: a second reading of the table of plans, from the truth.

use std::collections::BTreeSet;

use datadog_double::Connection;
use uuid::Uuid;

use super::Ledger;
use super::memory::{Memory, Pair, Sink};
use super::truth::types_of;

/// One thing that an object may say.
#[derive(Debug)]
pub(super) struct Expected {
    reason: &'static str,
    plan: Plan,
}

/// What `status.plan` says beside it.
#[derive(Debug)]
enum Plan {
    /// What it likes: how the connection stands it can only know from before.
    Any,
    /// Nothing is to be done.
    Nothing,
    /// All of these words.
    Words(Vec<String>),
}

/// Everything that has settled.
pub(super) struct Scene<'a> {
    pub(super) ledger: &'a Ledger,
    pub(super) principals: &'a BTreeSet<Uuid>,
    pub(super) objects: &'a [Memory],
}

impl Expected {
    fn ready() -> Self {
        Self { reason: "InSync", plan: Plan::Nothing }
    }

    fn without_plan(reason: &'static str) -> Self {
        Self { reason, plan: Plan::Nothing }
    }

    fn with_any_plan(reason: &'static str) -> Self {
        Self { reason, plan: Plan::Any }
    }

    /// Whether the object says this.
    pub(super) fn is_said_by(&self, object: &Memory) -> bool {
        let plan = match (&self.plan, &object.plan) {
            (Plan::Any, _) | (Plan::Nothing, None) => true,
            (Plan::Nothing, Some(_)) | (Plan::Words(_), None) => false,
            (Plan::Words(words), Some(plan)) => words.iter().all(|word| plan.contains(word)),
        };
        object.reason() == self.reason && plan
    }
}

impl Scene<'_> {
    /// What a live object may say.
    pub(super) fn expected(&self, object: &Memory) -> Vec<Expected> {
        let Some(seat) = object.wish.seat else { return vec![Expected::with_any_plan("OrganizationNotReady")] };
        let Some(office) = self.ledger.seats.office(seat) else { return vec![Expected::with_any_plan("OrganizationNotReady")] };
        let mut expected = self.of_sink(object);
        let takes_none = office.terminating && object.claim.is_none() && object.recorded.is_none();
        if takes_none {
            expected.push(Expected::with_any_plan("OrganizationNotReady"));
        }
        if office.suspended {
            // What was in sync stays said for an hour.
            expected.extend(["OrganizationNotReady", "InSync"].map(Expected::with_any_plan));
            return expected;
        }
        let pairs = self.ledger.pairs_of(object).unwrap_or_default();
        expected.extend(pairs.into_iter().filter(|(source, sink)| source != sink).filter_map(|pair| self.of_pair(object, pair)));
        expected
    }

    /// What it says of a sink that leads nowhere.
    fn of_sink(&self, object: &Memory) -> Vec<Expected> {
        let bound = object.recorded.is_some();
        let mut expected = Vec::new();
        match &object.wish.sink {
            Sink::Ref(sink) if !bound => {
                let is_leaving = self.ledger.seats.office(*sink).is_none_or(|office| office.terminating || !office.proven);
                expected.extend(is_leaving.then(|| Expected::with_any_plan("OrganizationNotReady")));
            }
            Sink::Name(name) if !bound => {
                let unknown = self.ledger.truth.is_called(name).is_none();
                expected.extend(unknown.then(|| Expected::without_plan("SinkUnknown")));
                let own = self.ledger.pairs_of(object).unwrap_or_default().into_iter().any(|(source, sink)| source == sink);
                expected.extend(own.then(|| Expected::without_plan("SameOrganization")));
            }
            Sink::Id(_) | Sink::Ref(_) | Sink::Name(_) | Sink::Nowhere => {}
        }
        expected
    }

    /// What it says of this pair; nothing if it has to do something first.
    fn of_pair(&self, object: &Memory, pair: Pair) -> Option<Expected> {
        let row = self.ledger.truth.of_pair(pair);
        let plan = || self.plan(object, row);
        if object.pair().is_some_and(|claimed| claimed != pair) {
            return Some(Expected { reason: "PairChanged", plan: plan() });
        }
        if self.comes_after_another(object, pair, row) {
            return Some(Expected { reason: "Conflict", plan: plan() });
        }
        let only_looks = !object.wish.acts();
        let equal = row.is_some_and(|row| types_of(row) == object.wish.types);
        let owned = row.is_some_and(|row| object.owns(row, self.principals));
        match row {
            Some(_) if equal && (only_looks || owned) => Some(Expected::ready()),
            _ if object.wish.suspended => Some(Expected { reason: "Suspended", plan: plan() }),
            _ if object.wish.observes => Some(Expected { reason: "OutOfSync", plan: plan() }),
            None if object.recorded.is_some() && object.wish.reports => Some(Expected { reason: "DeletedOutside", plan: plan() }),
            Some(row) if !owned && !object.wish.adopts(equal) && !self.is_left_by_another(row) => {
                Some(Expected { reason: "AlreadyExists", plan: plan() })
            }
            Some(_) | None => None,
        }
    }

    /// Recorded before owned, owned before claimed, then older, then smaller uid.
    fn comes_after_another(&self, object: &Memory, pair: Pair, row: Option<&Connection>) -> bool {
        let rank = |memory: &Memory| {
            let recorded = row.is_some_and(|row| memory.recorded == Some(row.id));
            let owned = row.is_some_and(|row| memory.owns(row, self.principals));
            (!recorded, !owned, memory.created.clone(), memory.uid.clone())
        };
        let claims = |memory: &Memory| memory.pair() == Some(pair);
        // Else anybody could block a pair with a forged annotation.
        let counts = |memory: &Memory| {
            let office = memory.wish.seat.and_then(|seat| self.ledger.seats.office(seat));
            office.is_some_and(|office| office.proven) || (memory.recorded.is_some() && memory.shown == Some(pair))
        };
        let rivals = self.objects.iter().filter(|other| other.uid != object.uid && !other.terminating && claims(other) && counts(other));
        let Some(best) = rivals.map(rank).min() else { return false };
        let (_, not_owned, _, _) = rank(object);
        !((claims(object) || !not_owned) && rank(object) < best)
    }

    fn is_left_by_another(&self, row: &Connection) -> bool {
        self.objects.iter().any(|other| other.takes_it_along() && other.owns(row, self.principals) && self.is_served(other))
    }

    pub(super) fn is_served(&self, object: &Memory) -> bool {
        let office = object.wish.seat.and_then(|seat| self.ledger.seats.office(seat));
        office.is_some_and(|office| !office.suspended)
    }

    /// What would have to be done.
    fn plan(&self, object: &Memory, row: Option<&Connection>) -> Plan {
        let wanted: Vec<&str> = object.wish.types.iter().map(String::as_str).collect();
        let Some(row) = row else { return Plan::Words(vec!["create".to_owned(), wanted.join(", ")]) };
        let there = types_of(row);
        if there != object.wish.types {
            let list = |verb: &str, from: &BTreeSet<String>, without: &BTreeSet<String>| {
                let types: Vec<&str> = from.difference(without).map(String::as_str).collect();
                (!types.is_empty()).then(|| format!("{verb} {}", types.join(", ")))
            };
            let differences = [list("add", &object.wish.types, &there), list("remove", &there, &object.wish.types)];
            return Plan::Words(differences.into_iter().flatten().collect());
        }
        let owned = object.owns(row, self.principals);
        match (owned, object.wish.adopts(true)) {
            (false, _) if self.objects.iter().any(|other| other.takes_it_along() && other.owns(row, self.principals)) => Plan::Any,
            (false, true) => Plan::Words(vec!["take over".to_owned()]),
            (true, _) | (false, false) => Plan::Nothing,
        }
    }
}
