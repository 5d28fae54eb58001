use super::{Only, ROLES, Rule, templates};

/// The operator's own rules: in the namespaces that it watches, and in its own.
fn operators() -> impl Iterator<Item = &'static Rule> {
    ROLES[..2].iter().flat_map(|role| role.rules)
}

fn verbs_on(resource: &str) -> Vec<&'static str> {
    operators().filter(|rule| rule.resources.contains(&resource)).flat_map(|rule| rule.verbs.iter().copied()).collect()
}

#[test]
fn every_rule_stands_in_the_file_with_its_reason() {
    let text = templates();
    for rule in ROLES.iter().flat_map(|role| role.rules) {
        assert!(text.contains(rule.why) && text.contains(&format!("{:?}", rule.verbs)), "{}", rule.why);
    }
}

#[test]
fn a_secret_can_be_read_and_secrets_cannot_be_listed() {
    assert_eq!(verbs_on("secrets"), ["get"]);
}

#[test]
fn nothing_can_be_deleted_only_a_status_and_the_own_lease_be_replaced_and_nothing_is_meant_by_a_star() {
    for rule in operators() {
        for forbidden in ["delete", "deletecollection", "*", "escalate", "bind", "impersonate"] {
            assert!(!rule.verbs.contains(&forbidden) && !rule.resources.contains(&forbidden), "{}: {forbidden}", rule.why);
        }
        let replaces = rule.verbs.contains(&"update");
        assert!(!replaces || rule.only == Only::Release || rule.resources.iter().all(|name| name.ends_with("/status")), "{}", rule.why);
    }
}

#[test]
fn every_kind_can_be_watched_and_its_status_written() {
    for crd in crossorg::api::crds() {
        let plural = crd.spec.names.plural;
        assert!(verbs_on(&plural).contains(&"watch"), "{plural}");
        assert!(verbs_on(&format!("{plural}/status")).contains(&"update"), "{plural}");
    }
}

#[test]
fn no_person_is_given_a_status_to_write() {
    for rule in ROLES[2..].iter().flat_map(|role| role.rules) {
        assert!(rule.resources.iter().all(|resource| !resource.contains('/')), "{}", rule.why);
    }
}
