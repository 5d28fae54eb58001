//! Every small world, played to its end by the obvious executor. What is ours is known here by construction and never asked of the code.

use std::collections::BTreeSet;

use super::*;
use crate::decide::claims::Claimant;
use crate::decide::model::Organization;
use crate::decide::release::{Parting, Release, release};

mod live;
mod parting;

/// Connections by their role in a world.
const ROW: u8 = 1;
const GONE: u8 = 2;
const MADE: u8 = 3;
const LATE: u8 = 4;
const FOREIGN: u8 = 9;

/// Steps after which a world has come to rest.
const REST: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sight {
    Unknown,
    Absent,
    Own { equal: bool },
    Foreign { equal: bool },
}

const SIGHTS: [Sight; 6] = [
    Sight::Unknown,
    Sight::Absent,
    Sight::Own { equal: true },
    Sight::Own { equal: false },
    Sight::Foreign { equal: true },
    Sight::Foreign { equal: false },
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Remembers {
    Nothing,
    FreshClaim,
    OldClaim,
    AdoptClaim,
    AdoptClaimOfTheForeign,
    AdoptClaimWithoutLabel,
    AdoptedTheForeign,
    RecordedUnderOldClaim,
    RecordedWithoutClaim,
    FreshClaimWithoutLabel,
    RecordedUnderOldClaimWithoutFinalizer,
    ClaimOfAnotherPair,
    VanishedBeforeTheClaim,
    VanishedAfterTheClaim,
}

const MEMORIES: [Remembers; 14] = [
    Remembers::Nothing,
    Remembers::FreshClaim,
    Remembers::OldClaim,
    Remembers::AdoptClaim,
    Remembers::AdoptClaimOfTheForeign,
    Remembers::AdoptClaimWithoutLabel,
    Remembers::AdoptedTheForeign,
    Remembers::RecordedUnderOldClaim,
    Remembers::RecordedWithoutClaim,
    Remembers::FreshClaimWithoutLabel,
    Remembers::RecordedUnderOldClaimWithoutFinalizer,
    Remembers::ClaimOfAnotherPair,
    Remembers::VanishedBeforeTheClaim,
    Remembers::VanishedAfterTheClaim,
];

impl Remembers {
    fn memory(self) -> Memory {
        let vanished = |second| Connection { id: id(GONE), ..connection() }.made_at(at(second));
        match self {
            Self::Nothing => Memory::default(),
            Self::FreshClaim => claimed(at(-20)),
            Self::OldClaim => claimed(at(-3600)),
            Self::AdoptClaim => adopting(id(ROW)),
            Self::AdoptClaimOfTheForeign => adopting(id(FOREIGN)),
            Self::AdoptClaimWithoutLabel => adopting(id(ROW)).damaged(),
            Self::AdoptedTheForeign => adopting(id(FOREIGN)).recording(&Connection { id: id(FOREIGN), ..connection() }),
            Self::RecordedUnderOldClaim => claimed(at(-3600)).recording(&connection()),
            Self::RecordedWithoutClaim => Memory::default().recording(&connection()),
            Self::FreshClaimWithoutLabel => claimed(at(-20)).damaged(),
            Self::RecordedUnderOldClaimWithoutFinalizer => claimed(at(-3600)).recording(&connection()).damaged(),
            Self::ClaimOfAnotherPair => {
                Memory { claim: Some(Claim { pair: other_pair(), create: Some(at(-20)), adopt: None }), ..claimed(at(-20)) }
            }
            Self::VanishedBeforeTheClaim => claimed(at(-20)).recording(&vanished(-3600)),
            Self::VanishedAfterTheClaim => claimed(at(-20)).recording(&vanished(-10)),
        }
    }

    /// Whether a connection that our principal made just after the claim is this object's.
    fn backs_our_row(self) -> bool {
        match self {
            Self::Nothing | Self::AdoptClaim | Self::AdoptClaimOfTheForeign | Self::AdoptClaimWithoutLabel | Self::AdoptedTheForeign => {
                false
            }
            Self::FreshClaim | Self::OldClaim | Self::FreshClaimWithoutLabel | Self::ClaimOfAnotherPair => true,
            Self::RecordedUnderOldClaim | Self::RecordedWithoutClaim | Self::RecordedUnderOldClaimWithoutFinalizer => true,
            Self::VanishedBeforeTheClaim | Self::VanishedAfterTheClaim => true,
        }
    }

    /// What is this object's from the start, if it asks about `asked`.
    fn ours(self, asked: Pair) -> BTreeSet<ConnectionId> {
        let backed = self.backs_our_row() && (self != Self::ClaimOfAnotherPair || asked == other_pair());
        let adopted = self == Self::AdoptedTheForeign;
        let before = backed.then_some(ROW).into_iter().chain(adopted.then_some(FOREIGN));
        before.chain([MADE, LATE]).map(id).collect()
    }
}

#[derive(Debug, Clone)]
struct World {
    /// Whether lists of the organization come in.
    listed: bool,
    row: Option<Connection>,
    memory: Memory,
    standing: Standing,
    policies: Policies,
    /// A terminating object owns what is there and leaves it.
    heir: bool,
    /// A person has asked to look afresh.
    asked: bool,
    now: Timestamp,
    /// The ids that are this object's property.
    ours: BTreeSet<ConnectionId>,
    /// The status is not written after a creation: the process died.
    forgetful: bool,
    /// A POST of a process that died lands when this one creates or waits.
    late: bool,
    /// Writes in Kubernetes and at Datadog.
    writes: usize,
}

impl World {
    /// A world in which the object asks about `asked`.
    fn new(sight: Sight, remembers: Remembers, asked: Pair) -> Self {
        let memory = remembers.memory();
        let made = memory.claim.and_then(|claim| claim.create).map_or(at(-3600), |create| create + SignedDuration::from_secs(2));
        let ours = Connection { source: Organization { id: asked.source, ..source() }, ..connection() }.made_at(made);
        let foreign = ours.clone().made_by(stranger());
        let with = |row: Connection, equal: bool| Some(if equal { row } else { row.differing() });
        let row = match sight {
            Sight::Unknown | Sight::Absent => None,
            Sight::Own { equal } => with(ours, equal),
            Sight::Foreign { equal } => with(Connection { id: id(FOREIGN), ..foreign }, equal),
        };
        Self {
            listed: sight != Sight::Unknown,
            row,
            memory,
            standing: Standing::Holder,
            policies: policies(),
            heir: false,
            asked: false,
            now: at(0),
            ours: remembers.ours(asked),
            forgetful: false,
            late: false,
            writes: 0,
        }
    }

    fn seen(&self) -> Seen {
        match &self.row {
            _ if !self.listed => unknown(),
            Some(row) => Seen::Present(row.clone()),
            None => Seen::Absent,
        }
    }

    fn holds_ours(&self) -> bool {
        self.row.as_ref().is_some_and(|row| self.ours.contains(&row.id))
    }

    fn appears(&mut self, number: u8) {
        let source = Organization { id: self.memory.pair().unwrap().source, ..source() };
        self.row = Some(Connection { id: id(number), source, ..connection() }.made_at(self.now));
    }

    /// The status follows what is owned.
    fn record(&mut self) {
        let row = self.row.clone().unwrap();
        assert!(self.ours.contains(&row.id), "something foreign is recorded");
        self.memory = self.memory.recording(&row);
    }

    fn plan(&self) -> Plan {
        plan(&Situation {
            desired: &desired(),
            seen: &self.seen(),
            memory: &self.memory,
            standing: &self.standing,
            policies: &self.policies,
            inherits: self.heir && self.row.is_some(),
            asked: self.asked,
            us: us(),
            now: self.now,
        })
    }

    /// Whether its spec and its process let it do anything at all.
    fn acts(&self) -> bool {
        self.policies.management == ManagementPolicy::Full && self.policies.hold == Hold::No
    }

    /// Whether what is there may become this object's.
    fn may_take_over(&self) -> bool {
        let equal = self.row.as_ref().is_some_and(|row| row.types == desired().types);
        self.heir || self.policies.adoption == AdoptionPolicy::Always || self.policies.adoption == AdoptionPolicy::IfIdentical && equal
    }

    /// Whether something that is gone is only to be reported.
    fn only_reports(&self) -> bool {
        self.memory.recorded.is_some() && self.policies.external_deletion == ExternalDeletionPolicy::Report && !self.asked
    }

    /// Does what the plan says; whether that changed anything.
    fn perform(&mut self, plan: &Plan) -> bool {
        let before = self.memory;
        match plan {
            Plan::Wait(_) | Plan::Refuse(_) | Plan::Tell => return false,
            Plan::Keep => {
                self.record();
                return self.memory != before;
            }
            Plan::Claim(claim) => self.claim(*claim),
            Plan::Record(id) => self.take_over(*id),
            Plan::Create => self.create(),
            Plan::Update(id) => self.update(*id),
        }
        assert!(self.acts(), "{plan:?} although it only looks");
        self.writes += 1;
        self.now += SignedDuration::from_secs(1);
        true
    }

    fn claim(&mut self, claim: Claim) {
        assert!(self.listed && !matches!(self.standing, Standing::Rival(_)), "claimed in doubt or against a rival");
        let before = self.memory.claim.unwrap_or(claim);
        let row = self.row.as_ref().map(|row| row.id);
        assert!(claim.create >= before.create && (claim.adopt == before.adopt || claim.adopt == row), "a claim only grows");
        assert_eq!(claim.pair, pair());
        assert!(self.row.is_none() || self.holds_ours() || self.may_take_over(), "something foreign is claimed");
        assert!(self.row.is_some() || !self.only_reports(), "claimed what is only to be reported");
        self.memory.claim = Some(claim);
        self.memory.intact = true;
        self.standing = Standing::Holder;
    }

    fn take_over(&mut self, id: ConnectionId) {
        assert!(self.memory.intact && self.memory.claim.is_some_and(|claim| claim.adopt == Some(id)), "taken over without a claim");
        assert!(!matches!(self.standing, Standing::Rival(_)), "taken over against a rival");
        assert!(self.row.as_ref().is_some_and(|row| row.id == id), "something is taken over that is not there");
        assert!(self.may_take_over() && self.ours.insert(id), "taken over against the policy, or what was owned already");
        self.record();
    }

    fn create(&mut self) {
        assert!(self.listed && self.row.is_none(), "created without a list that proves the absence");
        assert!(!matches!(self.standing, Standing::Rival(_)), "created against a rival");
        assert!(self.memory.intact, "created without finalizer, label and claim");
        assert!(!self.only_reports(), "created what is only to be reported as deleted");
        let claim = self.memory.claim.unwrap();
        assert_eq!(claim.pair, pair());
        assert!(self.now.duration_since(claim.create.unwrap()) <= SignedDuration::from_secs(30), "created under an old claim");
        if std::mem::take(&mut self.late) {
            // Datadog answers 409 to the second of two POSTs.
            return self.appears(LATE);
        }
        self.appears(MADE);
        if !std::mem::take(&mut self.forgetful) {
            self.record();
        }
    }

    fn update(&mut self, id: ConnectionId) {
        assert!(self.memory.intact, "changed without finalizer, label and claim");
        let row = self.row.as_mut().unwrap();
        assert!(row.id == id && self.ours.contains(&id), "something foreign is changed");
        row.types = desired().types;
        self.record();
    }

    /// Plans and performs until nothing changes; every world on the way, the last at rest under the plan returned.
    fn live(mut self) -> (Vec<World>, Plan) {
        let mut worlds = vec![self.clone()];
        for _ in 0..=REST {
            let plan = self.plan();
            if !self.perform(&plan) {
                return (worlds, plan);
            }
            worlds.push(self.clone());
        }
        panic!("not at rest after {REST} steps: {self:#?}");
    }

    /// Releases until the object is gone, or waits for ever; whether it is gone.
    fn terminate(&mut self, others: &[Claimant], mut proof: Option<Timestamp>) -> bool {
        for _ in 0..=REST {
            let (memory, seen, leaves_it) = (&self.memory, &self.seen(), self.policies.leave_it());
            match release(&Parting { memory, leaves_it, seen, us: Some(us()), proof, others }) {
                Release::LetGo => {
                    self.late_post();
                    return true;
                }
                Release::Delete(_) if self.policies.hold == Hold::ObserveOnly => return false,
                Release::Delete(id) => {
                    self.delete(id);
                    proof = None;
                }
                Release::Await(_) | Release::AwaitClarity(_) => return false,
                Release::Prove(_) if !self.listed => return false,
                Release::Prove(begin) => proof = Some(self.list(begin)),
            }
        }
        panic!("not at rest after {REST} steps: {self:#?}");
    }

    fn delete(&mut self, id: ConnectionId) {
        assert!(self.listed && !self.leaves_it(), "deleted in doubt or against the policy");
        assert!(self.row.take().is_some_and(|row| row.id == id) && self.ours.contains(&id), "something foreign is deleted");
        self.writes += 1;
    }

    /// Whether its object leaves the connection behind, or owns nothing.
    fn leaves_it(&self) -> bool {
        let left = self.policies.management == ManagementPolicy::Observe || self.policies.deletion == DeletionPolicy::Orphan;
        left || self.memory.claim.is_none() && self.memory.recorded.is_none()
    }

    /// A POST that a dead process sent may land until 40 s after the claim's create time.
    fn late_post(&mut self) {
        let create = self.memory.claim.and_then(|claim| claim.create);
        let may_land = create.is_some_and(|create| self.now.duration_since(create) <= SignedDuration::from_secs(40));
        if self.row.is_none() && may_land && std::mem::take(&mut self.late) {
            self.appears(LATE);
        }
    }

    /// A list begun when it is asked for.
    fn list(&mut self, begin: Option<Timestamp>) -> Timestamp {
        self.late_post();
        self.now = begin.unwrap_or(self.now).max(self.now + SignedDuration::from_secs(1));
        self.now
    }
}

const BOTH: [bool; 2] = [false, true];

/// What a process that died may leave behind matters only where something can be created.
fn every_fault(sight: Sight) -> &'static [(bool, bool)] {
    if sight == Sight::Absent { &[(false, false), (false, true), (true, false), (true, true)] } else { &[(false, false)] }
}

/// Every world of a live object under these policies.
fn live_worlds(policies: Policies) -> Vec<(Sight, Remembers, World)> {
    let mut worlds = Vec::new();
    for (sight, remembers) in SIGHTS.iter().flat_map(|sight| MEMORIES.map(|remembers| (*sight, remembers))) {
        let world = World { policies, ..World::new(sight, remembers, pair()) };
        for standing in [Standing::Holder, rival(), Standing::Free] {
            for (heir, asked) in BOTH.iter().flat_map(|one| BOTH.map(|other| (*one, other))) {
                for (forgetful, late) in every_fault(sight) {
                    let (standing, forgetful, late) = (standing.clone(), *forgetful, *late);
                    worlds.push((sight, remembers, World { standing, heir, asked, forgetful, late, ..world.clone() }));
                }
            }
        }
    }
    worlds
}
