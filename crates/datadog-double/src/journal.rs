//! The record of every request. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::Value;
use uuid::Uuid;

use crate::faults::When;

/// How a request ended. In JSON the status as a number, or a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Still being worked on, delayed or held.
    InProgress,
    /// Answered with this status; a fault may have spoilt the body.
    Answered(u16),
    /// The double closed the connection without an answer.
    Dropped,
    /// The client had gone before the answer was ready.
    Abandoned,
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::InProgress => serializer.serialize_str("in progress"),
            Self::Answered(status) => serializer.serialize_u16(*status),
            Self::Dropped => serializer.serialize_str("dropped"),
            Self::Abandoned => serializer.serialize_str("abandoned"),
        }
    }
}

/// One request.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entry {
    /// Counts requests from 1, in the order of their arrival; goes on after a clear.
    pub seq: u64,
    /// Milliseconds since the double began, by tokio's clock.
    pub at_millis: u64,
    /// The double's wall clock at the arrival.
    pub at: Timestamp,
    /// The organization of the key, also of a revoked one.
    pub organization: Option<Uuid>,
    /// The credential's id, never the key itself.
    pub credential: Option<String>,
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The query, with keys taken out.
    pub query: Option<String>,
    /// The client's `User-Agent`.
    pub user_agent: Option<String>,
    /// The body, if it is JSON, with keys taken out.
    pub body: Option<Value>,
    /// How it ended.
    pub outcome: Outcome,
    /// Whether it changed a connection.
    pub took_effect: bool,
    /// The rule of the script that befell it.
    pub rule: Option<u64>,
    /// On which side of the effect it is held at this moment.
    pub held: Option<When>,
    /// Milliseconds since the double began when it ended.
    pub ended_millis: Option<u64>,
}

impl Entry {
    /// Whether it is a POST, PATCH or DELETE.
    #[must_use]
    pub fn is_write(&self) -> bool {
        ["POST", "PATCH", "DELETE"].contains(&self.method.as_str())
    }

    /// Whether it has this method and a path that begins so.
    #[must_use]
    pub fn is(&self, method: &str, path_prefix: &str) -> bool {
        self.method == method && self.path.starts_with(path_prefix)
    }
}

/// Sums over the journal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// All requests.
    pub requests: usize,
    /// Requests by method.
    pub methods: BTreeMap<String, usize>,
    /// Answers by status.
    pub statuses: BTreeMap<u16, usize>,
    /// Requests that changed a connection.
    pub effects: usize,
    /// Requests whose connection was closed without an answer.
    pub dropped: usize,
}

/// All requests since the last clear.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    entries: Vec<Entry>,
    last: u64,
}

impl Journal {
    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// Adds a request under the next number.
    pub(crate) fn open(&mut self, entry: Entry) -> u64 {
        self.last += 1;
        self.entries.push(Entry { seq: self.last, ..entry });
        self.last
    }

    /// The entry with this number, unless it has been cleared.
    pub(crate) fn entry_mut(&mut self, seq: u64) -> Option<&mut Entry> {
        let index = self.entries.binary_search_by_key(&seq, |entry| entry.seq).ok()?;
        self.entries.get_mut(index)
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }
}

/// Sums up some entries.
#[must_use]
pub fn tally(entries: &[Entry]) -> Tally {
    let mut tally = Tally { requests: entries.len(), ..Tally::default() };
    for entry in entries {
        *tally.methods.entry(entry.method.clone()).or_default() += 1;
        tally.effects += usize::from(entry.took_effect);
        match entry.outcome {
            Outcome::Answered(status) => *tally.statuses.entry(status).or_default() += 1,
            Outcome::Dropped => tally.dropped += 1,
            Outcome::InProgress | Outcome::Abandoned => {}
        }
    }
    tally
}
