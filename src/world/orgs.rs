//! The organizations in use: for each DatadogOrg object who it has proven to be, the client to reach it, and its inventory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::Key;
use super::inventory::{Changed, Inventory, OwnWrite, Snapshot};
use crate::api::DatadogOrg;
use crate::api::datadog_org::Site;
use crate::datadog::Client;
use crate::decide::desired::Referenced;
use crate::decide::model::{Identity, OrgId, Organization, Pair};
use crate::decide::organization::{Stand, Trouble};
use crate::decide::plan::Seen;
use crate::decide::poll::{self, Link, Turn};

/// All DatadogOrg objects that the watch has shown.
#[derive(Debug, Default)]
pub struct Orgs(Mutex<HashMap<Key, Arc<Org>>>);

impl Orgs {
    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Arc<Org>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The organization of a reference.
    pub fn get(&self, key: &Key) -> Option<Arc<Org>> {
        self.lock().get(key).cloned()
    }

    /// Takes in what the watch shows. A namesake of another uid starts afresh.
    pub fn applied(&self, object: &DatadogOrg) -> Arc<Org> {
        let key = Key::of(object);
        let uid = object.metadata.uid.clone().unwrap_or_default();
        let mut orgs = self.lock();
        let org = orgs.entry(key.clone()).or_insert_with(|| Arc::new(Org::new(key.clone(), uid.clone(), object)));
        if org.uid != uid {
            *org = Arc::new(Org::new(key, uid, object));
        }
        org.specified(object);
        Arc::clone(org)
    }

    /// The object is gone.
    pub fn deleted(&self, key: &Key) {
        self.lock().remove(key);
    }
}

/// One DatadogOrg.
#[derive(Debug)]
pub struct Org {
    /// Namespace and name.
    pub key: Key,
    uid: String,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    site: Site,
    pinned: Option<OrgId>,
    interval: Duration,
    terminating: bool,
    /// From the status, or proven by this process.
    proven: Option<Organization>,
    client: Option<Client>,
    identity: Option<(Identity, Instant)>,
    trouble: Option<Failing>,
    inventory: Inventory,
    listed_at: Option<Instant>,
    wanted: Option<Instant>,
    doubted: bool,
    writes_refused: Option<(Instant, String)>,
    secret_read_at: Option<Instant>,
    started: Instant,
}

#[derive(Debug)]
struct Failing {
    trouble: Trouble,
    since: Instant,
    attempts: u32,
    asked_at: Instant,
    wait: Duration,
}

/// What a pass of an OrgConnection needs of its source.
#[derive(Debug)]
pub struct Usable {
    /// Speaks for the organization.
    pub client: Client,
    /// Whom it speaks as.
    pub identity: Identity,
    /// Datadog's text, if the last write was refused for want of a permission.
    pub writes_refused: Option<String>,
}

impl Org {
    fn new(key: Key, uid: String, object: &DatadogOrg) -> Self {
        let proven = object.status.as_ref().and_then(|status| status.organization.as_ref()).and_then(|organization| {
            Some(Organization { id: organization.id.parse().ok()?, name: organization.name.clone().unwrap_or_default() })
        });
        let state = State {
            site: object.spec.site,
            pinned: None,
            interval: Duration::ZERO,
            terminating: false,
            proven,
            client: None,
            identity: None,
            trouble: None,
            inventory: Inventory::default(),
            listed_at: None,
            wanted: None,
            doubted: false,
            writes_refused: None,
            secret_read_at: None,
            started: Instant::now(),
        };
        Self { key, uid, state: Mutex::new(state) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn specified(&self, object: &DatadogOrg) {
        let mut state = self.lock();
        state.site = object.spec.site;
        state.pinned = object.spec.organization_id.as_ref().and_then(|id| id.0.parse().ok());
        state.interval = poll::parse_interval(&object.spec.poll_interval).unwrap_or(poll::REFUSED_INTERVAL);
        state.terminating = object.metadata.deletion_timestamp.is_some();
    }

    /// Its uid: a namesake is another one.
    pub fn uid(&self) -> &str {
        &self.uid
    }

    /// As a reference sees it.
    pub fn referenced(&self) -> Referenced {
        let state = self.lock();
        match &state.proven {
            Some(organization) => Referenced::Proven(organization.clone(), state.site),
            None => Referenced::Unproven(state.why_not().unwrap_or_else(|| "its credentials are being checked".to_owned())),
        }
    }

    /// The organization that the credentials have to belong to.
    pub fn expected(&self) -> Option<OrgId> {
        let state = self.lock();
        state.pinned.or(state.proven.as_ref().map(|organization| organization.id))
    }

    /// The organization that was proven, by this process or an earlier one.
    pub fn proven(&self) -> Option<OrgId> {
        self.lock().proven.as_ref().map(|organization| organization.id)
    }

    /// The client and whom it speaks as, if writes may be tried; else what stands in the way.
    pub fn usable(&self) -> Result<Usable, NotUsable> {
        let state = self.lock();
        match (&state.trouble, &state.client, &state.identity) {
            (None, Some(client), Some((identity, _))) => Ok(Usable {
                client: client.clone(),
                identity: identity.clone(),
                writes_refused: state.writes_refused.as_ref().map(|(_, text)| text.clone()),
            }),
            _ => Err(NotUsable {
                why: state.why_not().unwrap_or_else(|| "its credentials are being checked".to_owned()),
                undecided: state.trouble.is_none(),
                stalled: state.trouble.as_ref().is_some_and(|failing| !failing.trouble.leaves_identity()),
            }),
        }
    }

    /// Whether it is being deleted: it takes no new claims then.
    pub fn is_terminating(&self) -> bool {
        self.lock().terminating
    }

    /// Whether the last list is recent enough to vouch for what the objects say.
    pub fn vouches(&self) -> bool {
        let state = self.lock();
        state.listed_at.unwrap_or(state.started).elapsed() < poll::vouches_for(state.interval)
    }

    /// What is known of a pair, and since when that is proved.
    pub fn seen(&self, pair: Pair) -> (Seen, Option<Timestamp>) {
        let state = self.lock();
        (state.inventory.seen(pair), state.inventory.proof(pair))
    }

    /// Lays an own write over the inventory.
    pub fn wrote(&self, pair: Pair, write: OwnWrite) {
        self.lock().inventory.wrote(pair, write, Instant::now());
    }

    /// A list begun from now on is needed; whoever speaks of the pair is woken by it.
    pub fn want_list(&self, pair: Option<Pair>) {
        let mut state = self.lock();
        state.wanted = Some(Instant::now());
        if let Some(pair) = pair {
            state.inventory.wake_after_list(pair);
        }
    }

    /// A write was refused for want of a permission, or the key altogether: whom it belongs to is asked again before long.
    pub fn refused(&self, why: String) {
        let mut state = self.lock();
        state.writes_refused = Some((Instant::now(), why));
        state.doubted = true;
    }

    /// What decides about the next request.
    pub fn turn(&self) -> Turn {
        let state = self.lock();
        let wanted = state.wanted.is_some_and(|wanted| state.listed_at.is_none_or(|listed| listed <= wanted));
        Turn { link: state.link(), list_age: state.listed_at.map(|at| at.elapsed()), interval: state.interval, wanted }
    }

    /// Whether the Secret is to be read now although Datadog is to be left alone.
    pub fn secret_is_due(&self) -> bool {
        let state = self.lock();
        let fresh = state.secret_read_at.is_some_and(|at| at.elapsed() < poll::SECRET_INTERVAL);
        !fresh && (state.trouble.is_some() || state.client.is_none())
    }

    /// The Secret was read and holds usable credentials: a new client if they are other ones than before, with nothing proven.
    pub fn credentials(&self, client: Client) {
        let mut state = self.lock();
        state.secret_read_at = Some(Instant::now());
        let fingerprint = |client: &Client| client.credentials().fingerprint();
        if state.client.as_ref().is_none_or(|known| fingerprint(known) != fingerprint(&client)) {
            state.client = Some(client);
            state.identity = None;
            state.trouble = None;
            state.writes_refused = None;
        } else if state.trouble.as_ref().is_some_and(|failing| failing.trouble.is_about_the_secret()) {
            state.trouble = None;
        }
    }

    /// The identity was proven. Answers whether that changes what objects may do.
    pub fn identified(&self, identity: Identity) -> bool {
        let mut state = self.lock();
        let changed = state.identity.as_ref().is_none_or(|(known, _)| *known != identity) || state.trouble.is_some();
        let permissions = state.identity.as_ref().map(|(known, _)| known.permissions.clone());
        let retry = state.writes_refused.as_ref().is_some_and(|(at, _)| at.elapsed() >= crate::decide::requeue::PERMANENT_WAIT);
        if permissions.is_some_and(|known| known != identity.permissions) || retry {
            state.writes_refused = None;
        }
        state.doubted = state.writes_refused.is_some();
        state.proven = Some(identity.organization.clone());
        state.identity = Some((identity, Instant::now()));
        changed
    }

    /// An attempt failed. Answers whether it is news.
    pub fn failed(&self, trouble: Trouble, chance: f64) -> bool {
        let mut state = self.lock();
        let now = Instant::now();
        let same = state.trouble.as_ref().filter(|failing| failing.trouble.reason() == trouble.reason());
        let (since, attempts) = same.map_or((now, 0), |failing| (failing.since, failing.attempts.saturating_add(1)));
        let news = same.is_none();
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

    /// A list came. Answers who has to look again.
    pub fn listed(&self, snapshot: Snapshot) -> Changed {
        let mut state = self.lock();
        let was_down = state.trouble.take().is_some();
        state.listed_at = Some(snapshot.began_here);
        let changed = state.inventory.listed(snapshot);
        if was_down { Changed::Everything } else { changed }
    }

    /// The client of the credentials that were read last.
    pub fn client(&self) -> Option<Client> {
        self.lock().client.clone()
    }

    /// Whether a list has begun since.
    pub fn listed_since(&self, time: Instant) -> bool {
        self.lock().listed_at.is_some_and(|listed| listed >= time)
    }

    /// The pairs of the last list.
    pub fn listed_pairs(&self) -> Vec<Pair> {
        self.lock().inventory.listed_pairs()
    }

    /// How it stands.
    pub fn stand(&self) -> Stand {
        let state = self.lock();
        match (&state.trouble, &state.identity, state.listed_at) {
            (Some(failing), _, _) => Stand::Trouble(failing.trouble.clone(), failing.since.elapsed()),
            (None, Some((identity, _)), Some(_)) => Stand::Connected(identity.clone()),
            (None, _, _) => Stand::Checking,
        }
    }
}

/// Why nothing may be written through an organization now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotUsable {
    /// What stands in the way.
    pub why: String,
    /// Whether the first attempt is still under way.
    pub undecided: bool,
    /// Whether it is about the credentials rather than the way to Datadog.
    pub stalled: bool,
}

impl State {
    fn link(&self) -> Link {
        match (&self.trouble, &self.identity) {
            (Some(failing), identity) => Link::Down { since: failing.asked_at.elapsed(), wait: failing.wait, proven: identity.is_some() },
            (None, None) => Link::New,
            (None, Some((_, at))) => Link::Connected { identity_age: at.elapsed(), doubted: self.doubted },
        }
    }

    fn why_not(&self) -> Option<String> {
        self.trouble.as_ref().map(|failing| format!("{}: {}", failing.trouble.reason().name(), failing.trouble.message()))
    }
}

#[cfg(test)]
mod tests;
