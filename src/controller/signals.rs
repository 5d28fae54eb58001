//! What the metrics are told at the moment of a scrape, from what is known anyway.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::brake;
use super::context::Context;
use crate::api::conditions::{ConnectionReason, OrganizationReason};
use crate::metrics::{BudgetState, OrganizationState, State};
use crate::world::org::Org;
use crate::world::row::Row;

/// The reason of an object that nobody has looked at.
const NOT_LOOKED_AT: &str = "None";

/// From now on a scrape shows what is known.
pub(super) fn serve(context: &Arc<Context>) {
    let known = Arc::downgrade(context);
    context.metrics.read_state_by(move || known.upgrade().map_or_else(State::default, |context| state(&context)));
}

fn state(context: &Context) -> State {
    let (rows, orgs): (Vec<_>, _) = (context.rows().collect(), context.orgs.all());
    let reasons = ConnectionReason::ALL.iter().map(|reason| reason.name()).chain([NOT_LOOKED_AT]);
    let org_reasons = OrganizationReason::ALL.iter().map(|reason| reason.name());
    let ready = rows.iter().filter(|_| context.metrics.per_object()).filter_map(|row| {
        let subject = row.subject.as_ref().ok()?;
        Some((subject.key.clone(), subject.digest.is_in_sync(subject.generation)))
    });
    let proven: BTreeSet<_> = orgs.iter().filter_map(|org| org.proven()).collect();
    let told = context.budgets.told(&proven).into_iter();
    State {
        connections: counted(reasons, rows.iter().map(|row| reason(row))),
        ready: ready.collect(),
        organization_reasons: counted(org_reasons, orgs.iter().map(|org| org.stand().reason().name())),
        organizations: orgs.iter().map(|org| organization(context, org)).collect(),
        budgets: told
            .map(|(organization, bucket, remaining)| BudgetState { organization: organization.to_string(), bucket, remaining })
            .collect(),
        watches: context.health.ages(),
    }
}

/// How often each word is said. That one is not said is told too: an alert that waits would take a series with a gap for one without.
fn counted(words: impl Iterator<Item = &'static str>, said: impl Iterator<Item = &'static str>) -> BTreeMap<&'static str, u64> {
    let mut counts: BTreeMap<_, _> = words.map(|word| (word, 0)).collect();
    said.for_each(|word| *counts.entry(word).or_default() += 1);
    counts
}

fn reason(row: &Row) -> &'static str {
    let Ok(subject) = &row.subject else { return ConnectionReason::Invalid.name() };
    subject.digest.reason.map_or(NOT_LOOKED_AT, ConnectionReason::name)
}

fn organization(context: &Context, org: &Org) -> OrganizationState {
    OrganizationState {
        key: org.key.clone(),
        inventory_age: org.inventory_age(),
        unmanaged: org.unmanaged().map(|ids| ids.len()),
        held: brake::held(context, org),
    }
}
