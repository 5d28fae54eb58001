use std::time::Duration;

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use super::super::{Error, Incomplete, Listing, Transport};
use super::{Answered, SOURCE, client, json as reply, pair, scripted, source, with_headers};

const DATE: &str = "Thu, 01 Jan 2026 10:00:00 GMT";

fn id(n: usize) -> String {
    format!("aaaaaaaa-0000-4000-8000-{n:012}")
}

fn row(n: usize) -> Value {
    row_between(n, SOURCE, &format!("22222222-0000-4000-8000-{n:012}"))
}

fn row_between(n: usize, source: &str, sink: &str) -> Value {
    json!({"type": "org_connection", "id": id(n),
        "attributes": {"created_at": "2025-01-02T03:04:05.678901+00:00", "connection_types": ["logs"]},
        "relationships": {
            "source_org": {"data": {"type": "orgs", "id": source, "name": "Source Org"}},
            "sink_org": {"data": {"type": "orgs", "id": sink, "name": "Sink Org"}}}})
}

fn rows(range: std::ops::Range<usize>) -> Vec<Value> {
    range.map(row).collect()
}

fn page(rows: &[Value], told: usize) -> Answered {
    let body = json!({"data": rows, "meta": {"page": {"total_count": told, "total_filtered_count": told}}});
    with_headers(200, &[("date", DATE)], &body.to_string())
}

fn page_without_count(rows: &[Value]) -> Answered {
    with_headers(200, &[("date", DATE)], &json!({"data": rows}).to_string())
}

fn offset(request: &Request<Bytes>) -> usize {
    request.uri().query().unwrap().rsplit('=').next().unwrap().parse().unwrap()
}

/// A server that has these rows and gives at most `most` at once.
fn slice(all: &[Value], request: &Request<Bytes>, most: usize) -> Vec<Value> {
    all.iter().skip(offset(request)).take(most).cloned().collect()
}

async fn list(answer: impl Fn(usize, &Request<Bytes>) -> Answered + Send + Sync + 'static) -> Listing {
    scripted(answer).0.list(source()).await.unwrap()
}

/// The doubt about a list of one page.
async fn doubt(rows: Vec<Value>, told: usize) -> Incomplete {
    let listing = list(move |_, request| if offset(request) == 0 { page(&rows, told) } else { page(&[], told) }).await;
    assert!(!listing.proves_absence());
    listing.complete.unwrap_err()
}

#[tokio::test]
async fn the_recorded_empty_list_is_complete() {
    let empty = "{\"data\":[],\"meta\":{\"page\":{\"total_count\":0,\"total_filtered_count\":0}}}\n";
    let (client, sent) = scripted(move |_, _| with_headers(200, &[("date", DATE)], empty));
    let listing = client.list(source()).await.unwrap();
    assert!(listing.connections.is_empty() && listing.proves_absence());
    assert_eq!(sent.queries(), ["limit=1000&offset=0"]);
    assert_eq!(sent.last().uri().path(), "/api/v2/org_connections");
}

#[tokio::test]
async fn a_list_tells_of_its_creators_only_whether_they_are_service_accounts() {
    let mut with_creator = row(1);
    with_creator["relationships"]["created_by"] = json!({"data": {"type": "users", "id": super::USER, "name": "Jane Doe"}});
    let body = json!({"data": [with_creator], "meta": {"page": {"total_filtered_count": 1}}, "included": [
        {"type": "orgs", "id": SOURCE, "attributes": {"public_id": "abc", "name": "Source Org", "description": null}},
        {"type": "users", "id": super::USER, "attributes": {"name": "Jane Doe", "email": "jane@example.com", "service_account": true}}]});
    let listing = list(move |_, _| reply(200, &body.to_string())).await;
    assert_eq!(listing.connections[0].created_by.unwrap().service_account, Some(true));
    let shown = format!("{listing:?}");
    assert!(!shown.contains("Jane") && !shown.contains("example.com"));
}

#[tokio::test]
async fn every_page_is_read_and_a_second_pass_confirms_them() {
    let all = rows(0..2500);
    let (client, sent) = scripted(move |_, request| page(&slice(&all, request, 1000), 2500));
    let listing = client.list(source()).await.unwrap();
    assert_eq!((listing.connections.len(), listing.complete), (2500, Ok(())));
    let offsets = ["limit=1000&offset=0", "limit=1000&offset=1000", "limit=1000&offset=2000"];
    assert_eq!(sent.queries(), [offsets, offsets].concat());
}

#[tokio::test]
async fn a_server_that_gives_fewer_rows_than_asked_for_is_asked_on() {
    let all = rows(0..250);
    let listing = list(move |_, request| page(&slice(&all, request, 100), 250)).await;
    assert_eq!((listing.connections.len(), listing.complete), (250, Ok(())));
}

#[tokio::test]
async fn a_full_last_page_needs_no_empty_one_after_it() {
    let all = rows(0..1000);
    let (client, sent) = scripted(move |_, request| page(&slice(&all, request, 1000), 1000));
    assert_eq!(client.list(source()).await.unwrap().complete, Ok(()));
    assert_eq!(sent.count(), 1);
}

#[tokio::test]
async fn without_a_count_two_lists_have_to_agree() {
    let (client, sent) = scripted(|_, _| page_without_count(&rows(0..3)));
    assert_eq!(client.list(source()).await.unwrap().complete, Ok(()));
    assert_eq!(sent.count(), 2);

    let listing = list(|n, _| page_without_count(&rows(0..3 + n))).await;
    assert_eq!((listing.connections.len(), listing.complete), (3, Err(Incomplete::NotRepeatable)));
}

/// Whether the second of two lists, of these rows, is complete where these were expected.
async fn confirmed(
    first: std::ops::Range<usize>,
    second: std::ops::Range<usize>,
    expected: std::ops::Range<usize>,
) -> Result<(), Incomplete> {
    let showing = async |rows: std::ops::Range<usize>| list(move |_, _| page(&self::rows(rows.clone()), rows.len())).await;
    let expected = showing(expected).await.pairs();
    showing(second).await.confirming(&showing(first).await, &expected).complete
}

#[tokio::test]
async fn a_second_list_confirms_the_first_if_it_lacks_just_the_same_of_what_was_expected_or_nothing() {
    assert_eq!(confirmed(1..3, 1..3, 0..3).await, Ok(()));
    assert_eq!(confirmed(1..3, 0..4, 0..3).await, Ok(()), "nothing is missing any more, and another has appeared");
    assert_eq!(confirmed(1..3, 1..4, 0..3).await, Ok(()), "another has appeared");
    assert_eq!(confirmed(1..3, 1..2, 0..3).await, Err(Incomplete::NotRepeatable), "one more is missing, for the first time");
    assert_eq!(confirmed(2..3, 1..3, 0..3).await, Err(Incomplete::NotRepeatable), "the first list was wrong");
    let short = list(|_, _| page(&rows(1..3), 3)).await;
    assert_eq!(short.clone().confirming(&short, &short.pairs()).complete, short.complete, "an incomplete list stays incomplete");
}

#[tokio::test]
async fn a_second_list_confirms_the_first_although_a_connection_has_changed_in_between() {
    let first = list(|_, _| page(&rows(0..2), 2)).await;
    let mut second = first.clone();
    second.connections[0].types = ["audit"].into_iter().collect();
    assert_ne!(first.connections, second.connections);
    let expected = first.pairs();
    assert_eq!(second.confirming(&first, &expected).complete, Ok(()));
}

#[tokio::test]
async fn without_a_count_the_last_page_is_a_short_one() {
    let all = rows(0..2000);
    let (client, sent) = scripted(move |_, request| page_without_count(&slice(&all, request, 1000)));
    assert_eq!(client.list(source()).await.unwrap().connections.len(), 2000);
    assert_eq!(sent.queries()[..3], ["limit=1000&offset=0", "limit=1000&offset=1000", "limit=1000&offset=2000"]);
}

#[tokio::test]
async fn an_absurd_count_counts_as_none() {
    for absurd in [json!(-1), json!("3"), json!(null), json!(3.5)] {
        let body = json!({"data": rows(0..3), "meta": {"page": {"total_filtered_count": absurd}}}).to_string();
        let (client, sent) = scripted(move |_, _| reply(200, &body));
        assert_eq!(client.list(source()).await.unwrap().complete, Ok(()));
        assert_eq!(sent.count(), 2, "{absurd}");
    }
}

#[tokio::test]
async fn a_count_on_some_pages_only_is_doubtful() {
    let all = rows(0..1500);
    let listing = list(move |_, request| {
        let rows = slice(&all, request, 1000);
        if offset(request) == 0 { page(&rows, 1500) } else { page_without_count(&rows) }
    });
    assert_eq!(listing.await.complete, Err(Incomplete::CountMissing));
}

#[tokio::test]
async fn a_count_that_differs_from_the_rows_is_doubtful_but_the_rows_are_there() {
    assert_eq!(doubt(rows(0..2), 3).await, Incomplete::CountMismatch { told: 3, listed: 2 });
    assert_eq!(doubt(rows(0..3), 2).await, Incomplete::CountMismatch { told: 2, listed: 3 });
    assert_eq!(doubt(Vec::new(), 1).await, Incomplete::CountMismatch { told: 1, listed: 0 });
    let listing = list(|_, request| page(&slice(&rows(0..2), request, 1000), 3)).await;
    assert_eq!(listing.connections.len(), 2);
}

#[tokio::test]
async fn a_count_that_changes_between_pages_is_doubtful() {
    let listing = list(|_, request| if offset(request) == 0 { page(&rows(0..1000), 1500) } else { page(&rows(1000..1499), 1499) }).await;
    assert_eq!(listing.complete, Err(Incomplete::CountMismatch { told: 1500, listed: 1499 }));
}

/// Between the two pages a row of the first went and a new one came at the end: the counts agree and row 1000 was never seen.
#[tokio::test]
async fn rows_that_shift_between_pages_while_the_count_stays_are_found_out() {
    let (before, mut after) = (rows(0..1500), rows(1..1500));
    after.push(row(9999));
    let listing = list(move |n, request| page(&slice(if n == 0 { &before } else { &after }, request, 1000), 1500)).await;
    assert_eq!(listing.connections.len(), 1500);
    assert_eq!(listing.complete, Err(Incomplete::NotRepeatable));
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_doubtful_and_the_others_are_there() {
    let mut torn = row(1);
    torn["relationships"]["sink_org"] = json!({});
    let torn_rows = vec![row(0), torn, row(2)];
    assert_eq!(doubt(torn_rows.clone(), 3).await, Incomplete::RowsUnreadable(1));
    assert_eq!(list(move |_, _| page(&torn_rows, 3)).await.connections.len(), 2);
}

#[tokio::test]
async fn a_row_of_somebody_else_is_doubtful_and_left_out() {
    let foreign = row_between(1, "55555555-0000-4000-8000-000000000005", "66666666-0000-4000-8000-000000000006");
    assert_eq!(doubt(vec![row(0), foreign], 2).await, Incomplete::ForeignRows(1));
}

#[tokio::test]
async fn a_row_with_the_organization_as_sink_is_its_own() {
    let incoming = row_between(1, "55555555-0000-4000-8000-000000000005", SOURCE);
    let listing = list(move |_, _| page(&[row(0), incoming.clone()], 2)).await;
    assert_eq!((listing.connections.len(), listing.complete), (2, Ok(())));
}

#[tokio::test]
async fn a_connection_or_a_pair_listed_twice_is_doubtful() {
    assert_eq!(doubt(vec![row(0), row(0)], 2).await, Incomplete::RepeatedConnection(id(0).parse().unwrap()));
    let sink = pair().sink.to_string();
    let twice = vec![row_between(0, SOURCE, &sink), row_between(1, SOURCE, &sink)];
    assert_eq!(doubt(twice, 2).await, Incomplete::RepeatedPair(pair()));
}

#[tokio::test]
async fn a_server_that_ignores_the_offset_is_not_asked_for_ever() {
    let (client, sent) = scripted(|_, _| page(&rows(0..10), 5000));
    let listing = client.list(source()).await.unwrap();
    assert!(matches!(listing.complete, Err(Incomplete::RepeatedConnection(_))));
    assert_eq!(sent.count(), 2);
}

#[tokio::test]
async fn a_list_without_end_is_cut_off() {
    let (client, sent) = scripted(|n, _| page(&[row(n)], usize::MAX));
    assert_eq!(client.list(source()).await.unwrap().complete, Err(Incomplete::Endless));
    assert_eq!(sent.count(), 100);
}

#[tokio::test]
async fn a_page_that_does_not_come_leaves_no_list() {
    let (client, _) = scripted(|_, request| if offset(request) == 0 { page(&rows(0..1000), 1500) } else { reply(502, "") });
    assert!(matches!(client.list(source()).await, Err(Error::ServerError { .. })));
    for wrong in ["", "<html></html>", "{\"data\":[", "{}", "[]", "{\"data\":null}", "{\"data\":{}}"] {
        let (client, _) = scripted(move |_, _| reply(200, wrong));
        assert!(matches!(client.list(source()).await, Err(Error::Unreadable { .. })), "{wrong}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_began_when_its_first_page_was_asked_for_and_rather_earlier_than_later() {
    let slow = Transport::new(tower::service_fn(|_| async {
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        page(&[], 0)
    }));
    let listing = client(slow, "https://api.datadoghq.eu").list(source()).await.unwrap();
    assert_eq!(listing.began, Some("2026-01-01T09:59:58Z".parse().unwrap()));
}

#[tokio::test]
async fn a_list_without_a_date_proves_no_absence() {
    let listing = list(|_, _| reply(200, r#"{"data":[],"meta":{"page":{"total_filtered_count":0}}}"#)).await;
    assert_eq!((listing.complete.clone(), listing.began), (Ok(()), None));
    assert!(!listing.proves_absence());
}
