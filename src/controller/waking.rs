//! Whom the events of the watches wake: what one object says may decide about another.

use super::brake;
use super::context::{CachedOrg, CachedRow, Context};
use crate::world::Key;

impl Context {
    pub(super) fn row_applied(&self, row: &CachedRow) {
        if let Ok(row) = &row.0 {
            let subject = &row.subject;
            self.objects.applied(&subject.key, std::iter::once(subject.source()).chain(subject.sink()));
            self.objects.claims(&subject.key, subject.memory.pair());
            self.objects.specified_at(&subject.key, subject.generation);
            // Whoever shares the pair may have become its holder, or lost it.
            self.wake(self.objects.beside(&subject.key));
            brake::row_applied(self, subject);
        }
    }

    pub(super) fn row_deleted(&self, key: &Key) {
        for org in self.objects.orgs_of(key) {
            self.wake_org(&org);
        }
        self.wake(self.objects.deleted(key));
    }

    pub(super) fn org_applied(&self, org: &CachedOrg) {
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
        self.orgs.deleted(key);
        self.objects.forget(&key.as_org());
        self.wake(self.objects.of_org(key));
    }
}
