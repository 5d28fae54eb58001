//! Nothing is longer than one can keep in mind. Pure.

use super::{Finding, Source};

/// Lines of a file without its tests.
const FILE: usize = 300;
/// Lines of a function, its signature too; clippy counts without comments and blank lines.
const FUNCTION: usize = 60;

pub(super) fn findings(source: &Source<'_>) -> Vec<Finding> {
    let functions = source.code.functions().into_iter().filter(|function| function.lines > FUNCTION);
    let too_long = functions.map(|function| {
        let message = format!("`{}` has {} lines, more than {FUNCTION}: give its parts names", function.name, function.lines);
        source.finding(function.line, message)
    });
    file(source).into_iter().chain(too_long).collect()
}

fn file(source: &Source<'_>) -> Option<Finding> {
    let lines = source.text.lines().count().saturating_sub(source.code.test_lines);
    let too_long = !source.is_test && lines > FILE;
    too_long.then(|| source.finding(1, format!("{lines} lines without tests, more than {FILE}: divide it by subject")))
}
