//! How the process speaks: one line per event, as text or JSON, on standard error.

use std::error::Error;
use std::io::IsTerminal;
use std::str::FromStr;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::util::SubscriberInitExt;

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object a line, for collectors.
    Json,
}

/// What is logged, in the syntax of `RUST_LOG`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter(String);

impl FromStr for Filter {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        EnvFilter::try_new(text).map(|_| Self(text.to_owned()))
    }
}

/// Sends log lines to standard error from now on.
pub fn start(format: Format, filter: &Filter) {
    let lines = tracing_subscriber::fmt().with_env_filter(EnvFilter::new(&filter.0)).with_writer(std::io::stderr);
    let is_terminal = std::io::stderr().is_terminal();
    // Fails only if a logger is there already, as in tests.
    match format {
        Format::Text => lines.with_target(false).with_ansi(is_terminal).finish().try_init().ok(),
        Format::Json => lines.json().flatten_event(true).with_current_span(false).with_span_list(false).finish().try_init().ok(),
    };
}

/// An error and its sources in one line. Control characters are shown as escapes: texts from outside must not forge a line.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let cause = error.to_string();
        // Some libraries repeat their source in their own text.
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
        source = error.source();
    }
    text.chars().flat_map(|letter| if letter.is_control() { letter.escape_default().collect::<Vec<_>>() } else { vec![letter] }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the list failed")]
    struct Outer(#[source] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("no\nroute\u{1b}[31m")]
    struct Inner;

    #[test]
    fn a_chain_names_every_cause_once_and_stays_one_line() {
        assert_eq!(chain(&Outer(Inner)), "the list failed: no\\nroute\\u{1b}[31m");
    }
}
