//! Finds the control plane's binaries, or builds them once. Talks to the file system, the environment and Go.
//!
//! The directory that `KUBEBUILDER_ASSETS` names comes first, by the convention of setup-envtest; then the user's cache directory;
//! else `tests/controlplane` is built into that cache.

mod choice;

use std::path::{Path, PathBuf};

use self::choice::Place;
use crate::built::{self, Recipe, variable};

/// The directory to take the binaries from, if set.
const ASSETS_VARIABLE: &str = "KUBEBUILDER_ASSETS";

/// One executable that does what its name says.
const CONTROL_PLANE: Recipe = Recipe {
    title: "the control plane",
    folder: "controlplane",
    package: ".",
    versioned: "k8s.io/kubernetes ",
    tells: kubernetes_version,
    executable: "controlplane",
    links: &["etcd", "kube-apiserver", "kube-controller-manager", "kubectl"],
    takes: "about 8 minutes on two cores the first time",
    otherwise: ", or set KUBEBUILDER_ASSETS to a directory with etcd, kube-apiserver, kubectl and kube-controller-manager",
};

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
        let cache = CONTROL_PLANE.directory()?;
        let found = assets.as_deref().map(programs_in);
        let choice = choice::choose(found.as_deref(), CONTROL_PLANE.is_in(&cache), controller_manager)
            .map_err(|missing| Error::AssetsIncomplete { directory: assets.clone().unwrap_or_default(), missing: names(&missing) })?;
        if choice.build {
            CONTROL_PLANE.ensure()?;
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
    /// They cannot be built.
    #[error(transparent)]
    Built(#[from] built::Error),
}

/// What `kubectl version` and the API server tell.
fn kubernetes_version(version: &str) -> String {
    let mut numbers = version.trim_start_matches('v').split('.');
    let (major, minor) = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
    let package = "-X k8s.io/component-base/version";
    format!("{package}.gitVersion={version} {package}.gitMajor={major} {package}.gitMinor={minor}")
}

fn programs_in(directory: &Path) -> Vec<Program> {
    Program::ALL.into_iter().filter(|program| directory.join(program.name()).exists()).collect()
}

fn names(programs: &[Program]) -> String {
    programs.iter().map(|program| program.name()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
