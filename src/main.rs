//! The binary: flags, logger, clients, signals; everything else is in the library.

use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use crossorg::config::{Cli, Command, ExportOptions, RunOptions};
use crossorg::controller::context::Seams;
use crossorg::leader::{self, Candidate};
use crossorg::log::{self, chain};
use crossorg::{admin, api, controller, datadog, export, metrics, probe};
use futures::FutureExt;
use http::header::USER_AGENT;
use http::{HeaderValue, Uri};
use tracing::{error, info, warn};

/// After the loop has ended, what still hangs is left behind: a pod's grace period is not ours to use up.
const LAST_MOMENT: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Crds => print_crds(),
        Command::Run(options) => run(options),
        Command::Export(options) => print_export(&options),
        Command::Probe { url } => print_answer(&url),
    }
}

fn print_crds() -> ExitCode {
    match api::manifests() {
        Ok(text) => hand_out(&text),
        Err(error) => {
            eprintln!("the CRDs cannot be written as YAML: {error}");
            ExitCode::FAILURE
        }
    }
}

fn print_export(options: &ExportOptions) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(CannotRun::Threads);
    match runtime.and_then(|runtime| runtime.block_on(exported(options))) {
        Ok(exported) => {
            exported.notes.iter().for_each(|note| eprintln!("note: {note}"));
            hand_out(&exported.manifests)
        }
        Err(error) => {
            eprintln!("nothing is exported: {}", chain(&error));
            ExitCode::FAILURE
        }
    }
}

fn print_answer(url: &Uri) -> ExitCode {
    install_tls();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(CannotRun::Threads);
    match runtime.and_then(|runtime| Ok(runtime.block_on(probe::ask(url))?)) {
        Ok(answer) => hand_out(&answer),
        Err(error) => {
            eprintln!("{}", chain(&error));
            ExitCode::FAILURE
        }
    }
}

/// Standard output is the product; whoever reads it may stop early.
fn hand_out(text: &str) -> ExitCode {
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("standard output cannot be written: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn exported(options: &ExportOptions) -> Result<export::Exported, CannotRun> {
    if let Some(caution) = options.datadog.caution() {
        eprintln!("caution: {caution}");
    }
    let (transport, kubernetes) = (to_datadog()?, kubernetes().await?);
    Ok(export::run(kubernetes, transport, options).await?)
}

fn run(options: RunOptions) -> ExitCode {
    log::start(options.log_format, &options.log);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(CannotRun::Threads);
    let ended = runtime.and_then(|runtime| {
        let ended = runtime.block_on(operate(options));
        runtime.shutdown_timeout(LAST_MOMENT);
        ended
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error!(error = chain(&error), "crossorg cannot run");
            ExitCode::FAILURE
        }
    }
}

/// Why a command cannot do its work. The causes say the rest.
#[derive(Debug, thiserror::Error)]
enum CannotRun {
    #[error("the process cannot start its threads")]
    Threads(#[source] std::io::Error),
    #[error("cannot listen on {address}: choose another address with --listen")]
    Listen { address: SocketAddr, source: std::io::Error },
    #[error("no HTTPS client: are CA certificates installed (SSL_CERT_FILE names others), and is HTTPS_PROXY a URL?")]
    Https(#[from] reqwest::Error),
    #[error("no Kubernetes cluster to work on: set KUBECONFIG to a kubeconfig file, or run inside a cluster")]
    NoCluster(#[from] kube::config::InferConfigError),
    #[error("the Kubernetes cluster's configuration cannot be used")]
    Cluster(#[from] kube::Error),
    #[error(transparent)]
    Export(#[from] export::Error),
    #[error(transparent)]
    Leadership(#[from] leader::Lost),
    #[error(transparent)]
    Probe(#[from] probe::Error),
}

async fn operate(options: RunOptions) -> Result<(), CannotRun> {
    let transport = to_datadog()?;
    if let Some(caution) = options.datadog.caution() {
        warn!("{caution}");
    }
    if options.observe_only {
        info!("--observe-only: nothing is created, changed or deleted at Datadog; what would be done stands in the objects' status");
    }
    let (metrics, health) = (Arc::new(metrics::Metrics::new(options.metrics_per_object)), Arc::new(controller::health::Health::default()));
    let namespaces = options.watched();
    let routes = admin::router(Arc::clone(&metrics), Arc::clone(&health));
    let address = options.listen;
    let address = admin::serve(address, routes).await.map_err(|source| CannotRun::Listen { address, source })?;
    let seams = Seams {
        transport,
        datadog_url: options.datadog.datadog_url,
        observe_only: options.observe_only,
        wall_clock: Arc::new(wall_clock),
        chance: Arc::new(fastrand::f64),
    };
    let kubernetes = kubernetes().await?;
    info!(version = env!("CARGO_PKG_VERSION"), %address, namespaces = namespaces.join(","), "crossorg runs");
    let stop = stop_signal().boxed().shared();
    if options.leader_elect {
        metrics.stands_by(true);
        let (wall_clock, chance) = (Arc::clone(&seams.wall_clock), Arc::clone(&seams.chance));
        let candidate = Candidate::new(kubernetes.clone(), options.lease_name, identity(), wall_clock, chance, Arc::clone(&health));
        let work = async |term: leader::Term| {
            metrics.stands_by(false);
            let seams = Seams { transport: term.clone().fence(seams.transport), ..seams };
            let told = Arc::clone(&metrics);
            let lost = term.over().map(move |()| told.stands_by(true));
            let end = futures::future::select(stop.clone(), lost.boxed()).map(drop).boxed().shared();
            controller::run(kubernetes, &namespaces, seams, (metrics, health), end).await
        };
        candidate.lead(stop.clone(), work).await?;
    } else {
        controller::run(kubernetes, &namespaces, seams, (metrics, health), stop).await;
    }
    info!("crossorg has ended");
    Ok(())
}

/// What no other process is called: two on one host differ, and so does a container that is started again in the same pod.
fn identity() -> String {
    let host = hostname::get().unwrap_or_default();
    format!("{}_{}", host.to_string_lossy(), uuid::Uuid::new_v4())
}

#[expect(clippy::disallowed_methods, reason = "the one place where the wall clock enters")]
fn wall_clock() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// Every HTTP client takes the provider of the process; with two in the dependency tree none could choose.
fn install_tls() {
    rustls::crypto::ring::default_provider().install_default().ok();
}

fn to_datadog() -> Result<datadog::Transport, CannotRun> {
    install_tls();
    Ok(datadog::transport::over_http()?)
}

async fn kubernetes() -> Result<kube::Client, CannotRun> {
    let mut config = kube::Config::infer().await?;
    // kube would repeat any request, also a write, for minutes; the work queue repeats passes instead.
    config.default_retry = false;
    config.headers.push((USER_AGENT, HeaderValue::from_static(concat!("crossorg/", env!("CARGO_PKG_VERSION")))));
    Ok(kube::Client::try_from(config)?)
}

async fn stop_signal() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            futures::future::select(Box::pin(interrupt), Box::pin(terminate.recv())).await;
            info!("asked to end; calls under way are given a moment");
            return;
        }
    }
    interrupt.await.ok();
}
