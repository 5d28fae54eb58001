//! Why a request is refused, with the API's own words as the message.

use uuid::Uuid;

use crate::reply::Reply;

/// A refusal of the API. The message is the text of the answer, odd wording included: it is recorded from the real server where the
/// table in the crate's documentation says so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The pair has a connection already.
    #[error("connection between orgs {from} and {to} already exists")]
    Exists {
        /// The source.
        from: Uuid,
        /// The sink.
        to: Uuid,
    },
    /// Duplicate types, or a sink that may not be shared with.
    #[error("connection between orgs {from} and {to} is not allowed")]
    NotAllowed {
        /// The source.
        from: Uuid,
        /// The sink.
        to: Uuid,
    },
    /// No such sink, no such path.
    #[error("Not found")]
    NotFound,
    /// The body does not fit.
    #[error("Validation failed for input.")]
    Invalid,
    /// PATCH of a connection the caller does not see.
    #[error("Org connection with id:{0} not found not found")]
    NothingToUpdate(Uuid),
    /// DELETE of a connection the caller does not see.
    #[error("org connection with id:{0} not found not found")]
    NothingToDelete(Uuid),
    /// The path does not end in a UUID.
    #[error("connection id must be a valid uuid")]
    MalformedId,
    /// No API key.
    #[error("API key required")]
    NoApiKey,
    /// No application key, or a token nobody knows.
    #[error("Unauthorized")]
    Unauthorized,
    /// Unknown or revoked key.
    #[error("Forbidden")]
    Forbidden,
    /// A valid key without the permission.
    #[error("Forbidden")]
    PermissionMissing,
    /// The organization's request budget is used up.
    #[error("Rate limit of {limit} requests in {period} seconds reached. Please try again later.")]
    Limited {
        /// Requests in a window.
        limit: u64,
        /// Length of a window in seconds.
        period: u64,
    },
}

impl Refusal {
    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::NotAllowed { .. } | Self::Invalid | Self::MalformedId => 400,
            Self::Unauthorized => 401,
            Self::NoApiKey | Self::Forbidden | Self::PermissionMissing => 403,
            Self::NotFound | Self::NothingToUpdate(_) | Self::NothingToDelete(_) => 404,
            Self::Exists { .. } => 409,
            Self::Limited { .. } => 429,
        }
    }

    /// The answer, byte for byte: only the generic 404 ends with a newline, and the 429 has a space that the others have not.
    pub(crate) fn reply(&self) -> Reply {
        let text = self.to_string();
        let body = match self {
            Self::NotFound => format!("{{\"errors\":[\"{text}\"]}}\n"),
            Self::PermissionMissing => format!("{{\"errors\":[\"{text}\",\"Failed permission authorization checks\"]}}"),
            Self::Limited { .. } => format!("{{\"errors\": [\"{text}\"]}}"),
            Self::Exists { .. }
            | Self::NotAllowed { .. }
            | Self::Invalid
            | Self::NothingToUpdate(_)
            | Self::NothingToDelete(_)
            | Self::MalformedId
            | Self::NoApiKey
            | Self::Unauthorized
            | Self::Forbidden => format!("{{\"errors\":[\"{text}\"]}}"),
        };
        Reply::json(self.status(), body)
    }
}
