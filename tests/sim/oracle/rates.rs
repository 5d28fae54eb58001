//! How much is asked, and whether it may be.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Asked;
use crate::apiserver::RequestInfo;

/// Requests of one process for one object within one minute. A pass that changes something needs about six, and back-off allows some ten
/// passes in the worst minute.
const OF_AN_OBJECT: usize = 120;
/// Requests of one process with one key within one minute.
const OF_A_KEY: usize = 60;

/// Counts by process and subject, and what was told about budgets.
#[derive(Debug, Default)]
pub(super) struct Rates {
    counts: BTreeMap<(usize, String), (u64, usize)>,
    closed: BTreeMap<(usize, String), Duration>,
    heard: BTreeMap<usize, Duration>,
}

impl Rates {
    /// A request to Kubernetes; answers a complaint if it is one too many.
    pub(super) fn kubernetes(&mut self, request: &RequestInfo, at: Duration) -> Option<String> {
        self.heard.insert(request.line, at);
        let name = request.name.as_deref()?;
        let subject = format!("{} {}/{name}", request.kind.name(), request.namespace.as_deref().unwrap_or_default());
        self.count(request.line, subject, OF_AN_OBJECT, at)
    }

    /// A request to Datadog with this key.
    pub(super) fn datadog(&mut self, line: usize, asked: &Asked, at: Duration) -> Option<String> {
        if self.closed.get(&(line, asked.bucket())).is_some_and(|until| at < *until) {
            return Some(format!("process {line} asks {} although the budget is told to be exhausted", asked.bucket()));
        }
        self.count(line, asked.key.clone(), OF_A_KEY, at)
    }

    /// An answer told that there is nothing left until then, for requests of this form.
    pub(super) fn exhausted(&mut self, line: usize, asked: &Asked, until: Duration) {
        self.closed.insert((line, asked.bucket()), until);
    }

    /// Who has a new DatadogOrg knows nothing of the old one's budget.
    pub(super) fn forget_budgets(&mut self) {
        self.closed.clear();
    }

    /// How many processes have been heard of within two minutes.
    pub(super) fn processes(&self, at: Duration) -> usize {
        self.heard.values().filter(|heard| at - **heard < Duration::from_mins(2)).count()
    }

    fn count(&mut self, line: usize, subject: String, most: usize, at: Duration) -> Option<String> {
        let minute = at.as_secs() / 60;
        let complaint = format!("process {line} asks too often about {subject}");
        let (counted, count) = self.counts.entry((line, subject)).or_default();
        *count = if *counted == minute { *count + 1 } else { 1 };
        *counted = minute;
        (*count > most).then(|| format!("{complaint}: more than {most} times within a minute"))
    }
}
