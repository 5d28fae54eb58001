//! What roles grant beside what was asked. Pure.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;
use xtask::controlplane::audit::Entry;

/// A right to do one thing: what one line of a role comes to. Ordered as it reads.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Right {
    /// Where; `None` in every namespace.
    namespace: Option<String>,
    /// Group, resource and subresource, as `orgconnections.crossorg.dev/status`.
    resource: String,
    /// The only object that it is about; `None` if it is about all.
    name: Option<String>,
    verb: String,
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { namespace, resource, name, verb } = self;
        write!(f, "{verb} {resource} {} in {}", name.as_deref().unwrap_or("*"), namespace.as_deref().unwrap_or("all namespaces"))
    }
}

/// How grants and requests differ.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Difference {
    /// Granted, and never asked for.
    pub(super) unused: Vec<String>,
    /// Asked for, and refused or not granted by these roles.
    pub(super) missing: Vec<String>,
}

/// What these roles, bound where they are or everywhere, grant. A role that is bound to nobody counts as well: it should not be there.
pub(super) fn granted<'a>(roles: impl IntoIterator<Item = &'a Value>) -> BTreeSet<Right> {
    roles.into_iter().flat_map(rights).collect()
}

fn rights(role: &Value) -> Vec<Right> {
    let namespace = role["metadata"]["namespace"].as_str().map(str::to_owned);
    let mut rights = Vec::new();
    for rule in role["rules"].as_array().unwrap() {
        let names: Vec<_> = if rule["resourceNames"].is_null() { vec![None] } else { words(&rule["resourceNames"]).map(Some).collect() };
        for (group, resource) in
            words(&rule["apiGroups"]).flat_map(|group| words(&rule["resources"]).map(move |name| (group.clone(), name)))
        {
            for (verb, name) in words(&rule["verbs"]).flat_map(|verb| names.iter().map(move |name| (verb.clone(), name.clone()))) {
                rights.push(Right { namespace: namespace.clone(), resource: qualified(&group, &resource), name, verb });
            }
        }
    }
    rights
}

fn words(list: &Value) -> impl Iterator<Item = String> {
    list.as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned())
}

/// `orgconnections/status` of a group as `orgconnections.group/status`.
fn qualified(group: &str, resource: &str) -> String {
    let (resource, subresource) = resource.split_once('/').map_or((resource, ""), |(resource, sub)| (resource, sub));
    let group = if group.is_empty() { String::new() } else { format!(".{group}") };
    let subresource = if subresource.is_empty() { String::new() } else { format!("/{subresource}") };
    format!("{resource}{group}{subresource}")
}

/// What was asked, as the right that it takes, and whether that was refused. Paths that are no resource take none.
fn asked(entry: &Entry) -> Option<(Right, bool)> {
    let some = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let resource = if entry.subresource.is_empty() { entry.resource.clone() } else { format!("{}/{}", entry.resource, entry.subresource) };
    some(&entry.resource)?;
    let right = Right {
        namespace: some(&entry.namespace),
        resource: qualified(&entry.api_group, &resource),
        name: some(&entry.name),
        verb: entry.verb.clone(),
    };
    Some((right, entry.code == 403))
}

/// Whether one right is part of another.
fn covers(grant: &Right, asked: &Right) -> bool {
    let within = |grant: &Option<String>, asked: &Option<String>| grant.is_none() || grant == asked;
    grant.verb == asked.verb
        && grant.resource == asked.resource
        && within(&grant.namespace, &asked.namespace)
        && within(&grant.name, &asked.name)
}

/// Compares what is granted with what one client asked.
pub(super) fn compare<'a>(granted: &BTreeSet<Right>, entries: impl IntoIterator<Item = &'a Entry>) -> Difference {
    let asked: Vec<(Right, bool)> = entries.into_iter().filter_map(asked).collect();
    let unused = granted.iter().filter(|grant| !asked.iter().any(|(asked, refused)| !refused && covers(grant, asked)));
    let missing: BTreeSet<&Right> = asked
        .iter()
        .filter(|(asked, refused)| *refused || !granted.iter().any(|grant| covers(grant, asked)))
        .map(|(asked, _)| asked)
        .collect();
    Difference { unused: unused.map(Right::to_string).collect(), missing: missing.into_iter().map(Right::to_string).collect() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use xtask::controlplane::audit;

    use super::*;

    /// A role that reads one Secret, and writes the status of a kind.
    fn role() -> Value {
        json!({"metadata": {"namespace": "team-a"}, "rules": [
            {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"], "resourceNames": ["keys"]},
            {"apiGroups": ["crossorg.dev"], "resources": ["orgconnections/status"], "verbs": ["update"]},
        ]})
    }

    fn entry(verb: &str, reference: &Value, code: u16) -> Entry {
        let line = json!({"stage": "ResponseComplete", "verb": verb, "objectRef": reference, "responseStatus": {"code": code}});
        audit::parse(&format!("{line}\n")).unwrap().remove(0)
    }

    fn secret(name: &str, code: u16) -> Entry {
        entry("get", &json!({"resource": "secrets", "namespace": "team-a", "name": name}), code)
    }

    fn status() -> Entry {
        let group = "crossorg.dev";
        entry(
            "update",
            &json!({"apiGroup": group, "resource": "orgconnections", "subresource": "status", "namespace": "team-a", "name": "x"}),
            200,
        )
    }

    fn difference(entries: &[Entry]) -> Difference {
        compare(&granted([&role()]), entries)
    }

    #[test]
    fn what_is_asked_as_granted_leaves_no_difference() {
        assert_eq!(difference(&[secret("keys", 200), status(), entry("get", &json!({}), 200)]), Difference::default());
    }

    #[test]
    fn a_grant_that_nobody_uses_is_named() {
        let found = difference(&[secret("keys", 404)]);
        assert_eq!(found.unused, ["update orgconnections.crossorg.dev/status * in team-a"]);
        assert!(found.missing.is_empty());
    }

    #[test]
    fn a_refusal_is_named_and_uses_no_grant() {
        let found = difference(&[status(), secret("keys", 403), secret("others", 403)]);
        assert_eq!(found.unused, ["get secrets keys in team-a"]);
        assert_eq!(found.missing, ["get secrets keys in team-a", "get secrets others in team-a"]);
    }

    #[test]
    fn what_another_role_lets_through_is_missing_here() {
        let elsewhere = entry("get", &json!({"resource": "secrets", "namespace": "team-b", "name": "keys"}), 200);
        assert_eq!(difference(&[secret("keys", 200), status(), elsewhere]).missing, ["get secrets keys in team-b"]);
    }
}
