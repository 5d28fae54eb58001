//! No key is anywhere but in the request header: a day of work and of answers that repeat the key, with the most talkative log there is, and
//! then every log line, metric, event, spec and status searched for it in every form.

use std::net::TcpListener;

use crossorg::api::{DatadogOrg, OrgConnection, RECONCILE_REQUEST_ANNOTATION};
use datadog_double::{CENTRAL, Credential, Fault, Keys, PAYMENTS, READ, Rule, SECURITY, Scripted, User, WRITE, When};
use k8s_openapi::ByteString;
use k8s_openapi::api::events::v1::Event;
use kube::api::ListParams;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{Operator, World};

/// Keys as no text has them by chance, with the characters that each encoding changes.
const WORKING: [&str; 2] = ["Kq7+vW/x2Jz=rT%4bN~8mC&1pLd5sHy3", "gF9?uE/k0Xo+wQ=6aZ%iB~jV2tRn7cSy4hMd"];
const REFUSED: [&str; 2] = ["Zt3/nB+y8Qw=eK%1xV~5rJ&7fGp0uLc9", "hD2?sM/o6Ci+zR=4jT%qF~kW8bXa1vEn5yPg"];
const MISPLACED: [&str; 2] = ["Yc6+pS/d4Ug=mN%9hE~2tA&0wRk8xJf3", "bV5?iL/r1Zn+oX=7qG%yH~uK3eTc6aDj9sWm"];

/// How one form of a key is called, and how it reads.
type Form = (&'static str, String);

fn base64(bytes: &[u8]) -> String {
    let text = serde_json::to_value(ByteString(bytes.to_vec())).unwrap();
    text.as_str().unwrap().trim_end_matches('=').to_owned()
}

/// Every form in which a key could stand somewhere. Of base64 the middle, which is the same whatever stands before and after the key.
fn forms(key: &str) -> Vec<Form> {
    let half = key.len() / 2;
    let hex: String = key.bytes().map(|byte| format!("{byte:02x}")).collect();
    let percent = |byte: u8| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    let encoded: String = key.bytes().map(percent).collect();
    let mut forms = vec![
        ("as it is", key.to_owned()),
        ("its first half", key[..half].to_owned()),
        ("its second half", key[half..].to_owned()),
        ("upper hexadecimal", hex.to_uppercase()),
        ("lower percent encoding", encoded.to_lowercase()),
        ("hexadecimal", hex),
        ("percent encoding", encoded),
    ];
    for before in ["", "x", "xx"] {
        let whole = base64(format!("{before}{key}").as_bytes());
        let middle = whole[4..whole.len() - 4].to_owned();
        forms.push(("base64 for URLs", middle.replace('+', "-").replace('/', "_")));
        forms.push(("base64", middle));
    }
    forms
}

/// Where a key of these stands in a text, in which form.
fn leaks(text: &str, keys: &[&str]) -> Vec<&'static str> {
    let every_form = keys.iter().flat_map(|key| forms(key));
    every_form.filter(|(_, form)| text.contains(form.as_str())).map(|(name, _)| name).collect()
}

fn every_key() -> Vec<&'static str> {
    [WORKING, REFUSED, MISPLACED].concat()
}

#[test]
fn the_search_finds_a_key_that_is_planted_in_any_form() {
    for key in every_key() {
        for (name, form) in forms(key) {
            assert!(leaks(&format!("a line\nwith {form} in it"), &every_key()).contains(&name), "{name}");
        }
        let secret = json!({"text": base64(format!("{{\"api-key\":\"{key}\"}}").as_bytes())}).to_string();
        assert!(leaks(&secret, &every_key()).contains(&"base64"));
    }
    assert!(leaks("an ordinary line", &every_key()).is_empty());
}

/// An operator that says everything, with a working key for Payments and one for Central that is refused.
async fn talkative(world: &World) -> Operator {
    for (organization, id, keys) in [(PAYMENTS, "working", WORKING), (CENTRAL, "refused", REFUSED)] {
        let user = User { id: Uuid::new_v4(), name: id.to_owned(), service_account: true };
        let [api_key, app_key] = keys.map(str::to_owned);
        let permissions = [READ.to_owned(), WRITE.to_owned()].into();
        let known = Credential { id: id.to_owned(), keys: Keys::Pair { api_key, app_key }, user, permissions, enabled: true };
        world.datadog.add_credential(organization, known).unwrap();
    }
    world.datadog.revoke(CENTRAL, "refused").unwrap();
    world.secret("working", &[("api-key", WORKING[0]), ("app-key", WORKING[1])]).await;
    world.secret("refused", &[("api-key", REFUSED[0]), ("app-key", REFUSED[1])]).await;
    world.secret("misplaced", &[("api-key", MISPLACED[0]), ("bearer-token", MISPLACED[1])]).await;
    let operator = world.start_operator(&["--log", "trace", "--metrics-per-object"]).await;
    world.until("the operator is ready", async || operator.is_ready().await.then_some(())).await;
    operator
}

fn answer(status: u16, content_type: &str, headers: &[(&str, &str)], body: String) -> Scripted {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Scripted { status, content_type: content_type.to_owned(), headers, body }
}

/// Answers that repeat a key: in each form as a reason, and in bodies that are none.
fn odd_answers(keys: [&str; 2], elsewhere: &str) -> Vec<Scripted> {
    let reasons = keys.into_iter().flat_map(forms).map(|(_, form)| form).collect::<Vec<_>>();
    let statuses = [400, 403, 404, 409, 422, 500].into_iter().cycle();
    let json = |status, body: Value| answer(status, "application/json", &[], body.to_string());
    let mut answers: Vec<_> = reasons.chunks(4).zip(statuses).map(|(some, status)| json(status, json!({"errors": some}))).collect();
    let [api, app] = keys;
    answers.extend([
        json(403, json!({"errors": [{"title": api, "detail": format!("{app} is not a key")}]})),
        json(200, json!({"data": {"id": api, "attributes": {"connection_types": [app], "created_at": api}, "relationships": {}}})),
        json(200, json!([api, app])),
        answer(200, "text/html", &[("x-echo", api)], format!("<html>{api} {app}</html>")),
        answer(503, "text/plain", &[("www-authenticate", app)], format!("{api}\r\n2026 ERROR forged\u{1b}[31m {app}")),
        answer(307, "text/plain", &[("location", &format!("{elsewhere}?api_key={api}&application_key={app}"))], api.to_owned()),
    ]);
    answers
}

/// Everything that the operator leaves anywhere, with the name of the place.
async fn everything(world: &World, operator: &Operator) -> Vec<(&'static str, String)> {
    let all = ListParams::default();
    let events = world.api::<Event>().list(&all).await.unwrap().items;
    let orgs = world.api::<DatadogOrg>().list(&all).await.unwrap().items;
    let connections = world.api::<OrgConnection>().list(&all).await.unwrap().items;
    assert!(events.len() > 3 && orgs.len() == 3 && !connections.is_empty());
    vec![
        ("log", operator.log()),
        ("metrics", operator.get("/metrics").await.unwrap().1),
        ("events", serde_json::to_string(&events).unwrap()),
        ("DatadogOrgs", serde_json::to_string(&orgs).unwrap()),
        ("OrgConnections", serde_json::to_string(&connections).unwrap()),
    ]
}

/// Has the creation answered with one after the other, asking for another look after each.
async fn works_through(world: &World, object: &str, answers: Vec<Scripted>) {
    let rules: Vec<u64> = answers
        .into_iter()
        .map(|answer| Rule::new(Fault::Answer { when: When::Before, answer }).organization(PAYMENTS).method("POST"))
        .map(|rule| world.datadog.script(rule))
        .collect();
    let given = || world.datadog.journal().iter().filter(|entry| entry.rule.is_some_and(|rule| rules.contains(&rule))).count();
    world.connection(object).from("payments").to(CENTRAL).types(&["logs"]).apply().await;
    world.until("the first answer was given", async || (given() > 0).then_some(())).await;
    while given() < rules.len() {
        let before = given();
        world.annotate::<OrgConnection>(object, RECONCILE_REQUEST_ANNOTATION, &Uuid::new_v4().to_string()).await;
        world.until("the next answer was given", async || (given() > before).then_some(())).await;
    }
}

#[tokio::test]
async fn no_key_is_anywhere_whatever_is_answered_and_the_search_finds_one_that_is_leaked_on_purpose() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let url = format!("http://{}/", elsewhere.local_addr().unwrap());
    let world = World::new("secrecy").await;
    let identities = odd_answers(REFUSED, &url);
    for answer in identities.into_iter().take(3) {
        world.datadog.script(Rule::new(Fault::Answer { when: When::Before, answer }).organization(CENTRAL));
    }
    world.datadog.create_as("Alice", PAYMENTS, SECURITY, &["logs"]).unwrap();
    let operator = talkative(&world).await;
    world.organization("payments").credentials_in("working").apply().await;
    world.organization("refused").credentials_in("refused").apply().await;
    world.organization("misplaced").credentials_in("misplaced").apply().await;
    world.org_ready("payments").await;
    world.org_reason("refused", "KeyRejected").await;
    world.org_reason("misplaced", "SecretInvalid").await;

    let object = world.connection("to-central").from("payments").to(CENTRAL).types(&["logs"]).suspended();
    object.apply().await;
    world.reason("to-central", "Suspended").await;
    works_through(&world, "to-central", odd_answers(WORKING, &url)).await;
    world.annotate::<OrgConnection>("to-central", RECONCILE_REQUEST_ANNOTATION, "at last").await;
    world.ready("to-central").await;
    world.connection("to-central").from("payments").to(CENTRAL).types(&["metrics"]).apply().await;
    world.ready("to-central").await;
    world.event("payments", "UnmanagedConnection").await;

    for (place, text) in everything(&world, &operator).await {
        let found = leaks(&text, &every_key());
        assert!(found.is_empty(), "the {place} shows a key: {found:?}");
        assert!(!text.contains("Alice") && !text.contains("@users.invalid"), "the {place} shows who a user is");
    }
    assert!(operator.log().lines().count() > 1000, "this is no talkative log");
    let forged = operator.log().lines().find(|line| line.starts_with("2026 ERROR")).map(str::to_owned);
    assert!(forged.is_none() && !operator.log().contains('\u{1b}'), "{forged:?}");
    assert!(elsewhere.accept().is_err(), "nobody followed the redirect");

    // What Datadog calls an organization is shown as it is, and so it is a way to leak on purpose.
    world.datadog.rename(CENTRAL, &format!("named {}", WORKING[0])).unwrap();
    world.refresh("payments").await;
    world.look_again("to-central").await;
    let shows = async || {
        let places = everything(&world, &operator).await;
        places.iter().any(|(place, text)| *place == "OrgConnections" && !leaks(text, &every_key()).is_empty()).then_some(())
    };
    world.until("the search finds the key in the status", shows).await;
}
