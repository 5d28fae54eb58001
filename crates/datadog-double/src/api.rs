//! The endpoints: a request in, an answer out. Pure but for the state it is given to change.

use jiff::Timestamp;
use uuid::Uuid;

use crate::auth::{self, Caller, Presented};
use crate::config::{Behaviour, READ, WRITE};
use crate::faults::ListFault;
use crate::history::Moment;
use crate::refusal::Refusal;
use crate::reply::Reply;
use crate::sources::Ids;
use crate::state::World;

mod connections;
pub(crate) use connections::permit;
mod identity;
mod listing;

const CONNECTIONS: &str = "/api/v2/org_connections";

/// The parts of a request that an endpoint looks at.
#[derive(Clone)]
pub(crate) struct Question {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) keys: Presented,
    pub(crate) body: Vec<u8>,
}

impl Question {
    fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The id at the end of `/api/v2/org_connections/{id}`, well-formed or not.
    pub(crate) fn connection_id(&self) -> Option<&str> {
        self.path.strip_prefix(CONNECTIONS)?.strip_prefix('/')
    }

    pub(crate) fn is_create(&self) -> bool {
        self.method == "POST" && self.path == CONNECTIONS
    }

    pub(crate) fn is_list(&self) -> bool {
        self.method == "GET" && self.path == CONNECTIONS
    }

    /// The sink a POST asks for, if its body can be read.
    pub(crate) fn wanted_sink(&self) -> Option<Uuid> {
        connections::wanted_sink(&self.body)
    }
}

/// What an answer depends on besides the question.
pub(crate) struct Scene<'a> {
    pub(crate) world: &'a mut World,
    pub(crate) ids: &'a mut Ids,
    pub(crate) behaviour: &'a Behaviour,
    pub(crate) now: Timestamp,
    pub(crate) moment: Moment,
    /// Faults that change what a list shows.
    pub(crate) list_faults: Vec<ListFault>,
    /// A fault: answer a GET as if this organization had asked.
    pub(crate) instead_of_caller: Option<Uuid>,
}

/// The organization whose budget a request draws on; `None` when nobody valid asks.
pub(crate) fn payer(world: &World, question: &Question) -> Option<Uuid> {
    match question.path.as_str() {
        "/api/v2/validate" => auth::organization_by_api_key(world, &question.keys).ok().map(|organization| organization.id),
        _ => auth::identify(world, &question.keys).ok().map(|caller| caller.organization),
    }
}

/// Answers one request.
pub(crate) fn answer(question: &Question, scene: &mut Scene<'_>) -> Result<Reply, Refusal> {
    match (question.method.as_str(), question.path.as_str()) {
        ("GET", "/api/v2/validate") => identity::validate(auth::organization_by_api_key(scene.world, &question.keys)?),
        ("GET", CONNECTIONS) => listing::list(question, scene, &allowed(question, scene, &[READ])?),
        ("POST", CONNECTIONS) => connections::create(question, scene, &allowed(question, scene, &[WRITE])?),
        ("GET", "/api/v2/current_user") => identity::current_user(scene, &allowed(question, scene, &[])?),
        ("GET", "/api/v2/org") => identity::organizations(question, scene, &allowed(question, scene, identity::MAY_LIST_ORGANIZATIONS)?),
        ("GET", "/api/v2/validate_keys") => allowed(question, scene, &[]).map(|_| Reply::json(200, "{\"status\":\"ok\"}\n")),
        ("PATCH" | "DELETE", _) => change(question, scene),
        _ => Err(Refusal::NotFound),
    }
}

fn change(question: &Question, scene: &mut Scene<'_>) -> Result<Reply, Refusal> {
    let raw_id = question.connection_id().ok_or(Refusal::NotFound)?;
    let caller = allowed(question, scene, &[WRITE])?;
    let id = strict_uuid(raw_id).ok_or(Refusal::MalformedId)?;
    if question.method == "PATCH" { connections::update(question, scene, &caller, id) } else { connections::delete(scene, &caller, id) }
}

/// Proves the caller and its permission; an empty list of permissions asks for none.
fn allowed(question: &Question, scene: &Scene<'_>, any_of: &[&str]) -> Result<Caller, Refusal> {
    let caller = auth::identify(scene.world, &question.keys)?;
    let stand_in = scene.instead_of_caller.filter(|_| question.method == "GET").and_then(|id| scene.world.organization(id));
    let caller = stand_in
        .and_then(|organization| organization.credentials.first().map(|credential| Caller::of(organization, credential)))
        .unwrap_or(caller);
    if !any_of.is_empty() {
        caller.may(any_of)?;
    }
    Ok(caller)
}

/// A UUID in the hyphenated form; other spellings are malformed.
pub(crate) fn strict_uuid(text: &str) -> Option<Uuid> {
    if text.len() == 36 { Uuid::try_parse(text).ok() } else { None }
}
