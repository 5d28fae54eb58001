//! The brake of a DatadogOrg, as the watch shows it.

use std::time::Duration;

use tokio::sync::MutexGuard;
use tokio::time::Instant;

use super::Org;
use super::state::State;
use crate::api::DatadogOrg;
use crate::decide::brake::Brake;
use crate::decide::organization::Trouble;

/// While hundreds of objects are being deleted, their number is said this often at most: with each number every one of them is written.
const NUMBER_INTERVAL: Duration = Duration::from_secs(5);

impl Org {
    /// As it was seen last. Good enough to see that a deletion is held; whoever deletes reads live.
    pub fn brake(&self) -> Brake {
        self.lock().brake.clone()
    }

    /// Whether limit, approval or the number of held deletions has changed since this was asked last: what is held may go, or has
    /// something else to say.
    pub fn brake_is_news(&self) -> bool {
        std::mem::take(&mut self.lock().brake_is_news)
    }

    /// Waits until no other deletion of this process is asking the brake.
    pub async fn turn_at_brake(&self) -> MutexGuard<'_, ()> {
        self.turn_at_brake.lock().await
    }

    /// Whether its object cannot be understood: nothing can be remembered in it.
    pub fn is_undecodable(&self) -> bool {
        self.lock().trouble.as_ref().is_some_and(|failing| matches!(failing.trouble, Trouble::Undecodable(_)))
    }

    /// Whether its status says that deletions are held.
    pub fn tells_of_held(&self) -> bool {
        self.lock().held.is_some_and(|(number, _)| number > 0)
    }

    /// So many deletions are held. Answers the number to say now, and when to look again if that is an old one. That any is held, or none
    /// any more, is said at once.
    pub fn tells_held(&self, number: usize) -> (usize, Option<Duration>) {
        let mut state = self.lock();
        if let Some((told, at)) = state.held
            && (told == number || (told > 0 && number > 0 && at.elapsed() < NUMBER_INTERVAL))
        {
            return (told, (told != number).then(|| NUMBER_INTERVAL.saturating_sub(at.elapsed())));
        }
        state.held = Some((number, Instant::now()));
        (number, None)
    }
}

impl State {
    /// What has been let through since is no news: it only leaves less room.
    pub(super) fn brakes(&mut self, object: &DatadogOrg) {
        let brake = Brake::of(object);
        let same = Brake { memory: self.brake.memory.clone(), ..brake.clone() } == self.brake;
        self.brake_is_news |= !same;
        self.brake = brake;
    }
}
