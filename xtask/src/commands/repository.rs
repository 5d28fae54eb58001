//! The files of this repository. Talks to the file system.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Hidden directories that belong to the repository; others are an editor's or git's.
const HIDDEN_BUT_OURS: [&str; 2] = [".ci", ".github"];

/// A file of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TextFile {
    /// Relative to the root, with `/` between its parts.
    pub(crate) path: String,
    /// All of it.
    pub(crate) text: String,
}

impl TextFile {
    /// A file as it is or as it should be.
    pub(crate) fn new(path: impl Into<String>, text: impl Into<String>) -> TextFile {
        TextFile { path: path.into(), text: text.into() }
    }
}

/// A file that cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}", path.display())]
pub(crate) struct Error {
    action: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl Error {
    fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
        move |source| Error { action, path: path.to_path_buf(), source }
    }
}

/// Where the repository is on this machine.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("/")).to_path_buf()
}

/// The text of a file; `None` if there is none.
pub(crate) fn read(root: &Path, path: &str) -> Result<Option<String>, Error> {
    let place = root.join(path);
    match fs::read_to_string(&place) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("read", &place)(error)),
    }
}

/// Writes a file, and its directory if that is missing.
pub(crate) fn write(root: &Path, file: &TextFile) -> Result<(), Error> {
    let place = root.join(&file.path);
    let directory = place.parent().unwrap_or(root);
    fs::create_dir_all(directory).map_err(Error::io("create", directory))?;
    fs::write(&place, &file.text).map_err(Error::io("write", &place))
}

/// Removes a file.
pub(crate) fn remove(root: &Path, path: &str) -> Result<(), Error> {
    let place = root.join(path);
    fs::remove_file(&place).map_err(Error::io("remove", &place))
}

/// The paths of the files directly in a directory, sorted; none if it does not exist.
pub(crate) fn files_in(root: &Path, directory: &str) -> Result<Vec<String>, Error> {
    let place = root.join(directory);
    if !place.exists() {
        return Ok(Vec::new());
    }
    Ok(entries(&place)?.iter().filter(|path| path.is_file()).map(|path| relative(root, path)).collect())
}

/// Every file of text, sorted by path, but for what cargo and editors keep here.
pub(crate) fn text_files(root: &Path) -> Result<Vec<TextFile>, Error> {
    let mut files = Vec::new();
    let mut waiting = vec![root.to_path_buf()];
    while let Some(directory) = waiting.pop() {
        for path in entries(&directory)? {
            if path.is_dir() {
                waiting.extend(is_ours(&path).then_some(path));
            } else if let Ok(text) = String::from_utf8(fs::read(&path).map_err(Error::io("read", &path))?) {
                files.push(TextFile { path: relative(root, &path), text });
            }
        }
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(files)
}

fn entries(directory: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = fs::read_dir(directory).map_err(Error::io("read", directory))?;
    let paths: io::Result<Vec<_>> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut paths = paths.map_err(Error::io("read", directory))?;
    paths.sort();
    Ok(paths)
}

/// Whether a directory's files are the repository's: cargo marks what it builds with a `CACHEDIR.TAG`.
fn is_ours(directory: &Path) -> bool {
    let name = directory.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let hidden = name.starts_with('.') && !HIDDEN_BUT_OURS.contains(&name);
    !hidden && !directory.join("CACHEDIR.TAG").exists()
}

fn relative(root: &Path, path: &Path) -> String {
    let parts = path.strip_prefix(root).unwrap_or(path).components();
    parts.map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests;
