//! The binary: flags, logger, clients, signals; everything else is in the library.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use crossorg::config::{Cli, Command, RunOptions};
use crossorg::controller::context::Seams;
use crossorg::log::{self, chain};
use crossorg::{admin, api, controller, datadog, metrics};
use http::HeaderValue;
use http::header::USER_AGENT;
use tracing::{error, info, warn};

/// After the loop has ended, what still hangs is left behind: a pod's grace period is not ours to use up.
const LAST_MOMENT: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Crds => print_crds(),
        Command::Run(options) => run(options),
    }
}

#[expect(clippy::print_stdout, reason = "the output is the product")]
fn print_crds() -> ExitCode {
    match api::manifests() {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("the CRDs cannot be written as YAML: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: RunOptions) -> ExitCode {
    log::start(options.log_format, &options.log);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            error!(error = chain(&error), "the process cannot start its threads");
            return ExitCode::FAILURE;
        }
    };
    let ended = runtime.block_on(operate(options));
    runtime.shutdown_timeout(LAST_MOMENT);
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error!(error = chain(&error), "crossorg cannot run");
            ExitCode::FAILURE
        }
    }
}

/// Why the operator cannot start. The causes say the rest.
#[derive(Debug, thiserror::Error)]
enum CannotRun {
    #[error("cannot listen on {address}: choose another address with --listen")]
    Listen { address: SocketAddr, source: std::io::Error },
    #[error("no HTTPS client: are CA certificates installed (SSL_CERT_FILE names others), and is HTTPS_PROXY a URL?")]
    Https(#[from] reqwest::Error),
    #[error("no Kubernetes cluster to work on: set KUBECONFIG to a kubeconfig file, or run inside a cluster")]
    NoCluster(#[from] kube::config::InferConfigError),
    #[error("the Kubernetes cluster's configuration cannot be used")]
    Cluster(#[from] kube::Error),
}

async fn operate(options: RunOptions) -> Result<(), CannotRun> {
    // Both HTTP clients take the provider of the process; with two in the dependency tree neither could choose.
    rustls::crypto::ring::default_provider().install_default().ok();
    if options.is_plain() {
        warn!("--datadog-url is plain http: keys travel in the clear. For tests and demos only");
    }
    let (metrics, health) = (Arc::new(metrics::Metrics::default()), Arc::new(controller::health::Health::default()));
    let namespaces = options.watched();
    let routes = admin::router(Arc::clone(&metrics), Arc::clone(&health));
    let address = options.listen;
    let address = admin::serve(address, routes).await.map_err(|source| CannotRun::Listen { address, source })?;
    let seams = Seams {
        transport: datadog::transport::over_http()?,
        datadog_url: options.datadog_url,
        wall_clock: Arc::new(wall_clock),
        chance: Arc::new(fastrand::f64),
    };
    let kubernetes = kubernetes().await?;
    info!(version = env!("CARGO_PKG_VERSION"), %address, namespaces = namespaces.join(","), "crossorg runs");
    controller::run(kubernetes, &namespaces, seams, (metrics, health), stop_signal()).await;
    info!("crossorg has ended");
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the one place where the wall clock enters")]
fn wall_clock() -> jiff::Timestamp {
    jiff::Timestamp::now()
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
