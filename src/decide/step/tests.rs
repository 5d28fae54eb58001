mod every_scene;
mod hand_over;
mod policy;

use super::parting::WORTH_TELLING;
use super::*;
use crate::api::conditions::find;
use crate::api::org_connection::{AdoptionPolicy, DeletionPolicy, ExternalDeletionPolicy, ManagementPolicy};
use crate::decide::brake::Brake;
use crate::decide::claims::{Claimant, Intent};
use crate::decide::digest::Digest;
use crate::decide::fixtures::*;
use crate::decide::plan::Policies;
use crate::decide::status;

fn usable() -> Organization {
    Organization::Usable { us: us(), now: at(0), terminating: false, writes_refused: None }
}

fn refusing() -> Organization {
    Organization::Usable { us: us(), now: at(0), terminating: false, writes_refused: Some("lacks org_connections_write".to_owned()) }
}

fn leaving() -> Organization {
    Organization::Usable { us: us(), now: at(0), terminating: true, writes_refused: None }
}

fn not_usable(undecided: bool, stalled: bool) -> Organization {
    Organization::NotUsable { why: "KeyRejected: Datadog refuses the key".to_owned(), undecided, stalled }
}

fn every_unusable() -> Vec<Organization> {
    vec![Organization::Missing, not_usable(true, false), not_usable(false, true), not_usable(false, false)]
}

fn digest(report: &Report) -> Digest {
    Digest::of_status(status::next(None, report, 1, None, at(-60)).as_ref())
}

fn said_in_sync() -> Digest {
    digest(&Report::in_sync(connection(), None))
}

/// An object in sync: it made its connection an hour ago and has said so.
fn settled() -> Scene {
    Scene {
        me: Claimant { uid: UID.to_owned(), ..claimant("me", 3700, claimed(at(-3601)).recording(&connection())) },
        generation: 1,
        finalizer: true,
        policies: policies(),
        digest: said_in_sync(),
        desired: Ok(desired()),
        seen: Seen::Present(connection()),
        proof: Some(at(-10)),
        doubt: None,
        current: true,
        others: Vec::new(),
        organization: usable(),
        brake: brake(),
        asked: false,
        contested: None,
        vouched: true,
    }
}

/// The same, being deleted.
fn parting() -> Scene {
    let scene = settled();
    Scene { me: Claimant { terminating: true, ..scene.me }, ..scene }
}

/// An object that nobody has done anything for.
fn fresh() -> Scene {
    Scene { me: claimant("me", 5, Memory::default()), finalizer: false, digest: Digest::default(), seen: Seen::Absent, ..settled() }
}

fn remembering(scene: Scene, memory: Memory) -> Scene {
    Scene { me: Claimant { memory, ..scene.me }, ..scene }
}

fn report(step: &Step) -> &Report {
    let (Step::Rest(report) | Step::AskForList(report)) = step else { panic!("{step:?}") };
    report
}

/// What a resting step says: nothing, or status and reason of `Ready`.
fn says(step: &Step) -> Option<(Ready, &'static str)> {
    report(step).verdict.as_ref().map(|verdict| (verdict.ready, verdict.reason))
}

fn not_ready(reason: ConnectionReason) -> Option<(Ready, &'static str)> {
    Some((Ready::False, reason.name()))
}

#[test]
fn an_object_in_sync_rests_and_has_nothing_new_to_say() {
    let scene = settled();
    let step = next(&scene);
    assert_eq!(says(&step), Some((Ready::True, "InSync")));
    assert!(scene.digest.says(report(&step), scene.generation));
}

#[test]
fn a_fresh_object_claims_then_creates_and_is_changed_to_what_is_wanted() {
    let Step::Claim(claim) = next(&fresh()) else { panic!("it claims first") };
    let memory = Memory { claim: Some(claim), intact: true, ..Memory::default() };
    assert_eq!(next(&remembering(fresh(), memory)), Step::Create(pair(), desired().types));
    let differing = Scene { seen: Seen::Present(connection().differing()), ..settled() };
    assert_eq!(next(&differing), Step::Update(connection().differing(), desired().types));
}

#[test]
fn an_organization_on_its_first_attempt_leaves_everything_as_it_is_said() {
    for scene in [fresh(), settled(), parting(), Scene { vouched: false, ..fresh() }] {
        assert_eq!(says(&next(&Scene { organization: not_usable(true, false), ..scene })), None);
    }
}

#[test]
fn an_unusable_organization_is_told_by_those_that_were_not_in_sync() {
    for organization in [not_usable(false, true), not_usable(false, false)] {
        let step = next(&Scene { organization, ..fresh() });
        assert_eq!(says(&step), not_ready(ConnectionReason::OrganizationNotReady));
        assert!(report(&step).verdict.as_ref().unwrap().message.contains("KeyRejected"));
    }
}

#[test]
fn what_was_in_sync_stays_said_while_somebody_can_vouch_for_it() {
    for organization in [not_usable(false, true), not_usable(false, false)] {
        assert_eq!(says(&next(&Scene { organization: organization.clone(), ..settled() })), None);
        let long = Scene { organization, vouched: false, ..settled() };
        assert_eq!(says(&next(&long)), Some((Ready::Unknown, "OrganizationNotReady")));
    }
}

#[test]
fn what_nobody_can_vouch_for_is_written_once_in_an_outage() {
    for organization in [not_usable(false, true), not_usable(false, false)] {
        let long = Scene { organization, vouched: false, ..settled() };
        let first = next(&long);
        let again = next(&Scene { digest: digest(report(&first)), ..long });
        assert_eq!(says(&again), None);
    }
}

#[test]
fn a_changed_spec_is_not_vouched_for_by_what_was_in_sync_before() {
    let edited = Scene { generation: 2, organization: not_usable(false, false), ..settled() };
    assert_eq!(says(&next(&edited)), not_ready(ConnectionReason::OrganizationNotReady));
}

#[test]
fn an_object_without_its_datadog_org_says_so() {
    let invalid = Err(Invalid::OrgMissing { role: "sourceOrgRef", name: "payments".to_owned() });
    let step = next(&Scene { organization: Organization::Missing, desired: invalid, vouched: false, ..settled() });
    assert_eq!(says(&step), not_ready(ConnectionReason::OrganizationNotReady));
}

#[test]
fn nothing_is_wanted_of_a_spec_that_makes_no_sense() {
    for invalid in every_invalid() {
        let step = next(&Scene { desired: Err(invalid.clone()), ..settled() });
        let looked_up = matches!(invalid, Invalid::NameNotLookedUp(_));
        let expected = if looked_up { Report::unchanged(Retry::WhenWoken) } else { Report::invalid(&invalid) };
        assert_eq!((report(&step), matches!(step, Step::AskForList(_))), (&expected, looked_up));
    }
}

#[test]
fn an_uncertain_list_is_told_only_by_those_that_were_not_in_sync() {
    let doubt = Seen::Unknown(Doubt::Incomplete("one row could not be read".to_owned()));
    assert_eq!(says(&next(&Scene { seen: doubt.clone(), ..settled() })), None);
    assert_eq!(says(&next(&Scene { seen: doubt, ..fresh() })), not_ready(ConnectionReason::InventoryUnavailable));
    for told_already in [Doubt::NotListed, Doubt::CallPending] {
        assert_eq!(says(&next(&Scene { seen: Seen::Unknown(told_already), ..fresh() })), None);
    }
}

#[test]
fn a_key_that_may_not_write_is_told_by_those_that_need_it_to_and_by_no_others() {
    let refused = not_ready(ConnectionReason::PermissionMissing);
    let differing = Seen::Present(connection().differing());
    assert_eq!(says(&next(&Scene { organization: refusing(), ..fresh() })), refused);
    assert_eq!(says(&next(&Scene { organization: refusing(), seen: differing.clone(), ..settled() })), refused);
    assert_eq!(says(&next(&Scene { organization: refusing(), ..settled() })), Some((Ready::True, "InSync")));
    let step = next(&Scene { organization: refusing(), seen: differing, ..settled() });
    assert_eq!(report(&step).shown, Shown::Owned(connection().differing()), "the status shows what is there");
}

#[test]
fn a_key_that_may_not_write_still_lets_a_lost_claim_be_put_back_and_none_be_renewed() {
    let lost = remembering(settled(), Memory::default().recording(&connection()));
    assert!(matches!(next(&Scene { organization: refusing(), ..lost.clone() }), Step::Claim(_)));
    let vanished = Scene { organization: refusing(), seen: Seen::Absent, ..lost };
    assert_eq!(says(&next(&vanished)), not_ready(ConnectionReason::PermissionMissing));
}

#[test]
fn a_leaving_organization_takes_no_new_claim_and_serves_those_it_has() {
    assert_eq!(says(&next(&Scene { organization: leaving(), ..fresh() })), not_ready(ConnectionReason::OrganizationNotReady));
    let claimed_before = remembering(fresh(), claimed(at(-3600)));
    assert!(matches!(next(&Scene { organization: leaving(), ..claimed_before }), Step::Claim(_)));
    let differing = Scene { organization: leaving(), seen: Seen::Present(connection().differing()), ..settled() };
    assert!(matches!(next(&differing), Step::Update(..)));
    assert!(matches!(next(&Scene { organization: leaving(), ..parting() }), Step::Delete(..)));
}

#[test]
fn a_leaving_organization_puts_back_a_claim_that_was_lost() {
    let lost = remembering(settled(), Memory::default().recording(&connection()));
    assert!(matches!(next(&Scene { organization: leaving(), ..lost }), Step::Claim(_)));
}

#[test]
fn a_rival_is_named_and_nothing_is_touched() {
    let holder = claimant("older", 9000, claimed(at(-9000)));
    let step = next(&Scene { others: vec![holder], ..fresh() });
    assert_eq!(says(&step), not_ready(ConnectionReason::Conflict));
    assert!(report(&step).verdict.as_ref().unwrap().message.contains("apps/older"));
}

#[test]
fn a_released_connection_is_deleted_and_then_proved_gone_before_the_object_goes() {
    assert_eq!(next(&parting()), Step::Delete(connection(), let_through(&[1])));
    let deleted = Scene { seen: Seen::Absent, proof: None, ..parting() };
    assert_eq!(next(&deleted), Step::AskForList(Report::unchanged(Retry::WhenWoken)));
    assert_eq!(next(&Scene { seen: Seen::Absent, ..parting() }), Step::LetGo);
}

#[test]
fn an_object_that_was_let_go_already_is_left_alone() {
    for organization in [vec![usable()], every_unusable()].concat() {
        let step = next(&Scene { finalizer: false, organization, ..parting() });
        assert_eq!(step, Step::Rest(Report::unchanged(Retry::WhenWoken)));
    }
}

#[test]
fn a_release_that_a_person_must_help_says_the_way_out() {
    let told = [
        Scene { organization: Organization::Missing, ..parting() },
        Scene { organization: not_usable(false, true), ..parting() },
        Scene { seen: Seen::Unknown(Doubt::OutOfView { listed: org(5), pair: pair() }), proof: None, ..parting() },
    ];
    for scene in told {
        let step = next(&scene);
        assert_eq!(says(&step), not_ready(ConnectionReason::DeletionBlocked), "{scene:?}");
        let verdict = report(&step).verdict.as_ref().unwrap();
        assert!(verdict.message.contains("deletionPolicy to Orphan") && verdict.progress == Progress::Stalled, "{}", verdict.message);
    }
}

#[test]
fn a_release_that_time_will_help_is_no_failure() {
    let foreign = Seen::Present(Connection { id: id(2), ..connection() }.made_by(stranger()));
    let short = Some("one row could not be read".to_owned());
    let told = [
        Scene { organization: not_usable(false, false), ..parting() },
        Scene { seen: foreign, proof: None, doubt: short, ..remembering(parting(), claimed(at(-3601))) },
        Scene { seen: Seen::Unknown(Doubt::Incomplete("one row could not be read".to_owned())), proof: None, ..parting() },
    ];
    for scene in told {
        assert_eq!(says(&next(&scene)), not_ready(ConnectionReason::Deleting), "{scene:?}");
    }
}

#[test]
fn an_orphaned_connection_needs_no_organization() {
    for organization in every_unusable() {
        assert_eq!(
            next(&Scene { policies: Policies { deletion: DeletionPolicy::Orphan, ..policies() }, organization, ..parting() }),
            Step::LetGo
        );
    }
}

#[test]
fn nobody_asks_again_and_again_for_lists_that_prove_nothing() {
    for doubt in [Doubt::NotListed, Doubt::CallPending, Doubt::Incomplete("short".to_owned())] {
        assert!(matches!(next(&Scene { seen: Seen::Unknown(doubt), proof: None, ..parting() }), Step::Rest(_)));
    }
}

#[test]
fn a_release_waits_until_no_creation_can_still_land() {
    for (age, wait) in [(0, 60), (20, 40), (59, 1)] {
        let young = remembering(Scene { seen: Seen::Absent, proof: Some(at(0)), ..parting() }, claimed(at(-age)));
        let step = next(&young);
        assert_eq!(report(&step).retry, Retry::After(Duration::from_secs(wait)), "claimed {age} s ago");
        assert_eq!(says(&step).is_some(), wait >= WORTH_TELLING.as_secs(), "a short wait is not worth a write");
    }
    let old = remembering(Scene { seen: Seen::Absent, proof: Some(at(0)), ..parting() }, claimed(at(-60)));
    assert_eq!(next(&old), Step::LetGo);
}

#[test]
fn what_a_live_object_made_is_waited_for_by_name() {
    let row = Connection { id: id(2), ..connection() }.made_at(at(-5));
    let maker = claimant("maker", 20, claimed(at(-6)));
    let step = next(&Scene { seen: Seen::Present(row), others: vec![maker], ..remembering(parting(), claimed(at(-6))) });
    assert_eq!(says(&step), not_ready(ConnectionReason::Deleting));
    assert!(report(&step).verdict.as_ref().unwrap().message.contains("apps/maker"));
}

#[test]
fn only_steps_that_lead_to_a_write_at_datadog_wait_for_a_pause() {
    let rest = Report::unchanged(Retry::WhenWoken);
    for (step, writes) in [
        (Step::Rest(rest.clone()), false),
        (Step::AskForList(rest), false),
        (Step::LetGo, false),
        (Step::Claim(bare_claim()), true),
        (Step::Create(pair(), desired().types), true),
        (Step::Update(connection(), desired().types), true),
        (Step::Delete(connection(), let_through(&[1])), true),
    ] {
        assert_eq!(step.writes(), writes, "{step:?}");
    }
}

#[test]
fn what_is_said_is_written_with_its_conditions() {
    let step = next(&Scene { organization: Organization::Missing, ..parting() });
    let status = status::next(None, report(&step), 1, None, at(0)).unwrap();
    assert_eq!(find(&status.conditions, "Stalled").map(|condition| condition.reason.as_str()), Some("DeletionBlocked"));
}
