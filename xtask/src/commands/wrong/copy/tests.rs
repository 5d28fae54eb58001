use std::fs;
use std::time::SystemTime;

use super::*;

fn file(path: &str, text: &str) -> TextFile {
    TextFile::new(path, text)
}

fn written_at(copy: &Path, path: &str) -> SystemTime {
    fs::metadata(copy.join(path)).unwrap().modified().unwrap()
}

#[test]
fn the_first_time_everything_is_written() {
    let home = tempfile::tempdir().unwrap();
    let copy = home.path().join("source");
    let wanted = [file("Cargo.toml", "[workspace]"), file("src/lib.rs", "")];
    assert_eq!(bring_up_to_date(&copy, &wanted).unwrap(), 2);
    assert_eq!(repository::text_files(&copy).unwrap(), wanted);
}

#[test]
fn what_is_the_same_already_keeps_its_time() {
    let copy = tempfile::tempdir().unwrap();
    let copy = copy.path();
    bring_up_to_date(copy, &[file("src/lib.rs", "mod a;"), file("src/a.rs", "old")]).unwrap();
    let before = written_at(copy, "src/lib.rs");
    let wanted = [file("src/a.rs", "new"), file("src/lib.rs", "mod a;")];
    assert_eq!(bring_up_to_date(copy, &wanted).unwrap(), 1);
    assert_eq!((written_at(copy, "src/lib.rs"), repository::text_files(copy).unwrap()), (before, wanted.to_vec()));
}

#[test]
fn what_is_wanted_no_more_is_taken_away() {
    let copy = tempfile::tempdir().unwrap();
    bring_up_to_date(copy.path(), &[file("src/a.rs", "a"), file("src/b.rs", "b")]).unwrap();
    assert_eq!(bring_up_to_date(copy.path(), &[file("src/a.rs", "a")]).unwrap(), 0);
    assert_eq!(repository::text_files(copy.path()).unwrap(), [file("src/a.rs", "a")]);
}
