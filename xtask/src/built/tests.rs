use std::fs;
use std::path::Path;

use super::{Error, Recipe, cache_directory, fingerprint};

const RECIPE: Recipe = Recipe {
    title: "the program",
    folder: "some/program",
    package: ".",
    versioned: "example.org/program ",
    tells: str::to_owned,
    executable: "program",
    links: &["one", "other"],
    takes: "no time",
    otherwise: ", or do without",
};

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
fn a_directory_that_lacks_a_name_has_not_the_program() {
    let names = [("program", ""), ("one", ""), ("other", "")];
    assert!(RECIPE.is_in(folder(&names).path()));
    assert!(!RECIPE.is_in(folder(&names[1..]).path()));
    assert!(!RECIPE.is_in(folder(&names[..2]).path()));
    assert!(!RECIPE.is_in(Path::new("/nonexistent")));
}

#[test]
fn without_go_the_error_says_both_ways_out() {
    let Recipe { title, otherwise, .. } = RECIPE;
    let error = Error::NoGo { title, problem: "there is no Go on the PATH".to_owned(), needed: "1.26.0".to_owned(), otherwise };
    assert_eq!(error.to_string(), "the program has to be built and there is no Go on the PATH: install Go 1.26.0 or later, or do without");
}
