//! Who wants an organization to be looked at before its turn.

use std::time::Duration;

use tokio::time::Instant;

use super::Org;
use super::writes::Writes;
use crate::decide::model::Pair;
use crate::decide::poll::LEAST_INTERVAL;

impl Org {
    /// A list begun from now on is needed; whoever speaks of the pair is woken by it.
    pub fn want_list(&self, pair: Option<Pair>) {
        let mut state = self.lock();
        let now = Instant::now();
        state.wanted = Some(now);
        if let Some(pair) = pair {
            state.inventory.wake_after_list(pair, now);
        }
    }

    /// A person asks to look afresh: no wait after a failure and no refusal stands in the way.
    pub fn look_afresh(&self, pair: Option<Pair>) {
        self.want_list(pair);
        let mut state = self.lock();
        state.insisted = state.wanted;
        if let Some(failing) = &mut state.trouble {
            failing.wait = Duration::ZERO;
        }
        if state.refusal().is_some() {
            state.writes = Writes::Untried;
            state.epoch += 1;
            state.asks_again();
        }
    }

    /// Whether a list is due that nothing but the last good credentials can bring.
    pub fn wants_to_finish(&self) -> bool {
        let turn = self.turn();
        let due = turn.list_age.is_none_or(|age| age >= turn.interval || (turn.wanted && age >= LEAST_INTERVAL));
        self.last_good().is_some() && due
    }

    /// Whether it has been looked at since, with or without success.
    pub fn looked_since(&self, time: Instant) -> bool {
        let state = self.lock();
        state.listed_at.max(state.trouble.as_ref().map(|failing| failing.asked_at)).is_some_and(|looked| looked >= time)
    }
}
