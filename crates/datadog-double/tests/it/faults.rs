//! Every kind of fault, as a client meets it.

use datadog_double::{CENTRAL, Counts, Fault, ListFault, OddShape, Outcome, PAYMENTS, Rule, Running, SECURITY, Scripted, Stale, When};
use serde_json::{Value, json};

use crate::client::{Answer, CONNECTIONS, DEADLINE, created, delete, list, patch, post, send_and_leave, start};

fn script(running: &Running, fault: Fault) -> u64 {
    running.double.script(Rule::new(fault).path(CONNECTIONS))
}

async fn listed(running: &Running) -> Answer {
    list().with("payments").to(running).await
}

fn ids(answer: &Answer) -> Vec<String> {
    answer.json()["data"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

/// Payments shares with both others; the ids in order.
fn two_connections(running: &Running) -> [String; 2] {
    [CENTRAL, SECURITY].map(|sink| running.double.create_as("Alice", PAYMENTS, sink, &["logs"]).unwrap().id.to_string())
}

fn exists(running: &Running) -> bool {
    running.double.connection(PAYMENTS, CENTRAL).is_some()
}

#[tokio::test]
async fn a_scripted_answer_before_the_effect_prevents_it_and_after_it_hides_it() {
    let running = start().await;
    for (when, effect) in [(When::Before, false), (When::After, true)] {
        script(&running, Fault::status(when, 503));
        post("[\"logs\"]", CENTRAL).with("payments").to(&running).await.is(503, "{\"errors\":[\"scripted 503\"]}");
        assert_eq!(exists(&running), effect);
        assert_eq!(running.double.journal().last().unwrap().took_effect, effect);
    }
}

#[tokio::test]
async fn a_scripted_answer_has_its_own_type_headers_and_body() {
    let running = start().await;
    let headers = vec![("Location".to_owned(), "https://elsewhere.invalid/".to_owned())];
    let answer = Scripted { status: 307, content_type: "text/plain".to_owned(), headers, body: "gone".to_owned() };
    script(&running, Fault::Answer { when: When::Before, answer });
    let answer = listed(&running).await;
    assert_eq!((answer.status, answer.text().as_str()), (307, "gone"));
    assert_eq!((answer.header("content-type"), answer.header("location")), (Some("text/plain"), Some("https://elsewhere.invalid/")));
}

#[tokio::test]
async fn a_drop_closes_the_connection_without_a_byte_before_or_after_the_effect() {
    let running = start().await;
    for (when, effect) in [(When::Before, false), (When::After, true)] {
        script(&running, Fault::Drop { when });
        assert!(post("[\"logs\"]", CENTRAL).with("payments").maybe(&running).await.is_none());
        assert_eq!(exists(&running), effect);
        let last = running.double.journal().pop().unwrap();
        assert_eq!((last.outcome, last.took_effect), (Outcome::Dropped, effect));
    }
}

#[tokio::test]
async fn a_delay_postpones_the_effect_or_only_the_answer() {
    let running = start().await;
    for when in [When::Before, When::After] {
        script(&running, Fault::Delay { when, millis: 30 });
        assert_eq!(listed(&running).await.status, 200);
        let last = running.double.journal().pop().unwrap();
        assert!(last.ended_millis.unwrap() >= last.at_millis + 30);
    }
}

#[tokio::test]
async fn a_held_request_waits_for_its_release_on_the_side_it_is_held() {
    for (when, effect) in [(When::Before, false), (When::After, true)] {
        let running = start().await;
        let rule = script(&running, Fault::Hold { when });
        let client = post("[\"logs\"]", CENTRAL).with("payments").to(&running);
        let test = async {
            running.double.wait(DEADLINE, |journal| journal.iter().any(|entry| entry.held == Some(when))).await.unwrap();
            assert_eq!(exists(&running), effect);
            running.double.release(rule).unwrap();
        };
        let (answer, ()) = tokio::join!(client, test);
        assert_eq!((answer.status, exists(&running)), (200, true));
        assert_eq!(running.double.journal()[0].held, None);
    }
}

#[tokio::test]
async fn removing_a_rule_lets_go_what_it_holds() {
    let running = start().await;
    let rule = script(&running, Fault::Hold { when: When::Before });
    let test = async {
        running.double.wait(DEADLINE, |journal| journal.iter().any(|entry| entry.held.is_some())).await.unwrap();
        running.double.remove_rule(rule).unwrap();
    };
    let (answer, ()) = tokio::join!(listed(&running), test);
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_request_is_carried_out_though_its_client_has_gone() {
    let running = start().await;
    let rule = script(&running, Fault::Hold { when: When::Before });
    let arrived = async { running.double.wait(DEADLINE, |journal| !journal.is_empty()).await.unwrap() };
    send_and_leave(post("[\"logs\"]", CENTRAL).with("payments"), &running, arrived).await;
    running.double.release(rule).unwrap();
    running.double.wait_for_connections(DEADLINE, |connections| connections.len() == 1).await.unwrap();
    assert_eq!(running.double.journal().len(), 1);
}

#[tokio::test]
async fn a_truncated_body_breaks_off_after_its_bytes() {
    let running = start().await;
    script(&running, Fault::Truncate { keep: 10 });
    let answer = post("[\"logs\"]", CENTRAL).with("payments").to(&running).await;
    assert_eq!((answer.status, answer.body.as_slice(), answer.complete), (200, b"{\"data\":{\"".as_slice(), false));
    assert!(exists(&running));
}

#[tokio::test]
async fn a_truncated_delete_announces_more_than_it_sends() {
    let running = start().await;
    let id = created(&running).await;
    script(&running, Fault::Truncate { keep: 1 });
    let answer = delete(id).with("payments").to(&running).await;
    assert_eq!((answer.header("content-length"), answer.body.len(), answer.complete), (Some("3"), 1, false));
}

#[tokio::test]
async fn an_html_page_comes_with_any_status() {
    let running = start().await;
    for status in [200, 502] {
        script(&running, Fault::Html { when: When::Before, status });
        let answer = listed(&running).await;
        assert_eq!((answer.status, answer.header("content-type")), (status, Some("text/html; charset=utf-8")));
        assert!(answer.text().starts_with("<!DOCTYPE html>"));
    }
}

#[tokio::test]
async fn an_empty_body_keeps_the_status_and_the_effect() {
    let running = start().await;
    script(&running, Fault::EmptyBody);
    post("[\"logs\"]", CENTRAL).with("payments").to(&running).await.is(200, "");
    assert!(exists(&running));
}

#[tokio::test]
async fn a_wrong_gzip_says_gzip_and_is_none() {
    let running = start().await;
    script(&running, Fault::WrongGzip);
    let answer = list().with("payments").header("Accept-Encoding: gzip").to(&running).await;
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
    assert!(answer.body.starts_with(b"{\"data\""));
}

#[tokio::test]
async fn a_dripping_body_arrives_whole_at_last_and_a_huge_one_at_once() {
    let running = start().await;
    script(&running, Fault::Drip { millis: 1 });
    script(&running, Fault::Huge { bytes: 3_000_000 });
    listed(&running).await.is(200, "{\"data\":[],\"meta\":{\"page\":{\"total_count\":0,\"total_filtered_count\":0}}}\n");
    assert_eq!(listed(&running).await.body.len(), 3_000_000);
}

#[tokio::test]
async fn too_many_requests_come_with_headers_without_with_html_and_with_absurd_resets() {
    let running = start().await;
    let text = "{\"errors\": [\"Rate limit of 10 requests in 10 seconds reached. Please try again later.\"]}";
    for reset in ["3", "-5", "99999999999", "soon"] {
        script(&running, Fault::TooManyRequests { reset: Some(reset.to_owned()), html: false });
        let answer = listed(&running).await;
        answer.is(429, text);
        assert_eq!((answer.header("x-ratelimit-remaining"), answer.header("x-ratelimit-reset")), (Some("0"), Some(reset)));
    }
    script(&running, Fault::TooManyRequests { reset: None, html: false });
    let bare = listed(&running).await;
    bare.is(429, text);
    assert_eq!(bare.header("x-ratelimit-reset"), None);
    script(&running, Fault::TooManyRequests { reset: None, html: true });
    assert_eq!(listed(&running).await.header("content-type"), Some("text/html; charset=utf-8"));
}

#[tokio::test]
async fn an_empty_list_counts_nothing() {
    let running = start().await;
    two_connections(&running);
    script(&running, Fault::list(ListFault::Empty));
    listed(&running).await.is(200, "{\"data\":[],\"meta\":{\"page\":{\"total_count\":0,\"total_filtered_count\":0}}}\n");
}

#[tokio::test]
async fn a_short_list_contradicts_its_counts_or_lies_with_them() {
    let running = start().await;
    let [first, _] = two_connections(&running);
    for (claim, count) in [(Counts::Full, 2), (Counts::Reduced, 1)] {
        script(&running, Fault::list(ListFault::Short { keep: 1, counts: claim }));
        let answer = listed(&running).await;
        let page = json!({"total_count": count, "total_filtered_count": count});
        assert_eq!((ids(&answer), &answer.json()["meta"]["page"]), (vec![first.clone()], &page));
    }
}

#[tokio::test]
async fn a_list_can_lack_its_counts_and_change_its_order() {
    let running = start().await;
    let [first, second] = two_connections(&running);
    running.double.script(Rule::new(Fault::list(ListFault::WithoutMeta)).and(Fault::list(ListFault::Reversed)));
    let answer = listed(&running).await;
    assert_eq!((ids(&answer), answer.json().get("meta")), (vec![second, first], None));
}

#[tokio::test]
async fn an_odd_row_stands_among_good_ones() {
    let running = start().await;
    two_connections(&running);
    let row = async |shape| -> Value {
        script(&running, Fault::list(ListFault::Odd { row: 1, shape }));
        let answer = listed(&running).await.json();
        assert!(answer["data"][0]["relationships"]["sink_org"]["data"].is_object());
        answer["data"][1].clone()
    };
    assert_eq!(row(OddShape::WithoutRelationships).await.get("relationships"), None);
    assert_eq!(row(OddShape::WithoutData).await["relationships"]["sink_org"], json!({}));
    assert_eq!(row(OddShape::UnknownType).await["attributes"]["connection_types"], json!(["logs", "traces"]));
}

#[tokio::test]
async fn a_stale_list_misses_the_last_writes() {
    let running = start().await;
    let id = created(&running).await;
    patch(&id, "[\"audit\"]").with("payments").to(&running).await;
    delete(&id).with("payments").to(&running).await;
    let types = async |stale| {
        script(&running, Fault::stale(stale));
        listed(&running).await.json()["data"][0]["attributes"]["connection_types"].clone()
    };
    assert_eq!(types(Stale::Writes { count: 1 }).await, json!(["audit"]));
    assert_eq!(types(Stale::Writes { count: 2 }).await, json!(["logs"]));
    assert_eq!(types(Stale::Writes { count: 3 }).await, Value::Null);
    assert_eq!(types(Stale::Request { seq: 1 }).await, json!(["logs"]));
    assert_eq!(types(Stale::Request { seq: 2 }).await, json!(["audit"]));
}

#[tokio::test]
async fn lists_can_lag_by_a_number_of_lists() {
    let running = start().await;
    running.double.script(Rule::new(Fault::stale(Stale::Lists { count: 2 })).method("GET").always());
    created(&running).await;
    let mut rows = Vec::new();
    for _ in 0..3 {
        rows.push(ids(&listed(&running).await).len());
    }
    assert_eq!(rows, [0, 0, 1]);
}

#[tokio::test]
async fn the_answer_of_another_organization_is_its_own() {
    let running = start().await;
    created(&running).await;
    script(&running, Fault::OtherOrganization { organization: SECURITY });
    assert_eq!(ids(&listed(&running).await).len(), 0);
    assert_eq!(ids(&listed(&running).await).len(), 1);
}

#[tokio::test]
async fn a_rule_skips_counts_and_matches_organization_method_and_path() {
    let running = start().await;
    let rule = Rule::new(Fault::status(When::Before, 500)).organization(PAYMENTS).method("get").path(CONNECTIONS);
    running.double.script(rule.skip(1).times(2));
    let mut statuses = Vec::new();
    for who in ["payments", "central", "payments", "payments", "payments"] {
        statuses.push(list().with(who).to(&running).await.status);
    }
    assert_eq!(statuses, [200, 200, 500, 500, 200]);
    assert_eq!(running.double.journal()[2].rule, Some(1));
}

#[tokio::test]
async fn rules_are_used_up_one_after_the_other() {
    let running = start().await;
    script(&running, Fault::status(When::Before, 500));
    script(&running, Fault::status(When::Before, 502));
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(listed(&running).await.status);
    }
    assert_eq!(statuses, [500, 502, 200]);
}
