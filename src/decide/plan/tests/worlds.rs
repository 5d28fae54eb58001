//! Every small world, played to its end by the obvious executor. What is ours is known here by construction and never asked of the code.

use std::collections::BTreeSet;

use super::*;
use crate::api::org_connection::DeletionPolicy;
use crate::decide::claims::Claimant;
use crate::decide::model::Organization;
use crate::decide::release::{Parting, Release, release};
use jiff::SignedDuration;

/// Connections by their role in a world.
const ROW: u8 = 1;
const GONE: u8 = 2;
const MADE: u8 = 3;
const LATE: u8 = 4;

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
    RecordedUnderOldClaim,
    RecordedWithoutClaim,
    FreshClaimWithoutLabel,
    RecordedUnderOldClaimWithoutFinalizer,
    ClaimOfAnotherPair,
    VanishedBeforeTheClaim,
    VanishedAfterTheClaim,
}

const MEMORIES: [Remembers; 11] = [
    Remembers::Nothing,
    Remembers::FreshClaim,
    Remembers::OldClaim,
    Remembers::AdoptClaim,
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
            Self::AdoptClaim => Memory { claim: Some(Claim { adopt: Some(id(ROW)), ..bare_claim() }), intact: true, ..Memory::default() },
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
        !matches!(self, Self::Nothing | Self::AdoptClaim)
    }
}

#[derive(Debug, Clone)]
struct World {
    /// Whether lists of the organization come in.
    listed: bool,
    row: Option<Connection>,
    memory: Memory,
    standing: Standing,
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
            Sight::Foreign { equal } => with(Connection { id: id(9), ..foreign }, equal),
        };
        let backed = remembers.backs_our_row() && (remembers != Remembers::ClaimOfAnotherPair || asked == other_pair());
        Self {
            listed: sight != Sight::Unknown,
            row,
            memory,
            standing: Standing::Holder,
            now: at(0),
            ours: if backed { [id(ROW), id(MADE), id(LATE)].into() } else { [id(MADE), id(LATE)].into() },
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
            us: us(),
            now: self.now,
        })
    }

    /// Does what the plan says; whether that changed anything.
    fn perform(&mut self, plan: &Plan) -> bool {
        let before = self.memory;
        match plan {
            Plan::Wait(_) | Plan::Refuse(_) => return false,
            Plan::Keep => {
                self.record();
                return self.memory != before;
            }
            Plan::Claim(claim) => self.claim(*claim),
            Plan::Create => self.create(),
            Plan::Update(id) => self.update(*id),
        }
        self.writes += 1;
        self.now += SignedDuration::from_secs(1);
        true
    }

    fn claim(&mut self, claim: Claim) {
        assert!(self.listed && !matches!(self.standing, Standing::Rival(_)), "claimed in doubt or against a rival");
        let adopt = self.memory.claim.and_then(|claim| claim.adopt);
        assert!(adopt.is_none() || claim.adopt == adopt, "a claim only grows");
        assert_eq!(claim.pair, pair());
        self.memory.claim = Some(claim);
        self.memory.intact = true;
        self.standing = Standing::Holder;
    }

    fn create(&mut self) {
        assert!(self.listed && self.row.is_none(), "created without a list that proves the absence");
        assert!(!matches!(self.standing, Standing::Rival(_)), "created against a rival");
        assert!(self.memory.intact, "created without finalizer, label and claim");
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

    /// Releases until the object is gone, or for ever waits for a list; whether it is gone.
    fn terminate(&mut self, policy: DeletionPolicy, others: &[Claimant], mut proof: Option<Timestamp>) -> bool {
        for _ in 0..=REST {
            let (memory, seen) = (&self.memory, &self.seen());
            match release(&Parting { memory, policy, seen, us: Some(us()), proof, others }) {
                Release::LetGo => {
                    self.late_post();
                    return true;
                }
                Release::Delete(id) => {
                    self.delete(id);
                    proof = None;
                }
                Release::Await(_) => return false,
                Release::Prove(_) if !self.listed => return false,
                Release::Prove(begin) => proof = Some(self.list(begin)),
            }
        }
        panic!("not at rest after {REST} steps: {self:#?}");
    }

    fn delete(&mut self, id: ConnectionId) {
        assert!(self.listed, "deleted in doubt");
        assert!(self.row.take().is_some_and(|row| row.id == id) && self.ours.contains(&id), "something foreign is deleted");
        self.writes += 1;
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

fn live_worlds() -> Vec<(Sight, Remembers, World)> {
    let mut worlds = Vec::new();
    for (sight, remembers) in SIGHTS.iter().flat_map(|sight| MEMORIES.map(|remembers| (*sight, remembers))) {
        for standing in [Standing::Holder, rival(), Standing::Free] {
            for (forgetful, late) in BOTH.iter().flat_map(|one| BOTH.map(|other| (*one, other))) {
                let world = World { standing: standing.clone(), forgetful, late, ..World::new(sight, remembers, pair()) };
                worlds.push((sight, remembers, world));
            }
        }
    }
    worlds
}

/// The rest that the table promises for a world.
fn expected(sight: Sight, remembers: Remembers, world: &World) -> Plan {
    match (&world.standing, &world.row) {
        _ if remembers == Remembers::ClaimOfAnotherPair => Plan::Refuse(Refusal::PairChanged { claimed: other_pair(), resolved: pair() }),
        (Standing::Rival(name), _) => Plan::Refuse(Refusal::Conflict(name.clone())),
        _ if sight == Sight::Unknown => Plan::Wait(Doubt::NotListed),
        (_, Some(row)) if !world.holds_ours() => {
            Plan::Refuse(Refusal::AlreadyExists { id: row.id, difference: row.types.difference(&desired().types) })
        }
        _ => Plan::Keep,
    }
}

#[test]
fn every_live_world_comes_to_rest_where_the_table_says() {
    let worlds = live_worlds();
    for (sight, remembers, start) in &worlds {
        let (path, rest) = start.clone().live();
        let end = path.last().unwrap();
        let context = format!("{sight:?} {remembers:?} {}", start.standing);
        assert_eq!(rest, expected(*sight, *remembers, start), "{context}");
        if rest == Plan::Keep {
            assert!(end.memory.intact && end.holds_ours(), "{context}");
            assert_eq!(end.memory.recorded, end.row.as_ref().map(|row| row.id), "{context}");
            assert_eq!(end.row.as_ref().unwrap().types, desired().types, "{context}");
        } else {
            assert_eq!((end.writes, end.memory, &end.row), (0, start.memory, &start.row), "{context}: nothing is touched");
        }
    }
    eprintln!("{} live worlds", worlds.len());
}

/// Who else could keep the connection: nobody, a live or a terminating owner of it, a live claimant.
fn every_company(row: ConnectionId) -> [(bool, Vec<Claimant>); 4] {
    let owner = claimant("owner", 1, claimed(at(-9000)).recording(&Connection { id: row, ..connection() }));
    let leaving = Claimant { terminating: true, ..owner.clone() };
    [(false, vec![]), (true, vec![owner]), (false, vec![leaving]), (false, vec![claimant("rival", 1, claimed(at(-9000)))])]
}

#[test]
fn every_terminating_world_ends_without_an_orphan_and_without_harm() {
    let mut cases = 0;
    for (sight, remembers) in SIGHTS.iter().flat_map(|sight| MEMORIES.map(|remembers| (*sight, remembers))) {
        let start = World::new(sight, remembers, remembers.memory().pair().unwrap_or_else(pair));
        let row = start.row.as_ref().map_or(id(ROW), |row| row.id);
        for (others, (policy, proof)) in every_company(row).iter().flat_map(|company| {
            let policies = [DeletionPolicy::Delete, DeletionPolicy::Orphan];
            policies.into_iter().flat_map(|policy| [None, Some(at(0))].map(|proof| (policy, proof))).map(move |rest| (company, rest))
        }) {
            for late in BOTH {
                cases += 1;
                let world = World { late, ..start.clone() };
                end_well(
                    &world,
                    policy,
                    others,
                    proof.filter(|_| start.listed),
                    &format!("{sight:?} {remembers:?} {policy:?} late={late}"),
                );
            }
        }
    }
    eprintln!("{cases} terminating worlds");
}

fn end_well(start: &World, policy: DeletionPolicy, (kept, others): &(bool, Vec<Claimant>), proof: Option<Timestamp>, context: &str) {
    let mut world = start.clone();
    let gone = world.terminate(policy, others, proof);
    let nothing = start.memory.claim.is_none() && start.memory.recorded.is_none();
    let at_will = nothing || policy == DeletionPolicy::Orphan;
    assert_eq!(gone, start.listed || at_will, "{context}: only doubt holds an object");
    let inherited = *kept && world.row.is_some() && world.row == start.row;
    assert!(at_will || inherited || !world.holds_ours(), "{context}: an orphan is left");
    if at_will || inherited || !start.listed || !start.holds_ours() && !start.late {
        assert_eq!(world.writes, 0, "{context}: nothing is touched");
        assert!(start.row.is_none() || world.row == start.row, "{context}: nothing is touched");
    }
}

#[test]
fn an_object_deleted_after_any_step_leaves_no_orphan() {
    let mut cases = 0;
    for (sight, remembers, start) in live_worlds() {
        // The pair asked about becomes another one when the claim names it; those worlds are played above.
        if remembers == Remembers::ClaimOfAnotherPair {
            continue;
        }
        for world in start.live().0 {
            cases += 1;
            let context = format!("{sight:?} {remembers:?}");
            let claimed = world.memory.claim.is_some() || world.memory.recorded.is_some();
            let mut end = world.clone();
            assert_eq!(end.terminate(DeletionPolicy::Delete, &[], None), world.listed || !claimed, "{context}");
            assert!(!claimed || !end.holds_ours(), "{context}: an orphan is left");
        }
    }
    eprintln!("{cases} worlds deleted on their way");
}
