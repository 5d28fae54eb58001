//! The operator of a run, as a Deployment keeps one: whenever it has died, it is started again.

use std::sync::{Arc, Mutex, PoisonError};

use datadog_double::{Fault, Rule, When};
use tokio::sync::Notify;

use crate::harness::{Operator, Way, World};

/// An operator that is started again when it was killed.
pub(super) struct Keeper<'a> {
    world: &'a World,
    way: Way,
    running: Arc<Mutex<Option<Operator>>>,
    died: Arc<Notify>,
}

impl<'a> Keeper<'a> {
    /// Starts it.
    pub(super) async fn start(world: &'a World, way: Way) -> Self {
        let first = world.start_operator_by(&way, &[]).await;
        Self { world, way, running: Arc::new(Mutex::new(Some(first))), died: Arc::default() }
    }

    /// What kills it, from wherever.
    pub(super) fn crash(&self) -> impl Fn() + Send + Sync + 'static {
        let (running, died) = (Arc::clone(&self.running), Arc::clone(&self.died));
        move || {
            let operator = running.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(mut operator) = operator {
                operator.kill();
                died.notify_one();
            }
        }
    }

    /// Starts it again when it has died, for as long as this is awaited.
    pub(super) async fn keep(&self) {
        loop {
            self.died.notified().await;
            self.world.datadog.script(slow_list());
            let next = self.world.start_operator_by(&self.way, &[]).await;
            *self.running.lock().unwrap_or_else(PoisonError::into_inner) = Some(next);
        }
    }
}

/// A new process has to do without a list for a while: what it would do wrong for want of one, it then has the time to do.
fn slow_list() -> Rule {
    Rule::new(Fault::Delay { when: When::Before, millis: 400 }).method("GET").path("/api/v2/org_connections")
}
