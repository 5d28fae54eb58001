//! The Kubernetes event of a pass: at most one, and only for an effect or when a verdict changed for the worse. Pure.

use super::outcome::{Effect, Report};
use crate::api::conditions::{ConnectionReason, find};
use crate::api::org_connection::OrgConnectionStatus;

/// What people see in `kubectl describe`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// `Warning` rather than `Normal`.
    pub warning: bool,
    /// A CamelCase word.
    pub reason: &'static str,
    /// What happened, to what.
    pub note: String,
}

/// The event of a pass, if it deserves one.
pub fn of(previous: Option<&OrgConnectionStatus>, report: &Report) -> Option<Event> {
    match &report.effect {
        Some(effect) => of_effect(effect),
        None => of_verdict(previous, report),
    }
}

fn of_effect(effect: &Effect) -> Option<Event> {
    let (warning, reason, note) = match effect {
        Effect::Created(connection) => (false, "Created", format!("created connection {}: {} shared", connection.id, connection.types)),
        Effect::Recreated(connection) => (
            true,
            "DriftRepaired",
            format!("the connection had been deleted outside; created it again as {}: {} shared", connection.id, connection.types),
        ),
        Effect::Updated(difference) => (false, "Updated", format!("changed the connection: {difference}")),
        Effect::Repaired(difference) => {
            (true, "DriftRepaired", format!("the connection had been changed outside; put it right: {difference}"))
        }
        Effect::Adopted { what, foreign } => (*foreign, "Adopted", what.clone()),
        Effect::Deleted(what) => (false, "Deleted", what.clone()),
        Effect::Orphaned(what) => (false, "Orphaned", what.clone()),
        // Its deletion had an event; the object itself is gone.
        Effect::Released(_) => return None,
    };
    Some(Event { warning, reason, note })
}

/// A refusal or a failure, once: when the reason was another one before.
fn of_verdict(previous: Option<&OrgConnectionStatus>, report: &Report) -> Option<Event> {
    let verdict = report.verdict.as_ref()?;
    let failed = verdict.reason == ConnectionReason::Retrying.name();
    let before = previous.and_then(|status| find(&status.conditions, "Ready")).map(|ready| ready.reason.as_str());
    ((failed || report.is_stalled()) && before != Some(verdict.reason)).then(|| Event {
        warning: true,
        reason: verdict.reason,
        note: verdict.message.clone(),
    })
}

#[cfg(test)]
mod tests;
