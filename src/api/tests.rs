use serde_json::{Value, json};

use super::conditions::{ConnectionReason, OrganizationReason};
use super::*;

/// A place in a schema, and the schema that stands there.
type Place = (String, Value);

fn manifest(crd: &CustomResourceDefinition) -> Value {
    serde_json::to_value(crd).unwrap()
}

fn schema(crd: &CustomResourceDefinition) -> Value {
    manifest(crd)["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone()
}

/// Every schema within this one, with its path.
fn places(path: &str, schema: &Value, found: &mut Vec<Place>) {
    found.push((path.to_owned(), schema.clone()));
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        places(&format!("{path}.{name}"), property, found);
    }
    if let Some(items) = schema.get("items") {
        places(&format!("{path}[]"), items, found);
    }
}

fn every_place() -> Vec<Place> {
    let mut found = Vec::new();
    for crd in crds() {
        places(&crd.spec.names.kind, &schema(&crd), &mut found);
    }
    found
}

/// Conditions are Kubernetes' own type, with limits that its controllers keep.
fn is_within_a_condition(path: &str) -> bool {
    path.contains(".conditions[]")
}

fn at(kind: usize, path: &[&str]) -> Value {
    path.iter().fold(schema(&crds()[kind]), |schema, name| schema["properties"][*name].clone())
}

#[test]
fn every_field_has_a_description() {
    for (path, schema) in every_place().into_iter().filter(|(path, _)| !path.ends_with("[]")) {
        assert!(schema["description"].as_str().is_some_and(|text| text.len() > 10), "{path} has no description");
    }
}

#[test]
fn every_string_list_and_map_has_a_maximum() {
    for (path, schema) in every_place().into_iter().filter(|(path, _)| !is_within_a_condition(path)) {
        let bounded = match schema["type"].as_str().unwrap_or_default() {
            "string" => ["maxLength", "enum", "format"].iter().any(|limit| schema.get(*limit).is_some()),
            "array" => schema.get("maxItems").is_some(),
            "object" => schema.get("additionalProperties").is_none(),
            "integer" | "boolean" => true,
            other => panic!("{path} has the type `{other}`, which nothing here expects"),
        };
        assert!(bounded, "{path} has no maximum: {schema}");
    }
}

#[test]
fn every_value_of_a_choice_is_explained() {
    for (path, schema) in every_place() {
        for value in schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            assert!(schema["description"].as_str().unwrap_or_default().contains(value), "{path} does not explain {value}");
        }
    }
}

#[test]
fn no_member_holds_what_the_schema_does_not_name() {
    for (path, schema) in every_place() {
        assert!(schema.get("x-kubernetes-preserve-unknown-fields").is_none(), "{path}");
    }
}

#[test]
fn connection_types_are_one_value_that_no_second_manager_adds_to() {
    let types = at(1, &["spec", "connectionTypes"]);
    assert_eq!(types["x-kubernetes-list-type"], "atomic");
    assert_eq!((&types["minItems"], &types["maxItems"]), (&json!(1), &json!(16)));
}

#[test]
fn conditions_of_others_survive_beside_ours() {
    for kind in 0..crds().len() {
        let conditions = at(kind, &["status", "conditions"]);
        assert_eq!(conditions["x-kubernetes-list-type"], "map");
        assert_eq!(conditions["x-kubernetes-list-map-keys"], json!(["type"]));
    }
}

#[test]
fn an_object_that_nobody_has_looked_at_is_not_taken_for_done() {
    for kind in 0..crds().len() {
        assert_eq!(at(kind, &["status"])["default"], json!({"observedGeneration": -1}));
        assert_eq!(at(kind, &["status", "observedGeneration"])["default"], -1);
    }
}

#[test]
fn a_spec_left_short_is_filled_in_on_the_safe_side() {
    assert_eq!(at(0, &["spec", "pollInterval"])["default"], "60s");
    assert_eq!(at(0, &["spec", "maxDeletionsPerHour"])["default"], 10);
    assert_eq!(at(1, &["spec", "deletionPolicy"])["default"], "Delete");
    assert_eq!(at(0, &["spec"])["required"], json!(["credentialsSecretRef", "site"]));
    assert_eq!(at(1, &["spec"])["required"], json!(["connectionTypes", "sinkOrg", "sourceOrgRef"]));
}

#[test]
fn every_admission_rule_says_what_to_do() {
    let rules: Vec<Value> =
        every_place().iter().flat_map(|(_, schema)| schema["x-kubernetes-validations"].as_array().cloned().unwrap_or_default()).collect();
    assert!(rules.len() >= 10, "{} rules are left", rules.len());
    for rule in rules {
        assert!(rule["message"].as_str().is_some_and(|message| message.len() > 20), "{rule}");
    }
}

#[test]
fn no_reference_leaves_its_namespace() {
    let names: Vec<_> = every_place().into_iter().map(|(path, _)| path).filter(|path| path.ends_with(".namespace")).collect();
    assert!(names.is_empty(), "{names:?}");
}

#[test]
fn both_kinds_are_found_under_their_names() {
    let names = |crd: &CustomResourceDefinition| {
        let names = crd.spec.names.clone();
        (names.kind, names.plural, names.short_names.unwrap_or_default(), names.categories.unwrap_or_default())
    };
    let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let [org, connection] = crds();
    assert_eq!(names(&org), ("DatadogOrg".to_owned(), "datadogorgs".to_owned(), words(&["ddorg"]), words(&["datadog"])));
    assert_eq!(names(&connection), ("OrgConnection".to_owned(), "orgconnections".to_owned(), words(&["oconn"]), words(&["datadog"])));
    for crd in crds() {
        assert_eq!((crd.spec.group.as_str(), crd.spec.scope.as_str()), ("crossorg.dev", "Namespaced"));
        let [version] = crd.spec.versions.as_slice() else { panic!("one version") };
        assert_eq!((version.name.as_str(), version.served, version.storage), ("v1alpha1", true, true));
        assert!(version.subresources.as_ref().is_some_and(|subresources| subresources.status.is_some()), "status is its own subresource");
    }
}

#[test]
fn a_listing_shows_what_people_ask_for_first() {
    let columns = |kind: usize, wide: bool| -> Vec<String> {
        let crd = manifest(&crds()[kind]);
        let columns = crd["spec"]["versions"][0]["additionalPrinterColumns"].as_array().unwrap().clone();
        let shown = columns.into_iter().filter(|column| (column["priority"] == 1) == wide);
        shown.map(|column| column["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(columns(0, false), ["Ready", "Reason", "Organization", "Id", "Age"]);
    assert_eq!(columns(0, true), ["Message"]);
    assert_eq!(columns(1, false), ["Ready", "Reason", "Source", "Sink", "Types", "Age"]);
    assert_eq!(columns(1, true), ["Id", "Message"]);
}

#[test]
fn every_column_leads_to_a_field_that_exists() {
    let known: Vec<String> = every_place().into_iter().map(|(path, _)| path).collect();
    for crd in crds() {
        let manifest = manifest(&crd);
        for column in manifest["spec"]["versions"][0]["additionalPrinterColumns"].as_array().unwrap() {
            let path = column["jsonPath"].as_str().unwrap();
            let place = path.replace(r#"[?(@.type=="Ready")]"#, "[]");
            let exists = known.contains(&format!("{}{place}", crd.spec.names.kind));
            assert!(exists || path == ".metadata.creationTimestamp", "{path} of {}", crd.spec.names.kind);
        }
    }
}

#[test]
fn the_manifests_read_back_as_what_was_written() {
    let texts = manifests().unwrap();
    let read: Vec<CustomResourceDefinition> =
        texts.split("---\n").skip(1).map(|document| serde_yaml::from_str(document).unwrap()).collect();
    assert_eq!(read, crds());
}

#[test]
fn what_is_stored_in_clusters_keeps_its_name() {
    assert_eq!(CONNECTION_FINALIZER, "crossorg.dev/connection");
    assert_eq!(IN_USE_FINALIZER, "crossorg.dev/in-use");
    assert_eq!(CLAIM_ANNOTATION, "crossorg.dev/claim");
    assert_eq!(PAIR_LABEL, "crossorg.dev/pair");
    assert_eq!(RECONCILE_REQUEST_ANNOTATION, "crossorg.dev/reconcile-requested-at");
    assert_eq!(APPROVAL_ANNOTATION, "crossorg.dev/approve-deletions-until");
    assert_eq!(FIELD_MANAGER, "crossorg");
}

#[test]
fn the_words_in_conditions_keep_their_spelling() {
    let connection: Vec<_> = ConnectionReason::ALL.iter().map(|reason| reason.name()).collect();
    let organization: Vec<_> = OrganizationReason::ALL.iter().map(|reason| reason.name()).collect();
    assert_eq!(
        connection.join(" "),
        "InSync OrganizationNotReady InventoryUnavailable Throttled Retrying Deleting DeletionHeld AlreadyExists Conflict DeletedOutside \
         Contested OutOfSync Suspended PairChanged DifferentSite SameOrganization SinkUnknown NotAllowed PermissionMissing DeletionBlocked Invalid"
    );
    assert_eq!(
        organization.join(" "),
        "Connected Checking SecretNotFound SecretUnreadable Unreachable Throttled InUse Suspended SecretForbidden SecretInvalid KeyRejected \
         WrongOrganization PermissionMissing Invalid"
    );
}

#[test]
fn a_manifest_as_people_write_it_is_understood() {
    let org: DatadogOrg = serde_yaml::from_str(
        "{apiVersion: crossorg.dev/v1alpha1, kind: DatadogOrg, metadata: {name: payments}, spec: {site: datadoghq.eu, \
         credentialsSecretRef: {name: payments-datadog}, pollInterval: 60s}}",
    )
    .unwrap();
    assert_eq!(org.spec.site.domain(), "datadoghq.eu");
    let connection: OrgConnection = serde_yaml::from_str(
        "{apiVersion: crossorg.dev/v1alpha1, kind: OrgConnection, metadata: {name: a}, spec: {sourceOrgRef: {name: payments}, \
         sinkOrg: {ref: {name: central}}, connectionTypes: [logs]}}",
    )
    .unwrap();
    assert_eq!(connection.spec.deletion_policy, org_connection::DeletionPolicy::Delete);
}

#[test]
fn every_site_is_written_as_its_domain() {
    use super::datadog_org::Site;
    let sites = at(0, &["spec", "site"])["enum"].as_array().unwrap().clone();
    assert_eq!(sites.len(), 9);
    for text in sites {
        let site: Site = serde_json::from_value(text.clone()).unwrap();
        assert_eq!(site.domain(), text);
    }
}

/// The headings of docs/conditions.md below that of the kind.
fn sections(kind: &str) -> Vec<&'static str> {
    let page = include_str!("../../docs/conditions.md");
    let of_kind = page.split("\n## ").find_map(|part| part.strip_prefix(kind)).unwrap();
    of_kind.lines().filter_map(|line| line.strip_prefix("### ")).collect()
}

#[test]
fn every_reason_has_its_section_in_the_docs_and_every_section_its_reason() {
    let sorted = |mut words: Vec<&'static str>| {
        words.sort_unstable();
        words
    };
    let connection = ConnectionReason::ALL.iter().map(|reason| reason.name()).collect();
    let organization = OrganizationReason::ALL.iter().map(|reason| reason.name()).collect();
    assert_eq!(sorted(sections("OrgConnection")), sorted(connection));
    assert_eq!(sorted(sections("DatadogOrg")), sorted(organization));
}
