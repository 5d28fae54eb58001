//! From requests to operations. Pure.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;
use http::request::Parts;
use serde_json::Value;

use super::kind::Kind;
use super::refusal::Refusal;
use super::store::{Key, Part};

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Verb {
    Get,
    List,
    Watch,
    Create,
    Update,
    Patch,
    Apply,
    Delete,
}

/// Where it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) kind: Kind,
    /// `None` is all of them.
    pub(super) namespace: Option<String>,
    pub(super) name: Option<String>,
    pub(super) part: Part,
}

/// A request that was understood.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) address: Address,
    pub(super) operation: Operation,
}

#[derive(Debug, Clone)]
pub(super) enum Operation {
    Get(Key),
    List { labels: BTreeMap<String, String> },
    Watch { from: Option<u64>, lasts: Duration },
    Create(Key, Value),
    Update { key: Key, object: Value, manager: String },
    Merge { key: Key, patch: Value, manager: String },
    Apply { key: Key, body: Value, manager: String },
    Delete(Key),
}

impl Operation {
    pub(super) fn verb(&self) -> Verb {
        match self {
            Self::Get(_) => Verb::Get,
            Self::List { .. } => Verb::List,
            Self::Watch { .. } => Verb::Watch,
            Self::Create(..) => Verb::Create,
            Self::Update { .. } => Verb::Update,
            Self::Merge { .. } => Verb::Patch,
            Self::Apply { .. } => Verb::Apply,
            Self::Delete(_) => Verb::Delete,
        }
    }
}

/// Understands a request.
pub(super) fn read(request: &Parts, body: &[u8]) -> Result<Call, Refusal> {
    let unknown = || Refusal { message: format!("404 page not found: {}", request.uri.path()), ..Refusal::of_code(404) };
    let address = address(request.uri.path()).ok_or_else(unknown)?;
    let query = Query::of(request);
    let key = address.name.as_deref().zip(address.namespace.as_deref()).map(|(name, namespace)| Key::new(address.kind, namespace, name));
    let operation = match (&request.method, key) {
        (&Method::GET, Some(key)) => Operation::Get(key),
        (&Method::GET, None) if query.is("watch", "true") => watch(&query)?,
        (&Method::GET, None) => Operation::List { labels: query.labels()? },
        (&Method::POST, None) => create(&address, json(body)?)?,
        (&Method::PUT, Some(key)) => Operation::Update { key, object: json(body)?, manager: query.manager() },
        (&Method::PATCH, Some(key)) => patch(key, address.part, &query, request, json(body)?)?,
        (&Method::DELETE, Some(key)) => Operation::Delete(key),
        (method, _) => return Err(Refusal::unsupported(&format!("{method} {}", request.uri.path()))),
    };
    Ok(Call { address, operation })
}

fn address(path: &str) -> Option<Address> {
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    let (api_version, rest) = match segments.as_slice() {
        ["api", version, rest @ ..] => (Cow::Borrowed(*version), rest),
        ["apis", group, version, rest @ ..] => (Cow::Owned(format!("{group}/{version}")), rest),
        _ => return None,
    };
    let (namespace, plural, name, part) = match rest {
        [plural] => (None, plural, None, Part::Object),
        ["namespaces", namespace, plural] => (Some(*namespace), plural, None, Part::Object),
        ["namespaces", namespace, plural, name] => (Some(*namespace), plural, Some(*name), Part::Object),
        ["namespaces", namespace, plural, name, "status"] => (Some(*namespace), plural, Some(*name), Part::Status),
        _ => return None,
    };
    let kind = Kind::served(&api_version, plural)?;
    Some(Address { kind, namespace: namespace.map(str::to_owned), name: name.map(str::to_owned), part })
}

fn watch(query: &Query) -> Result<Operation, Refusal> {
    if query.get("labelSelector").is_some() || query.is("sendInitialEvents", "true") {
        return Err(Refusal::unsupported("a watch with a selector or with initial events"));
    }
    let from = query.number("resourceVersion")?.filter(|version| *version > 0);
    let lasts = Duration::from_secs(query.number("timeoutSeconds")?.unwrap_or(1800));
    Ok(Operation::Watch { from, lasts })
}

fn create(address: &Address, object: Value) -> Result<Operation, Refusal> {
    let namespace = address.namespace.as_deref().ok_or_else(|| Refusal::unsupported("a create without a namespace"))?;
    let name = object["metadata"]["name"].as_str().ok_or_else(|| Refusal::unsupported("a create without a name"))?;
    Ok(Operation::Create(Key::new(address.kind, namespace, name), object))
}

fn patch(key: Key, part: Part, query: &Query, request: &Parts, body: Value) -> Result<Operation, Refusal> {
    let form = request.headers.get(http::header::CONTENT_TYPE).and_then(|form| form.to_str().ok()).unwrap_or_default();
    let manager = query.manager();
    match (form, part) {
        ("application/merge-patch+json", _) => Ok(Operation::Merge { key, patch: body, manager }),
        ("application/apply-patch+yaml", Part::Status) if query.is("force", "true") => Ok(Operation::Apply { key, body, manager }),
        _ => Err(Refusal::unsupported(&format!("a patch of the form {form:?} to this address"))),
    }
}

fn json(body: &[u8]) -> Result<Value, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::bad_request(format!("the body is not JSON: {error}")))
}

struct Query(BTreeMap<String, String>);

impl Query {
    fn of(request: &Parts) -> Self {
        let url = format!("http://in-process/?{}", request.uri.query().unwrap_or_default());
        let pairs = reqwest::Url::parse(&url).expect("a query that http took is one of a URL");
        Self(pairs.query_pairs().into_owned().collect())
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Who owns what is written.
    fn manager(&self) -> String {
        self.get("fieldManager").unwrap_or("unknown").to_owned()
    }

    fn is(&self, name: &str, value: &str) -> bool {
        self.get(name) == Some(value)
    }

    fn number(&self, name: &str) -> Result<Option<u64>, Refusal> {
        let parse = |text: &str| text.parse().map_err(|_| Refusal::bad_request(format!("{name} is no number: {text}")));
        self.get(name).map(parse).transpose()
    }

    /// The labels that are asked for; equality alone.
    fn labels(&self) -> Result<BTreeMap<String, String>, Refusal> {
        let terms = self.get("labelSelector").unwrap_or_default().split(',').filter(|term| !term.is_empty());
        let pair = |term: &str| term.split_once('=').map(|(name, value)| (name.to_owned(), value.trim_start_matches('=').to_owned()));
        terms.map(|term| pair(term).ok_or_else(|| Refusal::unsupported(&format!("the label selector {term}")))).collect()
    }
}
