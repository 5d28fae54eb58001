//! Keys in a text that somebody else wrote, found in whatever form it repeats them: an answer may echo what it was sent, and not always as it
//! came. Pure.

use std::collections::HashSet;

/// What takes a key's place.
const BLOT: &str = "[key]";

/// Shorter runs are words that stand in a text by chance.
const SHORTEST_RUN: usize = 8;

/// Both alphabets; they differ in the last two letters alone.
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The forms that are looked for, each as the runs of half its length.
pub(super) struct Forms(Vec<Runs>);

struct Runs {
    length: usize,
    known: HashSet<Vec<char>>,
}

impl Forms {
    /// Of these keys: as they are, in hexadecimal, percent-encoded, and in base64 at every offset and in both alphabets.
    pub(super) fn of<'a>(keys: impl IntoIterator<Item = &'a str>) -> Self {
        let forms = keys.into_iter().flat_map(forms).filter(|form| form.len() >= SHORTEST_RUN);
        Self(forms.map(|form| Runs::of(&form)).collect())
    }

    /// The text with every run blotted out that is half of a form or longer, whatever its case. Half a key is too much.
    pub(super) fn blot_out(&self, text: &str) -> String {
        let letters: Vec<char> = text.chars().collect();
        let lower: Vec<char> = letters.iter().map(char::to_ascii_lowercase).collect();
        let mut is_key = vec![false; letters.len()];
        for runs in &self.0 {
            let found = lower.windows(runs.length).enumerate().filter(|(_, run)| runs.known.contains(*run));
            found.for_each(|(at, _)| is_key[at..at + runs.length].fill(true));
        }
        let mut blotted = String::with_capacity(text.len());
        for (at, letter) in letters.into_iter().enumerate() {
            match (is_key[at], at > 0 && is_key[at - 1]) {
                (false, _) => blotted.push(letter),
                (true, false) => blotted.push_str(BLOT),
                (true, true) => {}
            }
        }
        blotted
    }
}

impl Runs {
    fn of(form: &str) -> Self {
        let letters: Vec<char> = form.chars().collect();
        let length = (letters.len() / 2).max(SHORTEST_RUN);
        Self { length, known: letters.windows(length).map(<[char]>::to_vec).collect() }
    }
}

fn forms(key: &str) -> Vec<String> {
    let hex: String = key.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut forms = vec![key.to_owned(), hex];
    // Which letters need no encoding, the encoders do not agree.
    forms.extend(["-._~", "", "-._~!*'()"].map(|plain| key.bytes().map(|byte| percent_encoded(byte, plain)).collect()));
    for offset in 0..3 {
        let standard = base64_within(key.as_bytes(), offset);
        forms.push(standard.replace('+', "-").replace('/', "_"));
        forms.push(standard);
    }
    forms.iter().map(|form| form.to_ascii_lowercase()).collect()
}

fn percent_encoded(byte: u8, plain: &str) -> String {
    let letter = char::from(byte);
    if letter.is_ascii_alphanumeric() || plain.contains(letter) { letter.to_string() } else { format!("%{byte:02x}") }
}

/// What base64 makes of the key when so many bytes stand before it, without the letters that depend on its neighbours.
fn base64_within(key: &[u8], offset: usize) -> String {
    let bytes: Vec<u8> = std::iter::repeat_n(0, offset).chain(key.iter().copied()).collect();
    let letters = bytes.chunks_exact(3).flat_map(|chunk| {
        let word = chunk.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
        [18, 12, 6, 0].map(|shift| BASE64[usize::try_from(word >> shift & 63).unwrap_or_default()])
    });
    // A byte of padding spoils the letters that it reaches into.
    let spoilt = [0, 2, 3][offset];
    letters.skip(spoilt).map(char::from).collect()
}

#[cfg(test)]
mod tests;
