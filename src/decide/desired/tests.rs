use super::*;
use crate::api::fields::{LocalRef, UuidText};
use crate::api::org_connection::DeletionPolicy;
use crate::decide::fixtures::{desired, org, sink, source};

fn sink_ref(name: &str) -> SinkOrg {
    SinkOrg { id: None, r#ref: Some(LocalRef { name: name.to_owned() }) }
}

fn sink_id(text: &str) -> SinkOrg {
    SinkOrg { id: Some(UuidText(text.to_owned())), r#ref: None }
}

fn spec(sink_org: SinkOrg, types: &[&str]) -> OrgConnectionSpec {
    OrgConnectionSpec {
        source_org_ref: LocalRef { name: "payments".to_owned() },
        sink_org,
        connection_types: types.iter().copied().map(str::to_owned).collect(),
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
    Desired::parse(&spec(sink, &["metrics", "logs", "logs"]), source, referenced, None)
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
fn a_sink_needs_exactly_one_of_id_and_reference() {
    let both = SinkOrg { id: Some(UuidText(org(2).to_string())), r#ref: Some(LocalRef { name: "central".to_owned() }) };
    for sink in [both, SinkOrg { id: None, r#ref: None }] {
        let error = parse(sink, &source_org(), &sink_org()).unwrap_err();
        assert_eq!(error, Invalid::Malformed("sinkOrg needs exactly one of id and ref".to_owned()));
    }
}

#[test]
fn a_sink_id_that_is_no_uuid_is_malformed() {
    let error = parse(sink_id("abc123"), &source_org(), &Referenced::Missing).unwrap_err();
    assert!(matches!(&error, Invalid::Malformed(text) if text.starts_with("sinkOrg.id: `abc123` is not a UUID")), "{error}");
}

#[test]
fn an_empty_list_of_types_is_malformed() {
    let error = Desired::parse(&spec(sink_ref("central"), &[]), &source_org(), &sink_org(), None).unwrap_err();
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
        assert_eq!(Desired::parse(&spec, &source_org(), &gone, Some(desired().pair)), Ok(desired()), "{gone:?}");
    }
    assert!(Desired::parse(&spec, &Referenced::Missing, &sink_org(), Some(desired().pair)).is_err(), "the source is who speaks");
}
