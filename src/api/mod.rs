//! The two kinds and what Kubernetes is told about them: spec, status, admission rules, printer columns; nothing else.

pub mod conditions;
pub mod datadog_org;
pub mod fields;
pub mod org_connection;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;

pub use datadog_org::DatadogOrg;
pub use org_connection::OrgConnection;

/// Finalizer of an OrgConnection that may own something at Datadog.
pub const CONNECTION_FINALIZER: &str = "crossorg.dev/connection";
/// Finalizer of a DatadogOrg: it stays until no OrgConnection claims through it.
pub const IN_USE_FINALIZER: &str = "crossorg.dev/in-use";
/// Annotation that records the intent to own a connection, before anything is done at Datadog.
pub const CLAIM_ANNOTATION: &str = "crossorg.dev/claim";
/// Label by which all objects that claim one pair are listed.
pub const PAIR_LABEL: &str = "crossorg.dev/pair";
/// Annotation by which a person asks for a fresh list and the end of every wait; its value is echoed in the status.
pub const RECONCILE_REQUEST_ANNOTATION: &str = "crossorg.dev/reconcile-requested-at";
/// Annotation of a DatadogOrg by which a person lets all deletions through until a time, at most 24 h ahead.
pub const APPROVAL_ANNOTATION: &str = "crossorg.dev/approve-deletions-until";
/// The field manager of everything that the operator applies.
pub const FIELD_MANAGER: &str = "crossorg";

/// The custom resource definitions, in the order in which they are applied.
pub fn crds() -> [CustomResourceDefinition; 2] {
    [DatadogOrg::crd(), OrgConnection::crd()]
}

/// The custom resource definitions as one YAML stream.
///
/// # Errors
/// A definition cannot be written as YAML; a test sees to it that it can.
pub fn manifests() -> Result<String, serde_yaml::ser::Error> {
    crds().iter().map(|crd| Ok(format!("---\n{}", serde_yaml::to_string(crd)?))).collect()
}

#[cfg(test)]
mod tests;
