//! Why something is not ready, for the reasons that no other page of these tests meets: each by what causes it, and how it ends.

use crossorg::api::{DatadogOrg, OrgConnection};
use datadog_double::{CENTRAL, Counts, Fault, ListFault, PAYMENTS, Rule, SECURITY, When};
use uuid::Uuid;

use crate::harness::{Conditioned, OLD_ENOUGH, World, connection_id, payments};

const CONNECTIONS: &str = "/api/v2/org_connections";

async fn share(world: &World, sink: Uuid, types: &[&str]) {
    world.connection("shared").from("payments").to(sink).types(types).apply().await;
}

#[tokio::test]
async fn organizations_of_two_sites_are_not_connected() {
    let (world, _operator) = payments("reason-site").await;
    world.organization("central").on_site("datadoghq.com").apply().await;
    world.org_ready("central").await;
    world.connection("shared").from("payments").with_sink("central").types(&["logs"]).apply().await;
    let refused = world.reason("shared", "DifferentSite").await;
    assert!(refused.has("Stalled") && ["datadoghq.eu", "datadoghq.com"].iter().all(|site| refused.message().contains(site)));
    assert_eq!(world.counts().remote_writes(), (0, 0, 0));
}

#[tokio::test]
async fn a_reference_that_leads_elsewhere_moves_no_connection_and_the_object_still_deletes_its_own() {
    let (world, _operator) = payments("reason-pair").await;
    world.org("central").await;
    world.org_ready("central").await;
    world.connection("shared").from("payments").with_sink("central").types(&["logs"]).apply().await;
    let id = connection_id(&world.ready("shared").await);
    world.delete::<DatadogOrg>("central").await;
    world.gone::<DatadogOrg>("central").await;
    world.organization("central").with_key("security").apply().await;
    world.org_ready("central").await;

    let refused = world.reason("shared", "PairChanged").await;
    assert!(refused.has("Stalled"));
    assert!([CENTRAL, SECURITY].iter().all(|sink| refused.message().contains(&sink.to_string())), "{}", refused.message());
    assert_eq!(connection_id(&refused), id);
    assert_eq!((world.counts().remote_writes(), world.datadog.connection(PAYMENTS, SECURITY)), ((1, 0, 0), None));

    world.advance(std::time::Duration::from_secs(61));
    world.refresh("payments").await;
    world.delete::<OrgConnection>("shared").await;
    world.gone::<OrgConnection>("shared").await;
    assert_eq!((world.counts().remote_writes(), world.datadog.state().connections.len()), ((1, 0, 1), 0));
}

#[tokio::test]
async fn an_organization_of_another_account_is_refused_in_datadogs_words() {
    let (world, _operator) = payments("reason-account").await;
    share(&world, Uuid::from_u128(7), &["logs"]).await;
    let refused = world.reason("shared", "NotAllowed").await;
    assert!(refused.has("Stalled") && refused.message().contains("is not allowed"), "{}", refused.message());
    assert_eq!((world.counts().remote_writes(), world.datadog.state().connections.len()), ((1, 0, 0), 0));
}

#[tokio::test]
async fn what_datadog_does_not_take_is_said_in_its_words_until_it_is_corrected() {
    let (world, _operator) = payments("reason-types").await;
    share(&world, CENTRAL, &["smoke_signals"]).await;
    let refused = world.reason("shared", "NotAllowed").await;
    assert!(refused.has("Stalled") && refused.message().contains("400"), "{}", refused.message());
    assert_eq!(world.counts().remote_writes(), (1, 0, 0), "it is not asked again and again");
    share(&world, CENTRAL, &["logs"]).await;
    world.ready("shared").await;
}

#[tokio::test]
async fn a_sink_that_datadog_does_not_know_is_said_to_be_unknown() {
    let (world, _operator) = payments("reason-sink").await;
    world.datadog.script(Rule::new(Fault::status(When::Before, 404)).method("POST"));
    share(&world, CENTRAL, &["logs"]).await;
    assert!(world.reason("shared", "SinkUnknown").await.has("Stalled"));
    assert_eq!((world.counts().remote_writes(), world.datadog.state().connections.len()), ((1, 0, 0), 0));
}

#[tokio::test]
async fn a_used_up_budget_is_waited_for_and_then_the_work_is_done() {
    let (world, _operator) = payments("reason-throttled").await;
    let throttled = Fault::TooManyRequests { reset: Some("3".to_owned()), html: false };
    world.datadog.script(Rule::new(throttled).method("POST"));
    share(&world, CENTRAL, &["logs"]).await;
    let waiting = world.reason("shared", "Throttled").await;
    assert!(waiting.has("Reconciling") && !waiting.has("Stalled"), "{}", waiting.message());
    world.ready("shared").await;
    assert_eq!(world.counts().remote_writes(), (2, 0, 0));
}

#[tokio::test]
async fn a_call_that_failed_is_told_and_tried_again() {
    let (world, _operator) = payments("reason-retrying").await;
    world.datadog.script(Rule::new(Fault::status(When::Before, 503)).method("POST").times(2));
    share(&world, CENTRAL, &["logs"]).await;
    let waiting = world.reason("shared", "Retrying").await;
    assert!(waiting.has("Reconciling") && waiting.message().contains("503"), "{}", waiting.message());
    world.ready("shared").await;
    assert_eq!((world.counts().remote_writes(), world.datadog.violations().len()), ((3, 0, 0), 0));
}

#[tokio::test]
async fn nothing_is_created_on_a_list_that_admits_to_be_short() {
    let world = World::new("reason-inventory").await;
    world.datadog.create_as("Alice", PAYMENTS, SECURITY, &["audit"]).unwrap();
    let short = Fault::list(ListFault::Short { keep: 0, counts: Counts::Full });
    let rule = world.datadog.script(Rule::new(short).path(CONNECTIONS).always());
    world.organization("payments").poll_every("10s").apply().await;
    let _operator = world.operator().await;
    world.org_ready("payments").await;
    share(&world, CENTRAL, &["logs"]).await;
    let waiting = world.reason("shared", "InventoryUnavailable").await;
    assert!(waiting.has("Reconciling") && waiting.message().contains("1"), "{}", waiting.message());
    assert_eq!(world.counts().remote_writes(), (0, 0, 0));
    world.datadog.remove_rule(rule).unwrap();
    world.ready("shared").await;
}

#[tokio::test]
async fn an_organization_that_does_not_answer_or_has_no_budget_left_is_not_blamed_on_its_key() {
    for (name, fault, reason) in [
        ("reason-dead", Fault::status(When::Before, 502), "Unreachable"),
        ("reason-html", Fault::Html { when: When::Before, status: 200 }, "Unreachable"),
        ("reason-budget", Fault::TooManyRequests { reset: Some("2".to_owned()), html: false }, "Throttled"),
    ] {
        let world = World::new(name).await;
        world.datadog.script(Rule::new(fault));
        world.org("payments").await;
        let _operator = world.operator().await;
        let waiting = world.org_reason("payments", reason).await;
        assert!(waiting.has("Reconciling") && !waiting.has("Stalled"), "{}", waiting.message());
        world.org_ready("payments").await;
    }
}

/// Makes what goes on in `act` be refused for good, and says how that ends.
async fn retries_until(world: &World, rule: Rule, status: &str, act: impl AsyncFnOnce()) {
    let rule = world.datadog.script(rule.always());
    act().await;
    let waiting = world.reason("shared", "Retrying").await;
    assert!(waiting.has("Reconciling") && waiting.message().contains(status), "{}", waiting.message());
    world.datadog.remove_rule(rule).unwrap();
    world.look_again("shared").await;
}

#[tokio::test]
async fn an_answer_that_goes_on_contradicting_the_list_is_told() {
    let (world, _operator) = payments("reason-contradicted").await;
    let fails = |method, code| Rule::new(Fault::status(When::Before, code)).method(method);
    retries_until(&world, fails("POST", 409), "409", async || share(&world, CENTRAL, &["logs"]).await).await;
    world.ready("shared").await;
    retries_until(&world, fails("PATCH", 404), "404", async || share(&world, CENTRAL, &["metrics"]).await).await;
    world.ready("shared").await;
    world.advance(OLD_ENOUGH);
    let rule = world.datadog.script(fails("DELETE", 409).always());
    world.delete::<OrgConnection>("shared").await;
    let waiting = world.reason("shared", "Retrying").await;
    assert!(waiting.message().contains("409"), "{}", waiting.message());
    world.datadog.remove_rule(rule).unwrap();
    world.gone::<OrgConnection>("shared").await;
}
