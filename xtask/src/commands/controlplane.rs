//! `xtask controlplane`: the control plane by itself, to look at or to work with.

use std::error::Error;
use std::io::{self, Write};

use clap::Subcommand;
use tokio::signal::unix::{SignalKind, signal};
use xtask::controlplane::{Binaries, ControlPlane, Options};

/// What to do with the control plane.
#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum Command {
    /// Find the binaries or build them, and print their directory: KUBEBUILDER_ASSETS for other tools.
    Ensure,
    /// Start a control plane, print how to reach it, and stop it on Ctrl-C.
    Run,
}

/// Does it.
pub(crate) async fn run(command: Command) -> Result<(), Box<dyn Error>> {
    match command {
        Command::Ensure => ensure().await,
        Command::Run => stay().await,
    }
}

async fn ensure() -> Result<(), Box<dyn Error>> {
    let binaries = tokio::task::spawn_blocking(|| Binaries::ensure(true)).await??;
    writeln!(io::stdout(), "{}", binaries.directory().display())?;
    Ok(())
}

async fn stay() -> Result<(), Box<dyn Error>> {
    // Before the start, so that a signal in the middle of it is not lost either: it ends what has been started so far.
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let serve = async {
        let control_plane = ControlPlane::start(Options::default()).await?;
        writeln!(io::stdout(), "export KUBECONFIG={}", control_plane.kubeconfig().display())?;
        writeln!(io::stdout(), "# {} is ready; logs in {}; Ctrl-C ends it", control_plane.url(), control_plane.logs().display())?;
        std::future::pending::<Result<(), Box<dyn Error>>>().await
    };
    tokio::select! {
        outcome = serve => outcome,
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
    }
}
