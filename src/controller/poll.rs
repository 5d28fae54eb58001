//! One turn of an organization: the Secret, whom its key belongs to, and the list of its connections. Single flight: the controller never
//! runs two passes of one DatadogOrg at once.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use tokio::time::Instant;

use super::context::Context;
use super::kubernetes::{self, within};
use crate::api::DatadogOrg;
use crate::datadog::{Class, Client, Credentials, Error, Listing};
use crate::decide::desired::Names;
use crate::decide::model::{OrgId, Pair};
use crate::decide::organization::Trouble;
use crate::decide::poll::{self, Ask};
use crate::log::{chain, one_line};
use crate::metrics::Failure;
use crate::world::Key;
use crate::world::inventory::{Changed, Snapshot};
use crate::world::org::Org;
use crate::world::row::Subject;

/// What a turn changed for the objects.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turned {
    /// Nothing was asked.
    Idle,
    /// A list came; these have to look again.
    Listed(Changed),
    /// It failed; whether that is news.
    Failed(bool),
}

/// Takes the turn of an organization, if it is due.
pub(super) async fn turn(context: &Context, object: &DatadogOrg, org: &Org) -> Result<Turned, kubernetes::Error> {
    if object.spec.suspend {
        return Ok(failed(context, org, Trouble::Suspended));
    }
    let due = !matches!(poll::next(&org.turn()), Ask::Nothing(_));
    if !due && !org.secret_is_due() && !org.wants_to_finish() {
        return Ok(Turned::Idle);
    }
    match credentials(context, object, org).await? {
        Ok(client) => org.credentials(client),
        Err(trouble) => {
            let failed = failed(context, org, trouble);
            return Ok(finish_deletions(context, org).await.unwrap_or(failed));
        }
    }
    if org.is_suspended() {
        return Ok(failed(context, org, Trouble::Suspended));
    }
    let ask = poll::next(&org.turn());
    let (Some(client), false) = (org.client(), matches!(ask, Ask::Nothing(_))) else { return Ok(Turned::Idle) };
    let before = (org.stand(), org.epoch());
    Ok(match ask_for(context, &client, org, ask).await {
        Ok(snapshot) => {
            let changed = org.listed(snapshot);
            let same = !look_up_names(context, &client, org).await && before == (org.stand(), org.epoch());
            Turned::Listed(if same { changed } else { Changed::Everything })
        }
        Err(trouble) => failed(context, org, trouble),
    })
}

/// With its Secret gone, the credentials that were good last still show terminating objects what is left of their connections.
async fn finish_deletions(context: &Context, org: &Org) -> Option<Turned> {
    if !org.wants_to_finish() || !context.objects.of_org(&org.key).iter().any(|key| is_leaving(context, key)) {
        return None;
    }
    let (client, _) = org.last_good()?;
    let snapshot = ask_for(context, &client, org, Ask::List).await.ok()?;
    org.listed_in_trouble(snapshot);
    Some(Turned::Listed(Changed::Everything))
}

fn is_leaving(context: &Context, key: &Key) -> bool {
    context.row(key).is_some_and(|row| row.subject.as_ref().is_ok_and(|subject| subject.terminating && subject.finalizer))
}

fn failed(context: &Context, org: &Org, trouble: Trouble) -> Turned {
    if let Some(failure) = failure(&trouble) {
        context.metrics.failed(failure);
    }
    Turned::Failed(org.failed(trouble, (context.seams.chance)()))
}

fn failure(trouble: &Trouble) -> Option<Failure> {
    match trouble {
        Trouble::SecretNotFound(_) | Trouble::SecretForbidden { .. } => Some(Failure::Secret),
        Trouble::SecretUnreadable { .. } | Trouble::SecretInvalid { .. } => Some(Failure::Secret),
        Trouble::KeyRejected(_) | Trouble::WrongOrganization { .. } | Trouble::PermissionMissing(_) => Some(Failure::Permanent),
        Trouble::Unreachable(_) => Some(Failure::Transient),
        Trouble::Throttled { .. } => Some(Failure::Throttled),
        Trouble::Undecodable(_) => Some(Failure::Invalid),
        Trouble::Suspended => None,
    }
}

/// Reads the Secret. That Kubernetes does not answer, or refuses, is an error of the pass, which is soon made again; if it lasts, it is
/// told.
async fn credentials(context: &Context, object: &DatadogOrg, org: &Org) -> Result<Result<Client, Trouble>, kubernetes::Error> {
    let name = &object.spec.credentials_secret_ref.name;
    let namespace = object.metadata.namespace.as_deref().unwrap_or_default();
    let api: Api<Secret> = Api::namespaced(context.kubernetes.clone(), namespace);
    let secret = match within(api.get_opt(name)).await {
        Ok(secret) => secret,
        Err(error) if org.secret_stays_unread() => return Ok(Err(unread(name, &error))),
        Err(error) => return Err(error),
    };
    org.secret_is_read();
    let Some(secret) = secret else { return Ok(Err(Trouble::SecretNotFound(name.clone()))) };
    let data = secret.data.unwrap_or_default();
    let invalid = |why: String| Trouble::SecretInvalid { secret: name.clone(), why };
    Ok(Credentials::from_secret(|key| data.get(key).map(|value| value.0.as_slice())).map_err(|error| invalid(error.to_string())).and_then(
        |credentials| {
            let budget = context.budgets.of(&credentials, org.proven());
            let client = context.datadog(&org.key, object.spec.site, credentials).map_err(|error| invalid(error.to_string()))?;
            Ok(client.with_budget(budget))
        },
    ))
}

fn unread(secret: &str, error: &kubernetes::Error) -> Trouble {
    let secret = secret.to_owned();
    match error.forbidden() {
        Some(why) => Trouble::SecretForbidden { secret, why: one_line(why) },
        None => Trouble::SecretUnreadable { secret, why: chain(error) },
    }
}

async fn ask_for(context: &Context, client: &Client, org: &Org, ask: Ask) -> Result<Snapshot, Trouble> {
    if ask == Ask::IdentityAndList {
        identify(context, client, org).await?;
    }
    let Some(organization) = org.speaks_for() else {
        return Err(Trouble::Unreachable("the organization is not proven yet".to_owned()));
    };
    let began_here = Instant::now();
    let just_proven = ask == Ask::IdentityAndList;
    let mut listing = client.list(organization).await.map_err(|error| of_list(&error, just_proven))?;
    if listing.connections.is_empty() && !org.listed_pairs().is_empty() {
        // An empty list is also what a key of another organization gets.
        identify(context, client, org).await?;
    }
    let known = org.expected_pairs();
    let is_first = known.is_none();
    let expected = expected(context, org, known);
    if lacks(&listing, is_first, &expected) {
        let second = client.list(organization).await.map_err(|error| of_list(&error, just_proven))?;
        listing = second.confirming(&listing, &expected);
    }
    Ok(snapshot(organization, began_here, listing))
}

/// The pairs that should have a connection: those known by the last list and our own writes since, or before the first list by what objects
/// have recorded or claimed. A pair in which it is the sink counts too: a release may go by this list.
fn expected(context: &Context, org: &Org, known: Option<BTreeSet<Pair>>) -> BTreeSet<Pair> {
    let Some(organization) = org.speaks_for() else { return BTreeSet::new() };
    let remembered = || {
        let objects = context.objects.of_org(&org.key).into_iter().chain(context.objects.of_organization(organization));
        let rows = objects.filter_map(|key| context.row(&key));
        rows.filter_map(|row| row.memory().pair()).collect()
    };
    known.unwrap_or_else(remembered).into_iter().filter(|pair| pair.involves(organization)).collect()
}

/// Whether something that should be there is missing, or everything, and no earlier list tells that this is right. It is believed only when
/// a second list says the same: on one wrong answer connections would be created twice, and objects let go that still own one.
fn lacks(listing: &Listing, is_first: bool, expected: &BTreeSet<Pair>) -> bool {
    let shows_nothing_yet = is_first && listing.connections.is_empty();
    listing.complete.is_ok() && (shows_nothing_yet || !expected.is_subset(&listing.pairs()))
}

/// The names of the account's organizations, as long as an object names its sink by one and nothing is recorded of it yet: with each poll,
/// and sooner if a name leads nowhere. Answers whether they were asked for.
async fn look_up_names(context: &Context, client: &Client, org: &Org) -> bool {
    let due = org.names_are_due();
    let leads_nowhere = |subject: &Subject| {
        let names = || org.names(context.objects.specified_at(&subject.key, subject.generation));
        let name = subject.spec.sink_org.name.as_deref().filter(|_| subject.source() == org.key && subject.memory.bound().is_none());
        name.is_some_and(|name| due || names().lead_to(name).is_err())
    };
    let mut rows = context.objects.of_org(&org.key).into_iter().filter_map(|key| context.row(&key));
    if !rows.any(|row| row.subject.as_ref().is_ok_and(leads_nowhere)) {
        return false;
    }
    let at = Instant::now();
    let names = match client.organizations().await {
        Ok(known) => Names::Known(known),
        Err(error) => Names::Unavailable { why: chain(&error), refused: matches!(error, Error::Forbidden { .. }) },
    };
    org.named(names, at);
    true
}

/// Whom the key belongs to; nothing else is asked before that is proven to be who is expected.
async fn identify(context: &Context, client: &Client, org: &Org) -> Result<(), Trouble> {
    let identity = client.identity().await.map_err(|error| of_identity(&error))?;
    context.budgets.belongs(client.budget(), identity.organization.id);
    if let Some(expected) = org.contradicts(identity.organization.id) {
        return Err(Trouble::WrongOrganization { expected, found: identity.organization });
    }
    org.identified(identity);
    Ok(())
}

fn snapshot(organization: OrgId, began_here: Instant, listing: Listing) -> Snapshot {
    let doubt = match (&listing.complete, listing.began) {
        (Err(incomplete), _) => Some(incomplete.to_string()),
        (Ok(()), None) => Some("its answer carries no readable Date".to_owned()),
        (Ok(()), Some(_)) => None,
    };
    let connections: BTreeMap<_, _> = listing.connections.into_iter().map(|connection| (connection.pair(), connection)).collect();
    Snapshot { organization, connections, doubt, began: listing.began, began_here }
}

fn of_identity(error: &Error) -> Trouble {
    if matches!(error, Error::Unauthorized { .. } | Error::Forbidden { .. }) {
        return Trouble::KeyRejected(error.to_string());
    }
    unreachable_or_throttled(error)
}

/// A refused list is about a permission if the API says so, or if the same key has just proven itself; else the key may have been revoked.
fn of_list(error: &Error, just_proven: bool) -> Trouble {
    if matches!(error, Error::Forbidden { .. }) && (just_proven || error.missing_permission().is_some()) {
        return Trouble::PermissionMissing(error.to_string());
    }
    of_identity(error)
}

fn unreachable_or_throttled(error: &Error) -> Trouble {
    match error.class() {
        Class::Throttled { until } => Trouble::Throttled { why: error.to_string(), wait: until.saturating_duration_since(Instant::now()) },
        Class::Transient | Class::Permanent => Trouble::Unreachable(chain(error)),
    }
}
