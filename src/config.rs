//! The command line; each flag has an environment twin.

use std::net::SocketAddr;

use clap::{Parser, Subcommand};
use http::Uri;

use crate::log::{Filter, Format};

/// Kubernetes operator for Datadog cross-organization visibility.
#[derive(Debug, Parser)]
#[command(name = "crossorg", version)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the operator, against the cluster of KUBECONFIG or the one it runs in
    Run(RunOptions),
    /// Print the CustomResourceDefinitions of this version, for `kubectl apply --server-side --force-conflicts -f -`
    Crds,
}

/// The flags of `run`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct RunOptions {
    /// One address in place of every Datadog site, such as `http://127.0.0.1:8126`: for tests and demos only, keys are sent there
    #[arg(long, env = "CROSSORG_DATADOG_URL", value_name = "URL", value_parser = datadog_url)]
    pub datadog_url: Option<Uri>,

    /// Where health (/livez, /readyz) and metrics (/metrics) are served
    #[arg(long, env = "CROSSORG_LISTEN", value_name = "ADDRESS", default_value = "0.0.0.0:8080")]
    pub listen: SocketAddr,

    /// The form of log lines
    #[arg(long, env = "CROSSORG_LOG_FORMAT", value_name = "FORMAT", value_enum, default_value = "text")]
    pub log_format: Format,

    /// What is logged, in the syntax of RUST_LOG
    #[arg(long, env = "CROSSORG_LOG", value_name = "FILTER", default_value = "crossorg=info,warn")]
    pub log: Filter,

    /// A namespace to watch; may be repeated, or separated by commas. All namespaces if none is given
    #[arg(long = "namespace", env = "CROSSORG_NAMESPACE", value_name = "NAME", value_delimiter = ',')]
    pub namespaces: Vec<String>,
}

impl RunOptions {
    /// The namespaces to watch, each once; empty means all.
    pub fn watched(&self) -> Vec<String> {
        let mut namespaces: Vec<String> = self.namespaces.iter().filter(|name| !name.is_empty()).cloned().collect();
        namespaces.sort();
        namespaces.dedup();
        namespaces
    }

    /// Whether keys would travel in the clear.
    pub fn is_plain(&self) -> bool {
        self.datadog_url.as_ref().is_some_and(|url| url.scheme_str() == Some("http"))
    }
}

fn datadog_url(text: &str) -> Result<Uri, String> {
    let uri: Uri = text.parse().map_err(|error| format!("{error}"))?;
    match (uri.scheme_str(), uri.host()) {
        (Some("http" | "https"), Some(_)) => Ok(uri),
        _ => Err("it needs a scheme and a host, such as http://127.0.0.1:8126".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(arguments: &[&str]) -> Result<RunOptions, clap::Error> {
        match Cli::try_parse_from([&["crossorg", "run"], arguments].concat())?.command {
            Command::Run(options) => Ok(options),
            Command::Crds => unreachable!(),
        }
    }

    #[test]
    fn without_flags_it_watches_everything_and_speaks_to_the_real_sites() {
        let options = run(&[]).unwrap();
        assert_eq!(options.listen.port(), 8080);
        assert!(options.watched().is_empty() && options.datadog_url.is_none() && !options.is_plain());
    }

    #[test]
    fn namespaces_add_up_and_count_once() {
        let options = run(&["--namespace", "b,a", "--namespace", "a"]).unwrap();
        assert_eq!(options.watched(), ["a", "b"]);
    }

    #[test]
    fn an_address_needs_scheme_and_host() {
        assert!(run(&["--datadog-url", "http://127.0.0.1:1"]).unwrap().is_plain());
        assert!(!run(&["--datadog-url", "https://localhost"]).unwrap().is_plain());
        for wrong in ["127.0.0.1:80", "ftp://host", "/path", ""] {
            assert!(run(&["--datadog-url", wrong]).is_err(), "{wrong}");
        }
    }
}
