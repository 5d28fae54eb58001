//! The worlds of an object that is being deleted.

use super::*;

/// What another object means for the connection that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Means {
    Nothing,
    /// It has recorded the connection; another one it does not want.
    HasIt,
    /// It has recorded the connection, and will record any other.
    HasItAndWants,
    /// It will record the connection, or may have it.
    WillHaveIt,
    /// It made the connection, unless this object's status says otherwise.
    MadeIt,
}

/// Everybody who could be there beside the object: at most one more.
fn every_company(start: &World, pair: Pair) -> Vec<(Means, Vec<Claimant>)> {
    let row = start.row.clone().unwrap_or_else(connection);
    let claim = |create| Memory { claim: Some(Claim { pair, create: Some(create), adopt: None }), ..claimed(create) };
    let elsewhere = if pair == other_pair() { self::pair() } else { other_pair() };
    let owner = claimant("other", 1, claim(at(-9000)).recording(&row));
    let rival = claimant("other", 1, claim(at(-9000)));
    let maker = start.memory.claim.and_then(|claim| claim.create).map(|create| claimant("other", 1, claim(create)));
    let heir = claimant("other", 1, Memory::default());
    let one = |means, other| (means, vec![other]);
    let mut all = vec![
        (Means::Nothing, vec![]),
        one(Means::HasIt, owner.clone()),
        one(Means::HasItAndWants, owner.clone().wanting(pair)),
        one(Means::Nothing, owner.leaving()),
        one(Means::Nothing, rival.clone()),
        one(Means::WillHaveIt, rival.clone().wanting(pair)),
        one(Means::WillHaveIt, rival.clone().unclear()),
        one(Means::Nothing, rival.clone().leaving().unclear()),
        one(Means::Nothing, Claimant { memory: claimed_elsewhere(elsewhere), ..rival }.unclear()),
        one(Means::WillHaveIt, heir.clone().wanting(pair)),
        one(Means::Nothing, heir.wanting(elsewhere)),
    ];
    all.extend(maker.map(|maker| one(Means::MadeIt, maker)));
    all
}

fn claimed_elsewhere(pair: Pair) -> Memory {
    Memory { claim: Some(Claim { pair, ..bare_claim() }), ..Memory::default() }
}

#[test]
fn every_terminating_world_ends_without_an_orphan_and_without_harm() {
    let mut cases = 0;
    for policies in every_policies() {
        for (sight, remembers) in SIGHTS.iter().flat_map(|sight| MEMORIES.map(|remembers| (*sight, remembers))) {
            let pair = remembers.memory().pair().unwrap_or_else(pair);
            let start = World { policies, ..World::new(sight, remembers, pair) };
            for (means, others) in every_company(&start, pair) {
                for (proof, late) in BOTH.iter().flat_map(|proved| BOTH.map(|late| (proved.then(|| at(0)), late))) {
                    cases += 1;
                    let world = World { late, ..start.clone() };
                    end_well(&world, means, &others, proof.filter(|_| start.listed));
                }
            }
        }
    }
    eprintln!("{cases} terminating worlds");
}

fn end_well(start: &World, means: Means, others: &[Claimant], proof: Option<Timestamp>) {
    let mut world = start.clone();
    let gone = world.terminate(others, proof);
    let context = || format!("{means:?} proof: {proof:?} {start:#?} -> {world:#?}");
    let at_will = start.leaves_it();
    // What lands late is another connection than the one that somebody has recorded.
    let inherited = matches!(means, Means::HasIt | Means::HasItAndWants) && start.row.is_some() && start.listed;
    let recorded = world.row.as_ref().or(start.row.as_ref()).is_some_and(|row| start.memory.recorded == Some(row.id));
    let will = matches!(means, Means::WillHaveIt | Means::HasItAndWants);
    let kept = will || means == Means::MadeIt && !recorded || start.policies.hold == Hold::ObserveOnly;
    let held = !start.listed || world.holds_ours() && !inherited && kept;
    assert_eq!(gone, at_will || !held, "{}", context());
    assert!(!gone || at_will || inherited || !world.holds_ours(), "{}: an orphan is left", context());
    let untouched = at_will || inherited || kept || !start.listed || !start.holds_ours() && !start.late;
    if untouched {
        assert_eq!(world.writes, 0, "{}: nothing is touched", context());
        assert!(start.row.is_none() || world.row == start.row, "{}: nothing is touched", context());
    }
}
