//! The commands that the Makefile calls.

mod commands;

use std::error::Error;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::commands::controlplane;

#[derive(Debug, Parser)]
#[command(about = "What development needs around the operator")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The control plane that tests and demo run on.
    #[command(subcommand)]
    Controlplane(controlplane::Command),
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Controlplane(command) => controlplane::run(command).await,
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
