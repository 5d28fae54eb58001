//! A transport that only looks.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::Request;

use super::super::transport::observe_only;
use super::super::{Call, Class, Client, Observation, Outcome, Transport};
use super::{client, connection_id, json as reply, pair, source, types};

const LIST: &str = r#"{"data":[],"meta":{"page":{"total_filtered_count":0}}}"#;

/// A client that only looks, and the requests that get through all the same.
fn looking() -> (Client, Arc<Mutex<Vec<String>>>) {
    let passed: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = Arc::clone(&passed);
    let inner = Transport::new(tower::service_fn(move |request: Request<Bytes>| {
        log.lock().unwrap().push(format!("{} {}", request.method(), request.uri().path()));
        async { reply(200, LIST) }
    }));
    (client(observe_only(inner), "https://api.datadoghq.eu"), passed)
}

/// Makes the call; the match sees to it that none is forgotten.
async fn make(client: &Client, call: Call) -> Result<(), super::super::Error> {
    match call {
        Call::Identity => client.identity().await.map(drop),
        Call::Organizations => client.organizations().await.map(drop),
        Call::List => client.list(source()).await.map(drop),
        Call::Create => client.create(pair(), &types(&["logs"])).await.map(drop),
        Call::Update(id) => client.update(id, &types(&["logs"])).await.map(drop),
        Call::Delete(id) => client.delete(id).await.map(drop),
    }
}

#[tokio::test]
async fn no_call_that_changes_something_leaves_the_process() {
    let (client, passed) = looking();
    for call in [Call::Create, Call::Update(connection_id()), Call::Delete(connection_id())] {
        let error = make(&client, call).await.unwrap_err();
        assert_eq!(error.to_string(), format!("{call}: not sent, because the operator runs with --observe-only"));
        assert_eq!((error.label(), error.class(), error.outcome()), ("observe_only", Class::Permanent, Outcome::NotDone));
    }
    assert!(passed.lock().unwrap().is_empty());
}

#[tokio::test]
async fn every_call_that_looks_gets_through() {
    let (client, passed) = looking();
    for call in [Call::Identity, Call::Organizations, Call::List] {
        make(&client, call).await.ok();
        assert_eq!(passed.lock().unwrap().pop(), Some(call.to_string()));
    }
}

#[tokio::test]
async fn what_is_not_sent_is_not_observed() {
    let seen: Arc<Mutex<Vec<&str>>> = Arc::default();
    let log = Arc::clone(&seen);
    let client = looking().0.observed_by(Arc::new(move |observation: &Observation| log.lock().unwrap().push(observation.call)));
    make(&client, Call::Create).await.unwrap_err();
    make(&client, Call::List).await.unwrap();
    assert_eq!(*seen.lock().unwrap(), ["list"]);
}
