//! What a write may change of an object, and what it may not. Pure.

use serde_json::{Map, Value, json};

use super::refusal::Refusal;
use super::store::Key;

/// What a write of the object may not change: its status, and what the server alone writes.
pub(super) fn keep_status_and_identity(key: &Key, old: &Value, next: &mut Value) -> Result<(), Refusal> {
    if next["metadata"]["uid"].is_null() {
        copy(&old["metadata"], &mut next["metadata"], "uid");
    }
    if next["metadata"]["uid"] != old["metadata"]["uid"] {
        return Err(Refusal::invalid(key, "metadata.uid", "Invalid value: field is immutable"));
    }
    let is_new = |name: &&String| !finalizers(old).contains(name);
    if is_terminating(old) && finalizers(next).iter().any(|name| is_new(&name)) {
        return Err(Refusal::invalid(
            key,
            "metadata.finalizers",
            "Forbidden: no new finalizers can be added if the object is being deleted",
        ));
    }
    for name in ["name", "namespace", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation"] {
        copy(&old["metadata"], &mut next["metadata"], name);
    }
    drop_if_empty(&mut next["metadata"], &["annotations", "labels", "finalizers"]);
    if key.kind.is_custom() {
        copy(old, next, "status");
        if old["spec"] != next["spec"] {
            next["metadata"]["generation"] = next_generation(old);
        }
    }
    Ok(())
}

/// A condition that two managers share can lose a member by an apply, which is refused as a whole.
pub(super) fn whole_conditions(key: &Key, status: &Value) -> Result<(), Refusal> {
    let conditions = status["conditions"].as_array().into_iter().flatten();
    for (at, condition) in conditions.enumerate() {
        for name in ["lastTransitionTime", "message", "reason", "status"] {
            if condition[name].is_null() {
                return Err(Refusal::invalid(key, &format!("status.conditions[{at}].{name}"), "Required value"));
            }
        }
    }
    Ok(())
}

pub(super) fn with_status(old: &Value, status: Value) -> Value {
    let mut next = old.clone();
    next["status"] = status;
    drop_if_empty(&mut next, &["status"]);
    next
}

fn drop_if_empty(value: &mut Value, names: &[&str]) {
    for name in names {
        let empty = match &value[*name] {
            Value::Null => true,
            Value::Object(members) => members.is_empty() && *name != "status",
            Value::Array(items) => items.is_empty(),
            Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        };
        if empty {
            members(value).remove(*name);
        }
    }
}

fn copy(from: &Value, to: &mut Value, name: &str) {
    match from.get(name) {
        Some(value) => to[name] = value.clone(),
        None => drop(members(to).remove(name)),
    }
}

pub(super) fn members(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = json!({});
    }
    value.as_object_mut().expect("it has just been made one")
}

pub(super) fn next_generation(old: &Value) -> Value {
    (old["metadata"]["generation"].as_i64().unwrap_or_default() + 1).into()
}

pub(super) fn is_terminating(object: &Value) -> bool {
    !object["metadata"]["deletionTimestamp"].is_null()
}

pub(super) fn finalizers(object: &Value) -> Vec<String> {
    let names = object["metadata"]["finalizers"].as_array().into_iter().flatten();
    names.filter_map(|name| name.as_str().map(str::to_owned)).collect()
}

/// RFC 7386.
pub(super) fn merge(target: &mut Value, patch: &Value) {
    let Some(members) = patch.as_object() else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (name, value) in members {
        match (value, target.as_object_mut()) {
            (Value::Null, Some(target)) => drop(target.remove(name)),
            (value, _) => merge(&mut target[name], value),
        }
    }
}
