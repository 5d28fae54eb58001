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

/// What is known of the names of the account's organizations, as far as the source's key sees them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Names {
    /// Nobody has asked yet.
    #[default]
    NotAsked,
    /// These.
    Known(Vec<Organization>),
    /// They cannot be had; the text says why.
    Unavailable {
        /// What happened, and what to do.
        why: String,
        /// Whether a permission is missing.
        refused: bool,
    },
}

impl Names {
    /// The one organization that has this name.
    pub fn lead_to(&self, name: &str) -> Result<OrgId, Invalid> {
        let known = match self {
            Self::NotAsked => return Err(Invalid::NameNotLookedUp(name.to_owned())),
            Self::Unavailable { why, refused } => {
                return Err(Invalid::NamesUnavailable { name: name.to_owned(), why: why.clone(), refused: *refused });
            }
            Self::Known(known) => known,
        };
        let called = known.iter().filter(|organization| organization.name == name).map(|organization| organization.id);
        let what = match called.collect::<Vec<_>>().as_slice() {
            [id] => return Ok(*id),
            [] => nobody_is_called(known),
            several => {
                let ids: Vec<String> = several.iter().take(NAMES_SHOWN).map(ToString::to_string).collect();
                format!("is the name of {} organizations ({}): name the sink by its id", several.len(), ids.join(", "))
            }
        };
        Err(Invalid::SinkUnknown { name: name.to_owned(), what })
    }
}

/// As many names as fit into a message.
const NAMES_SHOWN: usize = 10;

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
    /// Nobody has asked for the names yet.
    #[error("the sink is named `{0}`: its id is being looked up")]
    NameNotLookedUp(String),
    /// The names cannot be had.
    #[error("the sink is named `{name}`, and its id cannot be looked up: {why}; or name the sink by its id")]
    NamesUnavailable {
        /// The name in the spec.
        name: String,
        /// What happened, and what to do.
        why: String,
        /// Whether a permission is missing.
        refused: bool,
    },
    /// No organization has the name, or several have.
    #[error("sinkOrg.name `{name}` {what}")]
    SinkUnknown {
        /// The name in the spec.
        name: String,
        /// Which names there are.
        what: String,
    },
    /// Something that the API server's rules should have refused.
    #[error("{0}: correct the manifest")]
    Malformed(String),
}

impl Desired {
    /// What the spec wants, given the DatadogOrg objects that it names, and the names of organizations for a sink named by one. `sink` is
    /// only looked at if the spec names a DatadogOrg. Once a pair is `bound` by a recorded connection, a sink by name is the bound one, and
    /// so is a DatadogOrg that has gone or is not proven: only another organization behind it would matter.
    pub fn parse(
        spec: &OrgConnectionSpec,
        source: &Referenced,
        sink: &Referenced,
        names: &Names,
        bound: Option<Pair>,
    ) -> Result<Self, Invalid> {
        let (source, site) = proven("sourceOrgRef", &spec.source_org_ref.name, source)?;
        let sink = match (&spec.sink_org, bound) {
            (SinkOrg { id: Some(id), name: None, r#ref: None }, _) => {
                id.0.parse().map_err(|error| Invalid::Malformed(format!("sinkOrg.id: {error}")))?
            }
            (SinkOrg { id: None, name: Some(_), r#ref: None }, Some(bound)) => bound.sink,
            (SinkOrg { id: None, name: Some(name), r#ref: None }, None) => names.lead_to(name)?,
            (SinkOrg { id: None, name: None, r#ref: Some(name) }, bound) => match (sink, bound) {
                (Referenced::Missing | Referenced::Unproven(_), Some(bound)) => bound.sink,
                _ => on_site(site, proven("sinkOrg.ref", &name.name, sink)?, &name.name)?,
            },
            (SinkOrg { .. }, _) => return Err(Invalid::Malformed("sinkOrg needs exactly one of id, name and ref".to_owned())),
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

fn nobody_is_called(known: &[Organization]) -> String {
    let mut names: Vec<&str> = known.iter().map(|organization| organization.name.as_str()).collect();
    names.sort_unstable();
    let more = if names.len() > NAMES_SHOWN { ", …" } else { "" };
    names.truncate(NAMES_SHOWN);
    let names = names.join(", ");
    format!("is the name of no organization that the source's key can see (it sees: {names}{more}): correct it, or name the sink by its id")
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
