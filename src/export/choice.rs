//! Which connections are exported: those whose source is the organization and whose pair no live OrgConnection leads to. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::manifest::{Manifest, Sink};
use super::names::Names;
use super::{Error, Exported};
use crate::api::datadog_org::Site;
use crate::api::fields::OrganizationStatus;
use crate::api::org_connection::{OrgConnectionSpec, OrgConnectionStatus, SinkOrg};
use crate::api::{DatadogOrg, OrgConnection};
use crate::decide::model::{Connection, ConnectionTypes, OrgId, Organization, Pair};
use crate::world::Key;

/// How many types an OrgConnection takes, and how long each may be: the schema's limits.
const MOST_TYPES: usize = 16;
const LONGEST_TYPE: usize = 64;

/// Everything that an export depends on.
#[derive(Debug, Clone)]
pub struct Scene {
    /// The DatadogOrg.
    pub org: Key,
    /// Whose key it has.
    pub organization: Organization,
    /// Every DatadogOrg that could be read, this one among them.
    pub orgs: Vec<KnownOrg>,
    /// Every OrgConnection that could be read.
    pub objects: Vec<Declaration>,
    /// The organization's complete list.
    pub connections: Vec<Connection>,
}

/// A DatadogOrg as references see it.
#[derive(Debug, Clone)]
pub struct KnownOrg {
    /// Namespace and name.
    pub key: Key,
    /// Its site.
    pub site: Site,
    /// Whether it is being deleted.
    pub terminating: bool,
    /// The organization that its key has proven.
    pub organization: Option<OrgId>,
}

impl KnownOrg {
    /// Reads an object.
    pub fn of(object: &DatadogOrg) -> Self {
        Self {
            key: Key::of(object),
            site: object.spec.site,
            terminating: object.metadata.deletion_timestamp.is_some(),
            organization: object.status.as_ref().and_then(|status| id_of(status.organization.as_ref())),
        }
    }
}

/// An OrgConnection, as far as it says of which pair it speaks.
#[derive(Debug, Clone)]
pub struct Declaration {
    /// Namespace and name.
    pub key: Key,
    /// Whether it is being deleted: then it declares nothing any more, but its name is taken.
    pub terminating: bool,
    /// What is wanted; `None` if it cannot be understood.
    pub spec: Option<OrgConnectionSpec>,
    /// The pair in its status.
    pub shown: Option<Pair>,
    /// Whether the status records a connection, which is then of that pair.
    pub owns: bool,
}

impl Declaration {
    /// Reads an object.
    pub fn of(object: &OrgConnection) -> Self {
        let status = object.status.as_ref();
        let pair = |status: &OrgConnectionStatus| Some(Pair { source: id_of(status.source.as_ref())?, sink: id_of(status.sink.as_ref())? });
        Self {
            key: Key::of(object),
            terminating: object.metadata.deletion_timestamp.is_some(),
            spec: Some(object.spec.clone()),
            shown: status.and_then(pair),
            owns: status.is_some_and(|status| status.connection_id.is_some()),
        }
    }

    /// An object of which no more than its name can be read.
    pub fn unreadable(key: Key) -> Self {
        Self { key, terminating: false, spec: None, shown: None, owns: false }
    }
}

fn id_of(organization: Option<&OrganizationStatus>) -> Option<OrgId> {
    organization.and_then(|organization| organization.id.parse().ok())
}

/// The manifests, and what their reader should know.
///
/// # Errors
/// They cannot be written as YAML; a test sees to it that they can.
pub fn export(scene: &Scene) -> Result<Exported, Error> {
    let undeclared = scene.undeclared();
    let (outgoing, incoming): (Vec<_>, Vec<_>) = undeclared.into_iter().partition(|row| row.source.id == scene.organization.id);
    let (fit, odd): (Vec<_>, Vec<_>) = outgoing.into_iter().partition(|row| is_fit(&row.types));
    let mut notes: Vec<String> = odd.into_iter().map(left_out).collect();
    notes.extend(scene.not_ours(&incoming));
    let mut manifests = scene.manifests(&fit);
    manifests.sort_by(|one, other| one.name.cmp(&other.name));
    let documents: Result<String, _> = manifests.iter().map(Manifest::document).collect();
    Ok(Exported { manifests: documents?, notes })
}

impl Scene {
    /// The connections of which no live object speaks, sorted by pair.
    fn undeclared(&self) -> Vec<&Connection> {
        let live = || self.objects.iter().filter(|object| !object.terminating);
        let declared: BTreeSet<Pair> = live().filter_map(|object| self.declared(object)).collect();
        let mut rows: Vec<_> = self.connections.iter().filter(|row| !declared.contains(&row.pair())).collect();
        rows.sort_by_key(|row| row.pair());
        rows
    }

    /// The pair that an object's references lead to. What it claims is of no weight: whoever may write an object can forge an annotation.
    fn declared(&self, object: &Declaration) -> Option<Pair> {
        let spec = object.spec.as_ref()?;
        let source = self.leads_to(&object.key, &spec.source_org_ref.name)?;
        Some(Pair { source, sink: self.sink_of(spec, object, source)? })
    }

    /// The sink of a spec, as far as it can be told without asking anybody. A recorded connection binds one that is named, and one whose
    /// DatadogOrg has gone, as it does for the operator.
    fn sink_of(&self, spec: &OrgConnectionSpec, object: &Declaration, source: OrgId) -> Option<OrgId> {
        let bound = object.shown.filter(|_| object.owns).map(|pair| pair.sink);
        match &spec.sink_org {
            SinkOrg { id: Some(id), .. } => id.0.parse().ok(),
            SinkOrg { r#ref: Some(sink), .. } => self.leads_to(&object.key, &sink.name).or(bound),
            SinkOrg { name: Some(name), .. } => bound.or_else(|| self.found(object, source)).or_else(|| self.called(name, source)),
            SinkOrg { id: None, name: None, r#ref: None } => None,
        }
    }

    /// The sink that the operator has found under the name.
    fn found(&self, object: &Declaration, source: OrgId) -> Option<OrgId> {
        object.shown.filter(|pair| pair.source == source).map(|pair| pair.sink)
    }

    /// The only sink with this name, for an object that nobody has looked at yet.
    fn called(&self, name: &str, source: OrgId) -> Option<OrgId> {
        let mut sinks = self.connections.iter().filter(|row| row.source.id == source && row.sink.name == name);
        sinks.next().filter(|_| sinks.next().is_none()).map(|row| row.sink.id)
    }

    /// The organization that a reference has proven. A pin alone would let anybody hide a connection.
    fn leads_to(&self, object: &Key, name: &str) -> Option<OrgId> {
        let key = object.beside(name);
        self.orgs.iter().find(|org| org.key == key).and_then(|org| org.organization)
    }

    fn manifests(&self, rows: &[&Connection]) -> Vec<Manifest> {
        let here = self.objects.iter().filter(|object| object.key.namespace == self.org.namespace);
        let mut names = Names::taken(here.map(|object| object.key.name.clone()));
        let refs = self.refs();
        let manifest = |row: &&Connection| {
            let reference = refs.get(&row.sink.id).copied();
            let sink_name = reference.unwrap_or(&row.sink.name);
            Manifest {
                name: names.choose(&self.org.name, sink_name, &row.sink.id.to_string()),
                namespace: self.org.namespace.clone(),
                source: self.org.name.clone(),
                sink: reference.map_or_else(|| Sink::Id(row.sink.clone()), |name| Sink::Ref(name.to_owned())),
                types: row.types.clone(),
            }
        };
        rows.iter().map(manifest).collect()
    }

    /// The DatadogOrgs that a sink can be referred to by: beside ours, on its site, there to stay; of several the first by name.
    fn refs(&self) -> BTreeMap<OrgId, &str> {
        let site = self.orgs.iter().find(|org| org.key == self.org).map(|org| org.site);
        let is_usable = |org: &&KnownOrg| org.key.namespace == self.org.namespace && Some(org.site) == site && !org.terminating;
        let mut usable: Vec<_> = self.orgs.iter().filter(is_usable).collect();
        usable.sort_by(|one, other| other.key.cmp(&one.key));
        usable.into_iter().filter_map(|org| Some((org.organization?, org.key.name.as_str()))).collect()
    }

    /// What is said of the connections in which the organization is only the sink.
    fn not_ours(&self, rows: &[&Connection]) -> Option<String> {
        let sources: BTreeMap<OrgId, String> = rows.iter().map(|row| (row.source.id, row.source.to_string())).collect();
        let count = if rows.len() == 1 { "1 connection".to_owned() } else { format!("{} connections", rows.len()) };
        let (own, from) = (&self.organization, sources.into_values().collect::<Vec<_>>().join(", "));
        let note =
            || format!("{own} is only the sink of {count} that no OrgConnection declares; export with a DatadogOrg of the source: {from}");
        (!rows.is_empty()).then(note)
    }
}

/// Whether an OrgConnection can name exactly these types.
fn is_fit(types: &ConnectionTypes) -> bool {
    let count = types.iter().count();
    (1..=MOST_TYPES).contains(&count) && types.iter().all(is_fit_type)
}

/// The schema's pattern, `^[a-z][a-z0-9_]*$`.
fn is_fit_type(name: &str) -> bool {
    name.len() <= LONGEST_TYPE
        && name.starts_with(|letter: char| letter.is_ascii_lowercase())
        && name.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_')
}

fn left_out(row: &Connection) -> String {
    let types = if row.types.is_empty() { "none".to_owned() } else { row.types.to_string() };
    format!("the connection {} to {} is left out: no OrgConnection can name its types ({types})", row.id, row.sink)
}

#[cfg(test)]
mod tests;
