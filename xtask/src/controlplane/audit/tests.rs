use std::path::Path;

use super::{Entry, Error, Stage, parse, read};

const STATUS_PATCH: &str = r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"1","stage":"ResponseComplete","requestURI":"/apis/crossorg.dev/v1alpha1/namespaces/team-a/orgconnections/a/status","verb":"patch","user":{"username":"admin"},"userAgent":"crossorg/0.1.0","objectRef":{"resource":"orgconnections","namespace":"team-a","name":"a","apiGroup":"crossorg.dev","apiVersion":"v1alpha1","subresource":"status"},"responseStatus":{"metadata":{},"code":200}}"#;
const READYZ: &str = r#"{"stage":"ResponseComplete","requestURI":"/readyz","verb":"get","responseStatus":{"metadata":{},"code":200}}"#;

#[test]
fn a_request_is_read_with_all_its_parts() {
    let expected = Entry {
        stage: Stage::ResponseComplete,
        user: "admin".to_owned(),
        user_agent: "crossorg/0.1.0".to_owned(),
        verb: "patch".to_owned(),
        api_group: "crossorg.dev".to_owned(),
        resource: "orgconnections".to_owned(),
        subresource: "status".to_owned(),
        namespace: "team-a".to_owned(),
        name: "a".to_owned(),
        code: 200,
    };
    assert_eq!(parse(&format!("{STATUS_PATCH}\n")).unwrap(), [expected]);
}

#[test]
fn a_request_for_no_object_has_empty_parts() {
    let entries = parse(&format!("{READYZ}\n")).unwrap();
    assert_eq!((entries[0].resource.as_str(), entries[0].user_agent.as_str(), entries[0].code), ("", "", 200));
}

#[test]
fn a_last_line_that_is_still_being_written_does_not_count() {
    for length in 0..=STATUS_PATCH.len() {
        let text = format!("{READYZ}\n{}", &STATUS_PATCH[..length]);
        assert_eq!(parse(&text).unwrap().len(), 1, "after {length} bytes");
    }
}

#[test]
fn a_complete_line_that_is_no_event_is_named() {
    let error = parse(&format!("{READYZ}\nnonsense\n")).unwrap_err();
    assert!(matches!(error, Error::NotAnEvent { line: 2, .. }), "{error}");
}

#[test]
fn a_log_that_does_not_exist_yet_has_no_entries() {
    assert_eq!(read(Path::new("/nonexistent/audit.log")).unwrap(), []);
}

#[test]
fn writes_are_the_verbs_that_ask_for_a_change() {
    let entry = parse(&format!("{STATUS_PATCH}\n")).unwrap().remove(0);
    let with_verb = |verb: &str| Entry { verb: verb.to_owned(), ..entry.clone() };
    assert!(["create", "update", "patch", "delete", "deletecollection"].iter().all(|verb| with_verb(verb).is_write()));
    assert!(!["get", "list", "watch", "proxy"].iter().any(|verb| with_verb(verb).is_write()));
}

#[test]
fn a_client_is_told_by_the_beginning_of_its_user_agent() {
    let entry = parse(&format!("{STATUS_PATCH}\n")).unwrap().remove(0);
    assert!(entry.is_by("crossorg/"));
    assert!(!entry.is_by("controlplane-admin"));
}
