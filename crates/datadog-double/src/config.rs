//! What the double is told at its start: organizations, their keys, and the choices where the real API's behaviour is not known.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

mod fixture;
pub use fixture::{CENTRAL, PAYMENTS, READER, SECURITY};

/// May list connections.
pub const READ: &str = "org_connections_read";
/// May create, change and delete connections, and list the organizations of the account.
pub const WRITE: &str = "org_connections_write";
/// May list the organizations of the account.
pub const MANAGE: &str = "org_management";

/// Everything the double starts with; the JSON file of the binary has this form.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The organizations behind the one address.
    pub organizations: Vec<Organization>,
    /// Choices where the real behaviour is not recorded.
    #[serde(default)]
    pub behaviour: Behaviour,
}

/// One organization and the keys that open it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Organization {
    /// Its UUID.
    pub id: Uuid,
    /// The name shown in answers.
    pub name: String,
    /// The short id of older organizations; newer ones have their UUID here, which is the default.
    #[serde(default)]
    pub public_id: Option<String>,
    /// Organizations connect only within one account; `main` unless said otherwise.
    #[serde(default = "main_account")]
    pub account: String,
    /// The keys.
    #[serde(default)]
    pub credentials: Vec<Credential>,
    /// The request budget all its keys share; none by default.
    #[serde(default)]
    pub limit: Option<Limit>,
}

/// One key of an organization and what it may do.
#[derive(Clone, Debug, Deserialize)]
pub struct Credential {
    /// How the journal and the control interface call it; never the key itself. Unique in its organization.
    pub id: String,
    /// The secret part.
    #[serde(flatten)]
    pub keys: Keys,
    /// Whom the key acts as.
    pub user: User,
    /// Names of permissions, such as [`READ`] and [`WRITE`].
    pub permissions: BTreeSet<String>,
    /// A revoked key is answered as if it had never existed.
    #[serde(default = "yes")]
    pub enabled: bool,
}

/// The secret part of a credential. Its `Debug` shows no byte of it.
#[derive(Clone, Deserialize, PartialEq, Eq)]
#[serde(untagged)]
pub enum Keys {
    /// API key and application key.
    Pair {
        /// Sent as `DD-API-KEY`.
        api_key: String,
        /// Sent as `DD-APPLICATION-KEY`.
        app_key: String,
    },
    /// An access token.
    Bearer {
        /// Sent as `Authorization: Bearer`, or in the place of the application key.
        bearer_token: String,
    },
}

impl Keys {
    /// Every secret string of this credential.
    pub(crate) fn secrets(&self) -> Vec<&str> {
        match self {
            Self::Pair { api_key, app_key } => vec![api_key, app_key],
            Self::Bearer { bearer_token } => vec![bearer_token],
        }
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pair { .. } => "Keys::Pair(redacted)",
            Self::Bearer { .. } => "Keys::Bearer(redacted)",
        })
    }
}

/// A person or a service account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// Its UUID.
    pub id: Uuid,
    /// The name shown as the creator of connections.
    pub name: String,
    /// False for people.
    #[serde(default)]
    pub service_account: bool,
}

/// A request budget in calendar-aligned windows, shared by all keys of an organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// Requests in each window.
    pub limit: u64,
    /// Length of a window in seconds, at least 1.
    pub period_seconds: u64,
    /// The bucket's name in `X-RateLimit-Name`.
    #[serde(default = "global_bucket")]
    pub name: String,
    /// How much other tools use up as soon as a window opens.
    #[serde(default)]
    pub foreign_per_period: u64,
    /// Whether answers carry the `X-RateLimit-*` headers.
    #[serde(default = "yes")]
    pub headers: bool,
}

impl Limit {
    /// `limit` requests in `period_seconds`, told in headers, nobody else using it.
    #[must_use]
    pub fn new(limit: u64, period_seconds: u64) -> Self {
        Self { limit, period_seconds, name: global_bucket(), foreign_per_period: 0, headers: true }
    }
}

/// Choices where the real behaviour is not recorded.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Behaviour {
    /// POST with a well-formed sink that is no organization of this account.
    pub unknown_sink: UnknownSink,
    /// PATCH by the sink of the connection.
    pub update_by_sink: UpdateBySink,
    /// To how many organizations one may share; the documentation speaks of 5 for non-Enterprise organizations. None: no limit.
    pub sharing_limit: Option<usize>,
    /// Whether `/api/v2/org` shows the other organizations of the account.
    pub account_visible: bool,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self { unknown_sink: UnknownSink::default(), update_by_sink: UpdateBySink::default(), sharing_limit: None, account_visible: true }
    }
}

/// The answer to a sink that is no organization of this account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownSink {
    /// 400 "is not allowed".
    #[default]
    NotAllowed,
    /// The generic 404.
    NotFound,
}

/// The answer to a PATCH that comes from the sink.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UpdateBySink {
    /// 404, as if the connection did not exist.
    #[default]
    NotFound,
    /// 403, as if the permission were missing.
    Forbidden,
}

fn main_account() -> String {
    "main".to_owned()
}

fn global_bucket() -> String {
    "global_org".to_owned()
}

fn yes() -> bool {
    true
}
