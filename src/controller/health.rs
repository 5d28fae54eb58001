//! How the watches, and the lease, are doing: for `/readyz`, for a metric, and for passes that must not take "not seen yet" for "not
//! there".

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// A watch is renewed every 30 s, a lease more often. One that has had no answer for this long is blind: what it should have shown is not
/// known.
pub const BLIND_AFTER: Duration = Duration::from_secs(60);

/// How each watch is doing, by its name, and whether the CRDs are those of this version. A lease counts as a watch: each look at it is an
/// answer, the first one its list.
#[derive(Debug, Default)]
pub struct Health {
    watches: Mutex<BTreeMap<String, Watch>>,
    older_crds: AtomicBool,
}

#[derive(Debug)]
struct Watch {
    listed: bool,
    answered_at: Instant,
}

impl Watch {
    fn is_blind(&self) -> bool {
        self.answered_at.elapsed() > BLIND_AFTER
    }
}

impl Health {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Watch>> {
        self.watches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// There is such a watch; its first list has not come yet.
    pub fn begins(&self, watch: &str) {
        self.lock().insert(watch.to_owned(), Watch { listed: false, answered_at: Instant::now() });
    }

    /// The watch has its first list.
    pub fn has_listed(&self, watch: &str) {
        if let Some(watch) = self.lock().get_mut(watch) {
            watch.listed = true;
        }
    }

    /// The API server has answered the watch.
    pub fn is_answered(&self, watch: &str) {
        if let Some(watch) = self.lock().get_mut(watch) {
            watch.answered_at = Instant::now();
        }
    }

    /// Whether the first list of this watch has come. Before that a missing object may only be one that has not been seen yet.
    pub(super) fn knows(&self, watch: &str) -> bool {
        self.lock().get(watch).is_some_and(|watch| watch.listed)
    }

    /// Notes whether the API server has just dropped a part of a status that its CRD does not know. Answers whether that is news.
    pub(super) fn crds_are_older(&self, older: bool) -> bool {
        self.older_crds.swap(older, Ordering::Relaxed) != older
    }

    /// Why the process is not ready, if it is not.
    pub fn complaint(&self) -> Option<String> {
        let of = |why: &str, watches: &[String]| (!watches.is_empty()).then(|| format!("{why} {}", watches.join(", ")));
        of("nothing is seen yet of", &self.missing())
            .or_else(|| of("nothing has been heard for a minute of", &self.blind()))
            .map(|complaint| complaint + ": if this lasts, the log says what the API server answers")
            .or_else(|| self.older_crds.load(Ordering::Relaxed).then(|| "the installed CRDs are older than this operator".to_owned()))
    }

    /// The watches whose first list has not come yet.
    pub fn missing(&self) -> Vec<String> {
        self.those(|watch| !watch.listed)
    }

    /// The watches that have been without an answer for longer than [`BLIND_AFTER`].
    pub fn blind(&self) -> Vec<String> {
        self.those(Watch::is_blind)
    }

    fn those(&self, are: impl Fn(&Watch) -> bool) -> Vec<String> {
        self.lock().iter().filter(|(_, watch)| are(watch)).map(|(name, _)| name.clone()).collect()
    }

    /// Whether this watch has been without an answer for longer than [`BLIND_AFTER`].
    pub(super) fn is_blind(&self, watch: &str) -> bool {
        self.lock().get(watch).is_some_and(Watch::is_blind)
    }

    /// How long ago each watch was answered last.
    pub fn ages(&self) -> Vec<(String, Duration)> {
        self.lock().iter().map(|(name, watch)| (name.clone(), watch.answered_at.elapsed())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_watch_is_missing_until_its_first_list_and_blind_after_a_minute_without_an_answer() {
        let health = Health::default();
        health.begins("datadogorgs");
        assert_eq!((health.missing(), health.knows("datadogorgs")), (vec!["datadogorgs".to_owned()], false));
        assert_eq!(
            health.complaint().unwrap(),
            "nothing is seen yet of datadogorgs: if this lasts, the log says what the API server answers"
        );
        health.has_listed("datadogorgs");
        assert!(health.missing().is_empty() && health.knows("datadogorgs") && !health.knows("orgconnections"));
        tokio::time::advance(BLIND_AFTER).await;
        assert!(health.blind().is_empty());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(health.blind(), ["datadogorgs"]);
        assert_eq!(
            health.complaint().unwrap(),
            "nothing has been heard for a minute of datadogorgs: if this lasts, the log says what the API server answers"
        );
        health.is_answered("datadogorgs");
        assert_eq!((health.blind(), health.complaint()), (vec![], None));
    }

    #[test]
    fn older_crds_are_news_once_and_a_complaint_until_they_are_new() {
        let health = Health::default();
        assert_eq!([true, true, false, false].map(|older| health.crds_are_older(older)), [true, false, true, false]);
        health.crds_are_older(true);
        assert_eq!(health.complaint().unwrap(), "the installed CRDs are older than this operator");
    }
}
