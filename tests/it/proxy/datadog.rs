//! The way to Datadog.

use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use datadog_double::Double;
use futures::FutureExt;
use http::{Method, Request, Response};

use super::effects::Effects;
use super::{Answer, Answerer, Cut};
use crate::harness::World;

#[derive(Clone)]
pub(super) struct Datadog {
    double: Double,
    effects: Arc<Effects>,
}

impl Datadog {
    pub(super) fn of(world: &World, effects: Arc<Effects>) -> Self {
        Self { double: world.datadog.clone(), effects }
    }

    pub(super) fn answerer(self) -> Answerer {
        Arc::new(move |request| self.clone().answer(request).boxed())
    }

    async fn answer(self, request: Request<Bytes>) -> Answer {
        let what = format!("{} {}", request.method(), request.uri().path());
        let is_write = request.method() != Method::GET;
        let double = self.double;
        let server = async move { double.exchange(request.map(Body::from)).await.map_err(|_| Cut) };
        if is_write { self.effects.pass(what, server, bad_gateway).await } else { server.await }
    }
}

fn bad_gateway() -> Response<Body> {
    Response::builder().status(502).header("content-type", "text/html").body(Body::from("<html>Bad Gateway</html>")).unwrap()
}
