//! Field types that both kinds share.

use std::borrow::Cow;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A UUID as people write it into a manifest. The rule is CEL and the length limit looser than it, because a schema error would mute the
/// rule and its message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UuidText(pub String);

impl JsonSchema for UuidText {
    fn schema_name() -> Cow<'static, str> {
        "UuidText".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "maxLength": 64,
            "x-kubernetes-validations": [{
                "rule": "self.matches('^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$')",
                "message": "must be the organization's UUID in lower case, such as 11111111-0000-4000-8000-000000000001, not the short public_id"
            }]
        })
    }
}

/// The text as far as a field has room for it, in bytes; one that is cut ends with an ellipsis.
pub(crate) fn cut(text: &str, bytes: usize) -> Cow<'_, str> {
    if text.len() <= bytes {
        return Cow::Borrowed(text);
    }
    let room = bytes.saturating_sub('…'.len_utf8());
    Cow::Owned(format!("{}…", &text[..text.floor_char_boundary(room)]))
}

/// A reference to an object in the same namespace. There is no namespace member: an object can only use what lives beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LocalRef {
    /// Name of the object, in the same namespace.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// An organization as observed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrganizationStatus {
    /// The organization's UUID.
    #[schemars(length(max = 64))]
    pub id: String,
    /// The organization's name when it was last told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub name: Option<String>,
}

/// A Datadog user, by id alone: names and e-mail addresses are personal data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PrincipalStatus {
    /// The user's UUID.
    #[schemars(length(max = 64))]
    pub id: String,
    /// Whether it is a service account. A connection dies with the user who made it, so it should be one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account: Option<bool>,
}

/// The schema of a condition list: merged by type, so that others can apply conditions of their own beside ours.
pub(crate) fn conditions(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = generator.subschema_for::<Vec<Condition>>();
    schema.insert("x-kubernetes-list-type".to_owned(), "map".into());
    schema.insert("x-kubernetes-list-map-keys".to_owned(), serde_json::json!(["type"]));
    schema.insert("maxItems".to_owned(), 16.into());
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters_and_shows_that_it_is() {
        for (text, bytes, expected) in
            [("short", 10, "short"), ("short", 5, "short"), ("short", 4, "s…"), ("aébcd", 5, "a…"), ("aébcd", 6, "aébcd"), ("", 3, "")]
        {
            assert_eq!(cut(text, bytes), expected);
        }
    }
}
