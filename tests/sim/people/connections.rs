//! OrgConnections: created, changed, renamed, damaged, deleted.

use crossorg::api::OrgConnection;
use serde_json::{Value, json};

use super::People;
use super::acts::Act;
use crate::world::{SEATS, Seat, manifest};

impl People {
    pub(super) fn create(&mut self) -> Option<String> {
        let seat = self.one_of(&SEATS);
        let name = format!("connection-{}", self.chance.u8(..7));
        let spec = self.spec(seat);
        self.world.server.create(manifest("OrgConnection", seat.namespace, &name, &spec)).ok()?;
        Some(format!("{}/{name} {spec}", seat.namespace))
    }

    fn spec(&mut self, seat: Seat) -> Value {
        let sinks: Vec<Seat> =
            SEATS.into_iter().filter(|sink| sink.namespace == seat.namespace && sink.organization != seat.organization).collect();
        let sink = self.one_of(&sinks);
        let sink = match self.chance.u8(..5) {
            0 | 1 => json!({ "id": sink.organization }),
            2 | 3 => json!({ "ref": { "name": sink.name } }),
            _ => json!({ "name": self.name() }),
        };
        let one_in = |chance: &mut fastrand::Rng, odds: u8| chance.u8(..odds) == 0;
        json!({
            "sourceOrgRef": { "name": seat.name },
            "sinkOrg": sink,
            "connectionTypes": self.types(),
            "managementPolicy": if one_in(&mut self.chance, 6) { "Observe" } else { "Full" },
            "adoptionPolicy": self.one_of(&["Never", "Never", "IfIdentical", "Always"]),
            "deletionPolicy": if one_in(&mut self.chance, 6) { "Orphan" } else { "Delete" },
            "externalDeletionPolicy": if one_in(&mut self.chance, 4) { "Report" } else { "Recreate" },
            "suspend": one_in(&mut self.chance, 8),
        })
    }

    pub(super) fn with_connection(&mut self, act: Act, object: &Value) -> Option<String> {
        let (namespace, name) = (object["metadata"]["namespace"].as_str()?, object["metadata"]["name"].as_str()?);
        let (server, spec) = (self.world.server.clone(), &object["spec"]);
        let plain = manifest("OrgConnection", namespace, name, spec);
        match act {
            Act::Retype => {
                let types = self.types();
                self.patch(object, &json!({ "spec": { "connectionTypes": types } }));
            }
            Act::SwitchDeletion | Act::SwitchManagement | Act::SwitchAdoption | Act::SwitchReport | Act::SwitchSuspend => {
                return Some(self.switch(act, object));
            }
            Act::Delete => drop(server.delete::<OrgConnection>(namespace, name)),
            Act::DeleteAndCreate => {
                drop(server.delete::<OrgConnection>(namespace, name));
                self.want(plain);
            }
            Act::Rename | Act::RenameBackwards => return self.rename(object, act == Act::Rename).map(|to| format!("to {to}")),
            Act::Replace => drop(server.replace(plain)),
            Act::WipeStatus => drop(server.wipe_status::<OrgConnection>(namespace, name)),
            Act::StripLabel => self.patch(object, &json!({ "metadata": { "labels": null } })),
            Act::StripClaim => self.patch(object, &json!({ "metadata": { "annotations": null } })),
            Act::StripFinalizer => self.patch(object, &json!({ "metadata": { "finalizers": null } })),
            Act::Request => {
                let request = self.request();
                self.patch(object, &json!({ "metadata": { "annotations": request } }));
            }
            Act::Misspell => self.patch(object, &json!({ "spec": { "deletionPolicy": "Bogus" } })),
            Act::AddCondition => drop(server.apply_status::<OrgConnection>(namespace, name, &self.condition())),
            _ => return None,
        }
        Some(String::new())
    }

    /// Changes one of the policies to another value.
    fn switch(&mut self, act: Act, object: &Value) -> String {
        let spec = &object["spec"];
        let other = |name: &str, one: &'static str, another: &'static str| json!(if spec[name] == one { another } else { one });
        let (name, value) = match act {
            Act::SwitchDeletion => ("deletionPolicy", other("deletionPolicy", "Orphan", "Delete")),
            Act::SwitchManagement => ("managementPolicy", other("managementPolicy", "Observe", "Full")),
            Act::SwitchAdoption => ("adoptionPolicy", json!(self.one_of(&["Never", "IfIdentical", "Always"]))),
            Act::SwitchReport => ("externalDeletionPolicy", other("externalDeletionPolicy", "Report", "Recreate")),
            _ => ("suspend", json!(spec["suspend"] != true)),
        };
        self.patch(object, &json!({ "spec": { name: value } }));
        format!("{name}: {value}")
    }

    // === Renaming ===

    /// Somebody renames an object in Git, and the tool creates the new one and deletes the old one: in this order, at once or later; or
    /// the other way round. Answers the new one.
    pub(crate) fn rename(&mut self, object: &Value, forwards: bool) -> Option<String> {
        let (namespace, name) = (object["metadata"]["namespace"].as_str()?, object["metadata"]["name"].as_str()?);
        let to = self.elsewhere(object).unwrap_or_else(|| namespace.to_owned());
        let successor = format!("{}-{}", self.one_of(&["connection", "renamed"]), self.chance.u8(..7));
        let manifest = manifest("OrgConnection", &to, &successor, &object["spec"]);
        let server = self.world.server.clone();
        let told = format!("{to}/{successor}");
        if !forwards {
            let free = !self
                .world
                .connections()
                .iter()
                .any(|other| other["metadata"]["namespace"] == to.as_str() && other["metadata"]["name"] == successor.as_str());
            drop(free.then(|| server.delete::<OrgConnection>(namespace, name))?);
            server.create(manifest).ok()?;
            return Some(format!("{told}, after it"));
        }
        server.create(manifest).ok()?;
        self.outgoing.push((namespace.to_owned(), name.to_owned()));
        if self.chance.bool() {
            self.delete_outgoing();
            return Some(told);
        }
        Some(format!("{told}, to be deleted later"))
    }

    /// One of the objects gets another name, in this order: the new one comes, the old one goes.
    pub(crate) fn rename_one(&mut self) -> String {
        let objects = self.world.connections();
        let live: Vec<_> = objects.iter().filter(|object| object["metadata"]["deletionTimestamp"].is_null()).collect();
        let object = live.get(self.chance.usize(..live.len().max(1)));
        let done = object.and_then(|object| {
            let to = self.rename(object, true)?;
            let gone = self.delete_outgoing();
            Some(format!("{}/{} to {to} {gone:?}", object["metadata"]["namespace"], object["metadata"]["name"]))
        });
        format!("Rename in peace {}", done.unwrap_or_else(|| "in vain".to_owned()))
    }

    /// The namespace to which the object can move as it is, in one case of four.
    fn elsewhere(&mut self, object: &Value) -> Option<String> {
        let other = if object["metadata"]["namespace"] == "team" { "other" } else { "team" };
        let spec = &object["spec"];
        let is_there = |name: &Value| name.is_null() || SEATS.iter().any(|seat| seat.namespace == other && *name == seat.name);
        let can = is_there(&spec["sourceOrgRef"]["name"]) && is_there(&spec["sinkOrg"]["ref"]["name"]);
        (self.chance.u8(..4) == 0 && can).then(|| other.to_owned())
    }

    pub(super) fn delete_outgoing(&mut self) -> Vec<String> {
        let outgoing = std::mem::take(&mut self.outgoing);
        outgoing.iter().for_each(|(namespace, name)| drop(self.world.server.delete::<OrgConnection>(namespace, name)));
        outgoing.into_iter().map(|(namespace, name)| format!("deleted {namespace}/{name}")).collect()
    }

    /// Has this created as soon as its namesake is gone.
    fn want(&mut self, manifest: Value) {
        self.wanted.retain(|(_, wanted)| wanted["metadata"] != manifest["metadata"]);
        self.wanted.push((std::time::Duration::ZERO, manifest));
        self.create_wanted();
    }

    pub(super) fn patch(&self, object: &Value, change: &Value) {
        let (namespace, name) = (object["metadata"]["namespace"].as_str().unwrap(), object["metadata"]["name"].as_str().unwrap());
        drop(self.world.server.patch::<OrgConnection>(namespace, name, change));
    }

    pub(super) fn types(&mut self) -> Vec<&'static str> {
        self.one_of(&[vec!["logs"], vec!["metrics"], vec!["logs", "metrics"], vec!["audit", "logs"]])
    }

    fn condition(&mut self) -> Value {
        let status = if self.chance.bool() { "True" } else { "False" };
        json!({ "conditions": [{
            "type": "Audited", "status": status, "reason": "Audit", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z",
        }] })
    }
}
