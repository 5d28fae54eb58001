//! How the sources become wrong: text by text. Pure.

use super::variants::Variant;
use crate::commands::repository::TextFile;

/// In a replacement: whether this process is the variant.
pub(super) const SWITCH: &str = "$WRONG";

/// Where the variants are told from each other, in the copy alone.
const SWITCHES: &str = "src/wrong.rs";
const SWITCHES_TEXT: &str = r#"//! Which wrong variant of the operator this process is.

use std::sync::OnceLock;

/// Whether it is the one of this name.
pub fn is(name: &str) -> bool {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| std::env::var("CROSSORG_WRONG").unwrap_or_default()) == name
}
"#;

/// What makes the copy's crate know them.
const DECLARATION: Edit = Edit { file: "src/lib.rs", text: "pub mod world;\n", wrong: "pub mod world;\npub mod wrong;\n" };

/// One text that stands once in a file, and what stands there in the copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edit {
    /// Relative to the root.
    pub(super) file: &'static str,
    /// What is right.
    pub(super) text: &'static str,
    /// What is wrong, if [`SWITCH`] says so.
    pub(super) wrong: &'static str,
}

/// An edit that does not fit the sources any more.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "variant {variant}: {file} has the text to be edited {times} times instead of once; the code has moved on: bring the edit in \
     xtask/src/commands/wrong/variants.rs up to date:\n{text}"
)]
pub(super) struct Moved {
    variant: &'static str,
    file: &'static str,
    text: &'static str,
    times: usize,
}

/// The sources with every variant in them.
pub(super) fn all_wrong(mut files: Vec<TextFile>, variants: &[Variant]) -> Result<Vec<TextFile>, Moved> {
    apply(&mut files, "(all of them)", &DECLARATION)?;
    for variant in variants {
        variant.edits.iter().try_for_each(|edit| apply(&mut files, variant.name, edit))?;
    }
    files.push(TextFile::new(SWITCHES, SWITCHES_TEXT));
    Ok(files)
}

fn apply(files: &mut [TextFile], variant: &'static str, edit: &Edit) -> Result<(), Moved> {
    let Edit { file, text, wrong } = *edit;
    let moved = |times| Moved { variant, file, text, times };
    let edited = files.iter_mut().find(|known| known.path == file).ok_or_else(|| moved(0))?;
    match edited.text.matches(text).count() {
        1 => {
            let switch = format!("crate::wrong::is(\"{variant}\")");
            edited.text = edited.text.replacen(text, &wrong.replace(SWITCH, &switch), 1);
            Ok(())
        }
        times => Err(moved(times)),
    }
}

#[cfg(test)]
mod tests;
