//! The chart's rights are what the operator needs: it lives a whole life as the chart's ServiceAccount, with the arguments of the chart's
//! Deployment, and the audit log then has neither a refusal nor a grant without use.

mod closed;
mod ledger;

use std::sync::Arc;
use std::time::Duration;

use crossorg::api::{DatadogOrg, OrgConnection};
use datadog_double::{CENTRAL, Entry, PAYMENTS, SECURITY};
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::Api;
use kube::api::PostParams;
use serde_json::{Value, json};
use xtask::controlplane::{ControlPlane, audit};
use xtask::helm::Version;

use self::ledger::Difference;
use crate::harness::chart::{is_hook, is_of_people, only, render};
use crate::harness::{Conditioned, OLD_ENOUGH, Operator, Way, World, keys_of, plane};

/// A Secret is read with every poll, here every 10 s, is told to be refused 10 s later, with an attempt at most 10 s after that.
const SECRET_IS_READ: Duration = Duration::from_secs(40);

/// A release of the chart, and the operator that it would run.
struct Release {
    world: World,
    home: String,
    objects: Vec<Value>,
    operator: Operator,
}

impl Release {
    /// Installs the chart with these values for a world of this name, and starts what its Deployment says, with its account's token. Waits
    /// until it is ready.
    async fn new(plane: Arc<ControlPlane>, name: &str, values: Value) -> Self {
        let release = Self::unready(plane, name, values).await;
        release.is_ready().await;
        release
    }

    async fn unready(plane: Arc<ControlPlane>, name: &str, values: Value) -> Self {
        let world = World::on(plane, name).await;
        let home = format!("{name}-home");
        world.kubectl_text(&["create", "namespace", &home]).await;
        let objects = install(&world, &home, values).await;
        let operator = start(&world, &home, only(&objects, "Deployment")).await;
        Self { world, home, objects, operator }
    }

    async fn is_ready(&self) {
        self.world.until("the operator is ready", async || self.operator.is_ready().await.then_some(())).await;
    }

    /// Gives the release other values; its operator goes on as it is.
    async fn upgrade(&mut self, values: Value) {
        self.objects = install(&self.world, &self.home, values).await;
    }

    /// What its roles grant beside what its operator has asked.
    fn difference(&self) -> Difference {
        let roles =
            self.objects.iter().filter(|object| matches!(object["kind"].as_str(), Some("Role" | "ClusterRole")) && !is_of_people(object));
        let user = format!("system:serviceaccount:{0}:{0}", self.home);
        let log = std::fs::read_to_string(self.world.plane.audit_log()).unwrap();
        let complete = log.split_inclusive('\n').filter(|line| line.ends_with('\n') && line.contains(&user));
        let entries = audit::parse(&complete.collect::<String>()).unwrap();
        ledger::compare(&ledger::granted(roles), entries.iter().filter(|entry| entry.user == user))
    }
}

/// Applies what the chart makes of these values.
async fn install(world: &World, home: &str, mut values: Value) -> Vec<Value> {
    values["crds"] = json!({"enabled": false});
    values["fullnameOverride"] = json!(home);
    // As the harness reads it.
    values["logFormat"] = json!("text");
    values["extraArgs"] = json!([format!("--datadog-url={}", world.datadog_url)]);
    let mut objects = render(Version::V4, home, &values).unwrap();
    objects.retain(|object| !is_hook(object));
    world.apply_all(&objects, false).await.unwrap();
    objects
}

/// The container's arguments, and the token that a pod would find.
async fn start(world: &World, home: &str, deployment: &Value) -> Operator {
    let pod = &deployment["spec"]["template"]["spec"];
    let accounts: Api<ServiceAccount> = Api::namespaced(world.client.clone(), home);
    let request = TokenRequest { spec: TokenRequestSpec::default(), ..TokenRequest::default() };
    let account = pod["serviceAccountName"].as_str().unwrap();
    let token = accounts.create_token_request(account, &PostParams::default(), &request).await.unwrap().status.unwrap().token;
    let kubeconfig = world.plane.kubeconfig_for_token(&token, home).unwrap();
    let way = Way { kubeconfig, ..Way::default() };
    let of_the_pod = pod["containers"][0]["args"].as_array().unwrap().iter().map(|argument| argument.as_str().unwrap());
    // The port of a pod is its own; here all operators share one machine.
    let arguments: Vec<&str> = of_the_pod.chain(["--listen=127.0.0.1:0"]).collect();
    world.start_operator_with(&way, &arguments).await
}

/// Everything that makes the operator ask Kubernetes for something: objects come, change, are put right, wait, and go.
async fn whole_life(Release { world, .. }: &Release) {
    world.org("payments").await;
    world.org("central").await;
    world.connection("to-central").from("payments").with_sink("central").types(&["logs"]).apply().await;
    world.connection("to-security").from("payments").to(SECURITY).types(&["audit"]).apply().await;
    world.ready("to-security").await;
    world.ready("to-central").await;
    world.event("to-central", "Created").await;

    world.connection("to-central").from("payments").with_sink("central").types(&["logs", "metrics"]).apply().await;
    world.ready("to-central").await;
    world.event("to-central", "Updated").await;

    world.refresh("payments").await;
    let connection = world.datadog.connection(PAYMENTS, CENTRAL).unwrap();
    world.datadog.change_types(connection.id, &["audit"]).unwrap();
    world.refresh("payments").await;
    world.event("to-central", "DriftRepaired").await;

    world.secret("payments-datadog", &keys_of("payments-alice")).await;
    world.refresh("payments").await;
    world.org_ready("payments").await;

    world.advance(OLD_ENOUGH);
    for name in ["to-central", "to-security"] {
        world.delete::<OrgConnection>(name).await;
        world.gone::<OrgConnection>(name).await;
    }
    for name in ["payments", "central"] {
        world.delete::<DatadogOrg>(name).await;
        world.gone::<DatadogOrg>(name).await;
    }
    assert!(world.datadog.connection(PAYMENTS, CENTRAL).is_none() && world.datadog.violations().is_empty());
}

/// A whole life with these values, which takes every right that the chart gives and no other.
async fn takes_every_right_and_no_other(plane: Arc<ControlPlane>, name: &str, values: Value) {
    let mut release = Release::new(plane, name, values).await;
    whole_life(&release).await;
    assert!(release.operator.terminate().await.success());
    assert_eq!(release.difference(), Difference::default());
}

#[tokio::test]
async fn everywhere_it_takes_every_right_of_the_chart_and_no_other() {
    takes_every_right_and_no_other(plane::private().await, "rights-everywhere", json!({})).await;
}

#[tokio::test]
async fn in_namespaces_it_takes_every_right_of_the_chart_and_no_other() {
    let name = "rights-namespaced";
    takes_every_right_and_no_other(plane::shared().await, name, json!({"watchNamespaces": [name]})).await;
}

#[tokio::test]
async fn with_secrets_by_name_it_takes_every_right_of_the_chart_and_no_other() {
    let name = "rights-secrets";
    let values = json!({"watchNamespaces": [name], "secretNames": ["payments-datadog", "central-datadog"]});
    takes_every_right_and_no_other(plane::shared().await, name, values).await;
}

#[tokio::test]
async fn a_secret_that_is_not_named_is_kept_from_it_and_its_organization_says_so() {
    let name = "rights-refused";
    let naming = |secrets: &[&str]| json!({"watchNamespaces": [name], "secretNames": secrets});
    let mut release = Release::new(plane::shared().await, name, naming(&["central-datadog"])).await;
    release.world.organization("payments").poll_every("10s").apply().await;
    release.world.org("central").await;
    release.world.org_ready("central").await;
    let refused = release.world.org_reason("payments", "SecretForbidden").await;
    assert_eq!(release.difference().missing, [format!("get secrets payments-datadog in {name}")]);
    for word in ["`payments-datadog`", "cannot get resource \"secrets\"", &format!(":{name}-home"), "`secretNames`"] {
        assert!(refused.message().contains(word), "{word}: {}", refused.message());
    }
    assert!(refused.has("Reconciling"), "a role may take a moment: {:?}", refused.status);

    release.upgrade(naming(&["central-datadog", "payments-datadog"])).await;
    release.world.comes_to::<DatadogOrg>("payments", "Connected", SECRET_IS_READ).await;

    release.upgrade(naming(&["central-datadog"])).await;
    release.world.comes_to::<DatadogOrg>("payments", "SecretForbidden", SECRET_IS_READ).await;
    let seen = release.world.datadog.journal().len();
    release.world.connection("to-security").from("payments").to(SECURITY).types(&["audit"]).apply().await;
    let waits = release.world.reason("to-security", "OrganizationNotReady").await;
    assert!(waits.message().contains("SecretForbidden"), "{}", waits.message());
    let of_payments = |entry: &Entry| entry.credential.as_deref() == Some("payments");
    assert!(!release.world.datadog.journal()[seen..].iter().any(of_payments), "whoever takes the right away takes the key");
}

#[tokio::test]
async fn a_process_that_may_not_ask_for_the_lease_is_not_ready_and_says_what_it_needs() {
    let name = "rights-lease";
    let rights = |given: bool| json!({"watchNamespaces": [name], "rbac": {"create": given}});
    let mut release = Release::unready(plane::shared().await, name, rights(false)).await;
    let refused = async || release.operator.log().contains("get, create and update on leases").then_some(());
    release.world.until("it says what it needs", refused).await;
    let (status, complaint) = release.operator.get("/readyz").await.unwrap();
    assert_eq!((status, complaint.contains("nothing is seen yet of leases")), (503, true), "{complaint}");
    assert_eq!(release.operator.log().matches("trying again").count(), 1, "{}", release.operator.log());

    release.upgrade(rights(true)).await;
    release.is_ready().await;
}
