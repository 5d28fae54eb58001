//! Whether the credentials at hand may write.

use tokio::time::Instant;

use super::Org;
use crate::datadog::Client;

/// What is known of the right to write with the credentials at hand. The owner's permissions can only deny it: the key's own scopes may be
/// narrower, and nothing but a write tells.
#[derive(Debug)]
pub(super) enum Writes {
    /// Nothing has been written yet.
    Untried,
    /// The first write is under way; the others wait for its answer, so that a key that may only read is refused once and not many times.
    Trying,
    /// A write was not refused.
    Allowed,
    /// Refused, with the reason.
    Refused {
        /// Since when.
        at: Instant,
        /// Datadog's words, or what the owner's permissions lack.
        why: String,
    },
}

impl Org {
    /// Asks to write. `false` while the answer to the first write with these credentials is out.
    pub fn begins_write(&self) -> bool {
        let mut state = self.lock();
        if matches!(state.writes, Writes::Untried) {
            state.writes = Writes::Trying;
            return true;
        }
        matches!(state.writes, Writes::Allowed)
    }

    /// A write ended; `allowed` if it was not refused but reached Datadog. Answers whether others have waited for it.
    pub fn ended_write(&self, allowed: bool) -> bool {
        let mut state = self.lock();
        let tried = matches!(state.writes, Writes::Trying);
        if tried {
            state.writes = if allowed { Writes::Allowed } else { Writes::Untried };
        }
        tried || state.refusal().is_some()
    }

    /// Datadog refused to create with this client, for want of a permission: others would be refused too. The permissions are looked at
    /// again every minute.
    pub fn refused(&self, client: &Client, why: String) {
        let mut state = self.lock();
        if state.speaks_as(client) {
            state.writes = Writes::Refused { at: Instant::now(), why };
            state.doubted = true;
        }
    }

    /// Datadog refused a write with this client without saying that a permission is missing: whom it belongs to is asked again at once.
    pub fn suspects(&self, client: &Client) {
        let mut state = self.lock();
        if state.speaks_as(client) {
            state.asks_again();
        }
    }

    /// Whether writes are refused: then the Secret is looked at as often as without a connection.
    pub fn refuses_writes(&self) -> bool {
        self.lock().refusal().is_some()
    }
}
