use serde_json::{Value, json};

use super::*;
use crate::decide::fixtures::{UID, at, bare_claim, claimant, claimed, connection, id, other_pair, pair, stranger, us};

/// An object that claimed [`pair`] and created its connection, exactly as it stands in the cluster.
fn manifest() -> Value {
    let claim = claimed(at(-3601)).claim.unwrap();
    json!({
        "apiVersion": "crossorg.dev/v1alpha1",
        "kind": "OrgConnection",
        "metadata": {
            "name": "payments-to-central", "namespace": "apps", "uid": UID, "resourceVersion": "7", "generation": 3,
            "creationTimestamp": "2026-03-01T10:00:00Z",
            "finalizers": ["others/finalizer", CONNECTION_FINALIZER],
            "annotations": { CLAIM_ANNOTATION: claim.render(UID), "others/annotation": "x".repeat(1000) },
            "labels": { PAIR_LABEL: pair_label(pair()), "app": "payments" },
            "managedFields": [{"manager": "crossorg"}],
        },
        "spec": {"sourceOrgRef": {"name": "payments"}, "sinkOrg": {"ref": {"name": "central"}}, "connectionTypes": ["metrics", "logs"]},
        "status": {
            "observedGeneration": 3,
            "connectionId": id(1).to_string(),
            "createdAt": "2026-03-01T11:00:00Z",
            "source": {"id": pair().source.to_string()},
            "sink": {"id": pair().sink.to_string(), "name": "central"},
        },
    })
}

fn with(change: impl FnOnce(&mut Value)) -> Subject {
    let mut manifest = manifest();
    change(&mut manifest);
    subject(manifest)
}

fn subject(manifest: Value) -> Subject {
    serde_json::from_value::<Row>(manifest).unwrap().subject.unwrap()
}

#[test]
fn a_row_remembers_all_that_decisions_need() {
    let subject = subject(manifest());
    assert_eq!(subject.key.to_string(), "apps/payments-to-central");
    assert_eq!((subject.uid.as_str(), subject.generation, subject.created), (UID, 3, Some(at(-7200))));
    assert!(subject.finalizer && !subject.terminating && subject.requested.is_none());
    assert_eq!(subject.memory, claimed(at(-3601)).recording(&connection()));
    assert_eq!(subject.memory.pair(), Some(pair()));
}

#[test]
fn a_row_from_the_cache_and_a_live_object_are_one_and_the_same_to_decisions() {
    let live: OrgConnection = serde_json::from_value(manifest()).unwrap();
    assert_eq!(format!("{:?}", Subject::of(&live)), format!("{:?}", subject(manifest())));
}

#[test]
fn references_stay_in_the_namespace() {
    let subject = subject(manifest());
    assert_eq!(subject.source().to_string(), "apps/payments");
    assert_eq!(subject.sink().unwrap().to_string(), "apps/central");
    let by_id = with(|manifest| manifest["spec"]["sinkOrg"] = json!({"id": pair().sink.to_string()}));
    assert_eq!(by_id.sink(), None);
}

#[test]
fn a_claim_is_intact_only_with_annotation_finalizer_and_label() {
    assert!(subject(manifest()).memory.intact);
    let damages: [fn(&mut Value); 4] = [
        |manifest| manifest["metadata"]["finalizers"] = json!(["others/finalizer"]),
        |manifest| manifest["metadata"]["labels"] = json!({}),
        |manifest| manifest["metadata"]["labels"][PAIR_LABEL] = json!(pair_label(other_pair())),
        |manifest| manifest["metadata"]["annotations"] = json!({}),
    ];
    for (number, damage) in damages.into_iter().enumerate() {
        let memory = with(damage).memory;
        assert!(!memory.intact, "damage {number}");
        assert_eq!(memory.pair(), Some(pair()), "damage {number}: the pair is still known");
    }
}

#[test]
fn the_claim_of_another_uid_is_none() {
    let copy = with(|manifest| {
        manifest["metadata"]["uid"] = json!("bbbbbbbb-0000-4000-8000-00000000000b");
        manifest["status"] = json!({"observedGeneration": -1});
    });
    assert_eq!((copy.memory.claim, copy.memory.pair(), copy.memory.intact), (None, None, false));
}

#[test]
fn a_status_that_cannot_be_read_remembers_nothing_and_stops_nobody() {
    let memory = with(|manifest| {
        manifest["status"]["connectionId"] = json!("not an id");
        manifest["status"]["source"] = json!({"id": "not an id"});
    })
    .memory;
    assert_eq!((memory.recorded, memory.recorded_pair, memory.pair()), (None, None, Some(pair())));
    assert!(!memory.owns(&connection().made_by(stranger()), Some(us())));
}

#[test]
fn an_object_without_a_status_is_understood() {
    let subject = with(|manifest| {
        manifest.as_object_mut().unwrap().remove("status");
    });
    assert_eq!(subject.memory, claimed(at(-3601)));
    assert!(!subject.digest.is_in_sync(3));
}

#[test]
fn a_deletion_is_seen() {
    let subject = with(|manifest| manifest["metadata"]["deletionTimestamp"] = json!("2026-03-01T12:00:00Z"));
    assert!(subject.terminating && subject.claimant(None, Intent::HandOver).terminating);
}

#[test]
fn others_see_an_object_with_what_it_would_do() {
    let subject = subject(manifest());
    for intent in [Intent::Hold(pair()), Intent::Neither] {
        let memory = claimed(at(-3601)).recording(&connection());
        let expected =
            Claimant { name: "apps/payments-to-central".to_owned(), uid: UID.to_owned(), intent, ..claimant("any", 7200, memory) };
        assert_eq!(subject.claimant(Some(us()), intent), expected);
    }
}

/// The object with a spec that this version cannot read, changed like this.
fn misread(change: impl FnOnce(&mut Value)) -> Unclear {
    let mut manifest = manifest();
    manifest["spec"]["deletionPolicy"] = json!("Shred");
    change(&mut manifest);
    *serde_json::from_value::<Row>(manifest).unwrap().subject.unwrap_err()
}

#[test]
fn an_object_whose_spec_cannot_be_understood_is_still_a_rival_with_all_that_it_remembers() {
    let Unclear { key, error, claimant: seen } = misread(|_| {});
    assert_eq!((key.to_string(), seen.name.as_str()), ("apps/payments-to-central".to_owned(), "apps/payments-to-central"));
    assert!(error.starts_with("spec: unknown variant `Shred`"), "{error}");
    assert_eq!((seen.uid.as_str(), seen.created), (UID, Some(at(-7200))));
    assert_eq!((seen.terminating, seen.intent, seen.acts_as), (false, Intent::Unclear, None));
    assert_eq!(seen.memory, claimed(at(-3601)).recording(&connection()));
    assert!(misread(|manifest| manifest["metadata"]["deletionTimestamp"] = json!("2026-03-01T12:00:00Z")).claimant.terminating);
}

#[test]
fn what_an_unclear_object_has_recorded_outlives_a_claim_that_was_taken_away_or_forged() {
    let forged = Claim { pair: other_pair(), ..bare_claim() }.render(UID);
    for annotations in [json!({}), json!({ CLAIM_ANNOTATION: "?" }), json!({ CLAIM_ANNOTATION: forged })] {
        let memory = misread(|manifest| manifest["metadata"]["annotations"] = annotations.clone()).claimant.memory;
        assert_eq!(memory, Memory::default().recording(&connection()), "{annotations}");
    }
}

#[test]
fn an_unclear_object_without_a_status_has_its_claim_alone_and_without_that_is_nobody() {
    let misread = |change: fn(&mut Value)| {
        let misread = misread(|manifest| {
            manifest.as_object_mut().unwrap().remove("status");
            change(manifest);
        });
        misread.claimant.memory
    };
    assert_eq!(misread(|_| {}), claimed(at(-3601)));
    assert_eq!(misread(|manifest| manifest["metadata"]["annotations"] = json!({})).pair(), None);
    let copied = |manifest: &mut Value| {
        manifest["metadata"]["annotations"][CLAIM_ANNOTATION] = json!(bare_claim().render("bbbbbbbb-0000-4000-8000-00000000000b"));
    };
    assert_eq!(misread(copied).pair(), None);
}

#[test]
fn an_object_whose_status_cannot_be_understood_still_remembers_what_it_owns() {
    let mut manifest = manifest();
    manifest["status"]["origin"] = json!("Inherited");
    let row = serde_json::from_value::<Row>(manifest).unwrap();
    assert_eq!(row.memory(), claimed(at(-3601)).recording(&connection()));
    let error = row.subject.unwrap_err().error;
    assert!(error.starts_with("status: unknown variant `Inherited`"), "{error}");
}

#[test]
fn what_of_a_status_says_what_its_object_owns_is_all_that_is_remembered() {
    let whole = serde_json::from_value::<Row>(manifest()).unwrap().memory();
    for name in OWNED {
        let mut manifest = manifest();
        manifest["status"].as_object_mut().unwrap().remove(name).unwrap();
        assert_ne!(serde_json::from_value::<Row>(manifest).unwrap().memory(), whole, "{name}");
    }
    let mut manifest = manifest();
    manifest["status"].as_object_mut().unwrap().retain(|name, _| OWNED.contains(&name.as_str()));
    assert_eq!(serde_json::from_value::<Row>(manifest).unwrap().memory(), whole);
}

#[test]
fn an_object_without_a_spec_cannot_be_understood() {
    let error = misread(|manifest| drop(manifest.as_object_mut().unwrap().remove("spec"))).error;
    assert!(error.starts_with("spec: invalid type: null"), "{error}");
}

#[test]
fn a_request_is_open_until_its_value_is_echoed() {
    let ask = |requested: &str, handled: &str| {
        with(|manifest| {
            manifest["metadata"]["annotations"][RECONCILE_REQUEST_ANNOTATION] = json!(requested);
            manifest["status"]["lastHandledReconcileAt"] = json!(handled);
        })
    };
    assert_eq!(ask("now", "").open_request(), Some("now"));
    assert_eq!(ask("now", "before").open_request(), Some("now"));
    assert_eq!(ask("now", "now").open_request(), None);
    assert_eq!(subject(manifest()).open_request(), None);
}

#[test]
fn a_request_that_no_status_has_room_for_is_none() {
    for (length, open) in [(LONGEST_REQUEST, true), (LONGEST_REQUEST + 1, false)] {
        let subject = with(|manifest| manifest["metadata"]["annotations"][RECONCILE_REQUEST_ANNOTATION] = json!("x".repeat(length)));
        assert_eq!(subject.open_request().is_some(), open);
    }
}

#[test]
fn a_row_keeps_of_its_metadata_only_what_the_cache_needs() {
    let row: Row = serde_json::from_value(manifest()).unwrap();
    let kept = serde_json::to_value(row.meta()).unwrap();
    let mut names: Vec<_> = kept.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["generation", "name", "namespace", "resourceVersion", "uid"]);
}

#[test]
fn a_row_is_of_the_kind_that_it_stands_for() {
    assert_eq!(Row::kind(&()), "OrgConnection");
    assert_eq!((Row::group(&()), Row::version(&()), Row::plural(&())), ("crossorg.dev".into(), "v1alpha1".into(), "orgconnections".into()));
}
