//! Programs that tests need and nobody has in the right version: built with Go, once, into the user's cache directory. Talks to the
//! file system, the environment and Go.
//!
//! Each comes from a Go module below `tests`. The cache is keyed by that folder's content, so another version is another directory.

mod build;
mod go_mod;

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// What is built, and from what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recipe {
    /// What messages call it, with its article.
    pub(crate) title: &'static str,
    /// The Go module's folder below `tests`.
    pub(crate) folder: &'static str,
    /// The package of the program.
    pub(crate) package: &'static str,
    /// The module whose required version is the program's.
    pub(crate) versioned: &'static str,
    /// The linker's settings (`-X`) that make the program tell a version such as `v1.37.1`.
    pub(crate) tells: fn(&str) -> String,
    /// The name of the executable.
    pub(crate) executable: &'static str,
    /// Other names of it.
    pub(crate) links: &'static [&'static str],
    /// How long it takes.
    pub(crate) takes: &'static str,
    /// What one can do without Go, after "install Go, ".
    pub(crate) otherwise: &'static str,
}

impl Recipe {
    /// The directory with the program, which is built if it is not there. That takes minutes, and standard error tells how it goes.
    ///
    /// # Errors
    ///
    /// When a build is needed and not possible.
    pub(crate) fn ensure(&self) -> Result<PathBuf, Error> {
        let directory = self.directory()?;
        if !self.is_in(&directory) {
            build::build_into(&directory, self)?;
        }
        Ok(directory)
    }

    /// Where the program is, or will be.
    ///
    /// # Errors
    ///
    /// When the user has no cache directory, or the sources cannot be read.
    pub(crate) fn directory(&self) -> Result<PathBuf, Error> {
        let cache = cache_directory(variable("XDG_CACHE_HOME"), variable("HOME"))?.join("crossorg");
        Ok(cache.join(format!("{}-{}", self.slug(), fingerprint(&self.sources())?)))
    }

    /// Whether the directory has the program under all its names.
    pub(crate) fn is_in(&self, directory: &Path) -> bool {
        self.links.iter().chain([&self.executable]).all(|name| directory.join(name).exists())
    }

    fn sources(&self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("tests").join(self.folder)
    }

    fn slug(&self) -> String {
        self.folder.replace('/', "-")
    }
}

/// Why a program could not be built.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no Go to build with.
    #[error("{title} has to be built and {problem}: install Go {needed} or later{otherwise}")]
    NoGo {
        /// What has to be built.
        title: &'static str,
        /// What is wrong with Go.
        problem: String,
        /// The version that go.mod asks for.
        needed: String,
        /// What else can be done.
        otherwise: &'static str,
    },
    /// Go could not build it.
    #[error("go build failed in {} ({status}); the last it said:\n{output}", directory.display())]
    Build {
        /// Where it ran.
        directory: PathBuf,
        /// How it ended.
        status: std::process::ExitStatus,
        /// The end of its output.
        output: String,
    },
    /// go.mod is not what the build needs.
    #[error("{} has no line that begins with \"{line}\"", path.display())]
    GoMod {
        /// The file.
        path: PathBuf,
        /// What is looked for.
        line: &'static str,
    },
    /// Neither `XDG_CACHE_HOME` nor `HOME` is set.
    #[error("there is no directory to keep what is built in: set HOME, or XDG_CACHE_HOME")]
    NoCacheDirectory,
    /// The file system refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// To what.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
}

impl Error {
    fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
        move |source| Error::Io { action, path: path.to_path_buf(), source }
    }
}

/// A variable of the environment; an empty one counts as not set.
pub(crate) fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

/// Where the user's caches are: `XDG_CACHE_HOME`, else what the system's habit is.
fn cache_directory(xdg_cache_home: Option<OsString>, home: Option<OsString>) -> Result<PathBuf, Error> {
    let habit = if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" };
    let below_home = || home.map(|home| Path::new(&home).join(habit));
    xdg_cache_home.map(PathBuf::from).or_else(below_home).ok_or(Error::NoCacheDirectory)
}

/// The first 16 hexadecimal digits of the SHA-256 of everything that the build reads from `sources`.
fn fingerprint(sources: &Path) -> Result<String, Error> {
    let entries = fs::read_dir(sources).and_then(Iterator::collect::<io::Result<Vec<_>>>).map_err(Error::io("list", sources))?;
    let mut files: Vec<PathBuf> = entries.iter().map(fs::DirEntry::path).filter(|path| is_source(path)).collect();
    files.sort();
    let mut hash = Sha256::new();
    for file in files {
        let content = fs::read(&file).map_err(Error::io("read", &file))?;
        // Names and lengths, so that no text can move from one file to another unnoticed.
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        hash.update(format!("{name}\n{}\n", content.len()));
        hash.update(content);
    }
    Ok(hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect())
}

/// Whether Go reads this file: an editor's or a file manager's traces must not cause a build.
fn is_source(path: &Path) -> bool {
    ["go", "mod", "sum"].iter().any(|extension| path.extension().is_some_and(|found| found == *extension))
}

#[cfg(test)]
mod tests;
