use super::*;
use crate::decide::fixtures::*;
use crate::decide::model::Organization;

#[test]
fn a_claim_reads_back_as_it_was_written() {
    let precise: Timestamp = "2026-03-01T12:00:00.123456789Z".parse().unwrap();
    for create in [None, Some(at(0)), Some(precise)] {
        for adopt in [None, Some(id(1))] {
            let claim = Claim { pair: pair(), create, adopt };
            assert_eq!(Claim::parse(&claim.render(UID), UID), Some(claim));
        }
    }
}

#[test]
fn the_annotation_keeps_its_form() {
    let claim = Claim { pair: pair(), create: Some(at(0)), adopt: Some(id(1)) };
    assert_eq!(
        claim.render(UID),
        "aaaaaaaa-0000-4000-8000-00000000000a \
         11111111-0000-4000-8000-000000000001/22222222-0000-4000-8000-000000000002 \
         create=2026-03-01T12:00:00Z adopt=cccccccc-0000-4000-8000-000000000001"
    );
}

#[test]
fn a_claim_with_another_objects_uid_is_none() {
    let copied = bare_claim().render(UID);
    assert_eq!(Claim::parse(&copied, "bbbbbbbb-0000-4000-8000-00000000000b"), None);
}

#[test]
fn a_claim_that_cannot_be_read_is_none() {
    let pair = pair();
    let unreadable = [String::new(), UID.to_owned(), format!("{UID} {}", pair.source), format!("{UID} {}/", pair.source), pair.to_string()];
    for annotation in unreadable {
        assert_eq!(Claim::parse(&annotation, UID), None, "{annotation}");
    }
}

#[test]
fn a_part_that_cannot_be_read_gives_no_right_and_the_pair_stays_claimed() {
    for part in ["create=yesterday", "create=", "adopt=1"] {
        assert_eq!(Claim::parse(&format!("{UID} {} {part}", pair()), UID), Some(bare_claim()), "{part}");
    }
}

#[test]
fn parts_of_a_newer_version_and_spaces_do_no_harm() {
    let expected = Claim { create: Some(at(0)), ..bare_claim() };
    for annotation in [
        format!("{UID} {} types=logs create={} delete", pair(), at(0)),
        format!("  {UID}   {}\n create={} ", pair(), at(0)),
        format!("{UID} {} brake=a=b create={}", pair(), at(0)),
    ] {
        assert_eq!(Claim::parse(&annotation, UID), Some(expected), "{annotation}");
    }
}

/// The label is persisted: a changed value would hide every object from its rivals. Computed with sha256sum.
#[test]
fn the_pair_label_never_changes() {
    assert_eq!(pair_label(pair()), "91fd7f305ef85b215de62169266fd77046608913");
    assert_eq!(pair_label(Pair { source: pair().sink, sink: pair().source }), "303a4bd0524a2ebac165c889ec31e69ec46b9e10");
    assert_eq!(pair_label(pair()).len(), 40);
}

#[test]
fn a_creation_is_ours_within_five_minutes_either_side_of_the_claim() {
    for (second, ours) in [(-301, false), (-300, true), (0, true), (300, true), (301, false)] {
        assert_eq!(claimed(at(0)).owns(&connection().made_at(at(second)), Some(us())), ours, "{second} s");
    }
}

#[test]
fn what_somebody_else_created_is_not_ours() {
    let memory = claimed(at(0));
    let fresh = connection().made_at(at(1));
    assert!(memory.owns(&fresh, Some(us())));
    assert!(!memory.owns(&fresh.clone().made_by(stranger()), Some(us())));
    assert!(!memory.owns(&Connection { created_by: None, ..fresh.clone() }, Some(us())), "an answer without a creator proves nothing");
    let elsewhere = Organization { id: other_pair().source, ..source() };
    assert!(!memory.owns(&Connection { source: elsewhere, ..fresh }, Some(us())), "the claim is about another pair");
}

#[test]
fn a_recorded_id_is_ours_whatever_the_claim() {
    let row = connection().made_by(stranger());
    let another_pair = Claim { pair: other_pair(), ..bare_claim() };
    for claim in [None, Some(bare_claim()), Some(Claim { adopt: Some(id(2)), ..bare_claim() }), Some(another_pair)] {
        assert!(Memory { claim, ..Memory::default() }.recording(&row).owns(&row, Some(us())), "{claim:?}");
    }
}

#[test]
fn a_creation_is_ours_whatever_id_was_recorded_before() {
    let vanished = Connection { id: id(2), ..connection() };
    assert!(claimed(at(0)).recording(&vanished).owns(&connection().made_at(at(1)), Some(us())));
}

#[test]
fn an_adopt_claim_owns_nothing() {
    let memory = Memory { claim: Some(Claim { adopt: Some(id(1)), ..bare_claim() }), intact: true, ..Memory::default() };
    assert!(!memory.owns(&connection(), Some(us())));
}

#[test]
fn the_pair_is_the_statuss_and_only_without_one_the_claims() {
    let row = connection();
    let elsewhere = Memory { claim: Some(Claim { pair: other_pair(), ..bare_claim() }), ..Memory::default() };
    assert_eq!(elsewhere.pair(), Some(other_pair()));
    assert_eq!(elsewhere.recording(&row).pair(), Some(pair()), "an annotation can be forged");
    assert_eq!(Memory::default().recording(&row).pair(), Some(pair()));
    assert_eq!(Memory::default().pair(), None);
}

#[test]
fn a_claim_of_another_pair_than_the_recorded_one_is_as_good_as_lost() {
    let row = connection();
    let forged = Memory { claim: Some(Claim { pair: other_pair(), ..bare_claim() }), intact: true, ..Memory::default() };
    assert_eq!(forged.without_forged_claim(), forged, "nothing contradicts it");
    assert_eq!(forged.recording(&row).without_forged_claim(), Memory::default().recording(&row));
    let own = claimed(at(0)).recording(&row);
    assert_eq!(own.without_forged_claim(), own);
}

fn stand(me: &Claimant, others: &[Claimant], present: Option<&Connection>) -> Standing {
    standing(me, others, pair(), present)
}

#[test]
fn nobody_stands_in_the_way_of_the_only_claim() {
    assert_eq!(stand(&claimant("me", 10, claimed(at(0))), &[], None), Standing::Holder);
    assert_eq!(stand(&claimant("me", 10, Memory::default()), &[], None), Standing::Free);
}

#[test]
fn the_owner_comes_before_an_older_claim() {
    let row = connection();
    let owner = claimant("owner", 1, claimed(at(-9000)).recording(&row));
    let older = claimant("older", 100, claimed(at(-9000)));
    assert_eq!(stand(&owner, std::slice::from_ref(&older), Some(&row)), Standing::Holder);
    assert_eq!(stand(&older, std::slice::from_ref(&owner), Some(&row)), Standing::Rival("apps/owner".to_owned()));
    assert_eq!(stand(&older, &[owner], None), Standing::Holder, "while nothing is there, nobody owns it and age decides");
}

#[test]
fn the_older_claim_comes_first_and_then_the_smaller_uid() {
    let older = claimant("z", 20, claimed(at(0)));
    let younger = claimant("b", 10, claimed(at(0)));
    let twin = claimant("a", 10, claimed(at(0)));
    assert_eq!(stand(&older, &[younger.clone(), twin.clone()], None), Standing::Holder);
    assert_eq!(stand(&twin, std::slice::from_ref(&younger), None), Standing::Holder);
    assert_eq!(stand(&younger, std::slice::from_ref(&twin), None), Standing::Rival("apps/a".to_owned()));
    assert_eq!(stand(&younger, &[twin, older], None), Standing::Rival("apps/z".to_owned()), "the best rival is named");
}

#[test]
fn of_any_objects_that_claim_a_pair_exactly_one_holds_it() {
    let row = connection();
    let memories = [claimed(at(0)), claimed(at(-9000)).recording(&row), claimed(row.created_at)];
    let objects: Vec<_> = ["a", "b", "c", "d"]
        .iter()
        .zip([20, 10, 10, 20])
        .flat_map(|(name, age)| memories.iter().enumerate().map(move |(number, memory)| claimant(&format!("{name}{number}"), age, *memory)))
        .collect();
    for present in [None, Some(&row)] {
        let holders = objects.iter().filter(|me| stand(me, &objects, present) == Standing::Holder).count();
        assert_eq!(holders, 1, "{present:?}");
    }
}

#[test]
fn a_terminating_object_neither_outranks_nor_blocks() {
    let row = connection();
    let leaving = Claimant { terminating: true, ..claimant("leaving", 100, claimed(row.created_at).recording(&row)) };
    assert_eq!(stand(&claimant("me", 1, claimed(at(0))), std::slice::from_ref(&leaving), Some(&row)), Standing::Holder);
    assert_eq!(stand(&claimant("me", 1, Memory::default()), &[leaving], Some(&row)), Standing::Free);
}

#[test]
fn an_object_without_a_claim_gives_way_to_any_claim() {
    let rival = claimant("rival", 1, claimed(at(0)));
    assert_eq!(stand(&claimant("me", 100, Memory::default()), &[rival], None), Standing::Rival("apps/rival".to_owned()));
}

#[test]
fn a_claim_of_another_pair_is_no_rival() {
    let elsewhere = Memory { claim: Some(Claim { pair: other_pair(), create: Some(at(0)), adopt: None }), ..claimed(at(0)) };
    assert_eq!(stand(&claimant("me", 1, Memory::default()), &[claimant("elsewhere", 100, elsewhere)], None), Standing::Free);
}

#[test]
fn an_object_is_not_its_own_rival() {
    let me = claimant("me", 1, claimed(at(0)));
    let listed = Claimant { created: Some(at(-100)), ..me.clone() };
    assert_eq!(stand(&me, &[listed], None), Standing::Holder);
}

#[test]
fn a_lost_claim_with_the_recorded_id_beats_a_rival_that_only_claims() {
    let row = connection();
    let me = claimant("me", 1, Memory::default().recording(&row));
    let rival = claimant("rival", 100, claimed(at(0)));
    assert_eq!(stand(&me, std::slice::from_ref(&rival), Some(&row)), Standing::Holder);
    assert_eq!(stand(&me, &[rival], None), Standing::Rival("apps/rival".to_owned()), "with the connection gone there is nothing to own");
}

#[test]
fn who_has_recorded_the_connection_holds_the_pair_though_its_claim_was_taken_away() {
    let row = connection();
    let stripped = claimant("stripped", 1, Memory::default().recording(&row));
    let older = claimant("older", 100, Memory::default());
    let rival = Standing::Rival("apps/stripped".to_owned());
    for present in [Some(&row), None] {
        assert_eq!(stand(&older, std::slice::from_ref(&stripped), present), rival);
        assert_eq!(stand(&stripped, std::slice::from_ref(&older), present), Standing::Holder);
    }
}

#[test]
fn a_recorded_owner_keeps_its_rank_while_our_principal_is_unknown() {
    let row = connection();
    let owner = Claimant { acts_as: None, ..claimant("owner", 1, claimed(at(-9000)).recording(&row)) };
    assert_eq!(stand(&owner, &[claimant("older", 9, claimed(at(-9000)))], Some(&row)), Standing::Holder);
}

#[test]
fn who_has_recorded_a_connection_comes_before_who_only_seems_to_have_made_it() {
    let row = connection().made_at(at(-5));
    let recorded = claimant("recorded", 1, claimed(at(-9000)).recording(&row));
    let maker = claimant("maker", 100, claimed(at(-6)));
    assert_eq!(stand(&recorded, std::slice::from_ref(&maker), Some(&row)), Standing::Holder);
    assert_eq!(stand(&maker, &[recorded], Some(&row)), Standing::Rival("apps/recorded".to_owned()));
    let claiming = claimant("claiming", 200, claimed(at(-9000)));
    assert_eq!(stand(&maker, &[claiming], Some(&row)), Standing::Holder, "who made it comes before who only claims");
}

#[test]
fn only_a_live_object_that_wants_this_very_pair_is_an_heir() {
    let (other, row) = (claimant("other", 1, claimed(at(0))), connection());
    let is_heir = |other: Claimant| heir(&[other], &row).is_some();
    assert!(is_heir(other.clone().wanting(pair())));
    assert!(!is_heir(Claimant { terminating: true, ..other.clone().wanting(pair()) }));
    for intent in [Intent::Hold(other_pair()), Intent::HandOver, Intent::Neither, Intent::Unclear] {
        assert!(!is_heir(Claimant { intent, ..other.clone() }), "{intent:?}");
    }
}

#[test]
fn whom_another_claim_keeps_from_the_pair_is_no_heir() {
    let younger = claimant("younger", 1, Memory::default()).wanting(pair());
    let older = claimant("older", 9, claimed(at(-20)));
    let heirs = |others: &[Claimant]| heir(others, &connection()).map(|heir| heir.name.clone());
    assert_eq!(heirs(&[younger.clone(), older.clone()]), None);
    assert_eq!(heirs(&[younger.clone(), older.clone().wanting(pair())]), Some("apps/older".to_owned()));
    assert_eq!(heirs(&[younger, Claimant { terminating: true, ..older }]), Some("apps/younger".to_owned()));
}

#[test]
fn only_a_terminating_owner_that_leaves_it_hands_a_connection_over() {
    let row = connection();
    let acting_as = |claimant: Claimant, acts_as| Claimant { acts_as, ..claimant };
    let owner = claimant("owner", 1, Memory::default().recording(&row));
    assert!(acting_as(owner.clone().leaving(), None).hands_over(&row), "its status is enough");
    assert!(!Claimant { terminating: false, ..owner.clone().leaving() }.hands_over(&row));
    assert!(!owner.clone().leaving().hands_over(&Connection { id: id(2), ..row.clone() }), "it is another one");
    for intent in [Intent::Hold(pair()), Intent::Neither, Intent::Unclear] {
        assert!(!Claimant { intent, ..owner.clone().leaving() }.hands_over(&row), "{intent:?}");
    }
    let maker = claimant("maker", 1, claimed(row.created_at)).leaving();
    assert!(maker.hands_over(&row));
    assert!(!acting_as(maker.clone(), Some(stranger())).hands_over(&row) && !acting_as(maker, None).hands_over(&row));
}

#[test]
fn whether_an_object_made_a_connection_is_judged_by_its_own_key() {
    let row = connection().made_by(stranger());
    let maker = Claimant { acts_as: Some(stranger()), ..claimant("maker", 1, claimed(row.created_at)) };
    let older = claimant("older", 100, claimed(row.created_at));
    assert!(maker.owns(&row) && !older.owns(&row));
    assert_eq!(stand(&maker, std::slice::from_ref(&older), Some(&row)), Standing::Holder);
    assert_eq!(stand(&older, &[maker], Some(&row)), Standing::Rival("apps/maker".to_owned()));
}
