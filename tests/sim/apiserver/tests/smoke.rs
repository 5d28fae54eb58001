//! The operator's real code on it: a connection lives, changes and dies in virtual time, and the same seed is the same run.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use crossorg::api::conditions::find;
use crossorg::api::{DatadogOrg, OrgConnection};
use crossorg::controller::context::Seams;
use crossorg::datadog::{Transport, TransportError};
use datadog_double::{CENTRAL, Clock, Config, Double, Ids, PAYMENTS, SECURITY};
use http::{Request, Response};
use http_body_util::BodyExt;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep};
use tower::ServiceExt;
use uuid::Uuid;

use super::super::journal::writes;
use super::super::{ApiServer, Entry, Fault, Kind, Line, Part, Verb, What};
use super::simulate;

const TEAM: &str = "team";
const HOUR: Duration = Duration::from_secs(3600);

/// Both APIs and an operator between them.
struct World {
    server: ApiServer,
    datadog: Double,
    wall_clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    chance: Arc<Mutex<fastrand::Rng>>,
}

/// A running operator.
struct Operator {
    line: Line,
    task: AbortHandle,
}

impl World {
    fn new(seed: u64) -> Self {
        // kube spreads the waits of its watches with this.
        fastrand::seed(seed);
        let (begun, start) = (Instant::now(), "2026-01-02T03:04:05Z".parse::<Timestamp>().unwrap());
        let wall_clock: Arc<dyn Fn() -> Timestamp + Send + Sync> = Arc::new(move || start + begun.elapsed());
        let clock = Arc::clone(&wall_clock);
        let datadog = Double::with_sources(&Config::three_organizations(), Clock::virtual_from(start), Ids::seeded(seed));
        let chance = Arc::new(Mutex::new(fastrand::Rng::with_seed(seed)));
        Self { server: ApiServer::new(seed, move || clock()), datadog, wall_clock, chance }
    }

    fn operator(&self) -> Operator {
        let line = self.server.line();
        let chance = Arc::clone(&self.chance);
        let seams = Seams {
            transport: transport(self.datadog.clone(), line.clone()),
            datadog_url: Some("http://datadog.test".parse().unwrap()),
            observe_only: false,
            wall_clock: Arc::clone(&self.wall_clock),
            chance: Arc::new(move || chance.lock().unwrap().f64()),
        };
        let client = line.client();
        let run = async move { crossorg::controller::run(client, &[], seams, Default::default(), std::future::pending()).await };
        Operator { line, task: tokio::spawn(run).abort_handle() }
    }

    fn organization(&self, name: &str) {
        let key = |kind: &str| format!("fake-{kind}-key-{name}");
        self.server.secret(TEAM, &format!("{name}-keys"), &[("api-key", key("api")), ("app-key", key("app"))]).unwrap();
        let spec = json!({ "site": "datadoghq.eu", "credentialsSecretRef": { "name": format!("{name}-keys") } });
        self.apply("DatadogOrg", name, &spec);
    }

    fn connection(&self, name: &str, types: &[&str]) {
        self.share("payments", CENTRAL, name, types);
    }

    fn share(&self, source: &str, sink: Uuid, name: &str, types: &[&str]) {
        let spec = json!({ "sourceOrgRef": { "name": source }, "sinkOrg": { "id": sink.to_string() }, "connectionTypes": types });
        self.apply("OrgConnection", name, &spec);
    }

    fn apply(&self, kind: &str, name: &str, spec: &Value) {
        let metadata = json!({ "name": name, "namespace": TEAM });
        let manifest = json!({ "apiVersion": "crossorg.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec });
        self.server.apply(manifest).unwrap();
    }

    /// Waits until the operator says that the newest spec is in force.
    async fn ready(&self, name: &str) {
        let is = |object: OrgConnection| {
            let ready = object.status.as_ref().and_then(|status| find(&status.conditions, "Ready").cloned());
            ready.is_some_and(|ready| ready.status == "True" && ready.observed_generation == object.metadata.generation)
        };
        self.until(&format!("{name} is ready"), || self.server.object(TEAM, name).is_some_and(is)).await;
    }

    async fn until(&self, what: &str, is: impl Fn() -> bool) {
        let reached = async {
            while !is() {
                sleep(Duration::from_millis(100)).await;
            }
        };
        if tokio::time::timeout(HOUR, reached).await.is_err() {
            let lines: Vec<String> = self.server.journal().iter().map(Entry::to_string).collect();
            panic!("not within an hour: {what}\n{}", lines.join("\n"));
        }
    }

    fn remote_writes(&self) -> usize {
        self.datadog.tally().effects
    }

    /// Lets an hour pass in which nothing is written.
    async fn quiet_hour(&self) {
        sleep(Duration::from_secs(120)).await;
        let before = (self.server.version(), self.remote_writes());
        sleep(HOUR).await;
        assert_eq!((self.server.version(), self.remote_writes()), before, "nothing is written when nothing is to be done");
    }

    /// Everything that was asked of both APIs.
    fn record(&self) -> (Vec<Entry>, Value) {
        (self.server.journal(), serde_json::to_value(self.datadog.journal()).unwrap())
    }
}

impl Operator {
    /// `kill -9`.
    fn kill(self) {
        self.line.cut();
        self.task.abort();
    }
}

fn transport(datadog: Double, line: Line) -> Transport {
    Transport::new(tower::service_fn(move |request: Request<Bytes>| {
        let (datadog, line) = (datadog.clone(), line.clone());
        async move { line.through(exchange(&datadog, request)).await }
    }))
}

async fn exchange(datadog: &Double, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
    let answer = datadog.service().oneshot(request.map(axum::body::Body::from)).await;
    let (parts, body) = answer.map_err(|error| TransportError::Broken(error.into()))?.into_parts();
    let body = body.collect().await.map_err(|error| TransportError::Broken(error.into()))?;
    Ok(Response::from_parts(parts, body.to_bytes()))
}

/// Created, changed, quiet, deleted, quiet.
async fn life(world: &World) {
    world.organization("payments");
    world.connection("to-central", &["logs"]);
    world.ready("to-central").await;
    assert_eq!(world.datadog.connection(PAYMENTS, CENTRAL).unwrap().connection_types, ["logs"]);
    world.connection("to-central", &["logs", "metrics"]);
    world.ready("to-central").await;
    assert_eq!(world.datadog.connection(PAYMENTS, CENTRAL).unwrap().connection_types, ["logs", "metrics"]);
    world.quiet_hour().await;
    world.server.delete::<OrgConnection>(TEAM, "to-central").unwrap();
    world.until("the object is gone", || world.server.object::<OrgConnection>(TEAM, "to-central").is_none()).await;
    assert!(world.datadog.connection(PAYMENTS, CENTRAL).is_none());
    world.quiet_hour().await;
    assert!(world.datadog.violations().is_empty());
}

#[test]
fn a_connection_lives_for_two_quiet_hours_of_virtual_time() {
    simulate(async || {
        let world = World::new(1);
        let _operator = world.operator();
        life(&world).await;
        let written = writes(&world.server.journal());
        let of = |part| {
            written.iter().filter(|((kind, _, of), _)| *kind == Kind::OrgConnection && *of == part).map(|(_, count)| count).sum::<usize>()
        };
        assert!(of(Part::Object) >= 2, "claimed and let go: {written:?}");
        assert_eq!(of(Part::Status), 2, "created and changed: {written:?}");
        assert_eq!(world.remote_writes(), 3);
    });
}

/// What a seed makes of a request.
fn misfortune(chance: &mut fastrand::Rng) -> Fault {
    match chance.u8(..40) {
        0 => What::LoseAnswer.into(),
        1 => What::Refuse(503).into(),
        2 => What::FailAfter(500).into(),
        3 => What::BreakAfter.into(),
        4 => What::Refuse(409).into(),
        5 => What::Unreachable.into(),
        6 => Fault::NONE.delayed(Duration::from_secs(chance.u64(..20)), Duration::from_millis(5)),
        _ => Fault::NONE,
    }
}

/// Three organizations that all share with each other, for half an hour of changes and misfortune.
async fn turmoil(seed: u64) -> (Vec<Entry>, Value) {
    let world = World::new(seed);
    let (mut faults, mut chance) = (fastrand::Rng::with_seed(seed), fastrand::Rng::with_seed(!seed));
    world.server.faults(move |_| misfortune(&mut faults));
    let mut operator = world.operator();
    let organizations = [("payments", PAYMENTS), ("central", CENTRAL), ("security", SECURITY)];
    organizations.iter().for_each(|(name, _)| world.organization(name));
    for _ in 0..60 {
        let (source, sink) = (chance.usize(..3), chance.usize(..3));
        let name = format!("{source}-{sink}-{}", chance.u8(..2));
        match chance.u8(..8) {
            0 => drop(world.server.delete::<OrgConnection>(TEAM, &name)),
            1 => drop(world.server.wipe_status::<OrgConnection>(TEAM, &name)),
            2 => {
                operator.kill();
                operator = world.operator();
            }
            _ if source != sink => {
                world.share(organizations[source].0, organizations[sink].1, &name, &[["logs", "audit"][chance.usize(..2)]])
            }
            _ => {}
        }
        sleep(Duration::from_secs(chance.u64(..60))).await;
    }
    world.record()
}

#[test]
fn the_same_seed_is_the_same_run() {
    for seed in 0..3 {
        let run = || simulate(async || turmoil(seed).await);
        let ((first, first_remote), (second, second_remote)) = (run(), run());
        for (first, second) in first.iter().zip(&second) {
            assert_eq!(first, second, "seed {seed}:\n{first}\n{second}");
        }
        assert_eq!(first.len(), second.len());
        assert_eq!(first_remote, second_remote);
    }
}

#[test]
fn a_killed_operator_leaves_everything_to_the_next_one() {
    simulate(async || {
        let world = World::new(3);
        let operator = world.operator();
        world.server.script(1, |request| request.kind == Kind::OrgConnection && request.verb == Verb::Apply, What::LoseAnswer);
        world.organization("payments");
        world.connection("to-central", &["logs"]);
        world.until("it is created", || world.remote_writes() == 1).await;
        operator.kill();
        let requests = world.server.journal().len();
        sleep(HOUR).await;
        assert_eq!(world.server.journal().len(), requests, "the dead ask nothing");
        let _next = world.operator();
        life(&world).await;
        assert_eq!(world.remote_writes(), 3, "created, changed and deleted once");
    });
}

#[test]
fn an_operator_gets_through_an_hour_of_faults() {
    simulate(async || {
        let world = World::new(5);
        let mut chance = fastrand::Rng::with_seed(5);
        world.server.faults(move |_| misfortune(&mut chance));
        let _operator = world.operator();
        world.organization("payments");
        for round in 0..60 {
            world.connection("to-central", if round % 2 == 0 { &["logs"] } else { &["logs", "audit"] });
            sleep(Duration::from_secs(60)).await;
        }
        world.server.stop_faults();
        life(&world).await;
        world.server.delete::<DatadogOrg>(TEAM, "payments").unwrap();
        world.until("the organization is gone", || world.server.objects::<DatadogOrg>().is_empty()).await;
    });
}
