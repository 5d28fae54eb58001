//! Who the key is, which organizations there are, and whether a key is valid at all.

use serde::Serialize;
use uuid::Uuid;

use crate::api::{Question, Scene};
use crate::auth::Caller;
use crate::config::{MANAGE, Organization, WRITE};
use crate::refusal::Refusal;
use crate::reply::Reply;
use crate::wire::{Document, Included, ManyReferences, Reference, UserAttributes};

/// One of these is needed for `/api/v2/org`.
pub(crate) const MAY_LIST_ORGANIZATIONS: &[&str] = &[MANAGE, WRITE];

#[derive(Serialize)]
struct OneReference {
    data: Reference,
}

#[derive(Serialize)]
struct CurrentUser {
    r#type: &'static str,
    id: Uuid,
    attributes: UserAttributes,
    relationships: UserRelationships,
}

#[derive(Serialize)]
struct UserRelationships {
    org: OneReference,
    roles: ManyReferences,
    team_roles: ManyReferences,
}

#[derive(Serialize)]
struct ManagedOrgs {
    r#type: &'static str,
    id: Uuid,
    relationships: ManagedRelationships,
}

#[derive(Serialize)]
struct ManagedRelationships {
    current_org: OneReference,
    managed_orgs: ManyReferences,
}

#[derive(Serialize)]
struct Validated {
    r#type: &'static str,
    id: Uuid,
    attributes: ValidatedAttributes,
}

#[derive(Serialize)]
struct ValidatedAttributes {
    api_key_id: Uuid,
    api_key_scopes: [String; 0],
    valid: bool,
}

pub(crate) fn current_user(scene: &Scene<'_>, caller: &Caller) -> Result<Reply, Refusal> {
    let world = &scene.world;
    let user = world.user(caller.user).ok_or(Refusal::Forbidden)?;
    let organization = world.organization(caller.organization).ok_or(Refusal::Forbidden)?;
    let role = derived(caller.user, 1);
    let relationships = UserRelationships {
        org: OneReference { data: Reference::nameless("orgs", organization.id) },
        roles: ManyReferences { data: vec![Reference::nameless("roles", role)] },
        team_roles: ManyReferences { data: Vec::new() },
    };
    let data = CurrentUser { r#type: "users", id: caller.user, attributes: UserAttributes::current(user, world.begun), relationships };
    let mut included = vec![Included::role(role, format!("Role of {}", user.user.name), caller.permissions.iter())];
    included.extend(caller.permissions.iter().map(|permission| Included::permission(permission)));
    included.push(Included::organization(organization, world.begun));
    Ok(Reply::json(200, Document { data, included, meta: None }.render()))
}

pub(crate) fn organizations(question: &Question, scene: &Scene<'_>, caller: &Caller) -> Result<Reply, Refusal> {
    let world = &scene.world;
    let current = world.organization(caller.organization).ok_or(Refusal::Forbidden)?;
    let wanted = question.parameter("filter[name]").unwrap_or_default().to_lowercase();
    let matches = |organization: &&Organization| organization.name.to_lowercase().contains(&wanted);
    let others = world
        .organizations()
        .iter()
        .filter(|other| scene.behaviour.account_visible && other.account == current.account && other.id != current.id && matches(other));
    let shown: Vec<_> = others.collect();
    let managed = shown.iter().map(|organization| Reference::nameless("orgs", organization.id)).collect();
    let relationships = ManagedRelationships {
        current_org: OneReference { data: Reference::nameless("orgs", current.id) },
        managed_orgs: ManyReferences { data: managed },
    };
    let data = ManagedOrgs { r#type: "managed_orgs", id: current.id, relationships };
    let own = Some(current).filter(matches);
    let included = own.into_iter().chain(shown).map(|organization| Included::organization(organization, world.begun)).collect();
    Ok(Reply::json(200, Document { data, included, meta: None }.render()))
}

pub(crate) fn validate(organization: &Organization) -> Result<Reply, Refusal> {
    let attributes = ValidatedAttributes { api_key_id: derived(organization.id, 2), api_key_scopes: [], valid: true };
    let data = Validated { r#type: "validate_v2", id: organization.id, attributes };
    Ok(Reply::json(200, Document { data, included: Vec::new(), meta: None }.render()))
}

/// An id that nothing else has and that is always the same for its owner.
fn derived(owner: Uuid, salt: u128) -> Uuid {
    Uuid::from_u128(owner.as_u128() ^ (salt << 48))
}
