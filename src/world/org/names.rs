//! What the organizations of the account are called, for sinks that are named so.

use tokio::time::Instant;

use super::Org;
use crate::decide::desired::Names;

impl Org {
    /// The names of the account's organizations, if they were looked up since then and lately: an older name may have moved to another
    /// organization. In trouble nobody looks them up, and all processes are to agree about what is not known.
    pub fn names(&self, since: Instant) -> Names {
        let state = self.lock();
        let lately = |at: Instant| at.elapsed() < state.interval().saturating_mul(2);
        let counts = |at: Instant| at >= since && lately(at) && state.trouble.is_none();
        state.names.as_ref().filter(|(_, at)| counts(*at)).map(|(names, _)| names.clone()).unwrap_or_default()
    }

    /// Whether the names are to be asked for with this list. They came after the last one, so they are younger than it.
    pub fn names_are_due(&self) -> bool {
        let state = self.lock();
        state.names.as_ref().is_none_or(|(_, at)| at.elapsed() >= state.interval() / 2)
    }

    /// The names were asked for at this time.
    pub fn named(&self, names: Names, at: Instant) {
        self.lock().names = Some((names, at));
    }
}
