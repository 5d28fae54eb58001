//! Helm, in the versions that the chart is tested with. Talks to the file system, the environment and Go.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::built::{Error, Recipe};

/// A version of Helm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// The last of those before.
    V3,
    /// The one of today.
    V4,
}

const V3: Recipe = Recipe {
    title: "Helm",
    folder: "helm/v3",
    package: "helm.sh/helm/v3/cmd/helm",
    versioned: "helm.sh/helm/v3 ",
    tells: |version| format!("-X helm.sh/helm/v3/internal/version.version={version}"),
    executable: "helm",
    links: &[],
    takes: "a few minutes the first time",
    otherwise: "",
};

const V4: Recipe = Recipe {
    folder: "helm/v4",
    package: "helm.sh/helm/v4/cmd/helm",
    versioned: "helm.sh/helm/v4 ",
    tells: |version| format!("-X helm.sh/helm/v4/internal/version.version={version}"),
    ..V3
};

impl Version {
    /// Both.
    pub const ALL: [Version; 2] = [Version::V3, Version::V4];

    fn recipe(self) -> Recipe {
        match self {
            Version::V3 => V3,
            Version::V4 => V4,
        }
    }
}

/// Helm as a program.
#[derive(Clone, Debug)]
pub struct Helm {
    program: PathBuf,
}

impl Helm {
    /// Finds Helm in the user's cache, or builds it, which takes minutes and tells on standard error how it goes. Blocks.
    ///
    /// # Errors
    ///
    /// When a build is needed and not possible.
    pub fn ensure(version: Version) -> Result<Helm, Error> {
        let recipe = version.recipe();
        Ok(Helm { program: recipe.ensure()?.join(recipe.executable) })
    }

    /// Where it is.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// `helm`, without a cluster: whatever KUBECONFIG says is not its business until somebody sets it.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.env_remove("KUBECONFIG").env("HELM_NO_PLUGINS", "1");
        command
    }
}
