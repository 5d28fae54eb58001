//! Requests to Datadog, looked at when they are sent.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use jiff::SignedDuration;
use serde_json::Value;
use uuid::Uuid;

use super::memory::Memory;
use super::{Ledger, Oracle, READ_AGE};
use crate::world::{KEY_PREFIX, SEATS};

/// How old a claim may be when its POST is sent.
const CLAIM_FRESH: Duration = Duration::from_secs(30);

/// One request as the oracle reads it.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) path: String,
    /// The id of the key.
    pub(crate) key: String,
    /// The organization that the key opens.
    pub(crate) organization: Option<Uuid>,
    id: Option<Uuid>,
    sink: Option<Uuid>,
    types: BTreeSet<String>,
}

impl Asked {
    pub(crate) fn read(request: &Request<Bytes>) -> Self {
        let key = request.headers().get("dd-api-key").and_then(|key| key.to_str().ok()).unwrap_or_default();
        let key = key.trim_start_matches(KEY_PREFIX).trim_end_matches("-api").to_owned();
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let data = &body["data"];
        let types = data["attributes"]["connection_types"].as_array().into_iter().flatten().map(super::text).collect();
        Self {
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            organization: SEATS
                .iter()
                .find(|seat| key.starts_with(&format!("{}-{}-", seat.namespace, seat.name)))
                .map(|seat| seat.organization),
            key,
            id: request.uri().path().rsplit('/').next().and_then(|id| id.parse().ok()),
            sink: data["relationships"]["sink_org"]["data"]["id"].as_str().and_then(|id| id.parse().ok()),
            types,
        }
    }

    /// Whether it changes something.
    pub(crate) fn is_write(&self) -> bool {
        self.method != Method::GET
    }

    /// The DatadogOrg that the key was made for.
    pub(super) fn seat(&self) -> &str {
        self.key.rsplit_once('-').map_or("", |(seat, _)| seat)
    }

    /// What draws on one budget: Datadog has one for each kind of call.
    pub(super) fn bucket(&self) -> String {
        let call = if self.path.ends_with("org_connections") {
            "connections"
        } else if self.is_write() {
            "connection"
        } else {
            "identity"
        };
        format!("{} {call} with {}", self.method, self.key)
    }

    /// Whether it asks for connections.
    pub(crate) fn is_list(&self) -> bool {
        !self.is_write() && self.path.ends_with("org_connections")
    }
}

impl Oracle {
    /// A process sends a request to Datadog.
    pub(crate) fn datadog_asked(&self, line: usize, asked: &Asked) {
        self.look();
        let at = self.now();
        let mut ledger = self.ledger();
        if let Some(what) = ledger.rates.datadog(line, asked, at) {
            ledger.accuse(if what.contains("budget") { "I9 polite" } else { "I12 bounded" }, at, what);
        }
        if let (&Method::POST, Some(pair)) = (&asked.method, asked.organization.zip(asked.sink)) {
            ledger.posts.push((pair, asked.seat().to_owned()));
        }
        let complaint = match asked.method {
            Method::POST => self.complaint_about_post(&ledger, asked, at).map(|what| ("I1 no duplicate", what)),
            Method::PATCH | Method::DELETE => self.complaint_about_change(&ledger, asked, at).map(|what| ("I3 nothing foreign", what)),
            _ => None,
        };
        if let Some((invariant, what)) = complaint {
            ledger.accuse(invariant, at, format!("process {line}, {} {}: {what}", asked.method, asked.path));
        }
    }

    /// A process gets an answer from Datadog.
    pub(crate) fn datadog_answered(&self, line: usize, asked: &Asked, answer: &Response<Bytes>) {
        self.look();
        let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok());
        let reset = header("x-ratelimit-reset").and_then(|reset| reset.parse::<u64>().ok()).filter(|reset| (1..=3600).contains(reset));
        if let (Some("0"), Some(reset)) = (header("x-ratelimit-remaining"), reset) {
            // The window ends at a whole second.
            let until = Duration::from_secs(self.now().as_secs() + reset);
            self.ledger().rates.exhausted(line, asked, until);
        }
    }

    fn complaint_about_post(&self, ledger: &Ledger, asked: &Asked, at: Duration) -> Option<String> {
        let Some(pair) = asked.organization.zip(asked.sink) else { return Some("no pair can be read".to_owned()) };
        let now = (self.world.wall_clock)();
        let oldest = SignedDuration::try_from(CLAIM_FRESH + READ_AGE).unwrap();
        let claims = |memory: &&Memory| {
            let claim = memory.claim.filter(|claim| claim.pair == pair && memory.guarded && !memory.terminating);
            claim.and_then(|claim| claim.create).is_some_and(|create| now.duration_since(create) <= oldest)
        };
        let mut claimants = ledger.recently(at).filter(claims).peekable();
        if claimants.peek().is_none() {
            return Some(format!("no object has a fresh claim on {pair:?}"));
        }
        (!claimants.any(|memory| memory.types == asked.types)).then(|| format!("nobody who claims {pair:?} wants {:?}", asked.types))
    }

    fn complaint_about_change(&self, ledger: &Ledger, asked: &Asked, at: Duration) -> Option<String> {
        let row = asked.id.and_then(|id| ledger.truth.ever(id));
        let Some(row) = row else { return Some("no connection has ever had this id".to_owned()) };
        let principals = self.world.principals();
        if !principals.contains(&row.created_by) {
            return Some(format!("a person made it: {row:?}"));
        }
        let owners: Vec<&Memory> = ledger.recently(at).filter(|memory| memory.owns(row, &principals)).collect();
        if asked.method == Method::PATCH {
            let wants = |memory: &&&Memory| !memory.terminating && memory.types == asked.types;
            return owners.iter().find(wants).is_none().then(|| format!("no owner wants {:?} of {row:?}", asked.types));
        }
        if !owners.iter().any(|memory| memory.terminating && !memory.orphans) {
            return Some(format!("no owner of {row:?} is being deleted with its connection"));
        }
        let holds = |life: &super::Life| {
            let since = at.saturating_sub(READ_AGE);
            let known = life.versions.iter().skip(life.versions.iter().rposition(|(from, _)| *from <= since).unwrap_or(usize::MAX));
            let mut known = known.map(|(_, memory)| memory).peekable();
            life.gone.is_none() && known.peek().is_some() && known.all(|memory| !memory.terminating && memory.recorded == Some(row.id))
        };
        let holder = ledger.lives.values().find(|life| holds(life)).and_then(|life| life.versions.last());
        holder.map(|(_, memory)| format!("{} lives and has recorded it", memory.name))
    }
}
