//! Credentials that are wrong, each in its way: what is said of them, what they cost, how they are mended. And keys that show nowhere.

mod permissions;

use std::time::Duration;

use crossorg::api::DatadogOrg;
use datadog_double::{CENTRAL, Credential, Entry, Fault, Keys, PAYMENTS, READ, READER, Rule, SECURITY, Scripted, User, WRITE, When};
use futures::future::{join, join_all};
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::api::events::v1::Event;
use kube::api::ListParams;
use serde_json::json;
use tokio::time::Instant;
use uuid::Uuid;

use crate::harness::{Conditioned, Operator, World, keys_of, print_past_capture};

/// A Secret is read every 10 s while its DatadogOrg is not connected, or with every poll: here every 10 s too.
const MENDED_IN_KUBERNETES: Duration = Duration::from_secs(15);
/// Credentials that were refused are tried again every 55 s; the rest is for a machine that compiles.
const MENDED_AT_DATADOG: Duration = Duration::from_secs(65);
/// In which fewer than [`FEW`] requests may be made with wrong credentials.
const WINDOW: Duration = Duration::from_mins(1);
const FEW: usize = 12;
/// What every key of these tests begins with.
const KEYS_BEGIN: &str = "fake-";

type Content = Vec<(&'static str, String)>;

/// One way in which credentials can be wrong, and what is said of it.
struct Wrong {
    name: &'static str,
    secret: Option<Content>,
    pin: Option<Uuid>,
    reason: &'static str,
    beside: &'static str,
}

impl Wrong {
    fn new(name: &'static str, secret: Content, (reason, beside): (&'static str, &'static str)) -> Self {
        Self { name, secret: Some(secret), pin: None, reason, beside }
    }

    /// Makes the objects and waits until it is said.
    async fn is_named(&self, world: &World) {
        let secret = format!("{}-datadog", self.name);
        if let Some(content) = &self.secret {
            world.secret(&secret, content).await;
        }
        let organization = world.organization(self.name).credentials_in(&secret);
        match self.pin {
            Some(pin) => organization.pinned_to(pin).apply().await,
            None => organization.apply().await,
        };
        let object = world.org_reason(self.name, self.reason).await;
        assert!(object.has(self.beside) && !object.has(the_other(self.beside)), "{}: {:?}", self.name, object.status);
        assert!(object.message().len() > 40, "{}: {}", self.name, object.message());
    }
}

fn the_other(condition: &str) -> &'static str {
    if condition == "Stalled" { "Reconciling" } else { "Stalled" }
}

const RECONCILING: &str = "Reconciling";
const STALLED: &str = "Stalled";

fn wrong_in_a_secret() -> Vec<Wrong> {
    let keys = |credential| keys_of(credential).to_vec();
    let both = [keys("payments"), vec![("bearer-token", "fake-token".to_owned())]].concat();
    vec![
        Wrong { secret: None, ..Wrong::new("missing", Vec::new(), ("SecretNotFound", RECONCILING)) },
        Wrong::new("empty", vec![("comment", "no key".to_owned())], ("SecretInvalid", STALLED)),
        Wrong::new("both-forms", both, ("SecretInvalid", STALLED)),
        Wrong::new("half", keys("payments")[..1].to_vec(), ("SecretInvalid", STALLED)),
        Wrong::new("unknown", keys("unknown"), ("KeyRejected", RECONCILING)),
        Wrong { pin: Some(CENTRAL), ..Wrong::new("pinned", keys("pinned"), ("WrongOrganization", STALLED)) },
        Wrong::new("cannot-list", keys("cannot-list"), ("PermissionMissing", STALLED)),
    ]
}

/// A key of Payments, named as in the journal.
fn add_key(world: &World, id: &str, permissions: &[&str]) -> Uuid {
    let keys = Keys::Pair { api_key: format!("fake-api-key-{id}"), app_key: format!("fake-app-key-{id}") };
    let user = User { id: Uuid::new_v4(), name: id.to_owned(), service_account: true };
    let permissions = permissions.iter().map(|&permission| permission.to_owned()).collect();
    let known = Credential { id: id.to_owned(), keys, user: user.clone(), permissions, enabled: true };
    world.datadog.add_credential(PAYMENTS, known).unwrap();
    user.id
}

/// Which requests were made with this credential.
fn requests(world: &World, credential: &str) -> Vec<Entry> {
    world.datadog.journal().into_iter().filter(|entry| entry.credential.as_deref() == Some(credential)).collect()
}

async fn connected(world: &World, name: &str, within: Duration) {
    world.comes_to::<DatadogOrg>(name, "Connected", within).await;
}

#[tokio::test]
async fn wrong_credentials_are_named_cost_little_and_are_found_right_again() {
    let world = World::new("credentials").await;
    add_key(&world, "unknown", &[READ, WRITE]);
    world.datadog.revoke(PAYMENTS, "unknown").unwrap();
    add_key(&world, "pinned", &[READ, WRITE]);
    add_key(&world, "cannot-list", &[]);
    let operator = world.operator().await;
    let begun = Instant::now();
    let in_secrets = join(wrong_secrets(&world, begun), swapped_secret(&world, begun));
    let at_datadog = join(join(restored_key(&world), granted_list(&world)), permissions::granted_write(&world));
    let others = join(rotated(&world), answered_with_its_key(&world));
    join(in_secrets, join(at_datadog, others)).await;
    show_no_key(&world, &operator).await;
}

/// Every wrong Secret, left so for a minute, then replaced.
async fn wrong_secrets(world: &World, begun: Instant) {
    let all = wrong_in_a_secret();
    join_all(all.iter().map(|wrong| wrong.is_named(world))).await;
    a_minute_has_passed_since(world, begun).await;
    few_requests(world);
    join_all(all.iter().map(async |wrong| {
        let key = if wrong.pin.is_some() { "central" } else { "payments" };
        world.secret(&format!("{}-datadog", wrong.name), &keys_of(key)).await;
        connected(world, wrong.name, MENDED_IN_KUBERNETES).await;
    }))
    .await;
}

/// Waits for the end of the window.
async fn a_minute_has_passed_since(world: &World, begun: Instant) {
    let passed = async || (begun.elapsed() >= WINDOW).then_some(());
    world.within(WINDOW * 2, "a minute has passed", passed).await;
}

/// What each key has cost until now.
fn few_requests(world: &World) {
    let keys = ["unknown", "pinned", "cannot-list", "security", "revoked", "may-list-later", READER, "central"];
    let counts = keys.map(|key| (key, requests(world, key).len()));
    print_past_capture(&format!("requests in the first minute with a wrong key: {counts:?}"));
    assert!(counts.iter().all(|(_, count)| (1..FEW).contains(count)), "{counts:?}");
    let of_nobody = world.datadog.journal().iter().filter(|entry| entry.credential.is_none()).count();
    assert_eq!(of_nobody, 0, "a Secret that cannot be used is not tried");
}

/// A Secret whose organization is proven gets a key of another one, and then the right one again.
async fn swapped_secret(world: &World, begun: Instant) {
    add_key(world, "proven", &[READ, WRITE]);
    world.organization("proven").poll_every("10s").apply().await;
    world.org_ready("proven").await;
    change_keys(world, "proven-datadog", "security").await;
    world.comes_to::<DatadogOrg>("proven", "WrongOrganization", MENDED_IN_KUBERNETES).await;
    let object = world.orgs().get("proven").await.unwrap();
    assert!(object.has(STALLED) && object.message().contains(&SECURITY.to_string()), "{}", object.message());
    assert_eq!(object.status.unwrap().organization.unwrap().id, PAYMENTS.to_string());
    a_minute_has_passed_since(world, begun).await;
    let asked: Vec<_> = requests(world, "security").into_iter().map(|entry| entry.path).collect();
    assert!(asked.iter().all(|path| path == "/api/v2/current_user"), "nothing but its identity is asked with a foreign key: {asked:?}");
    change_keys(world, "proven-datadog", "proven").await;
    connected(world, "proven", MENDED_IN_KUBERNETES).await;
}

async fn change_keys(world: &World, secret: &str, credential: &str) {
    let [(api, api_key), (app, app_key)] = keys_of(credential);
    world.patch::<Secret>(secret, json!({"stringData": {api: api_key, app: app_key}})).await;
}

/// A key that was revoked is restored at Datadog.
async fn restored_key(world: &World) {
    add_key(world, "revoked", &[READ, WRITE]);
    world.datadog.revoke(PAYMENTS, "revoked").unwrap();
    Wrong::new("revoked", keys_of("revoked").to_vec(), ("KeyRejected", RECONCILING)).is_named(world).await;
    world.datadog.restore(PAYMENTS, "revoked").unwrap();
    connected(world, "revoked", MENDED_AT_DATADOG).await;
}

/// A key that may not list is given the permission at Datadog.
async fn granted_list(world: &World) {
    add_key(world, "may-list-later", &[]);
    Wrong::new("may-list-later", keys_of("may-list-later").to_vec(), ("PermissionMissing", STALLED)).is_named(world).await;
    world.datadog.set_permissions(PAYMENTS, "may-list-later", &[READ]).unwrap();
    connected(world, "may-list-later", MENDED_AT_DATADOG).await;
}

/// Another key of the same organization takes the place of the old one, which is used no more.
async fn rotated(world: &World) {
    let old = add_key(world, "rotated-old", &[READ, WRITE]);
    let new = add_key(world, "rotated-new", &[READ, WRITE]);
    let acts_as = async |user: Uuid| {
        let principal = world.orgs().get("rotated").await.unwrap().status.and_then(|status| status.principal);
        principal.is_some_and(|principal| principal.id == user.to_string()).then_some(())
    };
    world.organization("rotated").with_key("rotated-old").poll_every("10s").apply().await;
    world.until("the old key is used", async || acts_as(old).await).await;
    change_keys(world, "rotated-datadog", "rotated-new").await;
    world.within(MENDED_IN_KUBERNETES, "the new key is used", async || acts_as(new).await).await;
    let with_old = requests(world, "rotated-old").len();
    let listed_again = |journal: &[Entry]| journal.iter().filter(|entry| entry.credential.as_deref() == Some("rotated-new")).count() > 2;
    world.datadog.wait(MENDED_IN_KUBERNETES, listed_again).await.unwrap();
    assert_eq!(requests(world, "rotated-old").len(), with_old);
    assert_eq!(world.org_ready("rotated").await.told().0, Some(1));
}

/// Datadog repeats the key in its refusal.
async fn answered_with_its_key(world: &World) {
    let body = json!({"errors": ["Forbidden: fake-api-key-central and fake-app-key-central are not valid"]}).to_string();
    let answer = Scripted { status: 403, content_type: "application/json".to_owned(), headers: Vec::new(), body };
    let rule = world.datadog.script(Rule::new(Fault::Answer { when: When::Before, answer }).organization(CENTRAL));
    world.org("central").await;
    let object = world.org_reason("central", "KeyRejected").await;
    assert!(object.message().contains("[key]"), "{}", object.message());
    world.datadog.remove_rule(rule).unwrap();
    connected(world, "central", MENDED_AT_DATADOG).await;
}

/// No key is in the log, the metrics, an event, or any of our objects.
async fn show_no_key(world: &World, operator: &Operator) {
    let events = world.api::<Event>().list(&ListParams::default()).await.unwrap();
    let orgs = world.orgs().list(&ListParams::default()).await.unwrap();
    let connections = world.connections().list(&ListParams::default()).await.unwrap();
    assert!(!events.items.is_empty() && !orgs.items.is_empty() && !connections.items.is_empty());
    let places = [
        ("log", operator.log()),
        ("metrics", operator.get("/metrics").await.unwrap().1),
        ("events", serde_json::to_string(&events.items).unwrap()),
        ("organizations", serde_json::to_string(&orgs.items).unwrap()),
        ("connections", serde_json::to_string(&connections.items).unwrap()),
    ];
    for (place, text) in places {
        let found = text.lines().find(|line| line.contains(KEYS_BEGIN));
        assert!(found.is_none(), "a key is in the {place}: {found:?}");
    }
}
