//! Everything that the steps look at and act on.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::ffi::OsStr;
use std::time::Duration;

use crossorg::api::{DatadogOrg, OrgConnection};
use datadog_double::Connection;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use kube::{Api, ResourceExt};

use super::cluster::Cluster;
use super::datadog::Datadog;
use crate::commands::screen::Screen;
use crate::commands::truth::{Broken, agreed, eventually, same};

/// The namespace of the examples.
pub(super) const NAMESPACE: &str = "observability";
/// The namespace of the operator.
pub(super) const HOME: &str = "crossorg-system";
/// The examples' `pollInterval` is 10 s, an abandoned lease takes 15 s; the rest is for a machine that does other things beside.
pub(super) const SOON: Duration = Duration::from_secs(90);

/// The cluster, the double in it, and the screen.
pub(super) struct Stage {
    pub(super) screen: Screen,
    pub(super) cluster: Cluster,
    pub(super) datadog: Datadog,
    pub(super) connections: Api<OrgConnection>,
    organizations: Api<DatadogOrg>,
    pods: Api<Pod>,
    leases: Api<Lease>,
}

/// What must outlive an upgrade: every object as it was declared and what it owns, every connection, and no write in between.
#[derive(Debug)]
pub(super) struct Kept {
    objects: BTreeSet<String>,
    connections: Vec<Connection>,
    last_request: u64,
}

/// Who holds the lease.
#[derive(Debug)]
pub(super) struct Leader {
    /// The pod.
    pub(super) pod: String,
    /// The process: a container that is started again is another.
    identity: String,
}

impl Stage {
    /// Finds the tools and the cluster.
    pub(super) async fn set(screen: Screen, kubeconfig: &OsStr) -> Result<Stage, Box<dyn Error>> {
        let cluster = Cluster::reach(kubeconfig).await?;
        let client = cluster.client.clone();
        Ok(Stage {
            screen,
            cluster,
            datadog: Datadog::of(client.clone()),
            connections: Api::namespaced(client.clone(), NAMESPACE),
            organizations: Api::namespaced(client.clone(), NAMESPACE),
            pods: Api::namespaced(client.clone(), HOME),
            leases: Api::namespaced(client, HOME),
        })
    }

    /// Shows a command, runs it and shows what it said.
    pub(super) async fn run(&self, line: &str) -> Result<String, Box<dyn Error>> {
        self.cluster.run(&self.screen, line).await
    }

    /// Says what happens that is no command.
    pub(super) fn said(&self, text: &str) -> std::io::Result<()> {
        self.screen.said(text)
    }

    /// Waits until every OrgConnection is Ready and says what Datadog has; answers how many there are.
    pub(super) async fn all_agree(&self) -> Result<usize, Broken> {
        eventually("every OrgConnection is Ready and says what Datadog has", SOON, async || {
            let objects = self.connections.list(&ListParams::default()).await.map_err(|error| error.to_string())?;
            let at_datadog = self.datadog.connections().await.map_err(|error| error.to_string())?;
            objects.items.iter().try_for_each(|object| agreed(object, &at_datadog).map(drop))?;
            if objects.items.is_empty() { Err("there is none".to_owned()) } else { Ok(objects.items.len()) }
        })
        .await
    }

    /// The connection that this object owns.
    pub(super) async fn connection_of(&self, name: &str) -> Result<Connection, Box<dyn Error>> {
        let object = self.connections.get(name).await?;
        Ok(agreed(&object, &self.datadog.connections().await?)?)
    }

    /// Has the operator that leads now look at Datadog with every key, and waits until it has.
    pub(super) async fn looked_afresh(&self) -> Result<(), Box<dyn Error>> {
        let word = format!("e2e-{}", self.datadog.last().await?);
        self.cluster
            .ask(&format!("kubectl annotate --overwrite -n {NAMESPACE} ddorg --all crossorg.dev/reconcile-requested-at={word}"))
            .await?;
        eventually("every DatadogOrg has been looked at afresh", SOON, async || {
            let all = self.organizations.list(&ListParams::default()).await.map_err(|error| error.to_string())?;
            let handled = |org: &DatadogOrg| org.status.as_ref().and_then(|status| status.last_handled_reconcile_at.clone());
            let waiting = all.items.iter().find(|org| handled(org).as_ref() != Some(&word));
            waiting.map_or(Ok(()), |org| Err(format!("{} says {:?}", org.name_any(), handled(org))))
        })
        .await?;
        Ok(())
    }

    /// What there is now.
    pub(super) async fn keep(&self) -> Result<Kept, Box<dyn Error>> {
        Ok(Kept {
            objects: self.objects().await?,
            connections: self.datadog.connections().await?,
            last_request: self.datadog.last().await?,
        })
    }

    /// Checks that everything is still there, that the operator says so after a look of its own, and that nothing was written meanwhile.
    pub(super) async fn is_kept(&self, kept: &Kept) -> Result<(), Box<dyn Error>> {
        self.looked_afresh().await?;
        self.all_agree().await?;
        self.is_untouched(kept).await
    }

    /// Checks the same where no operator is there to look.
    pub(super) async fn is_untouched(&self, kept: &Kept) -> Result<(), Box<dyn Error>> {
        same("objects", &kept.objects, &self.objects().await?)?;
        same("connections at Datadog", &kept.connections, &self.datadog.connections().await?)?;
        same("writes at Datadog", &BTreeMap::new(), &self.datadog.writes_since(kept.last_request).await?)?;
        self.datadog.has_no_complaint().await
    }

    /// Each object: its uid, its generation, and for an OrgConnection the connection in its status.
    async fn objects(&self) -> Result<BTreeSet<String>, kube::Error> {
        let connections = self.connections.list(&ListParams::default()).await?.items;
        let organizations = self.organizations.list(&ListParams::default()).await?.items;
        let connection = |object: &OrgConnection| {
            let id = object.status.as_ref().and_then(|status| status.connection_id.clone());
            format!("{} {:?} {:?} {id:?}", object.name_any(), object.metadata.uid, object.metadata.generation)
        };
        let organization = |org: &DatadogOrg| format!("{} {:?} {:?}", org.name_any(), org.metadata.uid, org.metadata.generation);
        Ok(connections.iter().map(connection).chain(organizations.iter().map(organization)).collect())
    }

    /// The process that leads; as an error, what the lease says instead.
    pub(super) async fn leader(&self) -> Result<Leader, String> {
        let lease = self.leases.get("crossorg").await.map_err(|error| error.to_string())?;
        let identity = lease.spec.and_then(|spec| spec.holder_identity).unwrap_or_default();
        // It is the pod's name and what no other process has.
        let pod = identity.split('_').next().filter(|pod| !pod.is_empty()).ok_or("nobody holds the lease")?.to_owned();
        Ok(Leader { pod, identity })
    }

    /// Waits until a process leads that is not this one.
    pub(super) async fn leader_other_than(&self, old: &Leader) -> Result<(), Broken> {
        eventually(&format!("a process other than {} leads", old.identity), SOON, async || {
            let leader = self.leader().await?;
            if leader.identity == old.identity { Err(format!("{} holds the lease", old.identity)) } else { Ok(()) }
        })
        .await
    }

    /// Waits until the operator has so many pods.
    pub(super) async fn has_pods(&self, count: usize) -> Result<(), Broken> {
        eventually(&format!("the operator has {count} pod(s)"), SOON, async || {
            let pods = self.pods().await.map_err(|error| error.to_string())?.len();
            if pods == count { Ok(()) } else { Err(format!("{pods}")) }
        })
        .await
    }

    /// The operator's pods, but for those of `helm test`.
    pub(super) async fn pods(&self) -> Result<Vec<Pod>, kube::Error> {
        Ok(self.pods.list(&ListParams::default().labels("app.kubernetes.io/name=crossorg")).await?.items)
    }
}
