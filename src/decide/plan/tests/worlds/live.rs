//! The worlds of a live object.

use super::*;

/// The rest that the table promises for a world.
fn expected(sight: Sight, remembers: Remembers, world: &World) -> Plan {
    match (&world.standing, &world.row, world.memory.recorded) {
        _ if remembers == Remembers::ClaimOfAnotherPair => Plan::Refuse(Refusal::PairChanged { claimed: other_pair(), resolved: pair() }),
        (_, _, Some(_)) if sight == Sight::Unknown => Plan::Wait(Doubt::NotListed),
        (Standing::Rival(name), ..) => Plan::Refuse(Refusal::Conflict(name.clone())),
        _ if sight == Sight::Unknown => Plan::Wait(Doubt::NotListed),
        _ if !world.acts() => Plan::Tell,
        (_, None, Some(before)) if world.only_reports() => Plan::Refuse(Refusal::DeletedOutside(before)),
        (_, Some(row), _) if !world.holds_ours() && !world.may_take_over() => {
            Plan::Refuse(Refusal::AlreadyExists { id: row.id, difference: row.types.difference(&desired().types) })
        }
        _ => Plan::Keep,
    }
}

#[test]
fn every_live_world_comes_to_rest_where_the_table_says() {
    let mut cases = 0;
    for policies in every_policies() {
        for (sight, remembers, start) in live_worlds(policies) {
            cases += 1;
            let (path, rest) = start.clone().live();
            let end = path.last().unwrap();
            let context = || format!("{sight:?} {remembers:?} {start:#?}");
            assert_eq!(rest, expected(sight, remembers, &start), "{}", context());
            if let Some(row) = &start.row {
                assert_eq!(end.row.as_ref().map(|row| row.id), Some(row.id), "{}: it is still the same", context());
            }
            if rest == Plan::Keep {
                assert!(end.memory.intact && end.holds_ours(), "{}", context());
                assert_eq!(end.memory.recorded, end.row.as_ref().map(|row| row.id), "{}", context());
                assert_eq!(end.row.as_ref().unwrap().types, desired().types, "{}", context());
            } else {
                assert_eq!((end.writes, end.memory, &end.row), (0, start.memory, &start.row), "{}: nothing is touched", context());
            }
        }
    }
    eprintln!("{cases} live worlds");
}

#[test]
fn an_object_deleted_after_any_step_leaves_no_orphan() {
    let mut cases = 0;
    for policies in every_policies() {
        for (_, remembers, start) in live_worlds(policies) {
            // The pair asked about becomes another one when the claim names it; those worlds are played as terminating ones.
            if remembers == Remembers::ClaimOfAnotherPair {
                continue;
            }
            for world in start.live().0 {
                cases += 1;
                deleted(&world);
            }
        }
    }
    eprintln!("{cases} worlds deleted on their way");
}

/// Somebody else who owns it and is leaving too changes nothing.
fn deleted(world: &World) {
    let leaving = world.row.iter().filter(|_| world.heir).map(|row| claimant("leaving", 1, claimed(at(-9000)).recording(row)).leaving());
    let mut end = world.clone();
    let gone = end.terminate(&leaving.collect::<Vec<_>>(), None);
    let stays = !world.listed || world.policies.hold == Hold::ObserveOnly && end.holds_ours();
    assert_eq!(gone, world.leaves_it() || !stays, "{world:#?}");
    if world.leaves_it() {
        assert_eq!(end.writes, world.writes, "{world:#?}: it is left alone");
    } else if world.policies.hold != Hold::ObserveOnly {
        assert!(!end.holds_ours() || !world.listed, "{world:#?}: an orphan is left");
    } else {
        assert_eq!(end.writes, world.writes, "{world:#?}: nothing is deleted by a process that only looks");
    }
}
