//! Which connections are exported, and as what.

use kube::CustomResourceExt;
use serde_json::{Value, json};

use super::*;
use crate::api::CLAIM_ANNOTATION;

const PAYMENTS: &str = "11111111-0000-4000-8000-000000000001";
const CENTRAL: &str = "22222222-0000-4000-8000-000000000002";
const SECURITY: &str = "33333333-0000-4000-8000-000000000003";

fn id(text: &str) -> OrgId {
    text.parse().unwrap()
}

fn key(name: &str) -> Key {
    Key { namespace: "team".to_owned(), name: name.to_owned() }
}

fn row(source: (&str, &str), sink: (&str, &str), types: &[&str]) -> Connection {
    let organization = |(text, name): (&str, &str)| Organization { id: id(text), name: name.to_owned() };
    let number = source.0[0..1].parse::<u32>().unwrap() * 10 + sink.0[0..1].parse::<u32>().unwrap();
    Connection {
        id: format!("{number:08}-0000-4000-8000-00000000000c").parse().unwrap(),
        source: organization(source),
        sink: organization(sink),
        types: types.iter().copied().collect(),
        created_at: "2026-01-01T00:00:00Z".parse().unwrap(),
        created_by: None,
    }
}

fn to_central() -> Connection {
    row((PAYMENTS, "Payments"), (CENTRAL, "Central"), &["metrics", "logs"])
}

fn to_security() -> Connection {
    row((PAYMENTS, "Payments"), (SECURITY, "Security & Audit"), &["audit"])
}

fn org(name: &str, organization: Option<&str>) -> KnownOrg {
    KnownOrg { key: key(name), site: Site::Eu1, terminating: false, organization: organization.map(id) }
}

fn scene(connections: &[Connection]) -> Scene {
    Scene {
        org: key("payments"),
        organization: Organization { id: id(PAYMENTS), name: "Payments".to_owned() },
        orgs: vec![org("payments", Some(PAYMENTS))],
        objects: Vec::new(),
        connections: connections.to_vec(),
    }
}

/// An OrgConnection as it comes from the API server.
fn object(name: &str, sink: &Value) -> Value {
    json!({
        "apiVersion": "crossorg.dev/v1alpha1",
        "kind": "OrgConnection",
        "metadata": {"name": name, "namespace": "team", "uid": "u-1"},
        "spec": {"sourceOrgRef": {"name": "payments"}, "sinkOrg": sink, "connectionTypes": ["logs"]},
    })
}

/// Which connections are left when this object is there, by the names of their sinks.
fn left(scene: &Scene, object: &Value) -> Vec<String> {
    let mut scene = scene.clone();
    scene.objects.push(Declaration::of(&serde_json::from_value(object.clone()).unwrap()));
    scene.undeclared().into_iter().map(|row| row.sink.name.clone()).collect()
}

fn names(exported: &Exported) -> Vec<&str> {
    exported.manifests.lines().filter_map(|line| line.strip_prefix("  name: ")).collect()
}

// === What a live object declares ===

#[test]
fn what_an_object_declares_by_id_or_reference_is_not_exported() {
    let mut scene = scene(&[to_central(), to_security()]);
    assert_eq!(left(&scene, &object("a", &json!({"id": CENTRAL}))), ["Security & Audit"]);
    assert_eq!(left(&scene, &object("a", &json!({"ref": {"name": "central"}}))).len(), 2, "a reference that leads nowhere");
    scene.orgs.push(org("central", Some(CENTRAL)));
    assert_eq!(left(&scene, &object("a", &json!({"ref": {"name": "central"}}))), ["Security & Audit"]);
    scene.orgs.pop();
    scene.orgs.push(org("central", None));
    assert_eq!(left(&scene, &object("a", &json!({"ref": {"name": "central"}}))).len(), 2, "one that has proven nothing, whatever its pin");
}

#[test]
fn an_object_of_another_namespace_declares_by_the_organizations_of_its_own() {
    let mut scene = scene(&[to_central()]);
    let mut elsewhere = object("a", &json!({"id": CENTRAL}));
    elsewhere["metadata"]["namespace"] = json!("other");
    assert_eq!(left(&scene, &elsewhere), ["Central"], "what `payments` is in that namespace is not known");
    let there = Key { namespace: "other".to_owned(), name: "payments".to_owned() };
    scene.orgs.push(KnownOrg { key: there.clone(), ..org("payments", Some(SECURITY)) });
    assert_eq!(left(&scene, &elsewhere), ["Central"], "it is another organization");
    scene.orgs.pop();
    scene.orgs.push(KnownOrg { key: there, ..org("payments", Some(PAYMENTS)) });
    assert!(left(&scene, &elsewhere).is_empty());
}

#[test]
fn a_sink_by_name_is_the_one_that_was_found_or_the_only_one_of_that_name() {
    let mut scene = scene(&[to_central(), to_security()]);
    let mut named = object("a", &json!({"name": "Central"}));
    assert_eq!(left(&scene, &named), ["Security & Audit"]);
    assert_eq!(left(&scene, &object("a", &json!({"name": "central"}))).len(), 2, "names are exact");
    named["status"] = json!({"observedGeneration": 1, "source": {"id": PAYMENTS}, "sink": {"id": SECURITY}});
    assert_eq!(left(&scene, &named), ["Central"], "it was found under that name before");
    scene.connections[1].sink.name = "Central".to_owned();
    assert_eq!(left(&scene, &object("a", &json!({"name": "Central"}))).len(), 2, "nobody knows which one is meant");
}

#[test]
fn a_recorded_connection_binds_a_sink_whose_datadogorg_is_gone_and_no_other() {
    let mut scene = scene(&[to_central(), to_security()]);
    let mut moved = object("a", &json!({"ref": {"name": "sink"}}));
    moved["status"] = json!({"observedGeneration": 1, "source": {"id": PAYMENTS}, "sink": {"id": CENTRAL}});
    assert_eq!(left(&scene, &moved).len(), 2, "a status that records no connection is of no weight");
    moved["status"]["connectionId"] = json!("aaaaaaaa-0000-4000-8000-000000000001");
    assert_eq!(left(&scene, &moved), ["Security & Audit"]);
    scene.orgs.push(org("sink", Some(SECURITY)));
    assert_eq!(left(&scene, &moved), ["Central"], "nobody manages what was recorded once the reference leads elsewhere");
}

#[test]
fn a_claim_hides_nothing_that_the_references_do_not_lead_to() {
    let mut scene = scene(&[to_central(), to_security()]);
    let mut forged = object("a", &json!({"id": SECURITY}));
    forged["metadata"]["annotations"] = json!({CLAIM_ANNOTATION: format!("u-1 {PAYMENTS}/{CENTRAL} create=2026-01-01T00:00:00Z")});
    assert_eq!(left(&scene, &forged), ["Central"]);
    for leads_nowhere in ["gone", "unproven"] {
        scene.orgs.push(org("unproven", None));
        forged["spec"]["sourceOrgRef"]["name"] = json!(leads_nowhere);
        assert_eq!(left(&scene, &forged).len(), 2, "{leads_nowhere}");
    }
}

#[test]
fn a_terminating_object_declares_nothing_and_keeps_its_name() {
    let mut scene = scene(&[to_central()]);
    let mut leaving = object("payments-to-central", &json!({"id": CENTRAL}));
    leaving["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    leaving["metadata"]["finalizers"] = json!(["crossorg.dev/connection"]);
    assert_eq!(left(&scene, &leaving), ["Central"]);
    scene.objects.push(Declaration::of(&serde_json::from_value(leaving).unwrap()));
    assert_eq!(names(&export(&scene).unwrap()), ["payments-to-central-2"]);
}

#[test]
fn an_object_that_cannot_be_read_keeps_its_name_too() {
    let mut scene = scene(&[to_central()]);
    scene.objects.push(Declaration::unreadable(key("payments-to-central")));
    scene.objects.push(Declaration::unreadable(Key { namespace: "other".to_owned(), name: "payments-to-central-2".to_owned() }));
    assert_eq!(names(&export(&scene).unwrap()), ["payments-to-central-2"]);
}

// === What is written ===

#[test]
fn a_manifest_says_what_is_shared_and_nothing_that_is_the_default() {
    let exported = export(&scene(&[to_security(), to_central()])).unwrap();
    let expected = "\
---
apiVersion: crossorg.dev/v1alpha1
kind: OrgConnection
metadata:
  name: payments-to-central
  namespace: team
spec:
  sourceOrgRef:
    name: payments
  sinkOrg:
    id: 22222222-0000-4000-8000-000000000002 # Central
  connectionTypes:
  - logs
  - metrics
  adoptionPolicy: IfIdentical
---
apiVersion: crossorg.dev/v1alpha1
kind: OrgConnection
metadata:
  name: payments-to-security-audit
  namespace: team
spec:
  sourceOrgRef:
    name: payments
  sinkOrg:
    id: 33333333-0000-4000-8000-000000000003 # Security & Audit
  connectionTypes:
  - audit
  adoptionPolicy: IfIdentical
";
    assert_eq!((exported.manifests.as_str(), exported.notes.len()), (expected, 0));
    let object: OrgConnection = serde_yaml::from_str(exported.manifests.split("---\n").nth(1).unwrap()).unwrap();
    assert_eq!(object.spec.connection_types, ["logs", "metrics"]);
}

#[test]
fn a_sink_is_named_by_the_first_datadogorg_beside_it_that_has_proven_it() {
    let sink = |orgs: &[KnownOrg]| {
        let mut scene = scene(&[to_central()]);
        scene.orgs.extend_from_slice(orgs);
        let text = export(&scene).unwrap().manifests;
        let object: OrgConnection = serde_yaml::from_str(text.strip_prefix("---\n").unwrap()).unwrap();
        let reference = object.spec.sink_org.r#ref.map(|reference| reference.name);
        assert_eq!(reference.is_none(), object.spec.sink_org.id.is_some());
        (object.metadata.name.unwrap(), reference)
    };
    let by = |name: &str| (format!("payments-to-{name}"), Some(name.to_owned()));
    let by_id = ("payments-to-central".to_owned(), None);
    let hub = org("hub", Some(CENTRAL));
    assert_eq!(sink(&[org("zoo", Some(CENTRAL)), hub.clone(), org("soc", Some(SECURITY))]), by("hub"));
    assert_eq!(sink(&[org("hub", None)]), by_id, "not proven");
    assert_eq!(sink(&[KnownOrg { terminating: true, ..hub.clone() }]), by_id, "on its way out");
    assert_eq!(sink(&[KnownOrg { site: Site::Us1, ..hub.clone() }]), by_id, "on another site");
    assert_eq!(sink(&[KnownOrg { key: Key { namespace: "other".to_owned(), name: "hub".to_owned() }, ..hub }]), by_id, "elsewhere");
}

#[test]
fn names_from_outside_stay_in_their_comment() {
    let hostile = "a\nspec: {} # \u{85}b: \u{2028}'\"";
    for name in ["", "# x", "- x: y", hostile] {
        let text = export(&scene(&[row((PAYMENTS, ""), (CENTRAL, name), &["on", "null", "e1"])])).unwrap().manifests;
        let object: OrgConnection = serde_yaml::from_str(text.strip_prefix("---\n").unwrap()).unwrap();
        assert_eq!(object.spec.sink_org.id.unwrap().0, CENTRAL, "{text}");
        assert_eq!(object.spec.connection_types, ["e1", "null", "on"], "{text}");
    }
}

#[test]
fn sinks_of_one_name_get_different_names_and_the_order_of_the_list_means_nothing() {
    let twins = [to_central(), row((PAYMENTS, ""), (SECURITY, "CENTRAL"), &["logs"])];
    let exported = export(&scene(&twins)).unwrap();
    assert_eq!(names(&exported), ["payments-to-central", "payments-to-central-2"]);
    let [one, other] = twins;
    assert_eq!(export(&scene(&[other, one])).unwrap(), exported);
}

// === What is only told ===

#[test]
fn connections_of_other_sources_are_told_and_not_exported() {
    let incoming = |source, name| row((source, name), (PAYMENTS, "Payments"), &["logs"]);
    let exported = export(&scene(&[incoming(SECURITY, ""), incoming(CENTRAL, "Central")])).unwrap();
    let told = format!(
        "Payments ({PAYMENTS}) is only the sink of 2 connections that no OrgConnection declares; export with a DatadogOrg of the source: \
         Central ({CENTRAL}), {SECURITY}"
    );
    assert_eq!(exported, Exported { manifests: String::new(), notes: vec![told] });

    let mut declared = scene(&[incoming(CENTRAL, "Central")]);
    declared.orgs.push(org("central", Some(CENTRAL)));
    let mut object = object("a", &json!({"ref": {"name": "payments"}}));
    object["spec"]["sourceOrgRef"]["name"] = json!("central");
    assert!(left(&declared, &object).is_empty());
}

#[test]
fn a_connection_with_types_that_no_object_can_name_is_left_out_and_told() {
    let many: Vec<String> = (0..17).map(|number| format!("t{number}")).collect();
    let long = "x".repeat(65);
    let odd: [Vec<&str>; 8] = [
        vec!["logs", "ci-pipelines"],
        vec!["Logs"],
        vec!["7th"],
        vec!["_x"],
        vec!["\u{e9}t\u{e9}"],
        vec![&long],
        vec![],
        many.iter().map(String::as_str).collect(),
    ];
    for types in odd {
        let exported = export(&scene(&[row((PAYMENTS, ""), (CENTRAL, "Central"), &types), to_security()])).unwrap();
        assert_eq!(names(&exported), ["payments-to-security-audit"], "{types:?}");
        assert!(exported.notes.len() == 1 && exported.notes[0].contains(&format!("Central ({CENTRAL}) is left out")), "{exported:?}");
    }
    let fit = export(&scene(&[row((PAYMENTS, ""), (CENTRAL, ""), &["ci_pipelines2", &long[1..]])])).unwrap();
    assert!(fit.notes.is_empty() && fit.manifests.contains("ci_pipelines2"));
}

#[test]
fn what_an_object_can_name_is_what_its_schema_says() {
    let crd = serde_json::to_value(OrgConnection::crd()).unwrap();
    let types = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["connectionTypes"];
    let limits =
        json!([types["minItems"], types["maxItems"], types["items"]["minLength"], types["items"]["maxLength"], types["items"]["pattern"]]);
    assert_eq!(limits, json!([1, MOST_TYPES, 1, LONGEST_TYPE, "^[a-z][a-z0-9_]*$"]));
}

#[test]
fn where_everything_is_declared_nothing_is_printed() {
    assert_eq!(export(&scene(&[])).unwrap(), Exported { manifests: String::new(), notes: Vec::new() });
}
