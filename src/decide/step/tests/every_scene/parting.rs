//! What holds in every scene of an object that is being deleted.

use super::*;
use crate::decide::release::LANDED;

fn parting_policies() -> [Policies; 6] {
    let orphan = DeletionPolicy::Orphan;
    [
        policies(),
        Policies { deletion: orphan, ..policies() },
        Policies { management: ManagementPolicy::Observe, ..policies() },
        Policies { hold: Hold::Suspended, adoption: AdoptionPolicy::Always, ..policies() },
        Policies { hold: Hold::ObserveOnly, ..policies() },
        Policies { hold: Hold::ObserveOnly, deletion: orphan, ..policies() },
    ]
}

fn everywhere(check: &mut dyn FnMut(&Case<'_>)) {
    let sights = [every_doubt(), every_sight().split_off(1)].concat();
    let mut cases = 0;
    let mut counted = |case: &Case<'_>| {
        cases += 1;
        check(case);
    };
    for proof in [None, Some(at(-1800)), Some(at(0))] {
        for policies in parting_policies() {
            around(&Scene { proof, policies, ..parting() }, &sights, &every_organization(), &mut counted);
        }
        around(&Scene { proof, finalizer: false, ..parting() }, &sights, &[usable(), Organization::Missing], &mut counted);
    }
    eprintln!("{cases} scenes of objects that are being deleted");
}

/// Whether a live object would have what is seen, or nobody knows.
fn is_waited_for(case: &Case<'_>) -> bool {
    let wants = |other: &Claimant| match other.intent {
        Intent::Hold(wanted) => wanted == pair(),
        Intent::Unclear => other.memory.claim.is_some(),
        Intent::MayHold(source) => source == pair().source,
        Intent::HandOver | Intent::Neither => false,
    };
    case.scene.others.iter().any(|other| !other.terminating && wants(other))
}

#[test]
fn a_terminating_object_claims_creates_and_changes_nothing() {
    everywhere(&mut |Case { scene, step, .. }| {
        assert!(!matches!(step, Step::Claim(_) | Step::Create(..) | Step::Update(..)), "{scene:?}");
    });
}

#[test]
fn nothing_is_deleted_through_an_organization_that_cannot_be_used() {
    everywhere(&mut |case| {
        let reaches = matches!(case.scene.organization, Organization::Usable { .. } | Organization::DeletesOnly { .. });
        assert!(reaches || matches!(case.step, Step::Rest(_) | Step::LetGo), "{:?}", case.scene);
    });
}

#[test]
fn only_an_owned_connection_that_is_seen_and_that_nobody_else_has_or_wants_is_deleted() {
    everywhere(&mut |case| {
        let Case { scene, step: Step::Delete(row, _), .. } = case else { return };
        // Whether this very connection may be deleted, only a DELETE tells: a refusal to create another says nothing of it.
        assert!(case.ours && scene.seen.present() == Some(row) && case.knows_the_maker(), "{scene:?}");
        assert!(scene.finalizer && !case.is_anothers() && !is_waited_for(case), "{scene:?}");
        let Policies { management, deletion, hold, .. } = scene.policies;
        let wished = management == ManagementPolicy::Full && deletion == DeletionPolicy::Delete && hold != Hold::ObserveOnly;
        assert!(wished, "{scene:?}");
    });
}

#[test]
fn an_object_is_let_go_only_with_a_reason() {
    everywhere(&mut |case| {
        let Case { scene, step: Step::LetGo, ours, .. } = case else { return };
        let Memory { claim, recorded, .. } = scene.me.memory;
        let nothing = claim.is_none() && recorded.is_none();
        let at_will = scene.policies.deletion == DeletionPolicy::Orphan || scene.policies.management == ManagementPolicy::Observe;
        let landed = claim.and_then(|claim| claim.create).map(|create| create + LANDED);
        let proved = scene.proof.is_some_and(|proof| landed.is_none_or(|landed| proof >= landed));
        let free = (!ours || case.is_anothers()) && !matches!(scene.seen, Seen::Unknown(_)) && proved;
        // What is seen may be old: then this object may own a younger one.
        let is_its_last = |row: &Connection| {
            recorded == Some(row.id) && claim.and_then(|claim| claim.create).is_none_or(|create| create <= row.created_at)
        };
        let left = case.is_anothers() && scene.seen.present().is_some_and(is_its_last);
        assert!(scene.finalizer && (nothing || at_will || left || free), "{scene:?}");
    });
}

#[test]
fn a_list_is_asked_for_to_prove_that_nothing_is_left() {
    everywhere(&mut |case| {
        let Case { scene, step: Step::AskForList(report), .. } = case else { return };
        assert!(!matches!(scene.seen, Seen::Unknown(_)) && (!case.ours || case.is_anothers()), "{scene:?}");
        assert_eq!(*report, Report::unchanged(Retry::WhenWoken), "{scene:?}");
    });
}

#[test]
fn nothing_is_said_to_be_ready_or_owned() {
    everywhere(&mut |case| {
        let Some(report) = case.report() else { return };
        assert!(report.shown == Shown::Unknown && report.effect.is_none(), "{:?}", case.scene);
        assert!(report.verdict.as_ref().is_none_or(|verdict| verdict.ready == Ready::False), "{:?}", case.scene);
    });
}

#[test]
fn what_would_be_deleted_is_told_exactly_while_that_is_held_up() {
    everywhere(&mut |case| {
        let Some(report) = case.report().filter(|_| case.knows_the_maker() || !case.ours) else { return };
        let at_will = case.scene.policies.deletion == DeletionPolicy::Orphan || case.scene.policies.management == ManagementPolicy::Observe;
        let awaited = report.plan.as_ref().is_some_and(|plan| plan.starts_with("leave the connection to"));
        let would = case.ours && !at_will && (awaited || case.is_in_reach());
        assert_eq!(report.plan.is_some(), would && report.verdict.is_some(), "{:?} {report:?}", case.scene);
    });
}

#[test]
fn the_brake_holds_deletions_and_nothing_else() {
    let brake = Brake { limit: 0, ..brake() };
    everywhere(&mut |case| {
        let braked = next(&Scene { brake: brake.clone(), ..case.scene.clone() });
        if matches!(case.step, Step::Delete(..)) {
            assert_eq!(says(&braked), not_ready(ConnectionReason::DeletionHeld), "{:?}", case.scene);
        } else {
            assert_eq!(braked, case.step, "{:?}", case.scene);
        }
    });
}
