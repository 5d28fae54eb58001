//! Live reads of and writes to our objects. Every write is conditional on what was read: it carries the resource version, and the uid
//! where the API server looks at it, so that nothing decided on an old object or a namesake ever lands.

use std::future::Future;
use std::time::Duration;

use kube::api::{ApiResource, DynamicObject, ListParams, ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Api, Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::context::Context;
use crate::api::{CLAIM_ANNOTATION, CONNECTION_FINALIZER, FIELD_MANAGER, OrgConnection, PAIR_LABEL};
use crate::decide::claims::{Claim, pair_label};
use crate::decide::model::Pair;
use crate::world::Key;
use crate::world::row::{Row, understand};

/// The API server answers in milliseconds; kube itself would wait for ever.
const DEADLINE: Duration = Duration::from_secs(10);

/// Why an object could not be read or written.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// No answer in time; it may have taken effect.
    #[error("the Kubernetes API did not answer within {} s", DEADLINE.as_secs())]
    TimedOut,
    /// The API server has dropped a part of a status: its CRD does not know that part.
    #[error("the installed CRD does not know all of this version's status")]
    OlderCrd,
    /// The API server's answer, or no way to it.
    #[error("the Kubernetes API refused or failed")]
    Api(#[from] kube::Error),
}

impl Error {
    fn status(&self) -> Option<&kube::core::Status> {
        match self {
            Self::Api(kube::Error::Api(status)) => Some(status),
            Self::Api(_) | Self::TimedOut | Self::OlderCrd => None,
        }
    }

    /// What the API server says if the operator lacks the right.
    pub(super) fn forbidden(&self) -> Option<&str> {
        self.status().filter(|status| status.is_forbidden()).map(|status| status.message.as_str())
    }

    /// There is nothing there for this operator: no right, or no namespace.
    fn is_closed(&self) -> bool {
        self.status().is_some_and(|status| status.is_forbidden() || status.is_not_found())
    }

    /// Somebody else wrote in between: look again.
    pub(super) fn is_conflict(&self) -> bool {
        self.status().is_some_and(kube::core::Status::is_conflict)
    }

    /// The object is gone, or a namesake has taken its place.
    pub(super) fn is_gone(&self) -> bool {
        self.status().is_some_and(|status| status.is_not_found() || is_about_the_uid(status))
    }

    /// The API server's words, if it goes on refusing until somebody changes the object, a webhook, a policy or our rights.
    pub(super) fn refusal(&self) -> Option<&str> {
        let lasts = |status: &&kube::core::Status| matches!(status.code, 400 | 403 | 405 | 413 | 422);
        self.status().filter(lasts).filter(|status| !is_about_the_uid(status)).map(|status| status.message.as_str())
    }
}

/// Another refusal of the same code (a webhook's, the schema's) is a failure like any other.
fn is_about_the_uid(status: &kube::core::Status) -> bool {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    status.code == 422 && causes.into_iter().any(|cause| cause.field == "metadata.uid")
}

/// An OrgConnection and everybody else with its pair label, read live in that order of trust.
#[derive(Debug)]
pub(super) struct Live {
    /// The object itself.
    pub(super) object: OrgConnection,
    /// The other objects that claim the pair.
    pub(super) others: Vec<Row>,
    /// Those of them in a namespace that is closed to this operator: it writes nothing there, so the cache knows all there is to know.
    pub(super) unread: Vec<Key>,
}

/// Reads the object with this uid and its rivals; `None` if it is gone or a namesake has taken its place.
pub(super) async fn read(context: &Context, key: &Key, uid: &str, pair: Option<Pair>) -> Result<Option<Live>, Error> {
    let (mut others, unread) = match pair {
        Some(pair) => of_pair(context, key, pair).await?,
        None => Default::default(),
    };
    let listed = others.iter().position(|object| Key::of(object) == *key).map(|index| others.swap_remove(index));
    let object = match listed {
        Some(object) => with_uid(object, uid),
        None => read_alone(context, key, uid).await?,
    };
    Ok(object.map(|object| Live { object, others: others.into_iter().map(Row::from).collect(), unread }))
}

/// Reads the object alone.
pub(super) async fn read_alone(context: &Context, key: &Key, uid: &str) -> Result<Option<OrgConnection>, Error> {
    Ok(within(any_form(context, Some(&key.namespace)).get_opt(&key.name)).await?.and_then(|object| with_uid(object, uid)))
}

/// The object, if it is that one and can be understood: if it cannot, the watch will show that, and its next pass says so.
fn with_uid(object: DynamicObject, uid: &str) -> Option<OrgConnection> {
    understand(object).ok().filter(|object| object.uid().as_deref() == Some(uid))
}

/// The OrgConnections of a namespace or of all, also those that cannot be understood.
fn any_form(context: &Context, namespace: Option<&str>) -> Api<DynamicObject> {
    let (client, kind) = (context.kubernetes.clone(), ApiResource::erase::<OrgConnection>(&()));
    match namespace {
        Some(namespace) => Api::namespaced_with(client, namespace, &kind),
        None => Api::all_with(client, &kind),
    }
}

/// Everybody who carries the pair's label, in all watched namespaces, and those who are known to remember something of the pair without
/// one: somebody took it away. Who remembers nothing is no rival, and gets the label together with the claim.
async fn of_pair(context: &Context, key: &Key, pair: Pair) -> Result<(Vec<DynamicObject>, Vec<Key>), Error> {
    let selector = ListParams::default().labels(&format!("{PAIR_LABEL}={}", pair_label(pair)));
    let (mut found, mut closed) = (Vec::new(), Vec::new());
    for scope in &context.scopes {
        match (within(any_form(context, scope.namespace.as_deref()).list(&selector)).await, &scope.namespace) {
            (Ok(list), _) => found.extend(list.items),
            (Err(error), Some(namespace)) if error.is_closed() && namespace != &key.namespace && context.is_blind::<Row>(scope) => {
                closed.push(namespace);
            }
            (Err(error), _) => return Err(error),
        }
    }
    let remembers = |other: &Key| context.row(other).is_none_or(|row| row.memory().pair().is_some());
    let known = context.objects.of_pair(pair).into_iter().filter(|other| other != key && remembers(other));
    let unlabelled = known.filter(|other| !found.iter().any(|object| Key::of(object) == *other));
    let (unread, unlabelled): (Vec<Key>, Vec<Key>) = unlabelled.partition(|other| closed.contains(&&other.namespace));
    for other in unlabelled {
        found.extend(within(any_form(context, Some(&other.namespace)).get_opt(&other.name)).await?);
    }
    Ok((found, unread))
}

/// All OrgConnections of a namespace, also those that cannot be understood.
pub(super) async fn neighbours(context: &Context, key: &Key) -> Result<Vec<DynamicObject>, Error> {
    Ok(within(any_form(context, Some(&key.namespace)).list(&ListParams::default())).await?.items)
}

/// Writes claim, finalizer and label in one patch, which only lands on exactly the object that was read.
pub(super) async fn claim(context: &Context, object: &OrgConnection, claim: &Claim) -> Result<OrgConnection, Error> {
    let key = Key::of(object);
    let uid = object.uid().unwrap_or_default();
    let terminating = object.metadata.deletion_timestamp.is_some();
    let mut metadata = json!({
        "uid": uid,
        "resourceVersion": object.resource_version(),
        "annotations": { CLAIM_ANNOTATION: claim.render(&uid) },
        "labels": { PAIR_LABEL: pair_label(claim.pair) },
    });
    // The API server refuses a new finalizer on a terminating object.
    if !terminating {
        metadata["finalizers"] = json!(with(object.finalizers(), CONNECTION_FINALIZER));
    }
    merge(&connections(context, &key), &key, &json!({ "metadata": metadata })).await
}

/// Takes our finalizer away. An object that is gone already is as good.
pub(super) async fn let_go<K>(api: &Api<K>, object: &K, finalizer: &str) -> Result<(), Error>
where
    K: Resource + Clone + DeserializeOwned + std::fmt::Debug,
{
    let rest: Vec<_> = object.finalizers().iter().filter(|name| *name != finalizer).collect();
    match merge(api, &Key::of(object), &conditional(object.meta(), &json!(rest))).await {
        Err(error) if !error.is_gone() => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Puts a finalizer on.
pub(super) async fn hold<K>(api: &Api<K>, object: &K, finalizer: &str) -> Result<K, Error>
where
    K: Resource + Clone + DeserializeOwned + std::fmt::Debug,
{
    merge(api, &Key::of(object), &conditional(object.meta(), &json!(with(object.finalizers(), finalizer)))).await
}

fn conditional(metadata: &ObjectMeta, finalizers: &serde_json::Value) -> serde_json::Value {
    json!({ "metadata": { "uid": metadata.uid, "resourceVersion": metadata.resource_version, "finalizers": finalizers } })
}

fn with(finalizers: &[String], ours: &str) -> Vec<String> {
    finalizers.iter().map(String::as_str).filter(|name| *name != ours).chain(std::iter::once(ours)).map(str::to_owned).collect()
}

async fn merge<K>(api: &Api<K>, key: &Key, patch: &serde_json::Value) -> Result<K, Error>
where
    K: Resource + Clone + DeserializeOwned + std::fmt::Debug,
{
    within(api.patch(
        &key.name,
        &PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() },
        &Patch::Merge(patch),
    ))
    .await
}

/// Writes the object's status, on exactly the version that was read. A replacement and not an apply: what an earlier writer of the same
/// conditions owned would stay behind an apply for ever.
pub(super) async fn write_status<K>(api: &Api<K>, object: &K) -> Result<K, Error>
where
    K: Resource + Clone + DeserializeOwned + Serialize + std::fmt::Debug,
{
    let parameters = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
    within(api.replace_status(&object.name_any(), &parameters, object)).await
}

/// The OrgConnections beside this key.
pub(super) fn connections(context: &Context, key: &Key) -> Api<OrgConnection> {
    Api::namespaced(context.kubernetes.clone(), &key.namespace)
}

/// Ends a call that would not end by itself.
pub(super) async fn within<T>(call: impl Future<Output = Result<T, kube::Error>>) -> Result<T, Error> {
    tokio::time::timeout(DEADLINE, call).await.map_err(|_| Error::TimedOut)?.map_err(Error::Api)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_does_not_come_is_given_up() {
        let call = within(std::future::pending::<Result<(), kube::Error>>()).await;
        assert!(matches!(call, Err(Error::TimedOut)));
    }
}
