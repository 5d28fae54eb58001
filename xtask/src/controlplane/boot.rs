//! The start, from an empty directory to answers. Talks to the operating system and the API server.

use std::fs;

use kube::config::{KubeConfigOptions, Kubeconfig};

use super::audit::{self, Stage};
use super::binaries::{Binaries, Program};
use super::error::Error;
use super::files::{self, Files};
use super::process::{Missing, Process, wait_until_ready};
use super::supervise::Workspace;
use super::{Options, credentials, port};

/// How the clients made here introduce themselves: not as the operator, whose requests tests count.
const USER_AGENT: &str = "controlplane-admin";

/// What a start leaves running.
pub(super) struct Running {
    pub(super) controller_manager: Option<Process>,
    pub(super) api_server: Process,
    pub(super) etcd: Process,
    pub(super) files: Files,
    pub(super) port: u16,
    pub(super) config: kube::Config,
}

/// Starts everything in `workspace` and waits until it is ready. After an error nothing of it runs.
pub(super) async fn boot(workspace: &Workspace, binaries: &Binaries, options: Options) -> Result<Running, Error> {
    let token = credentials::new_token();
    let files = Files::create(workspace.path(), &token)?;
    let port = port::free().map_err(Error::io("listen on", "127.0.0.1".as_ref()))?;
    let start = |program, arguments: &[String]| Process::start(workspace, binaries, &files, program, arguments);
    // At once: the API server tries again until etcd is there, and has enough to do meanwhile.
    let mut etcd = start(Program::Etcd, &files.etcd_arguments())?;
    let mut api_server = start(Program::KubeApiserver, &files.api_server_arguments(port))?;
    let kubeconfig = wait_until_ready(&mut api_server, Some(&mut etcd), options.ready_within, async || {
        let kubeconfig = kubeconfig(&files, port, &token, "default")?;
        api_server_is_ready(&client_config(&kubeconfig).await?).await?;
        Ok(kubeconfig)
    })
    .await?;
    files::write(&files.kubeconfig(), &kubeconfig)?;
    let config = client_config(&kubeconfig).await.map_err(Error::Kubeconfig)?;
    let controller_manager = if options.controller_manager {
        let mut process = start(Program::KubeControllerManager, &files.controller_manager_arguments())?;
        wait_until_ready(&mut process, None, options.ready_within, async || controllers_watch(&files)).await?;
        Some(process)
    } else {
        None
    };
    Ok(Running { controller_manager, api_server, etcd, files, port, config })
}

/// A kubeconfig for the bearer of `token`, as YAML.
pub(super) fn kubeconfig(files: &Files, port: u16, token: &str, namespace: &str) -> Result<String, Missing> {
    let certificate_authority = fs::read(files.certificate())?;
    Ok(serde_yaml::to_string(&credentials::kubeconfig(&url(port), &certificate_authority, token, namespace))?)
}

/// Where the API server listens.
pub(super) fn url(port: u16) -> String {
    format!("https://127.0.0.1:{port}")
}

/// Ready, and ours: another API server would know neither the token nor the certificate.
pub(super) async fn api_server_is_ready(config: &kube::Config) -> Result<(), Missing> {
    let client = kube::Client::try_from(config.clone())?;
    client.request_text(http::Request::get("/readyz").body(Vec::new())?).await?;
    Ok(())
}

async fn client_config(kubeconfig: &str) -> Result<kube::Config, Missing> {
    // kube panics if it has to choose between two providers, and a dependency may bring a second one. An error: one is installed.
    rustls::crypto::ring::default_provider().install_default().ok();
    let mut config = kube::Config::from_custom_kubeconfig(Kubeconfig::from_yaml(kubeconfig)?, &KubeConfigOptions::default()).await?;
    // kube takes it from the environment (HTTPS_PROXY), and no proxy leads to this machine's loopback.
    config.proxy_url = None;
    // kube's own retries block for minutes and repeat creates; a test wants to see what happened.
    config.default_retry = false;
    config.headers.push((http::header::USER_AGENT, http::HeaderValue::from_static(USER_AGENT)));
    Ok(config)
}

/// The controller manager serves nothing that could be asked; that it watches namespaces shows that its controllers run.
fn controllers_watch(files: &Files) -> Result<(), Missing> {
    let entries = audit::read(&files.audit_log())?;
    let watches = entries.iter().any(|entry| {
        entry.is_by(Program::KubeControllerManager.name())
            && entry.stage == Stage::ResponseStarted
            && entry.verb == "watch"
            && entry.resource == "namespaces"
    });
    if watches { Ok(()) } else { Err("it does not watch namespaces yet".into()) }
}
