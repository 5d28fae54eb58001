use super::*;

#[test]
fn a_field_goes_with_all_that_is_below_it_and_nothing_else() {
    let manifest = "properties:\n  kept:\n    type: string\n  gone:\n    items:\n      type: string\n  after:\n    type: string\n";
    assert_eq!(without(manifest, "gone"), "properties:\n  kept:\n    type: string\n  after:\n    type: string\n");
    assert_eq!(without(manifest, "nowhere"), manifest);
}

#[test]
fn the_charts_crd_has_the_newest_field_and_that_of_the_version_before_lacks_it() {
    let crd = fs::read_to_string(repository::root().join("charts/crossorg").join(CRD)).unwrap();
    let field = format!("{NEWEST_FIELD}:");
    assert!(crd.contains(&field) && !without(&crd, NEWEST_FIELD).contains(&field));
}
