//! The manifest that installs the operator without Helm. Pure.

use super::crds::NamedText;

/// Where it is.
pub(super) const PATH: &str = "deploy/install.yaml";

/// Everything that the operator needs, the definitions first.
pub(super) fn manifest(crds: &[NamedText], rules: &str, version: &str) -> String {
    let definitions: String = crds.iter().map(|(_, text)| format!("---\n{text}")).collect();
    include_str!("install.yaml").replace("@CRDS@\n", &definitions).replace("@RULES@\n", rules).replace("@VERSION@", version)
}
