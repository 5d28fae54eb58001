//! The values that the tests of the decisions speak of. Everything goes through the real parsers.

use jiff::Timestamp;

use super::brake::{self, Brake};
use super::claims::{Claim, Claimant, Intent, Memory};
use super::desired::{Desired, Invalid};
use super::model::{Connection, ConnectionId, ConnectionTypes, OrgId, Organization, Pair, Principal, PrincipalId};
use super::outcome::{Effect, Report, Retry, Shown};
use super::plan::{Hold, Policies, Refusal};
use crate::api::conditions::ConnectionReason;
use crate::api::org_connection::{AdoptionPolicy, DeletionPolicy, ExternalDeletionPolicy, ManagementPolicy};

/// The uid of the object that decides.
pub(crate) const UID: &str = "aaaaaaaa-0000-4000-8000-00000000000a";

/// So many seconds after the moment at which most tests decide; negative means before it.
pub(crate) fn at(second: i64) -> Timestamp {
    /// 2026-03-01T12:00:00Z.
    const NOON: i64 = 1_772_366_400;
    Timestamp::constant(NOON + second, 0)
}

pub(crate) fn org(number: u8) -> OrgId {
    format!("{number}{number}{number}{number}{number}{number}{number}{number}-0000-4000-8000-00000000000{number}").parse().unwrap()
}

/// `payments`, whose telemetry is read.
pub(crate) fn source() -> Organization {
    Organization { id: org(1), name: "payments".to_owned() }
}

/// `central`, which reads.
pub(crate) fn sink() -> Organization {
    Organization { id: org(2), name: "central".to_owned() }
}

/// The pair that most tests are about.
pub(crate) fn pair() -> Pair {
    Pair { source: source().id, sink: sink().id }
}

/// A pair with another source.
pub(crate) fn other_pair() -> Pair {
    Pair { source: org(3), sink: sink().id }
}

/// The principal that our key acts as.
pub(crate) fn us() -> PrincipalId {
    "77777777-0000-4000-8000-000000000007".parse().unwrap()
}

/// Somebody else.
pub(crate) fn stranger() -> PrincipalId {
    "99999999-0000-4000-8000-000000000009".parse().unwrap()
}

pub(crate) fn id(number: u8) -> ConnectionId {
    format!("cccccccc-0000-4000-8000-00000000000{number}").parse().unwrap()
}

pub(crate) fn types(list: &[&str]) -> ConnectionTypes {
    list.iter().copied().collect()
}

/// Logs and metrics of `payments` for `central`.
pub(crate) fn desired() -> Desired {
    Desired { pair: pair(), types: types(&["logs", "metrics"]) }
}

/// The connection exactly as [`desired`], with id 1, made by us an hour ago.
pub(crate) fn connection() -> Connection {
    Connection {
        id: id(1),
        source: source(),
        sink: sink(),
        types: desired().types,
        created_at: at(-3600),
        created_by: Some(Principal { id: us(), service_account: Some(true) }),
    }
}

impl Connection {
    pub(crate) fn made_at(self, created_at: Timestamp) -> Self {
        Self { created_at, ..self }
    }

    pub(crate) fn made_by(self, creator: PrincipalId) -> Self {
        Self { created_by: Some(Principal { id: creator, service_account: None }), ..self }
    }

    /// With audit in place of metrics.
    pub(crate) fn differing(self) -> Self {
        Self { types: types(&["audit", "logs"]), ..self }
    }

    /// As the reply to a PATCH shows it.
    pub(crate) fn nameless(mut self) -> Self {
        self.source.name.clear();
        self.sink.name.clear();
        self
    }
}

/// A claim of [`pair`] that says neither create nor adopt.
pub(crate) fn bare_claim() -> Claim {
    Claim { pair: pair(), create: None, adopt: None }
}

/// An intact claim that announced a creation.
pub(crate) fn claimed(create: Timestamp) -> Memory {
    Memory { claim: Some(Claim { create: Some(create), ..bare_claim() }), intact: true, ..Memory::default() }
}

impl Memory {
    /// The same with this connection recorded in the status.
    pub(crate) fn recording(self, connection: &Connection) -> Self {
        Self {
            recorded: Some(connection.id),
            recorded_created_at: Some(connection.created_at),
            recorded_pair: Some(connection.pair()),
            ..self
        }
    }

    /// The same after somebody took finalizer or label away.
    pub(crate) fn damaged(self) -> Self {
        Self { intact: false, ..self }
    }
}

/// An intact claim that announced an adoption.
pub(crate) fn adopting(connection: ConnectionId) -> Memory {
    Memory { claim: Some(Claim { adopt: Some(connection), ..bare_claim() }), intact: true, ..Memory::default() }
}

/// A live object of this age in seconds that would not hold a connection, whatever it remembers.
pub(crate) fn claimant(name: &str, age: i64, memory: Memory) -> Claimant {
    Claimant {
        name: format!("apps/{name}"),
        uid: format!("uid-{name}"),
        created: Some(at(-age)),
        terminating: false,
        memory,
        acts_as: Some(us()),
        intent: Intent::Neither,
    }
}

impl Claimant {
    /// The same, and it would hold the pair's connection.
    pub(crate) fn wanting(self, pair: Pair) -> Self {
        Self { intent: Intent::Hold(pair), ..self }
    }

    /// The same, being deleted, and the connection with it.
    pub(crate) fn leaving(self) -> Self {
        Self { terminating: true, intent: Intent::HandOver, ..self }
    }

    /// The same, and nobody can understand it.
    pub(crate) fn unclear(self) -> Self {
        Self { intent: Intent::Unclear, ..self }
    }
}

/// The brake of a DatadogOrg that says nothing of it, and through which nothing was deleted.
pub(crate) fn brake() -> Brake {
    Brake { namespace: "apps".to_owned(), name: "payments".to_owned(), limit: 10, ..Brake::default() }
}

/// What the brake remembers if it has let these connections through, the first of them now.
pub(crate) fn let_through(numbers: &[u8]) -> Option<brake::Memory> {
    Some(brake::Memory { opened: at(0), let_through: numbers.iter().copied().map(id).collect() })
}

/// The policies of a spec that names none.
pub(crate) fn policies() -> Policies {
    Policies {
        management: ManagementPolicy::Full,
        adoption: AdoptionPolicy::Never,
        external_deletion: ExternalDeletionPolicy::Recreate,
        deletion: DeletionPolicy::Delete,
        hold: Hold::No,
    }
}

pub(crate) const EVERY_HOLD: [Hold; 3] = [Hold::No, Hold::Suspended, Hold::ObserveOnly];

pub(crate) const EVERY_ADOPTION: [AdoptionPolicy; 3] = [AdoptionPolicy::Never, AdoptionPolicy::IfIdentical, AdoptionPolicy::Always];

/// Every combination that there is.
pub(crate) fn every_policies() -> Vec<Policies> {
    let mut all = Vec::new();
    for management in [ManagementPolicy::Full, ManagementPolicy::Observe] {
        for (hold, adoption) in EVERY_HOLD.iter().flat_map(|hold| EVERY_ADOPTION.map(|adoption| (*hold, adoption))) {
            for external_deletion in [ExternalDeletionPolicy::Recreate, ExternalDeletionPolicy::Report] {
                all.extend([DeletionPolicy::Delete, DeletionPolicy::Orphan].map(|deletion| Policies {
                    management,
                    adoption,
                    external_deletion,
                    deletion,
                    hold,
                }));
            }
        }
    }
    all
}

/// Every way in which a spec can want nothing.
pub(crate) fn every_invalid() -> Vec<Invalid> {
    vec![
        Invalid::OrgMissing { role: "sourceOrgRef", name: "payments".to_owned() },
        Invalid::OrgUnproven { role: "sourceOrgRef", name: "payments".to_owned(), state: "the Secret does not exist".to_owned() },
        Invalid::DifferentSite { source_site: "datadoghq.eu", sink: "central".to_owned(), sink_site: "datadoghq.com" },
        Invalid::SameOrganization(source().id),
        Invalid::NameNotLookedUp("central".to_owned()),
        Invalid::NamesUnavailable { name: "central".to_owned(), why: "it takes org_management".to_owned(), refused: true },
        Invalid::NamesUnavailable { name: "central".to_owned(), why: "no route".to_owned(), refused: false },
        Invalid::SinkUnknown { name: "central".to_owned(), what: "is the name of no organization".to_owned() },
        Invalid::Malformed("connectionTypes names no type".to_owned()),
    ]
}

/// Every refusal of a plan.
pub(crate) fn every_refusal() -> Vec<Refusal> {
    vec![
        Refusal::PairChanged { claimed: pair(), resolved: other_pair() },
        Refusal::Conflict("apps/older".to_owned()),
        Refusal::DeletedOutside(id(1)),
        Refusal::AlreadyExists { id: id(1), difference: String::new() },
        Refusal::AlreadyExists { id: id(1), difference: "add metrics; remove audit".to_owned() },
    ]
}

/// Every effect of a pass.
pub(crate) fn every_effect() -> Vec<Effect> {
    vec![
        Effect::Created(connection()),
        Effect::Recreated(connection()),
        Effect::Adopted { what: "took over connection".to_owned(), foreign: true },
        Effect::Adopted { what: "took connection over".to_owned(), foreign: false },
        Effect::Updated("add metrics".to_owned()),
        Effect::Repaired("remove audit".to_owned()),
        Effect::Deleted("deleted connection".to_owned()),
        Effect::Released("nothing is left".to_owned()),
        Effect::Orphaned("left alone".to_owned()),
    ]
}

/// Reports of every kind.
pub(crate) fn every_report() -> Vec<Report> {
    let between = Some((source(), sink()));
    let mut reports = vec![
        Report::unchanged(Retry::Backoff),
        Report::in_sync(connection(), None),
        Report::in_sync(connection().nameless(), None),
        Report::observed(connection()),
        Report { verdict: None, ..Report::in_sync(connection().differing(), Some(every_effect().swap_remove(2))) },
        Report::not_ready(ConnectionReason::OutOfSync, "text", Retry::WhenWoken)
            .showing(Shown::Observed(connection().differing()))
            .planning(Some("add metrics; remove audit".to_owned())),
    ];
    reports.extend(every_effect().into_iter().map(|effect| Report::in_sync(connection(), Some(effect))));
    reports.extend(every_invalid().iter().map(Report::invalid));
    reports.extend(every_refusal().iter().map(|refusal| Report::refused(refusal, pair()).between(between.clone())));
    reports.extend(ConnectionReason::ALL.iter().map(|reason| Report::not_ready(*reason, "text", Retry::Backoff).between(between.clone())));
    reports
}
