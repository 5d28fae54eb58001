//! A raw HTTP client: it sees every byte, and the end of a connection as it is.

use std::io::Read;
use std::time::Duration;

use datadog_double::{Clock, Config, Double, Ids, Running};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) const CONNECTIONS: &str = "/api/v2/org_connections";
pub(crate) const DEADLINE: Duration = Duration::from_secs(10);

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Whether the body came to its announced end.
    pub(crate) complete: bool,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        let plain = match self.header("content-encoding") {
            Some("gzip") => gunzip(&self.body),
            _ => self.body.clone(),
        };
        String::from_utf8(plain).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text()).unwrap()
    }

    /// Status, content type and body at once: what the recordings keep.
    #[track_caller]
    pub(crate) fn is(&self, status: u16, body: &str) {
        assert_eq!((self.status, self.header("content-type"), self.text().as_str()), (status, Some("application/json"), body));
        assert!(self.complete);
    }
}

pub(crate) fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(bytes).read_to_end(&mut plain).unwrap();
    plain
}

/// A request in the making.
pub(crate) struct Ask {
    method: &'static str,
    target: String,
    headers: Vec<String>,
    body: String,
}

impl Ask {
    pub(crate) fn new(method: &'static str, target: impl Into<String>) -> Self {
        Self { method, target: target.into(), headers: Vec::new(), body: String::new() }
    }

    pub(crate) fn header(mut self, line: impl Into<String>) -> Self {
        self.headers.push(line.into());
        self
    }

    /// The keys of a credential of the three organizations.
    pub(crate) fn with(self, credential: &str) -> Self {
        self.header(format!("DD-API-KEY: fake-api-key-{credential}")).header(format!("DD-APPLICATION-KEY: fake-app-key-{credential}"))
    }

    pub(crate) fn body(self, body: impl Into<String>) -> Self {
        Self { body: body.into(), ..self }.header("Content-Type: application/json")
    }

    /// `None`: the connection closed without a byte.
    pub(crate) async fn maybe(self, running: &Running) -> Option<Answer> {
        tokio::time::timeout(DEADLINE, exchange(self, running)).await.expect("an answer or an end within the deadline")
    }

    pub(crate) async fn to(self, running: &Running) -> Answer {
        self.maybe(running).await.expect("an answer")
    }

    fn bytes(&self) -> Vec<u8> {
        let Self { method, target, headers, body } = self;
        let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
        let length = body.len();
        format!("{method} {target} HTTP/1.1\r\nHost: double\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}")
            .into_bytes()
    }
}

async fn exchange(ask: Ask, running: &Running) -> Option<Answer> {
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream.write_all(&ask.bytes()).await.unwrap();
    let mut raw = Vec::new();
    // A reset is an end as well.
    let _ = stream.read_to_end(&mut raw).await;
    if raw.is_empty() { None } else { Some(parse(&raw)) }
}

/// Sends a request and goes away without reading.
pub(crate) async fn send_and_leave(ask: Ask, running: &Running, until: impl Future<Output = ()>) {
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream.write_all(&ask.bytes()).await.unwrap();
    until.await;
}

fn parse(raw: &[u8]) -> Answer {
    let end = raw.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let head = std::str::from_utf8(&raw[..end]).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers: Vec<_> =
        lines.map(|line| line.split_once(": ").unwrap()).map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
    let value = |wanted: &str| headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone());
    let rest = &raw[end + 4..];
    let (body, complete) = match value("content-length") {
        Some(length) => (rest.to_vec(), rest.len() == length.parse::<usize>().unwrap()),
        None => unchunk(rest),
    };
    Answer { status, headers, body, complete }
}

fn unchunk(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|window| window == b"\r\n") {
        let length = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        if length == 0 {
            return (body, true);
        }
        body.extend_from_slice(&rest[end + 2..end + 2 + length]);
        rest = &rest[end + 4 + length..];
    }
    (body, false)
}

/// A double of the three organizations whose clock stands still and whose ids are always the same.
pub(crate) async fn start() -> Running {
    start_with(&Config::three_organizations()).await
}

pub(crate) async fn start_with(config: &Config) -> Running {
    let now = "2026-01-02T03:04:05.678901Z".parse().unwrap();
    Double::with_sources(config, Clock::from_fn(move || now), Ids::seeded(1)).listen().await.unwrap()
}

pub(crate) fn post(types: &str, sink: impl std::fmt::Display) -> Ask {
    let sink = format!("{{\"data\":{{\"type\":\"orgs\",\"id\":\"{sink}\"}}}}");
    let attributes = format!("{{\"connection_types\":{types}}}");
    let data = format!("{{\"type\":\"org_connection\",\"attributes\":{attributes},\"relationships\":{{\"sink_org\":{sink}}}}}");
    Ask::new("POST", CONNECTIONS).body(format!("{{\"data\":{data}}}"))
}

pub(crate) fn patch(id: impl std::fmt::Display, types: &str) -> Ask {
    let data = format!("{{\"type\":\"org_connection\",\"id\":\"{id}\",\"attributes\":{{\"connection_types\":{types}}}}}");
    Ask::new("PATCH", format!("{CONNECTIONS}/{id}")).body(format!("{{\"data\":{data}}}"))
}

pub(crate) fn delete(id: impl std::fmt::Display) -> Ask {
    Ask::new("DELETE", format!("{CONNECTIONS}/{id}"))
}

pub(crate) fn list() -> Ask {
    Ask::new("GET", CONNECTIONS)
}

/// Creates payments → central with types `["logs"]`; the answer is its id.
pub(crate) async fn created(running: &Running) -> String {
    let answer = post("[\"logs\"]", datadog_double::CENTRAL).with("payments").to(running).await;
    assert_eq!(answer.status, 200);
    answer.json()["data"]["id"].as_str().unwrap().to_owned()
}
