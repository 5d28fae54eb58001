//! The rows of the table that depend on what the spec lets be done.

use super::*;

fn adoption(adoption: AdoptionPolicy) -> Policies {
    Policies { adoption, ..policies() }
}

fn reporting() -> Policies {
    Policies { external_deletion: ExternalDeletionPolicy::Report, ..policies() }
}

fn every_reason_to_only_look() -> [Policies; 3] {
    [
        Policies { management: ManagementPolicy::Observe, ..policies() },
        Policies { hold: Hold::Suspended, ..policies() },
        Policies { hold: Hold::ObserveOnly, ..policies() },
    ]
}

fn foreign() -> Connection {
    connection().made_by(stranger())
}

fn every_memory() -> [Memory; 6] {
    [Memory::default(), claimed(at(-1)), claimed(at(-1)).damaged(), adopting(id(1)), steady(), steady().damaged()]
}

/// Another object, which is being deleted, owns what is there and leaves it.
fn inheriting(policies: &Policies, connection: &Connection, memory: &Memory) -> Plan {
    let seen = present(connection.clone());
    let standing = &Standing::Free;
    plan(&Situation { desired: &desired(), seen: &seen, memory, standing, policies, inherits: true, asked: false, us: us(), now: at(0) })
}

fn adopts(connection: &Connection) -> Plan {
    Plan::Claim(Claim { adopt: Some(connection.id), ..bare_claim() })
}

fn refused(connection: &Connection) -> Plan {
    let difference = connection.types.difference(&desired().types);
    Plan::Refuse(Refusal::AlreadyExists { id: connection.id, difference })
}

#[test]
fn an_object_that_only_looks_claims_creates_changes_and_takes_over_nothing() {
    for policies in every_reason_to_only_look() {
        for policies in EVERY_ADOPTION.map(|adoption| Policies { adoption, ..policies }) {
            for (memory, seen) in every_memory().iter().flat_map(|memory| every_sight().into_iter().map(move |seen| (memory, seen))) {
                let expected = if let Seen::Unknown(doubt) = &seen { Plan::Wait(doubt.clone()) } else { Plan::Tell };
                assert_eq!(under(&policies, &seen, memory, &HOLDER), expected, "{policies:?} {seen:?} {memory:?}");
            }
        }
    }
}

#[test]
fn an_object_that_only_looks_still_says_that_its_pair_is_not_its_own() {
    for policies in every_reason_to_only_look() {
        let conflict = Plan::Refuse(Refusal::Conflict("apps/older".to_owned()));
        assert_eq!(under(&policies, &Seen::Absent, &Memory::default(), &rival()), conflict);
        let elsewhere = Memory { claim: Some(Claim { pair: other_pair(), ..bare_claim() }), ..Memory::default() };
        let changed = Plan::Refuse(Refusal::PairChanged { claimed: other_pair(), resolved: pair() });
        assert_eq!(under(&policies, &Seen::Absent, &elsewhere, &HOLDER), changed);
    }
}

#[test]
fn an_owned_connection_that_somebody_else_deleted_is_reported_and_not_created_again() {
    let vanished = Connection { id: id(2), ..connection() };
    let lost = Memory::default().recording(&vanished);
    for memory in [claimed(at(0)).recording(&vanished), steady().recording(&vanished), steady().recording(&vanished).damaged(), lost] {
        let expected = Plan::Refuse(Refusal::DeletedOutside(id(2)));
        assert_eq!(under(&reporting(), &Seen::Absent, &memory, &HOLDER), expected, "{memory:?}");
        assert!(matches!(planned(&Seen::Absent, &memory, &HOLDER), Plan::Claim(_) | Plan::Create), "Recreate: {memory:?}");
    }
}

#[test]
fn what_was_reported_as_deleted_is_created_again_when_a_person_asks() {
    let asking = |memory: &Memory| {
        let (policies, seen) = (&reporting(), &Seen::Absent);
        plan(&Situation {
            desired: &desired(),
            seen,
            memory,
            standing: &HOLDER,
            policies,
            inherits: false,
            asked: true,
            us: us(),
            now: at(0),
        })
    };
    assert_eq!(asking(&steady()), creating());
    assert_eq!(asking(&claimed(at(0)).recording(&connection())), Plan::Create);
}

#[test]
fn the_first_creation_is_no_matter_of_what_becomes_of_a_deleted_one() {
    assert_eq!(under(&reporting(), &Seen::Absent, &Memory::default(), &Standing::Free), creating());
    assert_eq!(under(&reporting(), &Seen::Absent, &claimed(at(0)), &HOLDER), Plan::Create);
    assert_eq!(under(&reporting(), &Seen::Absent, &claimed(at(-90)), &HOLDER), creating());
}

#[test]
fn a_deletion_outside_is_reported_only_of_a_connection_that_is_proved_gone() {
    assert_eq!(under(&reporting(), &unknown(), &steady(), &HOLDER), Plan::Wait(Doubt::NotListed));
    assert_eq!(under(&reporting(), &present(connection()), &steady(), &HOLDER), Plan::Keep);
}

#[test]
fn never_leaves_every_foreign_connection_alone() {
    for row in [foreign(), foreign().differing()] {
        for memory in [Memory::default(), claimed(at(-1)), adopting(id(1))] {
            assert_eq!(under(&adoption(AdoptionPolicy::Never), &present(row.clone()), &memory, &HOLDER), refused(&row), "{memory:?}");
        }
    }
}

#[test]
fn if_identical_takes_over_what_is_exactly_as_wanted_and_nothing_else() {
    let policies = adoption(AdoptionPolicy::IfIdentical);
    assert_eq!(under(&policies, &present(foreign()), &Memory::default(), &Standing::Free), adopts(&foreign()));
    for types in [&["audit", "logs"][..], &["logs"], &["audit", "logs", "metrics"]] {
        let differing = Connection { types: types.iter().copied().collect(), ..foreign() };
        for memory in [Memory::default(), adopting(id(1))] {
            assert_eq!(under(&policies, &present(differing.clone()), &memory, &HOLDER), refused(&differing), "{types:?} {memory:?}");
        }
    }
}

#[test]
fn always_takes_over_whatever_is_there_and_changes_it_only_once_it_is_recorded() {
    let policies = adoption(AdoptionPolicy::Always);
    for row in [foreign(), foreign().differing()] {
        assert_eq!(under(&policies, &present(row.clone()), &Memory::default(), &Standing::Free), adopts(&row));
        assert_eq!(under(&policies, &present(row.clone()), &adopting(id(1)), &HOLDER), Plan::Record(id(1)));
    }
    let recorded = adopting(id(1)).recording(&foreign());
    assert_eq!(under(&policies, &present(foreign().differing()), &recorded, &HOLDER), Plan::Update(id(1)));
    assert_eq!(under(&policies, &present(foreign()), &recorded, &HOLDER), Plan::Keep);
}

#[test]
fn what_was_taken_over_stays_owned_whatever_the_policy_becomes() {
    let recorded = adopting(id(1)).recording(&foreign());
    assert_eq!(under(&adoption(AdoptionPolicy::Never), &present(foreign()), &recorded, &HOLDER), Plan::Keep);
    assert_eq!(under(&adoption(AdoptionPolicy::Never), &present(foreign().differing()), &recorded, &HOLDER), Plan::Update(id(1)));
}

#[test]
fn an_id_is_recorded_only_under_an_intact_claim_of_that_very_connection() {
    let policies = adoption(AdoptionPolicy::Always);
    let create = claimed(at(-1)).claim.unwrap();
    let another = Connection { id: id(2), ..foreign() };
    for (memory, claim) in [
        (adopting(id(1)).damaged(), Claim { adopt: Some(id(1)), ..bare_claim() }),
        (adopting(another.id), Claim { adopt: Some(id(1)), ..bare_claim() }),
        (claimed(at(-1)), Claim { adopt: Some(id(1)), ..create }),
        (claimed(at(-1)).recording(&another), Claim { adopt: Some(id(1)), ..create }),
        (Memory::default().recording(&another), Claim { adopt: Some(id(1)), ..bare_claim() }),
    ] {
        assert_eq!(under(&policies, &present(foreign()), &memory, &HOLDER), Plan::Claim(claim), "{memory:?}");
    }
}

#[test]
fn a_successor_takes_over_what_a_terminating_object_owns_whatever_its_adoption_policy() {
    for policies in EVERY_ADOPTION.map(adoption) {
        for row in [connection(), connection().differing(), foreign(), foreign().differing()] {
            assert_eq!(inheriting(&policies, &row, &Memory::default()), adopts(&row), "{policies:?}");
            assert_eq!(inheriting(&policies, &row, &adopting(id(1))), Plan::Record(id(1)), "{policies:?}");
        }
    }
}

#[test]
fn a_successor_that_only_looks_takes_nothing_over() {
    for policies in every_reason_to_only_look() {
        for memory in [Memory::default(), adopting(id(1))] {
            assert_eq!(inheriting(&policies, &connection(), &memory), Plan::Tell, "{policies:?}");
        }
    }
}

#[test]
fn what_is_owned_already_is_not_taken_over_again() {
    for (row, expected) in [(connection(), Plan::Keep), (connection().differing(), Plan::Update(id(1)))] {
        assert_eq!(inheriting(&adoption(AdoptionPolicy::Always), &row, &steady()), expected);
    }
}

#[test]
fn a_process_that_only_looks_says_so_before_the_spec_does() {
    let spec = |suspend: bool| {
        let spec = serde_json::json!({
            "sourceOrgRef": {"name": "payments"}, "sinkOrg": {"name": "central"}, "connectionTypes": ["logs"], "suspend": suspend,
        });
        serde_json::from_value::<OrgConnectionSpec>(spec).unwrap()
    };
    for (suspend, observe_only, hold) in
        [(false, false, Hold::No), (true, false, Hold::Suspended), (false, true, Hold::ObserveOnly), (true, true, Hold::ObserveOnly)]
    {
        assert_eq!(Policies::of(&spec(suspend), observe_only), Policies { hold, ..policies() }, "all else is the default");
    }
}

#[test]
fn every_policy_of_a_spec_counts() {
    let spec = serde_json::json!({
        "sourceOrgRef": {"name": "payments"}, "sinkOrg": {"name": "central"}, "connectionTypes": ["logs"], "managementPolicy": "Observe",
        "adoptionPolicy": "IfIdentical", "externalDeletionPolicy": "Report", "deletionPolicy": "Orphan",
    });
    let expected = Policies {
        management: ManagementPolicy::Observe,
        adoption: AdoptionPolicy::IfIdentical,
        external_deletion: ExternalDeletionPolicy::Report,
        deletion: DeletionPolicy::Orphan,
        hold: Hold::No,
    };
    assert_eq!(Policies::of(&serde_json::from_value(spec).unwrap(), false), expected);
}

#[test]
fn a_connection_is_left_behind_by_the_policies_that_say_so() {
    for policies in every_policies() {
        let expected = policies.deletion == DeletionPolicy::Orphan || policies.management == ManagementPolicy::Observe;
        assert_eq!(policies.leave_it(), expected, "{policies:?}");
    }
}
