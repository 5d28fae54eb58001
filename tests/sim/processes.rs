//! Running operators: begun, killed, ended in order, two at once.

use std::sync::{Arc, Mutex};

use crossorg::controller::context::Seams;
use fastrand::Rng;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::apiserver::Line;
use crate::misfortunes::{Weather, transport};
use crate::oracle::Oracle;
use crate::world::World;

/// All operators of a run.
pub(crate) struct Processes {
    world: World,
    weather: Weather,
    oracle: Oracle,
    chance: Arc<Mutex<Rng>>,
    running: Vec<Process>,
}

struct Process {
    line: Line,
    task: JoinHandle<()>,
    stop: oneshot::Sender<()>,
}

impl Processes {
    pub(crate) fn new(world: &World, weather: &Weather, oracle: &Oracle) -> Self {
        let chance = Arc::new(Mutex::new(Rng::with_seed(world.seed)));
        Self { world: world.clone(), weather: weather.clone(), oracle: oracle.clone(), chance, running: Vec::new() }
    }

    /// Begins one.
    pub(crate) fn begin(&mut self) {
        let line = self.world.server.line();
        self.weather.may_crash(&line);
        let chance = Arc::clone(&self.chance);
        let seams = Seams {
            transport: transport(&self.world, &self.weather, &self.oracle, &line),
            datadog_url: Some("http://datadog.test".parse().unwrap()),
            observe_only: false,
            wall_clock: Arc::clone(&self.world.wall_clock),
            chance: Arc::new(move || chance.lock().unwrap().f64()),
        };
        let (stop, stopped) = oneshot::channel();
        let stopped = async { drop(stopped.await) };
        let client = line.client();
        let task = tokio::spawn(async move {
            crossorg::controller::run(client, &[], seams, Default::default(), stopped).await;
        });
        self.running.push(Process { line, task, stop });
    }

    /// `kill -9` of the oldest.
    pub(crate) fn kill(&mut self) {
        if let Some(oldest) = self.running.first() {
            oldest.line.cut();
        }
        self.bury();
    }

    /// SIGTERM for the oldest: it goes on until its calls have ended.
    pub(crate) fn end(&mut self) {
        if !self.running.is_empty() {
            let Process { line, task, stop } = self.running.remove(0);
            stop.send(()).ok();
            tokio::spawn(async move {
                drop(task.await);
                line.cut();
            });
        }
    }

    /// How many run.
    pub(crate) fn alive(&mut self) -> usize {
        self.bury();
        self.running.len()
    }

    /// Whoever has crashed does nothing more.
    fn bury(&mut self) {
        self.running.retain(|process| {
            if process.line.is_cut() {
                process.task.abort();
            }
            !process.line.is_cut()
        });
    }
}
