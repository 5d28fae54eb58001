//! What would be done for an object, in words: `status.plan`, and what an adoption has done. Pure.

use super::{Organization, Scene, Seen};
use crate::decide::desired::Desired;
use crate::decide::model::Connection;
use crate::decide::outcome::Effect;

/// What would be done if nothing stood in the way; nothing if all is as wanted, or nobody knows. What was seen before the organization could
/// not be used any more may be true no longer, and each process has seen something else.
pub(super) fn of(scene: &Scene) -> Option<String> {
    match scene.organization {
        Organization::Usable { .. } | Organization::DeletesOnly { .. } => {}
        Organization::Missing | Organization::NotUsable { .. } => return None,
    }
    let owns = |connection: &Connection| scene.me.memory.owns(connection, scene.us());
    match (&scene.seen, &scene.desired) {
        (Seen::Present(connection), _) if scene.me.terminating => {
            (owns(connection) && !scene.policies.leave_it()).then(|| format!("delete connection {}", connection.id))
        }
        (Seen::Unknown(_), _) | (Seen::Absent | Seen::Present(_), Err(_)) => None,
        (Seen::Absent, Ok(_)) if scene.me.terminating => None,
        (Seen::Absent, Ok(desired)) => Some(format!("create a connection that shares {}", desired.types)),
        (Seen::Present(connection), Ok(desired)) if owns(connection) => difference(connection, desired),
        // Whether the claim made it, only our principal tells.
        (Seen::Present(_), Ok(_)) if scene.us().is_none() && scene.me.memory.claim.is_some_and(|claim| claim.create.is_some()) => None,
        (Seen::Present(connection), Ok(desired)) => of_foreign(scene, connection, desired),
    }
}

fn difference(connection: &Connection, desired: &Desired) -> Option<String> {
    Some(connection.types.difference(&desired.types)).filter(|difference| !difference.is_empty())
}

fn of_foreign(scene: &Scene, connection: &Connection, desired: &Desired) -> Option<String> {
    let difference = difference(connection, desired);
    let takes_over = scene.inherits() || scene.policies.adopt(difference.is_none());
    match (takes_over, difference) {
        (true, None) => Some(format!("take over connection {}", connection.id)),
        (true, Some(difference)) => Some(format!("take over connection {}; {difference}", connection.id)),
        (false, None) => None,
        (false, Some(difference)) => {
            Some(format!("do nothing: connection {} is not this object's (it differs: {difference})", connection.id))
        }
    }
}

/// What taking this connection over means: who made it, and whom it is taken over from.
pub(super) fn taken_over(scene: &Scene, connection: &Connection) -> Effect {
    let id = connection.id;
    let leaving = scene.others.iter().find(|other| other.hands_over(connection));
    if let Some(leaving) = leaving {
        return Effect::Adopted {
            what: format!("took connection {id} over from {}, which is being deleted", leaving.name),
            foreign: false,
        };
    }
    let creator = connection.created_by.map(|creator| creator.id);
    match creator {
        Some(creator) if Some(creator) == scene.us() => {
            Effect::Adopted { what: format!("took over connection {id}, which our own key made"), foreign: false }
        }
        Some(creator) => Effect::Adopted {
            what: format!("took over connection {id}, which user {creator} made: whoever manages it there has to stop"),
            foreign: true,
        },
        None => Effect::Adopted { what: format!("took over connection {id}; Datadog does not tell who made it"), foreign: true },
    }
}
