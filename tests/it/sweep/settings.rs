//! What is swept, as the environment says.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use super::scenarios::Scenario;

/// How much is swept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Extent {
    /// Each scenario once with each fault.
    Part,
    /// Every write of every scenario with every fault.
    All,
}

/// The settings of a sweep.
#[derive(Debug, Parser)]
pub(super) struct Settings {
    /// How much is swept.
    #[arg(long, env = "CROSSORG_SWEEP", value_enum, default_value = "part")]
    pub(super) extent: Extent,
    /// Only scenarios whose name begins so.
    #[arg(long, env = "CROSSORG_SWEEP_ONLY", default_value = "")]
    only: String,
    /// The operator that is swept.
    #[arg(long, env = "CROSSORG_SWEEP_BINARY", default_value = env!("CARGO_BIN_EXE_crossorg"))]
    pub(super) binary: PathBuf,
    /// Runs at the same time: most of a run is waiting.
    #[arg(long, env = "CROSSORG_SWEEP_PARALLEL", default_value = "6")]
    pub(super) parallel: usize,
}

impl Settings {
    /// As the environment says.
    pub(super) fn of_environment() -> Self {
        Self::parse_from(["sweep"])
    }

    pub(super) fn wants(&self, scenario: &Scenario) -> bool {
        scenario.name.starts_with(&self.only)
    }
}
