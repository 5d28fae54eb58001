//! The commands that the Makefile calls.

mod commands;

use std::error::Error;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::commands::{check_sources, controlplane, demo, e2e, generate, helm, wrong};

#[derive(Debug, Parser)]
#[command(about = "What development needs around the operator")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Look whether the sources keep the rules that no compiler knows.
    CheckSources,
    /// The control plane that tests and demo run on.
    #[command(subcommand)]
    Controlplane(controlplane::Command),
    /// Show the operator's main job on a real control plane and a double of Datadog, and check everything that is shown.
    Demo(demo::Options),
    /// Install the image with the chart into a cluster that runs pods, and take it through its whole life.
    E2e(e2e::Options),
    /// Write the files that follow from the code: CRDs, API reference, access rights, chart, install manifest.
    Generate(generate::Options),
    /// Find Helm in the versions that the chart is tested with, or build it, and print where it is.
    Helm,
    /// Show that the tests catch an operator that is wrong: in several ways, on purpose, in a copy.
    Wrong(wrong::Options),
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::CheckSources => check_sources::run(),
        Command::Controlplane(command) => controlplane::run(command).await,
        Command::Demo(options) => demo::run(options).await,
        Command::E2e(options) => e2e::run(options).await,
        Command::Generate(options) => generate::run(options),
        Command::Helm => helm::run(),
        Command::Wrong(options) => wrong::run(options).await,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", chain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

/// The error and its causes on one line.
fn chain(error: &dyn Error) -> String {
    let causes = std::iter::successors(Some(error), |error| (*error).source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
