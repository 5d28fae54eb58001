//! The Secret of an organization: when it is read, and what a new key changes.

use std::time::Duration;

use tokio::time::Instant;

use super::Org;
use super::writes::Writes;
use crate::datadog::Client;
use crate::decide::poll;

impl Org {
    /// Whether the Secret is to be read now although Datadog is to be left alone.
    pub fn secret_is_due(&self) -> bool {
        let state = self.lock();
        let fresh = state.secret_read_at.is_some_and(|at| at.elapsed() < poll::SECRET_INTERVAL);
        !fresh && (state.trouble.is_some() || state.client.is_none() || state.refusal().is_some())
    }

    /// Kubernetes has said what the Secret holds, or that there is none.
    pub fn secret_is_read(&self) {
        self.lock().secret_unread_since = None;
    }

    /// Kubernetes has not let the Secret be read, or not answered. Whether that has lasted: an API server that has just started refuses for
    /// a moment what it allows.
    pub fn secret_stays_unread(&self) -> bool {
        let mut state = self.lock();
        state.secret_unread_since.get_or_insert_with(Instant::now).elapsed() >= poll::SECRET_INTERVAL
    }

    /// The Secret was read and holds usable credentials: a new client if they are other ones than before, with nothing proven.
    pub fn credentials(&self, client: Client) {
        let mut state = self.lock();
        state.secret_read_at = Some(Instant::now());
        if state.client.as_ref().is_none_or(|known| !known.is_like(&client)) {
            state.client = Some(client);
            state.epoch += 1;
            state.identity = None;
            state.trouble = None;
            state.writes = Writes::Untried;
        } else if let Some(failing) = state.trouble.as_mut().filter(|failing| failing.trouble.is_about_the_secret()) {
            // The list that ends the trouble is asked for at once: what was seen before may be old.
            failing.wait = Duration::ZERO;
        }
    }
}
