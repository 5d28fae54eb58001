//! What is true: the objects as the API server has them, the connections as the double has them, and waiting until both agree.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crossorg::api::conditions::find;
use crossorg::api::fields::OrganizationStatus;
use crossorg::api::{DatadogOrg, OrgConnection, RECONCILE_REQUEST_ANNOTATION};
use datadog_double::{Connection, Double};
use kube::ResourceExt;
use tokio::time::{self, Instant};

/// Short against what a person notices.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Something that was about to be said does not hold.
#[derive(Debug, thiserror::Error)]
#[error("this was expected: {expected}\n  and this was seen: {seen}")]
pub(super) struct Broken {
    expected: String,
    seen: String,
}

impl Broken {
    /// Instead of `expected`, `seen` is the case.
    pub(super) fn new(expected: impl Into<String>, seen: impl Into<String>) -> Broken {
        Broken { expected: expected.into(), seen: seen.into() }
    }
}

/// Looks until it finds something, and answers that. A look that fails says what it saw instead.
///
/// # Errors
///
/// When `within` has passed, with what the last look saw.
pub(super) async fn eventually<T, S: fmt::Display>(
    expected: &str,
    within: Duration,
    look: impl AsyncFn() -> Result<T, S>,
) -> Result<T, Broken> {
    let deadline = Instant::now() + within;
    loop {
        match look().await {
            Ok(found) => return Ok(found),
            Err(seen) if Instant::now() >= deadline => return Err(Broken::new(format!("{expected}, within {within:?}"), seen.to_string())),
            Err(_) => time::sleep(LOOK_EVERY).await,
        }
    }
}

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

/// Compares a number or a list with what it should be.
pub(super) fn same<T: PartialEq + fmt::Debug>(what: &str, expected: &T, seen: &T) -> Result<(), Broken> {
    if expected == seen { Ok(()) } else { Err(Broken::new(format!("{what}: {expected:?}"), format!("{seen:?}"))) }
}

/// Whether the object is ready for its newest generation and says the same as Datadog: the id in its status is a connection there, of the
/// same pair and with the types of the spec. Answers that connection; else what does not fit.
pub(super) fn agreed(object: &OrgConnection, double: &Double) -> Result<Connection, String> {
    let name = object.name_any();
    let status = object.status.as_ref().ok_or_else(|| format!("{name} has no status"))?;
    let ready = find(&status.conditions, "Ready").ok_or_else(|| format!("{name} has no Ready condition"))?;
    let says = format!("{name} is Ready={} ({}: {})", ready.status, ready.reason, ready.message);
    if ready.status != "True" || ready.observed_generation != object.metadata.generation {
        return Err(format!("{says}, of generation {:?}", ready.observed_generation));
    }
    let id = status.connection_id.as_deref().unwrap_or_default();
    let connection = double.state().connections.into_iter().find(|connection| connection.id.to_string() == id);
    let connection = connection.ok_or_else(|| format!("{says}, and there is no connection {id} at Datadog"))?;
    let organization = |side: &Option<OrganizationStatus>| side.as_ref().map(|side| side.id.clone()).unwrap_or_default();
    let same = organization(&status.source) == connection.source.to_string()
        && organization(&status.sink) == connection.sink.to_string()
        && types(&object.spec.connection_types) == types(&connection.connection_types)
        && types(&status.connection_types) == types(&connection.connection_types);
    if same { Ok(connection) } else { Err(format!("{says}, and Datadog has {connection:?}")) }
}

/// Whether each DatadogOrg has carried out the request in its annotation, that is, looked at Datadog since; else which has not.
pub(super) fn looked_afresh(orgs: &[DatadogOrg]) -> Result<(), String> {
    let handled = |org: &DatadogOrg| org.status.as_ref().and_then(|status| status.last_handled_reconcile_at.clone());
    let waiting =
        orgs.iter().find(|org| handled(org).is_none() || handled(org).as_ref() != org.annotations().get(RECONCILE_REQUEST_ANNOTATION));
    waiting.map_or(Ok(()), |org| Err(format!("{} says lastHandledReconcileAt: {:?}", org.name_any(), handled(org))))
}

/// Types as a set is written: sorted.
pub(super) fn types(list: &[String]) -> String {
    let mut sorted = list.to_vec();
    sorted.sort();
    sorted.join(", ")
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

/// The number of writes by method, as [`writes`] answers it.
pub(super) fn counted<const N: usize>(writes: [(&str, usize); N]) -> BTreeMap<String, usize> {
    writes.into_iter().filter(|(_, count)| *count > 0).map(|(method, count)| (method.to_owned(), count)).collect()
}
