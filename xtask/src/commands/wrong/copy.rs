//! The copy of the workspace. Talks to the file system.

use std::collections::BTreeSet;
use std::path::Path;

use crate::commands::repository::{self, Error, TextFile};

/// Makes the copy have these files and no others, and answers how many had to be written. Files that say the same already are left alone:
/// cargo builds what is younger than its last build.
pub(super) fn bring_up_to_date(copy: &Path, wanted: &[TextFile]) -> Result<usize, Error> {
    let known = if copy.exists() { repository::text_files(copy)? } else { Vec::new() };
    let paths: BTreeSet<&str> = wanted.iter().map(|file| file.path.as_str()).collect();
    for gone in known.iter().filter(|file| !paths.contains(file.path.as_str())) {
        repository::remove(copy, &gone.path)?;
    }
    let known: BTreeSet<(&str, &str)> = known.iter().map(|file| (file.path.as_str(), file.text.as_str())).collect();
    let stale: Vec<&TextFile> = wanted.iter().filter(|file| !known.contains(&(file.path.as_str(), file.text.as_str()))).collect();
    stale.iter().try_for_each(|file| repository::write(copy, file))?;
    Ok(stale.len())
}

#[cfg(test)]
mod tests;
