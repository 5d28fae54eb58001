//! What an object remembers of its connection, read from what is stored. A second reading of the rules of ownership: it shares no code
//! with the operator.

use std::collections::BTreeSet;

use datadog_double::Connection;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use uuid::Uuid;

use crate::world::SEATS;

/// Source and sink.
pub(super) type Pair = (Uuid, Uuid);

/// How far the creation of a connection may lie from the create time in a claim that owns it.
const CREATION_WINDOW: SignedDuration = SignedDuration::from_mins(5);

/// One version of an OrgConnection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Memory {
    pub(super) name: String,
    pub(super) uid: String,
    pub(super) generation: i64,
    pub(super) terminating: bool,
    pub(super) orphans: bool,
    pub(super) types: BTreeSet<String>,
    /// The pair that its references lead to, by the names of this world.
    pub(super) wanted: Option<Pair>,
    pub(super) claim: Option<Claim>,
    /// Whether finalizer and label stand beside the claim.
    pub(super) guarded: bool,
    pub(super) recorded: Option<Uuid>,
    /// Status, reason and generation of `Ready`.
    pub(super) ready: Option<(String, String, i64)>,
    pub(super) observed: i64,
    /// The pair that the status shows.
    pub(super) shown: Option<Pair>,
}

/// The annotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) pair: Pair,
    pub(super) create: Option<Timestamp>,
}

impl Memory {
    pub(super) fn of(object: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (metadata, spec, status) = (&object["metadata"], &object["spec"], &object["status"]);
        let uid = text(&metadata["uid"]);
        let id = |value: &Value| value.as_str().and_then(|id| id.parse::<Uuid>().ok());
        let ready = status["conditions"].as_array().into_iter().flatten().find(|condition| condition["type"] == "Ready");
        Self {
            name: format!("{}/{}", text(&metadata["namespace"]), text(&metadata["name"])),
            generation: metadata["generation"].as_i64().unwrap_or_default(),
            terminating: !metadata["deletionTimestamp"].is_null(),
            orphans: spec["deletionPolicy"] == "Orphan",
            types: spec["connectionTypes"].as_array().into_iter().flatten().map(&text).collect(),
            wanted: wanted(object),
            claim: metadata["annotations"]["crossorg.dev/claim"].as_str().and_then(|claim| Claim::parse(claim, &uid)),
            guarded: metadata["finalizers"].as_array().is_some_and(|all| all.iter().any(|one| one == "crossorg.dev/connection"))
                && metadata["labels"]["crossorg.dev/pair"].is_string(),
            recorded: id(&status["connectionId"]),
            ready: ready
                .map(|ready| (text(&ready["status"]), text(&ready["reason"]), ready["observedGeneration"].as_i64().unwrap_or_default())),
            observed: status["observedGeneration"].as_i64().unwrap_or_default(),
            shown: id(&status["source"]["id"]).zip(id(&status["sink"]["id"])),
            uid,
        }
    }

    /// Whether the row is this object's property.
    pub(super) fn owns(&self, row: &Connection, principals: &BTreeSet<Uuid>) -> bool {
        let by_creation = |claim: Claim| {
            claim.pair == (row.source, row.sink)
                && principals.contains(&row.created_by)
                && claim.create.is_some_and(|create| row.created_at.duration_since(create).abs() <= CREATION_WINDOW)
        };
        self.recorded == Some(row.id) || self.claim.is_some_and(by_creation)
    }

    /// The pair that it may own something of.
    pub(super) fn pair(&self) -> Option<Pair> {
        self.claim.map(|claim| claim.pair).or(self.recorded.and(self.shown))
    }

    pub(super) fn is_ready(&self) -> bool {
        self.ready.as_ref().is_some_and(|(status, _, _)| status == "True")
    }
}

impl Claim {
    fn parse(annotation: &str, uid: &str) -> Option<Self> {
        let words: Vec<&str> = annotation.split(' ').collect();
        let (own, pair) = (words.first()?, words.get(1)?);
        let (source, sink) = pair.split_once('/')?;
        let create = words.iter().find_map(|word| word.strip_prefix("create=")).and_then(|time| time.parse().ok());
        (*own == uid).then_some(Self { pair: (source.parse().ok()?, sink.parse().ok()?), create })
    }
}

fn wanted(object: &Value) -> Option<Pair> {
    let namespace = object["metadata"]["namespace"].as_str()?;
    let named = |name: &Value| SEATS.iter().find(|seat| seat.namespace == namespace && *name == seat.name).map(|seat| seat.organization);
    let (source, sink) = (&object["spec"]["sourceOrgRef"]["name"], &object["spec"]["sinkOrg"]);
    let sink = sink["id"].as_str().and_then(|id| id.parse().ok()).or_else(|| named(&sink["ref"]["name"]));
    named(source).zip(sink)
}
