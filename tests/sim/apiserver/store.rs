//! Objects and their history, with the rules by which the real server changes them. Synchronous; knows nothing of HTTP.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use super::kind::Kind;
use super::ownership::Owners;
use super::refusal::Refusal;
use super::rules::{finalizers, is_terminating, keep_status_and_identity, members, next_generation, whole_conditions, with_status};

/// Which object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub(crate) kind: Kind,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Key {
    pub(crate) fn new(kind: Kind, namespace: &str, name: &str) -> Self {
        Self { kind, namespace: namespace.to_owned(), name: name.to_owned() }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.kind.name(), self.namespace, self.name)
    }
}

/// Which part of an object a write is about. The other part is left as it is, whatever the request says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Part {
    Object,
    Status,
}

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Added,
    Modified,
    Deleted,
}

/// One version of the store.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) version: u64,
    pub(crate) at: Instant,
    pub(crate) what: What,
    pub(crate) key: Key,
    /// The object as of this version; of a deleted one its last stored state.
    pub(crate) object: Arc<Value>,
}

/// What a write came to.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    pub(crate) object: Arc<Value>,
    /// The version that it made; `None` if it changed nothing.
    pub(crate) version: Option<u64>,
}

#[derive(Debug, Clone)]
struct Stored {
    object: Arc<Value>,
    owners: Owners,
}

/// All objects.
pub(super) struct Store {
    objects: BTreeMap<Key, Stored>,
    history: Vec<Change>,
    /// Watches from before this version are told that it is too old.
    pub(super) oldest: u64,
    chance: fastrand::Rng,
    wall_clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

impl Store {
    pub(super) fn new(seed: u64, wall_clock: Arc<dyn Fn() -> Timestamp + Send + Sync>) -> Self {
        Self { objects: BTreeMap::new(), history: Vec::new(), oldest: 0, chance: fastrand::Rng::with_seed(seed), wall_clock }
    }

    // === Looking ===

    pub(super) fn version(&self) -> u64 {
        self.history.last().map_or(1, |change| change.version)
    }

    /// All versions after this one.
    pub(super) fn since(&self, version: u64) -> &[Change] {
        let first = self.history.partition_point(|change| change.version <= version);
        &self.history[first..]
    }

    /// The newest version that was there at this moment.
    pub(super) fn version_at(&self, moment: Instant) -> u64 {
        let later = self.history.partition_point(|change| change.at <= moment);
        later.checked_sub(1).map_or(1, |last| self.history[last].version)
    }

    pub(super) fn get(&self, key: &Key) -> Result<Arc<Value>, Refusal> {
        Ok(Arc::clone(&self.stored(key)?.object))
    }

    /// The objects as they were at this version, in the order of their keys.
    pub(super) fn as_of(&self, version: u64) -> BTreeMap<Key, Arc<Value>> {
        if version >= self.version() {
            return self.objects.iter().map(|(key, stored)| (key.clone(), Arc::clone(&stored.object))).collect();
        }
        let mut objects = BTreeMap::new();
        for change in self.history.iter().take_while(|change| change.version <= version) {
            match change.what {
                What::Added | What::Modified => objects.insert(change.key.clone(), Arc::clone(&change.object)),
                What::Deleted => objects.remove(&change.key),
            };
        }
        objects
    }

    fn stored(&self, key: &Key) -> Result<&Stored, Refusal> {
        self.objects.get(key).ok_or_else(|| Refusal::not_found(key))
    }

    // === Changing ===

    pub(super) fn create(&mut self, key: &Key, mut object: Value) -> Result<Written, Refusal> {
        if self.objects.contains_key(key) {
            return Err(Refusal::exists(key));
        }
        object["apiVersion"] = key.kind.api_version().into();
        object["kind"] = key.kind.name().into();
        if key.kind.is_custom() {
            members(&mut object).remove("status");
            object["metadata"]["generation"] = 1.into();
        }
        object["metadata"]["name"] = key.name.as_str().into();
        object["metadata"]["namespace"] = key.namespace.as_str().into();
        object["metadata"]["uid"] = self.uid().into();
        object["metadata"]["creationTimestamp"] = self.now().into();
        for absent in ["deletionTimestamp", "deletionGracePeriodSeconds", "managedFields"] {
            members(&mut object["metadata"]).remove(absent);
        }
        key.kind.fill_in(&mut object);
        Ok(self.commit(key, What::Added, object, Owners::default()))
    }

    /// Changes an object to what `change` makes of it, as PUT and PATCH do.
    pub(super) fn update(&mut self, key: &Key, part: Part, manager: &str, change: impl FnOnce(&mut Value)) -> Result<Written, Refusal> {
        let Stored { object: old, mut owners } = self.stored(key)?.clone();
        let mut next = (*old).clone();
        change(&mut next);
        if next["metadata"]["resourceVersion"].is_null() {
            return Err(Refusal::invalid(key, "metadata.resourceVersion", "Invalid value: 0: must be specified for an update"));
        }
        if next["metadata"]["resourceVersion"] != old["metadata"]["resourceVersion"] {
            return Err(Refusal::conflict(key));
        }
        // Before the comparison: a default that is put back is no change of the spec.
        key.kind.fill_in(&mut next);
        match part {
            Part::Object => keep_status_and_identity(key, &old, &mut next)?,
            Part::Status => next = with_status(&old, next["status"].take()),
        }
        key.kind.fill_in(&mut next);
        owners.updated(manager, &old["status"], &next["status"]);
        Ok(self.put(key, &old, next, owners))
    }

    /// Changes an object to another, which must be the same object: PUT takes its uid for a condition, PATCH for a change.
    pub(super) fn replace(&mut self, key: &Key, part: Part, manager: &str, object: Value) -> Result<Written, Refusal> {
        let (uid, live) = (&object["metadata"]["uid"], &self.stored(key)?.object["metadata"]["uid"]);
        if !uid.is_null() && uid != live {
            return Err(Refusal::other_object(key, uid, live));
        }
        self.update(key, part, manager, |live| *live = object)
    }

    /// Applies a status, server-side and by force.
    pub(super) fn apply_status(&mut self, key: &Key, manager: &str, body: &Value) -> Result<Written, Refusal> {
        let Stored { object: old, mut owners } = self.stored(key)?.clone();
        let expected = &body["metadata"]["resourceVersion"];
        if !expected.is_null() && *expected != old["metadata"]["resourceVersion"] {
            return Err(Refusal::conflict(key));
        }
        let mut next = (*old).clone();
        let before = self.stored(key)?.owners.clone();
        owners.apply(manager, &mut next["status"], &body["status"]);
        key.kind.fill_in(&mut next);
        whole_conditions(key, &next["status"])?;
        // A change of owners alone is a change of the object too: it is in its managed fields.
        if next == *old && owners != before {
            return Ok(self.commit(key, What::Modified, next, owners));
        }
        Ok(self.put(key, &old, next, owners))
    }

    pub(super) fn delete(&mut self, key: &Key) -> Result<Written, Refusal> {
        let Stored { object: old, owners } = self.stored(key)?.clone();
        if finalizers(&old).is_empty() {
            return Ok(self.remove(key, &old));
        }
        if is_terminating(&old) {
            return Ok(Written { object: old, version: None });
        }
        let mut next = (*old).clone();
        next["metadata"]["deletionTimestamp"] = self.now().into();
        next["metadata"]["deletionGracePeriodSeconds"] = 0.into();
        if key.kind.is_custom() {
            next["metadata"]["generation"] = next_generation(&old);
        }
        Ok(self.commit(key, What::Modified, next, owners))
    }

    fn put(&mut self, key: &Key, old: &Arc<Value>, next: Value, owners: Owners) -> Written {
        if next == **old {
            return Written { object: Arc::clone(old), version: None };
        }
        if is_terminating(&next) && finalizers(&next).is_empty() {
            let removed = self.remove(key, old);
            return Written { object: Arc::new(next), ..removed };
        }
        self.commit(key, What::Modified, next, owners)
    }

    fn commit(&mut self, key: &Key, what: What, object: Value, owners: Owners) -> Written {
        let written = self.record(key, what, object);
        self.objects.insert(key.clone(), Stored { object: Arc::clone(&written.object), owners });
        written
    }

    fn remove(&mut self, key: &Key, old: &Value) -> Written {
        self.objects.remove(key);
        self.record(key, What::Deleted, old.clone())
    }

    fn record(&mut self, key: &Key, what: What, mut object: Value) -> Written {
        let version = self.version() + 1;
        object["metadata"]["resourceVersion"] = version.to_string().into();
        let object = Arc::new(object);
        self.history.push(Change { version, at: Instant::now(), what, key: key.clone(), object: Arc::clone(&object) });
        Written { object, version: Some(version) }
    }

    fn uid(&mut self) -> String {
        uuid::Builder::from_random_bytes(self.chance.u128(..).to_be_bytes()).into_uuid().to_string()
    }

    fn now(&self) -> String {
        format!("{:.0}", (self.wall_clock)())
    }
}
