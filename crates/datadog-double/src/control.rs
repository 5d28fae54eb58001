//! The control interface over HTTP, for tests in other processes and other languages: JSON in, JSON out, under `/_double/`.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::{Path, Query, State as Handle};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, patch, post, put};
use axum::{Json, Router};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::config::{Credential, Limit};
use crate::double::{ControlError, Double, State};
use crate::faults::Rule;
use crate::journal::{Entry, Tally};
use crate::monitor::{Broken, Violation};
use crate::state::Connection;

type Answer<T> = Result<Json<T>, ControlError>;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Since {
    /// Only entries with a larger number.
    since: u64,
}

#[derive(Serialize)]
struct Violations {
    counts: BTreeMap<Broken, usize>,
    violations: Vec<Violation>,
}

#[derive(Serialize)]
struct RuleId {
    id: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewConnection {
    person: String,
    source: Uuid,
    sink: Uuid,
    connection_types: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConnectionChange {
    connection_types: Option<Vec<String>>,
    protected: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OrganizationChange {
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CredentialChange {
    enabled: Option<bool>,
    permissions: Option<BTreeSet<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Use {
    requests: u64,
}

/// The routes, relative to `/_double`.
pub(crate) fn routes(double: &Double) -> Router {
    Router::new()
        .route("/state", get(state))
        .route("/journal", get(journal).delete(clear_journal))
        .route("/tally", get(tally))
        .route("/violations", get(violations).delete(clear_violations))
        .route("/rules", get(rules).post(script).delete(clear_script))
        .route("/rules/{id}", delete(remove_rule))
        .route("/rules/{id}/release", post(release))
        .route("/connections", post(create))
        .route("/connections/{id}", patch(change).delete(remove))
        .route("/users/{id}/deactivate", post(deactivate))
        .route("/organizations", post(add_organization))
        .route("/organizations/{id}", patch(rename))
        .route("/organizations/{id}/limit", put(set_limit).delete(remove_limit))
        .route("/organizations/{id}/limit/use", post(use_budget))
        .route("/organizations/{id}/credentials", post(add_credential))
        .route("/organizations/{id}/credentials/{credential}", patch(change_credential))
        .with_state(double.clone())
}

impl IntoResponse for ControlError {
    fn into_response(self) -> Response {
        let status = match self {
            Self::Unknown { .. } => StatusCode::NOT_FOUND,
            Self::Refused(_) => StatusCode::CONFLICT,
        };
        let cause = std::error::Error::source(&self).map(ToString::to_string);
        (status, Json(json!({ "error": self.to_string(), "cause": cause }))).into_response()
    }
}

async fn state(Handle(double): Handle<Double>) -> Json<State> {
    Json(double.state())
}

async fn journal(Handle(double): Handle<Double>, Query(Since { since }): Query<Since>) -> Json<Vec<Entry>> {
    Json(double.journal().into_iter().filter(|entry| entry.seq > since).collect())
}

async fn clear_journal(Handle(double): Handle<Double>) {
    double.clear_journal();
}

async fn tally(Handle(double): Handle<Double>) -> Json<Tally> {
    Json(double.tally())
}

async fn violations(Handle(double): Handle<Double>) -> Json<Violations> {
    Json(Violations { counts: double.broken(), violations: double.violations() })
}

async fn clear_violations(Handle(double): Handle<Double>) {
    double.clear_violations();
}

async fn rules(Handle(double): Handle<Double>) -> Json<BTreeMap<u64, Rule>> {
    Json(double.rules())
}

async fn script(Handle(double): Handle<Double>, Json(rule): Json<Rule>) -> Json<RuleId> {
    Json(RuleId { id: double.script(rule) })
}

async fn clear_script(Handle(double): Handle<Double>) {
    double.clear_script();
}

async fn remove_rule(Handle(double): Handle<Double>, Path(id): Path<u64>) -> Result<(), ControlError> {
    double.remove_rule(id)
}

async fn release(Handle(double): Handle<Double>, Path(id): Path<u64>) -> Result<(), ControlError> {
    double.release(id)
}

async fn create(Handle(double): Handle<Double>, Json(new): Json<NewConnection>) -> Answer<Connection> {
    let NewConnection { person, source, sink, connection_types } = new;
    double.create_as(&person, source, sink, &borrowed(&connection_types)).map(Json)
}

async fn change(Handle(double): Handle<Double>, Path(id): Path<Uuid>, Json(change): Json<ConnectionChange>) -> Result<(), ControlError> {
    let ConnectionChange { connection_types, protected } = change;
    if let Some(types) = connection_types {
        double.change_types(id, &borrowed(&types))?;
    }
    match protected {
        Some(true) => double.protect(id),
        Some(false) => double.unprotect(id),
        None => Ok(()),
    }
}

async fn remove(Handle(double): Handle<Double>, Path(id): Path<Uuid>) -> Answer<Connection> {
    double.delete(id).map(Json)
}

async fn deactivate(Handle(double): Handle<Double>, Path(id): Path<Uuid>) -> Answer<Vec<Connection>> {
    double.deactivate_user(id).map(Json)
}

async fn add_organization(Handle(double): Handle<Double>, Json(organization): Json<crate::config::Organization>) {
    double.add_organization(organization);
}

async fn rename(Handle(double): Handle<Double>, Path(id): Path<Uuid>, Json(change): Json<OrganizationChange>) -> Result<(), ControlError> {
    double.rename(id, &change.name)
}

async fn set_limit(Handle(double): Handle<Double>, Path(id): Path<Uuid>, Json(limit): Json<Limit>) -> Result<(), ControlError> {
    double.set_limit(id, Some(limit))
}

async fn remove_limit(Handle(double): Handle<Double>, Path(id): Path<Uuid>) -> Result<(), ControlError> {
    double.set_limit(id, None)
}

async fn use_budget(Handle(double): Handle<Double>, Path(id): Path<Uuid>, Json(other): Json<Use>) {
    double.use_budget(id, other.requests);
}

async fn add_credential(Handle(double): Handle<Double>, Path(id): Path<Uuid>, Json(new): Json<Credential>) -> Result<(), ControlError> {
    double.add_credential(id, new)
}

async fn change_credential(
    Handle(double): Handle<Double>,
    Path((organization, id)): Path<(Uuid, String)>,
    Json(change): Json<CredentialChange>,
) -> Result<(), ControlError> {
    let CredentialChange { enabled, permissions } = change;
    match enabled {
        Some(true) => double.restore(organization, &id)?,
        Some(false) => double.revoke(organization, &id)?,
        None => {}
    }
    match permissions {
        Some(permissions) => double.set_permissions(organization, &id, &permissions.iter().map(String::as_str).collect::<Vec<_>>()),
        None => Ok(()),
    }
}

fn borrowed(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}
