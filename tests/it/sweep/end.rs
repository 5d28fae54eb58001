//! How a run ended: the objects, the truth at Datadog, what was done there. In a form in which two runs can be compared.

use std::collections::{BTreeMap, BTreeSet};

use crossorg::api::{DatadogOrg, OrgConnection};
use datadog_double::{Broken, Connection, Violation};
use jiff::Timestamp;
use kube::ResourceExt;
use kube::api::ListParams;
use serde_json::Value;

use crate::harness::{Conditioned, Kind, World};

/// Metadata that says nothing about what is desired or true.
const BOOKKEEPING: [&str; 2] = ["managedFields", "resourceVersion"];
/// A person's wish for a fresh look, and its echo.
const WISHES: [&str; 2] = ["crossorg.dev/reconcile-requested-at", "lastHandledReconcileAt"];

/// The state of a world at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct End {
    /// Every field of every object, by its path, and every connection.
    fields: BTreeMap<String, String>,
    /// Effective requests at Datadog by method.
    effects: BTreeMap<String, usize>,
    /// In short: every object with its reason, and every connection.
    pub(super) summary: Vec<String>,
    /// Whether anything was written since, although nothing is different.
    versions: Vec<String>,
    /// Rules that were broken at Datadog.
    pub(super) violations: Vec<Violation>,
}

impl End {
    /// How things stand now.
    pub(super) async fn of(world: &World) -> Self {
        let orgs = world.orgs().list(&ListParams::default()).await.unwrap().items;
        let connections = world.connections().list(&ListParams::default()).await.unwrap().items;
        let versions = connections.iter().filter_map(ResourceExt::resource_version).collect();
        let mut end = Self {
            fields: BTreeMap::new(),
            effects: effects(world),
            summary: Vec::new(),
            versions,
            violations: world.datadog.violations(),
        };
        let names = Names::of(world, &orgs, &connections);
        orgs.iter().for_each(|object| end.object(object, &names));
        connections.iter().for_each(|object| end.object(object, &names));
        names.truth.iter().for_each(|connection| end.connection(connection, &names));
        end
    }

    fn object<K: Conditioned>(&mut self, object: &K, names: &Names) {
        let mut value = serde_json::to_value(object).unwrap();
        BOOKKEEPING.iter().for_each(|field| drop(value["metadata"].as_object_mut().unwrap().remove(*field)));
        let name = object.name_any();
        flatten(&format!("{} {name}", K::kind(&())), &value, &mut |path, text| {
            self.fields.insert(path, names.canonical(text));
        });
        self.summary.push(format!("{name}: {}", object.verdict().map_or("not seen yet", |ready| &ready.reason)));
    }

    fn connection(&mut self, connection: &Connection, names: &Names) {
        let (pair, types) = (names.pair(connection), connection.connection_types.join(", "));
        self.summary.push(format!("{} shares {types} with {}", pair.0, pair.1));
        let path = format!("the connection from {} to {}", pair.0, pair.1);
        self.fields.insert(path, format!("{types}, created by {}", connection.created_by));
    }

    /// What is different in another run, or broken there; nothing if all is well.
    pub(super) fn differences(&self, other: &Self, masked: &BTreeSet<String>) -> Vec<String> {
        let paths: BTreeSet<&String> = self.fields.keys().chain(other.fields.keys()).filter(|path| !masked.contains(*path)).collect();
        let absent = "nothing".to_owned();
        let text = |end: &Self, path: &String| end.fields.get(path).unwrap_or(&absent).clone();
        let fields = paths.into_iter().map(|path| (path.clone(), text(self, path), text(other, path)));
        let effects = ("effective writes at Datadog".to_owned(), format!("{:?}", self.effects), format!("{:?}", other.effects));
        let different = fields.chain([effects]).filter(|(_, expected, found)| expected != found);
        let different = different.map(|(path, expected, found)| format!("{path} is {found} instead of {expected}"));
        different.chain(other.violations.iter().map(|violation| format!("{violation:?}"))).collect()
    }

    /// The paths of fields that are different.
    pub(super) fn volatile(&self, other: &Self) -> BTreeSet<String> {
        let paths = self.fields.keys().chain(other.fields.keys());
        paths.filter(|path| self.fields.get(*path) != other.fields.get(*path)).cloned().collect()
    }

    /// The same, but for what two operators may both do: give a connection the same types a second time, which changes nothing, and ask
    /// for one that the other has just created, which is refused.
    pub(super) fn of_twins(mut self) -> Self {
        self.effects.remove("PATCH");
        self.violations.retain(|violation| violation.broken != Broken::SecondCreate);
        self
    }
}

fn effects(world: &World) -> BTreeMap<String, usize> {
    let mut effects = BTreeMap::new();
    let journal = world.datadog.journal();
    journal.into_iter().filter(|entry| entry.took_effect).for_each(|entry| *effects.entry(entry.method).or_default() += 1);
    effects
}

/// What is called otherwise in each run, and its name here: so that a field that refers to the wrong thing is seen.
struct Names {
    /// What stands in the objects, and what for.
    tokens: Vec<(String, String)>,
    organizations: BTreeMap<uuid::Uuid, String>,
    truth: Vec<Connection>,
}

impl Names {
    fn of(world: &World, orgs: &[DatadogOrg], connections: &[OrgConnection]) -> Self {
        let state = world.datadog.state();
        let organizations = state.organizations.into_iter().map(|organization| (organization.id, organization.name)).collect();
        let mut truth = state.connections;
        truth.sort_by_key(|connection| (connection.source, connection.sink));
        let mut names = Self { tokens: vec![(world.namespace.clone(), "<namespace>".to_owned())], organizations, truth };
        let mut ids: Vec<_> =
            names.truth.iter().map(|connection| (connection.id.to_string(), format!("<id of {:?}>", names.pair(connection)))).collect();
        ids.extend(orgs.iter().map(uid).chain(connections.iter().map(uid)));
        names.tokens.extend(ids);
        names
    }

    fn pair(&self, connection: &Connection) -> (&str, &str) {
        (&self.organizations[&connection.source], &self.organizations[&connection.sink])
    }

    fn canonical(&self, text: &str) -> String {
        let named = self.tokens.iter().fold(text.to_owned(), |text, (token, name)| text.replace(token, name));
        without_times(&named)
    }
}

fn uid<K: Kind>(object: &K) -> (String, String) {
    (object.uid().unwrap_or_default(), format!("<uid of {}>", object.name_any()))
}

/// Times differ in each run.
fn without_times(text: &str) -> String {
    let is_end = |character: char| [' ', '=', ',', '(', ')', '"'].contains(&character);
    let known = |word: &str| word.trim_end_matches(is_end).trim_end_matches(':').parse::<Timestamp>().is_ok();
    text.split_inclusive(is_end).map(|word| if known(word) { "<time> " } else { word }).collect()
}

/// Calls `with` for each leaf. Members of a list are known by their `type` where they have one, else by their place.
fn flatten(path: &str, value: &Value, with: &mut dyn FnMut(String, &str)) {
    match value {
        Value::Object(members) => {
            for (name, member) in members.iter().filter(|(name, _)| !WISHES.contains(&name.as_str())) {
                flatten(&format!("{path}.{name}"), member, with);
            }
        }
        Value::Array(members) => {
            for (place, member) in members.iter().enumerate() {
                let name = member["type"].as_str().map_or_else(|| place.to_string(), str::to_owned);
                flatten(&format!("{path}[{name}]"), member, with);
            }
        }
        Value::String(text) => with(path.to_owned(), text),
        Value::Null | Value::Bool(_) | Value::Number(_) => with(path.to_owned(), &value.to_string()),
    }
}
