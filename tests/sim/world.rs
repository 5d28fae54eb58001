//! Both APIs and what lies between them: organizations, their DatadogOrg objects, their keys.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use crossorg::api::DatadogOrg;
use datadog_double::{CENTRAL, Clock, Config, Credential, Double, Ids, Keys, PAYMENTS, READ, SECURITY, User, WRITE};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use crate::apiserver::{ApiServer, Kind};

/// One DatadogOrg object. Two of them speak for the same organization, from another namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Seat {
    pub(crate) namespace: &'static str,
    pub(crate) name: &'static str,
    pub(crate) organization: Uuid,
}

/// All DatadogOrg objects there may be.
pub(crate) const SEATS: [Seat; 5] = [
    Seat { namespace: "team", name: "payments", organization: PAYMENTS },
    Seat { namespace: "team", name: "central", organization: CENTRAL },
    Seat { namespace: "team", name: "security", organization: SECURITY },
    Seat { namespace: "other", name: "payments", organization: PAYMENTS },
    Seat { namespace: "other", name: "central", organization: CENTRAL },
];

/// What begins every key of this world, and never stands in a status or an event.
pub(crate) const KEY_PREFIX: &str = "fake-key-of-";

/// The wall clock of everybody.
pub(crate) type WallClock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Both APIs. Cheap to clone; all clones are one world.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) server: ApiServer,
    pub(crate) datadog: Double,
    pub(crate) wall_clock: WallClock,
    pub(crate) begun: Instant,
    keyring: Arc<Mutex<Keyring>>,
}

/// Who the operator acts as in each organization, now and before.
#[derive(Default)]
struct Keyring {
    made: usize,
    principals: BTreeSet<Uuid>,
    users: Vec<(Uuid, User)>,
}

impl Seat {
    /// Whether it is the one of this namespace and name.
    pub(crate) fn is(&self, metadata: &Value) -> bool {
        metadata["namespace"] == self.namespace && metadata["name"] == self.name
    }

    /// The name of its Secret.
    pub(crate) fn secret(&self) -> String {
        format!("{}-keys", self.name)
    }
}

impl World {
    /// Three organizations of one account, each with a user for the operator; nothing in Kubernetes.
    pub(crate) fn new(seed: u64) -> Self {
        // kube spreads the waits of its watches with this.
        fastrand::seed(seed);
        let begun = Instant::now();
        let start = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * 365 * 56);
        let wall_clock: WallClock = Arc::new(move || start + begun.elapsed());
        let clock = Arc::clone(&wall_clock);
        let config = Config::three_organizations();
        let users: Vec<(Uuid, User)> = config.organizations.iter().map(|known| (known.id, known.credentials[0].user.clone())).collect();
        let principals = users.iter().map(|(_, user)| user.id).collect();
        Self {
            seed,
            server: ApiServer::new(seed, move || clock()),
            datadog: Double::with_sources(&config, Clock::virtual_from(start), Ids::seeded(seed)),
            wall_clock,
            begun,
            keyring: Arc::new(Mutex::new(Keyring { made: 0, principals, users })),
        }
    }

    /// Everybody whom the operator has acted as.
    pub(crate) fn principals(&self) -> BTreeSet<Uuid> {
        self.keyring(|keyring| keyring.principals.clone())
    }

    /// Whom the operator acts as in an organization now.
    pub(crate) fn principal(&self, organization: Uuid) -> Uuid {
        self.keyring(|keyring| keyring.user(organization).id)
    }

    fn keyring<T>(&self, at: impl FnOnce(&mut Keyring) -> T) -> T {
        at(&mut self.keyring.lock().unwrap_or_else(PoisonError::into_inner))
    }

    // === Keys ===

    /// Makes a new key for a seat and puts it into its Secret. Answers its id; older keys go on working.
    pub(crate) fn rotate(&self, seat: Seat) -> String {
        let id = self.make_key(seat);
        self.put_key(seat, &id);
        id
    }

    /// Puts a key into the Secret of a seat, whosever it is.
    pub(crate) fn put_key(&self, seat: Seat, id: &str) {
        let keys = [("api-key", format!("{KEY_PREFIX}{id}-api")), ("app-key", format!("{KEY_PREFIX}{id}-app"))];
        self.server.secret(seat.namespace, &seat.secret(), &keys).unwrap();
    }

    fn make_key(&self, seat: Seat) -> String {
        let (id, user) = self.keyring(|keyring| {
            keyring.made += 1;
            (format!("{}-{}-{}", seat.namespace, seat.name, keyring.made), keyring.user(seat.organization))
        });
        let keys = Keys::Pair { api_key: format!("{KEY_PREFIX}{id}-api"), app_key: format!("{KEY_PREFIX}{id}-app") };
        let permissions = [READ, WRITE].map(str::to_owned).into();
        let credential = Credential { id: id.clone(), keys, user, permissions, enabled: true };
        self.datadog.add_credential(seat.organization, credential).unwrap();
        id
    }

    /// The operator's user leaves the organization: its connections vanish, its keys die. The next key is another user's.
    pub(crate) fn replace_user(&self, organization: Uuid) {
        let leaving = self.principal(organization);
        self.datadog.deactivate_user(leaving).unwrap();
        self.keyring(|keyring| {
            let id = Uuid::from_u128(leaving.as_u128() + (1 << 64));
            keyring.principals.insert(id);
            keyring.users.retain(|(known, _)| *known != organization);
            keyring.users.push((organization, User { id, name: "The operator's next user".to_owned(), service_account: true }));
        });
    }

    // === Objects ===

    /// All OrgConnections.
    pub(crate) fn connections(&self) -> Vec<Arc<Value>> {
        self.server.stored(Kind::OrgConnection)
    }

    /// The DatadogOrg of a seat.
    pub(crate) fn org(&self, seat: Seat) -> Option<DatadogOrg> {
        self.server.object(seat.namespace, seat.name)
    }
}

impl Keyring {
    fn user(&self, organization: Uuid) -> User {
        let known = self.users.iter().find(|(known, _)| *known == organization);
        known.expect("every organization of this world has a user for the operator").1.clone()
    }
}

/// The spec of a seat's DatadogOrg.
pub(crate) fn org_spec(seat: Seat, interval: &str, limit: usize, suspend: bool) -> Value {
    let secret = json!({ "name": seat.secret() });
    json!({ "site": "datadoghq.eu", "credentialsSecretRef": secret, "pollInterval": interval, "maxDeletionsPerHour": limit, "suspend": suspend })
}

/// A manifest as people write it.
pub(crate) fn manifest(kind: &str, namespace: &str, name: &str, spec: &Value) -> Value {
    let metadata = json!({ "name": name, "namespace": namespace });
    json!({ "apiVersion": "crossorg.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec })
}
