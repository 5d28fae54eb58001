//! Text that strangers wrote, made fit for a status, an event and a log line: no control characters, no secrets, no novels.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use super::Credentials;

/// A sentence or two. The known texts of the API have less than 150 characters; a condition message should stay readable.
const MAX_CHARS: usize = 500;

/// A text is searched for keys before it is cut to its final length, else one could be cut in two; and no further than this.
const MAX_SEARCHED: usize = 4 * MAX_CHARS;

/// The reasons in the `errors` list of an answer. `Display` joins them, and says so if there are none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Texts(Vec<String>);

#[derive(Deserialize)]
struct ErrorBody {
    errors: Vec<Value>,
}

impl Texts {
    /// Reads `{"errors": [..]}`, whose members may be strings or objects with `title` and `detail`. Any other body (the edge answers
    /// in HTML) gives no text at all. A key that is echoed is blotted out.
    pub(super) fn read(body: &[u8], credentials: &Credentials) -> Self {
        let errors = serde_json::from_slice::<ErrorBody>(body).map(|body| body.errors).unwrap_or_default();
        let (mut room, forms) = (MAX_CHARS, credentials.forms());
        let mut texts = Vec::new();
        for text in errors.iter().filter_map(reason) {
            // What is not printable goes first: it could keep a key from being found.
            let text = printable(&forms.blot_out(&printable(&text, MAX_SEARCHED)), room);
            room -= text.chars().count();
            if !text.is_empty() {
                texts.push(text);
            }
            if room == 0 {
                break;
            }
        }
        Self(texts)
    }

    /// Whether the answer gave no reason that could be read: then it may not come from the API at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a text contains the words, in any case.
    pub fn mention(&self, words: &str) -> bool {
        let words = words.to_lowercase();
        self.0.iter().any(|text| text.to_lowercase().contains(&words))
    }
}

impl fmt::Display for Texts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() { f.write_str("no reason given") } else { f.write_str(&self.0.join("; ")) }
    }
}

fn reason(error: &Value) -> Option<String> {
    if let Some(text) = error.as_str() {
        return Some(text.to_owned());
    }
    let parts: Vec<&str> = ["title", "detail"].into_iter().filter_map(|name| error.get(name)?.as_str()).collect();
    (!parts.is_empty()).then(|| parts.join(": "))
}

/// The text without what moves a cursor, breaks a line or turns the direction of writing, cut to `max` characters.
pub(super) fn printable(text: &str, max: usize) -> String {
    text.chars().filter(|&c| !is_unprintable(c)).take(max).collect()
}

/// Control characters, line and paragraph separators, and the marks that reorder what is shown.
pub(crate) fn is_unprintable(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
