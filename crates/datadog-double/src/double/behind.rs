//! What happens behind the operator's back: people in the UI, administrators, other tools.

use std::collections::BTreeSet;

use uuid::Uuid;

use crate::api::permit;
use crate::config::{Credential, Limit, Organization, User};
use crate::core::Core;
use crate::double::{ControlError, Double};
use crate::state::{Connection, Draft};

impl Double {
    /// A person creates a connection in the UI. A name nobody in the source organization has becomes a new user.
    ///
    /// # Errors
    /// When the pair is not allowed or taken.
    pub fn create_as(&self, person: &str, source: Uuid, sink: Uuid, types: &[&str]) -> Result<Connection, ControlError> {
        self.update(|core| {
            core.world.organization(source).ok_or_else(|| ControlError::unknown("organization", &source))?;
            let created_by = user_named(core, source, person);
            let connection_types = types.iter().map(|&kind| kind.to_owned()).collect();
            let draft = Draft { source, sink, connection_types, created_by };
            permit(&core.world, &core.behaviour, &draft).map_err(ControlError::Refused)?;
            let (id, now, seq) = (core.ids.next(), core.now(), core.journal.last());
            let connection = core.world.insert(draft, id, now, core.moment(seq));
            core.check_pair(source, sink, seq);
            Ok(connection)
        })
    }

    /// Somebody changes the types of a connection in the UI.
    ///
    /// # Errors
    /// When there is no such connection.
    pub fn change_types(&self, id: Uuid, types: &[&str]) -> Result<Connection, ControlError> {
        let types = types.iter().map(|&kind| kind.to_owned()).collect();
        self.update(|core| core.world.replace_types(id, types, core.moment(core.journal.last()))).ok_or_else(|| unknown_connection(id))
    }

    /// Somebody deletes a connection in the UI.
    ///
    /// # Errors
    /// When there is no such connection.
    pub fn delete(&self, id: Uuid) -> Result<Connection, ControlError> {
        self.update(|core| {
            let gone = core.world.remove(id, core.moment(core.journal.last())).ok_or_else(|| unknown_connection(id))?;
            core.monitor.deleted(gone.source, gone.sink);
            Ok(gone)
        })
    }

    /// From now on a PATCH or DELETE of this connection is a broken rule (it is carried out nevertheless).
    ///
    /// # Errors
    /// When there is no such connection.
    pub fn protect(&self, id: Uuid) -> Result<(), ControlError> {
        self.update(|core| core.world.set_protected(id, true)).ok_or_else(|| unknown_connection(id))
    }

    /// Takes the mark of [`Self::protect`] away.
    ///
    /// # Errors
    /// When there is no such connection.
    pub fn unprotect(&self, id: Uuid) -> Result<(), ControlError> {
        self.update(|core| core.world.set_protected(id, false)).ok_or_else(|| unknown_connection(id))
    }

    /// Deactivates a user: its keys are refused from now on, and its connections vanish. Answers those connections.
    ///
    /// # Errors
    /// When there is no such user.
    pub fn deactivate_user(&self, user: Uuid) -> Result<Vec<Connection>, ControlError> {
        self.update(|core| {
            let moment = core.moment(core.journal.last());
            let gone = core.world.deactivate(user, moment).ok_or_else(|| ControlError::unknown("user", &user))?;
            gone.iter().for_each(|connection| core.monitor.deleted(connection.source, connection.sink));
            Ok(gone)
        })
    }

    /// Adds an organization.
    pub fn add_organization(&self, organization: Organization) {
        self.update(|core| {
            core.limits.set(organization.id, organization.limit.clone());
            core.world.add_organization(organization);
        });
    }

    /// Gives an organization another name.
    ///
    /// # Errors
    /// When there is no such organization.
    pub fn rename(&self, organization: Uuid, name: &str) -> Result<(), ControlError> {
        self.in_organization(organization, |known| name.clone_into(&mut known.name))
    }

    /// Gives an organization a fresh budget, or none.
    ///
    /// # Errors
    /// When there is no such organization.
    pub fn set_limit(&self, organization: Uuid, limit: Option<Limit>) -> Result<(), ControlError> {
        self.in_organization(organization, |known| known.limit.clone_from(&limit))?;
        self.update(|core| core.limits.set(organization, limit));
        Ok(())
    }

    /// Other tools use up so much of an organization's present window.
    pub fn use_budget(&self, organization: Uuid, requests: u64) {
        self.update(|core| {
            let now = core.now();
            core.limits.used_elsewhere(organization, requests, now);
        });
    }

    /// Adds a credential, or replaces the one with the same id.
    ///
    /// # Errors
    /// When there is no such organization.
    pub fn add_credential(&self, organization: Uuid, credential: Credential) -> Result<(), ControlError> {
        self.update(|core| core.world.add_credential(organization, credential))
            .ok_or_else(|| ControlError::unknown("organization", &organization))
    }

    /// Revokes a credential: its keys are refused from now on.
    ///
    /// # Errors
    /// When there is no such credential.
    pub fn revoke(&self, organization: Uuid, credential: &str) -> Result<(), ControlError> {
        self.in_credential(organization, credential, |known| known.enabled = false)
    }

    /// Takes a revocation back.
    ///
    /// # Errors
    /// When there is no such credential.
    pub fn restore(&self, organization: Uuid, credential: &str) -> Result<(), ControlError> {
        self.in_credential(organization, credential, |known| known.enabled = true)
    }

    /// Replaces the permissions of a credential.
    ///
    /// # Errors
    /// When there is no such credential.
    pub fn set_permissions(&self, organization: Uuid, credential: &str, permissions: &[&str]) -> Result<(), ControlError> {
        let permissions: BTreeSet<_> = permissions.iter().map(|&permission| permission.to_owned()).collect();
        self.in_credential(organization, credential, |known| known.permissions = permissions)
    }

    fn in_organization(&self, id: Uuid, change: impl FnOnce(&mut Organization)) -> Result<(), ControlError> {
        self.update(|core| core.world.organization_mut(id).map(change)).ok_or_else(|| ControlError::unknown("organization", &id))
    }

    fn in_credential(&self, organization: Uuid, id: &str, change: impl FnOnce(&mut Credential)) -> Result<(), ControlError> {
        self.update(|core| core.world.credential_mut(organization, id).map(change)).ok_or_else(|| ControlError::unknown("credential", id))
    }
}

fn unknown_connection(id: Uuid) -> ControlError {
    ControlError::unknown("connection", &id)
}

/// The user of that name in the organization, made if there is none.
fn user_named(core: &mut Core, organization: Uuid, name: &str) -> Uuid {
    let known = core.world.users().find(|known| known.organization == organization && known.user.name == name && !known.disabled);
    if let Some(known) = known {
        return known.user.id;
    }
    let id = core.ids.next();
    core.world.add_user(organization, User { id, name: name.to_owned(), service_account: false });
    id
}
