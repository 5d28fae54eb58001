//! Which objects speak of which pair and use which DatadogOrg, and how often each failed in a row. Fed by the watch and by every pass.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Key;
use super::corrections::Corrections;
use crate::decide::model::{OrgId, Pair};

/// The same words are written into a status at most this often.
const SAME_WORDS: Duration = Duration::from_secs(10);

/// The index. Every method takes a short lock and calls nobody.
#[derive(Debug, Default)]
pub struct Objects(Mutex<Index>);

#[derive(Debug, Default)]
struct Index {
    entries: HashMap<Key, Entry>,
    by_pair: HashMap<Pair, BTreeSet<Key>>,
    by_org: HashMap<Key, BTreeSet<Key>>,
    notes: HashMap<Key, Notes>,
    busy: HashSet<Pair>,
}

/// What the passes of one object of either kind leave for each other. It is there as long as the object: a pass that outlives that leaves
/// nothing.
#[derive(Debug, Default)]
struct Notes {
    attempts: u32,
    contradicted: bool,
    request: Option<(String, Instant)>,
    pause: Option<(Instant, Occasion)>,
    said: Option<(u64, Instant)>,
    corrections: Corrections,
}

/// What a failed call depended on: with another spec, another request, or an organization that came back or may do more, it is worth
/// trying again at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occasion {
    /// The generation of the spec; a deletion raises it too.
    pub generation: i64,
    /// The reconcile request.
    pub requested: Option<String>,
    /// How often the organization's credentials or its reachability changed.
    pub epoch: u64,
}

#[derive(Debug, Default)]
struct Entry {
    orgs: Vec<Key>,
    pairs: BTreeSet<Pair>,
    /// The highest generation of its spec that was seen, and when first.
    spec: Option<(i64, Instant)>,
}

impl Objects {
    fn lock(&self) -> MutexGuard<'_, Index> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note<T>(&self, object: &Key, note: impl FnOnce(&mut Notes) -> T) -> Option<T> {
        self.lock().notes.get_mut(object).map(note)
    }

    /// The watch showed an object that names these DatadogOrgs.
    pub fn applied(&self, object: &Key, orgs: impl IntoIterator<Item = Key>) {
        let mut index = self.lock();
        index.notes.entry(object.clone()).or_default();
        let orgs: Vec<Key> = orgs.into_iter().collect();
        if index.entries.get(object).is_some_and(|entry| entry.orgs == orgs) {
            return;
        }
        index.forget_orgs(object);
        for org in &orgs {
            index.by_org.entry(org.clone()).or_default().insert(object.clone());
        }
        index.entries.entry(object.clone()).or_default().orgs = orgs;
    }

    /// The watch showed an object that remembers this pair; a pass may find out more.
    pub fn claims(&self, object: &Key, pair: Option<Pair>) {
        let (mut index, Some(pair)) = (self.lock(), pair) else { return };
        if index.entries.get_mut(object).is_some_and(|entry| entry.pairs.insert(pair)) {
            index.by_pair.entry(pair).or_default().insert(object.clone());
        }
    }

    /// The DatadogOrgs that an object names.
    pub fn orgs_of(&self, object: &Key) -> Vec<Key> {
        self.lock().entries.get(object).map(|entry| entry.orgs.clone()).unwrap_or_default()
    }

    /// A pass found out which pairs an object speaks of: the claimed and the resolved one, mostly the same.
    pub fn resolved(&self, object: &Key, pairs: impl IntoIterator<Item = Pair>) {
        let mut index = self.lock();
        let pairs: BTreeSet<Pair> = pairs.into_iter().collect();
        if index.entries.get(object).is_none_or(|entry| entry.pairs == pairs) {
            return;
        }
        index.forget_pairs(object);
        for pair in &pairs {
            index.by_pair.entry(*pair).or_default().insert(object.clone());
        }
        if let Some(entry) = index.entries.get_mut(object) {
            entry.pairs = pairs;
        }
    }

    /// An object is gone. Answers those who shared a pair with it.
    pub fn deleted(&self, object: &Key) -> Vec<Key> {
        let mut index = self.lock();
        let pairs = index.entries.get(object).map(|entry| entry.pairs.clone()).unwrap_or_default();
        index.forget_orgs(object);
        index.forget_pairs(object);
        index.entries.remove(object);
        index.notes.remove(object);
        pairs.iter().filter_map(|pair| index.by_pair.get(pair)).flatten().cloned().collect()
    }

    /// The watch showed a DatadogOrg, which is known here by its [`Key::as_org`].
    pub fn org_applied(&self, key: &Key) {
        self.lock().notes.entry(key.as_org()).or_default();
    }

    /// A DatadogOrg is gone, and with it what was noted under its [`Key::as_org`].
    pub fn org_deleted(&self, key: &Key) {
        self.lock().notes.remove(&key.as_org());
    }

    /// These words (as a hash) are to be written into an object's status. If they are what was written last, and that only a moment ago,
    /// somebody has written over them: answers how long to leave it at that. Else two processes that see the world differently would
    /// overwrite each other as fast as the API server lets them.
    pub fn repeats(&self, object: &Key, words: u64) -> Option<Duration> {
        let index = self.lock();
        let (_, at) = index.notes.get(object)?.said.filter(|(known, _)| *known == words)?;
        SAME_WORDS.checked_sub(at.elapsed()).filter(|wait| !wait.is_zero())
    }

    /// These words were written into an object's status.
    pub fn said(&self, object: &Key, words: u64) {
        self.note(object, |notes| notes.said = Some((words, Instant::now())));
    }

    /// Everybody who speaks of the pair.
    pub fn of_pair(&self, pair: Pair) -> Vec<Key> {
        self.lock().by_pair.get(&pair).map(|keys| keys.iter().cloned().collect()).unwrap_or_default()
    }

    /// Everybody who speaks of a pair of this organization.
    pub fn of_organization(&self, organization: OrgId) -> Vec<Key> {
        let index = self.lock();
        index.by_pair.iter().filter(|(pair, _)| pair.involves(organization)).flat_map(|(_, keys)| keys.iter().cloned()).collect()
    }

    /// Everybody who shares a pair with the object, without it.
    pub fn beside(&self, object: &Key) -> Vec<Key> {
        let index = self.lock();
        let pairs = index.entries.get(object).map(|entry| entry.pairs.clone()).unwrap_or_default();
        pairs.iter().filter_map(|pair| index.by_pair.get(pair)).flatten().filter(|key| *key != object).cloned().collect()
    }

    /// Everybody.
    pub fn all(&self) -> Vec<Key> {
        self.lock().entries.keys().cloned().collect()
    }

    /// Everybody who names the DatadogOrg as source or sink.
    pub fn of_org(&self, org: &Key) -> Vec<Key> {
        self.lock().by_org.get(org).map(|keys| keys.iter().cloned().collect()).unwrap_or_default()
    }

    /// One failure more in a row; answers how many there were before.
    pub fn failed(&self, object: &Key) -> u32 {
        let before = self.note(object, |notes| {
            notes.attempts = notes.attempts.saturating_add(1);
            notes.attempts - 1
        });
        before.unwrap_or_default()
    }

    /// What came back contradicts what was seen or done a moment ago; answers whether that was so before, in this series of failures.
    pub fn contradicted(&self, object: &Key) -> bool {
        self.note(object, |notes| std::mem::replace(&mut notes.contradicted, true)).unwrap_or_default()
    }

    /// The series of failures is over.
    pub fn succeeded(&self, object: &Key) {
        self.note(object, |notes| (notes.attempts, notes.contradicted) = (0, false));
    }

    /// A call has failed: no other is made for this object before `until`, unless the occasion changes.
    pub fn pause(&self, object: &Key, until: Instant, occasion: Occasion) {
        self.note(object, |notes| notes.pause = Some((until, occasion)));
    }

    /// How long the object still has to wait with its next call.
    pub fn paused(&self, object: &Key, occasion: &Occasion) -> Option<Duration> {
        let index = self.lock();
        let (until, _) = index.notes.get(object)?.pause.as_ref().filter(|(_, known)| known == occasion)?;
        Some(until.saturating_duration_since(Instant::now())).filter(|wait| !wait.is_zero())
    }

    /// When this process first saw this generation of an object's spec, or a later one: only what was looked at since can vouch for it.
    pub fn specified_at(&self, object: &Key, generation: i64) -> Instant {
        let (mut index, now) = (self.lock(), Instant::now());
        let Some(entry) = index.entries.get_mut(object) else { return now };
        // A watch that lags shows an earlier one than a live read.
        let (known, at) = entry.spec.filter(|(known, _)| *known >= generation).unwrap_or((generation, now));
        entry.spec = Some((known, at));
        at
    }

    /// When this process first saw a reconcile request with this value: a list begun since then fulfils it.
    pub fn requested_at(&self, object: &Key, value: &str) -> (Instant, bool) {
        if let Some(at) = self.request_seen(object, value) {
            return (at, false);
        }
        let now = Instant::now();
        self.note(object, |notes| notes.request = Some((value.to_owned(), now)));
        (now, true)
    }

    /// When this process first saw this reconcile request, if it has.
    pub fn request_seen(&self, object: &Key, value: &str) -> Option<Instant> {
        self.lock().notes.get(object)?.request.as_ref().filter(|(known, _)| known == value).map(|(_, at)| *at)
    }

    /// A connection was put right behind somebody else's change.
    pub fn corrected(&self, object: &Key, generation: i64) {
        self.note(object, |notes| notes.corrections.add(generation, Instant::now()));
    }

    /// Nothing is put right any more for a while.
    pub fn gave_up(&self, object: &Key) {
        self.note(object, |notes| notes.corrections.stop(Instant::now()));
    }

    /// For how long nothing is to be put right, because that was undone too often within this window. Another spec ends it.
    pub fn contested(&self, object: &Key, generation: i64, window: Duration) -> Option<Duration> {
        self.lock().notes.get(object)?.corrections.contested(generation, window, Instant::now())
    }

    /// A person has asked to look afresh: what was put right before counts no more.
    pub fn forget_corrections(&self, object: &Key) {
        self.note(object, |notes| notes.corrections = Corrections::default());
    }

    /// Reserves a pair for one writer of this process; `false` if another call on it is under way.
    pub(crate) fn reserve(&self, pair: Pair) -> bool {
        self.lock().busy.insert(pair)
    }

    /// Ends a reservation.
    pub(crate) fn release(&self, pair: Pair) {
        self.lock().busy.remove(&pair);
    }
}

impl Index {
    fn forget_orgs(&mut self, object: &Key) {
        for org in self.entries.get(object).map(|entry| entry.orgs.clone()).unwrap_or_default() {
            remove(&mut self.by_org, &org, object);
        }
    }

    fn forget_pairs(&mut self, object: &Key) {
        for pair in self.entries.get(object).map(|entry| entry.pairs.clone()).unwrap_or_default() {
            remove(&mut self.by_pair, &pair, object);
        }
    }
}

fn remove<K: Eq + std::hash::Hash>(index: &mut HashMap<K, BTreeSet<Key>>, from: &K, object: &Key) {
    if let Some(keys) = index.get_mut(from) {
        keys.remove(object);
        if keys.is_empty() {
            index.remove(from);
        }
    }
}

#[cfg(test)]
mod tests;
