//! The brake before a deletion: what it remembers is read live, and written before the DELETE, on exactly the version that was read.

use std::time::Duration;

use kube::Api;
use tokio::time::timeout;

use super::context::Context;
use super::kubernetes::{self, Error, within};
use super::record;
use super::view::{View, braking};
use crate::api::DatadogOrg;
use crate::decide::brake::{Brake, Memory, remembering};
use crate::decide::outcome::{Report, Retry};
use crate::decide::step::{self, Scene, Step};
use crate::world::Key;
use crate::world::org::Org;
use crate::world::row::Subject;

/// How often it is read anew when somebody else wrote in between; then the next pass does it.
const ATTEMPTS: usize = 3;

/// How long to ask the brake, with the wait for other deletions of this process: what was read live of the object must not be old when it
/// is acted on. What was written all the same counts for the next attempt.
const PATIENCE: Duration = Duration::from_secs(2);

/// Has the brake let a deletion through. Answers what to say instead if it has to wait.
pub(super) async fn holds(context: &Context, key: &Key, view: &View) -> Result<Option<Report>, Error> {
    match timeout(PATIENCE, ask(context, view)).await.unwrap_or_else(|_| later()) {
        Err(error) => {
            let report = record::refused(context, key, "what the brake has to remember in the status of the DatadogOrg", error)?;
            Ok(Some(report.pausing()))
        }
        answered => answered,
    }
}

fn later() -> Result<Option<Report>, Error> {
    Ok(Some(Report::unchanged(Retry::Backoff)))
}

async fn ask(context: &Context, view: &View) -> Result<Option<Report>, Error> {
    let Some(org) = &view.braking else { return later() };
    let _turn = org.turn_at_brake().await;
    let api = Api::<DatadogOrg>::namespaced(context.kubernetes.clone(), &org.key.namespace);
    for _ in 0..ATTEMPTS {
        let Some(object) = within(api.get_opt(&org.key.name)).await? else { return later() };
        let first = match step::next(&Scene { brake: Brake::of(&object), ..view.scene.clone() }) {
            Step::Delete(_, None) => return Ok(None),
            Step::Delete(_, Some(first)) => first,
            Step::Rest(report) => return Ok(Some(report)),
            Step::AskForList(_) | Step::Claim(_) | Step::Create(..) | Step::Update(..) | Step::LetGo => return later(),
        };
        match remember(context, &api, object, &first).await {
            Err(error) if error.is_conflict() => {}
            written => return written.map(|()| None),
        }
    }
    later()
}

async fn remember(context: &Context, api: &Api<DatadogOrg>, mut object: DatadogOrg, memory: &Memory) -> Result<(), Error> {
    object.status = Some(remembering(object.status.as_ref(), memory));
    let written = kubernetes::write_status(api, &object).await?;
    // A CRD that does not know the brake forgets it: nothing is deleted under it.
    if Brake::of(&written).memory.as_ref() != Some(memory) {
        return Err(Error::OlderCrd);
    }
    context.health.crds_are_older(false);
    Ok(())
}

/// How many objects say that the brake of this DatadogOrg holds their deletion.
pub(super) fn held(context: &Context, org: &Org) -> usize {
    let is_held = |subject: &Subject| {
        let says_so = subject.digest.says_held() && subject.terminating && subject.finalizer;
        says_so && braking(context, subject).is_some_and(|braking| braking.key == org.key)
    };
    let rows = context.served_by(org).into_iter().filter_map(|key| context.row(&key));
    rows.filter(|row| row.subject.as_ref().is_ok_and(is_held)).count()
}

/// Whoever says that it is held is counted by the DatadogOrg, and whoever may have stopped saying so is no more.
pub(super) fn row_applied(context: &Context, subject: &Subject) {
    if !subject.terminating {
        return;
    }
    if let Some(org) = braking(context, subject).filter(|org| subject.digest.says_held() || org.tells_of_held()) {
        context.wake_org(&org.key);
    }
}

/// With another limit or approval, what is held may go; with another number, it has something else to say.
pub(super) fn org_applied(context: &Context, org: &Org) {
    if org.brake_is_news() {
        context.wake(context.served_by(org));
    }
}
