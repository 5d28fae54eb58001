//! The desired state: what has to be so, some time after the last misfortune.

use serde_json::Value;
use uuid::Uuid;

use super::memory::Memory;
use super::truth::types_of;
use super::{Ledger, Oracle};
use crate::world::SEATS;

impl Oracle {
    /// Everything that is not yet as it should be.
    pub(crate) fn unsettled(&self) -> Vec<String> {
        self.look();
        let ledger = self.ledger();
        let objects: Vec<Memory> = self.world.connections().iter().map(|object| Memory::of(object)).collect();
        let connections = objects.iter().filter_map(|object| self.unsettled_object(&ledger, object, &objects));
        let orgs = SEATS.iter().filter_map(|seat| self.unsettled_org(seat));
        orgs.chain(connections).chain(self.forsaken(&ledger, &objects)).collect()
    }

    fn unsettled_org(&self, seat: &crate::world::Seat) -> Option<String> {
        let name = format!("DatadogOrg {}/{}", seat.namespace, seat.name);
        let Some(org) = self.world.org(*seat) else { return Some(format!("{name} is missing")) };
        let status = org.status.as_ref();
        let ready = status.and_then(|status| crossorg::api::conditions::find(&status.conditions, "Ready"));
        let in_use = org.metadata.deletion_timestamp.is_some() && self.is_used(seat);
        let as_wished = ready.is_some_and(|ready| {
            ready.observed_generation == org.metadata.generation && if in_use { ready.reason == "InUse" } else { ready.status == "True" }
        });
        (!as_wished).then(|| format!("{name} says {ready:?}"))
    }

    /// Whether an object holds on to this DatadogOrg.
    fn is_used(&self, seat: &crate::world::Seat) -> bool {
        let uses = |object: &Value| {
            let (metadata, spec) = (&object["metadata"], &object["spec"]);
            metadata["namespace"] == seat.namespace && spec["sourceOrgRef"]["name"] == seat.name && !metadata["finalizers"].is_null()
        };
        self.world.connections().iter().any(|object| uses(object))
    }

    fn unsettled_object(&self, ledger: &Ledger, object: &Memory, all: &[Memory]) -> Option<String> {
        let complain = |what: &str| Some(format!("OrgConnection {} {what}: {object:?}", object.name));
        if object.terminating {
            return complain("is still there");
        }
        let Some((_, reason, generation)) = object.ready.clone() else { return complain("says nothing") };
        let Some(pair) = object.wanted else { return complain("leads nowhere") };
        if generation != object.generation || object.observed != generation {
            return complain("speaks of an older generation");
        }
        let principals = self.world.principals();
        let row = ledger.truth.of_pair(pair);
        let claims = |other: &&Memory| other.uid != object.uid && !other.terminating && other.claim.is_some_and(|claim| claim.pair == pair);
        let rival = all.iter().find(claims);
        let right = match (reason.as_str(), row) {
            ("InSync", Some(row)) => {
                object.recorded == Some(row.id) && types_of(row) == object.types && principals.contains(&row.created_by)
            }
            ("AlreadyExists", Some(row)) => !object.owns(row, &principals),
            // With a rival that owns nothing itself: allowed by the table (limit R4).
            ("Conflict", Some(_)) => rival.is_some(),
            ("OrganizationNotReady", _) => self.leaving_or_gone(object),
            _ => false,
        };
        if right { None } else { complain(&format!("is not as it should be; its rival is {rival:?}, the connection {row:?}")) }
    }

    /// Whether a DatadogOrg that the object names takes no new connections, or is gone.
    fn leaving_or_gone(&self, object: &Memory) -> bool {
        let stored = self.world.connections();
        let Some(stored) = stored.iter().find(|stored| stored["metadata"]["uid"] == object.uid.as_str()) else { return false };
        let (namespace, spec) = (&stored["metadata"]["namespace"], &stored["spec"]);
        let is_leaving = |name: &Value| {
            let seat = SEATS.iter().find(|seat| *namespace == seat.namespace && *name == seat.name);
            seat.is_some_and(|seat| self.world.org(*seat).is_none_or(|org| org.metadata.deletion_timestamp.is_some()))
        };
        is_leaving(&spec["sourceOrgRef"]["name"]) || is_leaving(&spec["sinkOrg"]["ref"]["name"])
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
}
