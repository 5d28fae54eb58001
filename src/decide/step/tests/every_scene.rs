//! All combinations of what a step depends on. What is ours is known here by construction and never asked of the code.

use super::*;
use crate::decide::plan::CLAIM_FRESH;
use crate::decide::release::LANDED;

/// What an object remembers, and which rows are then its own.
struct Remembered {
    memory: Memory,
    old_row: bool,
    young_row: bool,
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
    let make = |memory, old_row, young_row| Remembered { memory, old_row, young_row };
    vec![
        make(Memory::default(), false, false),
        make(claimed(at(-20)), false, true),
        make(claimed(at(-20)).damaged(), false, true),
        make(claimed(at(-3601)), true, false),
        make(claimed(at(-3601)).recording(&old_row()), true, false),
        make(claimed(at(-3601)).recording(&old_row()).damaged(), true, false),
        make(Memory::default().recording(&old_row()), true, false),
        make(claimed(at(-20)).recording(&old_row()), true, true),
        make(other, false, false),
    ]
}

fn every_sight() -> Vec<Seen> {
    let doubts = [
        Doubt::NotListed,
        Doubt::CallPending,
        Doubt::Incomplete("one row could not be read".to_owned()),
        Doubt::OutOfView { listed: org(5), pair: pair() },
    ];
    let rows = [old_row(), young_row(), foreign_row()].into_iter().flat_map(|row| [row.clone(), row.differing()]);
    doubts.into_iter().map(Seen::Unknown).chain([Seen::Absent]).chain(rows.map(Seen::Present)).collect()
}

fn every_organization() -> Vec<Organization> {
    [every_unusable(), vec![usable(), leaving(), refusing()]].concat()
}

/// Nobody; an older live claimant; a live one that has recorded what is seen; a terminating one that has.
fn every_company(seen: &Seen) -> Vec<Vec<Claimant>> {
    let recorded = seen.present().map(|row| claimant("heir", 9000, claimed(at(-9000)).recording(row)));
    let older = claimant("older", 9000, claimed(at(-9000)));
    let mut company = vec![vec![], vec![older]];
    company.extend(recorded.clone().map(|heir| vec![heir]));
    company.extend(recorded.map(|heir| vec![Claimant { terminating: true, ..heir }]));
    company
}

/// A scene, and whether the row that is seen in it is the object's own.
fn every_scene(base: &Scene) -> Vec<(Scene, bool)> {
    let mut scenes = Vec::new();
    for remembered in every_memory() {
        for seen in every_sight() {
            let ours = match seen.present().map(|row| row.id) {
                Some(row) if row == id(1) => remembered.old_row,
                Some(row) if row == id(2) => remembered.young_row,
                Some(_) | None => false,
            };
            for organization in every_organization() {
                for others in every_company(&seen) {
                    let scene = Scene { seen: seen.clone(), organization: organization.clone(), others, ..base.clone() };
                    scenes.push((remembering(scene, remembered.memory), ours));
                }
            }
        }
    }
    scenes
}

fn every_live_scene() -> Vec<(Scene, bool)> {
    let digests = [Digest::default(), said_in_sync(), digest(&Report::invalid(&every_invalid()[0]))];
    let wanted = every_invalid().into_iter().take(2).map(Err).chain([Ok(desired())]);
    let mut scenes = Vec::new();
    for desired in wanted {
        for digest in &digests {
            for vouched in [false, true] {
                scenes.extend(every_scene(&Scene { digest: digest.clone(), desired: desired.clone(), vouched, ..settled() }));
            }
        }
    }
    scenes
}

fn every_parting_scene() -> Vec<(Scene, bool)> {
    let mut scenes = Vec::new();
    for proof in [None, Some(at(-1800)), Some(at(0))] {
        for (finalizer, policy) in [(true, DeletionPolicy::Delete), (true, DeletionPolicy::Orphan), (false, DeletionPolicy::Delete)] {
            scenes.extend(every_scene(&Scene { proof, finalizer, policy, ..parting() }));
        }
    }
    scenes
}

fn is_usable(scene: &Scene) -> bool {
    matches!(scene.organization, Organization::Usable { .. })
}

fn may_write(scene: &Scene) -> bool {
    matches!(scene.organization, Organization::Usable { writes_refused: None, .. })
}

fn has_live_rival(scene: &Scene) -> bool {
    scene.others.iter().any(|other| !other.terminating)
}

#[test]
fn nothing_is_done_through_an_organization_that_cannot_be_used() {
    for (scene, _) in every_live_scene().into_iter().chain(every_parting_scene()).filter(|(scene, _)| !is_usable(scene)) {
        assert!(matches!(next(&scene), Step::Rest(_) | Step::LetGo), "{scene:?}");
        assert!(scene.me.terminating || matches!(next(&scene), Step::Rest(_)), "{scene:?}");
    }
}

#[test]
fn a_live_object_deletes_nothing_and_keeps_its_finalizer() {
    for (scene, _) in every_live_scene() {
        assert!(!matches!(next(&scene), Step::Delete(_) | Step::LetGo | Step::AskForList(_)), "{scene:?}");
    }
}

#[test]
fn a_terminating_object_claims_creates_and_changes_nothing() {
    for (scene, _) in every_parting_scene() {
        assert!(!matches!(next(&scene), Step::Claim(_) | Step::Create(..) | Step::Update(..)), "{scene:?}");
    }
}

#[test]
fn a_connection_is_created_only_in_proven_absence_under_an_intact_and_fresh_claim_of_its_own() {
    for (scene, _) in every_live_scene() {
        let Step::Create(created, types) = next(&scene) else { continue };
        let claim = scene.me.memory.claim.unwrap();
        assert!(scene.seen == Seen::Absent && scene.me.memory.intact && may_write(&scene), "{scene:?}");
        assert_eq!((created, claim.pair, &types), (pair(), pair(), &desired().types), "{scene:?}");
        assert!(at(0).duration_since(claim.create.unwrap()) <= CLAIM_FRESH, "{scene:?}");
        assert!(scene.me.memory.recorded_created_at < claim.create, "{scene:?}");
        assert!(!has_live_rival(&scene), "{scene:?}");
    }
}

#[test]
fn only_an_owned_connection_that_is_seen_is_changed_and_only_to_what_is_wanted() {
    for (scene, ours) in every_live_scene() {
        let Step::Update(row, types) = next(&scene) else { continue };
        assert!(ours && scene.seen.present() == Some(&row) && may_write(&scene), "{scene:?}");
        assert!(types == desired().types && row.types != types, "{scene:?}");
        assert!(scene.me.memory.intact, "{scene:?}");
    }
}

#[test]
fn only_an_owned_connection_that_is_seen_and_nobody_elses_is_deleted() {
    for (scene, ours) in every_parting_scene() {
        let Step::Delete(row) = next(&scene) else { continue };
        let inherited = scene.others.iter().any(|other| !other.terminating && other.memory.recorded == Some(row.id));
        // Whether this very connection may be deleted, only a DELETE tells: a refusal to create another says nothing of it.
        assert!(ours && scene.seen.present() == Some(&row) && is_usable(&scene), "{scene:?}");
        assert!(scene.finalizer && scene.policy == DeletionPolicy::Delete && !inherited, "{scene:?}");
    }
}

#[test]
fn a_claim_names_the_wanted_pair_and_loses_nothing_of_the_one_before() {
    for (scene, ours) in every_live_scene() {
        let Step::Claim(claim) = next(&scene) else { continue };
        let before = scene.me.memory.claim;
        assert!(claim.pair == pair() && is_usable(&scene), "{scene:?}");
        assert!(
            before.is_none_or(|before| before.pair == pair() && claim.create >= before.create && claim.adopt >= before.adopt),
            "{scene:?}"
        );
        assert!(scene.seen == Seen::Absent || ours, "nothing foreign is claimed: {scene:?}");
        assert!(may_write(&scene) || ours, "{scene:?}");
    }
}

#[test]
fn ready_is_said_only_of_an_owned_connection_that_is_seen_as_wanted() {
    for (scene, ours) in every_live_scene().into_iter().chain(every_parting_scene()) {
        let (Step::Rest(report) | Step::AskForList(report)) = next(&scene) else { continue };
        if report.verdict.as_ref().is_some_and(|verdict| verdict.ready == Ready::True) {
            let row = scene.seen.present().unwrap();
            assert!(ours && !scene.me.terminating && scene.desired.as_ref().is_ok_and(|desired| desired.types == row.types), "{scene:?}");
            assert_eq!(report.shown, Shown::Owned(row.clone()), "{scene:?}");
        }
    }
}

#[test]
fn nothing_is_shown_as_owned_that_is_not() {
    for (scene, ours) in every_live_scene().into_iter().chain(every_parting_scene()) {
        let (Step::Rest(report) | Step::AskForList(report)) = next(&scene) else { continue };
        if let Shown::Owned(row) = &report.shown {
            assert!(ours && scene.seen.present() == Some(row), "{scene:?}");
        }
    }
}

#[test]
fn an_object_is_let_go_only_with_a_reason() {
    for (scene, ours) in every_parting_scene() {
        if next(&scene) != Step::LetGo {
            continue;
        }
        let Memory { claim, recorded, .. } = scene.me.memory;
        let nothing = claim.is_none() && recorded.is_none();
        let inherited = scene
            .seen
            .present()
            .is_some_and(|row| scene.others.iter().any(|other| !other.terminating && other.memory.recorded == Some(row.id)));
        let landed = claim.and_then(|claim| claim.create).map(|create| create + LANDED);
        let proved = scene.proof.is_some_and(|proof| landed.is_none_or(|landed| proof >= landed));
        let free = !ours && !matches!(scene.seen, Seen::Unknown(_)) && proved;
        assert!(scene.finalizer && (nothing || scene.policy == DeletionPolicy::Orphan || inherited || free), "{scene:?}");
    }
}

#[test]
fn a_list_is_asked_for_only_by_a_terminating_object_of_a_usable_organization() {
    for (scene, _) in every_parting_scene() {
        let Step::AskForList(report) = next(&scene) else { continue };
        assert!(is_usable(&scene) && !matches!(scene.seen, Seen::Unknown(_)), "{scene:?}");
        assert_eq!(report.retry, Retry::WhenWoken, "{scene:?}");
    }
}

#[test]
fn what_was_in_sync_stays_said_while_nothing_can_be_looked_at() {
    let scenes = every_live_scene().into_iter().filter(|(scene, _)| scene.desired.is_ok() && scene.vouched && scene.digest.is_in_sync(1));
    for (scene, _) in scenes {
        let blind = !is_usable(&scene) || matches!(scene.seen, Seen::Unknown(_));
        let refused = scene.me.memory.pair().is_some_and(|claimed| claimed != pair()) || has_live_rival(&scene);
        if blind && !(refused && is_usable(&scene)) {
            assert_eq!(next(&scene), Step::Rest(Report::unchanged(Retry::WhenWoken)), "{scene:?}");
        }
    }
}
