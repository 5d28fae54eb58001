//! Everything that runs while the demo does: the control plane, the double, the operator.

use std::env;
use std::error::Error;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use crossorg::api::{DatadogOrg, OrgConnection};
use datadog_double::{Config, Connection, Double, PAYMENTS, Running, SECURITY};
use k8s_openapi::api::core::v1::Event;
use kube::Api;
use kube::api::ListParams;
use tokio::process::Command;
use tokio::time::{self, Instant};
use xtask::controlplane::{ControlPlane, Options};

use super::operator::{self, LOG, Operator};
use crate::commands::repository;
use crate::commands::screen::Screen;

/// The namespace of the examples.
pub(super) const NAMESPACE: &str = "observability";
/// No command of the demo takes longer, but for those that are told to wait.
const COMMAND_WITHIN: Duration = Duration::from_secs(60);

/// Everything that runs. Fields drop in this order: the operator before the API server that it talks to.
#[derive(Debug)]
pub(super) struct Stage {
    operator: Operator,
    operator_address: String,
    datadog: Running,
    control_plane: ControlPlane,
    /// The connection that nobody has declared, as it was at the beginning.
    pub(super) undeclared: Connection,
    connections: Api<OrgConnection>,
    organizations: Api<DatadogOrg>,
    events: Api<Event>,
}

impl Stage {
    /// Builds and starts everything, and tells about it.
    pub(super) async fn set(screen: &Screen, cargo: &OsStr) -> Result<Stage, Box<dyn Error>> {
        screen.command("cargo build --workspace --bin crossorg")?;
        let program = operator::build(cargo).await?;
        let control_plane = start_control_plane(screen).await?;
        let datadog = Double::start(&Config::three_organizations()).await?;
        let undeclared = datadog.double.create_as("Alice", SECURITY, PAYMENTS, &["logs"])?;
        datadog.double.protect(undeclared.id)?;
        screen.said(&format!("Datadog (double)  {}, organizations Payments, Central and Security", datadog.url))?;
        screen.said("                  Alice of Security shared its logs with Payments in the UI: no manifest speaks of that")?;
        run(screen, &control_plane, "kubectl apply --server-side -f crds/").await?;
        screen.command(&format!("crossorg run --datadog-url {} --listen 127.0.0.1:0 2> {LOG}", datadog.url))?;
        let began = Instant::now();
        let (operator, operator_address) = Operator::start(&program, &control_plane, &datadog.url).await?;
        screen.proved(format!("the operator is ready, {:.1} s after its start", began.elapsed().as_secs_f64()))?;
        let client = control_plane.client()?;
        let connections = Api::namespaced(client.clone(), NAMESPACE);
        let organizations = Api::namespaced(client.clone(), NAMESPACE);
        let events = Api::namespaced(client, NAMESPACE);
        Ok(Stage { operator, operator_address, datadog, control_plane, undeclared, connections, organizations, events })
    }

    /// The double.
    pub(super) fn datadog(&self) -> &Double {
        &self.datadog.double
    }

    /// Shows a command, runs it and shows what it said.
    pub(super) async fn run(&self, screen: &Screen, line: &str) -> Result<(), Box<dyn Error>> {
        run(screen, &self.control_plane, line).await
    }

    /// All OrgConnections of the examples.
    pub(super) async fn connections(&self) -> Result<Vec<OrgConnection>, kube::Error> {
        Ok(self.connections.list(&ListParams::default()).await?.items)
    }

    /// One of them.
    pub(super) async fn connection(&self, name: &str) -> Result<OrgConnection, kube::Error> {
        self.connections.get(name).await
    }

    /// All DatadogOrgs of the examples.
    pub(super) async fn organizations(&self) -> Result<Vec<DatadogOrg>, kube::Error> {
        Ok(self.organizations.list(&ListParams::default()).await?.items)
    }

    /// The events of the examples' namespace with this reason.
    pub(super) async fn events(&self, reason: &str) -> Result<Vec<Event>, kube::Error> {
        Ok(self.events.list(&ListParams::default().fields(&format!("reason={reason}"))).await?.items)
    }

    /// Whether the operator has ended, which it does not do by itself.
    pub(super) fn operator_has_ended(&mut self) -> io::Result<bool> {
        self.operator.has_ended()
    }

    /// The end of the operator's log.
    pub(super) fn log_tail(&self) -> String {
        self.operator.log_tail()
    }

    /// An error with the end of the operator's log.
    pub(super) fn failure(&mut self, error: &dyn Error) -> Box<dyn Error> {
        let state = if self.operator_has_ended().unwrap_or(false) { "has ended; the end of its log" } else { "runs; the end of its log" };
        format!("{error}\nThe operator {state}:\n{}", self.log_tail().trim_end()).into()
    }

    /// What to do with it now, line by line.
    pub(super) fn suggestions(&self) -> [String; 5] {
        let kubectl = self.control_plane.kubectl();
        let directory = Path::new(kubectl.get_program()).parent().unwrap_or(Path::new("."));
        [
            format!("export KUBECONFIG={} PATH={}:$PATH", self.control_plane.kubeconfig().display(), directory.display()),
            format!("kubectl get datadog -n {NAMESPACE} -o wide"),
            format!("curl {}/_double/state", self.datadog.url),
            format!("curl http://{}/metrics", self.operator_address),
            format!("tail -f {}", self.control_plane.logs().join(LOG).display()),
        ]
    }
}

async fn start_control_plane(screen: &Screen) -> Result<ControlPlane, Box<dyn Error>> {
    let began = Instant::now();
    let control_plane = ControlPlane::start(Options::default()).await?;
    let (url, seconds) = (control_plane.url(), began.elapsed().as_secs_f64());
    screen.said(&format!("Kubernetes        {url}, ready after {seconds:.1} s"))?;
    Ok(control_plane)
}

/// Runs the very line that is shown, in the root of the repository, with the control plane's kubectl first on the path.
async fn run(screen: &Screen, control_plane: &ControlPlane, line: &str) -> Result<(), Box<dyn Error>> {
    screen.command(line)?;
    let kubectl = control_plane.kubectl();
    let mut command = Command::new("sh");
    command.args(["-c", &format!("exec {line}")]).current_dir(repository::root());
    command.env("KUBECONFIG", control_plane.kubeconfig()).env("KUBECACHEDIR", control_plane.logs().with_file_name("kubectl-cache"));
    command.env("PATH", path_with(Path::new(kubectl.get_program()))?).stdin(Stdio::null()).kill_on_drop(true);
    let ended = time::timeout(COMMAND_WITHIN, command.output()).await;
    let output = ended.map_err(|_| format!("`{line}` did not end within {COMMAND_WITHIN:?}"))??;
    screen.output(&String::from_utf8_lossy(&output.stdout))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("`{line}` failed ({}): {}", output.status, String::from_utf8_lossy(&output.stderr).trim()).into())
}

fn path_with(program: &Path) -> Result<OsString, env::JoinPathsError> {
    let rest = env::var_os("PATH").unwrap_or_default();
    env::join_paths(program.parent().map(PathBuf::from).into_iter().chain(env::split_paths(&rest)))
}
