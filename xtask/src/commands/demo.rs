//! `xtask demo`: the operator's main job, shown on a real control plane and a double of Datadog, and checked while it is shown.
//!
//! Every sentence with a check mark was compared with what the API server and the double say before it was printed. The first one that
//! does not hold ends the demo with an error that says what was expected, what was seen, and the end of the operator's log.

mod operator;
mod stage;
mod story;
mod truth;

use std::error::Error;
use std::ffi::OsString;
use std::time::Duration;

use clap::builder::FalseyValueParser;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time;

pub(super) use self::operator::is_told_by_cargo;
use self::stage::Stage;
use super::screen::Screen;

/// How often a demo that stays looks whether the operator still runs.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How the demo is run.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// End after the last step instead of staying until Ctrl-C; the exit code says whether everything shown was true
    #[arg(long)]
    exit: bool,
    /// No colours, also on a terminal
    #[arg(long, env = "NO_COLOR", value_parser = FalseyValueParser::new())]
    plain: bool,
    /// The cargo that builds the operator
    #[arg(long, env = "CARGO", default_value = "cargo", hide = true)]
    cargo: OsString,
}

/// Does it.
pub(crate) async fn run(options: Options) -> Result<(), Box<dyn Error>> {
    // Before anything is started, so that a signal in the middle of it is not lost: whatever runs by then is dropped, and so ended.
    let mut signals = [signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, signal(SignalKind::hangup())?];
    let [interrupt, terminate, hangup] = &mut signals;
    tokio::select! {
        outcome = show(&options) => outcome,
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
        _ = hangup.recv() => Ok(()),
    }
}

async fn show(options: &Options) -> Result<(), Box<dyn Error>> {
    let screen = Screen::new(options.plain);
    screen.title("crossorg demo: a real Kubernetes API server, a double of the Datadog API, and the operator as its own process")?;
    let mut stage = Stage::set(&screen, &options.cargo).await?;
    if let Err(error) = story::tell(&screen, &stage).await {
        return Err(stage.failure(error.as_ref()));
    }
    screen.title(&format!("Everything shown was checked and true, in {:.0} s", screen.elapsed().as_secs_f64()))?;
    if options.exit { Ok(()) } else { stay(&screen, &mut stage).await }
}

/// Until a signal ends it, whatever happens to the objects, to Datadog and to the operator meanwhile.
async fn stay(screen: &Screen, stage: &mut Stage) -> Result<(), Box<dyn Error>> {
    screen.said("It is all yours until Ctrl-C. In another terminal, for example:")?;
    for line in stage.suggestions() {
        screen.suggest(&line)?;
    }
    while !stage.operator_has_ended()? {
        time::sleep(LOOK_EVERY).await;
    }
    screen.said(&format!("The operator has ended; the API server and the double go on until Ctrl-C.\n{}", stage.log_tail()))?;
    std::future::pending().await
}
