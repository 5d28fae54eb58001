//! `crossorg export`: what is shared already becomes manifests, as a person exports and applies them.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use crossorg::api::org_connection::Origin;
use crossorg::api::{DatadogOrg, OrgConnection};
use datadog_double::{Config, Fault, ListFault, OddShape, Rule};
use kube::ResourceExt;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{Operator, World, connection_id, plane};

/// Payments, Central and Security under ids of their own: an export looks at the objects of all namespaces, and so of all tests.
struct Account {
    world: World,
    payments: Uuid,
    central: Uuid,
    security: Uuid,
}

impl Account {
    async fn new(name: &str) -> Self {
        let mut organizations = Config::three_organizations();
        let ids = [Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4()];
        for (organization, id) in organizations.organizations.iter_mut().zip(ids) {
            organization.id = id;
        }
        let [payments, central, security] = ids;
        Self { world: World::with(plane::shared().await, name, &organizations).await, payments, central, security }
    }

    /// Alice has made three connections in the UI: two whose source is Payments, one whose sink it is.
    fn alice_shares(&self) {
        let Self { payments, central, security, .. } = *self;
        for (source, sink, types) in
            [(payments, central, &["metrics", "logs"][..]), (payments, security, &["audit"]), (security, payments, &["logs"])]
        {
            self.world.datadog.create_as("Alice", source, sink, types).unwrap();
        }
    }

    /// The same with an operator that knows Payments and Central.
    async fn operated(&self) -> Operator {
        self.alice_shares();
        self.world.org("payments").await;
        self.world.org("central").await;
        let operator = self.world.operator().await;
        self.world.org_ready("payments").await;
        self.world.org_ready("central").await;
        operator
    }

    /// Runs the command as the administrator.
    async fn export(&self, org: &str) -> Output {
        self.export_by(self.world.plane.kubeconfig(), org).await
    }

    /// The same as the user of this kubeconfig.
    async fn export_by(&self, kubeconfig: &Path, org: &str) -> Output {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_crossorg"));
        for proxy in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
            command.env_remove(proxy);
        }
        command.args(["export", "--namespace", &self.world.namespace, "--org", org, "--datadog-url", &self.world.datadog_url]);
        command.env("KUBECONFIG", kubeconfig).stdin(Stdio::null()).output().await.unwrap()
    }

    /// What an export prints on standard output and on standard error.
    async fn exported(&self, org: &str) -> (String, String) {
        granted(&self.export(org).await)
    }

    async fn apply(&self, manifests: &str) {
        let applied = self.world.kubectl(&["apply", "--server-side", "-f", "-"], manifests).await;
        assert!(applied.status.success(), "{}", text(&applied.stderr));
    }

    /// A kubeconfig for somebody who may read in this namespace alone.
    async fn reader(&self) -> PathBuf {
        let (world, somebody) = (&self.world, format!("somebody-of-{}", self.world.namespace));
        let resources = "--resource=datadogorgs.crossorg.dev,orgconnections.crossorg.dev,secrets";
        world.kubectl_text(&["create", "role", "reader", "--verb=get,list", resources]).await;
        world.kubectl_text(&["create", "rolebinding", "reader", "--role=reader", &format!("--user={somebody}")]).await;
        let administrators = std::fs::read_to_string(world.plane.kubeconfig()).unwrap();
        let mut kubeconfig: Value = serde_yaml::from_str(&administrators).unwrap();
        kubeconfig["users"][0]["user"]["as"] = json!(somebody);
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{somebody}.kubeconfig"));
        std::fs::write(&path, kubeconfig.to_string()).unwrap();
        path
    }

    /// Whether nothing was ever asked of Datadog that changes something.
    fn nothing_was_written(&self) -> bool {
        self.world.counts().remote_writes() == (0, 0, 0) && self.world.datadog.violations().is_empty()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn granted(output: &Output) -> (String, String) {
    let (manifests, notes) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{notes}");
    (manifests, notes)
}

/// What an export that must fail says.
fn refused(output: &Output) -> String {
    assert!(output.status.code() == Some(1) && output.stdout.is_empty(), "{output:?}");
    let told = text(&output.stderr);
    assert!(told.contains("nothing is exported: "), "{told}");
    told
}

/// The spec of an object, with what the API server adds.
async fn spec(world: &World, name: &str) -> Value {
    serde_json::to_value(world.connections().get(name).await.unwrap().spec).unwrap()
}

/// The spec that is exported, with the defaults.
fn expected(sink: &Value, types: &[&str]) -> Value {
    json!({
        "sourceOrgRef": {"name": "payments"},
        "sinkOrg": sink,
        "connectionTypes": types,
        "adoptionPolicy": "IfIdentical",
        "managementPolicy": "Full",
        "externalDeletionPolicy": "Recreate",
        "deletionPolicy": "Delete",
    })
}

#[tokio::test]
async fn what_is_shared_already_becomes_objects_and_then_nothing_is_left_to_export() {
    let account = Account::new("export").await;
    let _operator = account.operated().await;
    let (manifests, notes) = account.exported("payments").await;
    assert!(manifests.contains(&format!("id: {} # Security\n", account.security)), "{manifests}");
    assert!(
        notes.contains(&format!(
            "only the sink of 1 connection that no OrgConnection declares; export with a DatadogOrg of the source: Security ({})",
            account.security
        )),
        "{notes}"
    );

    account.apply(&manifests).await;
    let world = &account.world;
    assert_eq!(spec(world, "payments-to-central").await, expected(&json!({"ref": {"name": "central"}}), &["logs", "metrics"]));
    assert_eq!(spec(world, "payments-to-security").await, expected(&json!({"id": account.security.to_string()}), &["audit"]));
    assert_eq!(world.connections().list(&Default::default()).await.unwrap().items.len(), 2);

    assert_eq!(account.exported("payments").await.0, "");
    assert_eq!(account.exported("central").await.0, "", "Central is the source of nothing");
    assert!(account.nothing_was_written());
}

#[tokio::test]
async fn every_exported_object_takes_its_connection_over_without_a_write_at_datadog() {
    let account = Account::new("export-adopted").await;
    let _operator = account.operated().await;
    account.apply(&account.exported("payments").await.0).await;
    for (name, sink) in [("payments-to-central", account.central), ("payments-to-security", account.security)] {
        let object = account.world.ready(name).await;
        let connection = account.world.datadog.connection(account.payments, sink).unwrap();
        assert_eq!(connection_id(&object), connection.id.to_string());
        assert_eq!(object.status.unwrap().origin, Some(Origin::Adopted));
    }
    assert!(account.nothing_was_written());
}

#[tokio::test]
async fn a_first_rollout_shows_what_it_would_do_before_it_may_do_it() {
    let account = Account::new("export-rollout").await;
    account.alice_shares();
    account.world.org("payments").await;
    let mut looking = account.world.start_operator(&["--observe-only"]).await;
    assert!(looking.log().contains("--observe-only: nothing is created"), "{}", looking.log());
    account.world.org_ready("payments").await;
    account.apply(&account.exported("payments").await.0).await;
    account.world.connection("wrong").from("payments").to(Uuid::new_v4()).types(&["logs"]).apply().await;
    let wrong = account.world.reason("wrong", "OutOfSync").await;
    assert_eq!(wrong.status.as_ref().unwrap().plan.as_deref(), Some("create a connection that shares logs"));
    for object in [account.world.ready("payments-to-central").await, account.world.ready("payments-to-security").await, wrong] {
        assert!(object.finalizers().is_empty() && object.annotations().is_empty(), "it claims nothing: {object:?}");
    }
    assert!(account.nothing_was_written());

    account.world.delete::<OrgConnection>("wrong").await;
    account.world.gone::<OrgConnection>("wrong").await;
    assert!(looking.terminate().await.success());
    let _operator = account.world.operator().await;
    for name in ["payments-to-central", "payments-to-security"] {
        let owns = |object: &OrgConnection| object.status.as_ref().is_some_and(|status| status.origin == Some(Origin::Adopted));
        account.world.object(name, "it has taken its connection over", owns).await;
    }
    assert!(account.nothing_was_written());
}

#[tokio::test]
async fn who_may_read_one_namespace_exports_by_what_is_there_also_without_an_operator() {
    let account = Account::new("export-reader").await;
    account.alice_shares();
    account.world.org("payments").await;
    account.world.connection("mine").from("payments").to(account.central).types(&["logs"]).apply().await;
    let (manifests, notes) = granted(&account.export_by(&account.reader().await, "payments").await);
    assert!(manifests.contains("name: payments-to-security\n") && !manifests.contains("payments-to-central"), "{manifests}");
    for kind in ["DatadogOrgs", "OrgConnections"] {
        let told = format!("you may not list the {kind} of all namespaces: only those of `export-reader` are taken into account");
        assert!(notes.contains(&told), "{notes}");
    }
}

#[tokio::test]
async fn an_export_that_cannot_be_had_says_what_to_do_and_prints_nothing() {
    let account = Account::new("export-refused").await;
    account.alice_shares();
    let world = &account.world;
    let told = refused(&account.export("payments").await);
    assert!(told.contains("no DatadogOrg export-refused/payments (the namespace has none)") && told.contains("--org"), "{told}");

    world.organization("payments").without_secret().apply().await;
    let told = refused(&account.export("payments").await);
    assert!(told.contains("Secret export-refused/payments-datadog does not exist: create it"), "{told}");
    world.secret("payments-datadog", &[("api-key", "half")]).await;
    let told = refused(&account.export("payments").await);
    assert!(told.contains("payments-datadog cannot be used") && told.contains("app-key"), "{told}");

    world.organization("payments").with_key("payments").apply().await;
    world.datadog.revoke(account.payments, "payments").unwrap();
    let told = refused(&account.export("payments").await);
    assert!(told.contains("Secret export-refused/payments-datadog: GET /api/v2/current_user: Datadog refuses the key"), "{told}");
    world.datadog.restore(account.payments, "payments").unwrap();

    let odd = Fault::list(ListFault::Odd { row: 0, shape: OddShape::WithoutRelationships });
    world.datadog.script(Rule::new(odd).path("/api/v2/org_connections").times(1));
    let told = refused(&account.export("payments").await);
    assert!(
        told.contains(&format!("connections of Payments ({}) is not complete", account.payments)) && told.contains("could not be read"),
        "{told}"
    );

    world.organization("pinned").pinned_to(account.central).with_key("payments").apply().await;
    let told = refused(&account.export("pinned").await);
    assert!(told.contains(&format!("but its DatadogOrg is organization {}", account.central)), "{told}");

    world.patch::<DatadogOrg>("payments", json!({"spec": {"suspend": true}})).await;
    assert!(refused(&account.export("payments").await).contains("export-refused/payments is suspended"));
    let told = refused(&account.export("nobody").await);
    assert!(told.contains("(the namespace has payments, pinned)"), "{told}");
    assert!(account.nothing_was_written());
}
