//! `src/decide` takes values and returns values. Pure, as what it looks at.

use super::rust::{Path, paths};
use super::{Finding, Source};

/// Where decisions are.
const DECISIONS: &str = "src/decide/";

/// What decisions may use of this crate.
const NEIGHBOURS: [&str; 2] = ["api", "decide"];

/// Paths that lead out of the world of values, wherever they occur in a path, and to what.
const FORBIDDEN: [(&str, &str); 19] = [
    ("kube", "a client"),
    ("kube_runtime", "a client"),
    ("reqwest", "a client"),
    ("std::net", "the network"),
    ("tokio", "tasks"),
    ("futures", "tasks"),
    ("async", "tasks"),
    ("await", "tasks"),
    ("std::thread", "tasks"),
    ("tracing", "a log"),
    ("fastrand", "chance"),
    ("std::env", "the environment"),
    ("std::fs", "the file system"),
    ("std::*", "everything"),
    ("std::time::*", "a clock"),
    ("Instant", "a clock"),
    ("SystemTime", "a clock"),
    ("Timestamp::now", "a clock"),
    ("Zoned::now", "a clock"),
];

pub(super) fn findings(source: &Source<'_>) -> Vec<Finding> {
    if source.is_test || !source.path.starts_with(DECISIONS) {
        return Vec::new();
    }
    // `.await` looks like a member, so it is no path.
    let code = source.code.product();
    let awaits =
        code.iter().filter(|lexeme| lexeme.is("await")).map(|lexeme| Path { segments: vec!["await".to_owned()], line: lexeme.line });
    let used = paths(&code).into_iter().chain(awaits);
    used.filter_map(|path| leads_to(&path).map(|what| source.finding(path.line, message(&path, what)))).collect()
}

fn message(path: &Path, what: &str) -> String {
    format!("`{}` leads to {what}: a decision takes values and returns values, so pass one in", path.segments.join("::"))
}

fn leads_to(path: &Path) -> Option<&'static str> {
    let segments: Vec<_> = path.segments.iter().map(String::as_str).collect();
    let occurs = |forbidden: &str| {
        let forbidden: Vec<_> = forbidden.split("::").collect();
        segments.windows(forbidden.len()).any(|window| window == forbidden)
    };
    let forbidden = FORBIDDEN.iter().find(|(forbidden, _)| occurs(forbidden)).map(|(_, what)| *what);
    forbidden.or_else(|| is_effect(&segments).then_some("the part of this crate that has effects"))
}

/// Whether it is a module of this crate that decisions must not know, also by way of `super`.
fn is_effect(segments: &[&str]) -> bool {
    match segments {
        ["crate", module, ..] => !NEIGHBOURS.contains(module),
        ["super", rest @ ..] => matches!(rest.iter().find(|name| **name != "super"), Some(&("controller" | "datadog" | "world"))),
        _ => false,
    }
}
