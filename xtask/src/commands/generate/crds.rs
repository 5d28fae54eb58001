//! The custom resource definitions as files. Pure.

use kube::ResourceExt;

/// Where they are by themselves, for `kubectl apply`; nothing else is in there.
pub(super) const DIRECTORY: &str = "crds";

/// A file's name, by the habit `<group>_<plural>.yaml` of other operators, and its text.
pub(super) type NamedText = (String, String);

/// One file for each kind, without a header.
pub(super) fn files() -> Result<Vec<NamedText>, serde_yaml::ser::Error> {
    let crds = crossorg::api::crds();
    let named = |crd: &_| Ok((file_name(crd), serde_yaml::to_string(crd)?));
    crds.iter().map(named).collect()
}

fn file_name(crd: &k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition) -> String {
    // A definition's own name is <plural>.<group>.
    let name = crd.name_any();
    name.split_once('.').map_or_else(|| format!("{name}.yaml"), |(plural, group)| format!("{group}_{plural}.yaml"))
}
