//! The double as a process, for the demo and for tests that need one.

use std::error::Error;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;
use datadog_double::{Config, Double};
use tokio::net::TcpListener;

/// The Datadog organization connection API as a small HTTP server. The first line it prints is the address it listens on.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Organizations and keys as JSON; without it three organizations with fake keys.
    #[arg(long)]
    config: Option<PathBuf>,
    /// A file to write the address into, once connections are accepted.
    #[arg(long)]
    print_address_to: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let config = match &arguments.config {
        Some(path) => read(path)?,
        None => Config::three_organizations(),
    };
    let listener = TcpListener::bind(arguments.listen).await?;
    let address = listener.local_addr()?;
    if let Some(path) = &arguments.print_address_to {
        std::fs::write(path, format!("{address}\n"))?;
    }
    writeln!(std::io::stdout(), "{address}")?;
    tokio::select! {
        () = Double::new(&config).serve(listener) => Ok(()),
        interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
    }
}

fn read(path: &PathBuf) -> Result<Config, Box<dyn Error>> {
    let unusable = |cause: &dyn Error| format!("the configuration {} cannot be used: {cause}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| unusable(&error))?;
    Ok(serde_json::from_str(&text).map_err(|error| unusable(&error))?)
}
