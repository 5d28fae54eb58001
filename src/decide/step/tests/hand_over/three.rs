//! One that is being deleted, and two others.

use super::*;

fn every_holder() -> [(Memory, Connection); 3] {
    let (old, young) = (connection(), connection().made_at(at(-8)));
    [(claimed(at(-3601)).recording(&old), old.clone()), (claimed(at(-10)), young), (Memory::default().recording(&old), old)]
}

/// Every other object of this name and age.
fn every_other(name: &'static str, age: i64) -> Vec<Object> {
    let mut others = Vec::new();
    for memory in [Memory::default(), claimed(at(-9000)), adopting(id(ROW))] {
        let heir = Object { memory, age, ..heir(name) };
        let suspended = Policies { hold: Hold::Suspended, ..policies() };
        others.extend([heir.clone(), Object { policies: suspended, ..heir.clone() }, Object { unclear: true, ..heir }]);
    }
    others
}

#[test]
fn a_connection_goes_to_one_of_two_in_whatever_order_they_act() {
    let (mut cases, mut states) = (0, 0);
    for (memory, row) in every_holder() {
        let holder = Object { memory, terminating: true, age: 9000, ..heir("holder") };
        for older in every_other("older", 60) {
            for younger in every_other("younger", 30) {
                for act in [Act::Nothing, Act::Delete(1), Act::Delete(2), Act::Suspend(1), Act::Suspend(2)] {
                    let start = World::of(vec![holder.clone(), older.clone(), younger.clone()], row.clone(), act);
                    cases += 1;
                    states += play(&start, &mut |end| end_well(&start, end));
                }
            }
        }
    }
    eprintln!("{cases} hand-overs among three, {states} states");
}

fn end_well(start: &World, end: &World) {
    let context = || format!("{start:#?} -> {end:#?}");
    let doubt = end.live().any(|other| other.unclear && other.memory.claim.is_some());
    assert!(
        end.objects.iter().all(|object| object.gone || !object.terminating || doubt || object.unclear),
        "it waits for ever: {}",
        context()
    );
    let owner = end.row.as_ref().and_then(|row| end.objects.iter().find(|object| object.has(row)));
    assert!(end.row.is_none() || owner.is_some() || doubt, "an orphan is left: {}", context());
    if let Some(heir) = end.live().find(|object| end.would_hold(object)) {
        assert_eq!(owner.map(|owner| owner.name), Some(heir.name), "{}", context());
    }
    if start.act == Act::Nothing && (doubt || start.live().any(|object| start.would_hold(object))) {
        assert_eq!((end.row.as_ref().map(|row| row.id), end.created, end.deleted), (Some(id(ROW)), 0, 0), "{}", context());
    }
}
