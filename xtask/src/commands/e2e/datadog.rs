//! The double of Datadog in its pod, through the API server's proxy: so it can be reached wherever the cluster is.

use std::collections::BTreeMap;
use std::error::Error;

use datadog_double::Connection;
use http::{Method, Request, header};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Its control interface.
const CONTROL: &str = "/api/v1/namespaces/datadog-double/services/double:8126/proxy/_double";

/// The double.
pub(super) struct Datadog {
    kubernetes: kube::Client,
}

/// What is read of an entry of the journal.
#[derive(Debug, Deserialize)]
struct Asked {
    seq: u64,
    method: String,
}

#[derive(Debug, Deserialize)]
struct State {
    connections: Vec<Connection>,
}

#[derive(Debug, Deserialize)]
struct Violations {
    counts: Value,
}

impl Datadog {
    /// The double of this cluster, once it runs.
    pub(super) fn of(kubernetes: kube::Client) -> Datadog {
        Datadog { kubernetes }
    }

    /// All connections, in the order of their creation.
    pub(super) async fn connections(&self) -> Result<Vec<Connection>, kube::Error> {
        Ok(self.get::<State>("state").await?.connections)
    }

    /// The number of the last request so far.
    pub(super) async fn last(&self) -> Result<u64, kube::Error> {
        Ok(self.get::<Vec<Asked>>("journal").await?.last().map_or(0, |asked| asked.seq))
    }

    /// The writes after the request with the number `since`, by method; refused ones too.
    pub(super) async fn writes_since(&self, since: u64) -> Result<BTreeMap<String, usize>, kube::Error> {
        let asked: Vec<Asked> = self.get(&format!("journal?since={since}")).await?;
        let mut writes = BTreeMap::new();
        asked.into_iter().filter(|asked| asked.method != "GET").for_each(|asked| *writes.entry(asked.method).or_default() += 1);
        Ok(writes)
    }

    /// An error if the operator has ever done what no client should, such as creating a pair twice.
    pub(super) async fn has_no_complaint(&self) -> Result<(), Box<dyn Error>> {
        let counts = self.get::<Violations>("violations").await?.counts;
        if counts == json!({}) { Ok(()) } else { Err(format!("the double says that rules of the API were broken: {counts}").into()) }
    }

    /// A person of the organization `source` shares something with `sink`; both by their ids.
    pub(super) async fn create_as<Id: Serialize>(&self, person: &str, source: Id, sink: Id, types: &[&str]) -> Result<(), kube::Error> {
        let connection = json!({ "person": person, "source": source, "sink": sink, "connection_types": types });
        self.send(Method::POST, "connections", Some(&connection)).await
    }

    /// From now on a write that names this connection is a broken rule.
    pub(super) async fn protect(&self, connection: &Connection) -> Result<(), kube::Error> {
        self.send(Method::PATCH, &format!("connections/{}", connection.id), Some(&json!({ "protected": true }))).await
    }

    /// A person changes what is shared.
    pub(super) async fn change_types(&self, connection: &Connection, types: &[&str]) -> Result<(), kube::Error> {
        self.send(Method::PATCH, &format!("connections/{}", connection.id), Some(&json!({ "connection_types": types }))).await
    }

    /// A person deletes a connection.
    pub(super) async fn delete(&self, connection: &Connection) -> Result<(), kube::Error> {
        self.send(Method::DELETE, &format!("connections/{}", connection.id), None).await
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, kube::Error> {
        let request = Request::get(format!("{CONTROL}/{path}")).body(Vec::new()).map_err(kube::Error::HttpError)?;
        self.kubernetes.request(request).await
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<(), kube::Error> {
        let request = Request::builder().method(method).uri(format!("{CONTROL}/{path}")).header(header::CONTENT_TYPE, "application/json");
        let body = body.map(ToString::to_string).unwrap_or_default();
        let request = request.body(body.into_bytes()).map_err(kube::Error::HttpError)?;
        self.kubernetes.request_text(request).await.map(drop)
    }
}
