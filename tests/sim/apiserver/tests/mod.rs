//! The server against a real one, its faults, and the operator on it.

mod faults;
mod pairs;
mod plane;
mod smoke;
mod tape;

use jiff::Timestamp;
use tokio::runtime::{Builder, Runtime};

use super::ApiServer;

/// A runtime whose time stands still until everybody waits for it.
pub(super) fn virtual_runtime() -> Runtime {
    Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

/// Runs a simulation that repeats itself.
pub(super) fn simulate<T: Send>(run: impl AsyncFnOnce() -> T + Send) -> T {
    repeatable::run(|| virtual_runtime().block_on(run()))
}

/// An empty server at the beginning of 2026.
pub(super) fn server(seed: u64) -> ApiServer {
    let begun = tokio::time::Instant::now();
    let start: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
    ApiServer::new(seed, move || start + begun.elapsed())
}
