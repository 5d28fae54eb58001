//! A Datadog of many organizations.

use std::collections::BTreeSet;

use datadog_double::{Config, Credential, Keys, Organization, READ, User, WRITE};
use uuid::Uuid;

fn organization(id: Uuid, name: &str, credentials: Vec<Credential>) -> Organization {
    Organization { id, name: name.to_owned(), public_id: None, account: "main".to_owned(), credentials, limit: None }
}

/// An organization with a key that is named like it.
fn source(name: &str) -> Organization {
    let keys = Keys::Pair { api_key: format!("fake-api-key-{name}"), app_key: format!("fake-app-key-{name}") };
    let user = User { id: Uuid::new_v4(), name: name.to_owned(), service_account: true };
    let permissions = BTreeSet::from([READ.to_owned(), WRITE.to_owned()]);
    organization(Uuid::new_v4(), name, vec![Credential { id: name.to_owned(), keys, user, permissions, enabled: true }])
}

/// A Datadog of these sources, each with a key that [`super::World::org`] knows, and so many sinks, and the sinks' ids.
pub(crate) fn many_organizations(sources: &[&str], sinks: usize) -> (Config, Vec<Uuid>) {
    let ids: Vec<Uuid> = (0..sinks).map(|_| Uuid::new_v4()).collect();
    let sinks = ids.iter().map(|id| organization(*id, "Sink", Vec::new()));
    (Config { organizations: sources.iter().map(|name| source(name)).chain(sinks).collect(), ..Config::default() }, ids)
}
