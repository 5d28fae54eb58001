//! What an export reads in Kubernetes: only what its user may read.

use std::fmt::Debug;
use std::future::Future;
use std::time::Duration;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::Secret;
use kube::api::ListParams;
use kube::core::DeserializeGuard;
use kube::{Api, Resource, ResourceExt};
use serde::de::DeserializeOwned;

use super::Error;
use super::choice::Declaration;
use crate::api::{DatadogOrg, OrgConnection};
use crate::datadog::Credentials;
use crate::world::Key;

/// A list of ten thousand objects takes a second or two.
const DEADLINE: Duration = Duration::from_secs(20);

/// A cluster, seen from a namespace.
pub(super) struct Cluster {
    client: kube::Client,
    namespace: String,
}

/// What could be read.
pub(super) struct Found<T> {
    pub(super) found: Vec<T>,
    /// What could not.
    pub(super) notes: Vec<String>,
}

type Guarded<K> = Vec<DeserializeGuard<K>>;

impl Cluster {
    pub(super) fn new(client: kube::Client, namespace: &str) -> Self {
        Self { client, namespace: namespace.to_owned() }
    }

    /// The DatadogOrg of this name.
    pub(super) async fn org(&self, key: &Key) -> Result<DatadogOrg, Error> {
        let listed = self.here::<DatadogOrg>().await?;
        let mut there: Vec<String> = listed.iter().map(ResourceExt::name_any).collect();
        there.sort();
        match listed.into_iter().find(|org| org.name_any() == key.name) {
            Some(DeserializeGuard(Ok(org))) => Ok(org),
            Some(DeserializeGuard(Err(undecodable))) => Err(Error::OrgUndecodable { org: key.clone(), why: undecodable.error }),
            None => Err(Error::OrgMissing { org: key.clone(), there: if there.is_empty() { "none".to_owned() } else { there.join(", ") } }),
        }
    }

    /// The key in a Secret.
    pub(super) async fn credentials(&self, secret: &Key) -> Result<Credentials, Error> {
        let api: Api<Secret> = Api::namespaced(self.client.clone(), &self.namespace);
        let found = within(&format!("the Secret {secret}"), api.get_opt(&secret.name)).await?;
        let data = found.ok_or_else(|| Error::SecretMissing(secret.clone()))?.data.unwrap_or_default();
        Credentials::from_secret(|key| data.get(key).map(|value| value.0.as_slice()))
            .map_err(|source| Error::SecretInvalid { secret: secret.clone(), source })
    }

    /// Every DatadogOrg that may be read and understood.
    pub(super) async fn orgs(&self) -> Result<Found<DatadogOrg>, Error> {
        let (listed, notes) = self.everywhere::<DatadogOrg>().await?;
        Ok(Found { found: listed.into_iter().filter_map(|org| org.0.ok()).collect(), notes })
    }

    /// What every OrgConnection that may be read declares.
    pub(super) async fn connections(&self) -> Result<Found<Declaration>, Error> {
        let (listed, mut notes) = self.everywhere::<OrgConnection>().await?;
        let found = listed.into_iter().map(|object| {
            object.0.map(|object| Declaration::of(&object)).unwrap_or_else(|undecodable| {
                let namespace = undecodable.metadata.namespace.unwrap_or_default();
                let key = Key { namespace, name: undecodable.metadata.name.unwrap_or_default() };
                notes.push(format!("the OrgConnection {key} cannot be understood, so what it declares may be exported too"));
                Declaration::unreadable(key)
            })
        });
        Ok(Found { found: found.collect(), notes })
    }

    /// The objects of all namespaces, or of this one if no others may be read.
    async fn everywhere<K: Listed>(&self) -> Result<(Guarded<K>, Vec<String>), Error> {
        let what = plural::<K>();
        match list(&Api::<DeserializeGuard<K>>::all(self.client.clone()), &format!("the {what} of all namespaces")).await {
            Err(Error::Kubernetes { source: kube::Error::Api(status), .. }) if status.is_forbidden() => {
                let note =
                    format!("you may not list the {what} of all namespaces: only those of `{}` are taken into account", self.namespace);
                Ok((self.here::<K>().await?, vec![note]))
            }
            listed => Ok((listed?, Vec::new())),
        }
    }

    async fn here<K: Listed>(&self) -> Result<Guarded<K>, Error> {
        let api = Api::<DeserializeGuard<K>>::namespaced(self.client.clone(), &self.namespace);
        list(&api, &format!("the {} of the namespace `{}`", plural::<K>(), self.namespace)).await
    }
}

/// A kind of ours.
trait Listed: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned {}

impl<K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned> Listed for K {}

fn plural<K: Listed>() -> String {
    format!("{}s", K::kind(&()))
}

async fn list<K: Listed>(api: &Api<DeserializeGuard<K>>, what: &str) -> Result<Guarded<K>, Error> {
    match within(what, api.list(&ListParams::default())).await {
        Ok(listed) => Ok(listed.items),
        Err(Error::Kubernetes { source: kube::Error::Api(status), .. }) if status.is_not_found() => Err(Error::NoCrd(plural::<K>())),
        Err(error) => Err(error),
    }
}

async fn within<T>(what: &str, call: impl Future<Output = Result<T, kube::Error>>) -> Result<T, Error> {
    let answered = tokio::time::timeout(DEADLINE, call).await.map_err(|_| Error::NoAnswer(what.to_owned()))?;
    answered.map_err(|source| Error::Kubernetes { what: what.to_owned(), source })
}
