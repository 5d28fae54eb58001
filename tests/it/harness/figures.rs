//! Figures that a run shows.

use std::io::Write as _;

/// Prints a line that is shown also when the test passes: the test runner captures only what the printing macros write.
pub(crate) fn print_past_capture(line: &str) {
    std::io::stderr().write_all(format!("{line}\n").as_bytes()).unwrap();
}
