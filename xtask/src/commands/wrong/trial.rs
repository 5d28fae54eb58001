//! One run of one net against the copy. Talks to the test programs of the copy.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use super::report::{Line, Verdict};
use super::variants::Attempt;
use super::{Net, Trial};

/// Which variant a process of the copy is.
const SWITCH: &str = "CROSSORG_WRONG";
/// A seed takes seconds and the slowest test a minute; a wrong operator may keep either from ever ending.
const PATIENCE: Duration = Duration::from_mins(4);
/// How long a run of the sweep may take back to rest, in seconds: the longest wait that a single fault causes takes ten.
const SWEEP_PATIENCE: &str = "20";
/// The test of the simulation.
const SIMULATION: &str = "seeds::every_seed_keeps_the_invariants_and_ends_as_desired";
/// The test of the sweep with one operator.
const SWEEP: &str = "sweep::whatever_write_is_interrupted_the_end_is_that_of_an_undisturbed_run";

/// The copy and its test programs.
#[derive(Debug)]
pub(super) struct Bench {
    /// The root of the copy.
    pub(super) source: PathBuf,
    /// The test programs that are built from it, by their names.
    pub(super) programs: BTreeMap<&'static str, PathBuf>,
    /// The simulation gives up after so many seeds.
    pub(super) seeds: u64,
}

impl Bench {
    /// Makes a trial.
    pub(super) async fn line(&self, trial: Trial) -> Result<Line, Box<dyn Error>> {
        let Trial { variant, attempt } = trial;
        let name = variant.map(|variant| variant.name);
        let verdict = match attempt {
            Attempt::Seeds => self.seeds(name).await?,
            Attempt::Sweep { scenario, fault } => self.sweep(name, scenario, fault).await?,
            Attempt::Simulated(test) => self.tests(Net::Simulation, name, &[test]).await?,
            Attempt::Tests(tests) => self.tests(Net::Tests, name, tests).await?,
            Attempt::Blind(_, why) => Verdict::Blind(why),
        };
        Ok(Line { variant: name, attempt, verdict })
    }

    /// Seeds from the first on, until one fails that passes when nothing is wrong.
    async fn seeds(&self, variant: Option<&str>) -> Result<Verdict, Box<dyn Error>> {
        for seed in 1..=self.seeds {
            let Some(violation) = self.seed(variant, seed).await? else { continue };
            if variant.is_none() || self.seed(None, seed).await?.is_none() {
                return Ok(Verdict::Caught { after: format!("seed {seed}"), by: violation });
            }
        }
        Ok(Verdict::Passed { after: format!("{} seeds", self.seeds) })
    }

    /// What a seed violates.
    async fn seed(&self, variant: Option<&str>, seed: u64) -> Result<Option<String>, Box<dyn Error>> {
        let mut command = self.command(Net::Simulation, variant)?;
        command.args(["--exact", SIMULATION, "--nocapture"]).env("CROSSORG_SEED", seed.to_string());
        Ok(failure(command).await?.map(|told| told.line_after(&format!("seed {seed}: "))))
    }

    async fn sweep(&self, variant: Option<&str>, scenario: &str, fault: &str) -> Result<Verdict, Box<dyn Error>> {
        let mut command = self.command(Net::Sweep, variant)?;
        command.args(["--exact", SWEEP]).env("CROSSORG_SWEEP", "all").env("CROSSORG_SWEEP_PATIENCE", SWEEP_PATIENCE);
        command.env("CROSSORG_SWEEP_ONLY", scenario).env("CROSSORG_SWEEP_FAULT", fault);
        let failure = failure(command).await?;
        Ok(verdict(failure.map(|told| told.panic()), format!("scenario {scenario}, {fault}")))
    }

    async fn tests(&self, net: Net, variant: Option<&str>, tests: &[&str]) -> Result<Verdict, Box<dyn Error>> {
        let mut command = self.command(net, variant)?;
        command.arg("--exact").args(tests);
        let failure = failure(command).await?;
        let after = failure.as_ref().and_then(Told::failed_test).map_or_else(|| tests.join(", "), str::to_owned);
        Ok(verdict(failure.map(|told| told.panic()), after))
    }

    fn command(&self, net: Net, variant: Option<&str>) -> Result<Command, Box<dyn Error>> {
        let program = self.programs.get(net.program()).ok_or_else(|| format!("the test `{}` is not built", net.program()))?;
        let mut command = Command::new(program);
        command.current_dir(&self.source).env(SWITCH, variant.unwrap_or_default()).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Ok(command)
    }
}

fn verdict(violation: Option<String>, after: String) -> Verdict {
    match violation {
        Some(by) => Verdict::Caught { after, by },
        None => Verdict::Passed { after },
    }
}

/// What a failed run said.
#[derive(Debug)]
struct Told(String);

/// Runs it to its end; nothing if it passed.
async fn failure(mut command: Command) -> Result<Option<Told>, Box<dyn Error>> {
    let Ok(ended) = timeout(PATIENCE, command.output()).await else {
        return Ok(Some(Told(format!("it does not end within {} s", PATIENCE.as_secs()))));
    };
    let Output { status, stdout, stderr } = ended?;
    let text = [stdout, stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    if status.success() && text.contains(" 0 passed") {
        return Err(format!("no test of that name: is it called otherwise by now?\n{text}").into());
    }
    Ok((!status.success()).then_some(Told(text)))
}

impl Told {
    /// The rest of the line that begins so.
    fn line_after(&self, start: &str) -> String {
        self.0.lines().find_map(|line| line.strip_prefix(start)).map_or_else(|| self.last_line(), str::to_owned)
    }

    /// What the first failed assertion says.
    fn panic(&self) -> String {
        let mut lines = self.0.lines().skip_while(|line| !(line.starts_with("thread '") && line.contains(" panicked at "))).skip(1);
        lines.next().map_or_else(|| self.last_line(), str::to_owned)
    }

    fn failed_test(&self) -> Option<&str> {
        self.0.lines().find_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"))
    }

    fn last_line(&self) -> String {
        self.0.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it said nothing").to_owned()
    }
}

#[cfg(test)]
mod tests;
