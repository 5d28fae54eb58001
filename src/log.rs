//! How the process speaks: one line per event, as text or JSON, on standard error. Texts from outside forge no line, and no line is endless.

use std::error::Error;
use std::fmt;
use std::io::IsTerminal;
use std::str::FromStr;

use tracing::field::Field;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::util::SubscriberInitExt;

use crate::datadog::is_unprintable;

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

/// The longest text that is logged, in characters: an error of the API server may quote a whole object.
const LONGEST: usize = 2000;

/// Sends log lines to standard error from now on.
pub fn start(format: Format, filter: &Filter) {
    let lines = tracing_subscriber::fmt().with_env_filter(EnvFilter::new(&filter.0)).with_writer(std::io::stderr);
    let is_terminal = std::io::stderr().is_terminal();
    // Fails only if a logger is there already, as in tests.
    match format {
        Format::Text => lines.with_target(false).with_ansi(is_terminal).fmt_fields(fields()).finish().try_init().ok(),
        Format::Json => lines.json().flatten_event(true).with_current_span(false).with_span_list(false).finish().try_init().ok(),
    };
}

/// Message and fields as text, whoever logs them. JSON escapes control characters by itself.
fn fields() -> impl for<'writer> FormatFields<'writer> + Send + Sync + 'static {
    let field = |writer: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug| {
        let text = one_line(&format!("{value:?}"));
        if field.name() == "message" { write!(writer, "{text}") } else { write!(writer, "{}={text}", field.name()) }
    };
    debug_fn(field).delimited(" ")
}

/// The text without what breaks a line, moves a cursor or turns the direction of writing (shown as escapes), and cut if it would not end.
pub fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len().min(LONGEST));
    for letter in text.chars().take(LONGEST) {
        if is_unprintable(letter) { line.extend(letter.escape_default()) } else { line.push(letter) }
    }
    if text.chars().nth(LONGEST).is_some() {
        line.push('…');
    }
    line
}

/// An error and its sources in one line.
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
    one_line(&text)
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

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

    #[test]
    fn a_text_without_end_is_cut() {
        assert_eq!(one_line(&"é".repeat(LONGEST)), "é".repeat(LONGEST));
        assert_eq!(one_line(&"é".repeat(1_000_000)), "é".repeat(LONGEST) + "…");
    }

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn no_text_from_outside_forges_a_line_whoever_logs_it() {
        let written = Written::default();
        let writer = written.clone();
        let lines = tracing_subscriber::fmt().with_ansi(false).with_target(false).without_time().fmt_fields(fields());
        let subscriber = lines.with_writer(move || writer.clone()).finish();
        let forged = "a\n2026 ERROR forged\r\u{85}\u{2028}\u{202e}b";
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(shown = %forged, text = forged, number = 3, "{forged}");
        });
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.starts_with(" WARN a\\n2026 ERROR forged") && text.contains(" number=3"), "{text}");
        assert!(!text.trim_end().contains(is_unprintable), "{text}");
    }
}
