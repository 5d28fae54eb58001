//! The result of a sweep as a table: scenarios by faults.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use super::run::{Reference, Run};
use super::scenarios::Scenario;
use crate::proxy::Fault;

/// Runs of one scenario with one fault.
#[derive(Clone, Copy, Default)]
struct Cell {
    runs: usize,
    mended: usize,
    befell: usize,
}

/// All runs of a sweep.
pub(super) struct Table {
    title: &'static str,
    rows: Vec<(&'static str, usize)>,
    cells: BTreeMap<(&'static str, Fault), Cell>,
    masked: BTreeSet<String>,
    failures: Vec<String>,
    longest: Duration,
    took: Duration,
}

impl Table {
    /// An empty one. A scenario without a reference is a failure itself.
    pub(super) fn new(title: &'static str, references: &[(&Scenario, Result<Reference, String>)]) -> Self {
        let rows = references.iter().map(|(scenario, reference)| (scenario.name, reference.as_ref().map_or(0, Reference::writes)));
        let failures = references.iter().filter_map(|(_, reference)| reference.as_ref().err().cloned());
        let masked = references.iter().filter_map(|(_, reference)| reference.as_ref().ok()).flat_map(Reference::masked).cloned();
        let (rows, masked, failures) = (rows.collect(), masked.collect(), failures.collect());
        Self { title, rows, cells: BTreeMap::new(), masked, failures, longest: Duration::ZERO, took: Duration::ZERO }
    }

    /// Counts a run.
    pub(super) fn add(&mut self, run: &Run) {
        let cell = self.cells.entry((run.scenario, run.fault)).or_default();
        cell.runs += 1;
        cell.befell += usize::from(run.befell);
        cell.mended += usize::from(run.failure.is_none());
        self.longest = self.longest.max(run.took);
        self.failures.extend(run.failure.clone());
    }

    /// How long all of it took.
    pub(super) fn took(&mut self, took: Duration) {
        self.took = took;
    }

    /// What did not mend itself.
    pub(super) fn failures(&self) -> &[String] {
        &self.failures
    }

    fn sum(&self, of: impl Fn(&Cell) -> usize) -> usize {
        self.cells.values().map(of).sum()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "crash sweep, {} (mended/runs)", self.title)?;
        write!(f, "{:<16}{:>8}", "scenario", "writes")?;
        Fault::ALL.iter().try_for_each(|fault| write!(f, "{:>15}", fault.name()))?;
        for (scenario, writes) in &self.rows {
            write!(f, "\n{scenario:<16}{writes:>8}")?;
            for fault in Fault::ALL {
                let cell = self.cells.get(&(*scenario, fault)).copied().unwrap_or_default();
                write!(f, "{:>15}", format!("{}/{}", cell.mended, cell.runs))?;
            }
        }
        if !self.masked.is_empty() {
            write!(f, "\nnot compared, since undisturbed runs disagree about it: {:?}", self.masked)?;
        }
        let (runs, mended, befell) = (self.sum(|cell| cell.runs), self.sum(|cell| cell.mended), self.sum(|cell| cell.befell));
        let (longest, took) = (self.longest.as_secs_f64(), self.took.as_secs_f64());
        write!(f, "\n{runs} runs, {befell} with the fault, {mended} mended; the longest took {longest:.1} s, all of it {took:.0} s")
    }
}
