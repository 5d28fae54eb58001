//! Answers that are no success, in the words of the real server. Pure.

use serde_json::{Value, json};

use super::kind::Kind;
use super::store::Key;

/// Why a request was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code} {reason}: {message}")]
pub(crate) struct Refusal {
    /// The HTTP status.
    pub(crate) code: u16,
    /// The word that clients look at.
    pub(crate) reason: &'static str,
    /// The sentence that people read.
    pub(crate) message: String,
    /// The member of the object that is at fault, if one is.
    pub(crate) field: Option<String>,
}

impl Refusal {
    /// A refusal with the reason that belongs to the code, for faults.
    pub(super) fn of_code(code: u16) -> Self {
        let reason = match code {
            400 => "BadRequest",
            403 => "Forbidden",
            404 => "NotFound",
            409 => "Conflict",
            410 => "Expired",
            415 => "UnsupportedMediaType",
            422 => "Invalid",
            429 => "TooManyRequests",
            503 => "ServiceUnavailable",
            504 => "Timeout",
            _ => "InternalError",
        };
        Self { code, reason, message: format!("the API server was told to answer {code}"), field: None }
    }

    fn with(code: u16, message: String) -> Self {
        Self { message, ..Self::of_code(code) }
    }

    pub(super) fn not_found(key: &Key) -> Self {
        Self::with(404, format!("{} \"{}\" not found", resource(key.kind), key.name))
    }

    pub(super) fn exists(key: &Key) -> Self {
        Self { reason: "AlreadyExists", ..Self::with(409, format!("{} \"{}\" already exists", resource(key.kind), key.name)) }
    }

    pub(super) fn conflict(key: &Key) -> Self {
        let (resource, name) = (resource(key.kind), &key.name);
        let message = format!(
            "Operation cannot be fulfilled on {resource} \"{name}\": the object has been modified; please apply your changes to the latest version and try again"
        );
        Self::with(409, message)
    }

    pub(super) fn other_object(key: &Key, expected: &Value, live: &Value) -> Self {
        let (resource, name) = (resource(key.kind), &key.name);
        let why = format!("Precondition failed: UID in precondition: {expected}, UID in object meta: {live}");
        Self::with(409, format!("Operation cannot be fulfilled on {resource} \"{name}\": {why}"))
    }

    pub(super) fn invalid(key: &Key, field: &str, why: &str) -> Self {
        let message = format!("{} \"{}\" is invalid: {field}: {why}", key.kind.name(), key.name);
        Self { field: Some(field.to_owned()), ..Self::with(422, message) }
    }

    pub(super) fn bad_request(why: String) -> Self {
        Self::with(400, why)
    }

    pub(super) fn unsupported(what: &str) -> Self {
        Self::with(415, format!("not served here: {what}"))
    }

    pub(super) fn too_old(version: u64, oldest: u64) -> Self {
        Self::with(410, format!("too old resource version: {version} ({oldest})"))
    }

    /// As it travels.
    pub(super) fn body(&self) -> Value {
        let causes: Vec<Value> = self.field.iter().map(|field| json!({ "field": field, "message": self.message })).collect();
        json!({
            "details": { "causes": causes },
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "reason": self.reason, "code": self.code,
        })
    }
}

fn resource(kind: Kind) -> String {
    let group = kind.api_version().split_once('/').map(|(group, _)| format!(".{group}"));
    format!("{}{}", kind.plural(), group.unwrap_or_default())
}
