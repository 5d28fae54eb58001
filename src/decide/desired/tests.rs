use super::*;
use crate::api::fields::{LocalRef, UuidText};
use crate::api::org_connection::{AdoptionPolicy, DeletionPolicy, ExternalDeletionPolicy, ManagementPolicy};
use crate::decide::fixtures::{desired, org, other_pair, pair, sink, source};

fn sink_ref(name: &str) -> SinkOrg {
    SinkOrg { id: None, name: None, r#ref: Some(LocalRef { name: name.to_owned() }) }
}

fn sink_id(text: &str) -> SinkOrg {
    SinkOrg { id: Some(UuidText(text.to_owned())), name: None, r#ref: None }
}

fn sink_name(name: &str) -> SinkOrg {
    SinkOrg { id: None, name: Some(name.to_owned()), r#ref: None }
}

fn spec(sink_org: SinkOrg, types: &[&str]) -> OrgConnectionSpec {
    OrgConnectionSpec {
        source_org_ref: LocalRef { name: "payments".to_owned() },
        sink_org,
        connection_types: types.iter().copied().map(str::to_owned).collect(),
        management_policy: ManagementPolicy::Full,
        adoption_policy: AdoptionPolicy::Never,
        external_deletion_policy: ExternalDeletionPolicy::Recreate,
        suspend: false,
        deletion_policy: DeletionPolicy::Delete,
    }
}

fn source_org() -> Referenced {
    Referenced::Proven(source(), Site::Eu1)
}

fn sink_org() -> Referenced {
    Referenced::Proven(sink(), Site::Eu1)
}

fn unproven() -> Referenced {
    Referenced::Unproven("the Secret does not exist".to_owned())
}

fn parse(sink: SinkOrg, source: &Referenced, referenced: &Referenced) -> Result<Desired, Invalid> {
    Desired::parse(&spec(sink, &["metrics", "logs", "logs"]), source, referenced, &Names::NotAsked, None)
}

/// A sink named `central`, given these names of organizations.
fn by_name(names: &Names, bound: Option<Pair>) -> Result<Desired, Invalid> {
    Desired::parse(&spec(sink_name("central"), &["logs", "metrics"]), &source_org(), &Referenced::Missing, names, bound)
}

fn known(names: &[(u8, &str)]) -> Names {
    Names::Known(names.iter().map(|(number, name)| Organization { id: org(*number), name: (*name).to_owned() }).collect())
}

fn unknown_sink(names: &Names) -> String {
    let Err(Invalid::SinkUnknown { name, what }) = by_name(names, None) else { panic!("the sink is known") };
    assert_eq!(name, "central");
    what
}

#[test]
fn a_sink_by_id_and_a_sink_by_reference_want_the_same() {
    assert_eq!(parse(sink_ref("central"), &source_org(), &sink_org()), Ok(desired()));
    assert_eq!(parse(sink_id(&sink().id.to_string()), &source_org(), &Referenced::Missing), Ok(desired()), "no reference is looked at");
}

#[test]
fn a_reference_that_leads_nowhere_is_named() {
    let missing = |role, name: &str| Err(Invalid::OrgMissing { role, name: name.to_owned() });
    assert_eq!(parse(sink_ref("central"), &Referenced::Missing, &sink_org()), missing("sourceOrgRef", "payments"));
    assert_eq!(parse(sink_ref("central"), &source_org(), &Referenced::Missing), missing("sinkOrg.ref", "central"));
}

#[test]
fn an_organization_that_is_not_proven_says_how_it_stands() {
    let waiting =
        |role, name: &str| Err(Invalid::OrgUnproven { role, name: name.to_owned(), state: "the Secret does not exist".to_owned() });
    assert_eq!(parse(sink_ref("central"), &unproven(), &sink_org()), waiting("sourceOrgRef", "payments"));
    assert_eq!(parse(sink_ref("central"), &source_org(), &unproven()), waiting("sinkOrg.ref", "central"));
}

#[test]
fn organizations_of_two_sites_cannot_be_connected() {
    let elsewhere = Referenced::Proven(sink(), Site::Us1);
    let expected = Invalid::DifferentSite { source_site: "datadoghq.eu", sink: "central".to_owned(), sink_site: "datadoghq.com" };
    assert_eq!(parse(sink_ref("central"), &source_org(), &elsewhere), Err(expected));
}

#[test]
fn an_organization_cannot_share_with_itself() {
    let same = Err(Invalid::SameOrganization(source().id));
    assert_eq!(parse(sink_ref("twin"), &source_org(), &source_org()), same);
    assert_eq!(parse(sink_id(&source().id.to_string()), &source_org(), &Referenced::Missing), same);
}

#[test]
fn a_sink_needs_exactly_one_of_id_name_and_reference() {
    let (id, name, r#ref) = (sink_id(&org(2).to_string()).id, sink_name("central").name, sink_ref("central").r#ref);
    for (id, name, r#ref) in [
        (None, None, None),
        (id.clone(), name.clone(), None),
        (id.clone(), None, r#ref.clone()),
        (None, name.clone(), r#ref.clone()),
        (id, name, r#ref),
    ] {
        let sink = SinkOrg { id, name, r#ref };
        for bound in [None, Some(pair())] {
            let spec = spec(sink.clone(), &["logs"]);
            let error = Desired::parse(&spec, &source_org(), &sink_org(), &known(&[(2, "central")]), bound).unwrap_err();
            assert_eq!(error, Invalid::Malformed("sinkOrg needs exactly one of id, name and ref".to_owned()), "{sink:?}");
        }
    }
}

#[test]
fn a_sink_id_that_is_no_uuid_is_malformed() {
    let error = parse(sink_id("abc123"), &source_org(), &Referenced::Missing).unwrap_err();
    assert!(matches!(&error, Invalid::Malformed(text) if text.starts_with("sinkOrg.id: `abc123` is not a UUID")), "{error}");
}

#[test]
fn an_empty_list_of_types_is_malformed() {
    let error = Desired::parse(&spec(sink_ref("central"), &[]), &source_org(), &sink_org(), &Names::NotAsked, None).unwrap_err();
    assert_eq!(error, Invalid::Malformed("connectionTypes names no type".to_owned()));
}

#[test]
fn every_message_names_what_it_is_about() {
    for (sink, source, referenced, named) in [
        (sink_ref("central"), Referenced::Missing, sink_org(), "payments"),
        (sink_ref("central"), source_org(), Referenced::Missing, "central"),
        (sink_ref("central"), unproven(), sink_org(), "the Secret does not exist"),
        (sink_ref("central"), source_org(), Referenced::Proven(sink(), Site::Us1), "datadoghq.com"),
        (sink_ref("twin"), source_org(), source_org(), "11111111-0000-4000-8000-000000000001"),
        (sink_id("abc"), source_org(), Referenced::Missing, "sinkOrg.id"),
    ] {
        let message = parse(sink, &source, &referenced).unwrap_err().to_string();
        assert!(message.contains(named), "{message}");
    }
}

#[test]
fn a_claimed_pair_outlives_the_datadog_org_that_its_sink_was_named_by() {
    let spec = spec(sink_ref("central"), &["logs", "metrics"]);
    for gone in [Referenced::Missing, unproven()] {
        assert_eq!(Desired::parse(&spec, &source_org(), &gone, &Names::NotAsked, Some(pair())), Ok(desired()), "{gone:?}");
    }
    let sourceless = Desired::parse(&spec, &Referenced::Missing, &sink_org(), &Names::NotAsked, Some(pair()));
    assert!(sourceless.is_err(), "the source is who speaks");
}

#[test]
fn a_reference_that_proves_another_organization_is_followed_whatever_is_bound() {
    let spec = spec(sink_ref("central"), &["logs"]);
    let elsewhere = Referenced::Proven(Organization { id: org(5), name: "central".to_owned() }, Site::Eu1);
    let wanted = Desired::parse(&spec, &source_org(), &elsewhere, &Names::NotAsked, Some(pair())).unwrap();
    assert_eq!(wanted.pair, Pair { source: source().id, sink: org(5) });
}

#[test]
fn a_sink_by_name_is_the_one_organization_of_that_name() {
    assert_eq!(by_name(&known(&[(5, "other"), (2, "central"), (6, "Central")]), None), Ok(desired()));
}

#[test]
fn a_sink_by_name_waits_until_the_names_have_been_asked_for() {
    assert_eq!(by_name(&Names::NotAsked, None), Err(Invalid::NameNotLookedUp("central".to_owned())));
}

#[test]
fn names_that_cannot_be_had_say_why() {
    for refused in [false, true] {
        let why = "it takes the permission org_management".to_owned();
        let error = by_name(&Names::Unavailable { why: why.clone(), refused }, None).unwrap_err();
        assert!(error.to_string().contains(&why) && error.to_string().contains("by its id"), "{error}");
        assert_eq!(error, Invalid::NamesUnavailable { name: "central".to_owned(), why, refused });
    }
}

#[test]
fn a_name_that_nobody_has_is_answered_with_those_that_there_are() {
    let what = unknown_sink(&known(&[(6, "payments"), (5, "Central")]));
    assert!(what.contains("no organization") && what.contains("it sees: Central, payments)"), "{what}");
    let many: Vec<_> = ["k", "j", "i", "h", "g", "f", "e", "d", "c", "b", "a"].map(|name| (5, name)).to_vec();
    let what = unknown_sink(&known(&many));
    assert!(what.contains("it sees: a, b, c, d, e, f, g, h, i, j, …)"), "sorted, and no more than fit: {what}");
    assert!(!unknown_sink(&known(&many[..10])).contains('…'));
    assert!(unknown_sink(&known(&[])).contains("no organization"));
}

#[test]
fn a_name_that_several_have_is_answered_with_their_ids() {
    let what = unknown_sink(&known(&[(2, "central"), (4, "other"), (5, "central")]));
    assert!(what.contains("2 organizations") && what.contains("by its id"), "{what}");
    assert!(what.contains(&org(2).to_string()) && what.contains(&org(5).to_string()) && !what.contains(&org(4).to_string()), "{what}");
}

#[test]
fn a_recorded_connection_binds_the_name_whatever_it_leads_to_later() {
    let unavailable = Names::Unavailable { why: "no route".to_owned(), refused: false };
    for names in [Names::NotAsked, unavailable, known(&[]), known(&[(5, "central")]), known(&[(5, "central"), (6, "central")])] {
        assert_eq!(by_name(&names, Some(pair())), Ok(desired()), "{names:?}");
    }
}

#[test]
fn a_bound_name_under_another_source_is_another_pair() {
    let bound = other_pair();
    assert_eq!(by_name(&Names::NotAsked, Some(bound)).unwrap().pair, Pair { source: source().id, sink: bound.sink }, "the plan refuses it");
}

#[test]
fn an_organization_cannot_share_with_itself_by_name() {
    assert_eq!(by_name(&known(&[(1, "central")]), None), Err(Invalid::SameOrganization(source().id)));
}
