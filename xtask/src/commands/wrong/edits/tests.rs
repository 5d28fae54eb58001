use super::*;
use crate::commands::repository;
use crate::commands::wrong::variants::VARIANTS;

const EDIT: Edit = Edit { file: "src/plan.rs", text: "if owned {", wrong: "if $WRONG || owned {" };

fn files(plan: &str) -> Vec<TextFile> {
    vec![TextFile::new("src/lib.rs", "pub mod world;\n"), TextFile::new("src/plan.rs", plan)]
}

fn text<'a>(files: &'a [TextFile], path: &str) -> &'a str {
    &files.iter().find(|file| file.path == path).unwrap().text
}

#[test]
fn a_text_that_stands_once_is_replaced_and_asks_which_variant_this_is() {
    let mut files = files("if owned { keep() }\nif seen { look() }\n");
    apply(&mut files, "takes-all", &EDIT).unwrap();
    assert_eq!(text(&files, "src/plan.rs"), "if crate::wrong::is(\"takes-all\") || owned { keep() }\nif seen { look() }\n");
}

#[test]
fn a_text_that_is_missing_is_an_error_that_names_variant_and_file() {
    let mut files = files("if mine { keep() }\n");
    let error = apply(&mut files, "takes-all", &EDIT).unwrap_err();
    let told = error.to_string();
    assert!(["takes-all", "src/plan.rs", "0 times", "if owned {", "up to date"].iter().all(|part| told.contains(part)), "{told}");
}

#[test]
fn a_file_that_is_missing_is_the_same_error() {
    let error = apply(&mut files("")[..1], "takes-all", &EDIT).unwrap_err();
    assert_eq!(error, Moved { variant: "takes-all", file: "src/plan.rs", text: EDIT.text, times: 0 });
}

#[test]
fn a_text_that_stands_twice_is_an_error_and_nothing_is_changed() {
    let mut files = files("if owned { keep() }\nif owned { look() }\n");
    assert_eq!(apply(&mut files, "takes-all", &EDIT).unwrap_err().times, 2);
    assert!(!text(&files, "src/plan.rs").contains("wrong"));
}

#[test]
fn the_copy_knows_the_variants_and_nothing_else_is_changed() {
    let wrong = all_wrong(files("if owned { keep() }\n"), &[]).unwrap();
    assert_eq!(text(&wrong, "src/lib.rs"), "pub mod world;\npub mod wrong;\n");
    assert_eq!(text(&wrong, "src/plan.rs"), "if owned { keep() }\n");
    assert!(text(&wrong, "src/wrong.rs").contains("pub fn is(name: &str) -> bool"));
}

#[test]
fn every_edit_fits_the_sources_as_they_are() {
    all_wrong(repository::text_files(&repository::root()).unwrap(), &VARIANTS).unwrap();
}

#[test]
fn without_its_switch_no_variant_is_wrong() {
    for variant in &VARIANTS {
        assert!(variant.edits.iter().all(|edit| edit.wrong.contains(SWITCH)), "{}", variant.name);
    }
}
