//! A scenario is played on both servers, and everything that a client can see is put on tape: status, reason, what is in the object,
//! whether its version is new. What differs by nature (uids, times, numbers of versions) goes under names that do not.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use futures::{AsyncBufReadExt, TryStreamExt};
use http::{Method, Request};
use http_body_util::BodyExt;
use kube::client::Body;
use serde_json::{Value, json};

use super::super::{ApiServer, Kind};
use super::{plane, server, virtual_runtime};

const PATIENCE: Duration = Duration::from_secs(20);

/// One server's answers so far.
pub(super) struct Tape {
    client: kube::Client,
    namespace: String,
    here: Option<ApiServer>,
    lines: RefCell<Vec<String>>,
    uids: RefCell<Vec<String>>,
    versions: RefCell<HashMap<String, String>>,
}

/// The form of a patch.
#[derive(Clone, Copy)]
pub(super) enum Form {
    Merge,
    Apply,
}

/// Plays a scenario on both servers and compares the tapes.
pub(super) fn same_answers(name: &str, scenario: &impl AsyncFn(&Tape)) {
    let here = virtual_runtime().block_on(async {
        let server = server(1);
        let tape = Tape::new(server.line().client(), name, Some(server));
        scenario(&tape).await;
        tape.lines.into_inner()
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let there = runtime.block_on(async {
        let tape = Tape::new(plane::client(name).await, name, None);
        scenario(&tape).await;
        tape.lines.into_inner()
    });
    let differ = here.iter().zip(&there).find(|(here, there)| here != there);
    if let Some((here, there)) = differ {
        panic!("the servers differ\n  here:  {here}\n  there: {there}");
    }
    assert_eq!(here.len(), there.len(), "one tape is longer");
    assert!(!here.is_empty(), "the scenario did nothing");
}

impl Tape {
    fn new(client: kube::Client, namespace: &str, here: Option<ApiServer>) -> Self {
        let namespace = namespace.to_owned();
        Self { client, namespace, here, lines: RefCell::default(), uids: RefCell::default(), versions: RefCell::default() }
    }

    /// Makes the in-process server forget its past, as the real one has forgotten its first versions.
    pub(super) fn forget_the_past(&self) {
        if let Some(server) = &self.here {
            server.compact();
        }
    }

    // === Requests ===

    pub(super) async fn create(&self, manifest: Value) -> Value {
        let path = self.path(Kind::of_manifest(&manifest), "");
        self.send(Method::POST, &path, "application/json", Some(manifest)).await
    }

    pub(super) async fn get(&self, kind: Kind, name: &str) -> Value {
        self.send(Method::GET, &self.path(kind, name), "", None).await
    }

    /// With a query, in this namespace.
    pub(super) async fn list(&self, kind: Kind, query: &str) -> Value {
        self.send(Method::GET, &format!("{}?{query}", self.path(kind, "")), "", None).await
    }

    /// With a query, in all namespaces. The query must leave out what other scenarios make.
    pub(super) async fn list_everywhere(&self, kind: Kind, query: &str) -> Value {
        self.send(Method::GET, &format!("{}/{}?{query}", prefix(kind), kind.plural()), "", None).await
    }

    pub(super) async fn replace(&self, name: &str, manifest: Value) -> Value {
        let path = self.path(Kind::of_manifest(&manifest), name);
        self.send(Method::PUT, &path, "application/json", Some(manifest)).await
    }

    pub(super) async fn replace_status(&self, name: &str, object: Value) -> Value {
        self.replace(&format!("{name}/status"), object).await
    }

    pub(super) async fn merge(&self, kind: Kind, name: &str, patch: Value) -> Value {
        let path = format!("{}?fieldManager=crossorg", self.path(kind, name));
        self.send(Method::PATCH, &path, "application/merge-patch+json", Some(patch)).await
    }

    /// Patches the status, as this manager.
    pub(super) async fn status(&self, kind: Kind, name: &str, form: Form, manager: &str, mut body: Value) -> Value {
        let path = self.path(kind, &format!("{name}/status"));
        match form {
            Form::Merge => {
                self.send(Method::PATCH, &format!("{path}?fieldManager={manager}"), "application/merge-patch+json", Some(body)).await
            }
            Form::Apply => {
                body["apiVersion"] = kind.api_version().into();
                body["kind"] = kind.name().into();
                body["metadata"]["name"] = name.into();
                let path = format!("{path}?fieldManager={manager}&force=true");
                self.send(Method::PATCH, &path, "application/apply-patch+yaml", Some(body)).await
            }
        }
    }

    pub(super) async fn delete(&self, kind: Kind, name: &str) -> Value {
        self.send(Method::DELETE, &self.path(kind, name), "application/json", Some(json!({}))).await
    }

    /// Puts the events of a watch on tape, until an object of this name has been seen (empty: until the watch ends).
    pub(super) async fn watch(&self, kind: Kind, query: &str, until: &str) {
        let path = format!("{}?watch=true&{query}", self.path(kind, ""));
        let request = Request::get(path).body(Vec::new()).unwrap();
        let mut lines = self.client.request_stream(request).await.unwrap().lines();
        self.versions.borrow_mut().clear();
        let read = async {
            while let Some(line) = lines.try_next().await.unwrap() {
                let event: Value = serde_json::from_str(&line).unwrap();
                self.note(format!("{} {}", event["type"], self.normal(&event["object"])));
                if event["object"]["metadata"]["name"] == until {
                    return;
                }
            }
            self.note("the watch ended".to_owned());
        };
        tokio::time::timeout(PATIENCE, read).await.expect("the watch tells what was waited for");
    }

    async fn send(&self, method: Method, path: &str, form: &str, body: Option<Value>) -> Value {
        let request = Request::builder().method(&method).uri(path).header(http::header::CONTENT_TYPE, form);
        let body = body.map_or_else(Vec::new, |body| body.to_string().into_bytes());
        let answer = self.client.send(request.body(Body::from(body)).unwrap()).await.unwrap();
        let code = answer.status().as_u16();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
        self.note(format!("{method} {} → {code} {}", path.replace(&self.namespace, "NAMESPACE"), self.normal(&body)));
        body
    }

    fn path(&self, kind: Kind, name: &str) -> String {
        format!("{}/namespaces/{}/{}/{name}", prefix(kind), self.namespace, kind.plural()).trim_end_matches('/').to_owned()
    }

    // === What is put on tape ===

    fn note(&self, line: String) {
        self.lines.borrow_mut().push(line);
    }

    fn normal(&self, body: &Value) -> String {
        if let Some(items) = body["items"].as_array() {
            let items: Vec<String> = items.iter().map(|item| self.normal(item)).collect();
            return format!("{} [{}]", body["kind"], items.join(", "));
        }
        if body["kind"] == "Status" {
            return normal_status(body);
        }
        if body.is_null() {
            return "no JSON".to_owned();
        }
        self.normal_object(body)
    }

    fn normal_object(&self, object: &Value) -> String {
        let mut object = object.clone();
        // The real server shows the fields of the older form of an event too.
        object.as_object_mut().unwrap().retain(|name, _| !name.starts_with("deprecated"));
        let metadata = object["metadata"].as_object_mut().unwrap();
        let uid = metadata.remove("uid").map_or_else(String::new, |uid| uid.as_str().unwrap().to_owned());
        let version = metadata.remove("resourceVersion").map_or_else(String::new, |version| version.as_str().unwrap().to_owned());
        metadata.remove("managedFields");
        metadata.remove("namespace");
        for time in ["creationTimestamp", "deletionTimestamp"].into_iter().filter(|time| metadata.contains_key(*time)).collect::<Vec<_>>() {
            metadata.insert(time.to_owned(), "set".into());
        }
        let known = self.versions.borrow_mut().insert(uid.clone(), version.clone());
        let version = if known == Some(version) { "same" } else { "new" };
        format!("#{} {version} {object}", self.number(uid))
    }

    fn number(&self, uid: String) -> usize {
        let mut uids = self.uids.borrow_mut();
        let known = uids.iter().position(|other| *other == uid);
        known.unwrap_or_else(|| {
            uids.push(uid);
            uids.len() - 1
        })
    }
}

/// What clients look at: of an invalid object the members at fault, else the sentence, without the numbers in it.
fn normal_status(status: &Value) -> String {
    let said = match status["code"].as_u64() {
        Some(422) => {
            let causes = status["details"]["causes"].as_array().into_iter().flatten();
            let fields = causes.map(|cause| cause["field"].as_str().unwrap_or_default()).filter(|field| *field != "<nil>");
            // The real server finds some of them twice.
            fields.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(", ")
        }
        Some(410) => String::new(),
        Some(409) if status["message"].to_string().contains("Precondition failed") => "Precondition failed".to_owned(),
        Some(_) | None => status["message"].to_string(),
    };
    format!("{} {} {} {said}", status["status"], status["reason"], status["code"])
}

fn prefix(kind: Kind) -> String {
    let folder = if kind.api_version().contains('/') { "apis" } else { "api" };
    format!("/{folder}/{}", kind.api_version())
}
