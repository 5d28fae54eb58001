//! The generated parts of the chart. Pure.

/// The chart's description, of which the two versions are generated.
pub(super) const DESCRIPTION: &str = "charts/crossorg/Chart.yaml";

/// The chart's template of the operator's rights.
pub(super) const CLUSTER_ROLE: &str = "charts/crossorg/templates/clusterrole.yaml";

/// The description with this version of the chart and of the operator: they are released together.
pub(super) fn with_version(description: &str, version: &str) -> String {
    let line = |line: &str| match line.split_once(": ") {
        Some(("version", _)) => format!("version: {version}\n"),
        Some(("appVersion", _)) => format!("appVersion: {version:?}\n"),
        Some(_) | None => format!("{line}\n"),
    };
    description.lines().map(line).collect()
}

/// The template, with these rules.
pub(super) fn cluster_role(rules: &str) -> String {
    include_str!("clusterrole.yaml").replace("@RULES@\n", rules)
}
