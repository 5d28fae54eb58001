//! One request from its arrival to its answer, through whatever befalls it.

use std::sync::PoisonError;

use axum::body::Body as AnswerBody;
use http::{Request, Response};
use http_body_util::BodyExt;
use kube::client::Body;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::faults::{Fault, Past, What};
use super::journal::{Outcome, RequestInfo};
use super::refusal::Refusal;
use super::routes::{self, Call, Operation};
use super::rules::merge;
use super::store::{Key, Store, Written};
use super::watch::{Scope, Watch};
use super::{ApiServer, Broken, Line};

type Answered = Response<AnswerBody>;

/// What becomes of a request.
enum Answer {
    Reply(u16, Value),
    Watch(Box<Watch>),
    Broken,
    Never,
}

impl ApiServer {
    pub(super) async fn exchange(self, line: Line, request: Request<Body>) -> Result<Answered, Broken> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map_err(|_| Broken)?.to_bytes();
        line.or_never(()).await;
        let call = match routes::read(&parts, &body) {
            Ok(call) => call,
            Err(refusal) => return Ok(reply(refusal.code, &refusal.body())),
        };
        let (number, fault) = self.open(&line, &call);
        let (server, sender) = (self.clone(), line.clone());
        let work = async move { server.carry_out(&sender, number, call, &fault) };
        let answer = if fault.before.is_zero() {
            work.await
        } else {
            // What has been sent arrives, also when its sender waits no longer.
            let travelling = tokio::spawn(async move {
                tokio::time::sleep(fault.before).await;
                work.await
            });
            travelling.await.unwrap_or(Answer::Never)
        };
        if !fault.after.is_zero() {
            tokio::time::sleep(fault.after).await;
        }
        match line.or_never(answer).await {
            Answer::Reply(code, body) => Ok(reply(code, &body)),
            Answer::Watch(watch) => Ok(stream(*watch)),
            Answer::Broken => Err(Broken),
            Answer::Never => std::future::pending().await,
        }
    }

    /// Writes the request down, and asks what befalls it.
    fn open(&self, line: &Line, call: &Call) -> (usize, Fault) {
        let mut request = RequestInfo::new(self.begun.elapsed(), line.number, call.operation.verb(), call.address.clone());
        request.number = self.look(|state| state.journal.next_number());
        request.selects = matches!(&call.operation, Operation::List { labels } if !labels.is_empty());
        let fault = self.faults.lock().unwrap_or_else(PoisonError::into_inner).of(&request);
        let number = request.number;
        self.update(|state| state.journal.open(request, fault));
        (number, fault)
    }

    /// Does what is asked, or what the fault makes of it, and writes down how it ended.
    fn carry_out(&self, line: &Line, number: usize, call: Call, fault: &Fault) -> Answer {
        let refused = |code: u16| (Answer::Reply(code, Refusal::of_code(code).body()), None);
        let (answer, version) = match fault.what {
            What::Refuse(code) => refused(code),
            What::Unreachable => (Answer::Broken, None),
            What::Swallow => (Answer::Never, None),
            What::Pass | What::Stale(_) | What::Watch(_) => self.perform(line, call, fault),
            What::FailAfter(code) => (refused(code).0, self.perform(line, call, fault).1),
            What::BreakAfter => (Answer::Broken, self.perform(line, call, fault).1),
            What::LoseAnswer => (Answer::Never, self.perform(line, call, fault).1),
        };
        self.update(|state| {
            let entry = state.journal.entry(number);
            entry.version = version;
            entry.outcome = match &answer {
                Answer::Reply(code, _) => Outcome::Answered(*code),
                Answer::Watch(_) => Outcome::Answered(200),
                Answer::Broken => Outcome::Broken,
                Answer::Never => Outcome::Unanswered,
            };
        });
        answer
    }

    fn perform(&self, line: &Line, Call { address, operation }: Call, fault: &Fault) -> (Answer, Option<u64>) {
        let part = address.part;
        let scope = Scope { kind: address.kind, namespace: address.namespace };
        let (code, written) = match operation {
            Operation::Watch { from, lasts } => {
                let watch = Watch::begin(self, line, scope, from, lasts, fault.of_watch());
                return (Answer::Watch(Box::new(watch)), None);
            }
            Operation::Get(key) => return (self.look(|state| get(&state.store, &key, seen(&state.store, fault))), None),
            Operation::List { labels } => {
                let has = |object: &Value| labels.iter().all(|(name, value)| object["metadata"]["labels"][name] == *value.as_str());
                return (self.look(|state| list(&state.store, &scope, has, seen(&state.store, fault))), None);
            }
            Operation::Create(key, object) => (201, self.write(|store| store.create(&key, object))),
            Operation::Update { key, object, manager } => (200, self.write(|store| store.replace(&key, part, &manager, object))),
            Operation::Merge { key, patch, manager } => {
                (200, self.write(|store| store.update(&key, part, &manager, |object| merge(object, &patch))))
            }
            Operation::Apply { key, body, manager } => (200, self.write(|store| store.apply_status(&key, &manager, &body))),
            Operation::Delete(key) => match self.write(|store| store.delete(&key)) {
                Ok(Written { version, .. }) if self.read(&key).is_none() => {
                    return (Answer::Reply(200, json!({ "kind": "Status", "apiVersion": "v1", "status": "Success" })), version);
                }
                written => (200, written),
            },
        };
        match written {
            Ok(written) => (Answer::Reply(code, (*written.object).clone()), written.version),
            Err(refusal) => (Answer::Reply(refusal.code, refusal.body()), None),
        }
    }
}

/// The version that a request is shown.
fn seen(store: &Store, fault: &Fault) -> u64 {
    match fault.what {
        What::Stale(Past::Version(version)) => version,
        What::Stale(Past::Ago(time)) => Instant::now().checked_sub(time).map_or(1, |then| store.version_at(then)),
        What::Pass
        | What::Refuse(_)
        | What::Unreachable
        | What::Swallow
        | What::FailAfter(_)
        | What::BreakAfter
        | What::LoseAnswer
        | What::Watch(_) => store.version(),
    }
}

fn get(store: &Store, key: &Key, version: u64) -> Answer {
    let found = if version >= store.version() { store.get(key).ok() } else { store.as_of(version).remove(key) };
    found.map_or_else(|| Answer::Reply(404, Refusal::not_found(key).body()), |object| Answer::Reply(200, (*object).clone()))
}

fn list(store: &Store, scope: &Scope, has: impl Fn(&Value) -> bool, version: u64) -> Answer {
    let objects = store.as_of(version);
    let mine = objects.into_iter().filter(|(key, object)| scope.has(key.kind, &key.namespace) && has(object));
    let items: Vec<Value> = mine.map(|(_, object)| (*object).clone()).collect();
    let body = json!({
        "apiVersion": scope.kind.api_version(),
        "kind": format!("{}List", scope.kind.name()),
        "metadata": { "resourceVersion": version.to_string() },
        "items": items,
    });
    Answer::Reply(200, body)
}

fn reply(code: u16, body: &Value) -> Answered {
    let response = Response::builder().status(code).header(http::header::CONTENT_TYPE, "application/json");
    response.body(AnswerBody::from(body.to_string())).expect("status and header are well-formed")
}

fn stream(watch: Watch) -> Answered {
    Response::new(AnswerBody::from_stream(watch.lines()))
}
