//! What an organization's lists have shown.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::Org;
use crate::decide::model::{Connection, ConnectionId, Pair};
use crate::decide::plan::Seen;
use crate::decide::poll;
use crate::decide::unmanaged::Tally;
use crate::world::inventory::{Changed, OwnWrite, Snapshot};

impl Org {
    /// Whether the last complete list is recent enough to vouch for what the objects say.
    pub fn vouches(&self) -> bool {
        let interval = self.lock().interval();
        self.inventory_age() < poll::vouches_for(interval)
    }

    /// When what is known of a pair was looked at last.
    pub fn seen_at(&self, pair: Pair) -> Option<Instant> {
        self.lock().inventory.seen_at(pair)
    }

    /// What is known of a pair, and since when that is proved.
    pub fn seen(&self, pair: Pair) -> (Seen, Option<Timestamp>) {
        let state = self.lock();
        (state.inventory.seen(pair), state.inventory.proof(pair))
    }

    /// Lays an own write over the inventory.
    pub fn wrote(&self, pair: Pair, write: OwnWrite) {
        self.lock().inventory.wrote(pair, write, Instant::now());
    }

    /// A list came that was asked for to finish deletions; what is wrong with the organization stays wrong.
    pub fn listed_in_trouble(&self, snapshot: Snapshot) -> Changed {
        let mut state = self.lock();
        state.listed_at = Some(snapshot.began_here);
        state.inventory.listed(snapshot)
    }

    /// A list came. Answers who has to look again.
    pub fn listed(&self, snapshot: Snapshot) -> Changed {
        let mut state = self.lock();
        let was_down = state.trouble.take().is_some();
        state.epoch += u64::from(was_down);
        state.listed_at = Some(snapshot.began_here);
        if snapshot.doubt.is_none() {
            state.proved_at = state.listed_at;
        }
        state.called = snapshot.name_of_its_organization().or(state.called.take());
        let changed = state.inventory.listed(snapshot);
        if was_down { Changed::Everything } else { changed }
    }

    /// Why the last list proves nothing, if it does not.
    pub fn doubt(&self) -> Option<String> {
        self.lock().inventory.doubt().map(str::to_owned)
    }

    /// The pairs that should have a connection in the next list; nothing before the first.
    pub fn expected_pairs(&self) -> Option<BTreeSet<Pair>> {
        self.lock().inventory.expected()
    }

    /// The pairs of the last list.
    pub fn listed_pairs(&self) -> Vec<Pair> {
        self.lock().inventory.listed_pairs()
    }

    /// Whether what is seen of others is certain, or has been waited for long enough since it was found not to be.
    pub fn settles(&self, certain: bool, patience: Duration) -> bool {
        let mut state = self.lock();
        if certain {
            state.unsettled_since = None;
            return true;
        }
        state.unsettled_since.get_or_insert_with(Instant::now).elapsed() >= patience
    }

    /// When the last list began, if its connections have not been counted in the status yet.
    pub fn uncounted(&self) -> Option<Instant> {
        let state = self.lock();
        state.listed_at.filter(|listed| state.counted != Some(*listed))
    }

    /// The connections of the last list, without those that we have deleted since.
    pub fn listed_connections(&self) -> Vec<Connection> {
        self.lock().inventory.listed_connections()
    }

    /// The status shows what the list that began then has shown.
    pub fn counted(&self, list: Instant, tally: &Tally) {
        let mut state = self.lock();
        state.counted = Some(list);
        state.unmanaged = Some(tally.ids());
    }

    /// The connections that no object managed by the list that was counted last.
    pub fn unmanaged(&self) -> Option<BTreeSet<ConnectionId>> {
        self.lock().unmanaged.clone()
    }

    /// How old the last complete list is; without one, for how long this process knows the object.
    pub fn inventory_age(&self) -> Duration {
        let state = self.lock();
        state.proved_at.unwrap_or(state.started).elapsed()
    }
}
