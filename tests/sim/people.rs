//! What people and their tools do, in Kubernetes and at Datadog.

use crossorg::api::{DatadogOrg, OrgConnection};
use datadog_double::{Connection, Limit, READ, WRITE};
use fastrand::Rng;
use serde_json::{Value, json};

use crate::apiserver::ApiServer;
use crate::world::{SEATS, Seat, World, manifest};

/// One kind of act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Act {
    // With OrgConnections.
    Create,
    Retype,
    Delete,
    DeleteAndCreate,
    Replace,
    WipeStatus,
    SwitchPolicy,
    StripLabel,
    StripClaim,
    StripFinalizer,
    Request,
    Misspell,
    AddCondition,
    // With DatadogOrgs and their keys.
    DeleteOrg,
    ChangeInterval,
    RequestOrg,
    Rotate,
    RotateAndRevoke,
    Revoke,
    Restore,
    TakePermission,
    GivePermissions,
    ReplaceUser,
    LoseSecret,
    SpoilSecret,
    SwapSecret,
    MendSecret,
    // At Datadog, behind our back.
    CreateThere,
    ChangeThere,
    DeleteThere,
    UseUpBudget,
    // In the cluster.
    Compact,
}

impl Act {
    /// Each as often as it stands here.
    const ALL: [Self; 49] = {
        use Act::*;
        [
            Create,
            Create,
            Create,
            Create,
            Create,
            Create,
            Create,
            Create,
            Retype,
            Retype,
            Retype,
            Retype,
            Delete,
            Delete,
            Delete,
            Delete,
            DeleteAndCreate,
            DeleteAndCreate,
            Replace,
            WipeStatus,
            SwitchPolicy,
            StripLabel,
            StripClaim,
            StripFinalizer,
            Request,
            Misspell,
            AddCondition,
            DeleteOrg,
            ChangeInterval,
            RequestOrg,
            Rotate,
            RotateAndRevoke,
            Revoke,
            Restore,
            Restore,
            TakePermission,
            GivePermissions,
            GivePermissions,
            ReplaceUser,
            LoseSecret,
            SpoilSecret,
            SwapSecret,
            MendSecret,
            MendSecret,
            CreateThere,
            ChangeThere,
            DeleteThere,
            UseUpBudget,
            Compact,
        ]
    };
}

/// Everybody but the operator.
pub(crate) struct People {
    world: World,
    chance: Rng,
    /// What these people never do.
    never: Vec<Act>,
    /// What is to be created as soon as its namesake is gone.
    wanted: Vec<Value>,
    keys: Vec<(Seat, String)>,
    requests: usize,
}

impl People {
    /// People of this seed, with the DatadogOrgs made.
    pub(crate) fn new(world: &World) -> Self {
        let mut chance = Rng::with_seed(world.seed ^ 0x0070_656f_706c_6500);
        let never = Act::ALL.into_iter().filter(|act| *act != Act::Create && chance.u8(..5) == 0).collect();
        let mut people = Self { world: world.clone(), chance, never, wanted: Vec::new(), keys: Vec::new(), requests: 0 };
        for seat in SEATS {
            people.rotate(seat);
            drop(world.apply_org(seat, "60s"));
        }
        people
    }

    /// Does something; answers what.
    pub(crate) fn act(&mut self) -> String {
        self.follow_up();
        let act = Act::ALL[self.chance.usize(..Act::ALL.len())];
        if self.never.contains(&act) {
            return format!("not {act:?}");
        }
        let done = self.perform(act);
        format!("{act:?} {}", done.unwrap_or_else(|| "in vain".to_owned()))
    }

    /// Creates anew what was deleted to that end.
    pub(crate) fn follow_up(&mut self) {
        let world = self.world.clone();
        self.wanted.retain(|manifest| world.server.create(manifest.clone()).is_err());
    }

    /// Puts everything right that people alone can: keys, Secrets, misspelt objects, missing DatadogOrgs.
    pub(crate) fn mend(&mut self) {
        self.follow_up();
        for seat in SEATS {
            let good = self.keys.iter().rev().find(|(of, id)| *of == seat && self.is_good(seat, id)).map(|(_, id)| id.clone());
            match good {
                Some(id) => {
                    self.world.datadog.set_permissions(seat.organization, &id, &[READ, WRITE]).unwrap();
                    self.world.put_key(seat, &id);
                }
                None => self.rotate(seat),
            }
            drop(self.world.apply_org(seat, "60s"));
            drop(self.world.datadog.set_limit(seat.organization, None));
        }
        for object in self.world.connections() {
            if object["spec"]["deletionPolicy"] == "Bogus" {
                Self::patch(&self.world.server, &object, &json!({ "spec": { "deletionPolicy": "Delete" } }));
            }
        }
    }

    fn is_good(&self, seat: Seat, id: &str) -> bool {
        let state = self.world.datadog.state();
        let known = state.organizations.iter().find(|known| known.id == seat.organization);
        let credential = known.and_then(|known| known.credentials.iter().find(|known| known.id == id));
        credential.is_some_and(|known| known.enabled && known.user == self.world.principal(seat.organization))
    }

    fn perform(&mut self, act: Act) -> Option<String> {
        match act {
            Act::Create => self.create(),
            Act::CreateThere | Act::ChangeThere | Act::DeleteThere => self.at_datadog(act),
            Act::Compact => {
                self.world.server.compact();
                Some(String::new())
            }
            Act::DeleteOrg
            | Act::ChangeInterval
            | Act::RequestOrg
            | Act::Rotate
            | Act::RotateAndRevoke
            | Act::Revoke
            | Act::Restore
            | Act::TakePermission
            | Act::GivePermissions
            | Act::ReplaceUser
            | Act::LoseSecret
            | Act::SpoilSecret
            | Act::SwapSecret
            | Act::MendSecret
            | Act::UseUpBudget => {
                let seat = SEATS[self.chance.usize(..SEATS.len())];
                self.with_org(act, seat)?;
                Some(format!("{}/{}", seat.namespace, seat.name))
            }
            _ => {
                let objects = self.world.connections();
                let object = objects.get(self.chance.usize(..objects.len().max(1)))?;
                self.with_connection(act, object)?;
                Some(format!("{}/{}", object["metadata"]["namespace"], object["metadata"]["name"]))
            }
        }
    }

    // === OrgConnections ===

    fn create(&mut self) -> Option<String> {
        let seat = SEATS[self.chance.usize(..SEATS.len())];
        let sinks: Vec<Seat> =
            SEATS.into_iter().filter(|sink| sink.namespace == seat.namespace && sink.organization != seat.organization).collect();
        let sink = sinks[self.chance.usize(..sinks.len())];
        let name = format!("connection-{}", self.chance.u8(..7));
        let sink = if self.chance.bool() { json!({ "id": sink.organization }) } else { json!({ "ref": { "name": sink.name } }) };
        let policy = if self.chance.u8(..6) == 0 { "Orphan" } else { "Delete" };
        let spec =
            json!({ "sourceOrgRef": { "name": seat.name }, "sinkOrg": sink, "connectionTypes": self.types(), "deletionPolicy": policy });
        self.world.server.create(manifest("OrgConnection", seat.namespace, &name, &spec)).ok()?;
        Some(format!("{}/{name} {spec}", seat.namespace))
    }

    fn with_connection(&mut self, act: Act, object: &Value) -> Option<()> {
        let (namespace, name) = (object["metadata"]["namespace"].as_str()?, object["metadata"]["name"].as_str()?);
        let (server, spec) = (self.world.server.clone(), &object["spec"]);
        let plain = manifest("OrgConnection", namespace, name, spec);
        match act {
            Act::Retype => Self::patch(&server, object, &json!({ "spec": { "connectionTypes": self.types() } })),
            Act::Delete => drop(server.delete::<OrgConnection>(namespace, name)),
            Act::DeleteAndCreate => {
                drop(server.delete::<OrgConnection>(namespace, name));
                self.wanted.retain(|wanted| wanted["metadata"] != plain["metadata"]);
                self.wanted.push(plain);
                self.follow_up();
            }
            Act::Replace => drop(server.replace(plain)),
            Act::WipeStatus => drop(server.wipe_status::<OrgConnection>(namespace, name)),
            Act::SwitchPolicy => {
                let policy = if spec["deletionPolicy"] == "Orphan" { "Delete" } else { "Orphan" };
                Self::patch(&server, object, &json!({ "spec": { "deletionPolicy": policy } }));
            }
            Act::StripLabel => Self::patch(&server, object, &json!({ "metadata": { "labels": null } })),
            Act::StripClaim => Self::patch(&server, object, &json!({ "metadata": { "annotations": null } })),
            Act::StripFinalizer => Self::patch(&server, object, &json!({ "metadata": { "finalizers": null } })),
            Act::Request => Self::patch(&server, object, &json!({ "metadata": { "annotations": self.request() } })),
            Act::Misspell => Self::patch(&server, object, &json!({ "spec": { "deletionPolicy": "Bogus" } })),
            Act::AddCondition => drop(server.apply_status::<OrgConnection>(namespace, name, &self.condition())),
            _ => return None,
        }
        Some(())
    }

    fn patch(server: &ApiServer, object: &Value, change: &Value) {
        let (namespace, name) = (object["metadata"]["namespace"].as_str().unwrap(), object["metadata"]["name"].as_str().unwrap());
        drop(server.patch::<OrgConnection>(namespace, name, change));
    }

    fn types(&mut self) -> Vec<&'static str> {
        [vec!["logs"], vec!["metrics"], vec!["logs", "metrics"], vec!["audit", "logs"]][self.chance.usize(..4)].clone()
    }

    fn request(&mut self) -> Value {
        self.requests += 1;
        json!({ "crossorg.dev/reconcile-requested-at": format!("request {}", self.requests) })
    }

    fn condition(&mut self) -> Value {
        let status = if self.chance.bool() { "True" } else { "False" };
        json!({ "conditions": [{
            "type": "Audited", "status": status, "reason": "Audit", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z",
        }] })
    }

    // === DatadogOrgs, Secrets, keys ===

    fn rotate(&mut self, seat: Seat) {
        let id = self.world.rotate(seat);
        self.keys.push((seat, id));
    }

    fn key_of(&self, seat: Seat) -> String {
        self.keys.iter().rev().find(|(of, _)| *of == seat).map(|(_, id)| id.clone()).unwrap_or_default()
    }

    fn with_org(&mut self, act: Act, seat: Seat) -> Option<()> {
        let (namespace, organization) = (seat.namespace, seat.organization);
        let (server, datadog, key) = (self.world.server.clone(), self.world.datadog.clone(), self.key_of(seat));
        match act {
            Act::DeleteOrg => drop(server.delete::<DatadogOrg>(namespace, seat.name).ok()?),
            Act::ChangeInterval => {
                // What a new DatadogOrg proves first is what it is for ever.
                if self.world.org(seat).is_none() {
                    self.world.put_key(seat, &key);
                }
                drop(self.world.apply_org(seat, ["10s", "60s", "5m", "1h"][self.chance.usize(..4)]));
            }
            Act::RequestOrg => {
                let request = json!({ "metadata": { "annotations": self.request() } });
                server.patch::<DatadogOrg>(namespace, seat.name, &request).ok()?;
            }
            Act::Rotate => self.rotate(seat),
            Act::RotateAndRevoke => {
                self.rotate(seat);
                datadog.revoke(organization, &key).ok()?;
            }
            Act::Revoke => datadog.revoke(organization, &key).ok()?,
            Act::Restore => datadog.restore(organization, &key).ok()?,
            Act::TakePermission => {
                datadog.set_permissions(organization, &key, [&[READ][..], &[WRITE], &[]][self.chance.usize(..3)]).ok()?
            }
            Act::GivePermissions => datadog.set_permissions(organization, &key, &[READ, WRITE]).ok()?,
            Act::ReplaceUser => {
                self.world.replace_user(organization);
                SEATS.into_iter().filter(|other| other.organization == organization).for_each(|other| self.rotate(other));
            }
            Act::LoseSecret => drop(server.delete::<k8s_openapi::api::core::v1::Secret>(namespace, &seat.secret()).ok()?),
            Act::SpoilSecret => drop(server.secret(namespace, &seat.secret(), &[("api-key", "half")]).ok()?),
            Act::SwapSecret => {
                self.world.org(seat)?.status?.organization?;
                let other = SEATS[self.chance.usize(..SEATS.len())];
                self.world.put_key(seat, &self.key_of(other));
            }
            Act::MendSecret => self.world.put_key(seat, &key),
            Act::UseUpBudget => drop(datadog.set_limit(organization, Some(Limit::new(30, 60)))),
            _ => return None,
        }
        Some(())
    }

    // === Behind our back ===

    fn at_datadog(&mut self, act: Act) -> Option<String> {
        let rows = self.world.datadog.state().connections;
        let row: Option<&Connection> = rows.get(self.chance.usize(..rows.len().max(1)));
        let types = self.types();
        match act {
            Act::CreateThere => {
                let (source, sink) = (SEATS[self.chance.usize(..3)], SEATS[self.chance.usize(..3)]);
                let row = self.world.datadog.create_as("Eve", source.organization, sink.organization, &types).ok()?;
                self.world.datadog.protect(row.id).unwrap();
                Some(format!("{row:?}"))
            }
            Act::ChangeThere => self.world.datadog.change_types(row?.id, &types).ok().map(|row| format!("{row:?}")),
            _ => self.world.datadog.delete(row?.id).ok().map(|row| format!("{row:?}")),
        }
    }
}
