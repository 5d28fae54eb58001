//! The six calls, as words for messages and metrics.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::Method;

use crate::decide::model::ConnectionId;

const CURRENT_USER: &str = "/api/v2/current_user";
const ORGANIZATIONS: &str = "/api/v2/org";
const CONNECTIONS: &str = "/api/v2/org_connections";
const CONNECTION: &str = "/api/v2/org_connections/{connection_id}";

/// One call of the API. Its `Display` is method and path, never a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// Who the key belongs to and acts as.
    Identity,
    /// The organizations of the account.
    Organizations,
    /// One page of the organization's connections.
    List,
    /// A new connection.
    Create,
    /// Other types for a connection.
    Update(ConnectionId),
    /// The end of a connection.
    Delete(ConnectionId),
}

impl Call {
    /// What the call does, in one word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Organizations => "organizations",
            Self::List => "list",
            Self::Create => "create",
            Self::Update(_) => "update",
            Self::Delete(_) => "delete",
        }
    }

    /// The path with a placeholder for the id: one of four, so fit for a metric.
    pub fn route(self) -> &'static str {
        match self {
            Self::Identity => CURRENT_USER,
            Self::Organizations => ORGANIZATIONS,
            Self::List | Self::Create => CONNECTIONS,
            Self::Update(_) | Self::Delete(_) => CONNECTION,
        }
    }

    /// The permission (and OAuth scope of the same name) that the call needs, beyond a valid key; two of which either will do, in words.
    pub fn permission(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Organizations => Some("org_connections_write or org_management"),
            Self::List => Some("org_connections_read"),
            Self::Create | Self::Update(_) | Self::Delete(_) => Some("org_connections_write"),
        }
    }

    pub(super) fn method(self) -> Method {
        match self {
            Self::Identity | Self::Organizations | Self::List => Method::GET,
            Self::Create => Method::POST,
            Self::Update(_) => Method::PATCH,
            Self::Delete(_) => Method::DELETE,
        }
    }

    pub(super) fn path(self) -> String {
        match self {
            Self::Identity | Self::Organizations | Self::List | Self::Create => self.route().to_owned(),
            Self::Update(id) | Self::Delete(id) => format!("{CONNECTIONS}/{id}"),
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method(), self.path())
    }
}

/// What a metric may know about one request that was sent. Every text comes from a fixed set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Observation {
    /// The call, see [`Call::name`].
    pub call: &'static str,
    /// The path without ids, see [`Call::route`].
    pub route: &'static str,
    /// `ok`, or the name of the error's [`Class`](super::Class).
    pub class: &'static str,
    /// `ok`, or the [`label`](super::Error::label) of the error.
    pub result: &'static str,
    /// From sending to the end of the answer.
    pub elapsed: Duration,
}

/// Told once for each request that was sent; a request refused by the own budget is none.
pub type Observer = Arc<dyn Fn(&Observation) + Send + Sync>;
