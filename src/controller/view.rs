//! What a pass knows when it decides: the object among its rivals, its organizations, and what Datadog showed of its pair.

use std::sync::Arc;

use super::context::Context;
use super::kubernetes::Live;
use crate::decide::claims::{Claim, Claimant, Intent};
use crate::decide::desired::{Desired, Invalid, Names, Referenced};
use crate::decide::model::{Organization, Pair, PrincipalId};
use crate::decide::plan::{Doubt, Policies, Seen};
use crate::decide::step::{self, Scene};
use crate::world::Key;
use crate::world::objects::Occasion;
use crate::world::org::Org;
use crate::world::row::{Row, Subject, Unclear};

/// What a pass knows.
pub(super) struct View {
    pub(super) scene: Scene,
    /// Source and sink by name, as far as their DatadogOrg objects tell.
    pub(super) organizations: Option<(Organization, Organization)>,
    pub(super) org: Option<Arc<Org>>,
    /// Whose brake its deletion counts against.
    pub(super) braking: Option<Arc<Org>>,
    pub(super) pair: Option<Pair>,
}

impl View {
    /// As it is now, with these rivals.
    pub(super) fn of(context: &Context, subject: &Subject, others: Vec<Claimant>) -> Self {
        let Wish { desired, source, sink, org } = Wish::of(context, subject);
        let wanted = desired.as_ref().ok().map(|desired| desired.pair);
        context.objects.resolved(&subject.key, wanted.into_iter().chain(subject.memory.pair()));
        let pair = if subject.terminating { subject.memory.pair() } else { wanted.or(subject.memory.pair()) };
        let (org, organization) = reach(context, subject, org, pair);
        let (seen, proof) = match (&org, pair) {
            (Some(org), Some(pair)) => org.seen(pair),
            (None, _) | (_, None) => (Seen::Unknown(Doubt::NotListed), None),
        };
        let others = if subject.terminating { with_heirs(context, subject, pair, others) } else { others };
        let seen_at = org.as_ref().zip(pair).and_then(|(org, pair)| org.seen_at(pair));
        let specified_at = context.objects.specified_at(&subject.key, subject.generation);
        let asked_at = subject.open_request().and_then(|value| context.objects.request_seen(&subject.key, value));
        let braking = braking(context, subject);
        let window = org.as_ref().map(|org| org.contest_window()).unwrap_or_default();
        let scene = Scene {
            me: subject.claimant(acts_as(&organization), Intent::Neither),
            generation: subject.generation,
            finalizer: subject.finalizer,
            policies: context.policies(subject),
            digest: subject.digest.clone(),
            desired,
            seen,
            proof,
            doubt: org.as_ref().and_then(|org| org.doubt()),
            current: seen_at.is_some_and(|at| at >= specified_at),
            asked: asked_at.is_some_and(|asked| seen_at.is_some_and(|at| at >= asked)),
            contested: context.objects.contested(&subject.key, subject.generation, window),
            others,
            organization,
            brake: braking.as_ref().map(|org| org.brake()).unwrap_or_default(),
            vouched: org.as_ref().is_some_and(|org| org.vouches()),
        };
        let organizations = wanted.map(|pair| (source.organization(pair.source), sink.organization(pair.sink)));
        Self { scene, organizations, org, braking, pair }
    }

    /// What a call that is made now depends on.
    pub(super) fn occasion(&self, subject: &Subject) -> Occasion {
        let epoch = self.org.as_ref().map_or(0, |org| org.epoch());
        Occasion { generation: subject.generation, requested: subject.requested.clone(), epoch }
    }
}

/// Through which DatadogOrg the pair is reached, and how it stands. A deletion may go on with the last good credentials of the source, or
/// with the sink's.
fn reach(context: &Context, subject: &Subject, source: Option<Arc<Org>>, pair: Option<Pair>) -> (Option<Arc<Org>>, step::Organization) {
    let organization = source.as_ref().map_or(step::Organization::Missing, |org| org.source());
    let Some(pair) = pair.filter(|_| subject.terminating) else { return (source, organization) };
    let may_serve = matches!(organization, step::Organization::Usable { .. } | step::Organization::NotUsable { undecided: true, .. });
    let takes_part = || source.as_ref().and_then(|org| org.proven()).is_none_or(|proven| pair.involves(proven));
    if (may_serve && takes_part()) || source.as_ref().is_some_and(|org| org.is_suspended()) {
        return (source, organization);
    }
    let last_good = source.as_ref().and_then(|org| org.last_good());
    if let Some((us, now)) = last_good.and_then(|(client, us)| Some((us.id, client.organization_time()?))) {
        return (source, step::Organization::DeletesOnly { us: Some(us), now });
    }
    match context.orgs.usable_of(&subject.key.namespace, pair.sink) {
        Some((sink, now)) => (Some(sink), step::Organization::DeletesOnly { us: None, now }),
        None => (source, organization),
    }
}

/// The DatadogOrg whose brake the deletion of an object counts against: its source's, whatever key it is deleted with; only if that is not
/// there to remember it, the sink's that is used in its place.
pub(super) fn braking(context: &Context, subject: &Subject) -> Option<Arc<Org>> {
    let source = context.orgs.get(&subject.source()).filter(|org| !org.is_undecodable());
    source.or_else(|| Some(context.orgs.usable_of(&subject.key.namespace, subject.memory.pair()?.sink)?.0))
}

/// What an object wants, and the organizations that its spec leads to.
pub(super) struct Wish {
    pub(super) desired: Result<Desired, Invalid>,
    source: Referenced,
    sink: Referenced,
    org: Option<Arc<Org>>,
}

impl Wish {
    pub(super) fn of(context: &Context, subject: &Subject) -> Self {
        let org = context.orgs.get(&subject.source());
        let referenced = |org: Option<&Arc<Org>>| org.map_or(Referenced::Missing, |org| org.referenced());
        let named = subject.sink().and_then(|key| context.orgs.get(&key));
        let (source, sink) = (referenced(org.as_ref()), referenced(named.as_ref()));
        let bound = subject.memory.bound();
        let by_name = org.as_ref().filter(|_| subject.spec.sink_org.name.is_some() && bound.is_none());
        let specified_at = || context.objects.specified_at(&subject.key, subject.generation);
        let names = by_name.map_or(Names::NotAsked, |org| org.names(specified_at()));
        Self { desired: Desired::parse(&subject.spec, &source, &sink, &names, bound), source, sink, org }
    }
}

/// The rivals as the cache knows them: good enough to see that nothing is to be done.
pub(super) fn cached_rivals(context: &Context, subject: &Subject) -> Vec<Claimant> {
    cached(context, context.objects.beside(&subject.key), &subject.source()).collect()
}

fn cached(context: &Context, keys: impl IntoIterator<Item = Key>, through: &Key) -> impl Iterator<Item = Claimant> {
    keys.into_iter().filter_map(|key| context.row(&key)).filter_map(move |row| rival(context, &row, through))
}

/// These and the objects of the same source that would hold the pair, or may turn out to: some have no label yet and have had no pass of
/// their own. What the cache knows of them is enough to wait for them.
fn with_heirs(context: &Context, subject: &Subject, pair: Option<Pair>, mut others: Vec<Claimant>) -> Vec<Claimant> {
    let Some(pair) = pair else { return others };
    let through = subject.source();
    for key in context.orgs.of_organization(pair.source).iter().flat_map(|org| context.objects.of_org(&org.key)) {
        let Some(row) = context.row(&key) else { continue };
        // Who has claimed or recorded something was read live: a cached memory could be an old one.
        let is_new =
            |other: &Subject| !other.terminating && other.memory.pair().is_none() && !others.iter().any(|known| known.uid == other.uid);
        let Some(heir) = row.subject.as_ref().ok().filter(|heir| is_new(heir)) else { continue };
        let wants_it = |intent: Intent| intent == Intent::MayHold(pair.source) || intent == Intent::Hold(pair);
        others.extend(claimant(context, heir, &through).filter(|claimant| wants_it(claimant.intent)));
    }
    others
}

/// The rivals of a live read.
pub(super) fn live_rivals(context: &Context, subject: &Subject, live: &Live) -> Vec<Claimant> {
    let through = subject.source();
    let others = live.others.iter().filter_map(|other| rival(context, other, &through));
    others.chain(cached(context, live.unread.iter().cloned(), &through)).collect()
}

fn rival(context: &Context, row: &Row, through: &Key) -> Option<Claimant> {
    match &row.subject {
        Ok(subject) => claimant(context, subject, through),
        Err(unclear) => claimant_unclear(context, unclear),
    }
}

/// A claim counts only if its source is the organization that the object's own source has proven, or if the status records a connection of
/// that pair: else anybody could block a pair with a forged annotation.
fn claimant(context: &Context, subject: &Subject, through: &Key) -> Option<Claimant> {
    let org = context.orgs.get(&subject.source());
    let proven = org.as_ref().and_then(|org| org.proven());
    let counts = subject.memory.claim.is_none_or(|claim| proven == Some(claim.pair.source) || subject.memory.bound() == Some(claim.pair));
    counts.then(|| {
        let organization = org.as_ref().map_or(step::Organization::Missing, |org| org.source());
        // Whom a deletion goes on as when the Secret is gone: what the object's own pass knows of it.
        let last_good = || org.filter(|_| subject.terminating)?.last_good().map(|(_, us)| us.id);
        subject.claimant(acts_as(&organization).or_else(last_good), intent(context, subject, through))
    })
}

fn acts_as(organization: &step::Organization) -> Option<PrincipalId> {
    match organization {
        step::Organization::Usable { us, .. } => Some(*us),
        step::Organization::DeletesOnly { us, .. } => *us,
        step::Organization::Missing | step::Organization::NotUsable { .. } => None,
    }
}

/// Likewise, but which source it names cannot be told: any DatadogOrg beside it may have proven the one that it claims.
pub(super) fn claimant_unclear(context: &Context, unclear: &Unclear) -> Option<Claimant> {
    let memory = unclear.claimant.memory;
    let reached = |claim: Claim| context.orgs.reaches(&unclear.key.namespace, claim.pair.source);
    (memory.bound().is_some() || memory.claim.is_some_and(reached)).then(|| unclear.claimant.clone())
}

/// What an object would do with a connection of its pair, for one whose connection is reached through this DatadogOrg.
fn intent(context: &Context, subject: &Subject, through: &Key) -> Intent {
    let policies = context.policies(subject);
    // What a key may not create, its object does not come into by a hand-over either. A key that may not write may not delete: nothing is
    // lost by waiting where both have the same.
    let is_of_the_same = subject.source() == *through;
    let may_not_take = |org: &Arc<Org>| !is_of_the_same && org.refuses_writes();
    if subject.terminating {
        let bars_the_heir = context.orgs.get(through).is_some_and(|heirs| may_not_take(&heirs));
        return if policies.leave_it() || bars_the_heir { Intent::Neither } else { Intent::HandOver };
    }
    let Wish { desired, source, org, .. } = Wish::of(context, subject);
    let owns_nothing = subject.memory.owns_nothing();
    let takes = match org.as_ref().map(|org| org.source()) {
        Some(step::Organization::Usable { terminating, .. }) => !terminating || !owns_nothing,
        Some(_) | None => false,
    };
    let is_barred = org.as_ref().is_some_and(may_not_take) && subject.memory.recorded.is_none();
    let may_be_told = org.is_some_and(|org| org.names_may_come());
    if policies.only_look() || !takes || is_barred {
        return Intent::Neither;
    }
    match (desired, source) {
        (Ok(desired), _) if subject.memory.pair().is_none_or(|pair| pair == desired.pair) => Intent::Hold(desired.pair),
        // A lookup that failed is made again with the next list.
        (Err(Invalid::NameNotLookedUp(_) | Invalid::NamesUnavailable { refused: false, .. }), Referenced::Proven(source, _))
            if may_be_told =>
        {
            Intent::MayHold(source.id)
        }
        // A key that may not look names up may not delete either (docs/datadog-api.md, "Who a key is"): nothing is lost by waiting for it.
        (Err(Invalid::NamesUnavailable { refused: true, .. }), Referenced::Proven(source, _)) if is_of_the_same => {
            Intent::MayHold(source.id)
        }
        (Ok(_) | Err(_), _) => Intent::Neither,
    }
}

impl Context {
    /// What this operator may do for the object.
    pub(super) fn policies(&self, subject: &Subject) -> Policies {
        Policies::of(&subject.spec, self.seams.observe_only)
    }
}
