//! The pass of one OrgConnection: look, decide, act, record.

use std::sync::Arc;
use std::time::Duration;

use kube_runtime::controller::Action;

use super::apply::{Reservation, Target};
use super::context::{CachedOrg, CachedRow, Context, NOT_ALL_LISTED};
use super::kubernetes::{self, Error, Live};
use super::record::{self, Ending};
use crate::api::org_connection::DeletionPolicy;
use crate::api::{CONNECTION_FINALIZER, OrgConnection};
use crate::decide::claims::Claimant;
use crate::decide::desired::{Desired, Referenced};
use crate::decide::model::{self, Pair};
use crate::decide::outcome::{Effect, Report, Retry};
use crate::decide::plan::{Doubt, Seen};
use crate::decide::step::{self, Organization, Scene, Step};
use crate::world::Key;
use crate::world::objects::Occasion;
use crate::world::org::Org;
use crate::world::row::Subject;

/// How long to leave a pair alone that another pass of this process writes for; the end of a call wakes this object sooner.
const BUSY: Duration = Duration::from_secs(1);

/// One pass. It records its own failure and says when to look again.
pub(super) async fn reconcile(row: Arc<CachedRow>, context: Arc<Context>) -> Action {
    let subject = match &row.0 {
        Ok(row) => &row.subject,
        Err(invalid) => return record::undecodable::<OrgConnection>(&context, &Key::of(&*row), &invalid.error).await,
    };
    if !context.knows::<CachedOrg>(&subject.key) {
        return Action::requeue(NOT_ALL_LISTED);
    }
    let seen = View::of(&context, subject, cached_rivals(&context, subject));
    if let Step::Rest(report) = step::next(&seen.scene)
        && subject.digest.says(&report, subject.generation)
        && subject.open_request().is_none()
    {
        return record::quiet(&context, &subject.key, &report);
    }
    let reservation = match seen.pair.map(|pair| Reservation::of(&context, pair)) {
        Some(None) => return Action::requeue(BUSY),
        reserved => reserved.flatten(),
    };
    match live_pass(&context, subject, seen.pair, reservation).await {
        Ok(ending) => {
            let action = record::record(&context, &subject.key, ending).await;
            // Nothing wakes an object without a pair when the look that it asked for has been taken.
            let unanswered = subject.open_request().is_some() && seen.pair.is_none();
            if unanswered { Action::requeue(BUSY) } else { action }
        }
        Err(error) => record::failed(&context, &subject.key, &error),
    }
}

/// What a pass knows when it decides.
struct View {
    scene: Scene,
    /// Source and sink by name, as far as their DatadogOrg objects tell.
    organizations: Option<(model::Organization, model::Organization)>,
    org: Option<Arc<Org>>,
    pair: Option<Pair>,
}

impl View {
    fn of(context: &Context, subject: &Subject, others: Vec<Claimant>) -> Self {
        let org = context.orgs.get(&subject.source());
        let referenced = |org: Option<&Arc<Org>>| org.map_or(Referenced::Missing, |org| org.referenced());
        let sink = subject.sink().and_then(|key| context.orgs.get(&key));
        let (source, sink) = (referenced(org.as_ref()), referenced(sink.as_ref()));
        // The status alone binds: an annotation can be forged by whoever may write the object.
        let bound = subject.memory.recorded.and(subject.memory.recorded_pair);
        let desired = Desired::parse(&subject.spec, &source, &sink, bound);
        let wanted = desired.as_ref().ok().map(|desired| desired.pair);
        context.objects.resolved(&subject.key, wanted.into_iter().chain(subject.memory.pair()));
        let pair = if subject.terminating { subject.memory.pair() } else { wanted.or(subject.memory.pair()) };
        let (seen, proof) = match (&org, pair) {
            (Some(org), Some(pair)) => org.seen(pair),
            (None, _) | (_, None) => (Seen::Unknown(Doubt::NotListed), None),
        };
        let scene = Scene {
            me: subject.claimant(),
            generation: subject.generation,
            finalizer: subject.finalizer,
            policy: subject.spec.deletion_policy,
            digest: subject.digest.clone(),
            desired,
            seen,
            proof,
            others,
            organization: org.as_ref().map_or(Organization::Missing, |org| org.source()),
            vouched: org.as_ref().is_some_and(|org| org.vouches()),
        };
        let organizations = wanted.map(|pair| (source.organization(pair.source), sink.organization(pair.sink)));
        Self { scene, organizations, org, pair }
    }

    /// What a call that is made now depends on.
    fn occasion(&self, subject: &Subject) -> Occasion {
        let epoch = self.org.as_ref().map_or(0, |org| org.epoch());
        Occasion { generation: subject.generation, requested: subject.requested.clone(), epoch }
    }
}

/// The rivals as the cache knows them: good enough to see that nothing is to be done.
fn cached_rivals(context: &Context, subject: &Subject) -> Vec<Claimant> {
    let rows = context.objects.beside(&subject.key).into_iter().filter_map(|key| context.row(&key));
    let subjects: Vec<Subject> = rows.filter_map(|row| row.0.as_ref().ok().map(|row| row.subject.clone())).collect();
    claimants(context, &subjects)
}

/// A claim counts only if its source is the organization that the object's own source has proven: else anybody could block a pair with a
/// forged annotation.
fn claimants(context: &Context, subjects: &[Subject]) -> Vec<Claimant> {
    let counts = |subject: &&Subject| {
        let proven = context.orgs.get(&subject.source()).and_then(|org| org.proven());
        subject.memory.claim.is_none_or(|claim| proven == Some(claim.pair.source))
    };
    subjects.iter().filter(counts).map(Subject::claimant).collect()
}

/// Reads live, plans again from that, and acts: at most one claim and one write at Datadog.
async fn live_pass(
    context: &Arc<Context>,
    cached: &Subject,
    pair: Option<Pair>,
    reservation: Option<Reservation>,
) -> Result<Option<Ending>, Error> {
    let Some(mut live) = kubernetes::read(context, &cached.key, &cached.uid, pair).await? else { return Ok(None) };
    let mut claimed = false;
    loop {
        let subject = Subject::of(&live.object);
        let view = View::of(context, &subject, claimants(context, &live.others));
        // The cache is behind: its next event brings the pass that fits. A release begins only once the watch has delivered the deletion.
        if view.pair != pair || subject.terminating != cached.terminating {
            return Ok(Some(Ending::of(live.object, Report::unchanged(Retry::Backoff))));
        }
        let handled = request(context, &subject, &view);
        let step = step::next(&view.scene);
        let occasion = view.occasion(&subject);
        if let Some(wait) = context.objects.paused(&cached.key, &occasion).filter(|_| step.writes()) {
            return Ok(Some(Ending::of(live.object, Report::unchanged(Retry::After(wait))).handling(handled)));
        }
        let Some(claim) = step.claim().filter(|_| !claimed) else {
            return Ok(Some(act(context, live, step, &view, reservation).await?.on(occasion).handling(handled)));
        };
        claimed = true;
        kubernetes::claim(context, &live.object, claim).await?;
        let Some(again) = kubernetes::read(context, &cached.key, &cached.uid, pair).await? else { return Ok(None) };
        live = again;
    }
}

/// A request to look afresh: asks for a list once, and is fulfilled by the next look, if there is anything to look at.
fn request(context: &Context, subject: &Subject, view: &View) -> Option<String> {
    let value = subject.open_request()?;
    let Some(org) = &view.org else { return Some(value.to_owned()) };
    let (at, new) = context.objects.requested_at(&subject.key, value);
    if new {
        context.objects.succeeded(&subject.key);
        org.look_afresh(view.pair);
        context.wake_org(&org.key);
    }
    org.looked_since(at).then(|| value.to_owned())
}

async fn act(context: &Arc<Context>, live: Live, step: Step, view: &View, reservation: Option<Reservation>) -> Result<Ending, Error> {
    let object = live.object;
    let tries = step.needs_trial();
    let target = || {
        let (org, reservation) = (view.org.clone()?, reservation?);
        let (client, us) = org.speaker().filter(|_| !tries || org.begins_write())?;
        Some(Target { object: Key::of(&object), context: Arc::clone(context), org, client, us, tries, reservation })
    };
    // The first write with new credentials is under way, and its end wakes this object; or the organization was lost a moment ago.
    let unchanged = || Report::unchanged(Retry::After(BUSY));
    let report = match step {
        Step::Rest(report) => report,
        Step::AskForList(report) => {
            ask_for_list(context, view);
            report
        }
        Step::LetGo => return let_go(context, object).await,
        // A second claim in one pass: something takes its label or finalizer away at once.
        Step::Claim(_) => Report::unchanged(Retry::Backoff).pausing(),
        Step::Create(pair, types) => match target() {
            Some(target) => target.create(pair, types, view.scene.me.memory.recorded.is_some()).await,
            None => unchanged(),
        },
        Step::Update(connection, types) => match target() {
            Some(target) => target.update(connection, types, view.scene.digest.is_in_sync(view.scene.generation)).await,
            None => unchanged(),
        },
        Step::Delete(connection) => match target() {
            Some(target) => {
                let report = target.delete(connection).await;
                ask_for_list(context, view);
                report
            }
            None => unchanged(),
        },
    };
    Ok(Ending::of(object, report.between(view.organizations.clone())))
}

fn ask_for_list(context: &Context, view: &View) {
    if let Some(org) = &view.org {
        org.want_list(view.pair);
        context.wake_org(&org.key);
    }
}

async fn let_go(context: &Arc<Context>, object: OrgConnection) -> Result<Ending, Error> {
    let key = Key::of(&object);
    kubernetes::let_go(&kubernetes::connections(context, &key), &object, CONNECTION_FINALIZER).await?;
    let effect = match object.status.as_ref().and_then(|status| status.connection_id.as_ref()) {
        Some(id) if object.spec.deletion_policy == DeletionPolicy::Orphan => {
            Effect::Orphaned(format!("let go without touching Datadog (deletionPolicy: Orphan); the connection owned last was {id}"))
        }
        Some(id) => Effect::Released(format!("let go; nothing is left of connection {id} that would be this object's")),
        None => Effect::Released("let go; it owned nothing at Datadog".to_owned()),
    };
    Ok(Ending::gone(object, Report::unchanged(Retry::WhenWoken).having(effect)))
}
