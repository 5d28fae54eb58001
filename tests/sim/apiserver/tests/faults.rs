//! What goes wrong goes wrong as it was asked for.

use std::time::Duration;

use crossorg::api::OrgConnection;
use futures::{StreamExt, TryStreamExt};
use kube::api::{ListParams, Patch, PatchParams, WatchEvent, WatchParams};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use super::super::{ApiServer, Ending, Fault, Outcome, Past, Verb, WatchFault, What};
use super::{server, virtual_runtime};

const TEAM: &str = "team";
const SECOND: Duration = Duration::from_secs(1);

fn manifest(name: &str) -> Value {
    json!({
        "apiVersion": "crossorg.dev/v1alpha1", "kind": "OrgConnection", "metadata": { "name": name, "namespace": TEAM },
        "spec": { "sourceOrgRef": { "name": "payments" }, "sinkOrg": { "id": "22222222-0000-4000-8000-000000000002" }, "connectionTypes": ["logs"] },
    })
}

/// A server with one object, and a client whose first request suffers this.
fn with(fault: impl Into<Fault>, scenario: impl AsyncFnOnce(ApiServer, Api<OrgConnection>)) {
    virtual_runtime().block_on(async {
        let server = server(1);
        server.create(manifest("one")).unwrap();
        server.script(1, |_| true, fault);
        let api = Api::namespaced(server.line().client(), TEAM);
        scenario(server, api).await;
    });
}

async fn label(api: &Api<OrgConnection>) -> Result<OrgConnection, Option<u16>> {
    let patch = json!({ "metadata": { "labels": { "patched": "yes" } } });
    let answer = api.patch("one", &PatchParams::default(), &Patch::Merge(patch)).await;
    answer.map_err(|error| if let kube::Error::Api(status) = error { Some(status.code) } else { None })
}

fn is_labelled(server: &ApiServer) -> bool {
    server.object::<OrgConnection>(TEAM, "one").unwrap().labels().contains_key("patched")
}

#[test]
fn a_write_takes_effect_or_not_whatever_its_answer_is() {
    for (what, answer, takes_effect) in [
        (What::Pass, Ok(()), true),
        (What::Refuse(503), Err(Some(503)), false),
        (What::Refuse(409), Err(Some(409)), false),
        (What::Unreachable, Err(None), false),
        (What::FailAfter(500), Err(Some(500)), true),
        (What::BreakAfter, Err(None), true),
    ] {
        with(what, async |server, api| {
            assert_eq!(label(&api).await.map(|_| ()), answer, "{what:?}");
            assert_eq!(is_labelled(&server), takes_effect, "{what:?}");
            assert_eq!(server.journal()[0].version.is_some(), takes_effect, "{what:?}");
            assert!(label(&api).await.is_ok(), "the next request suffers nothing");
        });
    }
}

#[test]
fn a_lost_answer_never_comes() {
    for (what, takes_effect) in [(What::Swallow, false), (What::LoseAnswer, true)] {
        with(what, async |server, api| {
            assert!(timeout(3600 * SECOND, label(&api)).await.is_err());
            assert_eq!(is_labelled(&server), takes_effect, "{what:?}");
            assert_eq!(server.journal()[0].outcome, Outcome::Unanswered);
        });
    }
}

#[test]
fn a_request_arrives_though_its_sender_has_given_up() {
    with(Fault::NONE.delayed(20 * SECOND, SECOND), async |server, api| {
        assert!(timeout(10 * SECOND, label(&api)).await.is_err());
        sleep(9 * SECOND).await;
        assert!(!is_labelled(&server) && server.journal()[0].outcome == Outcome::Travelling);
        sleep(2 * SECOND).await;
        assert!(is_labelled(&server));
    });
}

#[test]
fn a_delay_takes_virtual_time_on_both_ways() {
    with(Fault::NONE.delayed(2 * SECOND, 3 * SECOND), async |_, api| {
        let begun = Instant::now();
        label(&api).await.unwrap();
        assert_eq!(begun.elapsed().as_secs(), 5);
    });
}

#[test]
fn a_killed_process_hears_and_says_nothing_more() {
    virtual_runtime().block_on(async {
        let server = server(1);
        server.create(manifest("one")).unwrap();
        server.script(1, |_| true, Fault::NONE.delayed(SECOND, SECOND));
        let line = server.line();
        let api = Api::namespaced(line.client(), TEAM);
        let patch = label(&api);
        assert!(timeout(SECOND / 2, patch).await.is_err());
        line.cut();
        assert!(timeout(60 * SECOND, api.get("one")).await.is_err());
        assert!(is_labelled(&server), "what it had sent has landed");
        assert_eq!(server.journal().len(), 1);
        assert!(Api::<OrgConnection>::namespaced(server.line().client(), TEAM).get("one").await.is_ok());
    });
}

#[test]
fn a_stale_list_and_a_stale_get_show_the_past() {
    virtual_runtime().block_on(async {
        let server = server(1);
        let empty = server.version();
        server.create(manifest("one")).unwrap();
        sleep(10 * SECOND).await;
        server.create(manifest("two")).unwrap();
        let api: Api<OrgConnection> = Api::all(server.line().client());
        let list = async |past| {
            server.script(1, |_| true, What::Stale(past));
            let list = api.list(&ListParams::default()).await.unwrap();
            (list.items.iter().map(ResourceExt::name_any).collect::<Vec<_>>(), list.metadata.resource_version.unwrap())
        };
        assert_eq!(list(Past::Version(empty)).await, (vec![], empty.to_string()));
        assert_eq!(list(Past::Ago(5 * SECOND)).await.0, ["one"]);
        assert_eq!(list(Past::Ago(3600 * SECOND)).await.0, [""; 0]);
        assert_eq!(api.list(&ListParams::default()).await.unwrap().items.len(), 2);
        server.script(1, |request| request.verb == Verb::Get, What::Stale(Past::Version(empty)));
        let api: Api<OrgConnection> = Api::namespaced(server.line().client(), TEAM);
        assert!(api.get_opt("one").await.unwrap().is_none());
        assert!(api.get_opt("one").await.unwrap().is_some());
    });
}

/// What a watch with this fault tells within two minutes, and when. The object is created anew, changed twice, deleted and created again
/// at seconds 1 to 5.
async fn told(fault: WatchFault) -> Vec<(u64, String)> {
    let server = server(1);
    let api: Api<OrgConnection> = Api::namespaced(server.line().client(), TEAM);
    server.script(1, |_| true, fault);
    let begun = Instant::now();
    let mut events = api.watch(&WatchParams::default().timeout(60), "1").await.unwrap().boxed();
    let acts = async {
        for act in 1..=5 {
            sleep(SECOND).await;
            match act {
                1 | 5 => server.create(manifest("one")).map(drop),
                4 => server.delete::<OrgConnection>(TEAM, "one").map(drop),
                _ => server.label::<OrgConnection>(TEAM, "one", "act", Some(&act.to_string())).map(drop),
            }
            .unwrap();
        }
    };
    let mut told = Vec::new();
    let listen = async {
        loop {
            let event = match events.try_next().await {
                Ok(Some(WatchEvent::Added(object))) => format!("added {}", object.resource_version().unwrap()),
                Ok(Some(WatchEvent::Modified(object))) => format!("modified {}", object.resource_version().unwrap()),
                Ok(Some(WatchEvent::Deleted(object))) => format!("deleted {}", object.resource_version().unwrap()),
                Ok(Some(WatchEvent::Bookmark(_))) => "bookmark".to_owned(),
                Ok(Some(WatchEvent::Error(error))) => format!("error {}", error.code),
                Ok(None) => "end".to_owned(),
                Err(_) => "broken".to_owned(),
            };
            let last = event == "end" || event == "broken";
            told.push((begun.elapsed().as_secs(), event));
            if last {
                break;
            }
        }
    };
    drop(timeout(120 * SECOND, futures::future::join(acts, listen)).await);
    told
}

fn heard(fault: WatchFault) -> Vec<String> {
    virtual_runtime().block_on(told(fault)).into_iter().map(|(at, event)| format!("{at} {event}")).collect()
}

#[test]
fn a_watch_without_a_fault_tells_everything_at_once() {
    assert_eq!(heard(WatchFault::default()), ["1 added 2", "2 modified 3", "3 modified 4", "4 deleted 5", "5 added 6", "60 end"]);
}

#[test]
fn a_lagging_watch_is_late_and_loses_nothing() {
    let fault = WatchFault { lag: 7 * SECOND, ..WatchFault::default() };
    assert_eq!(heard(fault), ["8 added 2", "9 modified 3", "10 modified 4", "11 deleted 5", "12 added 6", "60 end"]);
}

#[test]
fn what_was_held_back_comes_all_at_once() {
    let fault = WatchFault { hold: 10 * SECOND, ..WatchFault::default() };
    assert_eq!(heard(fault), ["10 added 2", "10 modified 3", "10 modified 4", "10 deleted 5", "10 added 6", "60 end"]);
}

#[test]
fn a_coalescing_watch_tells_only_the_last_event_of_an_object() {
    let fault = WatchFault { hold: 10 * SECOND, coalesce: true, ..WatchFault::default() };
    assert_eq!(heard(fault), ["10 added 6", "60 end"]);
    let fault = WatchFault { lag: 2 * SECOND, coalesce: true, ..WatchFault::default() };
    assert_eq!(heard(fault), ["3 modified 4", "6 added 6", "60 end"]);
}

#[test]
fn a_watch_ends_as_it_was_asked_to() {
    let ends = |ending| heard(WatchFault { ends: Some((3 * SECOND + SECOND / 2, ending)), ..WatchFault::default() });
    let before = ["1 added 2", "2 modified 3", "3 modified 4"];
    assert_eq!(ends(Ending::Closed), [&before[..], &["3 end"]].concat());
    assert_eq!(ends(Ending::Broken), [&before[..], &["3 broken"]].concat());
    assert_eq!(ends(Ending::Gone), [&before[..], &["3 error 410", "3 end"]].concat());
    assert_eq!(ends(Ending::Silent), before);
}
