//! The client of one organization.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use http::{HeaderValue, Request, Response, StatusCode, Uri};
use jiff::Timestamp;
use tokio::time::{Instant, timeout};
use tower::ServiceExt;

use super::clock::{self, ServerClock};
use super::listing::{self, Gathering, PAGE_ROWS};
use super::{
    Budget, Call, Credentials, Error, Listing, Observation, Observer, Patched, Texts, Transport, TransportError, Unreadable, wire,
};
use crate::decide::model::{Connection, ConnectionId, ConnectionTypes, Identity, OrgId, Organization, Pair};

/// The time from sending a request to the last byte of its answer. Recorded answers take a tenth of a second, a full page of a thousand
/// rows perhaps one; who drips or stalls for longer holds up an organization's next look at the truth, and a slot of the executor.
pub const DEADLINE: Duration = Duration::from_secs(10);

const AGENT: HeaderValue = HeaderValue::from_static(concat!("crossorg/", env!("CARGO_PKG_VERSION")));
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// How a deletion ended. In both cases the connection is not there any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deleted {
    /// This call took it away.
    Now,
    /// The API does not know it: deleted before, by us or by either side.
    AlreadyGone,
}

/// Speaks for one organization with one key. Cheap to clone; clones share the budget and the clock.
#[derive(Clone)]
pub struct Client {
    transport: Transport,
    base: String,
    credentials: Credentials,
    budget: Budget,
    clock: ServerClock,
    observer: Option<Observer>,
}

/// A value that was read from an answer, and the organization's time when it was asked for.
struct Answer<T> {
    value: T,
    asked_at: Option<Timestamp>,
}

/// What a request carries beside the key.
enum Input {
    Nothing,
    Page { offset: usize },
    Json(Vec<u8>),
}

impl Client {
    /// A client with a budget of its own that nobody watches. `base` is `https://api.<site>`, or where a double listens; its query, if
    /// any, is dropped.
    pub fn new(transport: Transport, base: &Uri, credentials: Credentials) -> Self {
        let (scheme, authority) = (base.scheme_str().unwrap_or("https"), base.authority().map_or("", |authority| authority.as_str()));
        let base = format!("{scheme}://{authority}{}", base.path().trim_end_matches('/'));
        Self { transport, base, credentials, budget: Budget::default(), clock: ServerClock::default(), observer: None }
    }

    /// The same client on a budget that others of the same organization use too.
    #[must_use]
    pub fn with_budget(self, budget: Budget) -> Self {
        Self { budget, ..self }
    }

    /// The same client, telling `observer` of each request.
    #[must_use]
    pub fn observed_by(self, observer: Observer) -> Self {
        Self { observer: Some(observer), ..self }
    }

    /// The budget that this client draws on.
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// The key that this client uses.
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Whether the other speaks with the same key to the same site.
    pub fn is_like(&self, other: &Self) -> bool {
        self.credentials == other.credentials && self.base == other.base
    }

    /// The organization's time now in whole seconds, reckoned from its last answer that could be read; never ahead of it. Unknown before
    /// the first answer.
    pub fn organization_time(&self) -> Option<Timestamp> {
        self.clock.at(Instant::now())
    }

    /// What the key proves: organization, principal, permissions of the owner (a key's scopes may narrow them).
    ///
    /// # Errors
    /// [`Error`]; nothing is known about the key then, unless it says `Unauthorized` or `Forbidden`.
    pub async fn identity(&self) -> Result<Identity, Error> {
        Ok(self.call(Call::Identity, Input::Nothing, wire::identity).await?.value)
    }

    /// The organizations of the account as far as the key may see them, its own among them, sorted by id. Each has its name as Datadog
    /// shows it, made printable; only its own may have none.
    ///
    /// # Errors
    /// [`Error`]; needs one of two permissions, which [`missing_permission`](Error::missing_permission) names. An answer that leaves out
    /// the name of another organization is none: that a name is unique could not be told from it.
    pub async fn organizations(&self) -> Result<Vec<Organization>, Error> {
        Ok(self.call(Call::Organizations, Input::Nothing, wire::organizations).await?.value)
    }

    /// All connections in which the organization is source or sink, through every page. A list of several pages and one that the API does
    /// not count are read twice, see [`Listing::complete`].
    ///
    /// # Errors
    /// [`Error`] of the first page that does not come; there is no list then.
    pub async fn list(&self, organization: OrgId) -> Result<Listing, Error> {
        let (first, needs_confirmation) = self.list_once(organization).await?;
        if needs_confirmation && first.complete.is_ok() {
            let (second, _) = self.list_once(organization).await?;
            return Ok(listing::confirmed(first, &second));
        }
        Ok(first)
    }

    /// Makes a connection from `pair.source`, which has to be this client's organization, to `pair.sink`.
    ///
    /// # Errors
    /// [`Error`]; its [`outcome`](Error::outcome) tells whether the connection may exist nevertheless.
    pub async fn create(&self, pair: Pair, types: &ConnectionTypes) -> Result<Connection, Error> {
        let input = Input::Json(wire::create_body(pair.sink, types));
        Ok(self.call(Call::Create, input, |body| wire::created(body, pair)).await?.value)
    }

    /// Gives a connection these types and no others.
    ///
    /// # Errors
    /// [`Error`]; its [`outcome`](Error::outcome) tells whether the types may have changed nevertheless.
    pub async fn update(&self, id: ConnectionId, types: &ConnectionTypes) -> Result<Patched, Error> {
        let input = Input::Json(wire::update_body(id, types));
        Ok(self.call(Call::Update(id), input, |body| wire::patched(body, id)).await?.value)
    }

    /// Takes a connection away. Works from either side.
    ///
    /// # Errors
    /// [`Error`]; its [`outcome`](Error::outcome) tells whether it may be gone nevertheless. A 404 that does not come from the API (a page
    /// of HTML) is an error and proves nothing.
    pub async fn delete(&self, id: ConnectionId) -> Result<Deleted, Error> {
        match self.call(Call::Delete(id), Input::Nothing, wire::deleted).await {
            Ok(_) => Ok(Deleted::Now),
            Err(Error::NotFound { texts, .. }) if !texts.is_empty() => Ok(Deleted::AlreadyGone),
            Err(error) => Err(error),
        }
    }

    /// One pass through the pages, and whether a second has to confirm it.
    async fn list_once(&self, organization: OrgId) -> Result<(Listing, bool), Error> {
        let (mut gathering, mut began) = (Gathering::of(organization), None);
        while let Some(offset) = gathering.next_offset() {
            let page = self.call(Call::List, Input::Page { offset }, wire::page).await?;
            if offset == 0 {
                began = page.asked_at;
            }
            gathering.add(page.value);
        }
        let needs_confirmation = gathering.needs_confirmation();
        Ok((gathering.finish(began), needs_confirmation))
    }

    /// Budget, request, answer, value: the one way to the API.
    async fn call<T>(&self, call: Call, input: Input, read: impl FnOnce(&[u8]) -> Result<T, Unreadable>) -> Result<Answer<T>, Error> {
        self.budget.admit(call).map_err(|until| Error::Throttled { call, until })?;
        let sent = Instant::now();
        let result = self.exchange(call, input).await.and_then(|response| {
            let value = read(response.body()).map_err(|what| Error::Unreadable { call, what })?;
            // Any other answer may be that of something in between, with a clock of its own.
            let date = clock::date(response.headers()).inspect(|date| self.clock.set(*date, Instant::now()));
            Ok(Answer { value, asked_at: date.and_then(|date| clock::sent_at(date, sent.elapsed())) })
        });
        if let (Some(observer), false) = (&self.observer, matches!(result, Err(Error::ObserveOnly { .. }))) {
            let (class, result) = result.as_ref().map_or_else(|error| (error.class().name(), error.label()), |_| ("ok", "ok"));
            observer(&Observation { call: call.name(), route: call.route(), class, result, elapsed: sent.elapsed() });
        }
        result
    }

    /// Sends the request and lets the budget learn from the answer, whatever it is. Success is 200 alone: the API uses no other.
    async fn exchange(&self, call: Call, input: Input) -> Result<Response<Bytes>, Error> {
        let failed = |error| Error::of_transport(call, error);
        let request = self.request(call, input).map_err(|error| failed(TransportError::NotSent(error.into())))?;
        let response = match timeout(DEADLINE, self.transport.clone().oneshot(request)).await {
            Ok(answered) => answered.map_err(failed)?,
            Err(_) => return Err(failed(TransportError::TimedOut(DEADLINE))),
        };
        let exhausted_until = self.budget.learn(call, response.status(), response.headers());
        match response.status() {
            StatusCode::OK => Ok(response),
            StatusCode::TOO_MANY_REQUESTS => Err(Error::Throttled { call, until: exhausted_until.unwrap_or_else(Instant::now) }),
            status => Err(Error::of_status(call, status, Texts::read(response.body(), &self.credentials))),
        }
    }

    fn request(&self, call: Call, input: Input) -> Result<Request<Bytes>, http::Error> {
        let (query, body) = match input {
            Input::Nothing => (String::new(), None),
            Input::Page { offset } => (format!("?limit={PAGE_ROWS}&offset={offset}"), None),
            Input::Json(body) => (String::new(), Some(body)),
        };
        let uri = format!("{}{}{query}", self.base, call.path());
        let mut request = Request::builder().method(call.method()).uri(uri).body(Bytes::new())?;
        request.headers_mut().insert(ACCEPT, JSON);
        request.headers_mut().insert(USER_AGENT, AGENT);
        self.credentials.sign(request.headers_mut());
        if let Some(body) = body {
            request.headers_mut().insert(CONTENT_TYPE, JSON);
            *request.body_mut() = body.into();
        }
        Ok(request)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base", &self.base).field("credentials", &self.credentials).finish_non_exhaustive()
    }
}
