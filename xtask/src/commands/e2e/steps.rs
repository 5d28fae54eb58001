//! The steps, and how long each of them took. Writes to standard output.

use std::error::Error;
use std::future::Future;
use std::io;
use std::time::Duration;

use tokio::time::Instant;

use super::Outcome;
use crate::commands::screen::Screen;

/// What has been done so far.
#[derive(Debug)]
pub(super) struct Steps<'a> {
    screen: &'a Screen,
    done: Vec<Step>,
}

#[derive(Debug)]
struct Step {
    title: String,
    took: Duration,
    outcome: String,
}

impl<'a> Steps<'a> {
    /// None yet.
    pub(super) fn new(screen: &'a Screen) -> Steps<'a> {
        Steps { screen, done: Vec::new() }
    }

    /// Takes the next step, and says what it came to.
    pub(super) async fn take(&mut self, title: &str, step: impl Future<Output = Outcome>) -> Result<(), Box<dyn Error>> {
        let title = format!("{:>2}. {title}", self.done.len() + 1);
        self.screen.title(&title)?;
        let began = Instant::now();
        let outcome = step.await.map_err(|error| format!("step {}: {error}", title.trim()))?;
        let took = began.elapsed();
        self.screen.proved(format!("{outcome} ({:.1} s)", took.as_secs_f64()))?;
        self.done.push(Step { title, took, outcome });
        Ok(())
    }

    /// All of them, one on a line.
    pub(super) fn table(&self) -> io::Result<()> {
        let all: Duration = self.done.iter().map(|step| step.took).sum();
        self.screen.title(&format!("All {} steps were checked, in {:.0} s", self.done.len(), all.as_secs_f64()))?;
        let line = |step: &Step| format!("{:<44} {:>6.1} s  {}", step.title, step.took.as_secs_f64(), step.outcome);
        self.done.iter().try_for_each(|step| self.screen.output(&line(step)))
    }
}
