//! The cluster: commands as a person would type them, what the API server says, and what to look at when something is wrong.

use std::env;
use std::error::Error;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig};
use tokio::process::Command;
use tokio::time;
use xtask::controlplane::Binaries;
use xtask::helm::{Helm, Version};

use crate::commands::demo::is_told_by_cargo;
use crate::commands::repository;
use crate::commands::screen::Screen;

/// The longest that `helm` is told to wait here, and some more; an image is built without a limit.
const COMMAND_WITHIN: Duration = Duration::from_secs(330);

/// What shows why pods do not do what they should.
const EVIDENCE: [&str; 7] = [
    "kubectl get pods --all-namespaces -o wide",
    "kubectl get datadog --all-namespaces -o wide",
    "kubectl describe pods --namespace crossorg-system",
    "kubectl describe pods --namespace datadog-double",
    "kubectl logs --namespace crossorg-system --selector app.kubernetes.io/instance=crossorg --prefix --tail 40",
    "kubectl logs --namespace datadog-double deployment/double --tail 20",
    "kubectl get leases --namespace crossorg-system -o yaml",
];

/// A cluster that can be reached.
pub(super) struct Cluster {
    /// The administrator's client.
    pub(super) client: Client,
    kubeconfig: OsString,
    /// With kubectl and Helm 4 before all others.
    path: OsString,
}

impl Cluster {
    /// The cluster of this kubeconfig. Finds kubectl and Helm 4, or builds them, which takes minutes.
    pub(super) async fn reach(kubeconfig: &OsStr) -> Result<Cluster, Box<dyn Error>> {
        let tools = tokio::task::spawn_blocking(tools).await?.map_err(|error| -> Box<dyn Error> { error })?;
        let others = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths(tools.into_iter().chain(env::split_paths(&others)))?;
        Ok(Cluster { client: client().await?, kubeconfig: kubeconfig.to_owned(), path })
    }

    /// Shows a command, runs it in the root of the repository, and shows and answers what it said.
    pub(super) async fn run(&self, screen: &Screen, line: &str) -> Result<String, Box<dyn Error>> {
        screen.command(line)?;
        let output = self.ask(line).await?;
        screen.output(&output)?;
        Ok(output)
    }

    /// Runs a command and answers what it said.
    pub(super) async fn ask(&self, line: &str) -> Result<String, Box<dyn Error>> {
        let ended = time::timeout(COMMAND_WITHIN, self.command(line).output()).await;
        let output = ended.map_err(|_| format!("`{line}` did not end within {COMMAND_WITHIN:?}"))??;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(format!("`{line}` failed ({}): {}", output.status, String::from_utf8_lossy(&output.stderr).trim()).into())
    }

    /// Shows a command and runs it for as long as it takes, with its progress on standard error. Shows what it said.
    pub(super) async fn build(&self, screen: &Screen, line: &str) -> Result<(), Box<dyn Error>> {
        screen.command(line)?;
        let output = self.command(line).stderr(Stdio::inherit()).stdout(Stdio::piped()).spawn()?.wait_with_output().await?;
        screen.output(&String::from_utf8_lossy(&output.stdout))?;
        if output.status.success() { Ok(()) } else { Err(format!("`{line}` failed ({}): see its messages above", output.status).into()) }
    }

    /// What can be seen of the pods, for an error.
    pub(super) async fn evidence(&self) -> String {
        let mut seen = String::new();
        for line in EVIDENCE {
            let said = self.ask(line).await.unwrap_or_else(|error| error.to_string());
            seen.push_str(&format!("\n$ {line}\n{said}"));
        }
        seen
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", line]).current_dir(repository::root()).stdin(Stdio::null()).kill_on_drop(true);
        for (name, _) in env::vars_os().filter(|(name, _)| is_told_by_cargo(name)) {
            command.env_remove(name);
        }
        command.env("KUBECONFIG", &self.kubeconfig).env("PATH", &self.path).env("HELM_NO_PLUGINS", "1");
        command
    }
}

/// The directories with kubectl and with Helm.
fn tools() -> Result<Vec<PathBuf>, Box<dyn Error + Send + Sync>> {
    let kubectl = Binaries::ensure(false)?.directory().to_path_buf();
    let helm = Helm::ensure(Version::V4)?;
    let helm = helm.program().parent().map(PathBuf::from);
    Ok(helm.into_iter().chain([kubectl]).collect())
}

/// As kubectl reads KUBECONFIG, but for a proxy of the environment: NO_PROXY would not count here.
async fn client() -> Result<Client, Box<dyn Error>> {
    let kubeconfig = Kubeconfig::read()?;
    let named = kubeconfig.clusters.iter().any(|named| named.cluster.as_ref().is_some_and(|cluster| cluster.proxy_url.is_some()));
    let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    if !named {
        config.proxy_url = None;
    }
    Ok(Client::try_from(config)?)
}
