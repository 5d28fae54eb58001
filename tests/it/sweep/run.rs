//! One run: setup, act, the fault, and back to rest.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use crossorg::api::{DatadogOrg, RECONCILE_REQUEST_ANNOTATION};
use futures::FutureExt;
use kube::ResourceExt;
use kube::api::{ListParams, Patch, PatchParams};
use serde_json::json;
use tokio::time::Instant;

use super::end::End;
use super::keeper::Keeper;
use super::scenarios::Scenario;
use super::settings::Settings;
use crate::harness::{Way, World};
use crate::proxy::{Fault, Proxy};

/// Nobody writes for so long: whatever is wanted now waits for time to pass.
const QUIET: Duration = Duration::from_millis(200);
/// The same where each process dies of its first write: long enough that it need not be the answer to what the sweep itself asks for.
const QUIET_BETWEEN_CRASHES: Duration = Duration::from_secs(2);
/// What a POST may take to land, and thus the longest wait by Datadog's clock.
const LANDED: Duration = Duration::from_secs(61);
/// For an organization to be listed when it is asked for.
const SOON: Duration = Duration::from_secs(5);

/// How many operators there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// One.
    Alone,
    /// Two, of which the first is interrupted.
    Twins,
}

impl Mode {
    /// Its table's title.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Alone => "one operator",
            Self::Twins => "two operators at once, the first one interrupted",
        }
    }

    /// What of an end is always the same in this mode.
    fn of(self, end: &End) -> End {
        match self {
            Self::Alone => end.clone(),
            Self::Twins => end.clone().of_twins(),
        }
    }

    fn tag(self) -> &'static str {
        match self {
            Self::Alone => "sweep",
            Self::Twins => "twins",
        }
    }
}

/// How a scenario ends when nothing goes wrong.
pub(super) struct Reference {
    end: End,
    masked: BTreeSet<String>,
    /// The writes of the longer one of two runs.
    trace: Vec<String>,
}

impl Reference {
    /// Two undisturbed runs: what is different between them is not compared. An error tells why there is no reference.
    pub(super) async fn of(scenario: &Scenario, settings: &Settings, mode: Mode) -> Result<Self, String> {
        let run = |number: &'static str| async move {
            let name = format!("{}-{}-reference-{number}", mode.tag(), scenario.name);
            let reached = |end: &End| {
                let other = scenario.end != end.summary;
                let other = other.then(|| format!("it ends with {:?} instead of {:?}", end.summary, scenario.end));
                other.into_iter().chain(mode.of(end).violations.iter().map(|violation| format!("{violation:?}"))).collect()
            };
            let passed = passage(&name, scenario, settings, mode, None, &reached).await;
            if passed.wrong.is_empty() { Ok(passed) } else { Err(format!("{name}: {}", passed.wrong.join("; "))) }
        };
        let (first, second) = futures::try_join!(run("a"), run("b"))?;
        let (one, other) = (first.end.ok_or("no end")?, second.end.ok_or("no end")?);
        let masked = one.volatile(&other);
        let trace = if first.trace.len() < second.trace.len() { second.trace } else { first.trace };
        Ok(Self { end: one, masked, trace })
    }

    /// How many writes there are to be interrupted.
    pub(super) fn writes(&self) -> usize {
        self.trace.len()
    }

    /// What two undisturbed runs disagree about.
    pub(super) fn masked(&self) -> impl Iterator<Item = &String> {
        self.masked.iter()
    }
}

/// A run that is to be made.
#[derive(Clone, Copy)]
pub(super) struct Case<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) reference: &'a Reference,
    pub(super) mode: Mode,
    pub(super) fault: Fault,
    pub(super) number: usize,
}

/// A run that was made.
pub(super) struct Run {
    /// The scenario's name.
    pub(super) scenario: &'static str,
    /// The fault that was planned.
    pub(super) fault: Fault,
    /// What else than in the reference: nothing if it mended itself.
    pub(super) failure: Option<String>,
    /// Whether the write to be interrupted came at all.
    pub(super) befell: bool,
    /// From the act to rest.
    pub(super) took: Duration,
}

impl Run {
    pub(super) async fn of(case: Case<'_>, settings: &Settings) -> Self {
        let Case { scenario, reference, mode, fault, number } = case;
        let name = format!("{}-{}-{}-{number}", mode.tag(), scenario.name, fault.name().replace(' ', "-"));
        let wrong = |end: &End| mode.of(&reference.end).differences(&mode.of(end), &reference.masked);
        let passed = passage(&name, scenario, settings, mode, Some((fault, number)), &wrong).await;
        let write = reference.trace.get(number - 1).map_or("", String::as_str);
        let failure = (!passed.wrong.is_empty()).then(|| format!("{name} ({write}): {}", passed.wrong.join("; ")));
        Self { scenario: scenario.name, fault, failure, befell: passed.befell, took: passed.took }
    }
}

/// What a passage through a scenario came to.
#[derive(Default)]
struct Passed {
    end: Option<End>,
    wrong: Vec<String>,
    trace: Vec<String>,
    befell: bool,
    took: Duration,
}

/// Runs a scenario in a world of its own. `wrong` says what is not as it should be at rest.
async fn passage(
    name: &str,
    scenario: &Scenario,
    settings: &Settings,
    mode: Mode,
    fault: Option<(Fault, usize)>,
    wrong: &dyn Fn(&End) -> Vec<String>,
) -> Passed {
    let passage = async {
        let world = World::new(name).await;
        let (proxy, other) = (Proxy::before(&world).await, Proxy::before(&world).await);
        let way = |proxy: &Proxy| Way { binary: settings.binary.clone(), ..proxy.way().clone() };
        let keeper = Keeper::start(&world, way(&proxy)).await;
        let _twin = match mode {
            Mode::Alone => None,
            Mode::Twins => Some(world.start_operator_by(&way(&other), &[]).await),
        };
        let goes_on = fault.is_some_and(|(fault, _)| fault.goes_on());
        let quiet = if goes_on { QUIET_BETWEEN_CRASHES } else { QUIET };
        let stage = Stage { world: &world, proxies: [&proxy, &other], quiet, patience: settings.mended_within() };
        tokio::select! {
            () = keeper.keep() => unreachable!("it is kept for ever"),
            passed = stage.perform(scenario, fault, &keeper, wrong) => passed,
        }
    };
    // A panic is the failure of this run and of no other.
    AssertUnwindSafe(passage).catch_unwind().await.unwrap_or_else(|panic| Passed { wrong: vec![said(&*panic)], ..Passed::default() })
}

fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic that says nothing").to_owned()
}

/// A world and the ways to it.
struct Stage<'a> {
    world: &'a World,
    /// The one on which something fails first.
    proxies: [&'a Proxy; 2],
    /// Nobody writes for so long: whatever is wanted now waits for time to pass.
    quiet: Duration,
    /// How long it may take back to rest.
    patience: Duration,
}

impl Stage<'_> {
    async fn perform(
        &self,
        scenario: &Scenario,
        fault: Option<(Fault, usize)>,
        keeper: &Keeper<'_>,
        wrong: &dyn Fn(&End) -> Vec<String>,
    ) -> Passed {
        (scenario.setup)(self.world).await;
        self.rest(&|_| Vec::new()).await;
        let [proxy, _] = self.proxies;
        proxy.effects.forget();
        if let Some((fault, number)) = fault {
            proxy.effects.befall(fault, number, keeper.crash());
        }
        let begun = Instant::now();
        (scenario.act)(self.world).await;
        let (end, wrong) = self.rest(wrong).await;
        Passed { end: Some(end), wrong, trace: proxy.effects.seen(), befell: proxy.effects.befallen() > 0, took: begun.elapsed() }
    }

    /// Waits until nothing moves any more, whatever time passes, and everything is as it should be. What is wrong when
    /// patience ends stays wrong.
    async fn rest(&self, wrong: &dyn Fn(&End) -> Vec<String>) -> (End, Vec<String>) {
        let deadline = Instant::now() + self.patience;
        let mut before = None;
        loop {
            for proxy in self.proxies {
                proxy.effects.quiet(self.quiet, SOON).await;
            }
            let now = End::of(self.world).await;
            let still = before.as_ref() == Some(&now);
            let mut found = wrong(&now);
            if still && found.is_empty() {
                return (now, found);
            }
            if Instant::now() >= deadline {
                found.extend((!still).then(|| "it does not come to rest".to_owned()));
                return (now, found);
            }
            before = Some(now);
            self.let_time_pass().await;
        }
    }

    /// Moves Datadog's clock past everything that waits for it, and has every organization listed, as its next poll would.
    async fn let_time_pass(&self) {
        self.world.advance(LANDED);
        let orgs = self.world.orgs().list(&ListParams::default()).await.unwrap().items;
        for org in orgs {
            self.listed(&org.name_any()).await;
        }
    }

    /// Asks for a fresh list, and waits a little for it: an operator that has just died comes to it later.
    async fn listed(&self, org: &str) {
        let request = uuid::Uuid::new_v4().to_string();
        let wish = Patch::Merge(json!({"metadata": {"annotations": {RECONCILE_REQUEST_ANNOTATION: request}}}));
        if self.world.orgs().patch(org, &PatchParams::default(), &wish).await.is_err() {
            return;
        }
        let handled = |object: &DatadogOrg| {
            let status = object.status.as_ref();
            status.and_then(|status| status.last_handled_reconcile_at.as_ref()) == Some(&request)
        };
        let done = |object: Option<&DatadogOrg>| object.is_none_or(handled);
        let wait = kube::runtime::wait::await_condition(self.world.orgs(), org, done);
        // Whoever does not answer in time has not come to rest either, and is asked again.
        tokio::time::timeout(SOON, wait).await.ok();
    }
}
