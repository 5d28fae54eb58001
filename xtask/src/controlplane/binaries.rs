//! Finds the control plane's binaries, or builds them once. Talks to the file system, the environment and Go.
//!
//! The directory that `KUBEBUILDER_ASSETS` names comes first, by the convention of setup-envtest; then the user's cache directory;
//! else `tests/controlplane` is built into that cache. The cache is keyed by that folder's content, so another version of Kubernetes
//! is another directory.

mod build;
mod choice;
mod go_mod;

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use self::choice::Place;

/// The directory to take the binaries from, if set.
const ASSETS_VARIABLE: &str = "KUBEBUILDER_ASSETS";

/// A part of the control plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Program {
    /// The API server's storage.
    Etcd,
    /// The API server.
    KubeApiserver,
    /// The built-in controllers.
    KubeControllerManager,
    /// The command line client.
    Kubectl,
}

impl Program {
    const ALL: [Program; 4] = [Program::Etcd, Program::KubeApiserver, Program::KubeControllerManager, Program::Kubectl];
    /// What setup-envtest brings.
    const BASE: [Program; 3] = [Program::Etcd, Program::KubeApiserver, Program::Kubectl];

    /// The name of the executable.
    pub(super) fn name(self) -> &'static str {
        match self {
            Program::Etcd => "etcd",
            Program::KubeApiserver => "kube-apiserver",
            Program::KubeControllerManager => "kube-controller-manager",
            Program::Kubectl => "kubectl",
        }
    }
}

/// The binaries' directories.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binaries {
    base: PathBuf,
    controller_manager: Option<PathBuf>,
}

impl Binaries {
    /// Finds the binaries, or builds them, which takes minutes and tells on standard error how it goes. Blocks.
    ///
    /// Without `controller_manager` nothing is built for kube-controller-manager alone.
    ///
    /// # Errors
    ///
    /// When `KUBEBUILDER_ASSETS` lacks a binary, or a build is needed and not possible.
    pub fn ensure(controller_manager: bool) -> Result<Binaries, Error> {
        let assets = variable(ASSETS_VARIABLE).map(PathBuf::from);
        let cache = cache_directory(variable("XDG_CACHE_HOME"), variable("HOME"))?.join("crossorg");
        let sources = sources();
        let cache = cache.join(format!("controlplane-{}", fingerprint(&sources)?));
        let found = assets.as_deref().map(programs_in);
        let choice = choice::choose(found.as_deref(), is_filled(&cache), controller_manager)
            .map_err(|missing| Error::AssetsIncomplete { directory: assets.clone().unwrap_or_default(), missing: names(&missing) })?;
        if choice.build {
            build::build_into(&cache, &sources)?;
        }
        let directory = |place| match place {
            Place::Assets => assets.clone().unwrap_or_default(),
            Place::Cache => cache.clone(),
        };
        Ok(Binaries { base: directory(choice.base), controller_manager: choice.controller_manager.map(directory) })
    }

    /// The directory with etcd, kube-apiserver and kubectl, and kube-controller-manager unless `KUBEBUILDER_ASSETS` lacks it.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.base
    }

    /// The path of one of them.
    pub(super) fn path(&self, program: Program) -> PathBuf {
        let directory = match program {
            Program::KubeControllerManager => self.controller_manager.as_ref().unwrap_or(&self.base),
            Program::Etcd | Program::KubeApiserver | Program::Kubectl => &self.base,
        };
        directory.join(program.name())
    }
}

/// Why there are no binaries.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `KUBEBUILDER_ASSETS` names a directory that lacks some.
    #[error("{ASSETS_VARIABLE} names {}, which lacks {missing}: fill it with setup-envtest, or unset the variable to have them built", directory.display())]
    AssetsIncomplete {
        /// The directory.
        directory: PathBuf,
        /// Names of the binaries, separated by commas.
        missing: String,
    },
    /// There is no Go to build with.
    #[error(
        "the control plane has to be built and {problem}: install Go {needed} or later, or set {ASSETS_VARIABLE} to a directory with etcd, kube-apiserver, kubectl and kube-controller-manager"
    )]
    NoGo {
        /// What is wrong with Go.
        problem: String,
        /// The version that go.mod asks for.
        needed: String,
    },
    /// Go could not build them.
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
    #[error("there is no directory to keep the control plane's binaries in: set HOME, or XDG_CACHE_HOME")]
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

/// The Go module that the binaries are built from.
fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("tests").join("controlplane")
}

/// A variable of the environment; an empty one counts as not set.
fn variable(name: &str) -> Option<OsString> {
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

fn programs_in(directory: &Path) -> Vec<Program> {
    Program::ALL.into_iter().filter(|program| directory.join(program.name()).exists()).collect()
}

fn is_filled(cache: &Path) -> bool {
    programs_in(cache).len() == Program::ALL.len()
}

fn names(programs: &[Program]) -> String {
    programs.iter().map(|program| program.name()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
