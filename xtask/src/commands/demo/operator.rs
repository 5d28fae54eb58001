//! The operator as its own process: built, started, waited for. Talks to cargo, to the operating system and to the operator's `/readyz`.

use std::env;
use std::error::Error;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;
use xtask::controlplane::{ControlPlane, Supervised};

use crate::commands::repository;
use crate::commands::truth::{Broken, eventually};

/// The file of its log, in the control plane's directory of logs.
pub(super) const LOG: &str = "crossorg.log";
/// Lines of the log that a failure shows.
const LINES_SHOWN: usize = 20;
/// It starts in a fraction of a second; the rest is for a machine that compiles beside it.
const READY_WITHIN: Duration = Duration::from_secs(20);

/// What cargo tells a program about the package that it runs. A build script that looks at one of them would be run again.
const TOLD_BY_CARGO: [&str; 3] = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"];

/// Variables of the demo's own environment that would lead the operator away: to fewer namespaces, or through a proxy.
const UNSET: [&str; 5] = ["CROSSORG_NAMESPACE", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"];

/// The running operator; killed when this value is dropped or this process ends.
#[derive(Debug)]
pub(super) struct Operator {
    process: Supervised,
}

/// Builds the operator, with cargo's own progress on standard error, and tells where it is.
pub(super) async fn build(cargo: &OsStr) -> Result<PathBuf, Box<dyn Error>> {
    let mut command = Command::new(cargo);
    // The whole workspace's features: those of one package alone would compile half of the dependencies anew.
    command.args(["build", "--workspace", "--bin", "crossorg", "--message-format", "json-render-diagnostics"]);
    command.current_dir(repository::root()).stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    for (name, _) in env::vars_os().filter(|(name, _)| is_told_by_cargo(name)) {
        command.env_remove(name);
    }
    // Not `output()`: it would take standard error away from the terminal.
    let built = command.spawn()?.wait_with_output().await?;
    if !built.status.success() {
        return Err("the operator does not build: see cargo's messages above".into());
    }
    executable(&String::from_utf8_lossy(&built.stdout)).ok_or_else(|| "cargo did not say where it put the operator".into())
}

/// Whether cargo has set this variable for the program that it runs: whoever starts another cargo takes it away.
pub(in crate::commands) fn is_told_by_cargo(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| TOLD_BY_CARGO.iter().any(|prefix| name.starts_with(prefix)))
}

/// The path in the message about the program; cargo writes one JSON object a line.
fn executable(messages: &str) -> Option<PathBuf> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let paths = messages.filter(|message| message.pointer("/target/name").is_some_and(|name| name == "crossorg"));
    paths.filter_map(|message| Some(PathBuf::from(message.get("executable")?.as_str()?))).next_back()
}

impl Operator {
    /// Starts it and returns once it is ready.
    pub(super) async fn start(
        program: &Path,
        control_plane: &ControlPlane,
        datadog_url: &str,
    ) -> Result<(Operator, String), Box<dyn Error>> {
        let mut arguments: Vec<String> = UNSET.iter().flat_map(|name| ["-u".to_owned(), (*name).to_owned()]).collect();
        arguments.push(format!("KUBECONFIG={}", control_plane.kubeconfig().display()));
        arguments.extend([program.display().to_string(), "run".to_owned()]);
        arguments.extend(["--datadog-url", datadog_url, "--listen", "127.0.0.1:0"].map(str::to_owned));
        let process = control_plane.spawn(Path::new("env"), &arguments, LOG)?;
        let operator = Operator { process };
        match operator.address_when_ready().await {
            Ok(address) => Ok((operator, address)),
            Err(error) => Err(format!("{error}\nthe end of its log:\n{}", operator.log_tail()).into()),
        }
    }

    async fn address_when_ready(&self) -> Result<String, Broken> {
        let client = reqwest::Client::builder().no_proxy().build();
        let ready = async || {
            let address = self.address().ok_or("no address in its log yet")?;
            let answer = client.as_ref().map_err(ToString::to_string)?.get(format!("http://{address}/readyz")).send().await;
            let answer = answer.map_err(|error| error.to_string())?;
            if answer.status().is_success() { Ok(address) } else { Err(answer.text().await.unwrap_or_default()) }
        };
        eventually("the operator answers /readyz with 200", READY_WITHIN, ready).await
    }

    /// Where it serves health and metrics, from the first line of its log: the port was the system's choice.
    fn address(&self) -> Option<String> {
        let log = self.process.log().ok()?;
        log.split_whitespace().find_map(|word| word.strip_prefix("address=")).map(str::to_owned)
    }

    /// Whether it has ended.
    pub(super) fn has_ended(&mut self) -> std::io::Result<bool> {
        Ok(self.process.exit_status()?.is_some())
    }

    /// The end of its log.
    pub(super) fn log_tail(&self) -> String {
        let log = self.process.log().unwrap_or_else(|error| format!("(the log cannot be read: {error})"));
        let lines: Vec<&str> = log.lines().collect();
        lines.iter().skip(lines.len().saturating_sub(LINES_SHOWN)).map(|line| format!("  {line}\n")).collect()
    }
}

#[cfg(test)]
mod tests;
