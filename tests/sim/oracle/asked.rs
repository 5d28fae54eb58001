//! Requests to Datadog, looked at when they are sent.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use datadog_double::Connection;
use http::{Method, Request, Response};
use jiff::SignedDuration;
use serde_json::Value;
use uuid::Uuid;

use super::lives::Life;
use super::memory::Memory;
use super::seats::made_for;
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
        made_for(&self.key)
    }

    /// What draws on one budget: Datadog has one for each kind of call.
    pub(super) fn bucket(&self) -> String {
        let call = if self.path.ends_with("org_connections") {
            "connections"
        } else if self.is_write() {
            "connection"
        } else if self.path.ends_with("/org") {
            "names"
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

impl Ledger {
    /// Who owned the connection since then, and was being deleted with it.
    pub(super) fn leavers(&self, row: &Connection, principals: &BTreeSet<Uuid>, since: Duration) -> Vec<&Life> {
        let leaves = |memory: &Memory| memory.takes_it_along() && memory.owns(row, principals);
        self.lives.values().filter(|life| life.since(since).any(leaves)).collect()
    }

    /// The outcome of a POST is told by its own answer, if that can be read, or by a list that was asked for since.
    fn learn(&mut self, line: usize, asked: &Asked, answer: &Response<Bytes>) {
        let (seat, status) = (asked.seat().to_owned(), answer.status());
        let is_readable = serde_json::from_slice::<Value>(answer.body()).is_ok();
        let told = status.is_client_error() || (status.is_success() && is_readable);
        if let (&Method::POST, Some(pair)) = (&asked.method, asked.organization.zip(asked.sink)) {
            if told {
                self.unknown.remove(&(line, seat, pair));
            }
        } else if asked.is_list() && status.is_success() {
            let begun = self.lists.get(&(line, seat.clone())).copied().unwrap_or_default();
            self.unknown.retain(|(process, of, _), sent| *process != line || *of != seat || *sent >= begun);
        }
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
        if ledger.is_suspended_key(asked, at) {
            ledger.accuse("suspended", at, format!("process {line} asks {} {} with {}", asked.method, asked.path, asked.key));
        }
        if let (&Method::POST, Some(pair)) = (&asked.method, asked.organization.zip(asked.sink)) {
            ledger.posts.push((pair, asked.seat().to_owned()));
            ledger.contest.corrects(line, pair, at);
            let before = ledger.unknown.insert((line, asked.seat().to_owned(), pair), at);
            // Two DatadogOrgs that have had the same keys have lists of their own.
            if let Some(before) = before.filter(|_| ledger.seats.with_keys_made_for(asked.seat()).len() < 2) {
                let what =
                    format!("process {line} POSTs {pair:?} again without a list since {before:?}, when it did so with unknown outcome");
                ledger.accuse("I4 no action on doubt", at, what);
            }
        }
        if asked.is_list() {
            ledger.lists.insert((line, asked.seat().to_owned()), at);
        }
        let row = asked.id.and_then(|id| ledger.truth.ever(id)).cloned();
        if let (&Method::PATCH, Some(row)) = (&asked.method, &row) {
            ledger.contest.corrects(line, (row.source, row.sink), at);
        }
        let complaint = match (&asked.method, &row) {
            (&Method::POST, _) => self.complaint_about_post(&ledger, asked, at).map(|what| ("I1 no duplicate", what)),
            (&Method::PATCH, Some(row)) => self.complaint_about_patch(&ledger, asked, row, at).map(|what| ("I3 nothing foreign", what)),
            (&Method::DELETE, Some(row)) => self.complaint_about_delete(&ledger, asked, row, at),
            (&Method::PATCH | &Method::DELETE, None) => Some(("I3 nothing foreign", "no connection has ever had this id".to_owned())),
            _ => None,
        };
        if let (&Method::DELETE, Some(row)) = (&asked.method, &row)
            && let Some(what) = ledger.brakes(row, &self.world.principals(), (self.world.wall_clock)(), at)
        {
            ledger.accuse("I10 bounded blast radius", at, what);
        }
        if let Some((invariant, what)) = complaint {
            ledger.accuse(invariant, at, format!("process {line}, {} {}: {what}", asked.method, asked.path));
        }
    }

    /// A process gets an answer from Datadog.
    pub(crate) fn datadog_answered(&self, line: usize, asked: &Asked, answer: &Response<Bytes>) {
        self.look();
        self.ledger().learn(line, asked, answer);
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
        let claimants: Vec<&Memory> = ledger.recently(at).filter(claims).collect();
        if claimants.is_empty() {
            return Some(format!("no object has a fresh claim on {pair:?}"));
        }
        let wants = |memory: &&&Memory| memory.wish.types == asked.types;
        if !claimants.iter().any(|memory| wants(&memory)) {
            return Some(format!("nobody who claims {pair:?} wants {:?}", asked.types));
        }
        let may = claimants.iter().filter(wants).any(|memory| ledger.may_act(memory, at));
        (!may).then(|| format!("whoever wants that of {pair:?} is observed or suspended"))
    }

    fn complaint_about_patch(&self, ledger: &Ledger, asked: &Asked, row: &Connection, at: Duration) -> Option<String> {
        let principals = self.world.principals();
        let owners = ledger.recently(at).filter(|memory| memory.owns(row, &principals));
        let wants = |memory: &&Memory| !memory.terminating && memory.wish.types == asked.types;
        let mut owners = owners.filter(wants).peekable();
        if owners.peek().is_none() {
            return Some(format!("no owner wants {:?} of {row:?}", asked.types));
        }
        (!owners.any(|memory| ledger.may_act(memory, at))).then(|| format!("its owner is observed or suspended: {row:?}"))
    }

    fn complaint_about_delete(&self, ledger: &Ledger, asked: &Asked, row: &Connection, at: Duration) -> Option<(&'static str, String)> {
        let principals = self.world.principals();
        let since = at.saturating_sub(READ_AGE);
        let leavers = ledger.leavers(row, &principals, since);
        if leavers.is_empty() {
            return Some(("I3 nothing foreign", format!("no owner of {row:?} is being deleted with its connection")));
        }
        if let Some(holder) = ledger.holder(row.id, since) {
            return Some(("I3 nothing foreign", format!("{} lives and has recorded it", holder.name)));
        }
        let heir = ledger.heir(row, &leavers, asked, at)?;
        Some(("no gap", format!("{} was there before and would hold it: {row:?}", heir.name)))
    }
}
