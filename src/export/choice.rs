//! Which connections are exported: those whose source is the organization and whose pair no live OrgConnection declares. Pure.

use std::collections::{BTreeMap, BTreeSet};

use kube::ResourceExt;

use super::manifest::{Manifest, Sink};
use super::names::Names;
use super::{Error, Exported};
use crate::api::datadog_org::Site;
use crate::api::fields::OrganizationStatus;
use crate::api::org_connection::{OrgConnectionSpec, OrgConnectionStatus, SinkOrg};
use crate::api::{CLAIM_ANNOTATION, DatadogOrg, OrgConnection};
use crate::decide::claims::Claim;
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
    /// The organization that it can only be.
    pub pinned: Option<OrgId>,
}

impl KnownOrg {
    /// Reads an object.
    pub fn of(object: &DatadogOrg) -> Self {
        Self {
            key: Key::of(object),
            site: object.spec.site,
            terminating: object.metadata.deletion_timestamp.is_some(),
            organization: object.status.as_ref().and_then(|status| id_of(status.organization.as_ref())),
            pinned: object.spec.organization_id.as_ref().and_then(|id| id.0.parse().ok()),
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
    /// The pair that it claims.
    pub claimed: Option<Pair>,
    /// The pair in its status.
    pub shown: Option<Pair>,
    /// Whether the status records a connection, which is then of that pair.
    pub owns: bool,
}

impl Declaration {
    /// Reads an object.
    pub fn of(object: &OrgConnection) -> Self {
        let (uid, status) = (object.uid().unwrap_or_default(), object.status.as_ref());
        let pair = |status: &OrgConnectionStatus| Some(Pair { source: id_of(status.source.as_ref())?, sink: id_of(status.sink.as_ref())? });
        Self {
            key: Key::of(object),
            terminating: object.metadata.deletion_timestamp.is_some(),
            spec: Some(object.spec.clone()),
            claimed: object.annotations().get(CLAIM_ANNOTATION).and_then(|text| Claim::parse(text, &uid)).map(|claim| claim.pair),
            shown: status.and_then(pair),
            owns: status.is_some_and(|status| status.connection_id.is_some()),
        }
    }

    /// An object of which no more than its name can be read.
    pub fn unreadable(key: Key) -> Self {
        Self { key, terminating: false, spec: None, claimed: None, shown: None, owns: false }
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
        let declared: BTreeSet<Pair> = live().flat_map(|object| self.declared(object)).collect();
        let mut rows: Vec<_> = self.connections.iter().filter(|row| !declared.contains(&row.pair())).collect();
        rows.sort_by_key(|row| row.pair());
        rows
    }

    /// The pairs that an object speaks of: one, unless what its references lead to has changed.
    fn declared(&self, object: &Declaration) -> Vec<Pair> {
        let source = object.spec.as_ref().and_then(|spec| self.leads_to(&object.key, &spec.source_org_ref.name));
        // Else a forged annotation in any namespace could hide a connection.
        let claimed = object.claimed.filter(|claimed| source.is_none_or(|source| claimed.source == source));
        let wanted = || Some(Pair { source: source?, sink: self.sink_of(object.spec.as_ref()?, &object.key)? });
        let owned = object.shown.filter(|_| object.owns);
        let mut pairs: Vec<Pair> = [claimed, owned, wanted()].into_iter().flatten().collect();
        if pairs.is_empty() {
            pairs.extend(object.shown.or_else(|| self.by_name(object, source?)));
        }
        pairs
    }

    /// The sink of a spec, if it can be told without asking anybody.
    fn sink_of(&self, spec: &OrgConnectionSpec, object: &Key) -> Option<OrgId> {
        match &spec.sink_org {
            SinkOrg { id: Some(id), .. } => id.0.parse().ok(),
            SinkOrg { r#ref: Some(sink), .. } => self.leads_to(object, &sink.name),
            SinkOrg { id: None, r#ref: None, .. } => None,
        }
    }

    /// The pair of an object that names its sink and that nobody has looked at yet: that of the only sink with this name.
    fn by_name(&self, object: &Declaration, source: OrgId) -> Option<Pair> {
        let name = object.spec.as_ref()?.sink_org.name.as_ref()?;
        let mut sinks = self.connections.iter().filter(|row| row.source.id == source && row.sink.name == *name);
        sinks.next().filter(|_| sinks.next().is_none()).map(Connection::pair)
    }

    /// The organization of a reference. One that is only pinned is as good here: it will be that one or none.
    fn leads_to(&self, object: &Key, name: &str) -> Option<OrgId> {
        let key = object.beside(name);
        self.orgs.iter().find(|org| org.key == key).and_then(|org| org.organization.or(org.pinned))
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
        let sources: BTreeMap<OrgId, String> = rows.iter().map(|row| (row.source.id, in_words(&row.source))).collect();
        let count = if rows.len() == 1 { "1 connection".to_owned() } else { format!("{} connections", rows.len()) };
        let (own, from) = (in_words(&self.organization), sources.into_values().collect::<Vec<_>>().join(", "));
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
    format!("the connection {} to {} is left out: no OrgConnection can name its types ({types})", row.id, in_words(&row.sink))
}

/// An organization for a sentence.
pub(super) fn in_words(organization: &Organization) -> String {
    let Organization { id, name } = organization;
    if name.is_empty() { id.to_string() } else { format!("{name} ({id})") }
}

#[cfg(test)]
mod tests;
