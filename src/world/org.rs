//! One organization in use: who it has proven to be, the client to reach it, its inventory, and what went wrong last.

mod brake;
mod lists;
mod names;
mod secret;
mod state;
mod wishes;
mod writes;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use self::state::{Failing, State};
use self::writes::Writes;
use super::Key;
use super::inventory::Inventory;
use crate::api::DatadogOrg;
use crate::api::datadog_org::DatadogOrgSpec;
use crate::datadog::{Call, Client};
use crate::decide::brake::Brake;
use crate::decide::desired::Referenced;
use crate::decide::model::{Identity, OrgId, Organization, Principal};
use crate::decide::organization::{Stand, Trouble, lacks_write, tells_otherwise};
use crate::decide::poll::Turn;
use crate::decide::requeue::PERMANENT_WAIT;
use crate::decide::step;

/// One DatadogOrg.
#[derive(Debug)]
pub struct Org {
    /// Namespace and name.
    pub key: Key,
    uid: String,
    state: Mutex<State>,
    /// Held while one deletion asks the brake: of those of this process, none then finds that another has just written.
    turn_at_brake: tokio::sync::Mutex<()>,
}

impl Org {
    pub(super) fn new(key: Key, uid: String, object: &DatadogOrg) -> Self {
        let state = State {
            spec: object.spec.clone(),
            terminating: false,
            proven: recorded(object),
            client: None,
            called: None,
            identity: None,
            trouble: None,
            was_usable: false,
            inventory: Inventory::default(),
            listed_at: None,
            proved_at: None,
            counted: None,
            unmanaged: None,
            unsettled_since: None,
            wanted: None,
            insisted: None,
            doubted: false,
            writes: Writes::Untried,
            names: None,
            names_fail_since: None,
            secret_read_at: None,
            secret_unread_since: None,
            started: Instant::now(),
            epoch: 0,
            brake: Brake::of(object),
            brake_is_news: false,
            held: None,
        };
        Self { key, uid, state: Mutex::new(state), turn_at_brake: tokio::sync::Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn specified(&self, object: &DatadogOrg) {
        let mut state = self.lock();
        let spec = DatadogOrgSpec {
            poll_interval: object.spec.poll_interval.clone(),
            max_deletions_per_hour: object.spec.max_deletions_per_hour,
            ..state.spec.clone()
        };
        let was_unclear = state.trouble.as_ref().is_some_and(|failing| matches!(failing.trouble, Trouble::Undecodable(_)));
        if was_unclear || spec != object.spec {
            // Another Secret, site or pin: what was proven with the old ones is proven anew, and at once.
            state.client = None;
            state.identity = None;
            state.trouble = None;
            state.secret_read_at = None;
            state.wanted = Some(Instant::now());
        }
        state.spec = object.spec.clone();
        state.terminating = object.metadata.deletion_timestamp.is_some();
        state.brakes(object);
        // What was recorded first counts, whoever recorded it.
        if let Some(recorded) = recorded(object) {
            if state.identity.as_ref().is_some_and(|(identity, _)| identity.organization.id != recorded.id) {
                state.identity = None;
                state.wanted = Some(Instant::now());
            }
            state.proven = Some(recorded);
        }
        // Two processes would write over each other without end.
        let identity = state.identity.as_ref().map(|(identity, _)| identity);
        let is_old = object.status.as_ref().zip(identity).is_some_and(|(status, identity)| tells_otherwise(status, identity));
        state.doubted |= is_old;
    }

    /// Tells it from a namesake.
    pub fn uid(&self) -> &str {
        &self.uid
    }

    /// As a reference sees it.
    pub fn referenced(&self) -> Referenced {
        let state = self.lock();
        match &state.proven {
            Some(organization) => Referenced::Proven(organization.clone(), state.spec.site),
            None => Referenced::Unproven(state.why_not().unwrap_or_else(|| "its credentials are being checked".to_owned())),
        }
    }

    /// The organization that credentials of `found` would have to belong to instead: the pinned one, or the one proven before.
    pub fn contradicts(&self, found: OrgId) -> Option<OrgId> {
        let state = self.lock();
        let proven = state.proven.as_ref().map(|organization| organization.id);
        [state.pinned(), proven].into_iter().flatten().find(|expected| *expected != found)
    }

    /// The organization that the credentials have proven to this process.
    pub fn speaks_for(&self) -> Option<OrgId> {
        self.lock().identity.as_ref().map(|(identity, _)| identity.organization.id)
    }

    /// The status says now whom the credentials have proven to be, written over exactly what was known of it: nobody has recorded another.
    pub fn recorded(&self) {
        let mut state = self.lock();
        let proven = state.identity.as_ref().map(|(identity, _)| identity.organization.clone());
        state.proven = state.proven.take().or(proven);
    }

    /// Whether it can be used now and could not when this was asked last.
    pub fn becomes_usable(&self) -> bool {
        let usable = matches!(self.source(), step::Organization::Usable { .. });
        !std::mem::replace(&mut self.lock().was_usable, usable) && usable
    }

    /// The organization that the status records: once proven, by this process or an earlier one, it is that for ever.
    pub fn proven(&self) -> Option<OrgId> {
        self.lock().proven.as_ref().map(|organization| organization.id)
    }

    /// As an OrgConnection's step sees it.
    pub fn source(&self) -> step::Organization {
        let state = self.lock();
        let not_usable = |why: Option<String>, stalled| step::Organization::NotUsable {
            undecided: why.is_none(),
            why: why.unwrap_or_else(|| "its credentials are being checked".to_owned()),
            stalled,
        };
        match (&state.trouble, state.speaker()) {
            (Some(failing), _) => not_usable(state.why_not(), failing.trouble.needs_a_person(failing.since.elapsed())),
            (None, None) => not_usable(None, false),
            (None, Some((client, us))) => match client.organization_time() {
                Some(now) => step::Organization::Usable {
                    us: us.id,
                    now,
                    terminating: state.terminating,
                    writes_refused: state.refusal().map(str::to_owned),
                },
                None => not_usable(Some("Datadog's answers carry no readable Date: it cannot be told what is newer".to_owned()), false),
            },
        }
    }

    /// The client, and whom it speaks as, if that is proven and nothing is in the way.
    pub fn speaker(&self) -> Option<(Client, Principal)> {
        let state = self.lock();
        state.speaker().filter(|_| state.trouble.is_none())
    }

    /// Whether its spec suspends it: then nothing is done for its connections, also not with another key.
    pub fn is_suspended(&self) -> bool {
        self.lock().spec.suspend
    }

    /// The client of a Secret that is gone, and whom it spoke as: deletions may be finished with it, and nothing else.
    pub fn last_good(&self) -> Option<(Client, Principal)> {
        let state = self.lock();
        let is_gone = state.trouble.as_ref().is_some_and(|failing| matches!(failing.trouble, Trouble::SecretNotFound(_)));
        state.speaker().filter(|_| is_gone)
    }

    /// The time in which several corrections of one connection mean that somebody else corrects it too.
    pub fn contest_window(&self) -> Duration {
        Duration::from_mins(10).max(self.lock().interval().saturating_mul(5))
    }

    /// What decides about the next request.
    pub fn turn(&self) -> Turn {
        let state = self.lock();
        let open = |wish: Option<Instant>| wish.is_some_and(|at| state.listed_at.is_none_or(|listed| listed <= at));
        let wanted = open(state.insisted) || (open(state.wanted) && state.inventory.doubt().is_none());
        let closed = state.client.as_ref().and_then(|client| client.budget().closed_for(Call::List));
        Turn { link: state.link(), list_age: state.listed_at.map(|at| at.elapsed()), interval: state.interval(), wanted, closed }
    }

    /// The identity was proven. With other permissions, or after half an hour, a refused write is worth trying again.
    pub fn identified(&self, identity: Identity) {
        let mut state = self.lock();
        let same = state.identity.as_ref().is_some_and(|(known, _)| known.permissions == identity.permissions);
        let over = matches!(state.writes, Writes::Refused { at, .. } if at.elapsed() >= PERMANENT_WAIT);
        if !same || over {
            state.writes = Writes::Untried;
            state.epoch += 1;
        }
        if let Some(why) = lacks_write(&identity) {
            state.writes = Writes::Refused { at: Instant::now(), why };
        }
        state.doubted = state.refusal().is_some();
        state.identity = Some((identity, Some(Instant::now())));
    }

    /// An attempt failed. Answers whether it is news.
    pub fn failed(&self, trouble: Trouble, chance: f64) -> bool {
        let mut state = self.lock();
        let now = Instant::now();
        let same = state.trouble.as_ref().filter(|failing| failing.trouble.reason() == trouble.reason());
        let (since, attempts) = same.map_or((now, 0), |failing| (failing.since, failing.attempts.saturating_add(1)));
        let looked = same.map(|failing| failing.asked_at);
        // Whoever asked for this look learns that it was taken.
        let needs_a_person = |at: Instant| trouble.needs_a_person(at.duration_since(since));
        let news = looked.is_none_or(|looked| needs_a_person(looked) != needs_a_person(now)) || state.insisted > looked;
        if !trouble.leaves_identity() {
            state.identity = None;
        }
        if trouble.is_about_the_secret() {
            state.secret_read_at = Some(now);
        }
        let wait = trouble.wait(now.duration_since(since), attempts, chance);
        state.trouble = Some(Failing { trouble, since, attempts, asked_at: now, wait });
        news
    }

    /// Changes when a failed call is worth trying again at once.
    pub fn epoch(&self) -> u64 {
        self.lock().epoch
    }

    /// The client of the credentials that were read last.
    pub fn client(&self) -> Option<Client> {
        self.lock().client.clone()
    }

    /// How it stands.
    pub fn stand(&self) -> Stand {
        let state = self.lock();
        match (&state.trouble, &state.identity, state.listed_at) {
            (Some(failing), _, _) => Stand::Trouble(failing.trouble.clone(), failing.since.elapsed()),
            (None, Some((identity, _)), Some(_)) => Stand::Connected(state.renamed(identity)),
            (None, _, _) => Stand::Checking,
        }
    }
}

fn recorded(object: &DatadogOrg) -> Option<Organization> {
    let organization = object.status.as_ref()?.organization.as_ref()?;
    Some(Organization { id: organization.id.parse().ok()?, name: organization.name.clone().unwrap_or_default() })
}

#[cfg(test)]
mod tests;
