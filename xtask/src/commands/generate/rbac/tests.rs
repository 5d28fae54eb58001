use k8s_openapi::api::rbac::v1::PolicyRule;

use super::{RULES, rules};

fn parsed() -> Vec<PolicyRule> {
    serde_yaml::from_str(&rules()).unwrap()
}

fn verbs_on(resource: &str) -> Vec<String> {
    let speaks_of = |rule: &PolicyRule| rule.resources.iter().flatten().any(|name| name == resource);
    parsed().into_iter().filter(speaks_of).flat_map(|rule| rule.verbs).collect()
}

#[test]
fn what_is_rendered_is_what_is_listed() {
    let parsed = parsed();
    assert_eq!(parsed.len(), RULES.len());
    for (rule, parsed) in RULES.iter().zip(parsed) {
        assert_eq!(parsed.api_groups, Some(vec![rule.group.to_owned()]));
        assert_eq!(parsed.resources.as_deref(), Some(rule.resources.iter().map(|&name| name.to_owned()).collect::<Vec<_>>().as_slice()));
        assert_eq!(parsed.verbs, rule.verbs);
    }
}

#[test]
fn a_secret_can_be_read_and_secrets_cannot_be_listed() {
    assert_eq!(verbs_on("secrets"), ["get"]);
}

#[test]
fn nothing_can_be_deleted_only_a_status_be_replaced_and_nothing_is_meant_by_a_star() {
    let text = rules();
    for forbidden in ["delete", "\"*\"", "escalate", "bind", "impersonate"] {
        assert!(!text.contains(forbidden), "{forbidden}");
    }
    let replaced = RULES.iter().filter(|rule| rule.verbs.contains(&"update")).flat_map(|rule| rule.resources);
    assert!(replaced.into_iter().all(|resource| resource.ends_with("/status")));
}

#[test]
fn every_kind_can_be_watched_and_its_status_written() {
    for crd in crossorg::api::crds() {
        let plural = crd.spec.names.plural;
        assert!(verbs_on(&plural).contains(&"watch".to_owned()), "{plural}");
        assert!(verbs_on(&format!("{plural}/status")).contains(&"update".to_owned()), "{plural}");
    }
}
