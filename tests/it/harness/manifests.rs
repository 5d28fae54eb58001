//! Manifests that read as English.

use crossorg::api::{DatadogOrg, OrgConnection};
use serde_json::{Value, json};
use uuid::Uuid;

use super::world::World;

/// What a Secret with a credential of the fixture holds: `payments`, `central`, `security`, `payments-reader`, `payments-alice`.
pub(crate) fn keys_of(credential: &str) -> [(&'static str, String); 2] {
    [("api-key", format!("fake-api-key-{credential}")), ("app-key", format!("fake-app-key-{credential}"))]
}

/// A DatadogOrg and its Secret, `<name>-datadog`.
pub(crate) struct OrganizationManifest<'a> {
    world: &'a World,
    name: &'a str,
    credential: Option<&'a str>,
    manifest: Value,
}

impl<'a> OrganizationManifest<'a> {
    pub(super) fn new(world: &'a World, name: &'a str) -> Self {
        let manifest = json!({
            "apiVersion": "crossorg.dev/v1alpha1",
            "kind": "DatadogOrg",
            "metadata": {"name": name, "namespace": world.namespace},
            "spec": {"site": "datadoghq.eu", "credentialsSecretRef": {"name": format!("{name}-datadog")}},
        });
        Self { world, name, credential: Some(name), manifest }
    }

    fn set(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.manifest["spec"][field] = value.into();
        self
    }

    /// The Secret holds this credential of the fixture, and not the one named as the object.
    pub(crate) fn with_key(self, credential: &'a str) -> Self {
        Self { credential: Some(credential), ..self }
    }

    /// The test makes the Secret, or none.
    pub(crate) fn without_secret(self) -> Self {
        Self { credential: None, ..self }
    }

    /// The Secret's name, if it is to be another one than `<name>-datadog`. The test makes it.
    pub(crate) fn credentials_in(self, secret: &str) -> Self {
        self.without_secret().set("credentialsSecretRef", json!({"name": secret}))
    }

    /// The pin.
    pub(crate) fn pinned_to(self, organization: Uuid) -> Self {
        self.set("organizationId", organization.to_string())
    }

    /// The poll interval; a minute if nothing is said.
    pub(crate) fn poll_every(self, interval: &str) -> Self {
        self.set("pollInterval", interval)
    }

    /// No request is made with its key.
    pub(crate) fn suspended(self) -> Self {
        self.set("suspend", true)
    }

    /// The site; datadoghq.eu if nothing is said.
    pub(crate) fn on_site(self, site: &str) -> Self {
        self.set("site", site)
    }

    /// What would be applied.
    pub(crate) fn manifest(&self) -> Value {
        self.manifest.clone()
    }

    /// Applies both.
    pub(crate) async fn apply(self) -> DatadogOrg {
        if let Some(credential) = self.credential {
            self.world.secret(&format!("{}-datadog", self.name), &keys_of(credential)).await;
        }
        self.world.apply(self.manifest).await
    }
}

/// An OrgConnection.
pub(crate) struct ConnectionManifest<'a> {
    world: &'a World,
    manifest: Value,
}

impl<'a> ConnectionManifest<'a> {
    pub(super) fn new(world: &'a World, name: &'a str) -> Self {
        let manifest = json!({
            "apiVersion": "crossorg.dev/v1alpha1",
            "kind": "OrgConnection",
            "metadata": {"name": name, "namespace": world.namespace},
            "spec": {},
        });
        Self { world, manifest }
    }

    fn set(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.manifest["spec"][field] = value.into();
        self
    }

    /// The source: the name of a DatadogOrg.
    pub(crate) fn from(self, org: &str) -> Self {
        self.set("sourceOrgRef", json!({"name": org}))
    }

    /// The sink, by its id.
    pub(crate) fn to(self, organization: Uuid) -> Self {
        self.set("sinkOrg", json!({"id": organization.to_string()}))
    }

    /// The sink by reference: the name of a DatadogOrg.
    pub(crate) fn with_sink(self, org: &str) -> Self {
        self.set("sinkOrg", json!({"ref": {"name": org}}))
    }

    /// The sink, by its name at Datadog.
    pub(crate) fn with_sink_called(self, name: &str) -> Self {
        self.set("sinkOrg", json!({"name": name}))
    }

    /// Only looked at.
    pub(crate) fn observed(self) -> Self {
        self.set("managementPolicy", "Observe")
    }

    /// What becomes of a connection that is there already: `Never`, `IfIdentical`, `Always`.
    pub(crate) fn adopting(self, policy: &str) -> Self {
        self.set("adoptionPolicy", policy)
    }

    /// A deletion by somebody else is only reported.
    pub(crate) fn reporting(self) -> Self {
        self.set("externalDeletionPolicy", "Report")
    }

    /// Nothing is created or changed.
    pub(crate) fn suspended(self) -> Self {
        self.set("suspend", true)
    }

    /// What is shared.
    pub(crate) fn types(self, types: &[&str]) -> Self {
        self.set("connectionTypes", types)
    }

    /// The connection stays when the object goes.
    pub(crate) fn orphaning(self) -> Self {
        self.set("deletionPolicy", "Orphan")
    }

    /// What would be applied.
    pub(crate) fn manifest(&self) -> Value {
        self.manifest.clone()
    }

    /// Applies it.
    pub(crate) async fn apply(self) -> OrgConnection {
        self.world.apply(self.manifest).await
    }
}
