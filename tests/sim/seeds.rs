//! Which seeds run.
//!
//! `make test` runs the first 500 and those that have failed once; `make simulate SEEDS=n` as many as wanted, `make simulate SEED=n` one.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clap::Parser;
use tokio::time::Instant;

use crate::misfortunes::Tally;
use crate::run::{Outcome, run};

/// Seeds that have failed once.
const FAILED_ONCE: [u64; 0] = [];

/// What the environment says.
#[derive(Debug, Parser)]
struct Settings {
    /// So many seeds.
    #[arg(long, env = "CROSSORG_SEEDS", default_value_t = 500)]
    seeds: u64,
    /// The first of them.
    #[arg(long, env = "CROSSORG_FIRST_SEED", default_value_t = 1)]
    first: u64,
    /// This seed alone.
    #[arg(long, env = "CROSSORG_SEED")]
    seed: Option<u64>,
    /// Runs at the same time.
    #[arg(long, env = "CROSSORG_SEED_THREADS", default_value_t = 2)]
    threads: usize,
}

#[derive(Default)]
struct Sum {
    runs: u32,
    requests: usize,
    effects: usize,
    slowest: Duration,
    misfortunes: Tally,
    failures: BTreeMap<u64, String>,
}

impl Sum {
    fn add(&mut self, outcome: Outcome) {
        self.runs += 1;
        self.requests += outcome.requests;
        self.effects += outcome.effects;
        self.slowest = self.slowest.max(outcome.settled_after);
        for (kind, count) in outcome.misfortunes {
            *self.misfortunes.entry(kind).or_default() += count;
        }
        if let Some(failure) = outcome.failure {
            let seed = outcome.seed;
            self.failures.insert(seed, format!("seed {seed}: {failure}\n  again with: make simulate SEED={seed}"));
        }
    }
}

#[test]
fn every_seed_keeps_the_invariants_and_ends_as_desired() {
    let settings = Settings::parse_from(["sim"]);
    let seeds: Vec<u64> = match settings.seed {
        Some(seed) => vec![seed],
        None => FAILED_ONCE.into_iter().chain(settings.first..settings.first + settings.seeds).collect(),
    };
    let begun = Instant::now();
    let (next, sum) = (AtomicU64::new(0), Mutex::new(Sum::default()));
    std::thread::scope(|scope| {
        for _ in 0..settings.threads {
            scope.spawn(|| {
                while let Some(seed) = usize::try_from(next.fetch_add(1, Ordering::Relaxed)).ok().and_then(|at| seeds.get(at)) {
                    sum.lock().unwrap().add(run(*seed));
                }
            });
        }
    });
    let sum = sum.into_inner().unwrap();
    print(&sum, begun.elapsed());
    for failure in sum.failures.values() {
        println!("{}", failure.lines().next().unwrap_or_default());
    }
    let failures: Vec<&str> = sum.failures.values().take(3).map(String::as_str).collect();
    assert!(sum.failures.is_empty(), "{} of {} seeds failed\n{}", sum.failures.len(), sum.runs, failures.join("\n\n"));
}

fn print(sum: &Sum, took: Duration) {
    let misfortunes: usize = sum.misfortunes.values().sum();
    println!(
        "{} seeds in {:.1} s, {:.2} seeds/s; {} requests, {} changes at Datadog, {misfortunes} misfortunes of {} kinds; at the latest as desired after {:?}",
        sum.runs,
        took.as_secs_f64(),
        f64::from(sum.runs) / took.as_secs_f64(),
        sum.requests,
        sum.effects,
        sum.misfortunes.len(),
        sum.slowest
    );
    println!("{:?}", sum.misfortunes);
}
