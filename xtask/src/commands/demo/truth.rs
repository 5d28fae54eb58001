//! What is true of a double in this process.

use std::collections::BTreeMap;
use std::time::Duration;

use crossorg::api::{DatadogOrg, RECONCILE_REQUEST_ANNOTATION};
use datadog_double::{Connection, Double};
use kube::ResourceExt;

use crate::commands::truth::Broken;

/// Waits until the connections at Datadog are as expected.
///
/// # Errors
///
/// When `within` has passed, with the connections that there are instead.
pub(super) async fn datadog_has(
    double: &Double,
    expected: &str,
    within: Duration,
    satisfied: impl Fn(&[Connection]) -> bool,
) -> Result<(), Broken> {
    let seen = |_| Broken::new(format!("at Datadog, within {within:?}: {expected}"), format!("{:?}", double.state().connections));
    double.wait_for_connections(within, satisfied).await.map_err(seen)
}

/// Whether each DatadogOrg has carried out the request in its annotation, that is, looked at Datadog since; else which has not.
pub(super) fn looked_afresh(orgs: &[DatadogOrg]) -> Result<(), String> {
    let handled = |org: &DatadogOrg| org.status.as_ref().and_then(|status| status.last_handled_reconcile_at.clone());
    let waiting =
        orgs.iter().find(|org| handled(org).is_none() || handled(org).as_ref() != org.annotations().get(RECONCILE_REQUEST_ANNOTATION));
    waiting.map_or(Ok(()), |org| Err(format!("{} says lastHandledReconcileAt: {:?}", org.name_any(), handled(org))))
}

/// The writes that the double was asked for so far, by method; refused ones too.
pub(super) fn writes(double: &Double) -> BTreeMap<String, usize> {
    let mut writes = BTreeMap::new();
    double.journal().into_iter().filter(datadog_double::Entry::is_write).for_each(|entry| *writes.entry(entry.method).or_default() += 1);
    writes
}

/// How many requests the connection's source sent after the one with the number `since` and before its next write: each is a list.
pub(super) fn lists_before_write(double: &Double, since: u64, connection: &Connection) -> usize {
    let journal = double.journal();
    let later = journal.iter().filter(|entry| entry.seq > since && entry.organization == Some(connection.source));
    later.take_while(|entry| !entry.is_write()).count()
}
