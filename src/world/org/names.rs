//! What the organizations of the account are called, for sinks that are named so.

use std::time::Duration;

use tokio::time::Instant;

use super::Org;
use crate::decide::desired::Names;

/// What fails for so long is not waited for by those who are to be deleted: it may fail for ever, as where an account has no such list.
const PATIENCE: Duration = Duration::from_mins(10);

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
        let mut state = self.lock();
        state.names_fail_since = matches!(names, Names::Unavailable { .. }).then(|| state.names_fail_since.unwrap_or(at));
        state.names = Some((names, at));
    }

    /// Whether the lookup of names may yet succeed: it has not failed for ten minutes.
    pub fn names_may_come(&self) -> bool {
        self.lock().names_fail_since.is_none_or(|since| since.elapsed() < PATIENCE)
    }
}
