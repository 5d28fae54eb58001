//! The JSON documents of the API, member by member in the recorded order. Pure.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::state::{Connection, World};

/// `{"data": …, "included": […], "meta": {…}}`, in this order; what is empty is left out.
#[derive(Debug, Serialize)]
pub(crate) struct Document<T> {
    pub(crate) data: T,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) included: Vec<Included>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) meta: Option<Meta>,
}

impl<T: Serialize> Document<T> {
    pub(crate) fn of(data: T) -> Self {
        Self { data, included: Vec::new(), meta: None }
    }

    /// Compact JSON with the newline that every success has.
    pub(crate) fn render(&self) -> String {
        let mut text = serde_json::to_string(self).expect("no map with keys other than strings, no fallible Serialize");
        text.push('\n');
        text
    }
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Meta {
    pub(crate) page: Page,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Page {
    pub(crate) total_count: usize,
    pub(crate) total_filtered_count: usize,
}

/// A connection as a resource.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) r#type: &'static str,
    pub(crate) id: Uuid,
    pub(crate) attributes: Attributes,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) relationships: Option<Relationships>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Attributes {
    pub(crate) created_at: String,
    pub(crate) connection_types: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Relationships {
    pub(crate) source_org: Relationship,
    pub(crate) sink_org: Relationship,
    pub(crate) created_by: Relationship,
}

#[derive(Debug, Serialize)]
pub(crate) struct Relationship {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<Reference>,
}

/// A pointer to an organization, a user or a role.
#[derive(Debug, Serialize)]
pub(crate) struct Reference {
    pub(crate) r#type: &'static str,
    pub(crate) id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
}

impl Reference {
    pub(crate) fn nameless(r#type: &'static str, id: Uuid) -> Self {
        Self { r#type, id, name: None }
    }

    fn to(r#type: &'static str, id: Uuid, name: Option<&str>) -> Relationship {
        Relationship { data: Some(Self { r#type, id, name: name.map(str::to_owned) }) }
    }
}

/// Whether the relationships carry names: in the answers to POST and GET, not in the answer to PATCH.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Names {
    Shown,
    Missing,
}

impl Row {
    pub(crate) fn new(connection: &Connection, world: &World, names: Names) -> Self {
        let organization = |id| world.organization(id).map(|known| known.name.as_str()).filter(|_| names == Names::Shown);
        let user = world.user(connection.created_by).map(|known| known.user.name.as_str()).filter(|_| names == Names::Shown);
        let relationships = Relationships {
            source_org: Reference::to("orgs", connection.source, organization(connection.source)),
            sink_org: Reference::to("orgs", connection.sink, organization(connection.sink)),
            created_by: Reference::to("users", connection.created_by, user),
        };
        let attributes = Attributes { created_at: micros(connection.created_at), connection_types: connection.connection_types.clone() };
        Self { r#type: "org_connection", id: connection.id, attributes, relationships: Some(relationships) }
    }
}

/// The form in which the API writes times: microseconds and `+00:00`.
pub(crate) fn micros(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string()
}

pub(crate) use included::{Included, ManyReferences, UserAttributes};
mod included;

/// The body of a POST; whatever else is in it is ignored, as the real server ignores `"name": ""`.
#[derive(Debug, Deserialize)]
pub(crate) struct CreateRequest {
    pub(crate) data: CreateData,
}

#[derive(Debug, Deserialize)]
pub(crate) struct CreateData {
    pub(crate) r#type: String,
    pub(crate) attributes: RequestedTypes,
    pub(crate) relationships: RequestedRelationships,
}

#[derive(Debug, Deserialize)]
pub(crate) struct RequestedTypes {
    pub(crate) connection_types: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct RequestedRelationships {
    pub(crate) sink_org: RequestedSink,
}

#[derive(Debug, Deserialize)]
pub(crate) struct RequestedSink {
    pub(crate) data: RequestedSinkData,
}

#[derive(Debug, Deserialize)]
pub(crate) struct RequestedSinkData {
    pub(crate) id: String,
}

/// The body of a PATCH.
#[derive(Debug, Deserialize)]
pub(crate) struct UpdateRequest {
    pub(crate) data: UpdateData,
}

#[derive(Debug, Deserialize)]
pub(crate) struct UpdateData {
    pub(crate) r#type: String,
    pub(crate) id: String,
    pub(crate) attributes: RequestedTypes,
}
