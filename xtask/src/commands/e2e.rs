//! `xtask e2e`: image and chart on a cluster that runs pods, from the installation to the removal, with a double of Datadog as a pod.
//!
//! Every step is checked against what the API server and the double say before the next one begins. The first that does not hold ends the
//! test with an error that says what was expected, what was seen, and how the pods are. The cluster is then left as it is.

mod cluster;
mod datadog;
mod packages;
mod stage;
mod steps;
mod story;

use std::error::Error;
use std::ffi::OsString;

use clap::builder::FalseyValueParser;
use tokio::signal::unix::{SignalKind, signal};

use self::stage::Stage;
use self::steps::Steps;
use super::screen::Screen;

/// What a step comes to: a sentence that has been checked.
type Outcome = Result<String, Box<dyn Error>>;

/// On which cluster it is run.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// The kubeconfig of a cluster that nobody needs; never guessed, because all of crossorg in it is removed at the end
    #[arg(long, env = "KUBECONFIG")]
    kubeconfig: OsString,
    /// The command that brings an image into that cluster, called as `$LOAD_IMAGE NAME:TAG ARCHIVE.tar`
    #[arg(long, env = "LOAD_IMAGE")]
    load_image: String,
    /// The command that kills a container with SIGKILL, called as `$KILL_CONTAINER ID`; without it pods are deleted by force alone, which
    /// lets a process say good-bye
    #[arg(long, env = "KILL_CONTAINER")]
    kill_container: Option<String>,
    /// No colours, also on a terminal
    #[arg(long, env = "NO_COLOR", value_parser = FalseyValueParser::new())]
    plain: bool,
}

/// Does it.
pub(crate) async fn run(options: Options) -> Result<(), Box<dyn Error>> {
    // What a command has started is dropped, and so ended.
    let mut signals = [signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?];
    let [interrupt, terminate] = &mut signals;
    tokio::select! {
        outcome = show(&options) => outcome,
        _ = interrupt.recv() => Err("interrupted; the cluster is left as it is".into()),
        _ = terminate.recv() => Err("ended; the cluster is left as it is".into()),
    }
}

async fn show(options: &Options) -> Result<(), Box<dyn Error>> {
    let screen = Screen::new(options.plain);
    screen.title("crossorg, end to end: image and chart on a cluster that runs pods, with a double of Datadog as a pod")?;
    let stage = Stage::set(screen, &options.kubeconfig).await?;
    let mut steps = Steps::new(&stage.screen);
    if let Err(error) = story::tell(&stage, &mut steps, options).await {
        return Err(format!("{error}\n{}", stage.cluster.evidence().await).into());
    }
    Ok(steps.table()?)
}
