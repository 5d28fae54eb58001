//! The one build of the copy. Talks to cargo.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::error::Error;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;

/// What cargo tells a program about the package that it runs. A build script that looks at one of them would be run again.
const TOLD_BY_CARGO: [&str; 3] = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"];

/// A seed of the simulation takes a seventh of the time, which is worth the longer build.
const OPTIMIZED: (&str, &str) = ("CARGO_PROFILE_DEV_OPT_LEVEL", "1");

/// Builds these tests of the copy, with cargo's own progress on standard error, and tells where they are. The operator that the
/// integration tests start is built with them.
pub(super) async fn tests(
    cargo: &OsStr,
    source: &Path,
    target: &Path,
    names: BTreeSet<&'static str>,
) -> Result<BTreeMap<&'static str, PathBuf>, Box<dyn Error>> {
    let mut command = Command::new(cargo);
    command.args(["test", "--locked", "--package", "crossorg", "--no-run", "--message-format", "json-render-diagnostics"]);
    command.args(names.iter().flat_map(|name| ["--test", name])).current_dir(source);
    command.env("CARGO_TARGET_DIR", target).env(OPTIMIZED.0, OPTIMIZED.1);
    let told = |name: &OsStr| name.to_str().is_some_and(|name| TOLD_BY_CARGO.iter().any(|prefix| name.starts_with(prefix)));
    for (name, _) in env::vars_os().filter(|(name, _)| told(name)) {
        command.env_remove(name);
    }
    if let Some(flags) = env::var_os("RUSTFLAGS") {
        command.env("RUSTFLAGS", lenient(flags));
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    // Not `output()`: it would take standard error away from the terminal.
    let built = command.spawn()?.wait_with_output().await?;
    if !built.status.success() {
        let why = "the copy does not build: see cargo's messages above; an edit in xtask/src/commands/wrong/variants.rs may be to blame";
        return Err(why.into());
    }
    let messages = String::from_utf8_lossy(&built.stdout);
    let told = |name| executable(&messages, name).ok_or_else(|| format!("cargo did not say where it put the test `{name}`"));
    Ok(names.into_iter().map(|name| told(name).map(|path| (name, path))).collect::<Result<_, String>>()?)
}

/// Wrong code may well be warned of: that is no reason not to build it.
fn lenient(mut flags: OsString) -> OsString {
    flags.push(" --cap-lints warn");
    flags
}

/// The path in the message about the test; cargo writes one JSON object a line.
fn executable(messages: &str, test: &str) -> Option<PathBuf> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let is_it = |message: &Value| message.pointer("/target/name").is_some_and(|name| name == test);
    messages.filter(is_it).filter_map(|message| Some(PathBuf::from(message.get("executable")?.as_str()?))).next_back()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_a_test_is_the_one_that_cargo_tells() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","target":{"name":"it","kind":["test"]},"executable":"/target/debug/deps/it-1"}"#,
            "\n",
            r#"{"reason":"compiler-artifact","target":{"name":"sim","kind":["test"]},"executable":"/target/debug/deps/sim-2"}"#,
            "\n",
            r#"{"reason":"build-finished","success":true}"#,
        );
        assert_eq!(executable(messages, "it"), Some("/target/debug/deps/it-1".into()));
        assert_eq!(executable(messages, "sim"), Some("/target/debug/deps/sim-2".into()));
        assert_eq!(executable(messages, "lib"), None);
    }

    #[test]
    fn warnings_stay_warnings_whatever_the_environment_makes_of_them() {
        assert_eq!(lenient("-D warnings".into()), "-D warnings --cap-lints warn");
    }
}
