//! `xtask wrong`: whether the nets hold. Deliberately wrong variants of the operator, each of which has to be caught.
//!
//! The sources of the operator stay free of switches. A copy of the workspace is given all variants at once, by the textual edits of
//! `wrong/variants.rs`, and built once; which variant a process of it is, `CROSSORG_WRONG` says. Without it the copy is the operator as it
//! is, and has to pass whatever a variant fails at: else to be caught would mean nothing. Talks to the file system, to cargo and to the
//! tests of the copy.

mod build;
mod copy;
mod edits;
mod report;
mod trial;
mod variants;

use std::error::Error;
use std::ffi::OsString;
use std::io::{self, Write};

use clap::ValueEnum;
use futures::{StreamExt, TryStreamExt};
use tokio::time::Instant;

use self::report::{Line, Verdict};
use self::trial::Bench;
use self::variants::{Attempt, VARIANTS, Variant};
use super::repository;

/// Where the copy is, and what is built from it: beside what else cargo builds, so that `cargo clean` takes it away.
const HOME: &str = "target/wrong";

/// What is to be caught, and how hard it is tried.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// The simulation gives up after so many seeds
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    /// Only these nets
    #[arg(long = "net", value_enum)]
    nets: Vec<Net>,
    /// Only these variants
    #[arg(long = "variant", value_parser = VARIANTS.map(|variant| variant.name))]
    names: Vec<String>,
    /// Runs at the same time: most of a run is waiting, but for those of the simulation
    #[arg(long, default_value_t = 3)]
    parallel: usize,
    /// The cargo that builds the copy
    #[arg(long, env = "CARGO", default_value = "cargo", hide = true)]
    cargo: OsString,
}

/// What is to catch a wrong operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Net {
    /// The simulation, seed by seed
    Simulation,
    /// The crash sweep
    Sweep,
    /// Single integration tests
    Tests,
}

/// The nets have proven less than they should.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum Unproven {
    /// A hole.
    #[error("a wrong operator gets through a net: {}; mend the net, or say in the table of variants why it cannot see this", .0.join("; "))]
    Survived(Vec<String>),
    /// A net that complains of the operator as it is.
    #[error("nothing is proven as long as a net complains although nothing is wrong: {}", .0.join("; "))]
    Control(Vec<String>),
}

/// One run of one net; without a variant it is a control.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Trial {
    variant: Option<&'static Variant>,
    attempt: Attempt,
}

/// Does it.
pub(crate) async fn run(options: Options) -> Result<(), Box<dyn Error>> {
    let variants: Vec<&Variant> = VARIANTS.iter().filter(|variant| options.wants(variant)).collect();
    let bench = prepare(&options).await?;
    let begun = Instant::now();
    let trials = futures::stream::iter(trials(&variants, &options)).map(|trial| bench.line(trial)).buffer_unordered(options.parallel);
    let lines: Vec<Line> = trials.and_then(async |line| say(&line.to_string()).map(|()| line).map_err(Into::into)).try_collect().await?;
    say(&report::table(&variants, &lines))?;
    say(&format!("\n{} trials in {:.0} s", lines.len(), begun.elapsed().as_secs_f64()))?;
    Ok(judge(&lines)?)
}

/// Copies, edits and builds.
async fn prepare(options: &Options) -> Result<Bench, Box<dyn Error>> {
    let (root, begun) = (repository::root(), Instant::now());
    let home = root.join(HOME);
    let source = home.join("source");
    let changed = copy::bring_up_to_date(&source, &edits::all_wrong(repository::text_files(&root)?, &VARIANTS)?)?;
    say(&format!("building a copy of the operator that can be wrong in {} ways; {changed} files of it are new", VARIANTS.len()))?;
    let programs = build::tests(&options.cargo, &source, &home.join("target"), options.nets().map(Net::program).collect()).await?;
    say(&format!("built in {:.0} s; now to the nets", begun.elapsed().as_secs_f64()))?;
    Ok(Bench { source, programs, seeds: options.seeds })
}

impl Options {
    fn wants(&self, variant: &Variant) -> bool {
        self.names.is_empty() || self.names.iter().any(|name| name == variant.name)
    }

    fn nets(&self) -> impl Iterator<Item = Net> {
        Net::value_variants().iter().copied().filter(|net| self.nets.is_empty() || self.nets.contains(net))
    }
}

impl Net {
    /// The test program that it is part of.
    fn program(self) -> &'static str {
        match self {
            Self::Simulation => "sim",
            Self::Sweep | Self::Tests => "it",
        }
    }
}

/// Each variant with each net, and a control for each distinct run. A seed of the simulation is its own control: one that fails is run
/// again with nothing wrong.
fn trials(variants: &[&'static Variant], options: &Options) -> Vec<Trial> {
    let wrong = variants.iter().flat_map(|variant| variant.attempts.map(|attempt| Trial { variant: Some(*variant), attempt }));
    let mut trials: Vec<Trial> = wrong.filter(|trial| options.nets().any(|net| net == trial.attempt.net())).collect();
    for Trial { attempt, .. } in trials.clone() {
        let control = Trial { variant: None, attempt };
        if matches!(attempt, Attempt::Simulated(_) | Attempt::Sweep { .. } | Attempt::Tests(_)) && !trials.contains(&control) {
            trials.push(control);
        }
    }
    trials
}

fn judge(lines: &[Line]) -> Result<(), Unproven> {
    let subjects = |controls: bool, is_bad: fn(&Verdict) -> bool| -> Vec<String> {
        lines.iter().filter(|line| line.variant.is_none() == controls && is_bad(&line.verdict)).map(Line::subject).collect()
    };
    let controls = subjects(true, |verdict| matches!(verdict, Verdict::Caught { .. }));
    let survivors = subjects(false, |verdict| matches!(verdict, Verdict::Passed { .. }));
    match (controls.is_empty(), survivors.is_empty()) {
        (false, _) => Err(Unproven::Control(controls)),
        (true, false) => Err(Unproven::Survived(survivors)),
        (true, true) => Ok(()),
    }
}

fn say(text: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{text}")
}

#[cfg(test)]
mod tests;
