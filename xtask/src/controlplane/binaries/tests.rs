use std::path::Path;

use super::{Binaries, CONTROL_PLANE, Program, kubernetes_version};

#[test]
fn every_program_is_a_name_of_the_one_executable() {
    assert_eq!(Program::ALL.map(Program::name), CONTROL_PLANE.links);
}

#[test]
fn the_binary_tells_the_version_of_kubernetes() {
    let settings = kubernetes_version("v1.37.1");
    for setting in ["gitVersion=v1.37.1", "gitMajor=1", "gitMinor=37"] {
        assert!(settings.contains(&format!("-X k8s.io/component-base/version.{setting}")), "{settings}");
    }
}

#[test]
fn a_controller_manager_from_elsewhere_leaves_the_others_where_they_are() {
    let binaries = Binaries { base: "/assets".into(), controller_manager: Some("/cache".into()) };
    assert_eq!(binaries.directory(), Path::new("/assets"));
    assert_eq!(binaries.path(Program::Kubectl), Path::new("/assets/kubectl"));
    assert_eq!(binaries.path(Program::KubeControllerManager), Path::new("/cache/kube-controller-manager"));
}
