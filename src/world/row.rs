//! The slim form in which OrgConnections are cached: enough to see that nothing is to be done, which is nearly always. Whoever writes
//! reads live first.

use std::borrow::Cow;

use jiff::Timestamp;
use kube::api::ObjectMeta;
use kube::{Resource, ResourceExt};
use serde::Deserialize;

use super::Key;
use crate::api::org_connection::{OrgConnection, OrgConnectionSpec};
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
        let uid = object.uid().unwrap_or_default();
        let annotation = |name: &str| object.annotations().get(name);
        let claim = annotation(CLAIM_ANNOTATION).and_then(|text| Claim::parse(text, &uid));
        let finalizer = object.finalizers().iter().any(|finalizer| finalizer == CONNECTION_FINALIZER);
        let labelled = claim.is_some_and(|claim| object.labels().get(PAIR_LABEL).is_some_and(|label| *label == pair_label(claim.pair)));
        let generation = object.metadata.generation.unwrap_or_default();
        Self {
            key: Key::of(object),
            generation,
            created: object.creation_timestamp().map(|time| time.0),
            terminating: object.metadata.deletion_timestamp.is_some(),
            finalizer,
            spec: object.spec.clone(),
            memory: status::remembered(object.status.as_ref(), Memory { claim, intact: finalizer && labelled, ..Memory::default() }),
            // A longer one could not be echoed in the status.
            requested: annotation(RECONCILE_REQUEST_ANNOTATION).filter(|value| value.len() <= LONGEST_REQUEST).cloned(),
            digest: Digest::of_status(object.status.as_ref()),
            uid,
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

/// An object that cannot be understood, if it claims a pair: that much its metadata tell.
pub fn unclear(metadata: &ObjectMeta) -> Option<Claimant> {
    let uid = metadata.uid.clone().unwrap_or_default();
    let claim = metadata.annotations.as_ref().and_then(|all| all.get(CLAIM_ANNOTATION)).and_then(|text| Claim::parse(text, &uid))?;
    let key = Key { namespace: metadata.namespace.clone().unwrap_or_default(), name: metadata.name.clone().unwrap_or_default() };
    Some(Claimant {
        name: key.to_string(),
        uid,
        created: metadata.creation_timestamp.as_ref().map(|time| time.0),
        terminating: metadata.deletion_timestamp.is_some(),
        memory: Memory { claim: Some(claim), ..Memory::default() },
        acts_as: None,
        intent: Intent::Unclear,
    })
}

/// A cached OrgConnection.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "OrgConnection")]
pub struct Row {
    metadata: ObjectMeta,
    /// What decisions need of it.
    pub subject: Subject,
}

impl From<OrgConnection> for Row {
    fn from(object: OrgConnection) -> Self {
        let subject = Subject::of(&object);
        // What kube's store and queue need; everything else of the metadata is the larger part of an object and never read.
        let metadata = ObjectMeta {
            name: object.metadata.name,
            namespace: object.metadata.namespace,
            uid: object.metadata.uid,
            resource_version: object.metadata.resource_version,
            generation: object.metadata.generation,
            ..ObjectMeta::default()
        };
        Self { metadata, subject }
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
