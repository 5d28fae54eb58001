//! The desired state: what has to be so, some time after the last misfortune.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::expected::Scene;
use super::lives::Recording;
use super::memory::Memory;
use super::truth::types_of;
use super::{Ledger, Oracle};
use crate::apiserver::{Change, Kind};
use crate::world::{SEATS, Seat};

impl Oracle {
    /// From now on the weather is fair.
    pub(crate) fn peace(&self) {
        let at = self.now();
        self.ledger().peace.get_or_insert(at);
    }

    /// Everything that is not yet as it should be.
    pub(crate) fn unsettled(&self) -> Vec<String> {
        self.look();
        let ledger = self.ledger();
        let objects: Vec<Memory> = self.world.connections().iter().map(|object| Memory::of(object)).collect();
        let principals = self.world.principals();
        let scene = Scene { ledger: &ledger, principals: &principals, objects: &objects };
        let connections = objects.iter().filter_map(|object| unsettled_object(&scene, object));
        let orgs = SEATS.iter().filter_map(|seat| self.unsettled_org(*seat, &objects));
        orgs.chain(connections).chain(self.forsaken(&ledger, &objects)).collect()
    }

    fn unsettled_org(&self, seat: Seat, objects: &[Memory]) -> Option<String> {
        let name = format!("DatadogOrg {}/{}", seat.namespace, seat.name);
        let Some(org) = self.world.org(seat) else { return Some(format!("{name} is missing")) };
        let status = org.status.as_ref();
        let ready = status.and_then(|status| crossorg::api::conditions::find(&status.conditions, "Ready"));
        let in_use =
            org.metadata.deletion_timestamp.is_some() && objects.iter().any(|object| object.wish.seat == Some(seat) && object.held);
        let expected = match (in_use, org.spec.suspend) {
            (true, _) => ("False", "InUse"),
            (false, true) => ("False", "Suspended"),
            (false, false) => ("True", "Connected"),
        };
        let as_wished = ready.is_some_and(|ready| {
            ready.observed_generation == org.metadata.generation && (ready.status.as_str(), ready.reason.as_str()) == expected
        });
        (!as_wished).then(|| format!("{name} says {ready:?}, not {expected:?}"))
    }

    /// I2, seen from the other side: connections of the operator's that no object owns and nobody has given up on purpose.
    fn forsaken(&self, ledger: &Ledger, objects: &[Memory]) -> Vec<String> {
        let principals = self.world.principals();
        let ours = ledger.truth.rows().iter().filter(|row| principals.contains(&row.created_by));
        let has_owner = |row: &datadog_double::Connection| objects.iter().any(|object| object.owns(row, &principals));
        let given_up = |id: Uuid, pair| {
            let since = ledger.truth.since(id).unwrap_or_default();
            ledger.licences.iter().any(|licence| licence.pair == pair && since <= licence.until)
        };
        let forsaken = ours.filter(|row| !has_owner(row) && !given_up(row.id, (row.source, row.sink)));
        forsaken.map(|row| format!("nobody owns {row:?}")).collect()
    }

    /// I6: what may be written although everything has settled: once, that nobody knows any more, since the object's DatadogOrg is suspended.
    pub(crate) fn without_excused(&self, changes: Vec<Change>) -> Vec<Change> {
        let ledger = self.ledger();
        let gives_up = |change: &Change| {
            let now = Memory::of(&change.object);
            let is_suspended = now.wish.seat.and_then(|seat| ledger.seats.office(seat)).is_some_and(|office| office.suspended);
            change.key.kind == Kind::OrgConnection && is_suspended && now.reason() == "OrganizationNotReady"
        };
        let mut told = BTreeSet::new();
        changes.into_iter().filter(|change| !(told.insert(change.key.clone()) && gives_up(change))).collect()
    }
}

fn unsettled_object(scene: &Scene<'_>, object: &Memory) -> Option<String> {
    let complain = |what: &str| Some(format!("OrgConnection {} {what}: {object:?}", object.name));
    if object.terminating {
        return if may_stay(scene.ledger, object) { None } else { complain("is still there") };
    }
    let Some((_, _, generation)) = object.ready.clone() else { return complain("says nothing") };
    if generation != object.generation || object.observed != generation {
        return complain("speaks of an older generation");
    }
    let expected = scene.expected(object);
    if !expected.iter().any(|expected| expected.is_said_by(object)) {
        let pairs = scene.ledger.pairs_of(object).unwrap_or_default();
        let rows: Vec<_> = pairs.into_iter().map(|pair| scene.ledger.truth.of_pair(pair)).collect();
        return complain(&format!("should say one of {expected:?}; the connection is {rows:?}"));
    }
    let row = object.pair().and_then(|pair| scene.ledger.truth.of_pair(pair));
    if object.is_ready() && object.wish.acts() && scene.is_served(object) {
        let is_true = row.is_some_and(|row| object.recorded == Some(row.id) && types_of(row) == object.wish.types);
        if !is_true {
            return complain(&format!("is ready, but has not recorded what is there, {row:?}"));
        }
        let how = object.recorded.and_then(|id| scene.ledger.lives.get(&object.uid)?.recorded.get(&id).copied());
        let says_how = match how {
            Some(Recording::Created) => object.origin.as_deref() == Some("Created"),
            Some(Recording::Adopted) => object.origin.as_deref() == Some("Adopted"),
            Some(Recording::Either) | None => object.origin.is_some(),
        };
        if !says_how {
            return complain(&format!("has it {how:?}"));
        }
    }
    None
}

/// A deletion waits for its DatadogOrg to be resumed.
fn may_stay(ledger: &Ledger, object: &Memory) -> bool {
    let is_suspended = object.wish.seat.and_then(|seat| ledger.seats.office(seat)).is_some_and(|office| office.suspended);
    is_suspended && object.takes_it_along() && object.pair().is_some() && object.reason() == "Deleting"
}
