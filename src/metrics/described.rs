//! Every metric there is, in the order of docs/metrics.md.

/// What is said of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Described {
    /// Its name, without the product's in front and without `_total` behind.
    pub name: &'static str,
    /// `counter`, `gauge` or `histogram`.
    pub kind: &'static str,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// What it tells, without a full stop.
    pub help: &'static str,
}

impl Described {
    /// The name as it is queried.
    pub fn full_name(&self) -> String {
        let suffix = if self.kind == "counter" { "_total" } else { "" };
        format!("crossorg_{}{suffix}", self.name)
    }
}

macro_rules! described {
    ($($constant:ident: $kind:ident $name:literal [$($label:literal),*] $help:literal;)*) => {
        $(pub(super) const $constant: Described =
            Described { name: $name, kind: stringify!($kind), labels: &[$($label),*], help: $help };)*

        /// Every metric.
        pub const ALL: &[Described] = &[$($constant),*];
    };
}

described! {
    CONNECTIONS: gauge "connections" ["reason"] "OrgConnections by the reason of their Ready condition";
    CONNECTION_READY: gauge "connection_ready" ["namespace", "name"]
        "Whether an OrgConnection is Ready with its newest spec; only with --metrics-per-object";
    ORGANIZATIONS: gauge "organizations" ["reason"] "DatadogOrgs by how their credentials stand, in the words of their Ready condition";
    INVENTORY_AGE: gauge "inventory_age_seconds" ["namespace", "name"]
        "Time since the last complete list of a DatadogOrg's connections began; before the first, since the process knows the object";
    UNMANAGED: gauge "unmanaged_connections" ["namespace", "name"] "Connections of a DatadogOrg's organization that no OrgConnection manages";
    DELETIONS_HELD: gauge "deletions_held" ["namespace", "name"] "OrgConnections whose deletion waits for the brake of their DatadogOrg";
    DRIFT_REPAIRED: counter "drift_repaired" ["was"] "Connections that were put right after somebody else had changed or deleted them";
    CHANGES: counter "changes" ["change"] "What else was done to connections, as the objects say";
    PASSES: counter "passes" ["outcome"] "Passes over OrgConnections by what they came to";
    ERRORS: counter "reconcile_errors" ["class"] "What did not work, by the class that decides how to go on";
    REQUESTS: counter "datadog_requests" ["namespace", "name", "call", "class", "result"] "Requests to the Datadog API by DatadogOrg";
    REQUEST_DURATION: histogram "datadog_request_duration_seconds" ["call"] "Time from a request to the last byte of its answer";
    BUDGET_REMAINING: gauge "datadog_budget_remaining" ["organization", "bucket"]
        "Requests left in an organization's bucket, as Datadog told last";
    WATCH_AGE: gauge "watch_age_seconds" ["watch"] "Time since a watch of the Kubernetes API last proved alive; it is renewed every 30 s";
    LEADER: gauge "leader" [] "Whether this process works; 0 while it stands by";
    BUILD: gauge "build_info" ["version"] "The version that is running";
}
