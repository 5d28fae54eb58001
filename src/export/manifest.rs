//! An OrgConnection as a person would write it: what is the default is left out. Pure.

use serde::Serialize;
use serde_yaml::Commented;

use crate::api::fields::LocalRef;
use crate::api::org_connection::AdoptionPolicy;
use crate::decide::model::{ConnectionTypes, Organization};

/// What a manifest says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Manifest {
    pub(super) name: String,
    pub(super) namespace: String,
    /// The DatadogOrg of the source.
    pub(super) source: String,
    pub(super) sink: Sink,
    pub(super) types: ConnectionTypes,
}

/// How the sink is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sink {
    /// By its DatadogOrg.
    Ref(String),
    /// By its id, with its name for the reader.
    Id(Organization),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata<'a>,
    spec: Spec,
}

#[derive(Serialize)]
struct Metadata<'a> {
    name: &'a str,
    namespace: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    source_org_ref: LocalRef,
    sink_org: SinkField,
    connection_types: Vec<String>,
    adoption_policy: AdoptionPolicy,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum SinkField {
    Ref(LocalRef),
    Id(Commented<String>),
}

impl Manifest {
    /// It as one document of a YAML stream.
    pub(super) fn document(&self) -> Result<String, serde_yaml::ser::Error> {
        let sink_org = match &self.sink {
            Sink::Ref(name) => SinkField::Ref(LocalRef { name: name.clone() }),
            Sink::Id(organization) => SinkField::Id(Commented(organization.id.to_string(), organization.name.clone())),
        };
        let document = Document {
            api_version: "crossorg.dev/v1alpha1",
            kind: "OrgConnection",
            metadata: Metadata { name: &self.name, namespace: &self.namespace },
            spec: Spec {
                source_org_ref: LocalRef { name: self.source.clone() },
                sink_org,
                connection_types: self.types.to_vec(),
                adoption_policy: AdoptionPolicy::IfIdentical,
            },
        };
        Ok(format!("---\n{}", serde_yaml::to_string(&document)?))
    }
}
