//! What the operator may do with the Kubernetes API: the one list that the chart's role and the install manifest's are made of. Pure.

use std::fmt::Write;

/// A right, and why it is needed.
struct Rule {
    why: &'static str,
    group: &'static str,
    resources: &'static [&'static str],
    verbs: &'static [&'static str],
}

const RULES: [Rule; 4] = [
    Rule {
        why: "Both kinds are watched, and read again before a write. A patch puts finalizer, claim and label on; never the spec.",
        group: "crossorg.dev",
        resources: &["datadogorgs", "orgconnections"],
        verbs: &["get", "list", "watch", "patch"],
    },
    Rule {
        why: "What the operator found: the status is replaced, on exactly the version that was read.",
        group: "crossorg.dev",
        resources: &["datadogorgs/status", "orgconnections/status"],
        verbs: &["update"],
    },
    Rule {
        why: "The one Secret that a DatadogOrg names. Never list or watch: those would read every Secret of the namespace.",
        group: "",
        resources: &["secrets"],
        verbs: &["get"],
    },
    Rule { why: "One event for each effect.", group: "events.k8s.io", resources: &["events"], verbs: &["create"] },
];

/// The list as the value of a role's `rules`, each rule with its reason.
pub(super) fn rules() -> String {
    RULES.iter().map(Rule::render).collect()
}

impl Rule {
    fn render(&self) -> String {
        let Rule { why, group, resources, verbs } = self;
        let mut text = String::new();
        let lines = [
            format!("  # {why}"),
            format!("  - apiGroups: [{group:?}]"),
            format!("    resources: {resources:?}"),
            format!("    verbs: {verbs:?}"),
        ];
        for line in lines {
            writeln!(text, "{line}").expect("writing into memory cannot fail");
        }
        text
    }
}

#[cfg(test)]
mod tests;
