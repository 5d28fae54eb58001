//! A Datadog of many organizations.

use std::collections::BTreeSet;

use datadog_double::{Config, Credential, Keys, Organization, READ, User, WRITE};
use futures::StreamExt;
use uuid::Uuid;

use super::{Operator, World};

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

/// A world where Payments is connected.
pub(crate) async fn payments(name: &str) -> (World, Operator) {
    let world = World::new(name).await;
    world.org("payments").await;
    let operator = world.operator().await;
    world.org_ready("payments").await;
    (world, operator)
}

/// Has a source share its logs with each of these sinks, through objects that are called so and numbered.
pub(crate) async fn share_with_each(world: &World, called: &str, source: &str, sinks: &[Uuid]) {
    futures::stream::iter(sinks.iter().enumerate())
        .for_each_concurrent(8, async |(number, sink)| {
            world.connection(&format!("{called}-{number}")).from(source).to(*sink).types(&["logs"]).apply().await;
        })
        .await;
}
