//! Where objects wait that are too many at once for one organization, without holding up those of another.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use super::Key;

/// Objects of one DatadogOrg that are read live and acted on at the same time: mostly they wait for an answer, and etcd is shared.
const AT_ONCE: usize = 8;

/// A gate for each DatadogOrg that objects name, whether it exists or not.
#[derive(Debug, Default)]
pub struct Gates(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    gates: HashMap<Key, Arc<Semaphore>>,
    closed: bool,
}

impl Gates {
    /// The gate of the objects that name this DatadogOrg as their source. It lets nobody in once it is closed.
    pub fn of(&self, org: &Key) -> Arc<Semaphore> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let closed = known.closed;
        // Where nobody is or waits, there is nothing to remember.
        known.gates.retain(|key, gate| key == org || Arc::strong_count(gate) > 1);
        let gate = known.gates.entry(org.clone()).or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE)));
        if closed {
            gate.close();
        }
        Arc::clone(gate)
    }

    /// Nobody is let in any more; those who are inside end what they do.
    pub fn close(&self) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.closed = true;
        known.gates.values().for_each(|gate| gate.close());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        Key { namespace: "apps".to_owned(), name: name.to_owned() }
    }

    #[tokio::test]
    async fn as_many_as_may_are_inside_and_none_of_them_is_in_the_way_of_another_organization() {
        let gates = Gates::default();
        let (slow, quick) = (gates.of(&key("slow")), gates.of(&key("quick")));
        let inside: Vec<_> = (0..AT_ONCE).map(|_| slow.try_acquire().unwrap()).collect();
        assert!(gates.of(&key("slow")).try_acquire().is_err() && quick.try_acquire().is_ok());
        drop(inside);
        assert!(gates.of(&key("slow")).try_acquire().is_ok());
    }

    #[tokio::test]
    async fn a_closed_gate_lets_nobody_in_not_even_those_who_wait_or_come_later() {
        let gates = Gates::default();
        let gate = gates.of(&key("slow"));
        let _inside: Vec<_> = (0..AT_ONCE).map(|_| gate.try_acquire().unwrap()).collect();
        let (waited, ()) = futures::future::join(gate.acquire(), async { gates.close() }).await;
        assert!(waited.is_err());
        assert!(gates.of(&key("other")).acquire().await.is_err());
    }

    #[test]
    fn a_gate_without_anybody_is_forgotten() {
        let gates = Gates::default();
        drop(gates.of(&key("slow")));
        let _held = gates.of(&key("quick"));
        assert_eq!(gates.0.lock().unwrap().gates.len(), 1);
    }
}
