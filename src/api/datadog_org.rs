//! `DatadogOrg`: one organization as the operator can reach it.

#![expect(unreachable_pub, reason = "the derive repeats the struct in a private module to check its rules")]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fields::{LocalRef, OrganizationStatus, PrincipalStatus, UuidText, conditions};

/// Which organization, and how to reach it.
#[derive(CustomResource, KubeSchema, Debug, Clone, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "crossorg.dev",
    version = "v1alpha1",
    kind = "DatadogOrg",
    namespaced,
    status = "DatadogOrgStatus",
    shortname = "ddorg",
    category = "datadog",
    doc = "A Datadog organization and the credentials to reach it. OrgConnections in the same namespace name it as their source or sink.",
    derive = "PartialEq",
    validation = Rule::new("!has(oldSelf.status) || !has(oldSelf.status.organization) || self.spec.site == oldSelf.spec.site")
        .message("site cannot be changed once the organization has been proven: an organization lives on one site; create another DatadogOrg")
        .field_path(".spec.site"),
    printcolumn(name = "Ready", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].status"#),
    printcolumn(name = "Reason", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].reason"#),
    printcolumn(name = "Organization", type_ = "string", json_path = ".status.organization.name"),
    printcolumn(name = "Id", type_ = "string", json_path = ".status.organization.id"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Message", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].message"#, priority = 1)
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("!has(oldSelf.organizationId) || (has(self.organizationId) && self.organizationId == oldSelf.organizationId)")
        .message("organizationId cannot be changed or removed once set: create another DatadogOrg for another organization")
        .field_path(".organizationId")
)]
pub struct DatadogOrgSpec {
    /// The Datadog site that the organization lives on: the part of the address after `api.`.
    /// One of datadoghq.com (US1), us3.datadoghq.com, us5.datadoghq.com, ap1.datadoghq.com, ap2.datadoghq.com, uk1.datadoghq.com,
    /// datadoghq.eu (EU1), ddog-gov.com (US1-FED), us2.ddog-gov.com. It cannot change once the organization has been proven.
    pub site: Site,

    /// The Secret with the credentials, in the same namespace. It holds either the keys `api-key` and `app-key`, or the key
    /// `bearer-token`. Use a service account's: Datadog deletes a connection when the user who made it is deactivated.
    pub credentials_secret_ref: LocalRef,

    /// The UUID of the organization that the credentials must belong to; those of another organization are refused.
    /// Optional, recommended, and final once set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<UuidText>,

    /// How old the list of the organization's connections may get, and so how soon a change behind the operator's back is
    /// noticed: a duration such as `60s` or `5m`, from 10s to 1h.
    #[serde(default = "default_poll_interval")]
    #[schemars(length(max = 32))]
    #[x_kube(
        validation = Rule::new(
            "self.matches('^([0-9]+h)?([0-9]+m)?([0-9]+s)?$') && size(self) > 0 && duration(self) >= duration('10s') && duration(self) <= duration('1h')"
        )
        .message("pollInterval must be a duration from 10s to 1h, such as 60s, 5m or 1h")
    )]
    pub poll_interval: String,

    /// How many connections may be deleted at Datadog within an hour because OrgConnections that name this object as their source are
    /// deleted, from 0 to 1000. Deletions beyond it wait with the reason DeletionHeld for the end of the hour, or until a person approves
    /// them with the annotation crossorg.dev/approve-deletions-until. 0: each deletion waits for approval.
    #[serde(default = "default_max_deletions_per_hour")]
    #[schemars(range(min = 0, max = 1000))]
    pub max_deletions_per_hour: i64,

    /// Whether the organization is suspended: no request is made with its credentials, neither to look nor to change anything.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspend: bool,
}

fn default_poll_interval() -> String {
    "60s".to_owned()
}

fn default_max_deletions_per_hour() -> i64 {
    10
}

/// A documented Datadog site. An enum and never a free address: whoever chooses the address receives the keys.
/// Source: docs/datadog-api.md, section "Sites".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Site {
    /// US1.
    #[serde(rename = "datadoghq.com")]
    Us1,
    /// US3.
    #[serde(rename = "us3.datadoghq.com")]
    Us3,
    /// US5.
    #[serde(rename = "us5.datadoghq.com")]
    Us5,
    /// AP1.
    #[serde(rename = "ap1.datadoghq.com")]
    Ap1,
    /// AP2.
    #[serde(rename = "ap2.datadoghq.com")]
    Ap2,
    /// UK1.
    #[serde(rename = "uk1.datadoghq.com")]
    Uk1,
    /// EU1.
    #[serde(rename = "datadoghq.eu")]
    Eu1,
    /// US1-FED.
    #[serde(rename = "ddog-gov.com")]
    Us1Fed,
    /// US2-FED.
    #[serde(rename = "us2.ddog-gov.com")]
    Us2Fed,
}

impl Site {
    /// The site's domain, as in the manifest.
    pub fn domain(self) -> &'static str {
        match self {
            Self::Us1 => "datadoghq.com",
            Self::Us3 => "us3.datadoghq.com",
            Self::Us5 => "us5.datadoghq.com",
            Self::Ap1 => "ap1.datadoghq.com",
            Self::Ap2 => "ap2.datadoghq.com",
            Self::Uk1 => "uk1.datadoghq.com",
            Self::Eu1 => "datadoghq.eu",
            Self::Us1Fed => "ddog-gov.com",
            Self::Us2Fed => "us2.ddog-gov.com",
        }
    }
}

/// What the operator found out about the organization.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("default" = serde_json::json!({"observedGeneration": -1})))]
pub struct DatadogOrgStatus {
    /// The generation of the spec that this status speaks of; -1 before the operator has looked.
    #[serde(default = "super::conditions::nobody_has_looked")]
    pub observed_generation: i64,

    /// The organization that the credentials have proven to belong to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<OrganizationStatus>,

    /// Whom the credentials act as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<PrincipalStatus>,

    /// Those of the principal's permissions that matter here: org_connections_read, org_connections_write, org_management.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8), inner(length(max = 64)))]
    pub permissions: Vec<String>,

    /// How many connections the organization takes part in, counted at the last list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connections: Option<ConnectionCounts>,

    /// Who else shares telemetry with this organization or reads its: the connections of the last list that no OrgConnection manages,
    /// whatever its policies, newest first. Above 100 the older ones are only counted, in `connections.unmanaged`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MOST_UNMANAGED))]
    pub unmanaged: Vec<UnmanagedConnection>,

    /// When the first of the deletions in `deletionsInWindow` was begun, by Datadog's clock. An hour later the brake lets
    /// `maxDeletionsPerHour` go again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion_window_start: Option<Time>,

    /// The ids of the connections whose deletion the brake has let through since `deletionWindowStart`: written before each is deleted,
    /// so that no restart forgets one. Approved deletions are not counted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1000), inner(length(max = 36)))]
    pub deletions_in_window: Vec<String>,

    /// How many OrgConnections say DeletionHeld: their deletion waits for the end of the hour or for approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub held_deletions: Option<i64>,

    /// The last value of the annotation crossorg.dev/reconcile-requested-at that was carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub last_handled_reconcile_at: Option<String>,

    /// Ready, and while they hold Reconciling (it goes on by itself) or Stalled (a person must act).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "conditions")]
    pub conditions: Vec<Condition>,
}

/// As many unmanaged connections as a status shows.
pub const MOST_UNMANAGED: usize = 100;

/// Connections of an organization, by whether an OrgConnection manages them: one whose references lead to the connection's pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConnectionCounts {
    /// Connections that an OrgConnection manages, also one that only observes.
    #[schemars(range(min = 0))]
    pub managed: i64,
    /// Connections that no OrgConnection manages.
    #[schemars(range(min = 0))]
    pub unmanaged: i64,
}

/// A connection that no OrgConnection manages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnmanagedConnection {
    /// The connection's id.
    #[schemars(length(max = 64))]
    pub id: String,
    /// The organization whose telemetry is shared.
    pub source: OrganizationStatus,
    /// The organization that reads.
    pub sink: OrganizationStatus,
    /// The telemetry that is shared, sorted.
    #[schemars(length(max = 64), inner(length(max = 256)))]
    pub connection_types: Vec<String>,
    /// When the connection was created, by Datadog's clock.
    pub created_at: Time,
}
