//! What the operator asked and wrote: Datadog's journal and the API server's audit log, counted.

use std::ops::Sub;

use datadog_double::Entry;
use xtask::controlplane::{ControlPlane, audit};

/// Requests of the operator, granted or not. Two of them subtract to what happened in between.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// All requests at Datadog.
    pub(crate) requests: usize,
    /// Lists of connections at Datadog.
    pub(crate) lists: usize,
    /// Connections created at Datadog.
    pub(crate) post: usize,
    /// Connections changed at Datadog.
    pub(crate) patch: usize,
    /// Connections deleted at Datadog.
    pub(crate) delete: usize,
    /// Writes on OrgConnections themselves: claims, finalizers.
    pub(crate) object: usize,
    /// Writes on their status.
    pub(crate) status: usize,
    /// Writes on DatadogOrgs themselves: finalizers.
    pub(crate) org_object: usize,
    /// Writes on their status.
    pub(crate) org_status: usize,
    /// Events.
    pub(crate) events: usize,
    /// Writes on anything else in the namespace.
    pub(crate) other: usize,
}

impl Counts {
    pub(super) fn of(plane: &ControlPlane, namespace: &str, journal: &[Entry]) -> Self {
        let mut counts = Self { requests: journal.len(), ..Self::default() };
        journal.iter().filter(|entry| entry.path.starts_with("/api/v2/org_connections")).for_each(|entry| counts.add_remote(entry));
        let log = std::fs::read_to_string(plane.audit_log()).unwrap();
        // The log is that of all tests: only a few lines are worth being parsed.
        let complete = log.split_inclusive('\n').filter(|line| line.ends_with('\n') && line.contains("crossorg/"));
        let ours: String = complete.filter(|line| line.contains(&format!(r#""namespace":"{namespace}""#))).collect();
        let entries = audit::parse(&ours).unwrap();
        entries.iter().filter(|entry| entry.is_write() && entry.is_by("crossorg/")).for_each(|entry| counts.add_write(entry));
        counts
    }

    fn add_remote(&mut self, entry: &Entry) {
        match entry.method.as_str() {
            "GET" => self.lists += 1,
            "POST" => self.post += 1,
            "PATCH" => self.patch += 1,
            "DELETE" => self.delete += 1,
            other => panic!("the operator asked Datadog for {other} {}", entry.path),
        }
    }

    fn add_write(&mut self, entry: &audit::Entry) {
        match (entry.resource.as_str(), entry.subresource.as_str()) {
            ("orgconnections", "") => self.object += 1,
            ("orgconnections", "status") => self.status += 1,
            ("datadogorgs", "") => self.org_object += 1,
            ("datadogorgs", "status") => self.org_status += 1,
            ("events", _) => self.events += 1,
            _ => self.other += 1,
        }
    }

    /// POST, PATCH and DELETE at Datadog.
    pub(crate) fn remote_writes(&self) -> (usize, usize, usize) {
        (self.post, self.patch, self.delete)
    }

    /// Writes on OrgConnections: on themselves, on their status.
    pub(crate) fn object_writes(&self) -> (usize, usize) {
        (self.object, self.status)
    }
}

impl Sub for Counts {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            requests: self.requests - earlier.requests,
            lists: self.lists - earlier.lists,
            post: self.post - earlier.post,
            patch: self.patch - earlier.patch,
            delete: self.delete - earlier.delete,
            object: self.object - earlier.object,
            status: self.status - earlier.status,
            org_object: self.org_object - earlier.org_object,
            org_status: self.org_status - earlier.org_status,
            events: self.events - earlier.events,
            other: self.other - earlier.other,
        }
    }
}
