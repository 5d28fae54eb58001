//! From a spec and the organizations known to what is wanted: after this nothing can be malformed. Pure.

use super::model::{ConnectionTypes, OrgId, Organization, Pair};
use crate::api::datadog_org::Site;
use crate::api::org_connection::{OrgConnectionSpec, SinkOrg};

/// What an OrgConnection wants.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Desired {
    /// Between which organizations.
    pub pair: Pair,
    /// Which telemetry.
    pub types: ConnectionTypes,
}

/// A DatadogOrg as a reference sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Referenced {
    /// There is no such DatadogOrg in the namespace.
    Missing,
    /// Its credentials have not proven an organization yet; the text says how it stands.
    Unproven(String),
    /// It is this organization, on this site.
    Proven(Organization, Site),
}

impl Referenced {
    /// The organization with this id, with its name if it is the referenced one.
    pub fn organization(&self, id: OrgId) -> Organization {
        match self {
            Self::Proven(organization, _) if organization.id == id => organization.clone(),
            Self::Proven(..) | Self::Missing | Self::Unproven(_) => Organization { id, name: String::new() },
        }
    }
}

/// Why there is nothing that could be wanted.
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Invalid {
    /// The reference leads nowhere.
    #[error("{role} names the DatadogOrg `{name}`, which does not exist in this namespace: create it, or correct the name")]
    OrgMissing {
        /// `sourceOrgRef` or `sinkOrg.ref`.
        role: &'static str,
        /// The name in the reference.
        name: String,
    },
    /// The organization behind the reference is not known yet.
    #[error("the DatadogOrg `{name}` ({role}) has not proven its organization yet: {state}")]
    OrgUnproven {
        /// `sourceOrgRef` or `sinkOrg.ref`.
        role: &'static str,
        /// The name in the reference.
        name: String,
        /// How it stands.
        state: String,
    },
    /// Connections exist within one site only (docs/datadog-api.md, "Product rules").
    #[error(
        "the source is on site {source_site} and the sink `{sink}` on {sink_site}: Datadog connects organizations of one site only; name a sink on the same site"
    )]
    DifferentSite {
        /// The source's site.
        source_site: &'static str,
        /// Name of the sink's DatadogOrg.
        sink: String,
        /// The sink's site.
        sink_site: &'static str,
    },
    /// Both references lead to one organization.
    #[error("source and sink are the same organization {0}: an organization cannot share with itself; name another sink")]
    SameOrganization(OrgId),
    /// Something that the API server's rules should have refused.
    #[error("{0}: correct the manifest")]
    Malformed(String),
}

impl Desired {
    /// What the spec wants, given the DatadogOrg objects that it names. `sink` is only looked at if the spec names one. Once a pair is
    /// `bound` by a claim, a sink that has gone or is not proven is the bound one: only another organization behind it would matter.
    pub fn parse(spec: &OrgConnectionSpec, source: &Referenced, sink: &Referenced, bound: Option<Pair>) -> Result<Self, Invalid> {
        let (source, site) = proven("sourceOrgRef", &spec.source_org_ref.name, source)?;
        let sink = match &spec.sink_org {
            SinkOrg { id: Some(id), r#ref: None } => id.0.parse().map_err(|error| Invalid::Malformed(format!("sinkOrg.id: {error}")))?,
            SinkOrg { id: None, r#ref: Some(name) } => match (sink, bound) {
                (Referenced::Missing | Referenced::Unproven(_), Some(bound)) => bound.sink,
                _ => on_site(site, proven("sinkOrg.ref", &name.name, sink)?, &name.name)?,
            },
            SinkOrg { id: Some(_), r#ref: Some(_) } | SinkOrg { id: None, r#ref: None } => {
                return Err(Invalid::Malformed("sinkOrg needs exactly one of id and ref".to_owned()));
            }
        };
        if source.id == sink {
            return Err(Invalid::SameOrganization(sink));
        }
        let types: ConnectionTypes = spec.connection_types.iter().map(String::as_str).collect();
        if types.is_empty() {
            return Err(Invalid::Malformed("connectionTypes names no type".to_owned()));
        }
        Ok(Self { pair: Pair { source: source.id, sink }, types })
    }
}

fn proven<'a>(role: &'static str, name: &str, referenced: &'a Referenced) -> Result<(&'a Organization, Site), Invalid> {
    match referenced {
        Referenced::Missing => Err(Invalid::OrgMissing { role, name: name.to_owned() }),
        Referenced::Unproven(state) => Err(Invalid::OrgUnproven { role, name: name.to_owned(), state: state.clone() }),
        Referenced::Proven(organization, site) => Ok((organization, *site)),
    }
}

fn on_site(source_site: Site, (sink, sink_site): (&Organization, Site), name: &str) -> Result<OrgId, Invalid> {
    if source_site == sink_site {
        Ok(sink.id)
    } else {
        Err(Invalid::DifferentSite { source_site: source_site.domain(), sink: name.to_owned(), sink_site: sink_site.domain() })
    }
}

#[cfg(test)]
mod tests;
