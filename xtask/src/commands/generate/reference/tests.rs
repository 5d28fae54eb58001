use crossorg::api::crds;

use super::*;

fn written() -> String {
    page(&crds()).unwrap()
}

/// What stands below a field's heading.
fn section_of(heading: &str) -> String {
    let page = written();
    let (_, rest) = page.split_once(&format!("### {heading}\n\n")).unwrap_or_else(|| panic!("{heading} has no section"));
    rest.split("\n#").next().unwrap().to_owned()
}

#[test]
fn a_field_is_told_with_its_type_its_default_its_values_and_what_it_means() {
    let adoption = section_of("OrgConnection `spec.adoptionPolicy`");
    assert!(adoption.starts_with("What becomes of a connection that exists already"), "{adoption}");
    assert!(adoption.ends_with("\n\n- string, default `Never`\n- one of `Never`, `IfIdentical`, `Always`\n"), "{adoption}");
    let types = section_of("OrgConnection `spec.connectionTypes`");
    for fact in [
        "- list of strings, required\n",
        "- 1 to 16 items\n",
        "- each: 1 to 64 characters; matches `^[a-z][a-z0-9_]*$`\n",
        "- refused otherwise: *connectionTypes must not name a type twice: remove the repeated one*\n",
    ] {
        assert!(types.contains(fact), "{fact} in {types}");
    }
}

#[test]
fn the_status_and_what_lies_in_lists_is_told_too() {
    assert!(section_of("DatadogOrg `status.unmanaged`").contains("- at most 100 items\n"));
    assert!(section_of("DatadogOrg `status.unmanaged[].source.id`").contains("- string, required\n"));
    assert!(section_of("DatadogOrg `status.connections.managed`").contains("- at least 0\n"));
    assert!(section_of("OrgConnection `status.createdAt`").contains("- time, optional\n"));
}

#[test]
fn rules_of_a_whole_object_stand_at_its_beginning() {
    let page = written();
    let beginning = page.split("## DatadogOrg\n").nth(1).unwrap().split("| Field").next().unwrap();
    assert!(beginning.contains("refused otherwise: *site cannot be changed once"), "{beginning}");
}

#[test]
fn every_line_of_an_overview_leads_to_a_section_and_none_is_led_to_twice() {
    let page = written();
    let of_heading = |line: &str| {
        let letters = line.chars().filter(|letter| letter.is_ascii_alphanumeric() || matches!(letter, ' ' | '-' | '_'));
        letters.collect::<String>().to_lowercase().replace(' ', "-")
    };
    let headings: Vec<String> = page.lines().filter_map(|line| line.strip_prefix("### ")).map(of_heading).collect();
    let links: Vec<&str> = page.lines().filter_map(|line| line.split_once("](#")?.1.split_once(')')).map(|(anchor, _)| anchor).collect();
    assert!(links.len() > 60, "{}", links.len());
    assert_eq!(links, headings);
    let mut once = headings.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), headings.len());
}

#[test]
fn every_rule_of_the_kinds_is_on_the_page() {
    let schemas = serde_json::to_string(&crds()).unwrap();
    let page = written();
    assert_eq!(schemas.matches("\"rule\":").count(), page.matches("refused otherwise: ").count());
}

#[test]
fn nothing_on_the_page_is_taken_for_markup() {
    let page = written();
    let outside_code: String = page.lines().skip(1).flat_map(|line| line.split('`').step_by(2)).collect();
    assert!(!outside_code.contains('<'), "{outside_code}");
}
