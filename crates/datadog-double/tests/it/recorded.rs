//! One test per row of the recordings: status, content type and body, byte for byte.

use datadog_double::{CENTRAL, PAYMENTS};
use uuid::Uuid;

use crate::client::{Ask, CONNECTIONS, created, delete, gunzip, list, patch, post, start};

const NIL: Uuid = Uuid::nil();
const USER: &str = "11111111-0001-4000-8000-000000000001";
const TIME: &str = "2026-01-02T03:04:05.678901+00:00";

/// The object with names, as POST and GET show it.
fn named(id: &str, types: &str) -> String {
    format!(
        "{{\"type\":\"org_connection\",\"id\":\"{id}\",\"attributes\":{{\"created_at\":\"{TIME}\",\"connection_types\":{types}}},\
         \"relationships\":{{\"source_org\":{{\"data\":{{\"type\":\"orgs\",\"id\":\"{PAYMENTS}\",\"name\":\"Payments\"}}}},\
         \"sink_org\":{{\"data\":{{\"type\":\"orgs\",\"id\":\"{CENTRAL}\",\"name\":\"Central\"}}}},\
         \"created_by\":{{\"data\":{{\"type\":\"users\",\"id\":\"{USER}\",\"name\":\"Payments operator\"}}}}}}}}"
    )
}

/// The object without names, as PATCH shows it.
fn nameless(id: &str, types: &str) -> String {
    named(id, types)
        .replace(",\"name\":\"Payments\"", "")
        .replace(",\"name\":\"Central\"", "")
        .replace(",\"name\":\"Payments operator\"", "")
}

fn included() -> String {
    let organization = |id: Uuid, name: &str| {
        format!(
            "{{\"type\":\"orgs\",\"id\":\"{id}\",\"attributes\":{{\"public_id\":\"{id}\",\"name\":\"{name}\",\"description\":null,\
             \"sharing\":\"all_private\",\"url\":null,\"disabled\":false,\"created_at\":\"{TIME}\",\"modified_at\":null}}}}"
        )
    };
    let user = format!(
        "{{\"type\":\"users\",\"id\":\"{USER}\",\"attributes\":{{\"name\":\"Payments operator\",\"handle\":\"{USER}\",\
         \"created_at\":\"{TIME}\",\"modified_at\":\"{TIME}\",\"email\":\"{USER}@users.invalid\",\"icon\":\"https://users.invalid/avatar\",\
         \"title\":null,\"verified\":true,\"service_account\":true,\"disabled\":false,\"allowed_login_methods\":[],\"status\":\"Active\"}}}}"
    );
    format!("[{},{},{user}]", organization(PAYMENTS, "Payments"), organization(CENTRAL, "Central"))
}

fn listed(id: &str, types: &str) -> String {
    let meta = "{\"page\":{\"total_count\":1,\"total_filtered_count\":1}}";
    format!("{{\"data\":[{}],\"included\":{},\"meta\":{meta}}}\n", named(id, types), included())
}

const EMPTY: &str = "{\"data\":[],\"meta\":{\"page\":{\"total_count\":0,\"total_filtered_count\":0}}}\n";

#[tokio::test]
async fn a_create_answers_the_object_with_names_and_a_newline() {
    let running = start().await;
    let answer = post("[\"logs\"]", CENTRAL).with("payments").to(&running).await;
    let id = answer.json()["data"]["id"].as_str().unwrap().to_owned();
    answer.is(200, &format!("{{\"data\":{}}}\n", named(&id, "[\"logs\"]")));
    assert_eq!(Uuid::try_parse(&id).unwrap().get_version_num(), 4);
}

#[tokio::test]
async fn a_second_create_of_the_pair_is_a_conflict() {
    let running = start().await;
    created(&running).await;
    let answer = post("[\"logs\"]", CENTRAL).with("payments").to(&running).await;
    answer.is(409, &format!("{{\"errors\":[\"connection between orgs {PAYMENTS} and {CENTRAL} already exists\"]}}"));
}

#[tokio::test]
async fn a_create_with_a_type_twice_is_not_allowed() {
    let running = start().await;
    let answer = post("[\"logs\",\"logs\"]", CENTRAL).with("payments").to(&running).await;
    answer.is(400, &format!("{{\"errors\":[\"connection between orgs {PAYMENTS} and {CENTRAL} is not allowed\"]}}"));
    assert_eq!(running.double.state().connections, []);
}

#[tokio::test]
async fn a_create_with_a_sink_that_is_no_uuid_is_the_generic_not_found_with_a_newline() {
    let running = start().await;
    post("[\"logs\"]", "nonexistent-org-id").with("payments").to(&running).await.is(404, "{\"errors\":[\"Not found\"]}\n");
}

#[tokio::test]
async fn a_create_with_an_empty_sink_name_is_accepted() {
    let running = start().await;
    let body = format!(
        "{{\"data\":{{\"attributes\":{{\"connection_types\":[\"logs\"]}},\"relationships\":{{\"sink_org\":{{\"data\":{{\"id\":\"{CENTRAL}\",\
         \"name\":\"\",\"type\":\"orgs\"}}}}}},\"type\":\"org_connection\"}}}}"
    );
    let answer = Ask::new("POST", CONNECTIONS).body(body).with("payments").to(&running).await;
    let id = answer.json()["data"]["id"].as_str().unwrap().to_owned();
    answer.is(200, &format!("{{\"data\":{}}}\n", named(&id, "[\"logs\"]")));
}

#[tokio::test]
async fn a_list_of_nothing_has_counts_and_no_included() {
    let running = start().await;
    list().with("payments").to(&running).await.is(200, EMPTY);
}

#[tokio::test]
async fn a_list_by_sink_has_the_row_with_names_and_included_organizations_before_the_user() {
    let running = start().await;
    let id = created(&running).await;
    let target = format!("{CONNECTIONS}?sink_org_id={CENTRAL}");
    Ask::new("GET", &target).with("payments").to(&running).await.is(200, &listed(&id, "[\"logs\"]"));
    patch(&id, "[\"logs\",\"metrics\"]").with("payments").to(&running).await;
    Ask::new("GET", &target).with("payments").to(&running).await.is(200, &listed(&id, "[\"logs\",\"metrics\"]"));
    delete(&id).with("payments").to(&running).await;
    Ask::new("GET", &target).with("payments").to(&running).await.is(200, EMPTY);
}

#[tokio::test]
async fn an_update_answers_without_names_and_keeps_the_order_of_types() {
    let running = start().await;
    let id = created(&running).await;
    let answer = patch(&id, "[\"logs\",\"metrics\"]").with("payments").to(&running).await;
    answer.is(200, &format!("{{\"data\":{}}}\n", nameless(&id, "[\"logs\",\"metrics\"]")));
    let answer = patch(&id, "[\"metrics\",\"audit\",\"logs\"]").with("payments").to(&running).await;
    answer.is(200, &format!("{{\"data\":{}}}\n", nameless(&id, "[\"metrics\",\"audit\",\"logs\"]")));
}

#[tokio::test]
async fn an_update_with_a_type_twice_fails_the_validation() {
    let running = start().await;
    let id = created(&running).await;
    patch(&id, "[\"logs\",\"logs\"]").with("payments").to(&running).await.is(400, "{\"errors\":[\"Validation failed for input.\"]}");
}

#[tokio::test]
async fn an_update_of_an_unknown_id_is_not_found_with_a_capital_letter() {
    let running = start().await;
    created(&running).await;
    let body = format!("{{\"errors\":[\"Org connection with id:{NIL} not found not found\"]}}");
    patch(NIL, "[\"logs\",\"metrics\"]").with("payments").to(&running).await.is(404, &body);
}

#[tokio::test]
async fn a_delete_answers_an_empty_object_and_the_second_one_not_found() {
    let running = start().await;
    let id = created(&running).await;
    let answer = delete(&id).with("payments").header("Accept-Encoding: gzip").to(&running).await;
    answer.is(200, "{}\n");
    assert_eq!((answer.header("content-length"), answer.header("content-encoding")), (Some("3"), None));
    let body = format!("{{\"errors\":[\"org connection with id:{id} not found not found\"]}}");
    delete(&id).with("payments").to(&running).await.is(404, &body);
}

#[tokio::test]
async fn a_delete_of_an_unknown_id_is_not_found_with_a_small_letter() {
    let running = start().await;
    let body = format!("{{\"errors\":[\"org connection with id:{NIL} not found not found\"]}}");
    delete(NIL).with("payments").to(&running).await.is(404, &body);
}

#[tokio::test]
async fn a_delete_of_a_malformed_id_is_a_bad_request() {
    let running = start().await;
    delete("malformed_id").with("payments").to(&running).await.is(400, "{\"errors\":[\"connection id must be a valid uuid\"]}");
}

#[tokio::test]
async fn answers_are_chunked_and_compressed_when_asked_for() {
    let running = start().await;
    let id = created(&running).await;
    let plain = list().with("payments").to(&running).await;
    assert_eq!((plain.header("transfer-encoding"), plain.header("content-encoding")), (Some("chunked"), None));
    let compressed = list().with("payments").header("Accept-Encoding: gzip, deflate").to(&running).await;
    assert_eq!((compressed.header("transfer-encoding"), compressed.header("content-encoding")), (Some("chunked"), Some("gzip")));
    assert_eq!(gunzip(&compressed.body), listed(&id, "[\"logs\"]").into_bytes());
}

#[tokio::test]
async fn every_answer_carries_the_date_of_the_doubles_clock() {
    let running = start().await;
    for ask in [list(), list().with("payments"), delete(NIL).with("payments"), Ask::new("GET", "/nowhere")] {
        assert_eq!(ask.to(&running).await.header("date"), Some("Fri, 02 Jan 2026 03:04:05 GMT"));
    }
}
