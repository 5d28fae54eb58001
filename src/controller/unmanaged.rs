//! Which connections of an organization's last list the objects manage. Told by where the objects' references lead, and by nothing that
//! whoever may write an object could forge.

use std::collections::BTreeSet;
use std::time::Duration;

use super::context::Context;
use super::view::{Wish, claimant_unclear};
use crate::decide::desired::Invalid;
use crate::decide::model::{Connection, OrgId, Pair};
use crate::decide::unmanaged::Tally;
use crate::world::org::Org;
use crate::world::row::{Row, Subject};

/// How long is waited for organizations whose credentials are being checked, and for names that are being looked up. A call has 10 s. It is
/// waited once: what is open for longer may stay so, and anybody may have such an object.
const SETTLING: Duration = Duration::from_secs(10);

/// How soon to look again whether that is over.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What the last list shows; `None` while it is not certain who manages what: a connection may only seem to be nobody's.
pub(super) fn tally(context: &Context, org: &Org) -> Option<Tally> {
    let connections = org.listed_connections();
    let sources: BTreeSet<OrgId> = connections.iter().map(|connection: &Connection| connection.source.id).collect();
    let wishes = wishes(context, &sources);
    let looked_up = !wishes.iter().any(|wish| matches!(wish, Err(Invalid::NameNotLookedUp(_))));
    let certain = looked_up && !context.orgs.is_any_undecided();
    org.settles(certain, SETTLING).then(|| Tally::of(connections, &wishes.into_iter().flatten().chain(unclear(context)).collect()))
}

/// What cannot be understood may well manage what it has claimed or recorded.
fn unclear(context: &Context) -> Vec<Pair> {
    let claimed = |row: &Row| claimant_unclear(context, row.subject.as_ref().err()?)?.memory.pair();
    context.rows().filter_map(|row| claimed(&row)).collect()
}

/// The pairs of all objects whose source is one of these organizations.
fn wishes(context: &Context, sources: &BTreeSet<OrgId>) -> Vec<Result<Pair, Invalid>> {
    let orgs = sources.iter().flat_map(|source| context.orgs.of_organization(*source));
    let objects: BTreeSet<_> = orgs.flat_map(|org| context.objects.of_org(&org.key)).collect();
    let rows = objects.iter().filter_map(|key| context.row(key));
    let wish = |subject: &Subject| Wish::of(context, subject).desired.map(|desired| desired.pair);
    rows.filter_map(|row| row.subject.as_ref().ok().filter(|subject| manages(context, subject)).map(wish)).collect()
}

/// Whether an object has a say about its pair: one that is on its way out has it only until it has taken its connection along.
fn manages(context: &Context, subject: &Subject) -> bool {
    !subject.terminating || (subject.finalizer && !context.policies(subject).leave_it())
}
