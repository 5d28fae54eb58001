//! Names for objects: readable, unique, and such as Kubernetes takes. Pure.

use std::collections::BTreeSet;

/// The longest label of RFC 1123: a name that long can also be a label's value.
const LONGEST: usize = 63;

/// Between the two organizations.
const TO: &str = "-to-";

/// The names that are taken.
#[derive(Debug)]
pub(super) struct Names(BTreeSet<String>);

impl Names {
    pub(super) fn taken(names: impl IntoIterator<Item = String>) -> Self {
        Self(names.into_iter().collect())
    }

    /// A new name `<source>-to-<sink>`, numbered if that one is taken. A sink that has no letter of ours in its name goes by its id.
    pub(super) fn choose(&mut self, source: &str, sink: &str, sink_id: &str) -> String {
        let (source, sink) = (slug(source), Some(slug(sink)).filter(|slug| !slug.is_empty()).unwrap_or_else(|| slug(sink_id)));
        let name = joined(&source, &sink);
        let numbered = (2_usize..).map(|number| {
            let number = format!("-{number}");
            format!("{}{number}", cut(&name, LONGEST - number.len()))
        });
        let is_free = |name: &String| !self.0.contains(name);
        let free = std::iter::once(name.clone()).chain(numbered).find(is_free).expect("there are more numbers than names");
        self.0.insert(free.clone());
        free
    }
}

/// Both names; if they are too long together, what one does not need of its half goes to the other.
fn joined(source: &str, sink: &str) -> String {
    let room = LONGEST - TO.len();
    let half = room / 2;
    let source = cut(source, half.max(room.saturating_sub(sink.len())));
    let sink = cut(sink, room - source.len());
    format!("{source}{TO}{sink}")
}

/// The first letters, not ending in a dash. A slug is ASCII, so that bytes are letters.
fn cut(slug: &str, most: usize) -> &str {
    slug.get(..most).unwrap_or(slug).trim_end_matches('-')
}

/// Lower-case letters and digits, with a dash for everything between them.
fn slug(text: &str) -> String {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_ascii_lowercase()
}

#[cfg(test)]
mod tests;
