//! `OrgConnection`: the source organization shares telemetry with the sink organization.

#![expect(unreachable_pub, reason = "the derive repeats the struct in a private module to check its rules")]
#![expect(clippy::duplicated_attributes, reason = "each printer column has a name, a type and a path")]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fields::{LocalRef, OrganizationStatus, PrincipalStatus, UuidText, conditions};

/// Which organization may read which telemetry of which other one.
#[derive(CustomResource, KubeSchema, Debug, Clone, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "crossorg.dev",
    version = "v1alpha1",
    kind = "OrgConnection",
    namespaced,
    status = "OrgConnectionStatus",
    shortname = "oconn",
    category = "datadog",
    doc = "A Datadog cross-organization connection: the sink organization may read the named telemetry of the source organization.",
    derive = "PartialEq",
    printcolumn(name = "Ready", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].status"#),
    printcolumn(name = "Reason", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].reason"#),
    printcolumn(name = "Source", type_ = "string", json_path = ".status.source.name"),
    printcolumn(name = "Sink", type_ = "string", json_path = ".status.sink.name"),
    printcolumn(name = "Types", type_ = "string", json_path = ".spec.connectionTypes"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Id", type_ = "string", json_path = ".status.connectionId", priority = 1),
    printcolumn(name = "Message", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].message"#, priority = 1)
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("!has(self.sinkOrg.ref) || self.sinkOrg.ref.name != self.sourceOrgRef.name")
        .message("sinkOrg.ref must name another DatadogOrg than sourceOrgRef: an organization cannot share with itself")
        .field_path(".sinkOrg.ref")
)]
pub struct OrgConnectionSpec {
    /// The DatadogOrg, in the same namespace, whose telemetry is shared. Its credentials create the connection. It cannot change.
    #[x_kube(
        validation = Rule::new("self == oldSelf")
            .message("sourceOrgRef cannot be changed: Datadog cannot move a connection; delete this object and create another")
    )]
    pub source_org_ref: LocalRef,

    /// The organization that may read: exactly one of `id`, `name` and `ref`. It cannot change.
    #[x_kube(
        validation = Rule::new("self == oldSelf")
            .message("sinkOrg cannot be changed: Datadog cannot move a connection; delete this object and create another")
    )]
    pub sink_org: SinkOrg,

    /// The telemetry that is shared: any of `logs`, `metrics`, `audit`, and whatever Datadog adds. The list is the whole truth: a
    /// type that is taken out of it is no longer shared.
    #[schemars(length(min = 1, max = 16), inner(length(min = 1, max = 64), regex(pattern = "^[a-z][a-z0-9_]*$")))]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    #[x_kube(
        validation = Rule::new("self.all(t, self.exists_one(u, u == t))")
            .message("connectionTypes must not name a type twice: remove the repeated one")
    )]
    pub connection_types: Vec<String>,

    /// What the operator may do at Datadog for this object. `Full`: create, change and delete. `Observe`: only look, and say in
    /// `status.plan` what would be done; nothing is claimed, and what was claimed before stays as it is.
    #[serde(default)]
    pub management_policy: ManagementPolicy,

    /// What becomes of a connection that exists already and that this object did not create. `Never`: it is left alone, and the object
    /// says `AlreadyExists`. `IfIdentical`: it is taken over if it shares exactly `connectionTypes`. `Always`: it is taken over and
    /// changed to share exactly them. What is taken over is from then on changed, and deleted with the object, like one created here.
    #[serde(default)]
    pub adoption_policy: AdoptionPolicy,

    /// What is done when the connection has been deleted at Datadog by somebody else; either side may do so. `Recreate`: it is created
    /// again. `Report`: nothing, and the object says `DeletedOutside` until this is changed or a reconcile is requested.
    #[serde(default)]
    pub external_deletion_policy: ExternalDeletionPolicy,

    /// Whether creating and changing is suspended. Deletion still works. What would be done stands in `status.plan`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspend: bool,

    /// What becomes of the connection at Datadog when this object is deleted. `Delete`: it is deleted, if this object owns it.
    /// `Orphan`: it stays as it is and nobody manages it. May be changed while the object is being deleted.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,
}

/// The organization that may read.
#[derive(KubeSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[x_kube(
    validation = Rule::new("[has(self.id), has(self.name), has(self.ref)].exists_one(x, x)")
        .message("sinkOrg needs exactly one of id, name and ref")
)]
pub struct SinkOrg {
    /// The organization's UUID, in lower case; not the short public_id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<UuidText>,

    /// The organization's name as Datadog shows it, exactly. It is looked up with the source's key, which needs `org_management` or
    /// `org_connections_write`, once: later another organization may take the name, and the connection stays with the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub name: Option<String>,

    /// A DatadogOrg in the same namespace. Only its proven organization id is used, never its credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#ref: Option<LocalRef>,
}

/// What the operator may do at Datadog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
pub enum ManagementPolicy {
    /// Create, change and delete.
    #[default]
    Full,
    /// Only look.
    Observe,
}

/// What becomes of a connection that exists already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
pub enum AdoptionPolicy {
    /// It is left alone.
    #[default]
    Never,
    /// It is taken over if it is as wanted.
    IfIdentical,
    /// It is taken over, and changed to what is wanted.
    Always,
}

/// What is done when somebody else has deleted the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
pub enum ExternalDeletionPolicy {
    /// It is created again.
    #[default]
    Recreate,
    /// The object says so, and nothing is done.
    Report,
}

/// What becomes of the connection when its object goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
pub enum DeletionPolicy {
    /// It is deleted at Datadog.
    #[default]
    Delete,
    /// It stays at Datadog.
    Orphan,
}

/// What the operator found at Datadog.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("default" = serde_json::json!({"observedGeneration": -1})))]
pub struct OrgConnectionStatus {
    /// The generation of the spec that this status speaks of; -1 before the operator has looked.
    #[serde(default = "super::conditions::nobody_has_looked")]
    pub observed_generation: i64,

    /// The id of the connection that this object owned last. It stays when the connection vanishes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub connection_id: Option<String>,

    /// The organization whose telemetry is shared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<OrganizationStatus>,

    /// The organization that reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sink: Option<OrganizationStatus>,

    /// The telemetry that is shared as observed, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(max = 256)))]
    pub connection_types: Vec<String>,

    /// When the connection was created, by Datadog's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Time>,

    /// Who created the connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<PrincipalStatus>,

    /// How this object came to own the connection. `Created`: by creating it. `Adopted`: it existed before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,

    /// What would be done at Datadog, in words, while it is not: because of `managementPolicy`, `suspend`, a refusal or a wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub plan: Option<String>,

    /// The last value of the annotation crossorg.dev/reconcile-requested-at that was carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub last_handled_reconcile_at: Option<String>,

    /// Ready, and while they hold Reconciling (it goes on by itself) or Stalled (a person must act).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "conditions")]
    pub conditions: Vec<Condition>,
}

/// How this object came to own the connection. `Created`: by creating it. `Adopted`: it existed before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Origin {
    /// It created the connection.
    Created,
    /// The connection existed before.
    Adopted,
}
