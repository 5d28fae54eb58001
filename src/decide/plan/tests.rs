use super::*;
use crate::decide::fixtures::*;

mod policy;
mod worlds;

const HOLDER: Standing = Standing::Holder;

fn rival() -> Standing {
    Standing::Rival("apps/older".to_owned())
}

fn unknown() -> Seen {
    Seen::Unknown(Doubt::NotListed)
}

fn present(connection: Connection) -> Seen {
    Seen::Present(connection)
}

fn planned(seen: &Seen, memory: &Memory, standing: &Standing) -> Plan {
    under(&policies(), seen, memory, standing)
}

fn under(policies: &Policies, seen: &Seen, memory: &Memory, standing: &Standing) -> Plan {
    plan(&Situation { desired: &desired(), seen, memory, standing, policies, inherits: false, asked: false, us: us(), now: at(0) })
}

fn every_sight() -> Vec<Seen> {
    let foreign = connection().made_by(stranger());
    vec![
        unknown(),
        Seen::Absent,
        present(connection()),
        present(connection().differing()),
        present(foreign.clone()),
        present(foreign.differing()),
    ]
}

fn steady() -> Memory {
    claimed(at(-3601)).recording(&connection())
}

fn creating() -> Plan {
    Plan::Claim(Claim { create: Some(at(0)), ..bare_claim() })
}

#[test]
fn a_claim_of_another_pair_stops_everything() {
    let claim = Claim { pair: other_pair(), create: Some(at(-1)), adopt: None };
    let claimed = Memory { claim: Some(claim), intact: true, ..Memory::default() };
    let recorded = Memory { recorded_pair: Some(other_pair()), ..steady() };
    for (seen, memory) in every_sight().into_iter().flat_map(|seen| [(seen.clone(), claimed), (seen, recorded)]) {
        for standing in [Standing::Holder, rival(), Standing::Free] {
            let refusal = Refusal::PairChanged { claimed: other_pair(), resolved: pair() };
            assert_eq!(planned(&seen, &memory, &standing), Plan::Refuse(refusal), "{seen:?} {standing}");
        }
    }
}

#[test]
fn a_pair_that_another_object_holds_is_left_alone() {
    let conflict = Plan::Refuse(Refusal::Conflict("apps/older".to_owned()));
    for memory in [Memory::default(), claimed(at(-1)), adopting(id(1)), steady(), steady().damaged()] {
        for seen in every_sight().into_iter().filter(|seen| memory.recorded.is_none() || *seen != unknown()) {
            assert_eq!(planned(&seen, &memory, &rival()), conflict, "{seen:?} {memory:?}");
        }
    }
}

#[test]
fn who_has_recorded_a_connection_waits_to_see_it_before_another_is_said_to_hold_it() {
    for memory in [steady(), steady().damaged(), Memory::default().recording(&connection())] {
        assert_eq!(planned(&unknown(), &memory, &rival()), Plan::Wait(Doubt::NotListed), "{memory:?}");
    }
}

#[test]
fn an_unknown_connection_is_waited_for_with_the_reason() {
    for doubt in [Doubt::NotListed, Doubt::CallPending, Doubt::Incomplete("a page is missing".to_owned())] {
        for memory in [Memory::default(), claimed(at(-1)), steady(), steady().damaged()] {
            assert_eq!(planned(&Seen::Unknown(doubt.clone()), &memory, &HOLDER), Plan::Wait(doubt.clone()), "{memory:?}");
        }
    }
}

#[test]
fn an_absent_connection_is_claimed_first() {
    assert_eq!(planned(&Seen::Absent, &Memory::default(), &Standing::Free), creating());
}

#[test]
fn an_absent_connection_is_created_under_a_fresh_claim() {
    assert_eq!(planned(&Seen::Absent, &claimed(at(0)), &HOLDER), Plan::Create);
}

#[test]
fn a_claim_is_fresh_for_thirty_seconds_and_may_lie_ahead_as_far_as_clocks_differ() {
    for (second, expected) in [(-31, creating()), (-30, Plan::Create), (300, Plan::Create), (301, creating())] {
        assert_eq!(planned(&Seen::Absent, &claimed(at(second)), &HOLDER), expected, "{second} s");
    }
}

#[test]
fn a_claim_without_a_create_time_creates_nothing() {
    let adopting = adopting(id(1));
    let both = Claim { create: Some(at(0)), adopt: Some(id(1)), ..bare_claim() };
    assert_eq!(planned(&Seen::Absent, &adopting, &HOLDER), Plan::Claim(both), "what it says already stays");
}

#[test]
fn a_connection_that_vanished_is_claimed_anew_before_it_is_created_again() {
    let claim = claimed(at(-20));
    for (created, expected) in [(-21, Plan::Create), (-20, creating()), (-19, creating())] {
        assert_eq!(planned(&Seen::Absent, &claim.recording(&connection().made_at(at(created))), &HOLDER), expected, "{created} s");
    }
}

#[test]
fn a_fresh_claim_without_finalizer_or_label_is_written_before_anything_is_created() {
    assert_eq!(planned(&Seen::Absent, &claimed(at(-1)).damaged(), &HOLDER), creating());
}

#[test]
fn a_lost_claim_comes_back_with_both_parts() {
    let both = Claim { create: Some(at(0)), adopt: Some(id(1)), ..bare_claim() };
    for connection in [connection(), connection().differing(), connection().made_by(stranger())] {
        let stripped = Memory::default().recording(&connection);
        for standing in [Standing::Holder, Standing::Free] {
            assert_eq!(planned(&present(connection.clone()), &stripped, &standing), Plan::Claim(both), "{standing}");
        }
    }
}

#[test]
fn a_missing_finalizer_or_label_comes_back_with_the_claim_as_it_was() {
    let damaged = steady().damaged();
    let claim = damaged.claim.unwrap();
    assert_eq!(planned(&present(connection()), &damaged, &HOLDER), Plan::Claim(claim));
    assert_eq!(planned(&present(connection().differing()), &damaged, &HOLDER), Plan::Claim(claim), "before it is changed");
}

#[test]
fn an_owned_connection_that_is_as_wanted_is_kept() {
    assert_eq!(planned(&present(connection()), &steady(), &HOLDER), Plan::Keep);
    let reordered = Connection { types: types(&["metrics", "logs", "metrics"]), ..connection() };
    assert_eq!(planned(&present(reordered), &steady(), &HOLDER), Plan::Keep);
}

#[test]
fn an_owned_connection_that_differs_is_updated() {
    assert_eq!(planned(&present(connection().differing()), &steady(), &HOLDER), Plan::Update(id(1)));
}

#[test]
fn a_creation_whose_answer_was_lost_is_ours() {
    let landed = connection().made_at(at(-8));
    assert_eq!(planned(&present(landed.clone()), &claimed(at(-10)), &HOLDER), Plan::Keep);
    assert_eq!(planned(&present(landed.differing()), &claimed(at(-10)), &HOLDER), Plan::Update(id(1)));
}

#[test]
fn a_foreign_connection_is_refused_even_if_it_is_as_wanted() {
    let refused = Plan::Refuse(Refusal::AlreadyExists { id: id(1), difference: String::new() });
    for memory in [Memory::default(), claimed(at(-1)), claimed(at(-1)).damaged()] {
        assert_eq!(planned(&present(connection().made_by(stranger())), &memory, &HOLDER), refused, "{memory:?}");
    }
    assert_eq!(planned(&present(connection()), &Memory::default(), &Standing::Free), refused, "our principal alone proves nothing");
}

#[test]
fn a_foreign_connection_that_differs_is_refused_with_the_difference() {
    let refusal = Refusal::AlreadyExists { id: id(1), difference: "add metrics; remove audit".to_owned() };
    assert_eq!(planned(&present(connection().differing()), &Memory::default(), &Standing::Free), Plan::Refuse(refusal));
}

#[test]
fn a_connection_with_another_id_than_the_recorded_one_is_foreign() {
    let replaced = Connection { id: id(2), ..connection() }.made_at(at(-5));
    let refusal = Refusal::AlreadyExists { id: id(2), difference: String::new() };
    assert_eq!(planned(&present(replaced), &steady(), &HOLDER), Plan::Refuse(refusal));
}

#[test]
fn an_adopt_claim_changes_nothing_before_its_id_is_recorded() {
    let adopting = adopting(id(1));
    let row = connection().made_by(stranger()).differing();
    let refusal = Refusal::AlreadyExists { id: id(1), difference: "add metrics; remove audit".to_owned() };
    assert_eq!(planned(&present(row.clone()), &adopting, &HOLDER), Plan::Refuse(refusal));
    assert_eq!(planned(&present(row.clone()), &adopting.recording(&row), &HOLDER), Plan::Update(id(1)));
}

#[test]
fn a_recorded_pair_is_not_forgotten_with_the_claim() {
    let elsewhere = Connection { source: crate::decide::model::Organization { id: org(3), ..source() }, ..connection() };
    let refusal = Refusal::PairChanged { claimed: other_pair(), resolved: pair() };
    assert_eq!(planned(&Seen::Absent, &Memory::default().recording(&elsewhere), &Standing::Holder), Plan::Refuse(refusal));
}

#[test]
fn a_claim_that_the_plan_has_asked_for_is_fresh_even_if_datadogs_clocks_differ() {
    let vanished = Connection { id: id(2), ..connection() }.made_at(at(3));
    let mut memory = claimed(at(-100)).recording(&vanished);
    let Plan::Claim(claim) = planned(&Seen::Absent, &memory, &Standing::Holder) else { panic!() };
    memory.claim = Some(claim);
    assert_eq!(planned(&Seen::Absent, &memory, &Standing::Holder), Plan::Create);
}

#[test]
fn a_claim_of_the_second_in_which_the_vanished_connection_was_made_is_written_anew() {
    let create = at(-20) + SignedDuration::from_millis(200);
    let vanished = connection().made_at(crate::decide::status::whole_seconds(create + SignedDuration::from_millis(500)));
    assert_ne!(planned(&Seen::Absent, &claimed(create).recording(&vanished), &Standing::Holder), Plan::Create);
}
