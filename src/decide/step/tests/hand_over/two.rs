//! One that is being deleted, and one that may take its connection over.

use super::*;

/// What an object that is being deleted remembers, and the connection that it made.
fn every_holder() -> [(Memory, Connection); 5] {
    let (old, young) = (connection(), connection().made_at(at(-8)));
    [
        (claimed(at(-3601)).recording(&old), old.clone()),
        (claimed(at(-10)).recording(&young), young.clone()),
        (claimed(at(-10)), young),
        (Memory::default().recording(&old), old.clone()),
        (adopting(id(ROW)).recording(&old.clone().made_by(stranger())), old.made_by(stranger())),
    ]
}

/// What another object may remember of the pair.
fn every_heirs_memory() -> [Memory; 7] {
    let gone = Connection { id: id(GONE), ..connection() }.made_at(at(-7200));
    [
        Memory::default(),
        claimed(at(-5)),
        claimed(at(-9000)),
        adopting(id(ROW)),
        adopting(id(ROW)).damaged(),
        adopting(id(GONE)),
        claimed(at(-7201)).recording(&gone),
    ]
}

/// Every other object: its policies, its state, what it wants, and whom its key acts as.
fn every_heir() -> Vec<Object> {
    let report = ExternalDeletionPolicy::Report;
    let [never, identical, always] = EVERY_ADOPTION.map(|adoption| Policies { adoption, ..policies() });
    let mut heirs = Vec::new();
    for memory in every_heirs_memory() {
        for policies in [never, identical, always, Policies { external_deletion: report, ..never }] {
            for types in [desired().types, types(&["audit"])] {
                let heir = Object { memory, policies, types, ..heir("heir") };
                let suspended = Policies { hold: Hold::Suspended, ..policies };
                let observing = Policies { management: ManagementPolicy::Observe, ..policies };
                heirs.extend([
                    heir.clone(),
                    Object { us: stranger(), ..heir.clone() },
                    Object { policies: suspended, ..heir.clone() },
                    Object { policies: observing, ..heir.clone() },
                    Object { connected: false, ..heir.clone() },
                    Object { unclear: true, ..heir },
                ]);
            }
        }
    }
    heirs
}

/// What people may do while the two are at it.
fn every_act(heir: &Object) -> Vec<Act> {
    let own = match (heir.unclear, heir.connected) {
        (true, _) => [Act::Clear(1)].as_slice(),
        (false, false) => &[Act::Connect(1)],
        (false, true) => &[Act::Suspend(1), Act::Disconnect(1)],
    };
    [&[Act::Nothing, Act::Delete(1), Act::Orphan(0)], own].concat()
}

#[test]
fn a_connection_goes_from_one_object_to_the_next_in_whatever_order_they_act() {
    let (mut cases, mut states) = (0, 0);
    for (memory, row) in every_holder() {
        for deletion in [DeletionPolicy::Delete, DeletionPolicy::Orphan] {
            let holder = Object { memory, policies: Policies { deletion, ..policies() }, terminating: true, age: 9000, ..heir("holder") };
            for heir in every_heir() {
                for act in every_act(&heir) {
                    let start = World::of(vec![holder.clone(), heir.clone()], row.clone(), act);
                    cases += 1;
                    states += play(&start, &mut |end| end_well(&start, end));
                }
            }
        }
    }
    eprintln!("{cases} hand-overs between two, {states} states");
}

fn end_well(start: &World, end: &World) {
    let (holder, heir) = (&end.objects[0], &end.objects[1]);
    let context = || format!("{start:#?} -> {end:#?}");
    let unsure =
        heir.unclear && heir.memory.claim.is_some() || !heir.connected && end.row.as_ref().is_some_and(|row| heir.seems_to_have_made(row));
    assert!(holder.gone || unsure && heir.is_live(), "it waits for ever: {}", context());
    assert!(heir.gone || heir.is_live() || unsure || !heir.connected, "it waits for ever: {}", context());
    if end.act != Act::Nothing || holder.leaves_it() {
        return;
    }
    if let Some(row) = &end.row {
        let left = heir.terminating && (heir.leaves_it() || !heir.connected);
        let kept = heir.has(row) || !holder.gone || left;
        assert!(kept, "an orphan is left: {}", context());
    }
    let reports = heir.policies.external_deletion == ExternalDeletionPolicy::Report && heir.memory.recorded.is_some();
    if heir.acts() && !(reports && end.row.is_none()) {
        assert!(end.row.as_ref().is_some_and(|row| heir.has(row) && row.types == heir.types), "{}", context());
    }
    if start.act == Act::Nothing && heir.acts() {
        assert_eq!((end.row.as_ref().map(|row| row.id), end.created, end.deleted), (Some(id(ROW)), 0, 0), "{}", context());
    }
}
