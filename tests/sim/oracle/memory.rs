//! What an object wants and what it remembers of its connection, read from what is stored. A second reading of the rules of ownership: it
//! shares no code with the operator.

use std::collections::BTreeSet;

use datadog_double::Connection;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use uuid::Uuid;

use super::text;
use crate::world::{SEATS, Seat};

/// Source and sink.
pub(super) type Pair = (Uuid, Uuid);

/// How far the creation of a connection may lie from the create time in a claim that owns it.
const CREATION_WINDOW: SignedDuration = SignedDuration::from_mins(5);

/// One version of an OrgConnection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Memory {
    pub(super) name: String,
    pub(super) uid: String,
    /// In whole seconds, as the server writes it.
    pub(super) created: String,
    pub(super) generation: i64,
    pub(super) terminating: bool,
    pub(super) wish: Wish,
    pub(super) claim: Option<Claim>,
    /// Whether finalizer and label stand beside the claim.
    pub(super) guarded: bool,
    /// Whether it has any finalizer.
    pub(super) held: bool,
    pub(super) recorded: Option<Uuid>,
    pub(super) origin: Option<String>,
    /// Status, reason and generation of `Ready`.
    pub(super) ready: Option<(String, String, i64)>,
    /// What it says beside that, for who reads a complaint.
    pub(super) message: String,
    pub(super) observed: i64,
    /// The pair that the status shows.
    pub(super) shown: Option<Pair>,
    pub(super) plan: Option<String>,
}

/// The spec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wish {
    /// The DatadogOrg of the source.
    pub(super) seat: Option<Seat>,
    pub(super) sink: Sink,
    pub(super) types: BTreeSet<String>,
    pub(super) observes: bool,
    pub(super) suspended: bool,
    pub(super) adoption: Adoption,
    /// Somebody else's deletion is reported, not undone.
    pub(super) reports: bool,
    pub(super) orphans: bool,
    /// Whether it can be understood.
    pub(super) clear: bool,
}

/// How the sink is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sink {
    Id(Uuid),
    Ref(Seat),
    Name(String),
    /// By a reference to nothing.
    Nowhere,
}

/// What becomes of a connection that exists already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Adoption {
    Never,
    IfIdentical,
    Always,
}

/// The annotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) pair: Pair,
    pub(super) create: Option<Timestamp>,
    pub(super) adopt: Option<Uuid>,
}

impl Memory {
    pub(super) fn of(object: &Value) -> Self {
        let (metadata, status) = (&object["metadata"], &object["status"]);
        let uid = text(&metadata["uid"]);
        let id = |value: &Value| value.as_str().and_then(|id| id.parse::<Uuid>().ok());
        let ready = status["conditions"].as_array().into_iter().flatten().find(|condition| condition["type"] == "Ready");
        Self {
            name: format!("{}/{}", text(&metadata["namespace"]), text(&metadata["name"])),
            created: text(&metadata["creationTimestamp"]),
            generation: metadata["generation"].as_i64().unwrap_or_default(),
            terminating: !metadata["deletionTimestamp"].is_null(),
            wish: Wish::of(object),
            claim: metadata["annotations"]["crossorg.dev/claim"].as_str().and_then(|claim| Claim::parse(claim, &uid)),
            guarded: metadata["finalizers"].as_array().is_some_and(|all| all.iter().any(|one| one == "crossorg.dev/connection"))
                && metadata["labels"]["crossorg.dev/pair"].is_string(),
            held: !metadata["finalizers"].is_null(),
            recorded: id(&status["connectionId"]),
            origin: status["origin"].as_str().map(str::to_owned),
            ready: ready
                .map(|ready| (text(&ready["status"]), text(&ready["reason"]), ready["observedGeneration"].as_i64().unwrap_or_default())),
            message: ready.map(|ready| text(&ready["message"])).unwrap_or_default(),
            observed: status["observedGeneration"].as_i64().unwrap_or_default(),
            shown: id(&status["source"]["id"]).zip(id(&status["sink"]["id"])),
            plan: status["plan"].as_str().map(str::to_owned),
            uid,
        }
    }

    /// Whether the row is this object's property.
    pub(super) fn owns(&self, row: &Connection, principals: &BTreeSet<Uuid>) -> bool {
        self.recorded == Some(row.id) || self.has_created(row, principals)
    }

    /// Whether the claim says that this object made the row.
    pub(super) fn has_created(&self, row: &Connection, principals: &BTreeSet<Uuid>) -> bool {
        let by_creation = |claim: Claim| {
            claim.pair == (row.source, row.sink)
                && principals.contains(&row.created_by)
                && claim.create.is_some_and(|create| row.created_at.duration_since(create).abs() <= CREATION_WINDOW)
        };
        self.claim.is_some_and(by_creation)
    }

    /// The pair that it may own something of.
    pub(super) fn pair(&self) -> Option<Pair> {
        self.recorded.and(self.shown).or(self.claim.map(|claim| claim.pair))
    }

    pub(super) fn is_ready(&self) -> bool {
        self.ready.as_ref().is_some_and(|(status, _, _)| status == "True")
    }

    /// The reason of `Ready`.
    pub(super) fn reason(&self) -> &str {
        self.ready.as_ref().map_or("", |(_, reason, _)| reason)
    }

    /// Whether it is being deleted, and what it owns with it.
    pub(super) fn takes_it_along(&self) -> bool {
        self.terminating && !self.wish.leaves_it()
    }
}

impl Wish {
    fn of(object: &Value) -> Self {
        let (namespace, spec) = (&object["metadata"]["namespace"], &object["spec"]);
        let seat = |name: &Value| SEATS.into_iter().find(|seat| *namespace == seat.namespace && *name == seat.name);
        let sink = &spec["sinkOrg"];
        let by_id = sink["id"].as_str().and_then(|id| id.parse().ok()).map(Sink::Id);
        let by_name = || sink["name"].as_str().map(|name| Sink::Name(name.to_owned()));
        Self {
            seat: seat(&spec["sourceOrgRef"]["name"]),
            sink: by_id.or_else(by_name).or_else(|| seat(&sink["ref"]["name"]).map(Sink::Ref)).unwrap_or(Sink::Nowhere),
            types: spec["connectionTypes"].as_array().into_iter().flatten().map(text).collect(),
            observes: spec["managementPolicy"] == "Observe",
            suspended: spec["suspend"] == true,
            adoption: match spec["adoptionPolicy"].as_str() {
                Some("Always") => Adoption::Always,
                Some("IfIdentical") => Adoption::IfIdentical,
                _ => Adoption::Never,
            },
            reports: spec["externalDeletionPolicy"] == "Report",
            orphans: spec["deletionPolicy"] == "Orphan",
            clear: spec["deletionPolicy"] != "Bogus",
        }
    }

    /// Whether anything may be created or changed for it.
    pub(super) fn acts(&self) -> bool {
        self.clear && !self.observes && !self.suspended
    }

    /// Whether the connection stays when the object goes.
    pub(super) fn leaves_it(&self) -> bool {
        self.orphans || self.observes
    }

    /// Whether a connection that it does not own is taken over.
    pub(super) fn adopts(&self, equal: bool) -> bool {
        match self.adoption {
            Adoption::Never => false,
            Adoption::IfIdentical => equal,
            Adoption::Always => true,
        }
    }
}

impl Claim {
    fn parse(annotation: &str, uid: &str) -> Option<Self> {
        let words: Vec<&str> = annotation.split(' ').collect();
        let (own, pair) = (words.first()?, words.get(1)?);
        let (source, sink) = pair.split_once('/')?;
        let part = |name: &str| words.iter().find_map(|word| word.strip_prefix(name));
        let claim = Self {
            pair: (source.parse().ok()?, sink.parse().ok()?),
            create: part("create=").and_then(|time| time.parse().ok()),
            adopt: part("adopt=").and_then(|id| id.parse().ok()),
        };
        (*own == uid).then_some(claim)
    }
}
