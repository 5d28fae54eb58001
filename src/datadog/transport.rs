//! How requests reach Datadog: over HTTPS in production, straight into a double's router in a simulation.
//!
//! A transport carries one request and its whole answer. It follows no redirect (reqwest would take the `DD-API-KEY` header along to
//! another host), repeats nothing (a repeated POST is a second connection or a 409) and reads no more than [`MAX_BODY`]. The deadline is
//! the client's: it then holds for every transport.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Method, Request, Response};
use tower::util::BoxCloneSyncService;
use tower::{BoxError, ServiceExt};

/// Carries one request and its whole answer.
pub type Transport = BoxCloneSyncService<Request<Bytes>, Response<Bytes>, TransportError>;

/// The most that an answer may have once it is unpacked, in bytes. A page of 1,000 rows with as many organizations and users beside
/// them is about 2 MiB and the identity of an administrator 175 kB; eight times that is still a fraction of the pod's memory.
pub const MAX_BODY: usize = 16 * 1024 * 1024;

/// A lost packet of the handshake is sent again after 1 s and 3 s; who has not answered by then leaves the request half of its
/// deadline unused, and it is certain that nothing was sent.
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);

/// Load balancers drop idle connections after 60 s, which is also the usual poll interval. A request on a connection that is just being
/// dropped has an unknown outcome, so ours are given up well before.
const IDLE_DEADLINE: Duration = Duration::from_secs(30);

/// Why there is no complete answer.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// No connection came about (name, route, refusal, certificate): nothing has left this process.
    #[error("no connection could be made")]
    NotSent(#[source] BoxError),
    /// The request would have changed something, and this transport lets nothing through that does, see [`observe_only`].
    #[error("only requests that read are sent")]
    ObserveOnly,
    /// The connection broke, or the answer could not be unpacked.
    #[error("the exchange broke off")]
    Broken(#[source] BoxError),
    /// The answer would not end.
    #[error("the answer has more than {MAX_BODY} bytes")]
    TooLarge,
    /// Nothing complete came in time.
    #[error("no complete answer within {} s", .0.as_secs())]
    TimedOut(Duration),
}

/// The way to the real API: HTTPS with the certificates of the system, through the proxy that the environment names (`HTTPS_PROXY`,
/// `NO_PROXY`). Needs the process-wide TLS provider to be installed.
///
/// # Errors
/// No certificates of the system can be read (`SSL_CERT_FILE` names others), or a proxy variable is not a URL.
pub fn over_http() -> Result<Transport, reqwest::Error> {
    with(reqwest::Client::builder())
}

pub(super) fn with(builder: reqwest::ClientBuilder) -> Result<Transport, reqwest::Error> {
    let client = builder
        // With HTTP/2 a connection that a middlebox has dropped in silence stays in use after a time-out; with HTTP/1 it is closed.
        .http1_only()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .gzip(true)
        .connect_timeout(CONNECT_DEADLINE)
        .pool_idle_timeout(IDLE_DEADLINE)
        .build()?;
    Ok(Transport::new(tower::service_fn(move |request| exchange(client.clone(), request))))
}

/// The same transport for looking alone: whatever is no GET is refused before anything is sent.
pub fn observe_only(inner: Transport) -> Transport {
    Transport::new(tower::service_fn(move |request: Request<Bytes>| {
        let inner = inner.clone();
        async move { if request.method() == Method::GET { inner.oneshot(request).await } else { Err(TransportError::ObserveOnly) } }
    }))
}

async fn exchange(client: reqwest::Client, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
    let request = reqwest::Request::try_from(request).map_err(failed)?;
    let mut answer = client.execute(request).await.map_err(failed)?;
    let mut whole = Response::new(Bytes::new());
    *whole.status_mut() = answer.status();
    *whole.headers_mut() = std::mem::take(answer.headers_mut());
    *whole.body_mut() = body(answer).await?;
    Ok(whole)
}

/// Reads chunk by chunk after unpacking, so that neither a liar's `Content-Length` nor a small archive of a large body gets past the cap.
async fn body(mut answer: reqwest::Response) -> Result<Bytes, TransportError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = answer.chunk().await.map_err(failed)? {
        if body.len() + chunk.len() > MAX_BODY {
            return Err(TransportError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn failed(error: reqwest::Error) -> TransportError {
    let sent = !(error.is_connect() || error.is_builder());
    let error = Box::new(error.without_url());
    if sent { TransportError::Broken(error) } else { TransportError::NotSent(error) }
}
