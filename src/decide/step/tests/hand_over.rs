//! Objects that share a pair, one of them being deleted, in every order of their steps. What is whose is known here by construction.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::decide::claims::Memory;

mod three;
mod two;

/// The connection that is handed over.
const ROW: u8 = 1;
/// One that an heir owned before, and that is gone.
const GONE: u8 = 2;
/// The first that is created here; the next one has the next number.
const MADE: u8 = 3;

/// One object, as the cluster and its DatadogOrg know it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Object {
    name: &'static str,
    age: i64,
    memory: Memory,
    policies: Policies,
    types: ConnectionTypes,
    /// Whom its key acts as: two DatadogOrg objects of one organization may hold different keys.
    us: PrincipalId,
    /// Whether its DatadogOrg can be used.
    connected: bool,
    /// Whether nobody can understand its spec.
    unclear: bool,
    terminating: bool,
    gone: bool,
}

/// A live object that wants the pair and has done nothing yet.
fn heir(name: &'static str) -> Object {
    Object {
        name,
        age: 60,
        memory: Memory::default(),
        policies: policies(),
        types: desired().types,
        us: us(),
        connected: true,
        unclear: false,
        terminating: false,
        gone: false,
    }
}

impl Object {
    fn is_live(&self) -> bool {
        !self.terminating && !self.gone
    }

    /// Whether it would take the connection if nobody else claimed it.
    fn acts(&self) -> bool {
        let free = self.policies.management == ManagementPolicy::Full && self.policies.hold == Hold::No;
        self.is_live() && free && self.connected && !self.unclear
    }

    /// Whether its spec leaves the connection behind.
    fn leaves_it(&self) -> bool {
        self.policies.deletion == DeletionPolicy::Orphan || self.policies.management == ManagementPolicy::Observe
    }

    fn has(&self, row: &Connection) -> bool {
        !self.gone && self.memory.recorded == Some(row.id)
    }

    /// Whether it may have made the connection for all that can be told: its claim is of that very time, and so is its key.
    fn seems_to_have_made(&self, row: &Connection) -> bool {
        let create = self.memory.claim.and_then(|claim| claim.create);
        let timely = create.is_some_and(|create| row.created_at.duration_since(create).abs() < SignedDuration::from_mins(1));
        timely && row.created_by.is_some_and(|creator| creator.id == self.us)
    }

    fn seen(&self) -> Claimant {
        let acts_as = self.connected.then_some(self.us);
        Claimant { terminating: self.terminating, acts_as, ..claimant(self.name, self.age, self.memory) }
    }

    /// As the others see it.
    fn claimant(&self) -> Option<Claimant> {
        let seen = self.seen();
        match (self.unclear, self.terminating) {
            _ if self.gone => None,
            (true, _) => self
                .memory
                .claim
                .map(|claim| Memory { claim: Some(claim), ..Memory::default() })
                .map(|memory| Claimant { memory, ..seen }.unclear()),
            (false, true) => Some(if self.leaves_it() { seen } else { seen.leaving() }),
            (false, false) => Some(if self.acts() { seen.wanting(pair()) } else { seen }),
        }
    }

    fn organization(&self, now: Timestamp) -> Organization {
        if self.connected {
            Organization::Usable { us: self.us, now, terminating: false, writes_refused: None }
        } else {
            not_usable(false, false)
        }
    }
}

/// What people may do to the objects, once, at any time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Act {
    Nothing,
    /// Another object is deleted.
    Delete(usize),
    Suspend(usize),
    /// Its DatadogOrg breaks, or is mended.
    Disconnect(usize),
    Connect(usize),
    Orphan(usize),
    /// What nobody could understand is corrected.
    Clear(usize),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct World {
    objects: Vec<Object>,
    row: Option<Connection>,
    /// When the list began that the world is seen by, if it began after the last write.
    proof: Option<Timestamp>,
    now: Timestamp,
    act: Act,
    created: u8,
    deleted: u8,
}

impl World {
    fn of(objects: Vec<Object>, row: Connection, act: Act) -> Self {
        Self { objects, row: Some(row), proof: None, now: at(0), act, created: 0, deleted: 0 }
    }

    fn live(&self) -> impl Iterator<Item = &Object> {
        self.objects.iter().filter(|object| object.is_live())
    }

    /// Whether the object would get the connection from whoever leaves it: it acts, and no other live object's claim comes first.
    fn would_hold(&self, me: &Object) -> bool {
        let claims = |object: &Object| object.memory.claim.is_some();
        let rivals = self.live().filter(|other| other.name != me.name && claims(other));
        me.acts() && rivals.fold(true, |first, rival| first && claims(me) && me.age > rival.age)
    }

    fn scene(&self, number: usize) -> Scene {
        static BASE: LazyLock<Scene> = LazyLock::new(settled);
        let me = &self.objects[number];
        let others = self.objects.iter().filter(|other| other.name != me.name).filter_map(Object::claimant).collect();
        Scene {
            me: me.seen(),
            policies: me.policies,
            digest: Digest::default(),
            desired: BASE.desired.clone().map(|desired| Desired { types: me.types.clone(), ..desired }),
            seen: self.row.clone().map_or(Seen::Absent, Seen::Present),
            proof: self.proof,
            others,
            organization: me.organization(self.now),
            ..BASE.clone()
        }
    }

    /// The world after one step of this object, if that changes anything.
    fn stepped(&self, number: usize) -> Option<Self> {
        let mut after = self.clone();
        if self.objects[number].gone || self.objects[number].unclear {
            return None;
        }
        match next(&self.scene(number)) {
            Step::Rest(report) => after.rest(number, &report),
            Step::AskForList(_) => after.proof = Some(after.now),
            Step::Claim(claim) => {
                let memory = &mut after.objects[number].memory;
                *memory = Memory { claim: Some(claim), intact: true, ..*memory };
            }
            Step::Create(_, types) => after.create(number, types),
            Step::Update(row, types) => after.update(number, &row, types),
            Step::Delete(row, _) => after.delete(number, &row),
            Step::LetGo => after.objects[number].gone = true,
        }
        (after != *self).then_some(after)
    }

    fn rest(&mut self, number: usize, report: &Report) {
        if let Shown::Owned(row) = &report.shown {
            assert!(
                !self.objects.iter().any(|other| other.is_live() && other.name != self.objects[number].name && other.has(row)),
                "{self:#?}"
            );
            self.objects[number].memory = self.objects[number].memory.recording(row);
        }
        // Who waits for another object does not wait for time to pass.
        let awaits = ["takes the connection over", "may want the same connection"];
        let awaits_another = report.verdict.as_ref().is_some_and(|verdict| awaits.iter().any(|words| verdict.message.contains(words)));
        if let Retry::After(wait) = report.retry
            && !awaits_another
        {
            self.now += SignedDuration::try_from(wait).unwrap();
            self.proof = Some(self.now);
        }
    }

    fn create(&mut self, number: usize, types: ConnectionTypes) {
        assert!(self.row.is_none() && self.objects[number].acts(), "{self:#?}");
        let row = Connection { id: id(MADE + self.created), types, ..connection() }.made_at(self.now).made_by(self.objects[number].us);
        self.objects[number].memory = self.objects[number].memory.recording(&row);
        (self.row, self.proof, self.created) = (Some(row), None, self.created + 1);
    }

    fn update(&mut self, number: usize, row: &Connection, types: ConnectionTypes) {
        assert!(self.row.as_ref() == Some(row) && self.objects[number].acts(), "{self:#?}");
        self.row = Some(Connection { types, ..row.clone() });
    }

    fn delete(&mut self, number: usize, row: &Connection) {
        let me = &self.objects[number];
        assert!(self.row.as_ref() == Some(row) && !me.leaves_it(), "{self:#?}");
        assert!(number == 0 && row.id == id(ROW) || me.has(row) || me.seems_to_have_made(row), "deleted by somebody else: {self:#?}");
        assert!(!self.live().any(|other| self.would_hold(other)), "deleted under an heir: {self:#?}");
        assert!(!self.live().any(|other| other.unclear && other.memory.claim.is_some()), "deleted in doubt: {self:#?}");
        assert!(!self.live().any(|other| other.has(row)), "deleted under its owner: {self:#?}");
        (self.row, self.proof, self.deleted) = (None, None, self.deleted + 1);
    }

    /// The world after what people do to it.
    fn acted(&self) -> Option<Self> {
        let mut after = Self { act: Act::Nothing, ..self.clone() };
        match self.act {
            Act::Nothing => return None,
            Act::Delete(number) => after.objects[number].terminating = true,
            Act::Suspend(number) => after.objects[number].policies.hold = Hold::Suspended,
            Act::Disconnect(number) => after.objects[number].connected = false,
            Act::Connect(number) => after.objects[number].connected = true,
            Act::Orphan(number) => after.objects[number].policies.deletion = DeletionPolicy::Orphan,
            Act::Clear(number) => after.objects[number].unclear = false,
        }
        // Nothing of ours holds an object that never claimed anything.
        after
            .objects
            .iter_mut()
            .filter(|object| object.terminating && object.memory.claim.is_none() && object.memory.recorded.is_none())
            .for_each(|object| object.gone = true);
        Some(after)
    }
}

/// Plays a world in every order of the objects' steps; shows each end, and answers how many states there were.
fn play(start: &World, ended: &mut dyn FnMut(&World)) -> usize {
    let mut done = HashMap::new();
    visit(start, &mut done, ended);
    done.len()
}

/// `done` knows the worlds by their hashes, and whether all that comes after them has been seen.
fn visit(world: &World, done: &mut HashMap<u64, bool>, ended: &mut dyn FnMut(&World)) {
    let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(world);
    match done.get(&hash) {
        Some(true) => return,
        Some(false) => panic!("it goes round for ever: {world:#?}"),
        None => drop(done.insert(hash, false)),
    }
    let steps: Vec<World> = (0..world.objects.len()).filter_map(|number| world.stepped(number)).collect();
    if steps.is_empty() {
        ended(world);
    }
    for after in steps.iter().chain(&world.acted()) {
        visit(after, done, ended);
    }
    done.insert(hash, true);
}
