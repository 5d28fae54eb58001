//! One process of the control plane: started, watched, waited for. Talks to the operating system.

use std::error::Error as StdError;
use std::path::PathBuf;
use std::time::Duration;

use tokio::time::{self, Instant};

use super::binaries::{Binaries, Program};
use super::error::Error;
use super::files::Files;
use super::supervise::{Signal, Supervised, Workspace};

/// Short against the seconds that a start takes, long against what a look costs.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A process that has just begun may accept a connection and not answer.
const LOOK_WITHIN: Duration = Duration::from_secs(2);

/// Lines of a log that an error shows.
const LINES_SHOWN: usize = 20;

/// What is missing until a process is ready.
pub(super) type Missing = Box<dyn StdError + Send + Sync>;

/// A running process; it ends when this value is dropped or this process ends.
#[derive(Debug)]
pub(super) struct Process {
    program: &'static str,
    supervised: Supervised,
    logs: PathBuf,
}

impl Process {
    pub(super) fn start(
        workspace: &Workspace,
        binaries: &Binaries,
        files: &Files,
        program: Program,
        arguments: &[String],
    ) -> Result<Process, Error> {
        let (path, logs) = (binaries.path(program), files.logs());
        let log = logs.join(program.name()).with_extension("log");
        let supervised = workspace.spawn(&path, arguments, log).map_err(Error::io("start", &path))?;
        Ok(Process { program: program.name(), supervised, logs })
    }

    pub(super) fn signal(&mut self, signal: Signal) -> Result<(), Error> {
        let failed = |source| Error::Io { action: "send a signal to", path: PathBuf::from(self.program), source };
        self.supervised.signal(signal).map_err(failed)
    }

    /// An error if the process has ended.
    fn check(&mut self) -> Result<(), Error> {
        let failed = |source| Error::Io { action: "look after", path: PathBuf::from(self.program), source };
        match self.supervised.exit_status().map_err(failed)? {
            None => Ok(()),
            Some(status) => Err(Error::Ended { program: self.program, status, output: self.last_lines(), logs: self.logs.clone() }),
        }
    }

    fn not_ready(&self, within: Duration, missing: &dyn StdError) -> Error {
        let reason = missing.to_string();
        Error::NotReady { program: self.program, within, reason, output: self.last_lines(), logs: self.logs.clone() }
    }

    fn last_lines(&self) -> String {
        let log = self.supervised.log().unwrap_or_else(|error| format!("(its log cannot be read: {error})"));
        let lines: Vec<&str> = log.lines().collect();
        lines.iter().skip(lines.len().saturating_sub(LINES_SHOWN)).map(|line| format!("  {line}\n")).collect()
    }
}

/// Looks until `process` is ready, and returns what the look found then. `needed` is a process that it cannot do without.
///
/// # Errors
///
/// When either ends, or `within` has passed.
pub(super) async fn wait_until_ready<T>(
    process: &mut Process,
    mut needed: Option<&mut Process>,
    within: Duration,
    look: impl AsyncFn() -> Result<T, Missing>,
) -> Result<T, Error> {
    let deadline = Instant::now() + within;
    loop {
        let found = time::timeout(LOOK_WITHIN, look()).await.unwrap_or_else(|_| Err("no answer".into()));
        // Also when the look went well: what it saw may be a stranger that took the port of a process that has ended.
        process.check()?;
        needed.as_deref_mut().map_or(Ok(()), Process::check)?;
        match found {
            Ok(ready) => return Ok(ready),
            Err(missing) if Instant::now() >= deadline => return Err(process.not_ready(within, missing.as_ref())),
            Err(_) => time::sleep(LOOK_EVERY).await,
        }
    }
}
