//! The step of an object that is being deleted. Pure.

use std::time::Duration;

use jiff::Timestamp;

use super::{Organization, Scene, Step};
use crate::api::conditions::ConnectionReason;
use crate::decide::brake::{Brake, Decision};
use crate::decide::model::Connection;
use crate::decide::outcome::{Report, Retry};
use crate::decide::plan::{Doubt, Hold, Seen};
use crate::decide::release::{Parting, Release, release};
use crate::decide::requeue;

/// A wait shorter than this is not worth a write to the status.
pub(super) const WORTH_TELLING: Duration = Duration::from_secs(5);

/// Whoever is waited for wakes this object; should it vanish unseen, a look now and then finds that out.
const AWAITING: Retry = Retry::After(Duration::from_mins(1));

pub(super) fn parting_step(scene: &Scene) -> Step {
    if !scene.finalizer {
        return Step::Rest(Report::unchanged(Retry::WhenWoken));
    }
    let parting = Parting {
        memory: &scene.me.memory,
        leaves_it: scene.policies.leave_it(),
        seen: &scene.seen,
        us: scene.us(),
        proof: scene.proof,
        others: &scene.others,
    };
    match (release(&parting), &scene.organization) {
        (Release::LetGo, _) => Step::LetGo,
        (Release::Await(heir), _) => {
            let report = deleting(&format!("{heir} takes the connection over; waiting until it has recorded it"), AWAITING);
            Step::Rest(report.planning(Some(format!("leave the connection to {heir}"))))
        }
        (Release::AwaitClarity(other), _) => Step::Rest(deleting(
            &format!(
                "{other} may want the same connection, and that is not clear yet: waiting; if it cannot be understood, correct it or delete it"
            ),
            AWAITING,
        )),
        (Release::Delete(_) | Release::Prove(_), Organization::Missing) => Step::Rest(blocked("its DatadogOrg does not exist any more")),
        (Release::Delete(_) | Release::Prove(_), Organization::NotUsable { why, undecided, stalled }) => {
            Step::Rest(held_up(why, *undecided, *stalled))
        }
        (Release::Delete(_), Organization::Usable { .. } | Organization::DeletesOnly { .. })
            if scene.policies.hold == Hold::ObserveOnly =>
        {
            Step::Rest(blocked("the operator runs with --observe-only"))
        }
        (Release::Delete(_), Organization::Usable { now, .. } | Organization::DeletesOnly { now, .. }) => {
            scene.seen.present().map_or(Step::LetGo, |connection| braked(scene, connection, *now))
        }
        // Whether our key made what is there, only that key tells, unless another object has recorded it.
        (Release::Prove(_), Organization::DeletesOnly { us: None, .. })
            if scene.seen.present().is_some_and(|connection| !parting.is_recorded_by_another(connection)) =>
        {
            Step::Rest(blocked("its DatadogOrg cannot be used, and the sink's key cannot tell whether the connection is this object's"))
        }
        (Release::Prove(landed), Organization::Usable { now, .. } | Organization::DeletesOnly { now, .. }) => prove(scene, landed, *now),
    }
}

fn braked(scene: &Scene, connection: &Connection, now: Timestamp) -> Step {
    match scene.brake.decide(connection.id, now) {
        Decision::Go(first) => Step::Delete(connection.clone(), first),
        Decision::Held { until } => {
            let message = scene.brake.message(until, now);
            Step::Rest(Report::not_ready(ConnectionReason::DeletionHeld, message, Retry::After(Brake::next_look(until, now))))
        }
    }
}

fn prove(scene: &Scene, landed: Option<Timestamp>, now: Timestamp) -> Step {
    match (&scene.seen, &scene.doubt) {
        (Seen::Unknown(doubt @ Doubt::OutOfView { .. }), _) => return Step::Rest(blocked(&doubt.to_string())),
        // A call's outcome is being looked up already.
        (Seen::Unknown(Doubt::NotListed | Doubt::CallPending), _) => return Step::Rest(Report::unchanged(Retry::WhenWoken)),
        // The next complete list wakes the object; asking for one more would bring the same.
        (Seen::Unknown(Doubt::Incomplete(doubt)), _) | (Seen::Absent | Seen::Present(_), Some(doubt)) => {
            return Step::Rest(deleting(&Doubt::Incomplete(doubt.clone()).to_string(), Retry::WhenWoken));
        }
        (Seen::Absent | Seen::Present(_), None) => {}
    }
    let wait = landed.map_or(Duration::ZERO, |landed| requeue::until(landed, now));
    if wait.is_zero() {
        let unchanged = Report::unchanged(Retry::WhenWoken);
        // What was held is not any more.
        let let_through = || deleting("no connection is to be seen any more; waiting for a list that proves it", Retry::WhenWoken);
        return Step::AskForList(if scene.digest.says_held() { let_through() } else { unchanged });
    }
    let retry = Retry::After(wait);
    if wait < WORTH_TELLING {
        return Step::Rest(Report::unchanged(retry));
    }
    let why = "no connection is to be seen, but one that was asked for less than a minute ago could still appear; looking again then";
    Step::Rest(deleting(why, retry))
}

fn deleting(why: &str, retry: Retry) -> Report {
    Report::not_ready(ConnectionReason::Deleting, why, retry)
}

fn held_up(why: &str, undecided: bool, stalled: bool) -> Report {
    match (undecided, stalled) {
        (true, _) => Report::unchanged(Retry::WhenWoken),
        (false, true) => blocked(why),
        (false, false) => deleting(&format!("its DatadogOrg cannot be used: {why}"), Retry::WhenWoken),
    }
}

/// Only a person can bring a deletion forward, and this is the way out.
pub fn blocked(why: &str) -> Report {
    let message = format!(
        "the connection cannot be deleted at Datadog: {why}. Mend that, or set deletionPolicy to Orphan to leave the connection there"
    );
    Report::not_ready(ConnectionReason::DeletionBlocked, message, Retry::Permanent)
}
