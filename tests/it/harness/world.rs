//! What one test has for itself: a namespace, a Datadog, operators.

use std::fmt::Debug;
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use crossorg::api::{DatadogOrg, OrgConnection};
use datadog_double::{Clock, Config, Double, Ids, Running};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::api::{DeleteParams, ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Api, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use xtask::controlplane::ControlPlane;

use super::counts::Counts;
use super::manifests::{ConnectionManifest, OrganizationManifest};
use super::operator::{Operator, Way};
use super::{plane, report};

/// What an object of this API can be asked for here.
pub(crate) trait Kind:
    Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned + Serialize + Send + Sync + 'static
{
}

impl<K> Kind for K where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned + Serialize + Send + Sync + 'static
{
}

/// A connection that is older needs no proof that a POST cannot land any more.
pub(crate) const OLD_ENOUGH: Duration = Duration::from_secs(61);

/// A namespace of the control plane, and a Datadog of three organizations with a clock that the test can move.
pub(crate) struct World {
    /// The namespace, named after the test.
    pub(crate) namespace: String,
    /// The administrator of the cluster.
    pub(crate) client: kube::Client,
    /// Datadog: its truth, its journal, and what happens behind the operator's back.
    pub(crate) datadog: Double,
    /// Where it listens.
    pub(crate) datadog_url: String,
    /// The cluster.
    pub(crate) plane: Arc<ControlPlane>,
    operators: AtomicUsize,
    ahead_seconds: Arc<AtomicI64>,
    _server: Running,
}

impl World {
    /// A world in the shared control plane. The name becomes a namespace: no two tests may have the same.
    pub(crate) async fn new(name: &str) -> Self {
        Self::on(plane::shared().await, name).await
    }

    /// A world in this control plane, with Payments, Central and Security.
    pub(crate) async fn on(plane: Arc<ControlPlane>, name: &str) -> Self {
        Self::with(plane, name, &Config::three_organizations()).await
    }

    /// A world in this control plane, with these organizations.
    pub(crate) async fn with(plane: Arc<ControlPlane>, name: &str, organizations: &Config) -> Self {
        let client = plane.client().unwrap();
        let metadata = ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() };
        let namespace = Namespace { metadata, ..Namespace::default() };
        Api::all(client.clone()).create(&PostParams::default(), &namespace).await.unwrap();
        let ahead_seconds = Arc::new(AtomicI64::new(0));
        let ahead = Arc::clone(&ahead_seconds);
        let clock = Clock::from_fn(move || now() + SignedDuration::from_secs(ahead.load(Ordering::Relaxed)));
        let server = Double::with_sources(organizations, clock, Ids::random()).listen().await.unwrap();
        Self {
            namespace: name.to_owned(),
            client,
            datadog: server.double.clone(),
            datadog_url: server.url.clone(),
            plane,
            operators: AtomicUsize::new(0),
            ahead_seconds,
            _server: server,
        }
    }

    // === Time ===

    /// Moves Datadog's clock forward. The operator learns of it with the next answer.
    pub(crate) fn advance(&self, by: Duration) {
        self.ahead_seconds.fetch_add(by.as_secs().try_into().unwrap(), Ordering::Relaxed);
    }

    // === The operator ===

    /// Starts the operator on this namespace and waits until it is ready.
    pub(crate) async fn operator(&self) -> Operator {
        let operator = self.start_operator(&[]).await;
        self.until("the operator is ready", async || operator.is_ready().await.then_some(())).await;
        operator
    }

    /// Starts the operator on this namespace, with these flags more, and does not wait until it is ready.
    pub(crate) async fn start_operator(&self, flags: &[&str]) -> Operator {
        let way = Way { kubeconfig: self.plane.kubeconfig().to_owned(), datadog_url: self.datadog_url.clone(), ..Way::default() };
        self.start_operator_by(&way, flags).await
    }

    /// The same, by another way.
    pub(crate) async fn start_operator_by(&self, way: &Way, flags: &[&str]) -> Operator {
        let own = ["run", "--listen", "127.0.0.1:0", "--datadog-url", &way.datadog_url, "--namespace", &self.namespace];
        let filter = if flags.contains(&"--log") { &[][..] } else { &["--log", "info,crossorg=debug"] };
        self.start_operator_with(way, &[&own, filter, flags].concat()).await
    }

    /// The same, with these arguments and no others: they have to say where it listens, where Datadog is, and what it watches.
    pub(crate) async fn start_operator_with(&self, way: &Way, arguments: &[&str]) -> Operator {
        let number = self.operators.fetch_add(1, Ordering::Relaxed) + 1;
        let log = plane::log_directory().join(format!("{}-{number}.log", self.namespace));
        Operator::start(way, arguments, log).await
    }

    // === Objects ===

    /// The objects of a kind in this namespace.
    pub(crate) fn api<K: Kind>(&self) -> Api<K> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// The OrgConnections.
    pub(crate) fn connections(&self) -> Api<OrgConnection> {
        self.api()
    }

    /// The DatadogOrgs.
    pub(crate) fn orgs(&self) -> Api<DatadogOrg> {
        self.api()
    }

    /// The Secret and the DatadogOrg of an organization of the fixture: `payments`, `central`, `security`.
    pub(crate) async fn org(&self, name: &str) -> DatadogOrg {
        self.organization(name).apply().await
    }

    /// The same, with more to say about it.
    pub(crate) fn organization<'a>(&'a self, name: &'a str) -> OrganizationManifest<'a> {
        OrganizationManifest::new(self, name)
    }

    /// An OrgConnection.
    pub(crate) fn connection<'a>(&'a self, name: &'a str) -> ConnectionManifest<'a> {
        ConnectionManifest::new(self, name)
    }

    /// A Secret with exactly these keys. [`super::keys_of`] has those of the fixture.
    pub(crate) async fn secret<V: AsRef<str>>(&self, name: &str, keys: &[(&str, V)]) -> Secret {
        let data: serde_json::Map<String, Value> = keys.iter().map(|(key, value)| ((*key).to_owned(), value.as_ref().into())).collect();
        // Replaced and not applied: keys of before must go.
        self.api::<Secret>().delete(name, &DeleteParams::default()).await.ok();
        self.apply(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data})).await
    }

    /// Applies a manifest, server-side.
    pub(crate) async fn apply<K: Kind>(&self, manifest: Value) -> K {
        let name = manifest["metadata"]["name"].as_str().unwrap().to_owned();
        self.api().patch(&name, &PatchParams::apply("tests").force(), &Patch::Apply(manifest)).await.unwrap()
    }

    /// Merges this into an object.
    pub(crate) async fn patch<K: Kind>(&self, name: &str, change: Value) -> K {
        self.api().patch(name, &PatchParams::default(), &Patch::Merge(change)).await.unwrap()
    }

    /// Sets an annotation of an object.
    pub(crate) async fn annotate<K: Kind>(&self, name: &str, annotation: &str, value: &str) -> K {
        self.patch(name, json!({"metadata": {"annotations": {annotation: value}}})).await
    }

    /// Asks for the deletion of an object; [`World::gone`] waits for it.
    pub(crate) async fn delete<K: Kind>(&self, name: &str) {
        self.api::<K>().delete(name, &DeleteParams::default()).await.unwrap();
    }

    /// Runs kubectl in this namespace as the administrator.
    pub(crate) async fn kubectl(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = tokio::process::Command::from(self.plane.kubectl());
        command.args(["--namespace", &self.namespace]).args(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).await.unwrap();
        drop(stdin);
        child.wait_with_output().await.unwrap()
    }

    /// What kubectl prints when it succeeds.
    pub(crate) async fn kubectl_text(&self, arguments: &[&str]) -> String {
        let output = self.kubectl(arguments, "").await;
        assert!(output.status.success(), "kubectl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    // === Counting ===

    /// Runs the command that a message about a held deletion ends with.
    pub(crate) async fn approve_as_told(&self, message: &str) {
        let (_, command) = message.split_once("with: kubectl ").unwrap();
        self.kubectl_text(&command.split(' ').collect::<Vec<_>>()).await;
    }

    /// What the operators of this world have asked and written until now.
    pub(crate) fn counts(&self) -> Counts {
        Counts::of(&self.plane, &self.namespace, &self.datadog.journal())
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", report::journal(&self.datadog));
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "Datadog's clock begins at the real time, which certificates and Kubernetes live by")]
fn now() -> Timestamp {
    Timestamp::now()
}
