//! Each rule that the operator stands on, on this server and on a real one.

use serde_json::{Value, json};

use super::super::Kind::{DatadogOrg, Event, Lease, OrgConnection, Secret};
use super::tape::Form::{Apply, Merge};
use super::tape::{Tape, same_answers};

const CONNECTION: &str = "crossorg.dev/connection";
const SINK: &str = "22222222-0000-4000-8000-000000000002";

fn connection(name: &str) -> Value {
    json!({
        "apiVersion": "crossorg.dev/v1alpha1", "kind": "OrgConnection", "metadata": { "name": name },
        "spec": { "sourceOrgRef": { "name": "payments" }, "sinkOrg": { "id": SINK }, "connectionTypes": ["logs"] },
    })
}

fn held(name: &str, finalizers: &[&str]) -> Value {
    let mut manifest = connection(name);
    manifest["metadata"]["finalizers"] = json!(finalizers);
    manifest
}

fn organization(name: &str) -> Value {
    json!({
        "apiVersion": "crossorg.dev/v1alpha1", "kind": "DatadogOrg", "metadata": { "name": name },
        "spec": { "site": "datadoghq.eu", "credentialsSecretRef": { "name": "keys" } },
    })
}

/// The uid and the resource version, as the operator puts them into a patch.
fn exactly(object: &Value) -> Value {
    json!({ "uid": object["metadata"]["uid"], "resourceVersion": object["metadata"]["resourceVersion"] })
}

fn with(mut metadata: Value, name: &str, value: Value) -> Value {
    metadata[name] = value;
    json!({ "metadata": metadata })
}

fn condition(type_: &str, status: &str) -> Value {
    json!({ "type": type_, "status": status, "reason": "Tested", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z" })
}

const STRANGER: &str = "00000000-0000-4000-8000-00000000dead";

#[test]
fn objects_are_created_with_defaults_and_only_once() {
    same_answers("pair-create", &async |tape: &Tape| {
        let mut manifest = connection("one");
        manifest["status"] = json!({ "observedGeneration": 7, "connectionId": "kept-by-nobody" });
        manifest["metadata"]["labels"] = json!({ "team": "a" });
        tape.create(manifest.clone()).await;
        tape.create(manifest).await;
        tape.get(OrgConnection, "one").await;
        tape.get(OrgConnection, "none").await;
        tape.create(organization("payments")).await;
        tape.get(DatadogOrg, "payments").await;
        let secret = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "keys" }, "data": { "api-key": "YQ==" }, "type": "Opaque" });
        tape.create(secret).await;
        tape.get(Secret, "keys").await;
        tape.get(Secret, "none").await;
    });
}

#[test]
fn a_merge_patch_lands_only_on_what_was_read() {
    same_answers("pair-merge", &async |tape: &Tape| {
        let old = tape.create(connection("one")).await;
        let claim = |metadata: Value| {
            let mut patch = with(metadata, "finalizers", json!([CONNECTION]));
            patch["metadata"]["annotations"] = json!({ "crossorg.dev/claim": "a" });
            patch["metadata"]["labels"] = json!({ "crossorg.dev/pair": "b" });
            patch
        };
        let claimed = tape.merge(OrgConnection, "one", claim(exactly(&old))).await;
        tape.merge(OrgConnection, "one", claim(exactly(&old))).await;
        tape.merge(OrgConnection, "one", claim(exactly(&claimed))).await;
        tape.merge(OrgConnection, "one", claim(json!({}))).await;
        tape.merge(OrgConnection, "one", claim(json!({ "uid": STRANGER }))).await;
        let version = &claimed["metadata"]["resourceVersion"];
        tape.merge(OrgConnection, "one", claim(json!({ "uid": STRANGER, "resourceVersion": version }))).await;
        tape.merge(OrgConnection, "one", claim(json!({ "uid": STRANGER, "resourceVersion": old["metadata"]["resourceVersion"] }))).await;
        tape.merge(OrgConnection, "none", claim(exactly(&old))).await;
        tape.merge(OrgConnection, "one", with(json!({}), "annotations", json!({ "crossorg.dev/claim": null, "other": "c" }))).await;
        tape.merge(OrgConnection, "one", with(json!({}), "annotations", json!({ "other": null }))).await;
        tape.merge(OrgConnection, "one", with(json!({}), "labels", Value::Null)).await;
    });
}

#[test]
fn the_generation_moves_with_the_spec_alone() {
    same_answers("pair-generation", &async |tape: &Tape| {
        tape.create(connection("one")).await;
        tape.merge(OrgConnection, "one", json!({ "spec": { "connectionTypes": ["logs", "metrics"] } })).await;
        tape.merge(OrgConnection, "one", json!({ "spec": { "connectionTypes": ["logs", "metrics"] } })).await;
        tape.merge(OrgConnection, "one", json!({ "spec": { "deletionPolicy": null } })).await;
        tape.merge(OrgConnection, "one", json!({ "spec": { "deletionPolicy": "Orphan" } })).await;
        tape.merge(OrgConnection, "one", json!({ "spec": { "deletionPolicy": null } })).await;
        tape.merge(OrgConnection, "one", json!({ "status": { "connectionId": "not-through-here" } })).await;
        tape.merge(OrgConnection, "one", json!({ "metadata": { "generation": 9, "labels": { "a": "b" } } })).await;
        tape.status(OrgConnection, "one", Apply, "crossorg", json!({ "status": { "observedGeneration": 3 } })).await;
    });
}

#[test]
fn a_deletion_waits_for_the_finalizers() {
    same_answers("pair-delete", &async |tape: &Tape| {
        tape.create(connection("free")).await;
        tape.delete(OrgConnection, "free").await;
        tape.delete(OrgConnection, "free").await;
        tape.create(held("one", &[CONNECTION, "example.com/other"])).await;
        tape.delete(OrgConnection, "one").await;
        tape.delete(OrgConnection, "one").await;
        let added = with(json!({}), "finalizers", json!([CONNECTION, "example.com/other", "example.com/new"]));
        tape.merge(OrgConnection, "one", added).await;
        tape.merge(OrgConnection, "one", with(json!({}), "annotations", json!({ "crossorg.dev/claim": "a" }))).await;
        tape.merge(OrgConnection, "one", json!({ "spec": { "deletionPolicy": "Orphan" } })).await;
        tape.status(OrgConnection, "one", Apply, "crossorg", json!({ "status": { "observedGeneration": 2 } })).await;
        tape.merge(OrgConnection, "one", json!({ "metadata": { "deletionTimestamp": null } })).await;
        let first = tape.merge(OrgConnection, "one", with(json!({}), "finalizers", json!([CONNECTION]))).await;
        tape.merge(OrgConnection, "one", with(exactly(&first), "finalizers", json!([]))).await;
        tape.get(OrgConnection, "one").await;
        tape.merge(OrgConnection, "one", with(exactly(&first), "finalizers", json!([]))).await;
        tape.delete(OrgConnection, "one").await;
        tape.create(held("two", &[CONNECTION])).await;
        tape.delete(OrgConnection, "two").await;
        tape.merge(OrgConnection, "two", with(json!({}), "finalizers", Value::Null)).await;
        tape.get(OrgConnection, "two").await;
    });
}

#[test]
fn a_namesake_is_another_object() {
    same_answers("pair-namesake", &async |tape: &Tape| {
        let old = tape.create(held("one", &[CONNECTION])).await;
        tape.merge(OrgConnection, "one", with(json!({}), "finalizers", json!([]))).await;
        tape.delete(OrgConnection, "one").await;
        let new = tape.create(held("one", &[CONNECTION])).await;
        tape.merge(OrgConnection, "one", with(exactly(&old), "finalizers", json!([]))).await;
        tape.merge(OrgConnection, "one", with(json!({ "uid": old["metadata"]["uid"] }), "finalizers", json!([]))).await;
        let stale = json!({ "metadata": exactly(&old), "status": { "observedGeneration": 1 } });
        tape.status(OrgConnection, "one", Apply, "crossorg", stale).await;
        tape.merge(OrgConnection, "one", with(exactly(&new), "finalizers", json!([]))).await;
    });
}

#[test]
fn a_status_is_applied_on_what_was_read_and_only_if_it_changes() {
    same_answers("pair-apply", &async |tape: &Tape| {
        let object = tape.create(connection("one")).await;
        let source = json!({ "id": SINK, "name": "Payments" });
        let full = json!({ "observedGeneration": 1, "connectionId": "x", "source": source, "connectionTypes": ["logs", "audit"],
            "conditions": [condition("Ready", "False"), condition("Reconciling", "True")] });
        let applied = |metadata: Value, status: &Value| json!({ "metadata": metadata, "status": status });
        let version = |object: &Value| json!({ "resourceVersion": object["metadata"]["resourceVersion"] });
        let first = tape.status(OrgConnection, "one", Apply, "crossorg", applied(version(&object), &full)).await;
        tape.status(OrgConnection, "one", Apply, "crossorg", applied(version(&first), &full)).await;
        tape.status(OrgConnection, "one", Apply, "crossorg", applied(version(&object), &full)).await;
        tape.status(OrgConnection, "one", Apply, "crossorg", applied(json!({ "uid": STRANGER }), &full)).await;
        tape.status(OrgConnection, "none", Apply, "crossorg", applied(json!({}), &full)).await;
        tape.status(OrgConnection, "none", Apply, "crossorg", applied(version(&first), &full)).await;
        let less = json!({ "observedGeneration": 1, "connectionTypes": ["logs"], "conditions": [condition("Ready", "True")] });
        let less = tape.status(OrgConnection, "one", Apply, "crossorg", applied(version(&first), &less)).await;
        tape.status(OrgConnection, "one", Apply, "crossorg", applied(json!({}), &json!({ "observedGeneration": 1 }))).await;
        tape.status(OrgConnection, "one", Apply, "crossorg", applied(version(&less), &full)).await;
        tape.get(OrgConnection, "one").await;
    });
}

#[test]
fn a_status_is_replaced_on_what_was_read_and_only_if_it_changes() {
    same_answers("pair-replace-status", &async |tape: &Tape| {
        let object = tape.create(held("one", &[CONNECTION])).await;
        let with_status = |object: &Value, status: &Value| {
            let mut object = object.clone();
            object["status"] = status.clone();
            object
        };
        let full = json!({ "observedGeneration": 1, "connectionId": "x", "connectionTypes": ["logs"], "conditions": [condition("Ready", "True"), condition("Stalled", "True")] });
        let first = tape.replace_status("one", with_status(&object, &full)).await;
        tape.replace_status("one", with_status(&object, &full)).await;
        tape.replace_status("one", with_status(&first, &full)).await;
        let less = json!({ "observedGeneration": 1, "conditions": [condition("Ready", "True")] });
        let second = tape.replace_status("one", with_status(&first, &less)).await;
        let mut beside = with_status(&second, &full);
        beside["metadata"]["labels"] = json!({ "not": "through-here" });
        beside["metadata"]["finalizers"] = json!([]);
        beside["spec"]["connectionTypes"] = json!(["audit"]);
        let third = tape.replace_status("one", beside).await;
        let mut without = with_status(&third, &less);
        without["metadata"]["resourceVersion"] = Value::Null;
        tape.replace_status("one", without).await;
        let mut namesake = with_status(&third, &less);
        namesake["metadata"]["uid"] = STRANGER.into();
        tape.replace_status("one", namesake.clone()).await;
        tape.replace("one", namesake).await;
        let mut gone = with_status(&third, &less);
        gone["metadata"]["name"] = "none".into();
        tape.replace_status("none", gone.clone()).await;
        tape.replace("none", gone).await;
        tape.delete(OrgConnection, "one").await;
        let terminating = tape.get(OrgConnection, "one").await;
        tape.replace_status("one", with_status(&terminating, &full)).await;
        tape.status(OrgConnection, "one", Apply, "auditor", json!({ "status": { "conditions": [condition("Audited", "True")] } })).await;
    });
}

#[test]
fn what_other_managers_write_into_a_status_stays() {
    same_answers("pair-managers", &async |tape: &Tape| {
        tape.create(connection("one")).await;
        let status = |conditions: &[Value]| json!({ "status": { "observedGeneration": 1, "conditions": conditions } });
        let ready = condition("Ready", "True");
        tape.status(OrgConnection, "one", Apply, "crossorg", status(&[ready.clone(), condition("Stalled", "True")])).await;
        let foreign = json!({ "status": { "conditions": [condition("Audited", "True")] } });
        tape.status(OrgConnection, "one", Apply, "auditor", foreign.clone()).await;
        tape.status(OrgConnection, "one", Apply, "auditor", foreign).await;
        tape.status(OrgConnection, "one", Apply, "crossorg", status(std::slice::from_ref(&ready))).await;
        // Both own it, so it stays when one of them leaves it out.
        tape.status(OrgConnection, "one", Apply, "auditor", json!({ "status": { "conditions": [ready.clone()] } })).await;
        tape.status(OrgConnection, "one", Apply, "crossorg", status(&[])).await;
        tape.status(OrgConnection, "one", Apply, "crossorg", status(&[condition("Ready", "False")])).await;
        tape.status(OrgConnection, "one", Apply, "auditor", json!({ "status": {} })).await;
    });
}

#[test]
fn a_merged_status_takes_fields_over() {
    same_answers("pair-taken-over", &async |tape: &Tape| {
        let object = tape.create(connection("one")).await;
        let status = |conditions: &[Value]| json!({ "status": { "observedGeneration": 1, "connectionId": "x", "conditions": conditions } });
        tape.status(OrgConnection, "one", Apply, "crossorg", status(&[condition("Ready", "False"), condition("Stalled", "True")])).await;
        let merged = json!({ "status": { "conditions": [condition("Ready", "False"), condition("Reconciling", "True")] } });
        tape.status(OrgConnection, "one", Merge, "crossorg", merged).await;
        // What the merge made belongs to the merge: an apply that leaves it out leaves it there.
        tape.status(OrgConnection, "one", Apply, "crossorg", status(&[condition("Ready", "True")])).await;
        tape.status(OrgConnection, "one", Apply, "crossorg", status(&[condition("Ready", "True"), condition("Reconciling", "False")]))
            .await;
        tape.status(OrgConnection, "one", Apply, "crossorg", status(&[condition("Ready", "True")])).await;
        let beside = json!({ "metadata": { "labels": { "a": "b" }, "uid": STRANGER, "finalizers": [CONNECTION] }, "spec": { "deletionPolicy": "Orphan" } });
        tape.status(OrgConnection, "one", Merge, "person", beside).await;
        let stale = json!({ "metadata": exactly(&object), "status": { "connectionId": "y" } });
        tape.status(OrgConnection, "one", Merge, "person", stale).await;
        tape.status(OrgConnection, "none", Merge, "person", json!({ "status": { "connectionId": "y" } })).await;
    });
}

#[test]
fn a_status_can_be_lost_and_applied_again() {
    same_answers("pair-wiped", &async |tape: &Tape| {
        tape.create(connection("one")).await;
        let status = json!({ "status": { "observedGeneration": 1, "connectionId": "x", "conditions": [condition("Ready", "True")] } });
        tape.status(OrgConnection, "one", Apply, "crossorg", status.clone()).await;
        tape.status(OrgConnection, "one", Merge, "person", json!({ "status": null })).await;
        tape.get(OrgConnection, "one").await;
        tape.status(OrgConnection, "one", Apply, "crossorg", status).await;
        tape.status(OrgConnection, "one", Merge, "person", json!({ "status": { "conditions": null, "connectionId": null } })).await;
        tape.status(OrgConnection, "one", Apply, "crossorg", json!({ "status": { "observedGeneration": 1 } })).await;
    });
}

#[test]
fn a_replacement_drops_what_it_does_not_say() {
    same_answers("pair-replace", &async |tape: &Tape| {
        let mut manifest = held("one", &[CONNECTION]);
        manifest["metadata"]["annotations"] = json!({ "crossorg.dev/claim": "a" });
        manifest["metadata"]["labels"] = json!({ "crossorg.dev/pair": "b" });
        let object = tape.create(manifest.clone()).await;
        tape.status(OrgConnection, "one", Apply, "crossorg", json!({ "status": { "observedGeneration": 1, "connectionId": "x" } })).await;
        let replacement = |object: &Value| {
            let mut manifest = connection("one");
            manifest["metadata"]["resourceVersion"] = object["metadata"]["resourceVersion"].clone();
            manifest
        };
        tape.replace("one", connection("one")).await;
        tape.replace("one", replacement(&object)).await;
        let live = tape.get(OrgConnection, "one").await;
        let bare = tape.replace("one", replacement(&live)).await;
        tape.replace("one", replacement(&bare)).await;
        let mut changed = replacement(&bare);
        changed["spec"]["connectionTypes"] = json!(["audit"]);
        changed["metadata"]["finalizers"] = json!([CONNECTION]);
        tape.replace("one", changed).await;
        tape.delete(OrgConnection, "one").await;
        let terminating = tape.get(OrgConnection, "one").await;
        tape.replace("one", replacement(&terminating)).await;
        tape.get(OrgConnection, "one").await;
        tape.replace("one", replacement(&terminating)).await;
    });
}

#[test]
fn lists_show_namespaces_and_labels() {
    same_answers("pair-list", &async |tape: &Tape| {
        tape.list(OrgConnection, "").await;
        for (name, pair) in [("b", "1"), ("a", "2"), ("c", "1")] {
            let mut manifest = connection(name);
            manifest["metadata"]["labels"] = json!({ "crossorg.dev/pair": format!("pair-list-{pair}"), "team": name });
            tape.create(manifest).await;
        }
        tape.list(OrgConnection, "").await;
        tape.list(OrgConnection, "labelSelector=crossorg.dev/pair%3Dpair-list-1").await;
        tape.list(OrgConnection, "labelSelector=crossorg.dev/pair%3Dpair-list-1%2Cteam%3Dc").await;
        tape.list(OrgConnection, "labelSelector=crossorg.dev/pair%3Dpair-list-3").await;
        tape.list_everywhere(OrgConnection, "labelSelector=crossorg.dev/pair%3Dpair-list-1").await;
        tape.list(OrgConnection, "resourceVersion=0").await;
        tape.list(OrgConnection, "limit=500").await;
    });
}

#[test]
fn a_watch_tells_each_version_in_order() {
    same_answers("pair-watch", &async |tape: &Tape| {
        tape.create(connection("before")).await;
        let listed = tape.list(OrgConnection, "").await;
        let begin = format!("resourceVersion={}&timeoutSeconds=60", listed["metadata"]["resourceVersion"].as_str().unwrap());
        tape.create(organization("another-kind")).await;
        tape.create(connection("one")).await;
        tape.merge(OrgConnection, "one", with(json!({}), "finalizers", json!([CONNECTION]))).await;
        tape.status(OrgConnection, "one", Apply, "crossorg", json!({ "status": { "observedGeneration": 1 } })).await;
        tape.status(OrgConnection, "one", Apply, "crossorg", json!({ "status": { "observedGeneration": 1 } })).await;
        tape.delete(OrgConnection, "one").await;
        tape.merge(OrgConnection, "one", with(json!({}), "finalizers", json!([]))).await;
        tape.create(connection("one")).await;
        tape.delete(OrgConnection, "one").await;
        tape.merge(OrgConnection, "before", json!({ "spec": { "connectionTypes": ["audit"] } })).await;
        tape.create(connection("the-end")).await;
        tape.watch(OrgConnection, &begin, "the-end").await;
    });
}

#[test]
fn a_watch_without_a_version_tells_first_what_is_there() {
    same_answers("pair-watch-all", &async |tape: &Tape| {
        tape.create(connection("a")).await;
        tape.create(connection("b")).await;
        tape.watch(OrgConnection, "timeoutSeconds=60", "b").await;
        tape.watch(OrgConnection, "resourceVersion=0&timeoutSeconds=60", "b").await;
    });
}

#[test]
fn a_watch_ends_at_its_time_out() {
    same_answers("pair-watch-end", &async |tape: &Tape| {
        tape.create(connection("a")).await;
        tape.watch(OrgConnection, "timeoutSeconds=1", "").await;
    });
}

#[test]
fn a_watch_from_a_forgotten_version_is_told_so() {
    same_answers("pair-watch-gone", &async |tape: &Tape| {
        tape.create(connection("a")).await;
        tape.forget_the_past();
        tape.watch(OrgConnection, "resourceVersion=1&timeoutSeconds=5", "").await;
    });
}

#[test]
fn events_are_created_and_patched() {
    same_answers("pair-events", &async |tape: &Tape| {
        let mut event = json!({
            "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": { "name": "one.1a2b" },
            "action": "Created", "reason": "Created", "note": "a note", "type": "Normal", "eventTime": "2026-01-01T00:00:00.000000Z",
            "regarding": { "apiVersion": "crossorg.dev/v1alpha1", "kind": "OrgConnection", "name": "one", "namespace": "pair-events" },
            "reportingController": "crossorg", "reportingInstance": "crossorg",
        });
        tape.create(event.clone()).await;
        event["series"] = json!({ "count": 2, "lastObservedTime": "2026-01-01T00:01:00.000000Z" });
        tape.merge(Event, "one.1a2b", event.clone()).await;
        tape.merge(Event, "two.1a2b", event).await;
    });
}

#[test]
fn a_lease_is_created_once_and_replaced_only_on_the_version_that_was_read() {
    same_answers("pair-lease", &async |tape: &Tape| {
        let time = "2026-01-01T00:00:00.000000Z";
        let spec =
            json!({ "holderIdentity": "one", "leaseDurationSeconds": 15, "acquireTime": time, "renewTime": time, "leaseTransitions": 0 });
        let manifest = json!({ "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": { "name": "leader" }, "spec": spec });
        tape.get(Lease, "leader").await;
        let mut first = tape.create(manifest.clone()).await;
        tape.create(manifest).await;
        let mut second = first.clone();
        second["spec"]["holderIdentity"] = "two".into();
        let mut released = tape.replace("leader", second).await;
        first["spec"]["leaseTransitions"] = 7.into();
        tape.replace("leader", first).await;
        released["spec"]["holderIdentity"] = "".into();
        released["spec"]["leaseDurationSeconds"] = 1.into();
        tape.replace("leader", released).await;
        tape.get(Lease, "leader").await;
    });
}
