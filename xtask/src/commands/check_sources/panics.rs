//! Outside of tests nothing panics without having said why it cannot. Pure.

use super::rust::Lexeme;
use super::{Finding, Source};

pub(super) fn findings(source: &Source<'_>) -> Vec<Finding> {
    if source.is_test {
        return Vec::new();
    }
    let code = source.code.product();
    let calls = code.windows(3).enumerate().filter(|(_, call)| call[0].is(".") && call[2].is("("));
    calls.filter_map(|(at, call)| complaint(call[1], &code[at + 3..]).map(|message| source.finding(call[1].line, message))).collect()
}

fn complaint(method: &Lexeme, arguments: &[&Lexeme]) -> Option<String> {
    match method.text.as_str() {
        "unwrap" | "unwrap_err" if arguments.first().is_some_and(|next| next.is(")")) => {
            Some(format!("`{}` outside of a test: return the error, or `expect` with the reason why there is none", method.text))
        }
        "expect" | "expect_err" if !is_reason(arguments) => {
            Some(format!("`{}` without a reason: a string that says why it cannot fail", method.text))
        }
        _ => None,
    }
}

fn is_reason(arguments: &[&Lexeme]) -> bool {
    match arguments {
        [reason, close, ..] => close.is(")") && reason.text.starts_with(['"', 'r']) && reason.text.contains(char::is_alphabetic),
        _ => false,
    }
}
