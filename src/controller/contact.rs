//! A Kubernetes client for one watch: no answer is waited for without end, and whoever asks learns when the last one came.
//!
//! kube gives up on an open watch that goes quiet, but not on a list, nor on a watch whose answer never begins: one lost packet there
//! would end all news of that kind for ever.

use std::time::Duration;

use http::{Request, Response};
use http_body_util::BodyExt;
use kube::client::Body;
use tower::BoxError;

/// A list of ten thousand objects takes a second or two; the beginning of a watch's answer milliseconds.
const DEADLINE: Duration = Duration::from_secs(20);

/// The same client with a deadline, telling `answered` of each success.
pub(super) fn client(inner: kube::Client, answered: impl Fn() + Clone + Send + Sync + 'static) -> kube::Client {
    let namespace = inner.default_namespace().to_owned();
    let service = tower::service_fn(move |request: Request<Body>| {
        let (inner, answered) = (inner.clone(), answered.clone());
        async move {
            let answer = tokio::time::timeout(DEADLINE, exchange(inner, request)).await??;
            if answer.status().is_success() {
                answered();
            }
            Ok::<_, BoxError>(answer)
        }
    });
    kube::Client::new(service, namespace)
}

/// The whole answer, or the beginning of a watch's.
async fn exchange(client: kube::Client, request: Request<Body>) -> Result<Response<Body>, BoxError> {
    let watches = request.uri().query().is_some_and(|query| query.split('&').any(|part| part.starts_with("watch=")));
    let answer = client.send(request).await?;
    if watches {
        return Ok(answer);
    }
    let (head, body) = answer.into_parts();
    Ok(Response::from_parts(head, Body::from(body.collect().await?.to_bytes())))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use bytes::Bytes;

    use super::*;

    /// A server that answers a request with this path at once, and any other never.
    fn server() -> kube::Client {
        kube::Client::new(
            tower::service_fn(|request: Request<Body>| async move {
                if request.uri().path() != "/answers" {
                    std::future::pending::<()>().await;
                }
                let endless = futures::stream::pending::<Result<Bytes, Infallible>>();
                let watches = request.uri().query().is_some();
                let body = if watches { axum::body::Body::from_stream(endless) } else { axum::body::Body::from("{}") };
                Ok::<_, Infallible>(Response::new(body))
            }),
            "default",
        )
    }

    async fn ask(path: &str) -> (bool, usize) {
        let count = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        let client = client(server(), move || {
            counted.fetch_add(1, Ordering::Relaxed);
        });
        let answer = client.send(Request::get(path).body(Body::empty()).unwrap()).await;
        (answer.is_ok(), count.load(Ordering::Relaxed))
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_never_begins_is_given_up() {
        for path in ["/silent", "/silent?watch=true"] {
            assert_eq!(ask(path).await, (false, 0), "{path}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_counted_and_a_watch_stays_open() {
        for path in ["/answers", "/answers?watch=1"] {
            assert_eq!(ask(path).await, (true, 1), "{path}");
        }
    }
}
