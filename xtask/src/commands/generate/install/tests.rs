use super::{PATH, manifest, without_helm};
use crate::commands::repository;

#[test]
fn the_manifest_in_the_repository_is_the_chart_rendered() {
    let root = repository::root();
    let written = repository::read(&root, PATH).unwrap();
    let rendered = manifest(&root).unwrap();
    assert!(written.as_ref() == Some(&rendered.text), "deploy/install.yaml is not the chart rendered: run `make generate`");
}

#[test]
fn what_speaks_of_helm_is_left_out() {
    let rendered = "---\n# Source: crossorg/templates/service.yaml\nlabels:\n  helm.sh/chart: crossorg-0.1.0\n  app: x\n";
    assert_eq!(without_helm(rendered), "---\nlabels:\n  app: x\n");
}
