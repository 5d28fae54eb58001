//! Waiting until something is true, and whether the objects and Datadog say the same. Pure but for the waiting.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crossorg::api::OrgConnection;
use crossorg::api::conditions::find;
use crossorg::api::fields::OrganizationStatus;
use datadog_double::Connection;
use kube::ResourceExt;
use tokio::time::{self, Instant};

/// Short against what a person notices.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Something that was about to be said does not hold.
#[derive(Debug, thiserror::Error)]
#[error("this was expected: {expected}\n  and this was seen: {seen}")]
pub(crate) struct Broken {
    expected: String,
    seen: String,
}

impl Broken {
    /// Instead of `expected`, `seen` is the case.
    pub(crate) fn new(expected: impl Into<String>, seen: impl Into<String>) -> Broken {
        Broken { expected: expected.into(), seen: seen.into() }
    }
}

/// Looks until it finds something, and answers that. A look that fails says what it saw instead.
///
/// # Errors
///
/// When `within` has passed, with what the last look saw.
pub(crate) async fn eventually<T, S: fmt::Display>(
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

/// Compares a number or a list with what it should be.
pub(crate) fn same<T: PartialEq + fmt::Debug>(what: &str, expected: &T, seen: &T) -> Result<(), Broken> {
    if expected == seen { Ok(()) } else { Err(Broken::new(format!("{what}: {expected:?}"), format!("{seen:?}"))) }
}

/// Whether the object is ready for its newest generation and says the same as Datadog: the id in its status is a connection there, of the
/// same pair and with the types of the spec. Answers that connection; else what does not fit.
pub(crate) fn agreed(object: &OrgConnection, at_datadog: &[Connection]) -> Result<Connection, String> {
    let name = object.name_any();
    let status = object.status.as_ref().ok_or_else(|| format!("{name} has no status"))?;
    let ready = find(&status.conditions, "Ready").ok_or_else(|| format!("{name} has no Ready condition"))?;
    let says = format!("{name} is Ready={} ({}: {})", ready.status, ready.reason, ready.message);
    if ready.status != "True" || ready.observed_generation != object.metadata.generation {
        return Err(format!("{says}, of generation {:?}", ready.observed_generation));
    }
    let id = status.connection_id.as_deref().unwrap_or_default();
    let connection = at_datadog.iter().find(|connection| connection.id.to_string() == id);
    let connection = connection.ok_or_else(|| format!("{says}, and there is no connection {id} at Datadog"))?;
    let organization = |side: &Option<OrganizationStatus>| side.as_ref().map(|side| side.id.clone()).unwrap_or_default();
    let same = organization(&status.source) == connection.source.to_string()
        && organization(&status.sink) == connection.sink.to_string()
        && sorted_types(&object.spec.connection_types) == sorted_types(&connection.connection_types)
        && sorted_types(&status.connection_types) == sorted_types(&connection.connection_types);
    if same { Ok(connection.clone()) } else { Err(format!("{says}, and Datadog has {connection:?}")) }
}

/// Whether it is the same connection and shares the same.
pub(crate) fn is_still(now: &Connection, before: &Connection) -> bool {
    now.id == before.id && sorted_types(&now.connection_types) == sorted_types(&before.connection_types)
}

/// Types as a set is written: sorted.
pub(crate) fn sorted_types(list: &[String]) -> String {
    let mut sorted = list.to_vec();
    sorted.sort();
    sorted.join(", ")
}

/// The number of writes by method, as a count of them answers it.
pub(crate) fn counted<const N: usize>(writes: [(&str, usize); N]) -> BTreeMap<String, usize> {
    writes.into_iter().filter(|(_, count)| *count > 0).map(|(method, count)| (method.to_owned(), count)).collect()
}
