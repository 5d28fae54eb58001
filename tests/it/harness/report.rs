//! What is shown when a test fails.

use crossorg::api::{DatadogOrg, OrgConnection};
use datadog_double::Double;
use kube::api::ListParams;

use super::world::{Kind, World};

/// Lines of an operator's log.
const LINES: usize = 80;

/// The objects of the namespace as YAML.
pub(super) async fn objects(world: &World) -> String {
    format!("{}{}", all::<DatadogOrg>(world).await, all::<OrgConnection>(world).await)
}

async fn all<K: Kind>(world: &World) -> String {
    match world.api::<K>().list(&ListParams::default()).await {
        Ok(list) => list.into_iter().map(yaml).collect(),
        Err(error) => format!("the objects cannot be listed: {error}\n"),
    }
}

fn yaml<K: Kind>(mut object: K) -> String {
    object.meta_mut().managed_fields = None;
    format!("---\nkind: {}\n{}", K::kind(&()), serde_yaml::to_string(&object).unwrap())
}

/// Datadog's journal and truth.
pub(super) fn journal(double: &Double) -> String {
    let entries = double.journal().into_iter().map(|entry| {
        let (query, effect) = (entry.query.unwrap_or_default(), if entry.took_effect { " took effect" } else { "" });
        let who = entry.credential.unwrap_or_else(|| "nobody".to_owned());
        format!("  {:>6} ms {who} {} {} {query} {:?}{effect}\n", entry.at_millis, entry.method, entry.path, entry.outcome)
    });
    let entries: String = entries.collect();
    let connections: String = double.state().connections.iter().map(|connection| format!("  {connection:?}\n")).collect();
    let violations: String = double.violations().iter().map(|violation| format!("  {violation:?}\n")).collect();
    format!("=== Datadog's journal\n{entries}=== its connections\n{connections}=== rules broken\n{violations}")
}

/// The end of a log.
pub(super) fn last_lines(title: &str, log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    let shown = lines[lines.len().saturating_sub(LINES)..].join("\n");
    format!("=== {title}\n{shown}")
}
