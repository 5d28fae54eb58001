//! Where the binaries are taken from. Pure.
//!
//! | `KUBEBUILDER_ASSETS` | cache | three binaries from | kube-controller-manager from |
//! |---|---|---|---|
//! | has all four | any | assets | assets |
//! | lacks kube-controller-manager | filled | assets | cache |
//! | lacks kube-controller-manager | empty | assets | cache, built first |
//! | lacks another | any | refused | refused |
//! | not set | filled | cache | cache |
//! | not set | empty | cache, built first | cache, built first |
//!
//! Whoever wants no controller manager needs none, so that nothing is built for it.

use super::Program;

/// One of the directories that binaries can come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The one that `KUBEBUILDER_ASSETS` names.
    Assets,
    /// The one below the user's cache directory.
    Cache,
}

/// Where to take the binaries from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    /// etcd, kube-apiserver and kubectl.
    pub(super) base: Place,
    /// kube-controller-manager; `None` where none is wanted and the base has none.
    pub(super) controller_manager: Option<Place>,
    /// Whether the cache has to be filled first.
    pub(super) build: bool,
}

/// Chooses. `assets` lists what the directory that `KUBEBUILDER_ASSETS` names holds, if the variable is set; `cached` says whether
/// the cache is filled.
///
/// # Errors
///
/// The binaries that the directory should hold and does not: whoever sets the variable means it.
pub(super) fn choose(assets: Option<&[Program]>, cached: bool, controller_manager: bool) -> Result<Choice, Vec<Program>> {
    let Some(found) = assets else {
        return Ok(Choice { base: Place::Cache, controller_manager: Some(Place::Cache), build: !cached });
    };
    let missing: Vec<Program> = Program::BASE.into_iter().filter(|program| !found.contains(program)).collect();
    if !missing.is_empty() {
        return Err(missing);
    }
    let from_assets = Choice { base: Place::Assets, controller_manager: None, build: false };
    Ok(if found.contains(&Program::KubeControllerManager) {
        Choice { controller_manager: Some(Place::Assets), ..from_assets }
    } else if controller_manager {
        Choice { controller_manager: Some(Place::Cache), build: !cached, ..from_assets }
    } else {
        from_assets
    })
}

#[cfg(test)]
mod tests;
