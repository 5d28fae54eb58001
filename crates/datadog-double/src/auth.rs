//! Who is asking. Pure: keys in, caller or refusal out.

use std::collections::BTreeSet;

use http::HeaderMap;
use uuid::Uuid;

use crate::config::{Credential, Keys, Organization};
use crate::refusal::Refusal;
use crate::state::World;

/// The keys a request carries. No `Debug`: they must not be printed.
#[derive(Clone, Default)]
pub(crate) struct Presented {
    api_key: Option<String>,
    app_key: Option<String>,
    bearer: Option<String>,
}

/// A proven caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) organization: Uuid,
    pub(crate) user: Uuid,
    pub(crate) permissions: BTreeSet<String>,
}

/// Whose key it looks like, valid or not: for the journal and for the matching of faults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Recognised {
    pub(crate) organization: Uuid,
    pub(crate) credential: String,
}

impl Presented {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let bearer = text("authorization").and_then(|value| value.strip_prefix("Bearer ").map(str::to_owned));
        Self { api_key: text("dd-api-key"), app_key: text("dd-application-key"), bearer }
    }

    /// A token works in its own header and in the place of the application key.
    fn tokens(&self) -> impl Iterator<Item = &str> {
        [self.bearer.as_deref(), self.app_key.as_deref()].into_iter().flatten()
    }
}

impl Caller {
    pub(crate) fn of(organization: &Organization, credential: &Credential) -> Self {
        Self { organization: organization.id, user: credential.user.id, permissions: credential.permissions.clone() }
    }

    /// Refuses unless the caller has one of these permissions.
    pub(crate) fn may(&self, any_of: &[&str]) -> Result<(), Refusal> {
        let granted = any_of.iter().any(|&permission| self.permissions.contains(permission));
        if granted { Ok(()) } else { Err(Refusal::PermissionMissing) }
    }
}

/// Proves the caller of an endpoint that needs both keys or a token.
pub(crate) fn identify(world: &World, presented: &Presented) -> Result<Caller, Refusal> {
    let bearer = live(world).find(|(_, credential)| presented.tokens().any(|token| is_token(credential, token)));
    if let Some((organization, credential)) = bearer {
        return Ok(Caller::of(organization, credential));
    }
    if presented.bearer.is_some() {
        return Err(Refusal::Unauthorized);
    }
    let api_key = presented.api_key.as_deref().ok_or(Refusal::NoApiKey)?;
    let app_key = presented.app_key.as_deref().ok_or(Refusal::Unauthorized)?;
    let owner = organization_of(world, api_key)?;
    let credential = owner.credentials.iter().find(|credential| is_live(world, credential) && is_app_key(credential, app_key));
    credential.map(|credential| Caller::of(owner, credential)).ok_or(Refusal::Forbidden)
}

/// The organization of an API key alone: all that `/api/v2/validate` looks at.
pub(crate) fn organization_by_api_key<'a>(world: &'a World, presented: &Presented) -> Result<&'a Organization, Refusal> {
    organization_of(world, presented.api_key.as_deref().ok_or(Refusal::NoApiKey)?)
}

/// Whose key it is, revoked ones included.
pub(crate) fn recognise(world: &World, presented: &Presented) -> Option<Recognised> {
    let by = |matches: &dyn Fn(&Credential) -> bool| {
        all(world)
            .find(|(_, credential)| matches(credential))
            .map(|(organization, credential)| Recognised { organization: organization.id, credential: credential.id.clone() })
    };
    by(&|credential| presented.tokens().any(|token| is_token(credential, token) || is_app_key(credential, token)))
        .or_else(|| by(&|credential| presented.api_key.as_deref().is_some_and(|key| is_api_key(credential, key))))
}

/// Takes every known secret out of a text that goes into the journal; whether there was one.
pub(crate) fn redact(world: &World, text: &str) -> (String, bool) {
    let mut redacted = text.to_owned();
    for secret in all(world).flat_map(|(_, credential)| credential.keys.secrets()).filter(|secret| !secret.is_empty()) {
        redacted = redacted.replace(secret, "<key>");
    }
    let found = redacted != text;
    (redacted, found)
}

fn organization_of<'a>(world: &'a World, api_key: &str) -> Result<&'a Organization, Refusal> {
    let owner = live(world).find(|(_, credential)| is_api_key(credential, api_key));
    owner.map(|(organization, _)| organization).ok_or(Refusal::Forbidden)
}

fn all(world: &World) -> impl Iterator<Item = (&Organization, &Credential)> {
    world.organizations().iter().flat_map(|organization| organization.credentials.iter().map(move |credential| (organization, credential)))
}

fn live(world: &World) -> impl Iterator<Item = (&Organization, &Credential)> {
    all(world).filter(|(_, credential)| is_live(world, credential))
}

fn is_live(world: &World, credential: &Credential) -> bool {
    credential.enabled && world.user(credential.user.id).is_some_and(|known| !known.disabled)
}

fn is_token(credential: &Credential, presented: &str) -> bool {
    matches!(&credential.keys, Keys::Bearer { bearer_token } if bearer_token == presented)
}

fn is_api_key(credential: &Credential, presented: &str) -> bool {
    matches!(&credential.keys, Keys::Pair { api_key, .. } if api_key == presented)
}

fn is_app_key(credential: &Credential, presented: &str) -> bool {
    matches!(&credential.keys, Keys::Pair { app_key, .. } if app_key == presented)
}
