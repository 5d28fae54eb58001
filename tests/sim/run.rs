//! One run: an hour of turmoil, then fair weather until everything is as desired, then an hour in which nothing may be written.

use std::cell::RefCell;
use std::panic::PanicHookInfo;
use std::sync::Once;
use std::time::Duration;

use fastrand::Rng;
use tokio::time::sleep;

use crate::apiserver::{Change, What};
use crate::misfortunes::{Tally, Weather};
use crate::oracle::{Oracle, Violation};
use crate::people::People;
use crate::processes::Processes;
use crate::world::World;

const TURMOIL: Duration = Duration::from_hours(1);
/// Objects whose call was refused for good are looked at again after half an hour; everybody else is done in a few minutes.
const PATIENCE: Duration = Duration::from_mins(40);
/// An organization that had not answered is asked again within five minutes, and then counts its connections anew.
const LAST_WORDS: Duration = Duration::from_mins(6);
const QUIET: Duration = Duration::from_hours(1);
const STEP: Duration = Duration::from_secs(5);
/// So many objects are renamed in fair weather.
const RENAMES: usize = 2;

/// How a run ended.
pub(crate) struct Outcome {
    pub(crate) misfortunes: Tally,
    pub(crate) requests: usize,
    pub(crate) effects: usize,
    /// Objects whose deletion the brake has held.
    pub(crate) held: usize,
    /// From the last misfortune to the desired state.
    pub(crate) settled_after: Duration,
    pub(crate) failure: Option<Failure>,
}

/// What one needs to see why.
pub(crate) struct Failure {
    pub(crate) violation: Violation,
    acts: Vec<(Duration, String)>,
    lines: Vec<(Duration, String)>,
}

/// Runs a seed, in a thread of its own.
pub(crate) fn run(seed: u64) -> Outcome {
    watch_for_panics();
    repeatable::run(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async { Run::new(seed).whole().await })
    })
}

thread_local! {
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// The operator catches the panics of its passes; here each of them counts.
fn watch_for_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let known = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info: &PanicHookInfo<'_>| {
            PANIC.set(Some(info.to_string()));
            known(info);
        }));
    });
}

struct Run {
    world: World,
    weather: Weather,
    oracle: Oracle,
    people: People,
    processes: Processes,
    chance: Rng,
    acts: Vec<(Duration, String)>,
    settled_after: Duration,
}

impl Run {
    fn new(seed: u64) -> Self {
        let world = World::new(seed);
        let (weather, oracle) = (Weather::new(seed), Oracle::new(&world));
        let people = oracle.people(|| People::new(&world));
        let processes = Processes::new(&world, &weather, &oracle);
        let chance = Rng::with_seed(seed ^ 0x0072_756e);
        Self { world, weather, oracle, people, processes, chance, acts: Vec::new(), settled_after: Duration::ZERO }
    }

    async fn whole(mut self) -> Outcome {
        let watching = tokio::spawn(self.oracle.clone().watch());
        let (weather, oracle) = (self.weather.clone(), self.oracle.clone());
        self.world.server.faults(move |request| {
            oracle.kubernetes_asked(request);
            // One that asks without end would keep time from going on.
            if oracle.is_content() { weather.of_kubernetes(request) } else { What::Swallow.into() }
        });
        self.processes.begin();
        if self.turmoil().await && self.calms_down().await && self.renames().await {
            self.is_quiet().await;
        }
        watching.abort();
        self.outcome()
    }

    /// People act, things go wrong, processes come and go. Answers whether all is well.
    async fn turmoil(&mut self) -> bool {
        let pace = [10, 30, 60][self.chance.usize(..3)];
        while self.world.begun.elapsed() < TURMOIL {
            let people = &mut self.people;
            let act = self.oracle.people(|| people.act());
            self.note(act);
            self.change_processes();
            sleep(Duration::from_millis(self.chance.u64(..pace * 2000))).await;
            if !self.is_well() {
                return false;
            }
        }
        true
    }

    fn change_processes(&mut self) {
        match (self.processes.alive(), self.chance.u8(..40)) {
            (0, 0..20) | (1, 0) => self.begin(),
            (1.., 1) => {
                self.processes.kill();
                self.note("kill".to_owned());
            }
            (1.., 2) => {
                self.processes.end();
                self.note("end".to_owned());
            }
            (2.., 3..8) => self.processes.kill(),
            (_, _) => {}
        }
    }

    fn begin(&mut self) {
        self.processes.begin();
        self.note("a process begins".to_owned());
    }

    /// Fair weather.
    async fn calms_down(&mut self) -> bool {
        self.weather.clears();
        self.oracle.peace();
        let people = &mut self.people;
        self.oracle.people(|| people.calm_down());
        self.note("fair weather".to_owned());
        self.settles().await
    }

    /// Objects are renamed one after the other, when nothing goes wrong: no connection may vanish by that.
    async fn renames(&mut self) -> bool {
        for _ in 0..RENAMES {
            let people = &mut self.people;
            let act = self.oracle.people(|| people.rename_one());
            self.note(act);
            if !self.settles().await {
                return false;
            }
        }
        true
    }

    /// Answers whether the desired state is reached in time.
    async fn settles(&mut self) -> bool {
        let begun = self.world.begun.elapsed();
        let mut left = Vec::new();
        while self.world.begun.elapsed() < begun + PATIENCE {
            let people = &mut self.people;
            self.oracle.people(|| people.mend());
            if self.processes.alive() == 0 {
                self.begin();
            }
            sleep(STEP).await;
            if !self.is_well() {
                return false;
            }
            left = self.oracle.unsettled();
            self.settled_after = self.world.begun.elapsed() - begun;
            if left.is_empty() {
                return true;
            }
        }
        self.oracle.accuse("I5 desired state", left.join("\n  "));
        false
    }

    /// An hour in which nothing is written. What is on its way when the state is reached may end.
    async fn is_quiet(&mut self) {
        sleep(LAST_WORDS).await;
        let before = (self.world.server.version(), self.world.datadog.tally().effects);
        sleep(QUIET).await;
        if !self.is_well() {
            return;
        }
        let changes = self.oracle.without_excused(self.world.server.changes_since(before.0));
        if let Some(change) = changes.first() {
            let known =
                self.world.server.changes_since(0).into_iter().rev().find(|old| old.key == change.key && old.version < change.version);
            let status = |change: &Change| change.object["status"].to_string();
            let (old, new) = (known.as_ref().map(status), status(change));
            self.oracle.accuse("I6 quiet", format!("{} is written {} times, first {old:?}, then {new}", change.key, changes.len()));
        } else if self.world.datadog.tally().effects != before.1 {
            self.oracle.accuse("I6 quiet", "connections are written");
        }
        for left in self.oracle.unsettled() {
            self.oracle.accuse("I5 desired state", format!("it did not stay: {left}"));
        }
    }

    fn is_well(&self) -> bool {
        self.oracle.look();
        if let Some(panic) = PANIC.take() {
            self.oracle.accuse("R10 no panic", panic);
        }
        self.oracle.violation().is_none()
    }

    fn note(&mut self, act: String) {
        self.acts.push((self.world.begun.elapsed(), act));
    }

    fn outcome(self) -> Outcome {
        let tally = self.world.datadog.tally();
        let failure = self.oracle.violation().map(|violation| {
            let kubernetes = self.world.server.journal();
            let kubernetes = kubernetes.iter().map(|entry| (entry.request.at, entry.to_string()));
            let datadog = self.world.datadog.journal();
            let datadog = datadog.iter().map(|entry| {
                let key = entry.credential.as_deref().unwrap_or_default();
                let body = entry.body.as_ref().map(ToString::to_string).unwrap_or_default();
                let effect = if entry.took_effect { ", took effect" } else { "" };
                let line = format!(
                    "{:>15.3} s  {key} {} {} {body} → {:?}{effect}",
                    millis(entry.at_millis),
                    entry.method,
                    entry.path,
                    entry.outcome
                );
                (Duration::from_millis(entry.at_millis), line)
            });
            let mut lines: Vec<(Duration, String)> = kubernetes.chain(datadog).collect();
            lines.sort_by_key(|(at, _)| *at);
            Failure { violation, acts: self.acts, lines }
        });
        Outcome {
            misfortunes: self.weather.tally(),
            requests: tally.requests + self.world.server.journal().len(),
            effects: tally.effects,
            held: self.oracle.held(),
            settled_after: self.settled_after,
            failure,
        }
    }
}

fn millis(millis: u64) -> f64 {
    Duration::from_millis(millis).as_secs_f64()
}

impl Failure {
    /// What was violated, and what happened before.
    pub(crate) fn story(&self) -> String {
        let acts = self.acts.iter().map(|(at, act)| (*at, format!("{:>15.3} s  *** {act}", at.as_secs_f64())));
        let mut story: Vec<(Duration, String)> = acts.chain(self.lines.iter().cloned()).collect();
        story.sort_by_key(|(at, _)| *at);
        let told: Vec<String> = story.iter().map(|(_, line)| format!("  {line}")).collect();
        format!("{}\n{}", told.join("\n"), self.violation)
    }
}
