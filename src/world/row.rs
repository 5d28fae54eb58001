//! The slim form in which OrgConnections are cached: enough to see that nothing is to be done, which is nearly always. Whoever writes
//! reads live first.

use std::borrow::Cow;

use jiff::Timestamp;
use kube::api::{DynamicObject, ObjectMeta};
use kube::{Resource, ResourceExt};
use serde::Deserialize;
use serde_json::Value;

use super::{Key, carries};
use crate::api::org_connection::{OrgConnection, OrgConnectionSpec, OrgConnectionStatus};
use crate::api::{CLAIM_ANNOTATION, CONNECTION_FINALIZER, PAIR_LABEL, RECONCILE_REQUEST_ANNOTATION};
use crate::decide::claims::{Claim, Claimant, Intent, Memory, pair_label};
use crate::decide::digest::Digest;
use crate::decide::model::PrincipalId;
use crate::decide::status;

/// What `status.lastHandledReconcileAt` has room for.
pub const LONGEST_REQUEST: usize = 256;

/// What decisions need of an OrgConnection, from the cache or live.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Namespace and name.
    pub key: Key,
    /// Tells this object from a namesake.
    pub uid: String,
    /// The generation of its spec.
    pub generation: i64,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// Whether it is being deleted.
    pub terminating: bool,
    /// Whether our finalizer is on it.
    pub finalizer: bool,
    /// What is wanted.
    pub spec: OrgConnectionSpec,
    /// What it remembers of its connection.
    pub memory: Memory,
    /// The value of the reconcile request annotation.
    pub requested: Option<String>,
    /// What its status says, in brief.
    pub digest: Digest,
}

impl Subject {
    /// Reads an object.
    pub fn of(object: &OrgConnection) -> Self {
        let generation = object.metadata.generation.unwrap_or_default();
        let requested = object.annotations().get(RECONCILE_REQUEST_ANNOTATION);
        Self {
            key: Key::of(object),
            generation,
            created: object.creation_timestamp().map(|time| time.0),
            terminating: object.metadata.deletion_timestamp.is_some(),
            finalizer: carries(object, CONNECTION_FINALIZER),
            spec: object.spec.clone(),
            memory: memory(object, object.status.as_ref()),
            // A longer one could not be echoed in the status.
            requested: requested.filter(|value| value.len() <= LONGEST_REQUEST).cloned(),
            digest: Digest::of_status(object.status.as_ref()),
            uid: object.uid().unwrap_or_default(),
        }
    }

    /// The DatadogOrg whose credentials create the connection.
    pub fn source(&self) -> Key {
        self.key.beside(&self.spec.source_org_ref.name)
    }

    /// The DatadogOrg that the sink is named by, if it is.
    pub fn sink(&self) -> Option<Key> {
        self.spec.sink_org.r#ref.as_ref().map(|sink| self.key.beside(&sink.name))
    }

    /// A reconcile request that the status has not echoed yet.
    pub fn open_request(&self) -> Option<&str> {
        self.requested.as_deref().filter(|requested| self.digest.handled.as_deref() != Some(*requested))
    }

    /// How others see it, with whom its source's key acts as and what it would do with a connection of the pair.
    pub fn claimant(&self, acts_as: Option<PrincipalId>, intent: Intent) -> Claimant {
        Claimant {
            name: self.key.to_string(),
            uid: self.uid.clone(),
            created: self.created,
            terminating: self.terminating,
            memory: self.memory,
            acts_as,
            intent,
        }
    }
}

fn memory(object: &impl ResourceExt, status: Option<&OrgConnectionStatus>) -> Memory {
    let claim = object.annotations().get(CLAIM_ANNOTATION).and_then(|text| Claim::parse(text, &object.uid().unwrap_or_default()));
    let labelled = claim.is_some_and(|claim| object.labels().get(PAIR_LABEL).is_some_and(|label| *label == pair_label(claim.pair)));
    status::remembered(status, Memory { claim, intact: labelled && carries(object, CONNECTION_FINALIZER), ..Memory::default() })
}

/// An OrgConnection that cannot be understood.
#[derive(Debug, Clone)]
pub struct Unclear {
    /// Namespace and name.
    pub key: Key,
    /// Which part of it cannot, and why.
    pub error: String,
    /// How others see it: so much its metadata and its status tell.
    pub claimant: Claimant,
}

impl Unclear {
    fn of(object: &DynamicObject, error: String, status: Option<&OrgConnectionStatus>) -> Box<Self> {
        let key = Key::of(object);
        let claimant = Claimant {
            name: key.to_string(),
            uid: object.uid().unwrap_or_default(),
            created: object.creation_timestamp().map(|time| time.0),
            terminating: object.metadata.deletion_timestamp.is_some(),
            memory: memory(object, status),
            acts_as: None,
            intent: Intent::Unclear,
        };
        Box::new(Self { key, error, claimant })
    }
}

/// What of a status says what its object owns.
const OWNED: [&str; 4] = ["connectionId", "createdAt", "source", "sink"];

/// Reads an object part by part: whoever cannot understand all of it can still see what it owns.
pub fn understand(mut object: DynamicObject) -> Result<OrgConnection, Box<Unclear>> {
    let mut take = |name: &str| object.data.get_mut(name).map(Value::take).unwrap_or_default();
    let (spec, mut status) = (take("spec"), take("status"));
    match (part("spec", &spec), part("status", &status)) {
        (Ok(spec), Ok(status)) => Ok(OrgConnection { metadata: object.metadata, spec, status }),
        (Err(error), _) | (Ok(_), Err(error)) => {
            if let Value::Object(members) = &mut status {
                members.retain(|name, _| OWNED.contains(&name.as_str()));
            }
            Err(Unclear::of(&object, error, part("status", &status).ok().as_ref()))
        }
    }
}

fn part<'a, T: Deserialize<'a>>(name: &str, value: &'a Value) -> Result<T, String> {
    T::deserialize(value).map_err(|error| format!("{name}: {error}"))
}

/// A cached OrgConnection; one that cannot be understood stops no other.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "DynamicObject")]
pub struct Row {
    metadata: ObjectMeta,
    /// What decisions need of it, or all that can be told.
    pub subject: Result<Subject, Box<Unclear>>,
}

impl Row {
    /// What it remembers of its connection, as far as that can be told.
    pub fn memory(&self) -> Memory {
        self.subject.as_ref().map_or_else(|unclear| unclear.claimant.memory, |subject| subject.memory)
    }
}

impl From<DynamicObject> for Row {
    fn from(object: DynamicObject) -> Self {
        // What kube's store and queue need; everything else of the metadata is the larger part of an object and never read.
        let metadata = ObjectMeta {
            name: object.metadata.name.clone(),
            namespace: object.metadata.namespace.clone(),
            uid: object.metadata.uid.clone(),
            resource_version: object.metadata.resource_version.clone(),
            generation: object.metadata.generation,
            ..ObjectMeta::default()
        };
        Self { metadata, subject: understand(object).map(|object| Subject::of(&object)) }
    }
}

impl Resource for Row {
    type DynamicType = ();
    type Scope = <OrgConnection as Resource>::Scope;

    fn kind(dynamic: &()) -> Cow<'_, str> {
        OrgConnection::kind(dynamic)
    }

    fn group(dynamic: &()) -> Cow<'_, str> {
        OrgConnection::group(dynamic)
    }

    fn version(dynamic: &()) -> Cow<'_, str> {
        OrgConnection::version(dynamic)
    }

    fn plural(dynamic: &()) -> Cow<'_, str> {
        OrgConnection::plural(dynamic)
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

#[cfg(test)]
mod tests;
