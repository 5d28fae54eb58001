//! A port of the loopback that can be closed and opened again.

use std::net::SocketAddr;

use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

use super::{Answerer, Cut};

/// A port; it is closed for good when this is dropped.
pub(super) struct Door {
    pub(super) address: SocketAddr,
    open: watch::Sender<bool>,
    server: AbortHandle,
}

impl Door {
    /// A free port.
    pub(super) async fn open(answerer: Answerer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (open, is_open) = watch::channel(true);
        let server = tokio::spawn(serve(listener, is_open, answerer)).abort_handle();
        Self { address, open, server }
    }

    /// Ends all connections and refuses new ones.
    pub(super) fn close(&self) {
        self.open.send_replace(false);
    }

    /// Opens the same port again.
    pub(super) fn reopen(&self) {
        self.open.send_replace(true);
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(mut listener: TcpListener, mut open: watch::Receiver<bool>, answerer: Answerer) {
    let address = listener.local_addr().unwrap();
    loop {
        let mut connections = JoinSet::new();
        while *open.borrow_and_update() {
            tokio::select! {
                accepted = listener.accept() => {
                    connections.spawn(converse(accepted.unwrap().0, answerer.clone()));
                }
                Some(_) = connections.join_next() => {}
                changed = open.changed() => if changed.is_err() { return },
            }
        }
        drop((listener, connections));
        // An error means that the door has gone, and this task with it.
        drop(open.wait_for(|open| *open).await);
        listener = TcpListener::bind(address).await.unwrap();
    }
}

/// One connection. An `Err` of the service makes hyper close it without a byte.
async fn converse(stream: TcpStream, answerer: Answerer) {
    let service = service_fn(move |request: Request<Incoming>| {
        let answerer = answerer.clone();
        async move { answerer(read(request).await?).await }
    });
    // Without it small chunks wait for the delayed acknowledgement of the other side. It fails only on a connection that is gone.
    drop(stream.set_nodelay(true));
    // Whoever goes away and whoever is cut off are the only errors here, and neither is news.
    drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
}

async fn read(request: Request<Incoming>) -> Result<Request<Bytes>, Cut> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Cut)?;
    Ok(Request::from_parts(head, body.to_bytes()))
}

/// An answer of a server as this one passes it on: how its body is framed is decided anew.
pub(super) fn passed_on<B>(response: Response<B>) -> Response<Body>
where
    B: BodyExt<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (mut head, body) = response.into_parts();
    head.headers.remove(http::header::TRANSFER_ENCODING);
    head.headers.remove(http::header::CONNECTION);
    Response::from_parts(head, Body::new(body))
}
