//! The kinds that are served, and the defaults that their definitions put into objects. Pure.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{CustomResourceDefinition, JSONSchemaProps};
use kube::Resource;
use serde_json::Value;

/// A kind of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    DatadogOrg,
    OrgConnection,
    Secret,
    Event,
    Lease,
}

/// The schemas of the custom kinds, as the operator's own definitions give them.
static SCHEMAS: LazyLock<BTreeMap<String, JSONSchemaProps>> = LazyLock::new(|| crossorg::api::crds().into_iter().map(schema).collect());

fn schema(crd: CustomResourceDefinition) -> (String, JSONSchemaProps) {
    let version = crd.spec.versions.into_iter().next().expect("a definition has a version");
    let schema = version.schema.and_then(|schema| schema.open_api_v3_schema).expect("a definition has a schema");
    (crd.spec.names.kind, schema)
}

impl Kind {
    const ALL: [Self; 5] = [Self::DatadogOrg, Self::OrgConnection, Self::Secret, Self::Event, Self::Lease];

    /// The word in `kind`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::DatadogOrg => "DatadogOrg",
            Self::OrgConnection => "OrgConnection",
            Self::Secret => "Secret",
            Self::Event => "Event",
            Self::Lease => "Lease",
        }
    }

    /// The word in paths.
    pub(crate) fn plural(self) -> &'static str {
        match self {
            Self::DatadogOrg => "datadogorgs",
            Self::OrgConnection => "orgconnections",
            Self::Secret => "secrets",
            Self::Event => "events",
            Self::Lease => "leases",
        }
    }

    /// What stands in `apiVersion`.
    pub(crate) fn api_version(self) -> &'static str {
        match self {
            Self::DatadogOrg | Self::OrgConnection => "crossorg.dev/v1alpha1",
            Self::Secret => "v1",
            Self::Event => "events.k8s.io/v1",
            Self::Lease => "coordination.k8s.io/v1",
        }
    }

    /// The kind of a Rust type.
    pub(crate) fn of<K: Resource<DynamicType = ()>>() -> Self {
        let (version, plural) = (K::api_version(&()), K::plural(&()));
        Self::served(&version, &plural).unwrap_or_else(|| panic!("{version} {plural} is not served here"))
    }

    /// The kind of a manifest.
    pub(crate) fn of_manifest(manifest: &Value) -> Self {
        let known = |kind: &Self| manifest["kind"] == kind.name() && manifest["apiVersion"] == kind.api_version();
        Self::ALL.into_iter().find(known).unwrap_or_else(|| panic!("no kind that is served here: {manifest}"))
    }

    /// The kind at an address.
    pub(super) fn served(api_version: &str, plural: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.api_version() == api_version && kind.plural() == plural)
    }

    /// Whether it has a status of its own and counts the generations of its spec.
    pub(super) fn is_custom(self) -> bool {
        matches!(self, Self::DatadogOrg | Self::OrgConnection)
    }

    /// Puts in what the definition says about members that are missing.
    pub(super) fn fill_in(self, object: &mut Value) {
        if let Some(schema) = SCHEMAS.get(self.name()) {
            fill_in(schema, object);
        }
    }
}

fn fill_in(schema: &JSONSchemaProps, value: &mut Value) {
    let (Some(properties), Some(members)) = (&schema.properties, value.as_object_mut()) else { return };
    for (name, property) in properties {
        if let (Some(default), false) = (&property.default, members.contains_key(name)) {
            members.insert(name.clone(), default.0.clone());
        }
        if let Some(member) = members.get_mut(name) {
            fill_in(property, member);
        }
    }
}
