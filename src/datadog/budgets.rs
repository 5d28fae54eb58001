//! Whose budget a key draws on: one for all keys of an organization, in whatever DatadogOrg and namespace they are used.
//!
//! Whose a key is, only its identity tells. Until then it has a budget of its own, and what was learned there comes along when it is
//! proven: no key can teach an organization a budget that is not its own.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use tokio::time::Instant;

use super::budget::Buckets;
use super::{Call, Credentials};
use crate::decide::model::OrgId;

/// The request budget of one key; of its whole organization once that is proven. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Budget(Arc<Mutex<Account>>);

#[derive(Debug, Default)]
struct Account {
    own: Arc<Mutex<Buckets>>,
    /// Of the organization that the key should belong to, as long as that is not proven: it is respected, and not taught.
    expected: Option<Arc<Mutex<Buckets>>>,
}

impl Budget {
    /// How many requests the tightest bucket still allows; unknown until an answer told, and when its window is over.
    pub fn remaining(&self) -> Option<u64> {
        lock(&lock(&self.0).own).remaining(Instant::now())
    }

    /// For how long nothing may be sent for this call.
    pub fn closed_for(&self, call: Call) -> Option<Duration> {
        let (account, now) = (lock(&self.0), Instant::now());
        account.expected_closed_until(call, now).max(lock(&account.own).closed_until(call, now)).map(|until| until - now)
    }

    /// Takes one request from the budget, or tells when there will be one.
    pub(super) fn admit(&self, call: Call) -> Result<(), Instant> {
        let (account, now) = (lock(&self.0), Instant::now());
        account.expected_closed_until(call, now).map_or(Ok(()), Err)?;
        lock(&account.own).admit(call, now)
    }

    /// Learns from an answer. Tells when the bucket opens if this answer shows that it is exhausted.
    pub(super) fn learn(&self, call: Call, status: StatusCode, headers: &HeaderMap) -> Option<Instant> {
        lock(&lock(&self.0).own).learn(call, status, headers, Instant::now())
    }

    /// From now on it is that of the organization.
    fn joins(&self, organization: Arc<Mutex<Buckets>>) {
        let mut account = lock(&self.0);
        if !Arc::ptr_eq(&account.own, &organization) {
            lock(&organization).absorb(&lock(&account.own), Instant::now());
        }
        *account = Account { own: organization, expected: None };
    }
}

impl Account {
    fn expected_closed_until(&self, call: Call, now: Instant) -> Option<Instant> {
        lock(self.expected.as_ref()?).closed_until(call, now)
    }
}

/// The budgets of all keys and organizations in use. What nobody uses any more is forgotten once its last window is over.
#[derive(Debug, Default)]
pub struct Budgets(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    of_keys: HashMap<[u8; 32], Arc<Mutex<Account>>>,
    of_organizations: HashMap<OrgId, Arc<Mutex<Buckets>>>,
}

impl Budgets {
    /// The budget of a key that should belong to this organization.
    pub fn of(&self, credentials: &Credentials, expected: Option<OrgId>) -> Budget {
        let mut known = lock(&self.0);
        let expected = expected.and_then(|organization| known.of_organizations.get(&organization).cloned());
        let is_idle = |account: &Account, now| lock(&account.own).is_idle(now);
        Budget(shared(&mut known.of_keys, credentials.fingerprint(), is_idle, || Account { own: Arc::default(), expected }))
    }

    /// The key that draws on this budget has proven to belong to the organization.
    pub fn belongs(&self, budget: &Budget, organization: OrgId) {
        let buckets = shared(&mut lock(&self.0).of_organizations, organization, Buckets::is_idle, Buckets::default);
        budget.joins(buckets);
    }

    /// What is left in each bucket of these organizations, as Datadog told last.
    pub fn told(&self, organizations: &BTreeSet<OrgId>) -> Vec<(OrgId, String, u64)> {
        let known = lock(&self.0);
        let buckets = |id: &OrgId| known.of_organizations.get(id).map(|buckets| lock(buckets).told()).unwrap_or_default();
        organizations.iter().flat_map(|id| buckets(id).into_iter().map(move |(name, left)| (*id, name, left))).collect()
    }

    #[cfg(test)]
    pub(super) fn known(&self) -> usize {
        let known = lock(&self.0);
        known.of_keys.len() + known.of_organizations.len()
    }
}

/// What is known under this key, or a new one.
fn shared<K: Hash + Eq, V>(
    known: &mut HashMap<K, Arc<Mutex<V>>>,
    key: K,
    is_idle: impl Fn(&V, Instant) -> bool,
    new: impl FnOnce() -> V,
) -> Arc<Mutex<V>> {
    let now = Instant::now();
    known.retain(|other, value| *other == key || Arc::strong_count(value) > 1 || !is_idle(&lock(value), now));
    Arc::clone(known.entry(key).or_insert_with(|| Arc::new(Mutex::new(new()))))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
