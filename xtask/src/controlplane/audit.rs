//! What the API server was asked, by whom: its audit log, read back. Talks to the file system.
//!
//! The log is written before an answer goes out (`--audit-log-mode=blocking`), so whoever has got an answer finds the request here.
//!
//! ```no_run
//! use xtask::controlplane::{ControlPlane, audit};
//!
//! fn writes(control_plane: &ControlPlane, namespace: &str) -> Result<usize, audit::Error> {
//!     let entries = audit::read(control_plane.audit_log())?;
//!     Ok(entries.iter().filter(|entry| entry.is_write() && entry.is_by("crossorg/") && entry.namespace == namespace).count())
//! }
//! ```

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// One line of the audit log. Parts that a request does not have are empty.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "Event")]
pub struct Entry {
    /// When in its life the request was recorded. A watch has two entries, any other request one.
    pub stage: Stage,
    /// Who asked, such as `system:serviceaccount:<namespace>:<name>`.
    pub user: String,
    /// The client's `User-Agent` header.
    pub user_agent: String,
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete` or `deletecollection`.
    pub verb: String,
    /// Group of the resource; empty for the core group.
    pub api_group: String,
    /// Plural name of the resource, such as `namespaces`; empty for a path that is none, such as `/readyz`.
    pub resource: String,
    /// Such as `status`.
    pub subresource: String,
    /// Namespace of the object; for a namespace itself its own name.
    pub namespace: String,
    /// Name of the object; empty for a list, and for a create, whose path has none.
    pub name: String,
    /// HTTP status of the answer; 0 if the request ended without one.
    pub code: u16,
}

/// When in its life a request was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Stage {
    /// The answer's headers have been sent and its body goes on: only for watches.
    ResponseStarted,
    /// The answer has been sent, all of it.
    ResponseComplete,
    /// The API server's own code failed.
    Panic,
}

impl Entry {
    /// Whether the request asked for a change, granted or not.
    #[must_use]
    pub fn is_write(&self) -> bool {
        ["create", "update", "patch", "delete", "deletecollection"].contains(&self.verb.as_str())
    }

    /// Whether the client's `User-Agent` begins with `client`.
    #[must_use]
    pub fn is_by(&self, client: &str) -> bool {
        self.user_agent.starts_with(client)
    }
}

/// Why an audit log could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file could not be read.
    #[error("the audit log {} cannot be read", path.display())]
    Unreadable {
        /// The audit log.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// A complete line is not an audit event.
    #[error("line {line} of the audit log is not an audit event")]
    NotAnEvent {
        /// Counted from 1.
        line: usize,
        /// What the parser says.
        source: serde_json::Error,
    },
}

/// All entries of the log, oldest first. A log that does not exist yet has none.
///
/// # Errors
///
/// When the file exists and cannot be read, or a line is not an audit event.
pub fn read(log: &Path) -> Result<Vec<Entry>, Error> {
    match fs::read_to_string(log) {
        Ok(text) => parse(&text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(source) => Err(Error::Unreadable { path: log.to_path_buf(), source }),
    }
}

/// All entries of a log's text. A last line without its end is still being written and does not count.
///
/// # Errors
///
/// When a complete line is not an audit event.
pub fn parse(text: &str) -> Result<Vec<Entry>, Error> {
    let complete = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    let parse_line = |(index, line)| serde_json::from_str(line).map_err(|source| Error::NotAnEvent { line: index + 1, source });
    complete.enumerate().map(parse_line).collect()
}

/// `audit.k8s.io/v1` Event, as far as it matters here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    stage: Stage,
    verb: String,
    #[serde(default)]
    user: User,
    #[serde(default)]
    user_agent: String,
    #[serde(default)]
    object_ref: ObjectRef,
    #[serde(default)]
    response_status: ResponseStatus,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct User {
    username: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ObjectRef {
    api_group: String,
    resource: String,
    subresource: String,
    namespace: String,
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ResponseStatus {
    code: u16,
}

impl From<Event> for Entry {
    fn from(Event { stage, verb, user, user_agent, object_ref, response_status }: Event) -> Entry {
        let ObjectRef { api_group, resource, subresource, namespace, name } = object_ref;
        Entry {
            stage,
            user: user.username,
            user_agent,
            verb,
            api_group,
            resource,
            subresource,
            namespace,
            name,
            code: response_status.code,
        }
    }
}

#[cfg(test)]
mod tests;
