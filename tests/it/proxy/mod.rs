//! What stands between an operator and both APIs, and decides what comes through.
//!
//! ```ignore
//! let world = World::new("through-a-proxy").await;
//! let proxy = Proxy::before(&world).await;
//! let operator = world.start_operator_by(proxy.way(), &[]).await;
//! proxy.effects.befall(Fault::AnswerLost, 3, || {});          // the third write from now on, wherever it goes
//! proxy.watches.freeze("orgconnections");                     // half-open: nothing arrives, nothing closes
//! proxy.kubernetes_is_away();                                 // connections are refused
//! ```
//!
//! - *Effects* are the writes to both APIs, counted in one order: what becomes of one of them is chosen by its number.
//! - *Watches* and the lists before them can be held back, frozen, expired, shown as they were earlier, or never answered.
//!
//! TLS to the API server begins here: the operator's own way is plain http. A request that has arrived is carried out whether or not the
//! operator still waits for its answer, as real servers do.

mod datadog;
mod door;
mod effects;
mod kubernetes;
mod watches;

use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response};

use self::datadog::Datadog;
use self::door::Door;
use self::kubernetes::Kubernetes;
use crate::harness::{Way, World};

pub(crate) use self::effects::{Effects, Fault};
pub(crate) use self::watches::Watches;

/// The connection ends without an answer.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("cut without an answer")]
struct Cut;

/// An answer, or none.
type Answer = Result<Response<Body>, Cut>;

/// Whoever answers the requests of a door.
type Answerer = Arc<dyn Fn(Request<Bytes>) -> BoxFuture<'static, Answer> + Send + Sync>;

/// A way to both APIs that can fail.
pub(crate) struct Proxy {
    /// The writes.
    pub(crate) effects: Arc<Effects>,
    /// The watches and their lists.
    pub(crate) watches: Arc<Watches>,
    way: Way,
    kubernetes: Door,
    _datadog: Door,
}

impl Proxy {
    /// A way for an operator of this world, on which nothing fails yet. Several operators may have one each.
    pub(crate) async fn before(world: &World) -> Self {
        let (effects, watches) = (Arc::new(Effects::default()), Arc::new(Watches::default()));
        let api_server = Kubernetes::of(world, Arc::clone(&effects), Arc::clone(&watches));
        let kubernetes = Door::open(api_server.answerer()).await;
        let datadog = Door::open(Datadog::of(world, Arc::clone(&effects)).answerer()).await;
        let kubeconfig = kubernetes::kubeconfig(world, kubernetes.address);
        let way = Way { kubeconfig, datadog_url: format!("http://{}", datadog.address), ..Way::default() };
        Self { effects, watches, way, kubernetes, _datadog: datadog }
    }

    /// How an operator comes here.
    pub(crate) fn way(&self) -> &Way {
        &self.way
    }

    /// Closes all connections to the API server and refuses new ones.
    pub(crate) fn kubernetes_is_away(&self) {
        self.kubernetes.close();
    }

    /// The API server is back, at the same address.
    pub(crate) fn kubernetes_is_back(&self) {
        self.kubernetes.reopen();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // It is worth nothing without this proxy; that it could not be removed harms nobody.
        std::fs::remove_file(&self.way.kubeconfig).ok();
    }
}
