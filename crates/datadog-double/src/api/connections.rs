//! Create, change and delete.

use std::collections::BTreeSet;

use uuid::Uuid;

use crate::api::{Question, Scene, strict_uuid};
use crate::auth::Caller;
use crate::config::{Behaviour, UnknownSink, UpdateBySink};
use crate::refusal::Refusal;
use crate::reply::{Effect, Framing, Reply};
use crate::state::{Connection, Draft, World};
use crate::wire::{CreateRequest, Document, Names, Row, UpdateRequest};

const KNOWN_TYPES: [&str; 3] = ["logs", "metrics", "audit"];

pub(crate) fn wanted_sink(body: &[u8]) -> Option<Uuid> {
    let request: CreateRequest = serde_json::from_slice(body).ok()?;
    strict_uuid(&request.data.relationships.sink_org.data.id)
}

pub(crate) fn create(question: &Question, scene: &mut Scene<'_>, caller: &Caller) -> Result<Reply, Refusal> {
    let CreateRequest { data } = serde_json::from_slice(&question.body).map_err(|_| Refusal::Invalid)?;
    let types = data.attributes.connection_types;
    if data.r#type != "org_connection" || !known_and_some(&types) {
        return Err(Refusal::Invalid);
    }
    let sink = strict_uuid(&data.relationships.sink_org.data.id).ok_or(Refusal::NotFound)?;
    let draft = Draft { source: caller.organization, sink, connection_types: types, created_by: caller.user };
    permit(scene.world, scene.behaviour, &draft)?;
    let id = scene.ids.next();
    let connection = scene.world.insert(draft, id, scene.now, scene.moment);
    let effect = Effect::Created { source: connection.source, sink };
    Ok(shown(&connection, scene.world, Names::Shown).with_effect(effect))
}

/// Whether the account's rules let this connection be made.
pub(crate) fn permit(world: &World, behaviour: &Behaviour, draft: &Draft) -> Result<(), Refusal> {
    let (from, to) = (draft.source, draft.sink);
    let account = |id| world.organization(id).map(|organization| organization.account.as_str());
    if account(to).is_none() || account(to) != account(from) {
        return Err(match behaviour.unknown_sink {
            UnknownSink::NotAllowed => Refusal::NotAllowed { from, to },
            UnknownSink::NotFound => Refusal::NotFound,
        });
    }
    if from == to || has_duplicates(&draft.connection_types) {
        return Err(Refusal::NotAllowed { from, to });
    }
    if world.connection_of_pair(from, to).is_some() {
        return Err(Refusal::Exists { from, to });
    }
    let shared = world.connections().filter(|connection| connection.source == from).count();
    if behaviour.sharing_limit.is_some_and(|limit| shared >= limit) { Err(Refusal::NotAllowed { from, to }) } else { Ok(()) }
}

pub(crate) fn update(question: &Question, scene: &mut Scene<'_>, caller: &Caller, id: Uuid) -> Result<Reply, Refusal> {
    let UpdateRequest { data } = serde_json::from_slice(&question.body).map_err(|_| Refusal::Invalid)?;
    let types = data.attributes.connection_types;
    let fits = data.r#type == "org_connection" && strict_uuid(&data.id) == Some(id) && known_and_some(&types) && !has_duplicates(&types);
    if !fits {
        return Err(Refusal::Invalid);
    }
    let known = scene.world.connection(id).ok_or(Refusal::NothingToUpdate(id))?;
    if known.source != caller.organization {
        let as_sink = known.sink == caller.organization && scene.behaviour.update_by_sink == UpdateBySink::Forbidden;
        return Err(if as_sink { Refusal::PermissionMissing } else { Refusal::NothingToUpdate(id) });
    }
    let connection = scene.world.replace_types(id, types, scene.moment).ok_or(Refusal::NothingToUpdate(id))?;
    Ok(shown(&connection, scene.world, Names::Missing).with_effect(Effect::Changed))
}

pub(crate) fn delete(scene: &mut Scene<'_>, caller: &Caller, id: Uuid) -> Result<Reply, Refusal> {
    let known = scene.world.connection(id).ok_or(Refusal::NothingToDelete(id))?;
    if ![known.source, known.sink].contains(&caller.organization) {
        return Err(Refusal::NothingToDelete(id));
    }
    scene.world.remove(id, scene.moment).ok_or(Refusal::NothingToDelete(id))?;
    Ok(Reply { framing: Framing::Plain, ..Reply::json(200, "{}\n") }.with_effect(Effect::Deleted))
}

fn shown(connection: &Connection, world: &World, names: Names) -> Reply {
    Reply::json(200, Document::of(Row::new(connection, world, names)).render())
}

fn known_and_some(types: &[String]) -> bool {
    !types.is_empty() && types.iter().all(|kind| KNOWN_TYPES.contains(&kind.as_str()))
}

fn has_duplicates(types: &[String]) -> bool {
    types.iter().collect::<BTreeSet<_>>().len() != types.len()
}
