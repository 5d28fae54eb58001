use std::fs;
use std::path::Path;

use super::{Binaries, Error, Program, cache_directory, fingerprint, is_filled};

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, content) in files {
        fs::write(directory.path().join(name), content).unwrap();
    }
    directory
}

fn fingerprint_of(files: &[(&str, &str)]) -> String {
    fingerprint(folder(files).path()).unwrap()
}

#[test]
fn the_cache_directory_is_the_users() {
    assert_eq!(cache_directory(Some("/x".into()), Some("/home/ann".into())).unwrap(), Path::new("/x"));
    assert!(cache_directory(None, Some("/home/ann".into())).unwrap().starts_with("/home/ann"));
    assert!(matches!(cache_directory(None, None), Err(Error::NoCacheDirectory)));
}

#[test]
fn the_fingerprint_follows_what_go_reads_and_nothing_else() {
    let sources = [("go.mod", "a"), ("go.sum", "b"), ("main.go", "c")];
    let fingerprint = fingerprint_of(&sources);
    assert_eq!(fingerprint.len(), 16);
    assert_eq!(fingerprint, fingerprint_of(&[&sources[..], &[("main.go~", "x"), (".DS_Store", "y")]].concat()));
    for changed in [
        [("go.mod", "x"), ("go.sum", "b"), ("main.go", "c")],
        [("go.mod", "a"), ("go.sum", "b"), ("main.go", "")],
        [("go.mod", "a"), ("go.sum", "bc"), ("main.go", "")],
        [("go.mod", "a"), ("go.sum", "b"), ("other.go", "c")],
    ] {
        assert_ne!(fingerprint, fingerprint_of(&changed), "{changed:?}");
    }
}

#[test]
fn a_cache_that_lacks_a_binary_is_not_filled() {
    let names = Program::ALL.map(|program| (program.name(), ""));
    assert!(is_filled(folder(&names).path()));
    assert!(!is_filled(folder(&names[1..]).path()));
    assert!(!is_filled(Path::new("/nonexistent")));
}

#[test]
fn a_controller_manager_from_elsewhere_leaves_the_others_where_they_are() {
    let binaries = Binaries { base: "/assets".into(), controller_manager: Some("/cache".into()) };
    assert_eq!(binaries.directory(), Path::new("/assets"));
    assert_eq!(binaries.path(Program::Kubectl), Path::new("/assets/kubectl"));
    assert_eq!(binaries.path(Program::KubeControllerManager), Path::new("/cache/kube-controller-manager"));
}

#[test]
fn without_go_the_error_says_both_ways_out() {
    let error = Error::NoGo { problem: "there is no Go on the PATH".to_owned(), needed: "1.26.0".to_owned() }.to_string();
    assert!(error.contains("install Go 1.26.0 or later") && error.contains("KUBEBUILDER_ASSETS"), "{error}");
}
