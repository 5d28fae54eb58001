//! What no text of the repository says. Pure.

use super::super::repository::TextFile;
use super::Finding;

/// Marks of unfinished work. They are spelled so that this file does not contain them.
const MARKERS: [&str; 6] =
    [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("X", "XX"), concat!("HA", "CK"), concat!("T", "BD"), concat!("W", "IP")];

/// How paths of one person's machine begin, likewise.
const MACHINES: [&str; 4] = [concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/Us", "ers/"), concat!("C:\\Us", "ers\\")];

/// Files in which any word may occur by chance: they hold sums.
const SUMS: [&str; 2] = ["Cargo.lock", "go.sum"];

pub(super) fn findings(file: &TextFile) -> Vec<Finding> {
    if SUMS.iter().any(|name| file.path.ends_with(name)) {
        return Vec::new();
    }
    let complaints = |(index, line)| {
        let machines = if may_invent(&file.path) { Vec::new() } else { machines(line) };
        let found = markers(line).into_iter().chain(machines);
        found.map(move |message| Finding { path: file.path.clone(), line: index + 1, message })
    };
    file.text.lines().enumerate().flat_map(complaints).collect()
}

/// Whether a path in the file may be one that no machine has: a test of paths needs some.
fn may_invent(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

fn markers(line: &str) -> Vec<String> {
    let found = MARKERS.iter().filter(|marker| has_word(line, marker));
    found.map(|marker| format!("`{marker}` is left: finish it, or say what is so and why")).collect()
}

fn machines(line: &str) -> Vec<String> {
    let found = MACHINES.iter().filter(|machine| begins_path(line, machine));
    found.map(|machine| format!("`{machine}…` is a path of one machine: make it relative")).collect()
}

/// Whether the marker stands by itself and is no part of a longer word.
fn has_word(line: &str, marker: &str) -> bool {
    line.match_indices(marker).any(|(at, _)| {
        let (before, after) = (&line[..at], &line[at + marker.len()..]);
        !before.ends_with(is_of_word) && !after.starts_with(is_of_word)
    })
}

/// Whether an absolute path begins so; in `example.org/home/` the same letters are the middle of another.
fn begins_path(line: &str, machine: &str) -> bool {
    line.match_indices(machine).any(|(at, _)| !line[..at].ends_with(|before| is_of_word(before) || matches!(before, '.' | '}' | '~' | '*')))
}

fn is_of_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}
