use std::fmt::Write;

use super::super::repository::{self, TextFile};
use super::{Broken, findings};

/// What is found in one file.
fn found(path: &str, text: &str) -> Vec<String> {
    found_in(&[(path, text)])
}

fn found_in(files: &[(&str, &str)]) -> Vec<String> {
    let files: Vec<_> = files.iter().map(|&(path, text)| TextFile::new(path, text)).collect();
    findings(&files).iter().map(ToString::to_string).collect()
}

/// Exactly one finding, at this place, that says this.
#[track_caller]
fn assert_one(findings: &[String], place: &str, says: &str) {
    assert!(matches!(findings, [one] if one.starts_with(&format!("{place}: ")) && one.contains(says)), "{findings:#?}");
}

#[track_caller]
fn assert_none(findings: &[String]) {
    assert!(findings.is_empty(), "{findings:#?}");
}

fn constants(count: usize) -> String {
    (0..count).fold(String::new(), |mut text, number| {
        writeln!(text, "const C{number}: u32 = {number};").unwrap();
        text
    })
}

fn function(lines: usize) -> String {
    format!("fn long() {{\n{}}}\n", "    step();\n".repeat(lines - 2))
}

#[test]
fn a_file_may_have_300_lines_and_no_more() {
    assert_none(&found("src/a.rs", &constants(300)));
    assert_one(&found("src/a.rs", &constants(301)), "src/a.rs:1", "301 lines");
}

#[test]
fn tests_do_not_count_for_the_length_of_a_file_wherever_they_are() {
    let inside = format!("{}#[cfg(test)]\nmod tests {{\n{}}}\n", constants(300), constants(200));
    assert_none(&found("src/a.rs", &inside));
    let declaration = "fn a() {}\n#[cfg(test)]\npub(crate) mod fixtures;\n#[cfg(test)]\nmod tests;\n";
    let long = constants(400);
    assert_none(&found_in(&[("src/a.rs", declaration), ("src/a/fixtures.rs", &long), ("src/a/tests/worlds.rs", &long)]));
    assert_none(&found_in(&[("src/a/mod.rs", declaration), ("src/a/tests.rs", &long)]));
    assert_none(&found("crates/double/tests/it/main.rs", &long));
    assert_one(&found_in(&[("src/b.rs", "mod fixtures;"), ("src/b/fixtures.rs", &long)]), "src/b/fixtures.rs:1", "400 lines");
}

#[test]
fn a_function_may_have_60_lines_and_no_more_in_tests_too() {
    assert_none(&found("src/a.rs", &function(60)));
    assert_one(&found("src/a.rs", &format!("\n{}", function(61))), "src/a.rs:2", "`long` has 61 lines");
    assert_one(&found("tests/it/a.rs", &function(61)), "tests/it/a.rs:1", "61 lines");
}

#[test]
fn a_function_ends_at_its_own_brace() {
    let nested = format!("impl A {{\nfn short(a: [u8; 3]) -> fn(u8) {{ b }}\n{}}}\n", constants(100));
    assert_none(&found("src/a.rs", &nested));
    assert_none(&found("src/a.rs", &format!("trait A {{\nfn declared(&self);\n{}}}\n", constants(100))));
    let closure = format!("fn outer() {{\n    let a = match b {{ C {{ .. }} => 1 }};\n{}}}\n", "    step();\n".repeat(60));
    assert_one(&found("src/a.rs", &closure), "src/a.rs:1", "`outer` has 63 lines");
}

#[test]
fn unwrap_is_for_tests() {
    assert_one(&found("src/a.rs", "fn a() {\n    b().unwrap();\n}"), "src/a.rs:2", "`unwrap` outside of a test");
    assert_one(&found("src/a.rs", "fn a() { c!(b().unwrap_err()); }"), "src/a.rs:1", "`unwrap_err`");
    assert_none(&found("src/a.rs", "fn a() { b().unwrap_or(3); }"));
    assert_none(&found("src/a.rs", "/// `b().unwrap()` panics.\nfn a() { c(\"b().unwrap()\"); } // b().unwrap()"));
    assert_none(&found("src/a.rs", "#[cfg(test)]\nmod tests {\n    fn a() { b().unwrap(); }\n}"));
    assert_one(&found("src/a.rs", "#[cfg(test)]\nmod tests {}\nfn a() { b().unwrap() }"), "src/a.rs:3", "`unwrap`");
    assert_none(&found("tests/it/a.rs", "fn a() { b().unwrap() }"));
}

#[test]
fn expect_says_why_it_cannot_fail() {
    for silent in ["expect(\"\")", "expect(\" \")", "expect(REASON)", "expect(&format!(\"{a}\"))", "expect()"] {
        assert_one(&found("src/a.rs", &format!("fn a() {{ b().{silent} }}")), "src/a.rs:1", "without a reason");
    }
    assert_none(&found("src/a.rs", "fn a() { b().expect(\"`c` has looked\") }"));
    assert_none(&found("src/a.rs", "#[expect(clippy::panic, reason = \"x\")]\nfn a() { d.expect(r\"`c` has looked\") }"));
}

#[test]
fn decisions_know_no_effect() {
    for (line, says) in [
        ("use kube::Client;", "a client"),
        ("use kube::api::{ObjectMeta};", "a client"),
        ("use kube_runtime::controller::Action;", "a client"),
        ("fn a() -> reqwest::Url {}", "a client"),
        ("use std::{fmt, time::{Duration, Instant}};", "a clock"),
        ("use std::time::*;", "a clock"),
        ("fn a(b: std::time::SystemTime) {}", "a clock"),
        ("fn a() { c!(jiff::Timestamp::now()); }", "a clock"),
        ("use tokio::sync::Mutex;", "tasks"),
        ("use futures::StreamExt as _;", "tasks"),
        ("async fn a() {}", "tasks"),
        ("fn a() { b.await; }", "tasks"),
        ("fn a() { tracing::info!(\"b\"); }", "a log"),
        ("fn a() { fastrand::u8(..); }", "chance"),
        ("fn a() { ::std::env::args(); }", "the environment"),
        ("use std::{net::IpAddr, fmt};", "the network"),
        ("use crate::datadog::Client;", "has effects"),
        ("use crate::{api::Site, world::Key};", "has effects"),
        ("use crate::log;", "has effects"),
        ("use super::super::controller;", "has effects"),
    ] {
        assert_one(&found("src/decide/plan.rs", line), "src/decide/plan.rs:1", says);
        assert_none(&found("src/controller/apply.rs", line));
        assert_none(&found("src/decide/plan.rs", &format!("#[cfg(test)]\nmod tests {{ {line} }}")));
    }
}

#[test]
fn decisions_may_use_values() {
    let values = "//! Instant answers, no kube::Client.\nuse std::time::Duration;\nuse jiff::{SignedDuration, Timestamp};\n\
                  use crate::api::fields::LocalRef;\nuse crate::decide::model::Pair;\nuse super::outcome::Report;\n\
                  fn a(b: Timestamp) { let world = b.tracing; c!(\"tokio::spawn\", world); }";
    assert_none(&found("src/decide/plan.rs", values));
}

#[test]
fn unfinished_work_is_found_in_every_kind_of_file() {
    let (marker, other) = (concat!("TO", "DO"), concat!("FIX", "ME"));
    assert_one(&found("docs/a.md", &format!("\n{marker}: more")), "docs/a.md:2", marker);
    assert_one(&found("src/a.rs", &format!("// ({other})")), "src/a.rs:1", other);
    assert_none(&found("docs/a.md", &format!("{marker}S, MY_{marker}")));
    assert_none(&found("Cargo.lock", marker));
}

#[test]
fn paths_of_one_machine_are_found() {
    let path = concat!("/ho", "me/");
    assert_one(&found("Makefile", &format!("x: {path}me/x")), "Makefile:1", "one machine");
    assert_one(&found("a.yaml", concat!("x: \"/Us", "ers/me\"")), "a.yaml:1", "one machine");
    assert_none(&found("src/a/tests.rs", &format!("const INVENTED: &str = \"{path}ann\";")));
    assert_none(&found("docs/a.md", &format!("https://example.org{path}page, $HOME/a, ${{HOME}}{path}a")));
}

#[test]
fn what_is_no_rust_is_said() {
    assert_one(&found("src/a.rs", "fn a() {}\nfn b( {"), "src/a.rs:2", "not Rust");
}

#[test]
fn every_place_is_named_and_counted() {
    let broken = |text| Broken(findings(&[TextFile::new("src/a.rs", text)])).to_string();
    assert!(broken("fn a() { b().unwrap(); }").starts_with("1 place breaks a rule of the sources:\n  src/a.rs:1: `unwrap`"));
    let two = broken("fn a() { b().unwrap(); }\nfn c() { d().expect(\"\"); }");
    assert!(two.starts_with("2 places break") && two.contains("\n  src/a.rs:2: `expect`"), "{two}");
}

#[test]
fn the_rules_look_at_the_files_that_they_are_about() {
    let files = repository::text_files(&repository::root()).unwrap();
    for path in ["src/decide/plan.rs", "xtask/src/main.rs", "crates/datadog-double/src/lib.rs", "Makefile", ".ci/run", "Dockerfile"] {
        assert!(files.iter().any(|file| file.path == path), "{path}");
    }
}
