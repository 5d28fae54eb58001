//! `xtask check-sources`: the rules of the sources that neither compiler nor clippy knows. Talks to the file system; the rules do not.

mod lengths;
mod panics;
mod purity;
mod rust;
mod wording;

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt;
use std::io::{self, Write};

use self::rust::Code;
use super::repository::{self, TextFile};

/// A place that breaks a rule, with what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    path: String,
    line: usize,
    message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}

/// All places that break a rule.
#[derive(Debug, thiserror::Error)]
#[error("{} of the sources:\n  {}", count(.0.len()), .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n  "))]
struct Broken(Vec<Finding>);

fn count(places: usize) -> String {
    if places == 1 { "1 place breaks a rule".to_owned() } else { format!("{places} places break rules") }
}

/// A source file in Rust, and what it is for.
struct Source<'a> {
    path: &'a str,
    text: &'a str,
    code: Code,
    /// It is compiled for tests alone.
    is_test: bool,
}

/// Does it.
pub(crate) fn run() -> Result<(), Box<dyn Error>> {
    let files = repository::text_files(&repository::root())?;
    let findings = findings(&files);
    if findings.is_empty() {
        writeln!(io::stdout(), "{} files keep the rules of the sources", files.len())?;
        return Ok(());
    }
    Err(Box::new(Broken(findings)))
}

fn findings(files: &[TextFile]) -> Vec<Finding> {
    let mut findings: BTreeSet<_> = files.iter().flat_map(wording::findings).collect();
    let mut sources = Vec::new();
    for TextFile { path, text } in files.iter().filter(|file| file.path.ends_with(".rs")) {
        match Code::read(text) {
            Ok(code) => sources.push(Source { path, text, code, is_test: false }),
            Err(line) => {
                findings.insert(Finding { path: path.clone(), line, message: "this is not Rust".to_owned() });
            }
        }
    }
    let tests: Vec<String> = sources.iter().flat_map(|source| source.code.test_modules(source.path)).collect();
    for mut source in sources {
        source.is_test = !is_of_a_crate(source.path) || tests.iter().any(|module| is_in(module, source.path));
        findings.extend(lengths::findings(&source));
        findings.extend(panics::findings(&source));
        findings.extend(purity::findings(&source));
    }
    findings.into_iter().collect()
}

/// Whether the path is below a `src`: what is beside it are tests, benchmarks and examples.
fn is_of_a_crate(path: &str) -> bool {
    path.split('/').any(|part| part == "src")
}

/// Whether the path is the file of a module (without its `.rs`), or below it.
fn is_in(module: &str, path: &str) -> bool {
    path.strip_prefix(module).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

impl Source<'_> {
    fn finding(&self, line: usize, message: String) -> Finding {
        Finding { path: self.path.to_owned(), line, message }
    }
}

#[cfg(test)]
mod tests;
