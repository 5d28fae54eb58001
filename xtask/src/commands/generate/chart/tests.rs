use super::{crd, with_version};

#[test]
fn the_chart_has_the_version_of_the_workspace_and_keeps_the_rest() {
    let text = "name: crossorg\nversion: 0.0.1\n# both\nappVersion: \"0.0.2\"\nkubeVersion: \">=1.31.0-0\"\n";
    let expected = "name: crossorg\nversion: 1.2.3\n# both\nappVersion: \"1.2.3\"\nkubeVersion: \">=1.31.0-0\"\n";
    assert_eq!(with_version(text, "1.2.3"), expected);
}

#[test]
fn what_looks_like_a_template_in_a_definition_stays_as_it_is() {
    let definition = "kind: CustomResourceDefinition\nmetadata:\n  name: any\ndescription: such as {{ name }}\nmetadata:\n";
    let text = crd(definition);
    assert!(text.contains("{{- if .Values.crds.enabled }}\nkind: CustomResourceDefinition\nmetadata:\n  labels:"), "{text}");
    assert!(text.ends_with("  name: any\ndescription: such as {{ \"{{\" }} name }}\nmetadata:\n{{- end }}\n"), "{text}");
}
