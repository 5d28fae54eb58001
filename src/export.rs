//! `crossorg export`: the connections of an organization that no OrgConnection declares yet, as manifests ready for Git. Talks to
//! Kubernetes and Datadog and changes nothing in either; what is exported is decided in [`choice`].

pub mod choice;
mod cluster;
mod manifest;
mod names;

use http::Uri;
use http::uri::InvalidUri;

use crate::api::DatadogOrg;
use crate::config::ExportOptions;
use crate::datadog::{self, Client, Credentials, Incomplete, InvalidSecret, Transport, transport};
use crate::decide::model::{Connection, OrgId, Organization};
use crate::world::Key;
use choice::{KnownOrg, Scene};
use cluster::Cluster;

/// What an export brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// A YAML stream of OrgConnections; empty if all are declared.
    pub manifests: String,
    /// What its reader should know, a sentence each.
    pub notes: Vec<String>,
}

/// Why there is no export.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The API server refuses, or cannot be reached.
    #[error("{what} cannot be read: check that KUBECONFIG leads to the right cluster, and your rights there")]
    Kubernetes {
        /// What was to be read.
        what: String,
        /// What Kubernetes says.
        source: kube::Error,
    },
    /// No answer in time.
    #[error("{0} cannot be read: the Kubernetes API does not answer. Check that KUBECONFIG leads to the right cluster")]
    NoAnswer(String),
    /// The kinds are not there.
    #[error("this cluster does not know {0}: apply the CRDs with `crossorg crds | kubectl apply --server-side -f -`")]
    NoCrd(String),
    /// No such object.
    #[error("there is no DatadogOrg {org} (the namespace has {there}): create it with its Secret, or correct --namespace and --org")]
    OrgMissing {
        /// The one that was named.
        org: Key,
        /// Those that are there, in words.
        there: String,
    },
    /// The object cannot be understood.
    #[error("the DatadogOrg {org} cannot be understood: {why}. Correct it")]
    OrgUndecodable {
        /// Its key.
        org: Key,
        /// What is wrong.
        why: String,
    },
    /// Nothing may be asked with its key.
    #[error("the DatadogOrg {0} is suspended, so that nothing is asked with its key: set spec.suspend to false first")]
    Suspended(Key),
    /// No such Secret.
    #[error("the Secret {0} does not exist: create it with the keys api-key and app-key, or bearer-token")]
    SecretMissing(Key),
    /// The Secret holds no key.
    #[error("the Secret {secret} cannot be used")]
    SecretInvalid {
        /// Its key.
        secret: Key,
        /// What is wrong with it.
        source: InvalidSecret,
    },
    /// Should not be: all sites are known.
    #[error("the site of the DatadogOrg {org} is no address")]
    Site {
        /// Its key.
        org: Key,
        /// What is wrong.
        source: InvalidUri,
    },
    /// The organization did not answer as needed.
    #[error("the organization cannot be looked at with the key in the Secret {secret}")]
    Datadog {
        /// The Secret.
        secret: Key,
        /// What Datadog says.
        source: Box<datadog::Error>,
    },
    /// The key is another organization's.
    #[error("the key in the Secret {secret} belongs to {found}, but its DatadogOrg is organization {expected}: correct the Secret")]
    WrongOrganization {
        /// The Secret.
        secret: Key,
        /// The pin, or what was proven before.
        expected: String,
        /// Whose the key is, in words.
        found: String,
    },
    /// An export from it could lack something.
    #[error("the list of the connections of {organization} is not complete, and neither would the export be. Try again")]
    Incomplete {
        /// The organization, in words.
        organization: String,
        /// Why.
        source: Incomplete,
    },
    /// Should not be: a test sees to it.
    #[error("the manifests cannot be written as YAML")]
    Yaml(#[from] serde_yaml::ser::Error),
}

/// Looks, and writes down what no object declares.
///
/// # Errors
/// [`Error`] says what to do. There is no partial export.
pub async fn run(kubernetes: kube::Client, to_datadog: Transport, options: &ExportOptions) -> Result<Exported, Error> {
    let cluster = Cluster::new(kubernetes, &options.namespace);
    let key = Key { namespace: options.namespace.clone(), name: options.org.clone() };
    let org = cluster.org(&key).await?;
    let asking = Asking { org: &org, secret: key.beside(&org.spec.credentials_secret_ref.name), key };
    let credentials = cluster.credentials(&asking.secret).await?;
    let client = asking.client(to_datadog, options.datadog.datadog_url.as_ref(), credentials)?;
    let organization = asking.prove(&client).await?;
    let connections = asking.list(&client, &organization).await?;
    let (others, objects) = (cluster.orgs().await?, cluster.connections().await?);
    let mut known: Vec<_> = others.found.iter().map(KnownOrg::of).filter(|other| other.key != asking.key).collect();
    known.push(KnownOrg { organization: Some(organization.id), ..KnownOrg::of(&org) });
    let scene = Scene { org: asking.key, organization, orgs: known, objects: objects.found, connections };
    let exported = choice::export(&scene)?;
    Ok(Exported { notes: [others.notes, objects.notes, exported.notes].concat(), ..exported })
}

/// A DatadogOrg that is about to be asked.
struct Asking<'a> {
    key: Key,
    secret: Key,
    org: &'a DatadogOrg,
}

impl Asking<'_> {
    /// A client that cannot change anything, whatever is asked of it.
    fn client(&self, to_datadog: Transport, instead_of_sites: Option<&Uri>, credentials: Credentials) -> Result<Client, Error> {
        if self.org.spec.suspend {
            return Err(Error::Suspended(self.key.clone()));
        }
        let site = || format!("https://api.{}", self.org.spec.site.domain()).parse();
        let base = instead_of_sites.map_or_else(site, |url| Ok(url.clone()));
        let base = base.map_err(|source| Error::Site { org: self.key.clone(), source })?;
        Ok(Client::new(transport::observe_only(to_datadog), &base, credentials))
    }

    /// Whose the key is, if it is who it has to be.
    async fn prove(&self, client: &Client) -> Result<Organization, Error> {
        let found = client.identity().await.map_err(|source| self.failed(source))?.organization;
        let proven = self.org.status.as_ref().and_then(|status| status.organization.as_ref()).map(|organization| &organization.id);
        let pinned = self.org.spec.organization_id.as_ref().map(|id| &id.0);
        match [pinned, proven].into_iter().flatten().find(|id| id.parse::<OrgId>() != Ok(found.id)) {
            None => Ok(found),
            Some(expected) => {
                let found = found.to_string();
                Err(Error::WrongOrganization { secret: self.secret.clone(), expected: expected.clone(), found })
            }
        }
    }

    async fn list(&self, client: &Client, organization: &Organization) -> Result<Vec<Connection>, Error> {
        let listing = client.list(organization.id).await.map_err(|source| self.failed(source))?;
        let doubtful = |source| Error::Incomplete { organization: organization.to_string(), source };
        listing.complete.map(|()| listing.connections).map_err(doubtful)
    }

    fn failed(&self, source: datadog::Error) -> Error {
        Error::Datadog { secret: self.secret.clone(), source: Box::new(source) }
    }
}
