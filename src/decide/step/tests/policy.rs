//! What a step says and does under policies that are not the default.

use super::*;
use crate::decide::outcome::Effect;

fn observing() -> Policies {
    Policies { management: ManagementPolicy::Observe, ..policies() }
}

fn held(hold: Hold) -> Policies {
    Policies { hold, ..policies() }
}

fn adopting_policy(adoption: AdoptionPolicy) -> Policies {
    Policies { adoption, ..policies() }
}

fn foreign() -> Connection {
    connection().made_by(stranger())
}

fn plan_of(step: &Step) -> Option<&str> {
    report(step).plan.as_deref()
}

fn message(step: &Step) -> &str {
    &report(step).verdict.as_ref().unwrap().message
}

#[test]
fn whoever_only_looks_says_what_would_be_done() {
    let differing = Seen::Present(connection().differing());
    for (policies, reason, because) in [
        (held(Hold::Suspended), ConnectionReason::Suspended, "suspended by its spec"),
        (held(Hold::ObserveOnly), ConnectionReason::OutOfSync, "--observe-only"),
        (observing(), ConnectionReason::OutOfSync, "managementPolicy: Observe"),
        (Policies { hold: Hold::Suspended, ..observing() }, ConnectionReason::Suspended, "suspended by its spec"),
    ] {
        for (scene, would) in [
            (fresh(), "create a connection that shares logs, metrics"),
            (Scene { seen: differing.clone(), ..settled() }, "add metrics; remove audit"),
        ] {
            let step = next(&Scene { policies, ..scene });
            assert_eq!((says(&step), plan_of(&step)), (not_ready(reason), Some(would)), "{policies:?}");
            assert!(message(&step).contains(because) && message(&step).contains(would), "{}", message(&step));
        }
    }
}

#[test]
fn a_difference_that_is_not_put_right_at_will_stalls_only_if_it_is_not_suspended() {
    for (policies, progress) in [(held(Hold::Suspended), Progress::Settled), (observing(), Progress::Stalled)] {
        assert_eq!(report(&next(&Scene { policies, ..fresh() })).verdict.as_ref().unwrap().progress, progress);
    }
}

#[test]
fn whoever_only_looks_is_ready_when_all_is_as_wanted_whosever_it_is() {
    for policies in [held(Hold::Suspended), held(Hold::ObserveOnly), observing()] {
        let owning = next(&Scene { policies, ..settled() });
        assert_eq!((says(&owning), &report(&owning).shown), (Some((Ready::True, "InSync")), &Shown::Owned(connection())));
        let looking = next(&Scene { policies, seen: Seen::Present(foreign()), ..fresh() });
        assert_eq!((says(&looking), &report(&looking).shown), (Some((Ready::True, "InSync")), &Shown::Observed(foreign())));
        assert_eq!((plan_of(&owning), plan_of(&looking)), (None, None));
    }
}

#[test]
fn what_is_only_looked_at_is_shown_while_it_differs_too() {
    let row = foreign().differing();
    let step = next(&Scene { policies: observing(), seen: Seen::Present(row.clone()), ..fresh() });
    assert_eq!(report(&step).shown, Shown::Observed(row));
    let own = connection().differing();
    let step = next(&Scene { policies: observing(), seen: Seen::Present(own.clone()), ..settled() });
    assert_eq!(report(&step).shown, Shown::Owned(own));
}

#[test]
fn whoever_only_looks_is_ready_for_a_new_spec_only_after_a_younger_look() {
    let unseen = Scene { policies: observing(), seen: Seen::Present(foreign()), current: false, ..fresh() };
    assert_eq!(next(&unseen), Step::AskForList(Report::unchanged(Retry::WhenWoken)));
}

#[test]
fn a_foreign_connection_that_would_be_left_alone_says_how_it_differs() {
    let step = next(&Scene { seen: Seen::Present(foreign().differing()), ..fresh() });
    assert_eq!(says(&step), not_ready(ConnectionReason::AlreadyExists));
    let would = plan_of(&step).unwrap();
    assert!(would.contains("do nothing") && would.contains("add metrics; remove audit"), "{would}");
    let equal = next(&Scene { seen: Seen::Present(foreign()), ..fresh() });
    assert_eq!((says(&equal), plan_of(&equal)), (not_ready(ConnectionReason::AlreadyExists), None));
}

#[test]
fn what_would_be_taken_over_is_told_with_the_difference() {
    let always = Policies { management: ManagementPolicy::Observe, ..adopting_policy(AdoptionPolicy::Always) };
    let step = next(&Scene { policies: always, seen: Seen::Present(foreign().differing()), ..fresh() });
    assert_eq!(plan_of(&step), Some(format!("take over connection {}; add metrics; remove audit", id(1)).as_str()));
    let equal = Scene { policies: Policies { adoption: AdoptionPolicy::IfIdentical, ..always }, seen: Seen::Present(foreign()), ..fresh() };
    let doubtful = Scene { organization: refusing(), ..equal };
    assert_eq!(intention(&doubtful), Some(format!("take over connection {}", id(1))));
}

#[test]
fn an_adoption_is_claimed_then_recorded_and_only_then_changed() {
    let policies = adopting_policy(AdoptionPolicy::Always);
    let row = foreign().differing();
    let scene = Scene { policies, seen: Seen::Present(row.clone()), ..fresh() };
    let Step::Claim(claim) = next(&scene) else { panic!("it claims first") };
    assert_eq!(claim, Claim { adopt: Some(id(1)), ..bare_claim() });
    let step = next(&remembering(scene.clone(), adopting(id(1))));
    assert_eq!((says(&step), &report(&step).shown), (None, &Shown::Owned(row.clone())), "it is not as wanted yet");
    assert!(matches!(report(&step).effect, Some(Effect::Adopted { .. })));
    let recorded = remembering(scene, adopting(id(1)).recording(&row));
    assert_eq!(next(&recorded), Step::Update(row, desired().types));
}

#[test]
fn what_is_taken_over_as_it_is_wanted_is_ready_at_once() {
    let scene = Scene { policies: adopting_policy(AdoptionPolicy::IfIdentical), seen: Seen::Present(foreign()), ..fresh() };
    let step = next(&remembering(scene, adopting(id(1))));
    assert_eq!((says(&step), &report(&step).shown), (Some((Ready::True, "InSync")), &Shown::Owned(foreign())));
}

#[test]
fn an_adoption_says_who_made_the_connection_and_warns_of_a_stranger() {
    let leaving = claimant("leaving", 9000, claimed(at(-3601)).recording(&connection())).leaving();
    let anonymous = Connection { created_by: None, ..connection() };
    for (row, others, expected, warns) in [
        (foreign(), vec![], stranger().to_string(), true),
        (connection(), vec![], "our own key".to_owned(), false),
        (anonymous, vec![], "does not tell who made it".to_owned(), true),
        (connection(), vec![leaving.clone()], "apps/leaving, which is being deleted".to_owned(), false),
        (foreign(), vec![leaving], "apps/leaving, which is being deleted".to_owned(), false),
    ] {
        let policies = adopting_policy(AdoptionPolicy::Always);
        let scene = Scene { policies, seen: Seen::Present(row), others, ..fresh() };
        let step = next(&remembering(scene, adopting(id(1))));
        let Some(Effect::Adopted { what, foreign }) = &report(&step).effect else { panic!("{step:?}") };
        assert!(what.contains(&id(1).to_string()) && what.contains(&expected) && *foreign == warns, "{what}");
    }
}

#[test]
fn a_deletion_outside_is_reported_with_what_would_be_done() {
    let reporting = Policies { external_deletion: ExternalDeletionPolicy::Report, ..policies() };
    let vanished = Scene { policies: reporting, seen: Seen::Absent, ..settled() };
    let step = next(&vanished);
    assert_eq!((says(&step), &report(&step).shown), (not_ready(ConnectionReason::DeletedOutside), &Shown::NotOurs));
    assert_eq!(plan_of(&step), Some("create a connection that shares logs, metrics"));
    assert!(matches!(next(&Scene { asked: true, ..vanished }), Step::Claim(_)));
}

#[test]
fn what_others_undo_again_and_again_is_left_for_a_while_and_shown() {
    let rest = Duration::from_mins(20);
    let contested = |scene: Scene| Scene { contested: Some(rest), ..scene };
    let row = connection().differing();
    let gone = remembering(fresh(), claimed(at(0)).recording(&connection()));
    for (scene, shown) in [
        (Scene { seen: Seen::Present(row.clone()), ..settled() }, Shown::Owned(row)),
        (gone.clone(), Shown::NotOurs),
        (remembering(gone, claimed(at(-90)).recording(&connection())), Shown::NotOurs),
    ] {
        let step = next(&contested(scene));
        assert_eq!((says(&step), report(&step).retry), (not_ready(ConnectionReason::Contested), Retry::After(rest)));
        assert_eq!(report(&step).shown, shown);
        assert!(plan_of(&step).is_some());
    }
}

#[test]
fn a_contested_connection_that_is_as_wanted_is_in_sync_and_a_lost_claim_comes_back() {
    let contested = Scene { contested: Some(Duration::from_mins(20)), ..settled() };
    assert_eq!(says(&next(&contested)), Some((Ready::True, "InSync")));
    let lost = remembering(contested, Memory::default().recording(&connection()));
    assert!(matches!(next(&lost), Step::Claim(_)));
}

#[test]
fn a_missing_permission_is_told_before_a_contest() {
    let scene = Scene { contested: Some(Duration::from_mins(20)), organization: refusing(), ..fresh() };
    assert_eq!(says(&next(&scene)), not_ready(ConnectionReason::PermissionMissing));
}

#[test]
fn a_suspended_object_still_deletes_and_a_process_that_only_looks_does_not() {
    assert_eq!(next(&Scene { policies: held(Hold::Suspended), ..parting() }), Step::Delete(connection(), let_through(&[1])));
    let step = next(&Scene { policies: held(Hold::ObserveOnly), ..parting() });
    assert_eq!(says(&step), not_ready(ConnectionReason::DeletionBlocked));
    assert!(message(&step).contains("--observe-only") && message(&step).contains("deletionPolicy to Orphan"), "{}", message(&step));
    assert_eq!(plan_of(&step), Some(format!("delete connection {}", id(1)).as_str()));
}

#[test]
fn a_connection_that_an_heir_is_waited_for_is_said_to_be_left_to_it() {
    let heir = claimant("heir", 1, Memory::default()).wanting(pair());
    let step = next(&Scene { others: vec![heir], ..parting() });
    assert_eq!((says(&step), plan_of(&step)), (not_ready(ConnectionReason::Deleting), Some("leave the connection to apps/heir")));
    assert!(message(&step).contains("apps/heir takes the connection over"), "{}", message(&step));
}

#[test]
fn nothing_is_deleted_while_another_claimant_cannot_be_understood_and_it_is_named() {
    let unclear = claimant("unclear", 1, claimed(at(-9000))).unclear();
    let step = next(&Scene { others: vec![unclear], ..parting() });
    assert_eq!(says(&step), not_ready(ConnectionReason::Deleting));
    assert!(message(&step).contains("apps/unclear") && message(&step).contains("correct it"), "{}", message(&step));
}

#[test]
fn an_observing_object_is_let_go_and_its_connection_left() {
    for organization in [every_unusable(), vec![usable()]].concat() {
        let scene = Scene { policies: observing(), organization, ..parting() };
        assert_eq!((next(&scene), intention(&scene)), (Step::LetGo, None));
    }
}

#[test]
fn a_sink_by_name_asks_for_a_list_once_its_organization_can_give_one() {
    let scene = |organization| Scene { desired: Err(Invalid::NameNotLookedUp("central".to_owned())), organization, ..fresh() };
    assert_eq!(next(&scene(usable())), Step::AskForList(Report::unchanged(Retry::WhenWoken)));
    for organization in every_unusable() {
        let though_known = next(&Scene { organization: organization.clone(), ..fresh() });
        assert_eq!(next(&scene(organization)), though_known, "the organization is in the way, and not the name");
    }
}

#[test]
fn what_another_process_has_recorded_since_the_last_list_is_not_created_again() {
    let absent = |scene: Scene| Scene { seen: Seen::Absent, digest: Digest::default(), ..scene };
    let recorded = |name: &str| claimant(name, 9, Memory { claim: None, ..Memory::default().recording(&connection()) });
    let mine = absent(settled());
    let gone = Claimant { terminating: true, ..recorded("gone") };
    let of_one_that_goes = absent(Scene { others: vec![gone], ..fresh() });
    for scene in [mine, of_one_that_goes] {
        let at_list = |began| next(&Scene { proof: Some(at(began)), ..scene.clone() });
        assert_eq!(at_list(-3601), Step::AskForList(Report::unchanged(Retry::WhenWoken)));
        assert!(matches!(at_list(-3600), Step::Claim(_)), "{:?}", at_list(-3600));
    }
    let anothers = Scene { proof: Some(at(-3601)), ..absent(Scene { others: vec![recorded("other")], ..fresh() }) };
    let Step::Rest(report) = next(&anothers) else { panic!("a live object holds the pair") };
    assert_eq!(report.verdict.unwrap().reason, "Conflict");
}

#[test]
fn a_list_that_could_still_seem_older_than_what_was_recorded_is_not_asked_for_again_and_again() {
    for (created, wait) in [(0, 2), (1, 3), (-1, 1)] {
        let young = connection().made_at(at(created));
        let scene = remembering(settled(), claimed(at(created)).recording(&young));
        let scene = Scene { seen: Seen::Absent, proof: Some(at(created - 5)), digest: Digest::default(), ..scene };
        assert_eq!(next(&scene), Step::Rest(Report::unchanged(Retry::After(Duration::from_secs(wait)))), "{created}");
    }
}

fn every_key_that_only_deletes() -> [Organization; 2] {
    [None, Some(us())].map(|us| Organization::DeletesOnly { us, now: at(0) })
}

#[test]
fn a_key_that_only_deletes_deletes_what_is_recorded_and_proves_it_gone() {
    for organization in every_key_that_only_deletes() {
        let scene = Scene { organization, ..parting() };
        assert_eq!(next(&scene), Step::Delete(connection(), let_through(&[1])));
        let deleted = Scene { seen: Seen::Absent, proof: None, ..scene.clone() };
        assert_eq!(next(&deleted), Step::AskForList(Report::unchanged(Retry::WhenWoken)));
        assert_eq!(next(&Scene { seen: Seen::Absent, ..scene }), Step::LetGo);
    }
}

#[test]
fn only_the_key_that_made_a_connection_can_tell_that_it_did() {
    let [sinks, last_good] = every_key_that_only_deletes();
    let never_recorded = remembering(parting(), claimed(at(-3601)));
    assert_eq!(next(&Scene { organization: last_good, ..never_recorded.clone() }), Step::Delete(connection(), let_through(&[1])));
    let step = next(&Scene { organization: sinks, ..never_recorded });
    assert_eq!(says(&step), not_ready(ConnectionReason::DeletionBlocked));
    assert!(message(&step).contains("the sink's key"), "{}", message(&step));
}

#[test]
fn what_another_object_has_recorded_is_not_this_ones_whichever_key_looks() {
    for organization in every_key_that_only_deletes() {
        let heir = claimant("heir", 1, claimed(at(0)).recording(&connection()));
        let claimed_since = remembering(parting(), claimed(at(-30)).recording(&connection()));
        let scene = Scene { organization, others: vec![heir], proof: None, ..claimed_since };
        assert_eq!(says(&next(&scene)), not_ready(ConnectionReason::Deleting), "a list has to show that nothing else was made");
        assert_eq!(next(&Scene { proof: Some(at(30)), ..scene }), Step::LetGo);
    }
}

#[test]
fn a_key_that_only_deletes_creates_and_changes_nothing() {
    for organization in every_key_that_only_deletes() {
        for seen in [Seen::Absent, Seen::Present(connection().differing()), Seen::Present(foreign())] {
            for scene in [fresh(), settled(), remembering(fresh(), claimed(at(0)))] {
                assert!(matches!(next(&Scene { seen: seen.clone(), organization: organization.clone(), ..scene }), Step::Rest(_)));
            }
        }
    }
}

#[test]
fn an_organization_that_is_leaving_lets_nobody_inherit_who_owns_nothing() {
    let leaver = claimant("leaver", 9000, claimed(at(-3601)).recording(&connection())).leaving();
    let heir = Scene { organization: leaving(), seen: Seen::Present(connection()), others: vec![leaver], ..fresh() };
    assert_eq!(says(&next(&heir)), not_ready(ConnectionReason::OrganizationNotReady));
}

#[test]
fn whose_a_connection_is_is_not_told_while_nobody_knows_whom_the_key_acts_as() {
    let made = Scene { seen: Seen::Present(connection().differing()), ..remembering(fresh(), claimed(at(-3601))) };
    for organization in [not_usable(false, true), not_usable(false, false), Organization::Missing] {
        let step = next(&Scene { organization, ..made.clone() });
        assert!(!plan_of(&step).is_some_and(|plan| plan.contains("not this object's")), "{step:?}");
    }
}

#[test]
fn a_deletion_that_the_brake_holds_says_so_and_is_looked_at_again_when_it_may_go() {
    let full = Brake { limit: 1, memory: let_through(&[2]), ..brake() };
    for organization in [vec![usable(), leaving(), refusing()], every_key_that_only_deletes().to_vec()].concat() {
        let step = next(&Scene { brake: full.clone(), organization, ..parting() });
        assert_eq!((says(&step), report(&step).retry), (not_ready(ConnectionReason::DeletionHeld), Retry::After(Duration::from_hours(1))));
        assert_eq!(plan_of(&step), Some(format!("delete connection {}", id(1)).as_str()));
    }
}

#[test]
fn what_was_held_says_that_it_is_not_any_more() {
    let held = digest(&Report::not_ready(ConnectionReason::DeletionHeld, "held", Retry::WhenWoken));
    let step = next(&Scene { digest: held, seen: Seen::Absent, proof: None, ..parting() });
    assert!(matches!(step, Step::AskForList(_)));
    assert_eq!(says(&step), not_ready(ConnectionReason::Deleting));
}
