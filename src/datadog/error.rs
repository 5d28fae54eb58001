//! What can go wrong with a call, and the three questions about it: how to go on ([`Class`]), whether it took effect ([`Outcome`]), and
//! what a person can do (`Display`).

use http::StatusCode;
use tokio::time::Instant;

use super::{Call, Texts, TransportError};
use crate::decide::model::{ConnectionId, Pair};

/// The text with which the API refuses a valid key that lacks a permission or scope; a wrong key gets a bare `Forbidden`.
const LACKS_PERMISSION: &str = "Failed permission authorization checks";

/// How to go on after an error. The class alone decides the wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// It mends itself: try again, later each time.
    Transient,
    /// The request budget is used up: nothing will be sent before that time.
    Throttled {
        /// When the budget opens again.
        until: Instant,
    },
    /// The same request gets the same answer until a person changes something.
    Permanent,
}

impl Class {
    /// A fixed word for metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Throttled { .. } => "throttled",
            Self::Permanent => "permanent",
        }
    }
}

/// Whether a call that changes something did so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It certainly did nothing.
    NotDone,
    /// It may have taken effect, or may yet: only a list begun afterwards tells.
    Unknown,
}

/// Why a call brought nothing. The texts are the API's own, made printable; no variant holds a key, a query or a page of HTML.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request never left.
    #[error("{call}: Datadog cannot be reached. Look at DNS, the proxy and the network policies between here and the site")]
    Unreachable {
        /// The call.
        call: Call,
        /// What stood in the way.
        source: TransportError,
    },
    /// The process was told to change nothing at Datadog.
    #[error("{call}: not sent, because the operator runs with --observe-only")]
    ObserveOnly {
        /// The call.
        call: Call,
    },
    /// The request left, its answer did not come, or not to its end.
    #[error("{call}: no complete answer came{}", doubt(*call))]
    NoAnswer {
        /// The call.
        call: Call,
        /// How it broke off.
        source: TransportError,
    },
    /// 429, or the own [`Budget`](super::Budget) knows that it would be one and sent nothing.
    #[error("{call}: the organization's request budget is used up, and nothing is sent until it is filled again")]
    Throttled {
        /// The call.
        call: Call,
        /// When the budget opens again.
        until: Instant,
    },
    /// 401.
    #[error("{call}: Datadog does not know the key (401: {texts}). Put a valid key of this site into the Secret")]
    Unauthorized {
        /// The call.
        call: Call,
        /// The API's reasons.
        texts: Texts,
    },
    /// 403: [`Error::missing_permission`] tells a valid key from a wrong one.
    #[error("{call}: Datadog refuses the key (403: {texts}). {}", refused(*call, texts))]
    Forbidden {
        /// The call.
        call: Call,
        /// The API's reasons.
        texts: Texts,
    },
    /// 404: the connection, the sink organization, or (without texts) the API itself is not there.
    #[error("{call}: not found (404: {texts})")]
    NotFound {
        /// The call.
        call: Call,
        /// The API's reasons.
        texts: Texts,
    },
    /// 409: the pair has a connection, ours or not. A list tells.
    #[error("{call}: the pair has a connection already (409: {texts})")]
    Conflict {
        /// The call.
        call: Call,
        /// The API's reasons.
        texts: Texts,
    },
    /// Any other 4xx: sink outside the account, limit reached, type unknown.
    #[error("{call}: Datadog rejects the request ({}: {texts}){}", .status.as_u16(), suspects(*call))]
    Rejected {
        /// The call.
        call: Call,
        /// The status.
        status: StatusCode,
        /// The API's reasons.
        texts: Texts,
    },
    /// 5xx or 408.
    #[error("{call}: Datadog is in trouble ({}: {texts}){}", .status.as_u16(), doubt(*call))]
    ServerError {
        /// The call.
        call: Call,
        /// The status.
        status: StatusCode,
        /// The API's reasons.
        texts: Texts,
    },
    /// An answer that is not what the API promises.
    #[error("{call}: the answer cannot be used, because {what}{}", doubt(*call))]
    Unreadable {
        /// The call.
        call: Call,
        /// What is wrong with it.
        what: Unreadable,
    },
    /// 3xx: not followed, a key goes to no other host.
    #[error("{call}: answered by a redirect ({}), which is not followed. Look at the proxy between here and the site", .status.as_u16())]
    RedirectRefused {
        /// The call.
        call: Call,
        /// The status.
        status: StatusCode,
    },
}

/// What is wrong with an answer whose status promised more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// No body.
    #[error("it is empty")]
    Empty,
    /// JSON that ends too early.
    #[error("it is cut short")]
    CutShort,
    /// HTML of a proxy, for example.
    #[error("it is not JSON; something between here and the site may have answered")]
    NotJson,
    /// JSON without the members that matter.
    #[error("it lacks what the API promises")]
    Shape,
    /// A status that the API does not use for this call.
    #[error("its status is {0}")]
    Status(u16),
    /// A create that answered with another pair: the key belongs to another organization than thought.
    #[error("it is about the pair {0}, which nobody asked for")]
    OtherPair(Pair),
    /// An update that answered with another connection.
    #[error("it is about connection {0}, which nobody asked for")]
    OtherConnection(ConnectionId),
}

impl Error {
    /// How to go on. A redirect, a 404 without a pair to blame and a 5xx are taken for trouble on the way: they end without a person.
    pub fn class(&self) -> Class {
        match self {
            Self::Unreachable { .. } | Self::NoAnswer { .. } | Self::ServerError { .. } | Self::Unreadable { .. } => Class::Transient,
            Self::RedirectRefused { .. } | Self::Conflict { .. } => Class::Transient,
            Self::Throttled { until, .. } => Class::Throttled { until: *until },
            Self::NotFound { call: Call::Create, texts } if !texts.is_empty() => Class::Permanent,
            Self::NotFound { .. } => Class::Transient,
            Self::Unauthorized { .. } | Self::Forbidden { .. } | Self::Rejected { .. } | Self::ObserveOnly { .. } => Class::Permanent,
        }
    }

    /// Whether a call that changes something did so nevertheless. Means nothing for a call that only reads.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Unreachable { .. } | Self::Throttled { .. } | Self::Unauthorized { .. } | Self::Forbidden { .. } => Outcome::NotDone,
            Self::NotFound { .. } | Self::Conflict { .. } | Self::Rejected { .. } | Self::ObserveOnly { .. } => Outcome::NotDone,
            Self::NoAnswer { .. } | Self::ServerError { .. } | Self::Unreadable { .. } | Self::RedirectRefused { .. } => Outcome::Unknown,
        }
    }

    /// The permission to add to the key, if the API said that the key is valid and that is all it lacks.
    pub fn missing_permission(&self) -> Option<&'static str> {
        if let Self::Forbidden { call, texts } = self { lacking(*call, texts) } else { None }
    }

    /// A fixed word for metrics.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "unreachable",
            Self::ObserveOnly { .. } => "observe_only",
            Self::NoAnswer { .. } => "no_answer",
            Self::Throttled { .. } => "throttled",
            Self::Unauthorized { .. } => "unauthorized",
            Self::Forbidden { .. } => "forbidden",
            Self::NotFound { .. } => "not_found",
            Self::Conflict { .. } => "conflict",
            Self::Rejected { .. } => "rejected",
            Self::ServerError { .. } => "server_error",
            Self::Unreadable { .. } => "unreadable",
            Self::RedirectRefused { .. } => "redirect_refused",
        }
    }

    pub(super) fn of_transport(call: Call, source: TransportError) -> Self {
        match source {
            TransportError::NotSent(_) => Self::Unreachable { call, source },
            TransportError::ObserveOnly => Self::ObserveOnly { call },
            TransportError::Broken(_) | TransportError::TooLarge | TransportError::TimedOut(_) => Self::NoAnswer { call, source },
        }
    }

    /// What a status other than success means. 429 is not among them: the budget knows until when.
    pub(super) fn of_status(call: Call, status: StatusCode, texts: Texts) -> Self {
        match status.as_u16() {
            300..=399 => Self::RedirectRefused { call, status },
            401 => Self::Unauthorized { call, texts },
            403 => Self::Forbidden { call, texts },
            404 => Self::NotFound { call, texts },
            409 => Self::Conflict { call, texts },
            408 | 500..=599 => Self::ServerError { call, status, texts },
            400..=499 => Self::Rejected { call, status, texts },
            other => Self::Unreadable { call, what: Unreadable::Status(other) },
        }
    }
}

fn doubt(call: Call) -> &'static str {
    match call {
        Call::Identity | Call::Organizations | Call::List => "",
        Call::Create | Call::Update(_) | Call::Delete(_) => "; the next list shows whether it took effect",
    }
}

fn suspects(call: Call) -> &'static str {
    match call {
        Call::Create => ". Check that the sink is an organization of the same account, how many connections it may have, and the types",
        Call::Update(_) => ". Check the connection types",
        Call::Identity | Call::Organizations | Call::List | Call::Delete(_) => "",
    }
}

fn lacking(call: Call, texts: &Texts) -> Option<&'static str> {
    call.permission().filter(|_| texts.mention(LACKS_PERMISSION))
}

fn refused(call: Call, texts: &Texts) -> String {
    match lacking(call, texts) {
        Some(permission) => format!("The key is valid: give its owner, and the key if it has scopes, the permission {permission}"),
        None => "Check that it is a key of this site, not revoked, and that no IP allowlist of the organization is in the way".to_owned(),
    }
}
