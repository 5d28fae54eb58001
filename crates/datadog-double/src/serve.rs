//! The double on a socket.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tower::ServiceExt;

use crate::body::Dropped;
use crate::config::Config;
use crate::control;
use crate::double::Double;

/// A full table of open files is the only lasting reason for a failed accept: trying again at once would burn the processor.
const AFTER_FAILED_ACCEPT: Duration = Duration::from_millis(50);

/// A double that listens on a free port of the loopback; it stops when this is dropped.
#[derive(Debug)]
pub struct Running {
    /// The handle.
    pub double: Double,
    /// Where it listens.
    pub address: SocketAddr,
    /// `http://127.0.0.1:<port>`, without a slash at the end.
    pub url: String,
    server: AbortHandle,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Double {
    /// The API and the control interface under `/_double/` as a router. A dropped connection is a response with [`Dropped`] in its
    /// extensions and a body that breaks at once; [`Self::service`] answers an `Err` instead.
    pub fn router(&self) -> Router {
        let double = self.clone();
        let api = tower::service_fn(move |request: Request<Body>| double.clone().exchange_or_break(request));
        Router::new().nest("/_double", control::routes(self)).fallback_service(api)
    }

    /// Serves connections of this listener, for ever; whoever drops the future closes them all.
    pub async fn serve(self, listener: TcpListener) {
        let router = self.router();
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => drop(connections.spawn(converse(router.clone(), stream))),
                    Err(_) => tokio::time::sleep(AFTER_FAILED_ACCEPT).await,
                },
                Some(_) = connections.join_next() => {}
            }
        }
    }

    /// Starts a double with the real clock and random ids on a free port of the loopback.
    ///
    /// # Errors
    /// When the loopback has no free port.
    pub async fn start(config: &Config) -> io::Result<Running> {
        Self::new(config).listen().await
    }

    /// Puts this double on a free port of the loopback.
    ///
    /// # Errors
    /// When the loopback has no free port.
    pub async fn listen(self) -> io::Result<Running> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let server = tokio::spawn(self.clone().serve(listener)).abort_handle();
        Ok(Running { double: self, address, url: format!("http://{address}"), server })
    }
}

/// One connection. An `Err` of the service makes hyper close it without a byte, which is what a dropped answer looks like.
async fn converse(router: Router, stream: TcpStream) {
    let service = service_fn(move |request: Request<Incoming>| {
        let router = router.clone();
        async move {
            let Ok(response) = router.oneshot(request.map(Body::new)).await;
            if response.extensions().get::<Dropped>().is_some() { Err(Dropped) } else { Ok(response) }
        }
    });
    // Without it small chunks wait for the client's delayed acknowledgement. It fails only on a connection that is gone.
    drop(stream.set_nodelay(true));
    // The client that goes away and the script that cuts are the only errors here, and neither is news.
    drop(http1::Builder::new().auto_date_header(false).serve_connection(TokioIo::new(stream), service).await);
}
