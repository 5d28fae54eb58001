//! The JSON of the API. Reading is lenient about what nobody needs (unknown members and types, nulls, wrong types of optional members) and
//! strict about what makes a connection: a row without both organizations, id, types and time is no row.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::Unreadable;
use super::text::{is_unprintable, printable};
use crate::decide::model::{Connection, ConnectionId, ConnectionTypes, Identity, OrgId, Organization, Pair, Principal, PrincipalId};

/// The permissions that matter here; an administrator's answer lists four hundred.
const PERMISSIONS: [&str; 3] = ["org_connections_read", "org_connections_write", "org_management"];

/// Names are for people; a status has no room for more.
const MAX_NAME: usize = 200;

/// Types are words such as `metrics`; the kinds allow the same length.
const MAX_TYPE: usize = 64;

/// What an update answers: no names, so there is no [`Connection`] to be made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patched {
    /// The types that the connection has now.
    pub types: ConnectionTypes,
    /// When it was made; an update leaves it as it was.
    pub created_at: Option<Timestamp>,
}

/// One page of a list: its rows, `None` for one that cannot be read, and how many rows the API says there are in all.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) rows: Vec<Option<Connection>>,
    pub(super) told: Option<usize>,
}

#[derive(Deserialize)]
struct Document<T> {
    data: T,
    #[serde(default, deserialize_with = "lenient")]
    included: Vec<Value>,
    #[serde(default)]
    meta: Value,
}

#[derive(Deserialize)]
struct Row {
    id: String,
    attributes: RowAttributes,
    relationships: RowRelationships,
}

#[derive(Deserialize)]
struct RowAttributes {
    connection_types: Vec<String>,
    created_at: String,
}

#[derive(Deserialize)]
struct RowRelationships {
    source_org: Related,
    sink_org: Related,
    #[serde(default, deserialize_with = "lenient")]
    created_by: Option<Related>,
}

#[derive(Deserialize)]
struct Related {
    data: Reference,
}

#[derive(Deserialize)]
struct Reference {
    id: String,
    #[serde(default, deserialize_with = "lenient")]
    name: Option<String>,
}

#[derive(Deserialize)]
struct PatchedRow {
    id: String,
    attributes: PatchedAttributes,
}

#[derive(Deserialize)]
struct PatchedAttributes {
    connection_types: Vec<String>,
    #[serde(default, deserialize_with = "lenient")]
    created_at: Option<String>,
}

#[derive(Deserialize)]
struct User {
    id: String,
    #[serde(default, deserialize_with = "lenient")]
    attributes: UserAttributes,
    relationships: UserRelationships,
}

#[derive(Deserialize)]
struct UserRelationships {
    org: Related,
}

#[derive(Deserialize, Default)]
struct UserAttributes {
    #[serde(default, deserialize_with = "lenient")]
    service_account: Option<bool>,
}

#[derive(Deserialize)]
struct Account {
    relationships: AccountRelationships,
}

#[derive(Deserialize)]
struct AccountRelationships {
    current_org: Related,
    managed_orgs: ManyRelated,
}

#[derive(Deserialize)]
struct ManyRelated {
    data: Vec<Reference>,
}

/// An organization beside the data, where its name is what was asked for.
#[derive(Deserialize)]
struct NamedOrganization {
    id: String,
    attributes: NameAttribute,
}

#[derive(Deserialize)]
struct NameAttribute {
    name: String,
}

/// A neighbour of the data, whatever its kind. The e-mail addresses of users are not even read.
#[derive(Deserialize)]
struct Included {
    r#type: String,
    id: String,
    #[serde(default, deserialize_with = "lenient")]
    attributes: IncludedAttributes,
}

#[derive(Deserialize, Default)]
struct IncludedAttributes {
    #[serde(default, deserialize_with = "lenient")]
    name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    service_account: Option<bool>,
}

pub(super) fn create_body(sink: OrgId, types: &ConnectionTypes) -> Vec<u8> {
    let sink = json!({"data": {"type": "orgs", "id": sink.to_string()}});
    let attributes = json!({"connection_types": types.to_vec()});
    json!({"data": {"type": "org_connection", "attributes": attributes, "relationships": {"sink_org": sink}}}).to_string().into_bytes()
}

pub(super) fn update_body(id: ConnectionId, types: &ConnectionTypes) -> Vec<u8> {
    let attributes = json!({"connection_types": types.to_vec()});
    json!({"data": {"type": "org_connection", "id": id.to_string(), "attributes": attributes}}).to_string().into_bytes()
}

pub(super) fn page(body: &[u8]) -> Result<Page, Unreadable> {
    let document: Document<Vec<Value>> = parse(body)?;
    let service_accounts = service_accounts(&document.included);
    let told = document.meta.pointer("/page/total_filtered_count").and_then(Value::as_u64).and_then(|count| usize::try_from(count).ok());
    Ok(Page { rows: document.data.into_iter().map(|row| connection(Row::deserialize(row).ok()?, &service_accounts)).collect(), told })
}

pub(super) fn created(body: &[u8], asked: Pair) -> Result<Connection, Unreadable> {
    let document: Document<Row> = parse(body)?;
    let made = connection(document.data, &service_accounts(&document.included)).ok_or(Unreadable::Shape)?;
    if made.pair() == asked { Ok(made) } else { Err(Unreadable::OtherPair(made.pair())) }
}

pub(super) fn patched(body: &[u8], asked: ConnectionId) -> Result<Patched, Unreadable> {
    let row = parse::<Document<PatchedRow>>(body)?.data;
    let id: ConnectionId = row.id.parse().map_err(|_| Unreadable::Shape)?;
    if id != asked {
        return Err(Unreadable::OtherConnection(id));
    }
    let types = connection_types(row.attributes.connection_types).ok_or(Unreadable::Shape)?;
    Ok(Patched { types, created_at: row.attributes.created_at.and_then(|time| time.parse().ok()) })
}

/// A deletion answers `{}`. An object it must be: a page of HTML with status 200 has deleted nothing.
pub(super) fn deleted(body: &[u8]) -> Result<(), Unreadable> {
    parse::<serde_json::Map<String, Value>>(body).map(drop)
}

pub(super) fn identity(body: &[u8]) -> Result<Identity, Unreadable> {
    let document: Document<User> = parse(body)?;
    let (user, included) = (document.data, included(&document.included));
    let organization = user.relationships.org.data.id.parse().map_err(|_| Unreadable::Shape)?;
    let named = |kind: &'static str| included.iter().filter(move |neighbour| neighbour.r#type == kind);
    let name = named("orgs").find(|org| org.id.parse() == Ok(organization)).and_then(|org| org.attributes.name.as_deref());
    let granted: BTreeSet<&str> = named("permissions").filter_map(|permission| permission.attributes.name.as_deref()).collect();
    Ok(Identity {
        organization: Organization { id: organization, name: printable(name.unwrap_or_default(), MAX_NAME) },
        principal: Principal { id: user.id.parse().map_err(|_| Unreadable::Shape)?, service_account: user.attributes.service_account },
        permissions: PERMISSIONS.into_iter().filter(|name| granted.contains(name)).map(str::to_owned).collect(),
    })
}

pub(super) fn organizations(body: &[u8]) -> Result<Vec<Organization>, Unreadable> {
    let document: Document<Account> = parse(body)?;
    let AccountRelationships { current_org, managed_orgs } = document.data.relationships;
    let own = current_org.data.id.parse().map_err(|_| Unreadable::Shape)?;
    let mut names = organization_names(&document.included).ok_or(Unreadable::Shape)?;
    names.entry(own).or_default();
    let is_named = |other: Reference| other.id.parse().is_ok_and(|id| names.contains_key(&id));
    if !managed_orgs.data.into_iter().all(is_named) {
        return Err(Unreadable::Shape);
    }
    Ok(names.into_iter().map(|(id, name)| Organization { id, name }).collect())
}

/// The names of all organizations beside the data; `None` if one cannot be read, or has two.
fn organization_names(neighbours: &[Value]) -> Option<BTreeMap<OrgId, String>> {
    let mut names = BTreeMap::new();
    for neighbour in neighbours.iter().filter(|neighbour| neighbour.get("type").is_some_and(|kind| kind == "orgs")) {
        let NamedOrganization { id, attributes } = NamedOrganization::deserialize(neighbour).ok()?;
        let name = printable(&attributes.name, MAX_NAME);
        let before = names.insert(id.parse().ok()?, name.clone());
        if before.is_some_and(|before| before != name) {
            return None;
        }
    }
    Some(names)
}

fn connection(row: Row, service_accounts: &HashMap<PrincipalId, bool>) -> Option<Connection> {
    let principal = |by: Related| by.data.id.parse().ok().map(|id| Principal { id, service_account: service_accounts.get(&id).copied() });
    Some(Connection {
        id: row.id.parse().ok()?,
        source: organization(row.relationships.source_org)?,
        sink: organization(row.relationships.sink_org)?,
        types: connection_types(row.attributes.connection_types)?,
        created_at: row.attributes.created_at.parse().ok()?,
        created_by: row.relationships.created_by.and_then(principal),
    })
}

fn organization(related: Related) -> Option<Organization> {
    let Reference { id, name } = related.data;
    Some(Organization { id: id.parse().ok()?, name: printable(&name.unwrap_or_default(), MAX_NAME) })
}

/// A type is compared with what people wrote, so it is taken as it is or not at all.
fn connection_types(types: Vec<String>) -> Option<ConnectionTypes> {
    let sound = |name: &String| !name.is_empty() && name.len() <= MAX_TYPE && !name.contains(is_unprintable);
    types.iter().all(sound).then(|| types.into_iter().collect())
}

fn service_accounts(neighbours: &[Value]) -> HashMap<PrincipalId, bool> {
    let users = included(neighbours).into_iter().filter(|neighbour| neighbour.r#type == "users");
    users.filter_map(|user| Some((user.id.parse().ok()?, user.attributes.service_account?))).collect()
}

fn included(neighbours: &[Value]) -> Vec<Included> {
    neighbours.iter().filter_map(|neighbour| Included::deserialize(neighbour).ok()).collect()
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Unreadable> {
    use serde_json::error::Category;
    if body.trim_ascii().is_empty() {
        return Err(Unreadable::Empty);
    }
    // The parser's own message may quote the body, which holds personal data.
    serde_json::from_slice(body).map_err(|error| match error.classify() {
        Category::Eof => Unreadable::CutShort,
        Category::Syntax | Category::Io => Unreadable::NotJson,
        Category::Data => Unreadable::Shape,
    })
}

/// A member that is absent, null or of another type than expected is its default: no optional member makes an answer unreadable.
fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(deserializer)?).unwrap_or_default())
}
