//! What is suspended is left alone: no request with the key of a suspended DatadogOrg, no change for an object of it.

use std::time::Duration;

use super::Ledger;
use super::asked::Asked;
use super::memory::Memory;

/// How long a suspension of a DatadogOrg may go unnoticed: it is told by the watch, and the way to Kubernetes may be gone for some minutes
/// more than once.
const UNNOTICED: Duration = Duration::from_mins(15);
/// The same in fair weather.
const UNNOTICED_IN_PEACE: Duration = Duration::from_mins(2);

impl Ledger {
    /// The moment since when a suspension must be known.
    fn noticed(&self, at: Duration) -> Duration {
        let in_peace = self.peace.is_some_and(|peace| at >= peace + UNNOTICED_IN_PEACE);
        at.saturating_sub(if in_peace { UNNOTICED_IN_PEACE } else { UNNOTICED })
    }

    /// Whether nobody may use this key: all DatadogOrgs whose Secrets have held it are suspended, or gone.
    pub(super) fn is_suspended_key(&self, asked: &Asked, at: Duration) -> bool {
        let since = self.noticed(at);
        let mut holders = self.seats.holders(&asked.key);
        let is_suspended = self.seats.holders(&asked.key).any(|seat| self.seats.is_suspended_since(seat, since));
        is_suspended && holders.all(|seat| self.seats.is_silent_since(seat, since))
    }

    /// Whether anything may be created or changed for this version of an object.
    pub(super) fn may_act(&self, memory: &Memory, at: Duration) -> bool {
        let is_suspended = |seat| self.seats.is_suspended_since(seat, self.noticed(at));
        memory.wish.acts() && !memory.wish.seat.is_some_and(is_suspended)
    }
}
