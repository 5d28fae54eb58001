//! Waiting on a watch: for what takes long, beside other tests that count time.

use std::time::Duration;

use kube::runtime::wait::await_condition;
use tokio::time::{Instant, timeout};

use super::waiting::Conditioned;
use super::world::World;

impl World {
    /// Waits until `Ready` of an object gives this reason, and tells how long it took.
    pub(crate) async fn comes_to<K: Conditioned>(&self, name: &str, reason: &str, within: Duration) -> Duration {
        let begun = Instant::now();
        let is = |object: Option<&K>| object.and_then(Conditioned::verdict).is_some_and(|ready| ready.reason == reason);
        if timeout(within, await_condition(self.api::<K>(), name, is)).await.is_err() {
            let what = format!("{} {name}: {reason} (waited {within:?})", K::kind(&()));
            self.within(Duration::ZERO, &what, async || None::<()>).await;
        }
        begun.elapsed()
    }
}
