//! The truth: organizations, users, connections. Pure: synchronous transitions on values; time and ids come in as arguments.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::config::{Config, Credential, Organization, User};
use crate::history::{Change, History, Moment};

/// A connection as it truly is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// Its id.
    pub id: Uuid,
    /// The organization that shares.
    pub source: Uuid,
    /// The organization that reads.
    pub sink: Uuid,
    /// What is shared, in the order it was sent.
    pub connection_types: Vec<String>,
    /// The user who made it; it goes when that user is deactivated.
    pub created_by: Uuid,
    /// When it was made.
    pub created_at: Timestamp,
    /// Marked by a test as untouchable: a PATCH or DELETE of it counts as a broken rule.
    pub protected: bool,
}

/// A user and where it belongs.
#[derive(Clone, Debug, Serialize)]
pub struct KnownUser {
    /// Id, name and kind.
    #[serde(flatten)]
    pub user: User,
    /// The organization it belongs to.
    pub organization: Uuid,
    /// Deactivated: its keys are refused, its connections are gone.
    pub disabled: bool,
}

/// What a new connection is to be.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) source: Uuid,
    pub(crate) sink: Uuid,
    pub(crate) connection_types: Vec<String>,
    pub(crate) created_by: Uuid,
}

/// All organizations, users and connections, and how the connections came to be.
#[derive(Debug, Default)]
pub(crate) struct World {
    organizations: Vec<Organization>,
    users: BTreeMap<Uuid, KnownUser>,
    connections: BTreeMap<u64, Connection>,
    ever: BTreeSet<Uuid>,
    next_ordinal: u64,
    pub(crate) history: History,
    pub(crate) begun: Timestamp,
}

impl World {
    pub(crate) fn new(config: &Config, begun: Timestamp) -> Self {
        let mut world = Self { begun, ..Self::default() };
        for organization in &config.organizations {
            world.add_organization(organization.clone());
        }
        world
    }

    pub(crate) fn add_organization(&mut self, organization: Organization) {
        for credential in &organization.credentials {
            self.add_user(organization.id, credential.user.clone());
        }
        self.organizations.push(organization);
    }

    pub(crate) fn add_user(&mut self, organization: Uuid, user: User) {
        self.users.entry(user.id).or_insert(KnownUser { user, organization, disabled: false });
    }

    pub(crate) fn add_credential(&mut self, organization: Uuid, credential: Credential) -> Option<()> {
        self.organization(organization)?;
        self.add_user(organization, credential.user.clone());
        let credentials = &mut self.organization_mut(organization)?.credentials;
        credentials.retain(|known| known.id != credential.id);
        credentials.push(credential);
        Some(())
    }

    pub(crate) fn organizations(&self) -> &[Organization] {
        &self.organizations
    }

    pub(crate) fn organization(&self, id: Uuid) -> Option<&Organization> {
        self.organizations.iter().find(|organization| organization.id == id)
    }

    pub(crate) fn organization_mut(&mut self, id: Uuid) -> Option<&mut Organization> {
        self.organizations.iter_mut().find(|organization| organization.id == id)
    }

    pub(crate) fn credential_mut(&mut self, organization: Uuid, id: &str) -> Option<&mut Credential> {
        self.organization_mut(organization)?.credentials.iter_mut().find(|credential| credential.id == id)
    }

    pub(crate) fn user(&self, id: Uuid) -> Option<&KnownUser> {
        self.users.get(&id)
    }

    pub(crate) fn users(&self) -> impl Iterator<Item = &KnownUser> {
        self.users.values()
    }

    /// In the order of their creation.
    pub(crate) fn connections(&self) -> impl Iterator<Item = &Connection> {
        self.connections.values()
    }

    pub(crate) fn rows(&self) -> &BTreeMap<u64, Connection> {
        &self.connections
    }

    pub(crate) fn connection(&self, id: Uuid) -> Option<&Connection> {
        self.connections().find(|connection| connection.id == id)
    }

    pub(crate) fn connection_of_pair(&self, source: Uuid, sink: Uuid) -> Option<&Connection> {
        self.connections().find(|connection| (connection.source, connection.sink) == (source, sink))
    }

    /// Whether a connection with this id exists or has ever existed.
    pub(crate) fn ever_had(&self, id: Uuid) -> bool {
        self.ever.contains(&id)
    }

    /// Adds a connection. The caller has checked that the pair is free.
    pub(crate) fn insert(&mut self, draft: Draft, id: Uuid, created_at: Timestamp, moment: Moment) -> Connection {
        let Draft { source, sink, connection_types, created_by } = draft;
        let connection = Connection { id, source, sink, connection_types, created_by, created_at, protected: false };
        self.next_ordinal += 1;
        self.ever.insert(id);
        self.put(self.next_ordinal, Some(connection.clone()), moment);
        connection
    }

    /// Replaces the types; `None` if there is no such connection.
    pub(crate) fn replace_types(&mut self, id: Uuid, connection_types: Vec<String>, moment: Moment) -> Option<Connection> {
        let (ordinal, known) = self.located(id)?;
        let connection = Connection { connection_types, ..known };
        self.put(ordinal, Some(connection.clone()), moment);
        Some(connection)
    }

    /// Marks or unmarks a connection as untouchable.
    pub(crate) fn set_protected(&mut self, id: Uuid, protected: bool) -> Option<()> {
        let (ordinal, known) = self.located(id)?;
        self.connections.insert(ordinal, Connection { protected, ..known });
        Some(())
    }

    /// Takes a connection away; `None` if there is no such connection.
    pub(crate) fn remove(&mut self, id: Uuid, moment: Moment) -> Option<Connection> {
        let (ordinal, known) = self.located(id)?;
        self.put(ordinal, None, moment);
        Some(known)
    }

    /// Deactivates a user: its keys stop working and its connections are deleted (documented by Datadog). Answers what went.
    pub(crate) fn deactivate(&mut self, user: Uuid, moment: Moment) -> Option<Vec<Connection>> {
        self.users.get_mut(&user)?.disabled = true;
        let ids: Vec<_> = self.connections().filter(|connection| connection.created_by == user).map(|connection| connection.id).collect();
        Some(ids.into_iter().filter_map(|id| self.remove(id, moment)).collect())
    }

    /// Whether this pair has more than one connection: must never be.
    pub(crate) fn has_duplicates(&self, source: Uuid, sink: Uuid) -> bool {
        self.connections().filter(|connection| (connection.source, connection.sink) == (source, sink)).count() > 1
    }

    fn located(&self, id: Uuid) -> Option<(u64, Connection)> {
        self.connections.iter().find(|(_, connection)| connection.id == id).map(|(ordinal, connection)| (*ordinal, connection.clone()))
    }

    fn put(&mut self, ordinal: u64, after: Option<Connection>, moment: Moment) {
        let before = match after {
            Some(connection) => self.connections.insert(ordinal, connection),
            None => self.connections.remove(&ordinal),
        };
        self.history.record(Change { moment, ordinal, before });
    }
}
