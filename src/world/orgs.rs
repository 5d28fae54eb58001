//! The DatadogOrg objects that the watch has shown.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use kube::ResourceExt;

use super::Key;
use super::org::Org;
use crate::api::DatadogOrg;
use crate::decide::model::OrgId;
use crate::decide::step::Organization;

/// All DatadogOrg objects that the watch has shown.
#[derive(Debug, Default)]
pub struct Orgs(Mutex<HashMap<Key, Arc<Org>>>);

impl Orgs {
    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Arc<Org>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The organization of a reference.
    pub fn get(&self, key: &Key) -> Option<Arc<Org>> {
        self.lock().get(key).cloned()
    }

    /// Takes in what the watch shows. A namesake of another uid starts afresh.
    pub fn applied(&self, object: &DatadogOrg) -> Arc<Org> {
        let key = Key::of(object);
        let uid = object.uid().unwrap_or_default();
        let mut orgs = self.lock();
        let org = orgs.entry(key.clone()).or_insert_with(|| Arc::new(Org::new(key.clone(), uid.clone(), object)));
        if org.uid() != uid {
            *org = Arc::new(Org::new(key, uid, object));
        }
        org.specified(object);
        Arc::clone(org)
    }

    /// The DatadogOrgs that have proven to be the organization.
    pub fn of_organization(&self, organization: OrgId) -> Vec<Arc<Org>> {
        self.lock().values().filter(|org| org.proven() == Some(organization)).cloned().collect()
    }

    /// Whether it is still open what a DatadogOrg will prove.
    pub fn is_any_undecided(&self) -> bool {
        let is_open = |org: &Arc<Org>| matches!(org.source(), Organization::NotUsable { undecided: true, .. });
        self.lock().values().any(|org| org.proven().is_none() && is_open(org))
    }

    /// Whether a DatadogOrg of this namespace has proven to be the organization.
    pub fn reaches(&self, namespace: &str, organization: OrgId) -> bool {
        let orgs = self.lock();
        orgs.iter().any(|(key, org)| key.namespace == namespace && org.proven() == Some(organization))
    }

    /// A DatadogOrg of this namespace that has proven to be the organization and is connected, with its time.
    pub fn usable_of(&self, namespace: &str, organization: OrgId) -> Option<(Arc<Org>, Timestamp)> {
        let orgs = self.lock();
        let of_organization = orgs.iter().filter(|(key, org)| key.namespace == namespace && org.proven() == Some(organization));
        let usable = of_organization.filter_map(|(key, org)| match org.source() {
            Organization::Usable { now, .. } => Some((key, org, now)),
            Organization::Missing | Organization::NotUsable { .. } | Organization::DeletesOnly { .. } => None,
        });
        usable.min_by_key(|(key, ..)| (*key).clone()).map(|(_, org, now)| (Arc::clone(org), now))
    }

    /// Every DatadogOrg, as it is known.
    pub fn all(&self) -> Vec<Arc<Org>> {
        self.lock().values().cloned().collect()
    }

    /// The object is gone.
    pub fn deleted(&self, key: &Key) {
        self.lock().remove(key);
    }
}
