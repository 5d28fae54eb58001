//! All combinations of what a step depends on. What is ours is known here by construction and never asked of the code.

use super::*;
use crate::decide::claims::Memory;

mod live;
mod parting;

/// What an object remembers, and which connections are then its own, by their numbers.
struct Remembered {
    memory: Memory,
    owns: &'static [u8],
}

/// The connection made an hour ago by our principal.
fn old_row() -> Connection {
    connection()
}

/// One made twenty seconds ago by our principal.
fn young_row() -> Connection {
    Connection { id: id(2), ..connection() }.made_at(at(-18))
}

/// One made at that same time by somebody else.
fn foreign_row() -> Connection {
    Connection { id: id(3), ..connection() }.made_at(at(-18)).made_by(stranger())
}

fn every_memory() -> Vec<Remembered> {
    let other = Memory { claim: Some(Claim { pair: other_pair(), create: Some(at(-20)), adopt: None }), ..claimed(at(-20)) };
    let make = |memory, owns| Remembered { memory, owns };
    vec![
        make(Memory::default(), &[]),
        make(claimed(at(-20)), &[2]),
        make(claimed(at(-20)).damaged(), &[2]),
        make(claimed(at(-3601)), &[1]),
        make(claimed(at(-3601)).recording(&old_row()), &[1]),
        make(claimed(at(-3601)).recording(&old_row()).damaged(), &[1]),
        make(Memory::default().recording(&old_row()), &[1]),
        make(claimed(at(-20)).recording(&old_row()), &[1, 2]),
        make(adopting(id(3)), &[]),
        make(adopting(id(1)).damaged(), &[]),
        make(adopting(id(3)).recording(&foreign_row()), &[3]),
        make(other, &[]),
    ]
}

fn every_doubt() -> Vec<Seen> {
    let incomplete = Doubt::Incomplete("one row could not be read".to_owned());
    let doubts = [Doubt::NotListed, Doubt::CallPending, incomplete, Doubt::OutOfView { listed: org(5), pair: pair() }];
    doubts.into_iter().map(Seen::Unknown).collect()
}

fn every_sight() -> Vec<Seen> {
    let rows = [old_row(), young_row(), foreign_row()].into_iter().flat_map(|row| [row.clone(), row.differing()]);
    every_doubt().into_iter().take(1).chain([Seen::Absent]).chain(rows.map(Seen::Present)).collect()
}

fn every_organization() -> Vec<Organization> {
    let deleting = [None, Some(us())].map(|us| Organization::DeletesOnly { us, now: at(0) });
    [every_unusable(), vec![usable(), leaving(), refusing()], deleting.to_vec()].concat()
}

/// Who else is there.
struct Company {
    others: Vec<Claimant>,
    /// Whether one of them is on its way out and leaves what is there.
    hands_over: bool,
}

/// At most one other: who claims, wants, has, had or leaves what is seen, or cannot be understood.
fn every_company(seen: &Seen) -> Vec<Company> {
    let one = |hands_over, other| Company { others: vec![other], hands_over };
    let older = claimant("other", 9000, claimed(at(-9000)));
    let mut company = vec![
        Company { others: vec![], hands_over: false },
        one(false, older.clone()),
        one(false, older.unclear()),
        one(false, claimant("other", 1, Memory::default()).wanting(pair())),
        one(false, claimant("other", 1, Memory::default()).wanting(other_pair())),
    ];
    if let Some(row) = seen.present() {
        let owner = claimant("other", 9000, claimed(at(-9000)).recording(row));
        let made_by_us = row.created_by.is_some_and(|creator| creator.id == us());
        company.extend([
            one(false, owner.clone()),
            one(false, owner.clone().unclear()),
            one(false, claimant("other", 9000, Memory::default().recording(row))),
            one(false, claimant("other", 9000, Memory::default().recording(row)).unclear()),
            one(true, owner.clone().leaving()),
            one(false, Claimant { terminating: true, ..owner }),
            one(made_by_us, claimant("other", 9000, claimed(row.created_at)).leaving()),
        ]);
    }
    company
}

/// One scene with its step, and what is known of it by construction.
struct Case<'a> {
    scene: &'a Scene,
    /// Whether the connection that is seen is the object's own.
    ours: bool,
    /// Whether it is left to the object by one that is being deleted.
    left_to_it: bool,
    step: Step,
}

impl Case<'_> {
    fn report(&self) -> Option<&Report> {
        if let Step::Rest(report) | Step::AskForList(report) = &self.step { Some(report) } else { None }
    }

    fn is_usable(&self) -> bool {
        matches!(self.scene.organization, Organization::Usable { .. })
    }

    /// Whether Datadog can be asked at all: what was seen before may be true no longer.
    fn is_in_reach(&self) -> bool {
        matches!(self.scene.organization, Organization::Usable { .. } | Organization::DeletesOnly { .. })
    }

    fn may_write(&self) -> bool {
        matches!(self.scene.organization, Organization::Usable { writes_refused: None, .. })
    }

    /// Whether spec and process let the object do anything but look.
    fn acts(&self) -> bool {
        self.scene.policies.management == ManagementPolicy::Full && self.scene.policies.hold == Hold::No
    }

    fn is_as_wanted(&self) -> bool {
        self.scene.seen.present().is_some_and(|row| row.types == desired().types)
    }

    /// Whether what is seen, and not owned, may become the object's.
    fn may_take_over(&self) -> bool {
        let adoption = self.scene.policies.adoption;
        self.left_to_it || adoption == AdoptionPolicy::Always || adoption == AdoptionPolicy::IfIdentical && self.is_as_wanted()
    }

    /// Whether another live object claims the pair, or has recorded a connection of it.
    fn has_rival(&self) -> bool {
        self.scene.others.iter().any(|other| !other.terminating && !other.memory.owns_nothing())
    }

    /// Whether another live object has recorded what is seen.
    fn is_anothers(&self) -> bool {
        let has_it = |row: &Connection| self.scene.others.iter().any(|other| !other.terminating && other.memory.recorded == Some(row.id));
        self.scene.seen.present().is_some_and(has_it)
    }

    /// Whether it can be told whose what is seen is: who made it, only the key that did so tells.
    fn knows_the_maker(&self) -> bool {
        let recorded = self.scene.seen.present().is_some_and(|row| self.scene.me.memory.recorded == Some(row.id));
        recorded || matches!(self.scene.organization, Organization::Usable { .. } | Organization::DeletesOnly { us: Some(_), .. })
    }
}

/// Shows every scene that differs from this one in memory, sight, organization and company.
fn around(base: &Scene, sights: &[Seen], organizations: &[Organization], check: &mut dyn FnMut(&Case<'_>)) {
    let mut scene = base.clone();
    for Remembered { memory, owns } in every_memory() {
        scene.me.memory = memory;
        for seen in sights {
            scene.seen.clone_from(seen);
            let ours = seen.present().is_some_and(|row| owns.iter().any(|number| id(*number) == row.id));
            for Company { others, hands_over } in every_company(seen) {
                scene.others = others;
                for organization in organizations {
                    scene.organization.clone_from(organization);
                    let case = Case { scene: &scene, ours, left_to_it: hands_over, step: next(&scene) };
                    check(&case);
                }
            }
        }
    }
}
