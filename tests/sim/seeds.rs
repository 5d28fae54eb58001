//! Which seeds run. Each has a process of its own: tokio counts the runtimes of a process into the seeds of its `select!`, so a second run
//! in one process would differ from the same run alone.
//!
//! `make test` runs the first 500 and those that have failed once; `make simulate SEEDS=n` as many as wanted, `make simulate SEED=n` one.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use clap::Parser;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::run::{Outcome, run};

/// Seeds beyond the first 500 that have shown something wrong once.
const FAILED_ONCE: [u64; 29] = [
    505, 515, 546, 588, 669, 795, 880, 959, 1003, 1225, 1234, 1625, 1738, 1898, 1906, 2048, 2117, 2133, 2301, 2525, 4824, 4923, 5231, 5793,
    6237, 7390, 8203, 8913, 9375,
];

/// The test that runs them, by its name.
const TEST: &str = "seeds::every_seed_keeps_the_invariants_and_ends_as_desired";

/// In so many seeds, everything that people do happens.
const ENOUGH: u32 = 100;

/// What of a failed seed's story is shown among others.
const LAST_LINES: usize = 120;

/// What a line that carries a report begins with.
const REPORT: &str = "report ";

/// What the environment says.
#[derive(Debug, Parser)]
struct Settings {
    /// So many seeds.
    #[arg(long, env = "CROSSORG_SEEDS", default_value_t = 500)]
    seeds: u64,
    /// The first of them.
    #[arg(long, env = "CROSSORG_FIRST_SEED", default_value_t = 1)]
    first: u64,
    /// This seed alone, in this process.
    #[arg(long, env = "CROSSORG_SEED")]
    seed: Option<u64>,
    /// So many at the same time.
    #[arg(long, env = "CROSSORG_SEEDS_AT_ONCE", default_value_t = 2)]
    at_once: usize,
}

/// What a run comes to, for whoever adds them up.
#[derive(Debug, Serialize, Deserialize)]
struct Report {
    requests: usize,
    effects: usize,
    held: usize,
    settled_after: Duration,
    misfortunes: BTreeMap<String, usize>,
    violation: Option<String>,
}

impl Report {
    fn of(outcome: &Outcome) -> Self {
        Self {
            requests: outcome.requests,
            effects: outcome.effects,
            held: outcome.held,
            settled_after: outcome.settled_after,
            misfortunes: outcome.misfortunes.iter().map(|(kind, count)| (format!("{kind:?}"), *count)).collect(),
            violation: outcome.failure.as_ref().map(|failure| failure.violation.to_string()),
        }
    }
}

#[test]
fn every_seed_keeps_the_invariants_and_ends_as_desired() {
    let settings = Settings::parse_from(["sim"]);
    match settings.seed {
        Some(seed) => alone(seed),
        None => many(&settings),
    }
}

/// Runs one seed in this process and tells everything of it.
fn alone(seed: u64) {
    let begun = Instant::now();
    let outcome = run(seed);
    if let Some(failure) = &outcome.failure {
        print(&failure.story());
    }
    let report = Report::of(&outcome);
    print(&format!("{REPORT}{}", serde_json::to_string(&report).unwrap()));
    print(&format!("seed {seed} in {:.2} s", begun.elapsed().as_secs_f64()));
    assert!(report.violation.is_none(), "seed {seed}: {}", report.violation.unwrap_or_default());
}

fn many(settings: &Settings) {
    let seeds: Vec<u64> = FAILED_ONCE.into_iter().chain(settings.first..settings.first + settings.seeds).collect();
    let begun = Instant::now();
    let (next, sum) = (AtomicUsize::new(0), Mutex::new(Sum::default()));
    std::thread::scope(|scope| {
        for _ in 0..settings.at_once {
            scope.spawn(|| {
                while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (report, story) = elsewhere(*seed);
                    sum.lock().unwrap().add(*seed, report, &story);
                }
            });
        }
    });
    let sum = sum.into_inner().unwrap();
    sum.print(begun.elapsed());
    let failures: Vec<&str> = sum.failures.values().take(3).map(String::as_str).collect();
    assert!(sum.held > 0 || sum.runs < ENOUGH, "in {} seeds the brake held no deletion", sum.runs);
    assert!(sum.failures.is_empty(), "{} of {} seeds failed\n{}", sum.failures.len(), sum.runs, failures.join("\n\n"));
}

/// Runs one seed in a process of its own. Answers its report and the end of its story.
fn elsewhere(seed: u64) -> (Report, String) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let output = command.args([TEST, "--exact", "--nocapture"]).env("CROSSORG_SEED", seed.to_string()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let report = text.lines().find_map(|line| line.strip_prefix(REPORT)).and_then(|report| serde_json::from_str(report).ok());
    let Some(report) = report else {
        panic!("seed {seed} ended without a report: {text}{}", String::from_utf8_lossy(&output.stderr));
    };
    let story: Vec<&str> = text.lines().take_while(|line| !line.starts_with(REPORT)).collect();
    (report, story[story.len().saturating_sub(LAST_LINES)..].join("\n"))
}

#[derive(Default)]
struct Sum {
    runs: u32,
    requests: usize,
    effects: usize,
    held: usize,
    slowest: Duration,
    misfortunes: BTreeMap<String, usize>,
    failures: BTreeMap<u64, String>,
}

impl Sum {
    fn add(&mut self, seed: u64, report: Report, story: &str) {
        self.runs += 1;
        self.requests += report.requests;
        self.effects += report.effects;
        self.held += report.held;
        self.slowest = self.slowest.max(report.settled_after);
        for (kind, count) in report.misfortunes {
            *self.misfortunes.entry(kind).or_default() += count;
        }
        if let Some(violation) = report.violation {
            self.failures.insert(seed, format!("seed {seed}: {violation}\n{story}\n  again with: make simulate SEED={seed}"));
        }
    }

    fn print(&self, took: Duration) {
        let Self { runs, requests, effects, held, slowest, misfortunes, failures } = self;
        let (seconds, befell) = (took.as_secs_f64(), misfortunes.values().sum::<usize>());
        print(&format!(
            "{runs} seeds in {seconds:.1} s, {:.2} seeds/s; {requests} requests, {effects} changes at Datadog, {held} deletions held, {befell} misfortunes of {} \
             kinds; at the latest as desired after {slowest:?}",
            f64::from(*runs) / seconds,
            misfortunes.len(),
        ));
        failures.values().for_each(|failure| print(failure.lines().next().unwrap_or_default()));
    }
}

/// Prints lines that are shown also when the test passes: the test runner captures only what the printing macros write.
fn print(text: &str) {
    std::io::stdout().write_all(format!("{text}\n").as_bytes()).unwrap();
}
