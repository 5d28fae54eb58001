use super::*;
use crate::decide::claims::Claim;
use crate::decide::fixtures::*;
use crate::decide::plan::Doubt;

/// An object that made [`connection`] an hour ago is being deleted; the list of now shows the connection.
struct Scene {
    memory: Memory,
    leaves_it: bool,
    seen: Seen,
    us: Option<PrincipalId>,
    proof: Option<Timestamp>,
    others: Vec<Claimant>,
}

impl Scene {
    fn release(&self) -> Release {
        let Self { memory, leaves_it, seen, us, proof, others } = self;
        release(&Parting { memory, leaves_it: *leaves_it, seen, us: *us, proof: *proof, others })
    }
}

fn scene() -> Scene {
    Scene {
        memory: claimed(at(-3601)).recording(&connection()),
        leaves_it: false,
        seen: Seen::Present(connection()),
        us: Some(us()),
        proof: Some(at(0)),
        others: Vec::new(),
    }
}

fn every_sight() -> [Seen; 3] {
    [Seen::Unknown(Doubt::NotListed), Seen::Absent, Seen::Present(connection())]
}

#[test]
fn an_object_that_never_claimed_is_let_go_at_once() {
    for seen in every_sight() {
        assert_eq!(Scene { memory: Memory::default(), seen, proof: None, ..scene() }.release(), Release::LetGo);
    }
}

#[test]
fn an_object_whose_policies_leave_the_connection_behind_is_let_go_at_once() {
    for seen in every_sight() {
        assert_eq!(Scene { leaves_it: true, seen, proof: None, ..scene() }.release(), Release::LetGo);
    }
}

#[test]
fn a_connection_that_a_live_object_has_recorded_is_left_to_it() {
    let heir = claimant("heir", 1, claimed(at(0)).recording(&connection()));
    assert_eq!(Scene { others: vec![heir], ..scene() }.release(), Release::LetGo);
}

#[test]
fn who_may_have_made_another_connection_since_is_let_go_only_by_a_list_that_shows_none() {
    let newer = Connection { id: id(2), ..connection() };
    for (memory, landed) in [
        (claimed(at(-3601)).recording(&newer), at(-3601 + 60)),
        (claimed(at(-30)).recording(&connection()), at(-30 + 60)),
        (claimed(at(-30)), at(-30 + 60)),
    ] {
        let heir = claimant("heir", 1, claimed(at(0)).recording(&connection()));
        let old = Scene { memory, proof: None, others: vec![heir], ..scene() };
        assert_eq!(old.release(), Release::Prove(Some(landed)), "what is seen may be old");
        assert_eq!(Scene { proof: Some(landed), ..old }.release(), Release::LetGo);
    }
}

#[test]
fn whoever_made_nothing_needs_no_principal_to_see_that_another_connection_is_not_its_own() {
    let another = Connection { id: id(2), ..connection() };
    let memory = adopting(id(1)).recording(&connection());
    assert_eq!(Scene { memory, us: None, seen: Seen::Present(another), ..scene() }.release(), Release::LetGo);
}

#[test]
fn a_list_from_before_the_recorded_connection_was_created_proves_nothing() {
    let adopted = adopting(id(1)).recording(&connection());
    for memory in [adopted, Memory { claim: None, ..adopted }] {
        let scene = |began| Scene { memory, seen: Seen::Absent, proof: Some(at(began)), others: Vec::new(), ..scene() };
        for began in [-7200, -3601, -3600, -3581] {
            assert_eq!(scene(began).release(), Release::Prove(Some(at(-3580))), "{began}");
        }
        assert_eq!(scene(-3580).release(), Release::LetGo);
    }
}

#[test]
fn a_rival_that_only_claims_or_recorded_another_connection_inherits_nothing() {
    let another = Connection { id: id(2), ..connection() };
    for memory in [claimed(at(0)), claimed(at(0)).recording(&another)] {
        assert_eq!(Scene { others: vec![claimant("rival", 1, memory)], ..scene() }.release(), Release::Delete(id(1)), "{memory:?}");
    }
}

#[test]
fn a_terminating_rival_is_never_a_reason_to_let_go() {
    let owner = claimant("leaving", 1, claimed(at(0)).recording(&connection()));
    for intent in [Intent::HandOver, Intent::Neither, Intent::Hold(pair()), Intent::Unclear] {
        let leaving = Claimant { terminating: true, intent, ..owner.clone() };
        assert_eq!(Scene { others: vec![leaving], ..scene() }.release(), Release::Delete(id(1)), "{intent:?}");
    }
}

#[test]
fn an_owned_connection_is_deleted_by_its_id_without_waiting_for_a_proof() {
    for seen in [Seen::Present(connection()), Seen::Present(connection().differing())] {
        assert_eq!(Scene { seen, proof: None, ..scene() }.release(), Release::Delete(id(1)));
    }
}

#[test]
fn a_lost_claim_still_deletes_what_is_recorded() {
    assert_eq!(Scene { memory: Memory::default().recording(&connection()), ..scene() }.release(), Release::Delete(id(1)));
}

#[test]
fn a_recorded_connection_is_deleted_even_if_nobody_knows_whom_our_key_acts_as() {
    assert_eq!(Scene { us: None, ..scene() }.release(), Release::Delete(id(1)));
}

#[test]
fn a_creation_whose_answer_was_lost_is_deleted() {
    let landed = connection().made_at(at(-5));
    let vanished = Connection { id: id(2), ..connection() };
    for memory in [claimed(at(-10)), claimed(at(-10)).recording(&vanished), claimed(at(-10)).damaged()] {
        assert_eq!(Scene { memory, seen: Seen::Present(landed.clone()), ..scene() }.release(), Release::Delete(id(1)), "{memory:?}");
    }
}

#[test]
fn a_foreign_connection_is_never_deleted() {
    let foreign = Connection { id: id(2), ..connection() }.made_by(stranger());
    for memory in [claimed(at(-3600)), scene().memory, adopting(id(2))] {
        assert_eq!(Scene { memory, seen: Seen::Present(foreign.clone()), ..scene() }.release(), Release::LetGo, "{memory:?}");
    }
}

#[test]
fn an_object_is_let_go_when_a_list_proves_that_nothing_is_left() {
    assert_eq!(Scene { seen: Seen::Absent, ..scene() }.release(), Release::LetGo);
}

#[test]
fn without_a_proof_an_object_stays() {
    let landed = Release::Prove(Some(at(-3601 + 60)));
    for seen in [Seen::Absent, Seen::Unknown(Doubt::NotListed)] {
        assert_eq!(Scene { seen, proof: None, ..scene() }.release(), landed);
    }
}

#[test]
fn without_any_time_any_proof_will_do_but_one_is_needed() {
    let memory = Memory { recorded_created_at: None, ..Memory::default().recording(&connection()) };
    assert_eq!(Scene { memory, seen: Seen::Absent, proof: None, ..scene() }.release(), Release::Prove(None));
    assert_eq!(Scene { memory, seen: Seen::Absent, ..scene() }.release(), Release::LetGo);
}

#[test]
fn the_list_begins_a_minute_after_the_create_time_so_that_no_post_can_still_land() {
    for (second, expected) in [(59, Release::Prove(Some(at(60)))), (60, Release::LetGo), (61, Release::LetGo)] {
        let young = Scene { memory: claimed(at(0)), seen: Seen::Absent, proof: Some(at(second)), ..scene() };
        assert_eq!(young.release(), expected, "{second} s");
    }
}

fn released(memory: &Memory, seen: &Seen, us: Option<PrincipalId>, others: &[Claimant]) -> Release {
    release(&Parting { memory, leaves_it: false, seen, us, proof: Some(at(0)), others })
}

#[test]
fn a_row_that_the_claim_may_have_made_is_not_let_go_while_our_principal_is_unknown() {
    assert_ne!(released(&claimed(at(-3600)), &Seen::Present(connection()), None, &[]), Release::LetGo);
}

#[test]
fn doubt_is_no_proof_whatever_the_time_of_the_list() {
    assert_ne!(released(&claimed(at(-3600)), &Seen::Unknown(Doubt::CallPending), Some(us()), &[]), Release::LetGo);
}

#[test]
fn a_refused_object_does_not_delete_what_its_live_holder_made_and_has_not_recorded_yet() {
    let row = connection().made_at(at(-5));
    let holder = claimant("holder", 20, claimed(at(-6)));
    assert_ne!(released(&claimed(at(-6)), &Seen::Present(row), Some(us()), &[holder]), Release::Delete(id(1)));
}

#[test]
fn a_connection_waits_for_the_live_object_that_would_hold_it() {
    for memory in [Memory::default(), adopting(id(1)), claimed(at(0))] {
        let heir = claimant("heir", 1, memory).wanting(pair());
        assert_eq!(Scene { others: vec![heir], ..scene() }.release(), Release::Await("apps/heir".to_owned()), "{memory:?}");
    }
}

#[test]
fn a_creation_whose_answer_was_lost_waits_for_the_heir_too() {
    let heir = claimant("heir", 1, Memory::default()).wanting(pair());
    let lost = Scene { memory: claimed(at(-10)), seen: Seen::Present(connection().made_at(at(-5))), others: vec![heir], ..scene() };
    assert_eq!(lost.release(), Release::Await("apps/heir".to_owned()));
}

#[test]
fn whoever_wants_another_pair_or_only_looks_is_not_waited_for() {
    for other in [claimant("other", 1, claimed(at(0))).wanting(other_pair()), claimant("other", 1, adopting(id(1)))] {
        assert_eq!(Scene { others: vec![other.clone()], ..scene() }.release(), Release::Delete(id(1)), "{other:?}");
    }
}

#[test]
fn nobody_inherits_what_is_not_this_objects_or_not_there() {
    let heir = || vec![claimant("heir", 1, Memory::default()).wanting(pair())];
    let foreign = Seen::Present(Connection { id: id(2), ..connection() }.made_by(stranger()));
    assert_eq!(Scene { seen: foreign, others: heir(), ..scene() }.release(), Release::LetGo);
    assert_eq!(Scene { seen: Seen::Absent, others: heir(), ..scene() }.release(), Release::LetGo);
}

#[test]
fn nothing_is_deleted_while_a_live_object_that_claims_the_pair_cannot_be_understood() {
    let unclear = claimant("unclear", 1, claimed(at(-9000))).unclear();
    let heir = claimant("heir", 2, Memory::default()).wanting(pair());
    for others in [vec![unclear.clone()], vec![heir.clone(), unclear.clone()], vec![unclear.clone(), heir]] {
        assert_eq!(Scene { others, ..scene() }.release(), Release::AwaitClarity("apps/unclear".to_owned()));
    }
}

#[test]
fn an_unclear_object_that_claims_another_pair_or_is_leaving_hinders_nobody() {
    let elsewhere = Memory { claim: Some(Claim { pair: other_pair(), ..bare_claim() }), ..Memory::default() };
    let leaving = Claimant { terminating: true, ..claimant("leaving", 1, claimed(at(0))).unclear() };
    for other in [claimant("elsewhere", 1, elsewhere).unclear(), claimant("unclaimed", 1, Memory::default()).unclear(), leaving] {
        assert_eq!(Scene { others: vec![other.clone()], ..scene() }.release(), Release::Delete(id(1)), "{other:?}");
    }
}

#[test]
fn an_unclear_object_hinders_nobody_from_leaving_what_is_not_theirs() {
    let unclear = vec![claimant("unclear", 1, claimed(at(-9000))).unclear()];
    let foreign = Seen::Present(Connection { id: id(2), ..connection() }.made_by(stranger()));
    assert_eq!(Scene { seen: foreign, others: unclear.clone(), ..scene() }.release(), Release::LetGo);
    assert_eq!(Scene { seen: Seen::Absent, others: unclear.clone(), ..scene() }.release(), Release::LetGo);
    assert_eq!(Scene { leaves_it: true, others: unclear, ..scene() }.release(), Release::LetGo);
}

#[test]
fn a_connection_that_a_live_object_has_recorded_is_its_own_although_another_is_unclear() {
    let heir = claimant("heir", 1, claimed(at(0)).recording(&connection()));
    let unclear = claimant("unclear", 1, claimed(at(0))).unclear();
    assert_eq!(Scene { others: vec![unclear, heir], ..scene() }.release(), Release::LetGo);
}

#[test]
fn a_connection_that_an_unclear_object_has_recorded_is_its_own() {
    let owner = claimant("unclear", 1, claimed(at(0)).recording(&connection())).unclear();
    assert_eq!(Scene { others: vec![owner.clone()], ..scene() }.release(), Release::LetGo);
    let had_another = Claimant { memory: owner.memory.recording(&Connection { id: id(2), ..connection() }), ..owner };
    assert_eq!(Scene { others: vec![had_another], ..scene() }.release(), Release::AwaitClarity("apps/unclear".to_owned()));
}

#[test]
fn a_recorded_connection_is_deleted_although_a_live_objects_claim_is_of_its_time() {
    let twin = claimant("twin", 20, claimed(at(-3601)));
    assert_eq!(Scene { others: vec![twin], ..scene() }.release(), Release::Delete(id(1)));
}

#[test]
fn an_owned_connection_waits_until_it_is_clear_whether_an_object_of_its_source_wants_it() {
    let naming = |source| Claimant { intent: Intent::MayHold(source), ..claimant("naming", 1, Memory::default()) };
    let waits = Release::AwaitClarity("apps/naming".to_owned());
    assert_eq!(Scene { others: vec![naming(source().id)], ..scene() }.release(), waits);
    assert_eq!(Scene { others: vec![naming(sink().id)], ..scene() }.release(), Release::Delete(id(1)), "of another source");
    let leaving = Claimant { terminating: true, ..naming(source().id) };
    assert_eq!(Scene { others: vec![leaving], ..scene() }.release(), Release::Delete(id(1)));
}
