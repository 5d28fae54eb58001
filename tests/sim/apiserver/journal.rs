//! The record of every request. Pure.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::faults::Fault;
use super::kind::Kind;
use super::routes::{Address, Verb};
use super::store::Part;

/// A request as the journal and the callback for faults see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequestInfo {
    /// Counts from 1, in the order of arrival.
    pub(crate) number: usize,
    /// Since the server began, in virtual time.
    pub(crate) at: Duration,
    /// The number of the line that it came through.
    pub(crate) line: usize,
    pub(crate) verb: Verb,
    pub(crate) kind: Kind,
    /// `None` is all of them.
    pub(crate) namespace: Option<String>,
    /// Of an event: the name of its object. Clients put the real time into an event's own name.
    pub(crate) name: Option<String>,
    pub(crate) part: Part,
    /// A list of what carries some label; a watch's own list never does.
    pub(crate) selects: bool,
}

impl RequestInfo {
    pub(super) fn new(at: Duration, line: usize, verb: Verb, address: Address) -> Self {
        let Address { kind, namespace, name, part } = address;
        let name = name.map(|name| match (kind, name.rsplit_once('.')) {
            (Kind::Event, Some((object, _))) => object.to_owned(),
            (_, _) => name,
        });
        Self { number: 0, at, line, verb, kind, namespace, name, part, selects: false }
    }

    /// Whether it changes something if it succeeds.
    pub(crate) fn is_write(&self) -> bool {
        match self.verb {
            Verb::Create | Verb::Update | Verb::Patch | Verb::Apply | Verb::Delete => true,
            Verb::Get | Verb::List | Verb::Watch => false,
        }
    }
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is still on its way.
    Travelling,
    /// With this status; its answer may still be on its way.
    Answered(u16),
    /// With a connection that broke, or did not come about.
    Broken,
    /// Never.
    Unanswered,
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) request: RequestInfo,
    pub(crate) fault: Fault,
    pub(crate) outcome: Outcome,
    /// The resource version that it made, if it was a write that took effect.
    pub(crate) version: Option<u64>,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RequestInfo { number, at, line, verb, kind, namespace, name, part, selects: _ } = &self.request;
        let (namespace, name) = (namespace.as_deref().unwrap_or("*"), name.as_deref().unwrap_or("*"));
        write!(
            f,
            "{number:>4} {:>10.3} s  line {line}  {verb:?} {} {namespace}/{name} {part:?} → {:?}",
            at.as_secs_f64(),
            kind.name(),
            self.outcome
        )?;
        if let Some(version) = self.version {
            write!(f, ", version {version}")?;
        }
        if self.fault != Fault::NONE {
            write!(f, " ({:?})", self.fault)?;
        }
        Ok(())
    }
}

#[derive(Debug, Default)]
pub(super) struct Journal(Vec<Entry>);

impl Journal {
    pub(super) fn entries(&self) -> &[Entry] {
        &self.0
    }

    pub(super) fn next_number(&self) -> usize {
        self.0.len() + 1
    }

    pub(super) fn open(&mut self, request: RequestInfo, fault: Fault) {
        self.0.push(Entry { request, fault, outcome: Outcome::Travelling, version: None });
    }

    pub(super) fn entry(&mut self, number: usize) -> &mut Entry {
        &mut self.0[number - 1]
    }
}

/// How many writes of which form took effect.
pub(crate) fn writes<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> BTreeMap<(Kind, Verb, Part), usize> {
    let mut writes = BTreeMap::new();
    for Entry { request, .. } in entries.into_iter().filter(|entry| entry.version.is_some()) {
        *writes.entry((request.kind, request.verb, request.part)).or_default() += 1;
    }
    writes
}
