//! What can go wrong with a request, as values that a test scripts. Pure.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::history::Stale;

mod distortion;
mod script;
pub(crate) use distortion::distort;
pub(crate) use script::{Chosen, Script};

/// On which side of the effect a fault lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// The request changes nothing until the fault is over, and never if the fault ends it.
    Before,
    /// The request has taken effect already.
    After,
}

/// An answer that a test writes itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scripted {
    /// The HTTP status; 500 in the place of one that HTTP does not know.
    pub status: u16,
    /// `application/json` unless said otherwise.
    #[serde(default = "json")]
    pub content_type: String,
    /// Further headers; one that HTTP cannot carry is left out.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// The body, byte for byte.
    #[serde(default)]
    pub body: String,
}

/// One thing that goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// A pause.
    Delay {
        /// Before or after the effect.
        when: When,
        /// How long.
        millis: u64,
    },
    /// A pause that lasts until the rule is released.
    Hold {
        /// Before or after the effect.
        when: When,
    },
    /// The connection closes without an answer.
    Drop {
        /// Before or after the effect.
        when: When,
    },
    /// Another answer than the true one.
    Answer {
        /// Before or after the effect.
        when: When,
        /// The answer.
        answer: Scripted,
    },
    /// An HTML page, as gateways and maintenance modes send it; with status 200 it is the nastiest.
    Html {
        /// Before or after the effect.
        when: When,
        /// The HTTP status.
        status: u16,
    },
    /// 429 before the effect.
    TooManyRequests {
        /// The text of `X-RateLimit-Reset`, sensible or not; `null`: no rate-limit headers at all.
        reset: Option<String>,
        /// An HTML body instead of the recorded JSON.
        #[serde(default)]
        html: bool,
    },
    /// The true answer, cut after so many bytes of its body by a broken connection.
    Truncate {
        /// How many bytes of the body arrive.
        keep: usize,
    },
    /// The true status with an empty body.
    EmptyBody,
    /// The true answer, said to be gzip although it is not.
    WrongGzip,
    /// The true answer, one byte at a time.
    Drip {
        /// The pause before each byte.
        millis: u64,
    },
    /// The true status with a body of so many spaces.
    Huge {
        /// Length of the body.
        bytes: usize,
    },
    /// A wrong list.
    List {
        /// What is wrong with it.
        list: ListFault,
    },
    /// A GET is answered as if another organization had asked.
    OtherOrganization {
        /// That organization.
        organization: Uuid,
    },
}

/// What can be wrong with a list that is answered 200.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "list", rename_all = "snake_case", deny_unknown_fields)]
pub enum ListFault {
    /// No rows, and counts of zero.
    Empty,
    /// Only the first rows of the page.
    Short {
        /// How many.
        keep: usize,
        /// Whether the counts admit it.
        counts: Counts,
    },
    /// The rows of an earlier moment.
    Stale {
        /// How much earlier.
        stale: Stale,
    },
    /// One row of another form.
    Odd {
        /// Its index in the page.
        row: usize,
        /// The form.
        shape: OddShape,
    },
    /// No counts.
    WithoutMeta,
    /// The rows of the page in reverse order.
    Reversed,
}

/// What the counts of a short list say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counts {
    /// The true counts: the list can be seen to be short.
    Full,
    /// As many as there are rows: the list cannot be seen to be short.
    Reduced,
}

/// Forms of a row that the schema allows and nobody expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OddShape {
    /// No `relationships`.
    WithoutRelationships,
    /// `relationships` whose members have no `data`.
    WithoutData,
    /// A connection type of the future, `traces`, beside the known ones.
    UnknownType,
}

/// Which requests a fault befalls, and how often. The first rule that matches and is not used up decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Only requests with a key of this organization.
    #[serde(default)]
    pub organization: Option<Uuid>,
    /// Only this method.
    #[serde(default)]
    pub method: Option<String>,
    /// Only paths that begin so.
    #[serde(default)]
    pub path_prefix: Option<String>,
    /// So many matching requests pass unharmed first.
    #[serde(default)]
    pub skip: u64,
    /// How many requests it befalls then; once unless said otherwise, `null` for ever.
    #[serde(default = "once")]
    pub times: Option<u64>,
    /// What happens to them, in this order.
    pub faults: Vec<Fault>,
}

impl Rule {
    /// Befalls the next request.
    #[must_use]
    pub fn new(fault: Fault) -> Self {
        Self { organization: None, method: None, path_prefix: None, skip: 0, times: once(), faults: vec![fault] }
    }

    /// Something else happens to the same requests.
    #[must_use]
    pub fn and(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// Only requests with a key of this organization.
    #[must_use]
    pub fn organization(self, id: Uuid) -> Self {
        Self { organization: Some(id), ..self }
    }

    /// Only this method.
    #[must_use]
    pub fn method(self, method: &str) -> Self {
        Self { method: Some(method.to_owned()), ..self }
    }

    /// Only paths that begin so.
    #[must_use]
    pub fn path(self, prefix: &str) -> Self {
        Self { path_prefix: Some(prefix.to_owned()), ..self }
    }

    /// So many matching requests pass unharmed first.
    #[must_use]
    pub fn skip(self, skip: u64) -> Self {
        Self { skip, ..self }
    }

    /// Befalls so many requests.
    #[must_use]
    pub fn times(self, times: u64) -> Self {
        Self { times: Some(times), ..self }
    }

    /// Befalls requests until it is removed.
    #[must_use]
    pub fn always(self) -> Self {
        Self { times: None, ..self }
    }
}

impl Fault {
    /// A JSON answer with this status instead of the true one.
    #[must_use]
    pub fn status(when: When, status: u16) -> Self {
        let body = format!("{{\"errors\":[\"scripted {status}\"]}}");
        Self::Answer { when, answer: Scripted { status, content_type: json(), headers: Vec::new(), body } }
    }

    /// A wrong list.
    #[must_use]
    pub fn list(list: ListFault) -> Self {
        Self::List { list }
    }

    /// A stale list.
    #[must_use]
    pub fn stale(stale: Stale) -> Self {
        Self::List { list: ListFault::Stale { stale } }
    }
}

fn json() -> String {
    "application/json".to_owned()
}

#[expect(clippy::unnecessary_wraps, reason = "serde wants the field's type")]
fn once() -> Option<u64> {
    Some(1)
}
