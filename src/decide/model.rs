//! The words that decisions are made in: organizations, pairs, connections. Pure values, parsed once at the border.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use uuid::Uuid;

/// What is wrong with an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a UUID such as 11111111-0000-4000-8000-000000000001")]
pub struct NotAUuid(String);

macro_rules! uuid_newtype {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl FromStr for $name {
            type Err = NotAUuid;

            fn from_str(text: &str) -> Result<Self, NotAUuid> {
                match Uuid::try_parse(text) {
                    Ok(uuid) if text.len() == uuid::fmt::Hyphenated::LENGTH => Ok(Self(uuid)),
                    Ok(_) | Err(_) => Err(NotAUuid(text.chars().take(64).collect())),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }
    };
}

uuid_newtype! {
    /// A Datadog organization, by its UUID (not the short `public_id`).
    OrgId
}
uuid_newtype! {
    /// One connection, by the UUID that its creation answered.
    ConnectionId
}
uuid_newtype! {
    /// A Datadog user or service account.
    PrincipalId
}

/// The identity of a connection: the API allows one for each ordered pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pair {
    /// The organization whose telemetry is read.
    pub source: OrgId,
    /// The organization that reads.
    pub sink: OrgId,
}

impl Pair {
    /// Whether the organization is on either side.
    pub fn involves(&self, organization: OrgId) -> bool {
        self.source == organization || self.sink == organization
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.source, self.sink)
    }
}

impl FromStr for Pair {
    type Err = NotAUuid;

    fn from_str(text: &str) -> Result<Self, NotAUuid> {
        let (source, sink) = text.split_once('/').ok_or_else(|| NotAUuid(text.chars().take(64).collect()))?;
        Ok(Self { source: source.parse()?, sink: sink.parse()? })
    }
}

/// A set of connection types, sorted. The API keeps an order that means nothing, and answers a duplicate with a misleading 400.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ConnectionTypes(BTreeSet<String>);

impl ConnectionTypes {
    /// The types in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// The types as a sorted list.
    pub fn to_vec(&self) -> Vec<String> {
        self.0.iter().cloned().collect()
    }

    /// Whether there is no type at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What has to change to come from `self` to `wanted`, for a person: `add metrics; remove audit`.
    pub fn difference(&self, wanted: &Self) -> String {
        let list = |verb: &str, types: Vec<&str>| (!types.is_empty()).then(|| format!("{verb} {}", types.join(", ")));
        let add = list("add", wanted.0.difference(&self.0).map(String::as_str).collect());
        let remove = list("remove", self.0.difference(&wanted.0).map(String::as_str).collect());
        [add, remove].into_iter().flatten().collect::<Vec<_>>().join("; ")
    }
}

impl<S: Into<String>> FromIterator<S> for ConnectionTypes {
    fn from_iter<I: IntoIterator<Item = S>>(types: I) -> Self {
        Self(types.into_iter().map(Into::into).collect())
    }
}

impl fmt::Display for ConnectionTypes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iter().collect::<Vec<_>>().join(", "))
    }
}

/// An organization and the name that people know it by. The name may be unknown: the API leaves it out of some answers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Organization {
    /// Its UUID.
    pub id: OrgId,
    /// Its display name; empty if it was not told.
    pub name: String,
}

impl fmt::Display for Organization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, name } = self;
        if name.is_empty() { id.fmt(f) } else { write!(f, "{name} ({id})") }
    }
}

/// Whom a key acts as, or who made a connection. Never a name or an e-mail address: those are personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Principal {
    /// The user's UUID.
    pub id: PrincipalId,
    /// Whether it is a service account; unknown where the answer does not say.
    pub service_account: Option<bool>,
}

/// What a key proves about itself (`GET /api/v2/current_user`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The organization the key belongs to.
    pub organization: Organization,
    /// Whom the key acts as.
    pub principal: Principal,
    /// The names of those permissions that matter here, sorted: `org_connections_read`, `org_connections_write`, `org_management`.
    pub permissions: Vec<String>,
}

/// One connection as the organization's API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Connection {
    /// Its id.
    pub id: ConnectionId,
    /// The organization whose telemetry is read.
    pub source: Organization,
    /// The organization that reads.
    pub sink: Organization,
    /// Which telemetry, also types that this version has never heard of.
    pub types: ConnectionTypes,
    /// When it was made, by Datadog's clock.
    pub created_at: Timestamp,
    /// Who made it; the API may leave it out.
    pub created_by: Option<Principal>,
}

impl Connection {
    /// Its identity.
    pub fn pair(&self) -> Pair {
        Pair { source: self.source.id, sink: self.sink.id }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_hyphenated_uuid_and_nothing_else() {
        assert!("11111111-0000-4000-8000-000000000001".parse::<OrgId>().is_ok());
        for wrong in ["", "abc", "11111111000040008000000000000001", "{11111111-0000-4000-8000-000000000001}", "urn:uuid:x"] {
            assert!(wrong.parse::<OrgId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_pair_reads_back_as_it_was_written() {
        let text = "11111111-0000-4000-8000-000000000001/22222222-0000-4000-8000-000000000002";
        assert_eq!(text.parse::<Pair>().unwrap().to_string(), text);
        assert!("11111111-0000-4000-8000-000000000001".parse::<Pair>().is_err());
    }

    #[test]
    fn types_are_a_set_whatever_the_order() {
        let one: ConnectionTypes = ["metrics", "logs", "logs"].into_iter().collect();
        assert_eq!(one, ["logs", "metrics"].into_iter().collect());
        assert_eq!(one.to_string(), "logs, metrics");
    }

    #[test]
    fn a_difference_says_what_comes_and_what_goes() {
        let types = |list: &[&str]| list.iter().copied().collect::<ConnectionTypes>();
        assert_eq!(types(&["audit", "logs"]).difference(&types(&["logs", "metrics"])), "add metrics; remove audit");
        assert_eq!(types(&["logs"]).difference(&types(&["logs"])), "");
    }
}
