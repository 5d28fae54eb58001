//! The client over a scripted transport, and the production transport over loopback.

mod budget;
mod budgets;
mod calls;
mod credentials;
mod errors;
mod observe_only;
mod organizations;
mod paging;
mod sockets;
mod tolerance;

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response, Uri};

use super::{Client, Credentials, Error, Transport, TransportError};
use crate::decide::model::{ConnectionId, ConnectionTypes, OrgId, Pair};

const SOURCE: &str = "11111111-0000-4000-8000-000000000001";
const SINK: &str = "22222222-0000-4000-8000-000000000002";
const USER: &str = "33333333-0000-4000-8000-000000000003";
const CONNECTION: &str = "aaaaaaaa-0000-4000-8000-000000000001";
const API_KEY: &str = "0123456789abcdef0123456789abcdef";
const APP_KEY: &str = "fedcba9876543210fedcba9876543210fedcba98";
const AGENT: &str = concat!("crossorg/", env!("CARGO_PKG_VERSION"));
const REPLY: &str = r#"{"data":{"type":"org_connection","id":"aaaaaaaa-0000-4000-8000-000000000001",
  "attributes":{"created_at":"2025-01-02T03:04:05.678901+00:00","connection_types":["logs"]},
  "relationships":{
    "source_org":{"data":{"type":"orgs","id":"11111111-0000-4000-8000-000000000001","name":"Source Org"}},
    "sink_org":{"data":{"type":"orgs","id":"22222222-0000-4000-8000-000000000002","name":"Sink Org"}},
    "created_by":{"data":{"type":"users","id":"33333333-0000-4000-8000-000000000003","name":"Some User"}}}}}
"#;

type Answered = Result<Response<Bytes>, TransportError>;

/// The requests that reached the transport, in order.
#[derive(Clone, Default)]
struct Sent(Arc<Mutex<Vec<Request<Bytes>>>>);

impl Sent {
    fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    fn last(&self) -> Request<Bytes> {
        self.0.lock().unwrap().last().expect("a request was sent").clone()
    }

    fn queries(&self) -> Vec<String> {
        self.0.lock().unwrap().iter().map(|request| request.uri().query().unwrap_or_default().to_owned()).collect()
    }
}

/// A client whose n-th request (from 0) is answered by `answer`.
fn scripted(answer: impl Fn(usize, &Request<Bytes>) -> Answered + Send + Sync + 'static) -> (Client, Sent) {
    let (sent, answer) = (Sent::default(), Arc::new(answer));
    let log = sent.clone();
    let transport = Transport::new(tower::service_fn(move |request: Request<Bytes>| {
        let answered = answer(log.count(), &request);
        log.0.lock().unwrap().push(request);
        async move { answered }
    }));
    (client(transport, "https://api.datadoghq.eu"), sent)
}

/// A client that always gets this answer.
fn answering(status: u16, body: &str) -> (Client, Sent) {
    let body = body.to_owned();
    scripted(move |_, _| json(status, &body))
}

fn client(transport: Transport, base: &str) -> Client {
    Client::new(transport, &base.parse::<Uri>().unwrap(), keys())
}

fn keys() -> Credentials {
    Credentials::from_keys(API_KEY.as_bytes(), APP_KEY.as_bytes()).unwrap()
}

fn json(status: u16, body: &str) -> Answered {
    with_headers(status, &[("content-type", "application/json")], body)
}

fn with_headers(status: u16, headers: &[(&str, &str)], body: &str) -> Answered {
    let response = headers.iter().fold(Response::builder().status(status), |response, (name, value)| response.header(*name, *value));
    Ok(response.body(Bytes::from(body.to_owned())).unwrap())
}

fn source() -> OrgId {
    SOURCE.parse().unwrap()
}

fn pair() -> Pair {
    Pair { source: source(), sink: SINK.parse().unwrap() }
}

fn connection_id() -> ConnectionId {
    CONNECTION.parse().unwrap()
}

fn types(list: &[&str]) -> ConnectionTypes {
    list.iter().copied().collect()
}

/// The error with all its sources, as a log would print it.
fn chain(error: &Error) -> String {
    let mut texts = vec![error.to_string()];
    let mut next = std::error::Error::source(error);
    while let Some(source) = next {
        texts.push(source.to_string());
        next = source.source();
    }
    texts.join(": ")
}
