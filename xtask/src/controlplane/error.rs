//! Why there is no control plane.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use super::binaries;

/// Why the control plane could not be started, or did not do what it was told.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There are no binaries to start.
    #[error(transparent)]
    Binaries(#[from] binaries::Error),
    /// A process ended although nobody told it to.
    #[error("{program} ended ({status}); logs are kept in {}; the last it said:\n{output}", logs.display())]
    Ended {
        /// Which one.
        program: &'static str,
        /// How.
        status: ExitStatus,
        /// The end of its output.
        output: String,
        /// Directory with the logs of all processes.
        logs: PathBuf,
    },
    /// A process runs and is not ready.
    #[error("{program} was not ready within {within:?} ({reason}); logs are kept in {}; the last it said:\n{output}", logs.display())]
    NotReady {
        /// Which one.
        program: &'static str,
        /// How long it was waited for.
        within: Duration,
        /// What was missing last.
        reason: String,
        /// The end of its output.
        output: String,
        /// Directory with the logs of all processes.
        logs: PathBuf,
    },
    /// The API server is stopped.
    #[error("the API server does not run: start it with start_api_server()")]
    Stopped,
    /// The operating system refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// To what.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The kubeconfig written here is not one.
    #[error("the kubeconfig of the control plane is not valid")]
    Kubeconfig(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
        move |source| Error::Io { action, path: path.to_path_buf(), source }
    }

    /// Whether another process took the port between its choice and its use: another attempt, with another port, is likely to work.
    pub(super) fn is_taken_port(&self) -> bool {
        matches!(self, Error::Ended { output, .. } if output.contains("address already in use"))
    }

    /// The same error after the logs have moved.
    pub(super) fn with_logs_in(mut self, moved: &Path) -> Error {
        if let Error::Ended { logs, .. } | Error::NotReady { logs, .. } = &mut self {
            *logs = moved.to_path_buf();
        }
        self
    }
}

#[cfg(test)]
mod tests;
