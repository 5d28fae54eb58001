use std::ffi::OsStr;
use std::path::PathBuf;

use super::{executable, is_told_by_cargo};

#[test]
fn the_program_is_found_among_the_messages_of_libraries_and_build_scripts() {
    let messages = r#"{"reason":"compiler-artifact","target":{"name":"crossorg","kind":["lib"]},"executable":null}
{"reason":"compiler-artifact","target":{"name":"crossorg","kind":["bin"]},"executable":"/target/debug/crossorg"}
{"reason":"build-finished","success":true}"#;
    assert_eq!(executable(messages), Some(PathBuf::from("/target/debug/crossorg")));
    assert_eq!(executable("not JSON"), None);
}

#[test]
fn what_cargo_tells_about_this_package_is_not_passed_on() {
    assert!(is_told_by_cargo(OsStr::new("CARGO_PKG_NAME")) && is_told_by_cargo(OsStr::new("CARGO_MANIFEST_DIR")));
    assert!(!is_told_by_cargo(OsStr::new("CARGO_HOME")) && !is_told_by_cargo(OsStr::new("CARGO_TARGET_DIR")));
}
