//! DatadogOrgs, their Secrets and keys; and whole namespaces.

use std::time::Duration;

use crossorg::api::{APPROVAL_ANNOTATION, DatadogOrg, OrgConnection};
use datadog_double::{Limit, READ, WRITE};
use jiff::SignedDuration;
use k8s_openapi::api::core::v1::Secret;
use serde_json::json;

use super::acts::Act;
use super::{GENEROUS, People};
use crate::world::{SEATS, Seat, manifest, org_spec};

impl People {
    pub(super) fn rotate(&mut self, seat: Seat) {
        let id = self.world.rotate(seat);
        self.keys.push((seat, id));
    }

    pub(super) fn key_of(&self, seat: Seat) -> String {
        self.keys.iter().rev().find(|(of, _)| *of == seat).map(|(_, id)| id.clone()).unwrap_or_default()
    }

    /// Makes the DatadogOrg of a seat, or puts its spec right.
    pub(super) fn apply_org(&self, seat: Seat, interval: &str) {
        drop(self.world.server.apply(manifest(
            "DatadogOrg",
            seat.namespace,
            seat.name,
            &org_spec(seat, interval, self.limits[&seat], self.is_suspended(seat)),
        )));
    }

    /// Chooses how many deletions an hour the brake of a DatadogOrg lets through.
    pub(super) fn limit(&mut self, seat: Seat) {
        let limit = self.one_of(&[0, 1, 2, 3, 10, GENEROUS]);
        self.limits.insert(seat, limit);
    }

    /// Approves all deletions until so long after the beginning of the run.
    pub(super) fn approve(&self, seat: Seat, until: SignedDuration) {
        let begun = (self.world.wall_clock)() - SignedDuration::try_from(self.world.begun.elapsed()).unwrap();
        let approval = json!({ "metadata": { "annotations": { APPROVAL_ANNOTATION: (begun + until).to_string() } } });
        drop(self.world.server.patch::<DatadogOrg>(seat.namespace, seat.name, &approval));
    }

    fn is_suspended(&self, seat: Seat) -> bool {
        self.suspended.contains(&seat)
    }

    pub(super) fn with_org(&mut self, act: Act, seat: Seat) -> Option<()> {
        let (namespace, organization) = (seat.namespace, seat.organization);
        let (server, datadog, key) = (self.world.server.clone(), self.world.datadog.clone(), self.key_of(seat));
        match act {
            Act::DeleteOrg => drop(server.delete::<DatadogOrg>(namespace, seat.name).ok()?),
            Act::ChangeInterval => {
                // What a new DatadogOrg proves first is what it is for ever.
                if self.world.org(seat).is_none() {
                    self.world.put_key(seat, &key);
                }
                let interval = self.one_of(&["10s", "60s", "5m", "1h"]);
                self.apply_org(seat, interval);
            }
            Act::SuspendOrg | Act::ResumeOrg => {
                let suspends = act == Act::SuspendOrg;
                let _ = if suspends { self.suspended.insert(seat) } else { self.suspended.remove(&seat) };
                server.patch::<DatadogOrg>(namespace, seat.name, &json!({ "spec": { "suspend": suspends } })).ok()?;
            }
            Act::RequestOrg => {
                let request = json!({ "metadata": { "annotations": self.request() } });
                server.patch::<DatadogOrg>(namespace, seat.name, &request).ok()?;
            }
            Act::ChangeLimit => {
                self.limit(seat);
                server.patch::<DatadogOrg>(namespace, seat.name, &json!({ "spec": { "maxDeletionsPerHour": self.limits[&seat] } })).ok()?;
            }
            Act::Approve => {
                // Some end before they begin, and some would last for too long.
                let minutes = self.chance.i64(0..40 * 60);
                self.approve(seat, SignedDuration::from_mins(minutes));
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
            Act::LoseSecret => drop(server.delete::<Secret>(namespace, &seat.secret()).ok()?),
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

    /// `kubectl delete -f folder/`: the Secrets, the DatadogOrgs and the OrgConnections of a namespace at once. Some minutes later it is
    /// applied again.
    pub(super) fn delete_folder(&mut self) -> String {
        let namespace = self.one_of(&["team", "other"]);
        let due = self.world.begun.elapsed() + Duration::from_secs(self.chance.u64(20..600));
        let server = self.world.server.clone();
        for seat in SEATS.into_iter().filter(|seat| seat.namespace == namespace) {
            drop(server.delete::<Secret>(namespace, &seat.secret()));
            drop(server.delete::<DatadogOrg>(namespace, seat.name));
            self.wanted.push((
                due,
                manifest("DatadogOrg", namespace, seat.name, &org_spec(seat, "60s", self.limits[&seat], self.is_suspended(seat))),
            ));
        }
        for object in self.world.connections() {
            let (metadata, spec) = (&object["metadata"], &object["spec"]);
            if let (true, Some(name)) = (metadata["namespace"] == namespace, metadata["name"].as_str()) {
                drop(server.delete::<OrgConnection>(namespace, name));
                self.wanted.push((due, manifest("OrgConnection", namespace, name, spec)));
            }
        }
        format!("{namespace} until {} s", due.as_secs())
    }
}
