//! Three processes and one lease, for ten minutes in bad weather and then in fair one.
//!
//! A process believes that it leads from the moment it is told so until its own deadline, its end, or its death: by the true time, which no
//! process knows. Its wall clock is minutes off. It is frozen, killed, stopped and started again; requests and answers come late, get lost,
//! or take effect long after whoever sent them has given up.

mod ledger;
mod process;
mod weather;

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use clap::Parser;
use crossorg::decide::election::{LEASE_DURATION, RETRY_PERIOD};
use crossorg::leader::ATTEMPT;
use fastrand::Rng;
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, sleep, sleep_until};

use self::ledger::{Ledger, Reign};
use self::process::Slot;
use self::weather::Weather;
use crate::apiserver::ApiServer;

const PROCESSES: usize = 3;
/// How long the weather is bad.
const TURMOIL: Duration = Duration::from_secs(600);
/// How long it is fair then.
const CALM: Duration = Duration::from_secs(90);
/// The API server's own time for a request, there and back, and a pair of requests.
const FAIR_EXCHANGE: Duration = Duration::from_millis(200);
/// In fair weather somebody leads after: an attempt that was begun before, the lease of a dead leader as seen from its end, the next
/// attempt, and its requests.
const PROGRESS: Duration =
    Duration::from_secs(ATTEMPT.as_secs() + LEASE_DURATION.as_secs() + RETRY_PERIOD.as_secs()).saturating_add(FAIR_EXCHANGE);

/// What the environment says.
#[derive(Debug, Parser)]
struct Settings {
    /// So many seeds.
    #[arg(long, env = "CROSSORG_ELECTION_SEEDS", default_value_t = 300)]
    seeds: u64,
}

/// How a run went.
struct Outcome {
    reigns: Vec<Reign>,
    /// When the last fault had had its last effect.
    fair: Instant,
    frozen: usize,
    faults: usize,
}

#[derive(Default)]
struct Sum {
    reigns: usize,
    led: Duration,
    overlap: Duration,
    frozen: usize,
    faults: usize,
    slowest: Duration,
    complaints: Vec<String>,
}

#[test]
fn no_two_processes_lead_at_the_same_time_and_in_fair_weather_somebody_does() {
    let settings = Settings::parse_from(["election"]);
    let begun = Instant::now();
    let (next, sum) = (AtomicU64::new(1), Mutex::new(Sum::default()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let seeds = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
                for seed in seeds.take_while(|seed| *seed <= settings.seeds) {
                    let outcome = repeatable::run(|| run(seed));
                    sum.lock().unwrap().add(seed, &outcome);
                }
            });
        }
    });
    let sum = sum.into_inner().unwrap();
    sum.print(settings.seeds, begun.elapsed());
    let first = sum.complaints.first();
    assert!(first.is_none(), "{} (and {} more)", first.unwrap(), sum.complaints.len() - 1);
    let seeds = usize::try_from(settings.seeds).unwrap();
    assert!(sum.reigns > 6 * seeds && sum.frozen > 4 * seeds && sum.faults > 100 * seeds, "too little happens for this to prove anything");
    assert!(sum.led.as_secs() > settings.seeds * TURMOIL.as_secs() / 4, "nobody leads for most of the time");
}

fn run(seed: u64) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        fastrand::seed(seed);
        let mut chance = Rng::with_seed(seed);
        let (begun, start) = (Instant::now(), Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * 365 * 56));
        let wall_clock = move || start + begun.elapsed();
        let server = ApiServer::new(seed, wall_clock);
        let (ledger, weather) = (Ledger::default(), Weather::new(chance.fork(), PROCESSES, TURMOIL));
        let befalls = weather.clone();
        server.faults(move |request| befalls.of(request));
        let slots = (0..PROCESSES).map(|number| {
            let ahead = SignedDuration::from_secs(chance.i64(-300..=300));
            let slot = Slot { number, server: server.clone(), weather: weather.clone(), ledger: ledger.clone(), chance: chance.fork() };
            tokio::spawn(slot.run(Arc::new(move || wall_clock() + ahead), begun + TURMOIL))
        });
        let slots: Vec<_> = slots.collect();
        sleep_until(begun + TURMOIL).await;
        // What was sent in bad weather may arrive for a while yet.
        let fair = weather.last_effect();
        sleep(fair.saturating_duration_since(Instant::now()) + CALM).await;
        slots.iter().for_each(tokio::task::JoinHandle::abort);
        drop(join_all(slots).await);
        Outcome { reigns: ledger.reigns(), fair, frozen: weather.frozen(), faults: weather.faults() }
    })
}

impl Outcome {
    /// For how long two led, and who.
    fn overlap(&self) -> (Duration, Option<String>) {
        let mut overlap = (Duration::ZERO, None);
        for (number, first) in self.reigns.iter().enumerate() {
            for second in &self.reigns[number + 1..] {
                let both = first.until.min(second.until).saturating_duration_since(first.from.max(second.from));
                if !both.is_zero() {
                    overlap = (overlap.0 + both, Some(format!("{first:?} and {second:?}")));
                }
            }
        }
        overlap
    }

    /// How long after the weather was fair somebody led, and went on to the end.
    fn settled_after(&self) -> Option<Duration> {
        let last = self.reigns.iter().max_by_key(|reign| reign.until)?;
        (last.until >= self.fair + CALM).then(|| last.from.saturating_duration_since(self.fair))
    }
}

impl Sum {
    fn add(&mut self, seed: u64, outcome: &Outcome) {
        let (overlap, who) = outcome.overlap();
        self.reigns += outcome.reigns.len();
        self.led += outcome.reigns.iter().map(|reign| reign.until - reign.from).sum::<Duration>();
        self.overlap += overlap;
        self.frozen += outcome.frozen;
        self.faults += outcome.faults;
        self.complaints.extend(who.map(|who| format!("seed {seed}: two led at the same time, for {overlap:?}: {who}")));
        let settled = outcome.settled_after();
        self.slowest = self.slowest.max(settled.unwrap_or_default());
        if settled.is_none_or(|settled| settled > PROGRESS) {
            self.complaints.push(format!("seed {seed}: in fair weather nobody led for good within {PROGRESS:?}, but: {settled:?}"));
        }
    }

    fn print(&self, seeds: u64, took: Duration) {
        let Self { reigns, led, overlap, frozen, faults, slowest, complaints } = self;
        let line = format!(
            "election: {seeds} seeds of {} s in {:.1} s; {reigns} terms of office, {} changes; {} s led, {:.3} s of them by two; {faults} faults, \
             {frozen} processes frozen; in fair weather somebody led after {:.1} s at the latest; {} complaints\n",
            TURMOIL.as_secs(),
            took.as_secs_f64(),
            u64::try_from(*reigns).unwrap() - seeds,
            led.as_secs(),
            overlap.as_secs_f64(),
            slowest.as_secs_f64(),
            complaints.len(),
        );
        // Shown also when the test passes: the test runner captures only what the printing macros write.
        std::io::stdout().write_all(line.as_bytes()).unwrap();
    }
}
