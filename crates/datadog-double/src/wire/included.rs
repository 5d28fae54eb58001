//! The resources beside the data: organizations, users, roles, permissions.

use jiff::Timestamp;
use serde::Serialize;
use uuid::{Uuid, uuid};

use crate::config::Organization;
use crate::state::KnownUser;
use crate::wire::{Reference, micros};

/// A resource of `included`, also the `data` of `current_user`.
#[derive(Debug, Serialize)]
pub(crate) struct Included {
    r#type: &'static str,
    pub(crate) id: Uuid,
    attributes: Attributes,
    #[serde(skip_serializing_if = "Option::is_none")]
    relationships: Option<RoleRelationships>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Attributes {
    Org(OrgAttributes),
    User(UserAttributes),
    Role { name: String },
    Permission { name: String, restricted: bool },
}

#[derive(Debug, Serialize)]
struct OrgAttributes {
    public_id: String,
    name: String,
    description: Option<String>,
    sharing: &'static str,
    url: Option<String>,
    disabled: bool,
    created_at: String,
    modified_at: Option<String>,
}

/// The attributes of a user; the first and the last only in `current_user`.
#[derive(Debug, Serialize)]
pub(crate) struct UserAttributes {
    #[serde(skip_serializing_if = "Option::is_none")]
    uuid: Option<Uuid>,
    name: String,
    handle: String,
    created_at: String,
    modified_at: String,
    email: String,
    icon: &'static str,
    title: Option<String>,
    verified: bool,
    service_account: bool,
    disabled: bool,
    allowed_login_methods: [String; 0],
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_login_time: Option<String>,
}

#[derive(Debug, Serialize)]
struct RoleRelationships {
    permissions: ManyReferences,
}

#[derive(Debug, Serialize)]
pub(crate) struct ManyReferences {
    pub(crate) data: Vec<Reference>,
}

impl UserAttributes {
    /// A service account's handle is its UUID; its address, like everybody's here, is one that nobody can have.
    fn new(known: &KnownUser, created: Timestamp) -> Self {
        let user = &known.user;
        let email = format!("{}@users.invalid", user.id);
        let handle = if user.service_account { user.id.to_string() } else { email.clone() };
        Self {
            uuid: None,
            name: user.name.clone(),
            handle,
            created_at: micros(created),
            modified_at: micros(created),
            email,
            icon: "https://users.invalid/avatar",
            title: None,
            verified: true,
            service_account: user.service_account,
            disabled: known.disabled,
            allowed_login_methods: [],
            status: if known.disabled { "Disabled" } else { "Active" },
            last_login_time: None,
        }
    }

    pub(crate) fn current(known: &KnownUser, created: Timestamp) -> Self {
        Self { uuid: Some(known.user.id), last_login_time: Some(micros(created)), ..Self::new(known, created) }
    }
}

impl Included {
    pub(crate) fn organization(organization: &Organization, created: Timestamp) -> Self {
        let public_id = organization.public_id.clone().unwrap_or_else(|| organization.id.to_string());
        let attributes = OrgAttributes {
            public_id,
            name: organization.name.clone(),
            description: None,
            sharing: "all_private",
            url: None,
            disabled: false,
            created_at: micros(created),
            modified_at: None,
        };
        Self { r#type: "orgs", id: organization.id, attributes: Attributes::Org(attributes), relationships: None }
    }

    pub(crate) fn user(known: &KnownUser, created: Timestamp) -> Self {
        Self { r#type: "users", id: known.user.id, attributes: Attributes::User(UserAttributes::new(known, created)), relationships: None }
    }

    pub(crate) fn role<'a>(id: Uuid, name: String, permissions: impl Iterator<Item = &'a String>) -> Self {
        let data = permissions.map(|permission| Reference::nameless("permissions", permission_id(permission))).collect();
        let relationships = Some(RoleRelationships { permissions: ManyReferences { data } });
        Self { r#type: "roles", id, attributes: Attributes::Role { name }, relationships }
    }

    pub(crate) fn permission(name: &str) -> Self {
        let attributes = Attributes::Permission { name: name.to_owned(), restricted: false };
        Self { r#type: "permissions", id: permission_id(name), attributes, relationships: None }
    }
}

/// The ids seen on us1 for the permissions that matter here; any other name gets one made of its first bytes.
fn permission_id(name: &str) -> Uuid {
    match name {
        crate::config::READ => uuid!("8079f2e6-2724-11ee-84eb-da7ad0900002"),
        crate::config::WRITE => uuid!("807a82d8-2724-11ee-84ec-da7ad0900002"),
        crate::config::MANAGE => uuid!("7df222b6-a45c-11eb-a0af-da7ad0900002"),
        other => {
            let mut bytes = [0; 16];
            bytes.iter_mut().zip(other.bytes()).for_each(|(to, from)| *to = from);
            uuid::Builder::from_random_bytes(bytes).into_uuid()
        }
    }
}
