//! What is swept, as the environment says.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

use super::scenarios::Scenario;
use crate::proxy::Fault;

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
    /// Only faults whose name begins so.
    #[arg(long, env = "CROSSORG_SWEEP_FAULT", default_value = "")]
    fault: String,
    /// How many seconds a run may take back to rest. The longest wait that a single fault causes is ten.
    #[arg(long, env = "CROSSORG_SWEEP_PATIENCE", default_value = "60")]
    patience: u64,
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

    pub(super) fn meets(&self, fault: Fault) -> bool {
        fault.name().starts_with(&self.fault)
    }

    /// How long a run may take back to rest.
    pub(super) fn mended_within(&self) -> Duration {
        Duration::from_secs(self.patience)
    }
}
