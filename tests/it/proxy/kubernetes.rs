//! The way to the API server.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use futures::FutureExt;
use http::{Method, Request, Response, header};
use serde_json::{Value, json};

use super::door::passed_on;
use super::effects::Effects;
use super::watches::Watches;
use super::{Answer, Answerer, Cut};
use crate::harness::World;

#[derive(Clone)]
pub(super) struct Kubernetes {
    client: kube::Client,
    effects: Arc<Effects>,
    watches: Arc<Watches>,
}

/// What a request is, as far as its treatment goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort<'a> {
    Write,
    /// A watch on this kind.
    Watch(&'a str),
    /// The list that a watch on this kind begins with.
    List(&'a str),
    /// A read of what is live, of an object or of several.
    Read,
}

impl Kubernetes {
    pub(super) fn of(world: &World, effects: Arc<Effects>, watches: Arc<Watches>) -> Self {
        let mut config = world.plane.config();
        // The operator's own user agent goes through: the audit log is read by it.
        config.headers.clear();
        Self { client: kube::Client::try_from(config).unwrap(), effects, watches }
    }

    pub(super) fn answerer(self) -> Answerer {
        Arc::new(move |request| self.clone().answer(request).boxed())
    }

    async fn answer(self, request: Request<Bytes>) -> Answer {
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let server = asked(self.client, request);
        match sort(&method, uri.path(), uri.query().unwrap_or_default()) {
            Sort::Write => self.effects.pass(format!("{method} {}", uri.path()), server, timed_out).await,
            Sort::Watch(kind) => self.watches.watch(kind, server).await,
            Sort::List(kind) => self.watches.list(kind, server).await,
            Sort::Read => {
                self.watches.has_read(uri.path());
                server.await
            }
        }
    }
}

async fn asked(client: kube::Client, mut request: Request<Bytes>) -> Answer {
    // They name this proxy; the client sets its own.
    request.headers_mut().remove(header::HOST);
    request.headers_mut().remove(header::AUTHORIZATION);
    client.send(request.map(Into::into)).await.map(passed_on).map_err(|_| Cut)
}

/// `/apis/crossorg.dev/v1alpha1/namespaces/<namespace>/<kind>` is a collection of ours.
fn sort<'a>(method: &Method, path: &'a str, query: &str) -> Sort<'a> {
    let parts: Vec<&str> = path.split('/').collect();
    match (method, parts.as_slice()) {
        (&Method::GET, ["", "apis", "crossorg.dev", _, "namespaces", _, kind]) => {
            // Only the list that a watch begins with comes in pages.
            let (watches, in_pages) = (query.contains("watch=true"), query.contains("limit="));
            if watches {
                Sort::Watch(kind)
            } else if in_pages {
                Sort::List(kind)
            } else {
                Sort::Read
            }
        }
        (&Method::GET, _) => Sort::Read,
        _ => Sort::Write,
    }
}

/// What an API server says when its storage did not answer in time, whether or not the write has taken effect.
fn timed_out() -> Response<Body> {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Timeout", "code": 504,
        "message": "request did not complete within the allotted timeout",
    });
    Response::builder().status(504).header(header::CONTENT_TYPE, "application/json").body(Body::from(status.to_string())).unwrap()
}

/// The administrator's kubeconfig, but for the place where the API server is looked for.
pub(super) fn kubeconfig(world: &World, address: SocketAddr) -> PathBuf {
    let text = std::fs::read_to_string(world.plane.kubeconfig()).unwrap();
    let mut kubeconfig: Value = serde_yaml::from_str(&text).unwrap();
    kubeconfig["clusters"][0]["cluster"] = json!({"server": format!("http://{address}")});
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("it");
    std::fs::create_dir_all(&directory).unwrap();
    let path = directory.join(format!("{}-{}.kubeconfig", world.namespace, address.port()));
    std::fs::write(&path, serde_yaml::to_string(&kubeconfig).unwrap()).unwrap();
    path
}
