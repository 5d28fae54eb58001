use std::sync::mpsc;

use super::{LINES_KEPT, Progress, follow, read_go_mod};
use crate::built::Error;

fn progress_of(lines: &[&str]) -> Progress {
    let (sender, receiver) = mpsc::channel();
    lines.iter().for_each(|line| sender.send((*line).to_owned()).unwrap());
    drop(sender);
    follow(&receiver)
}

#[test]
fn downloads_and_compiled_packages_are_counted() {
    let progress = progress_of(&[
        "go: downloading k8s.io/api v0.37.1",
        "internal/abi",
        "k8s.io/api/core/v1",
        "# k8s.io/api",
        "./main.go:3:1: syntax error",
    ]);
    assert_eq!((progress.downloaded, progress.compiled), (1, 2));
    assert_eq!(progress.summary(), "0 min 00 s: 1 modules downloaded, 2 packages compiled");
}

#[test]
fn an_error_shows_the_last_lines_alone() {
    let lines: Vec<String> = (0..LINES_KEPT + 5).map(|number| number.to_string()).collect();
    let last = progress_of(&lines.iter().map(String::as_str).collect::<Vec<_>>()).last_lines();
    assert_eq!(last.lines().count(), LINES_KEPT);
    assert!(last.starts_with("  5\n") && last.ends_with("  24\n"), "{last}");
}

#[test]
fn a_go_mod_without_kubernetes_is_an_error_that_names_the_file() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("go.mod"), "go 1.26.0\n").unwrap();
    let error = read_go_mod(directory.path(), "k8s.io/kubernetes ").unwrap_err();
    assert!(matches!(&error, Error::GoMod { path, .. } if path.starts_with(directory.path())), "{error}");
}
