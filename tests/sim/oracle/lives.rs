//! OrgConnections from their creation on.

use std::collections::BTreeMap;
use std::time::Duration;

use uuid::Uuid;

use super::memory::Memory;

/// One object from its creation on.
#[derive(Debug, Default)]
pub(super) struct Life {
    versions: Vec<(Duration, Memory)>,
    generations: BTreeMap<i64, Duration>,
    gone: Option<Duration>,
    /// In the order of all versions of all objects.
    created: u64,
    /// Likewise, with the time.
    deleted: Option<(u64, Duration)>,
    /// What it has recorded, and whether it made that itself.
    pub(super) recorded: BTreeMap<Uuid, Recording>,
}

/// How an object came to record a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Recording {
    /// By its own creation, and nothing else can be said.
    Created,
    /// By an adoption.
    Adopted,
    /// Its claim shows that it may have made it, and a policy or hand-over would have allowed to take it too.
    Either,
}

impl Life {
    pub(super) fn see(&mut self, now: &Memory, gone: bool, at: Duration, version: u64) {
        self.gone = gone.then_some(at);
        if self.versions.is_empty() {
            self.created = version;
        }
        if now.terminating {
            self.deleted.get_or_insert((version, at));
        }
        self.generations.entry(now.generation).or_insert(at);
        if !gone {
            self.versions.push((at, now.clone()));
        }
    }

    /// As it is now, or was at its end.
    pub(super) fn last(&self) -> Option<&Memory> {
        self.versions.last().map(|(_, memory)| memory)
    }

    /// The version of that time and all later ones, if it was there since.
    pub(super) fn since(&self, from: Duration) -> impl Iterator<Item = &Memory> {
        let first = if self.gone.is_none_or(|gone| gone >= from) { self.first_of(from) } else { self.versions.len() };
        self.versions[first..].iter().map(|(_, memory)| memory)
    }

    /// Whether it was there then, and all its versions since are so.
    pub(super) fn always(&self, from: Duration, so: impl Fn(&Memory) -> bool) -> bool {
        let was_there = self.versions.first().is_some_and(|(first, _)| *first <= from);
        was_there && self.gone.is_none() && self.since(from).all(so)
    }

    fn first_of(&self, from: Duration) -> usize {
        self.versions.iter().rposition(|(since, _)| *since <= from).unwrap_or_default()
    }

    /// When it was created.
    pub(super) fn begun(&self) -> Duration {
        self.versions.first().map(|(at, _)| *at).unwrap_or_default()
    }

    /// When its deletion was asked for, as a version of all objects and as a time.
    pub(super) fn deleted(&self) -> Option<(u64, Duration)> {
        self.deleted
    }

    /// Whether it was created before this version of all objects.
    pub(super) fn is_older_than(&self, version: u64) -> bool {
        self.created < version
    }

    /// When this generation of its spec was stored.
    pub(super) fn specified(&self, generation: i64) -> Option<Duration> {
        self.generations.get(&generation).copied()
    }

    /// The object as of a generation of its spec.
    pub(super) fn of_generation(&self, generation: i64) -> Option<&Memory> {
        self.versions.iter().rev().map(|(_, memory)| memory).find(|memory| memory.generation == generation)
    }
}
