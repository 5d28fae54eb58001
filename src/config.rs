//! The command line; each flag of `run` has an environment twin.

use std::net::SocketAddr;

use clap::builder::BoolishValueParser;
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
    /// Print an OrgConnection, ready for Git, for every connection of an organization that no OrgConnection declares yet
    Export(ExportOptions),
    /// Print the CustomResourceDefinitions of this version, for `kubectl apply --server-side --force-conflicts -f -`
    Crds,
    /// Ask a running operator how it is, such as http://crossorg:8080/readyz: what `helm test` does
    Probe {
        /// What is asked
        #[arg(value_parser = http_url)]
        url: Uri,
    },
}

/// The flags of `run`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct RunOptions {
    /// Where Datadog is.
    #[command(flatten)]
    pub datadog: DatadogAddress,

    /// Change nothing at Datadog, whatever the objects say: look, and say in their status what would be done
    #[arg(long, env = "CROSSORG_OBSERVE_ONLY", value_parser = BoolishValueParser::new())]
    pub observe_only: bool,

    /// Where health (/livez, /readyz) and metrics (/metrics) are served
    #[arg(long, env = "CROSSORG_LISTEN", value_name = "ADDRESS", default_value = "0.0.0.0:8080")]
    pub listen: SocketAddr,

    /// Work only while this process holds a Lease, so that others can stand by
    #[arg(long, env = "CROSSORG_LEADER_ELECT", value_parser = BoolishValueParser::new())]
    pub leader_elect: bool,

    /// The Lease of --leader-elect, in the namespace that the operator runs in
    #[arg(long, env = "CROSSORG_LEASE_NAME", value_name = "NAME", default_value = "crossorg", value_parser = object_name)]
    pub lease_name: String,

    /// The form of log lines
    #[arg(long, env = "CROSSORG_LOG_FORMAT", value_name = "FORMAT", value_enum, default_value = "text")]
    pub log_format: Format,

    /// What is logged, in the syntax of RUST_LOG
    #[arg(long, env = "CROSSORG_LOG", value_name = "FILTER", default_value = "crossorg=info,warn")]
    pub log: Filter,

    /// Serve the metric crossorg_connection_ready with a series for each OrgConnection
    #[arg(long, env = "CROSSORG_METRICS_PER_OBJECT", value_parser = BoolishValueParser::new())]
    pub metrics_per_object: bool,

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
}

/// The flags of `export`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct ExportOptions {
    /// The namespace of the DatadogOrg, and of what is printed
    #[arg(long, value_name = "NAME", value_parser = object_name)]
    pub namespace: String,

    /// The DatadogOrg whose connections are looked at
    #[arg(long, value_name = "NAME", value_parser = object_name)]
    pub org: String,

    /// Where Datadog is.
    #[command(flatten)]
    pub datadog: DatadogAddress,
}

/// Where Datadog is.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct DatadogAddress {
    /// One address in place of every Datadog site, such as `http://127.0.0.1:8126`: for tests and demos only, keys are sent there
    #[arg(long, env = "CROSSORG_DATADOG_URL", value_name = "URL", value_parser = http_url)]
    pub datadog_url: Option<Uri>,
}

impl DatadogAddress {
    /// What to say if keys will travel in the clear.
    pub fn caution(&self) -> Option<&'static str> {
        let is_plain = self.datadog_url.as_ref().is_some_and(|url| url.scheme_str() == Some("http"));
        is_plain.then_some("--datadog-url is plain http: keys travel in the clear. For tests and demos only")
    }
}

/// What no object can be called would become another path at the API server.
fn object_name(text: &str) -> Result<String, &'static str> {
    let sound = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || matches!(letter, '-' | '.');
    let is_sound = text.chars().all(sound) && text.starts_with(|letter: char| letter.is_ascii_alphanumeric());
    is_sound.then(|| text.to_owned()).ok_or("a name has lower-case letters, digits, `-` and `.` alone, and begins with a letter or digit")
}

fn http_url(text: &str) -> Result<Uri, String> {
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
            Command::Export(_) | Command::Crds | Command::Probe { .. } => unreachable!(),
        }
    }

    fn export(arguments: &[&str]) -> Result<ExportOptions, clap::Error> {
        match Cli::try_parse_from([&["crossorg", "export"], arguments].concat())?.command {
            Command::Export(options) => Ok(options),
            Command::Run(_) | Command::Crds | Command::Probe { .. } => unreachable!(),
        }
    }

    #[test]
    fn without_flags_it_watches_everything_and_speaks_to_the_real_sites() {
        let options = run(&[]).unwrap();
        assert_eq!(options.listen.port(), 8080);
        assert!(options.watched().is_empty() && options.datadog.datadog_url.is_none() && options.datadog.caution().is_none());
        assert!(!options.observe_only);
    }

    #[test]
    fn namespaces_add_up_and_count_once() {
        let options = run(&["--namespace", "b,a", "--namespace", "a"]).unwrap();
        assert_eq!(options.watched(), ["a", "b"]);
    }

    #[test]
    fn an_address_needs_scheme_and_host() {
        assert!(run(&["--datadog-url", "http://127.0.0.1:1"]).unwrap().datadog.caution().is_some());
        assert!(run(&["--datadog-url", "https://localhost"]).unwrap().datadog.caution().is_none());
        for wrong in ["127.0.0.1:80", "ftp://host", "/path", ""] {
            assert!(run(&["--datadog-url", wrong]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn observing_alone_is_a_flag_without_a_value() {
        assert!(run(&["--observe-only"]).unwrap().observe_only);
        assert!(run(&["--observe-only=maybe"]).is_err());
    }

    #[test]
    fn an_election_is_asked_for_and_its_lease_can_be_named() {
        let options = run(&[]).unwrap();
        assert_eq!((options.leader_elect, options.lease_name.as_str()), (false, "crossorg"));
        let options = run(&["--leader-elect", "--lease-name", "crossorg-eu"]).unwrap();
        assert_eq!((options.leader_elect, options.lease_name.as_str()), (true, "crossorg-eu"));
        for wrong in ["", "a/b", "..", "Crossorg"] {
            assert!(run(&["--lease-name", wrong]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_export_names_one_object_of_one_namespace() {
        let options = export(&["--namespace", "observability", "--org", "payments.eu"]).unwrap();
        assert_eq!((options.namespace.as_str(), options.org.as_str()), ("observability", "payments.eu"));
        assert!(export(&["--namespace", "observability"]).is_err() && export(&["--org", "payments"]).is_err());
        for wrong in ["", "a/b", "..", "Payments", "a,b"] {
            assert!(export(&["--namespace", wrong, "--org", "payments"]).is_err(), "{wrong}");
            assert!(export(&["--namespace", "observability", "--org", wrong]).is_err(), "{wrong}");
        }
    }
}
