//! Whom the events of the watches wake: what one object says may decide about another.

use std::collections::BTreeSet;

use super::brake;
use super::context::{CachedOrg, Context};
use crate::world::Key;
use crate::world::org::Org;
use crate::world::row::Row;

impl Context {
    /// Who depends on this DatadogOrg: those who name it, and those of a pair of its organization, since it may delete their connection in
    /// place of their own, and it may be what makes the claims of others count.
    pub(super) fn served_by(&self, org: &Org) -> BTreeSet<Key> {
        let of_organization = org.proven().into_iter().flat_map(|organization| self.objects.of_organization(organization));
        self.objects.of_org(&org.key).into_iter().chain(of_organization).collect()
    }

    pub(super) fn row_applied(&self, row: &Row) {
        let key = Key::of(row);
        match &row.subject {
            Ok(subject) => {
                self.objects.applied(&key, std::iter::once(subject.source()).chain(subject.sink()));
                self.objects.claims(&key, subject.memory.pair());
                self.objects.specified_at(&key, subject.generation);
                brake::row_applied(self, subject);
            }
            // Its pair is all that can be told of it, and has to be found even if somebody has taken the label away.
            Err(unclear) => {
                self.objects.applied(&key, self.objects.orgs_of(&key));
                self.objects.claims(&key, unclear.claimant.memory.pair());
                // Whatever it waited for, it does not say so any more.
                self.objects.orgs_of(&key).iter().for_each(|org| self.wake_org(org));
            }
        }
        // Whoever shares the pair may have become its holder, or lost it.
        self.wake(self.objects.beside(&key));
    }

    pub(super) fn row_deleted(&self, key: &Key) {
        for org in self.objects.orgs_of(key) {
            self.wake_org(&org);
        }
        self.wake(self.objects.deleted(key));
    }

    pub(super) fn org_applied(&self, org: &CachedOrg) {
        self.objects.org_applied(&Key::of(org));
        if let Ok(org) = &org.0 {
            brake::org_applied(self, &self.orgs.applied(org));
        }
    }

    /// Turns of organizations that could not tell which connections are recorded have waited for this.
    pub(super) fn rows_listed(&self) {
        for org in self.orgs.all() {
            self.wake_org(&org.key);
        }
    }

    /// Passes that could not tell a missing DatadogOrg from one not seen yet have waited for this.
    pub(super) fn orgs_listed(&self) {
        self.wake(self.objects.all());
    }

    pub(super) fn org_deleted(&self, key: &Key) {
        if let Some(org) = self.orgs.get(key) {
            self.orgs.deleted(key);
            self.wake(self.served_by(&org));
        }
        self.objects.org_deleted(key);
    }
}
