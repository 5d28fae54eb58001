//! Who owns which field of a status: server-side apply, as far as one subresource and forced applies go. Pure.
//!
//! Fields are leaves. A condition is known by its type, every other list is one leaf. A manager that applies owns what it applied: what
//! it leaves out the next time goes, unless somebody else owns it too. Who changes a field by another kind of write takes it over.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Member(String),
    Condition(String),
}

type Path = Vec<Step>;

/// The owners of the leaves of one status.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Owners(BTreeMap<String, BTreeSet<Path>>);

impl Owners {
    /// Applies what `manager` wants onto the live status.
    pub(super) fn apply(&mut self, manager: &str, live: &mut Value, wanted: &Value) {
        let (before, wanted) = (leaves(live), leaves(wanted));
        let manager = format!("{manager} Apply");
        let mine = self.0.remove(&manager).unwrap_or_default();
        for (path, value) in &wanted {
            if before.get(path) != Some(value) {
                self.lose(path);
                set(live, path, value.clone());
            }
        }
        let left_out = mine.into_iter().filter(|path| !wanted.contains_key(path));
        for path in left_out.filter(|path| !self.0.values().any(|theirs| theirs.contains(path))).collect::<Vec<_>>() {
            remove(live, &path);
        }
        self.0.insert(manager, wanted.into_keys().collect());
    }

    /// Takes note of a write of another kind.
    pub(super) fn updated(&mut self, manager: &str, before: &Value, after: &Value) {
        let (before, after) = (leaves(before), leaves(after));
        let changed: BTreeSet<Path> =
            after.iter().filter(|(path, value)| before.get(*path) != Some(*value)).map(|(path, _)| path.clone()).collect();
        let gone = before.keys().filter(|path| !after.contains_key(*path));
        gone.chain(&changed).for_each(|path| self.lose(path));
        if !changed.is_empty() {
            self.0.entry(format!("{manager} Update")).or_default().extend(changed);
        }
    }

    fn lose(&mut self, path: &Path) {
        self.0.retain(|_, paths| {
            paths.remove(path);
            !paths.is_empty()
        });
    }
}

fn leaves(status: &Value) -> BTreeMap<Path, Value> {
    let mut found = BTreeMap::new();
    collect(status, &mut Vec::new(), &mut found);
    found
}

fn collect(value: &Value, at: &mut Path, found: &mut BTreeMap<Path, Value>) {
    let children: Vec<(Step, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(name, member)| (Step::Member(name.clone()), member)).collect(),
        Value::Array(items) if is_conditions(at) => items.iter().map(|item| (Step::Condition(type_of(item).to_owned()), item)).collect(),
        Value::Array(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    if children.is_empty() && !at.is_empty() && !is_conditions(at) {
        found.insert(at.clone(), value.clone());
    }
    for (step, child) in children {
        at.push(step);
        collect(child, at, found);
        at.pop();
    }
}

fn is_conditions(at: &[Step]) -> bool {
    matches!(at, [Step::Member(name)] if name == "conditions")
}

fn type_of(condition: &Value) -> &str {
    condition["type"].as_str().unwrap_or_default()
}

fn set(value: &mut Value, path: &[Step], leaf: Value) {
    let Some((step, rest)) = path.split_first() else {
        *value = leaf;
        return;
    };
    match step {
        Step::Member(name) => {
            if !value.is_object() {
                *value = Value::Object(Map::new());
            }
            set(&mut value[name], rest, leaf);
        }
        Step::Condition(type_) => set(condition(value, type_), rest, leaf),
    }
}

/// The condition of a type in a list, put at its end if there is none.
fn condition<'a>(list: &'a mut Value, type_: &str) -> &'a mut Value {
    if !list.is_array() {
        *list = Value::Array(Vec::new());
    }
    let items = list.as_array_mut().expect("it has just been made one");
    let at = items.iter().position(|item| type_of(item) == type_).unwrap_or(items.len());
    if at == items.len() {
        items.push(serde_json::json!({ "type": type_ }));
    }
    &mut items[at]
}

/// Takes a leaf away, and whatever becomes empty by it.
fn remove(value: &mut Value, path: &[Step]) {
    match (path, value) {
        ([Step::Member(name)], Value::Object(members)) => drop(members.remove(name)),
        ([Step::Member(name), rest @ ..], Value::Object(members)) => {
            if let Some(member) = members.get_mut(name) {
                remove(member, rest);
                if is_empty(member) {
                    members.remove(name);
                }
            }
        }
        ([Step::Condition(type_), rest @ ..], Value::Array(items)) => {
            if let Some(at) = items.iter().position(|item| type_of(item) == type_) {
                // Its type goes with the last of its other members.
                if !matches!(rest, [Step::Member(name)] if name == "type") {
                    remove(&mut items[at], rest);
                }
                if items[at].as_object().is_none_or(|item| item.keys().all(|name| name == "type")) {
                    items.remove(at);
                }
            }
        }
        (_, _) => {}
    }
}

fn is_empty(value: &Value) -> bool {
    value.as_object().is_some_and(Map::is_empty) || value.as_array().is_some_and(Vec::is_empty)
}
