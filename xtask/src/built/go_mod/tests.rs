use super::GoMod;

const KUBERNETES: &str = "k8s.io/kubernetes ";

fn go_mod() -> GoMod {
    GoMod::parse("module example\n\ngo 1.26.0\n\nrequire (\n\tk8s.io/kubectl v0.0.0\n\tk8s.io/kubernetes v1.37.1\n)\n", KUBERNETES).unwrap()
}

#[test]
fn the_versions_come_from_the_go_and_the_require_line() {
    assert_eq!(go_mod(), GoMod { go: "1.26.0".to_owned(), version: "v1.37.1".to_owned() });
    assert_eq!(GoMod::parse("go 1.26.0\nrequire k8s.io/kubernetes v1.38.0 // why\n", KUBERNETES).unwrap().version, "v1.38.0");
}

#[test]
fn a_missing_line_is_named() {
    assert_eq!(GoMod::parse("module example\n", KUBERNETES), Err("go "));
    assert_eq!(GoMod::parse("go 1.26\n", KUBERNETES), Err(KUBERNETES));
}

#[test]
fn a_go_as_old_as_go_mod_asks_for_is_accepted_and_an_older_one_is_not() {
    for version in
        ["go1.26", "go1.26.0", "go1.26.8\n", "go1.27rc1", "go1.100.0", "go2.0", "devel go1.28-2f1cab3 Mon Feb 2", "go1.26.1 X:loopvar"]
    {
        assert!(go_mod().accepts(version), "{version}");
    }
    for version in ["go1.25.9", "go1.9.7", "go1.3", "", "gccgo", "no version"] {
        assert!(!go_mod().accepts(version), "{version}");
    }
}
