//! A Kubernetes client for one watch: no answer is waited for without end, and whoever asks learns when the last one came.
//!
//! kube gives up on an open watch that goes quiet, but not on a list, nor on a watch whose answer never begins: one lost packet there
//! would end all news of that kind for ever.

use std::task::Poll;
use std::time::Duration;

use axum::body::Body as AxumBody;
use bytes::Bytes;
use futures::{Stream, stream};
use http::{Request, Response};
use http_body_util::BodyExt;
use kube::client::Body;
use tower::BoxError;

/// A list of ten thousand objects takes a second or two; the beginning of a watch's answer milliseconds.
const DEADLINE: Duration = Duration::from_secs(20);

/// The same client with a deadline, telling `answered` of each sign of life: a list's whole answer, and of a watch what comes through it,
/// also its end in good order. That a watch begins proves nothing: something in between may let it begin and nothing through.
pub(super) fn client(inner: kube::Client, answered: impl Fn() + Clone + Send + Sync + 'static) -> kube::Client {
    let namespace = inner.default_namespace().to_owned();
    let service = tower::service_fn(move |request: Request<Body>| {
        let (inner, answered) = (inner.clone(), answered.clone());
        async move { tokio::time::timeout(DEADLINE, exchange(inner, request, answered)).await? }
    });
    kube::Client::new(service, namespace)
}

async fn exchange(
    client: kube::Client,
    request: Request<Body>,
    answered: impl Fn() + Send + Sync + 'static,
) -> Result<Response<AxumBody>, BoxError> {
    let watches = request.uri().query().is_some_and(|query| query.split('&').any(|part| part.starts_with("watch=")));
    let (head, body) = client.send(request).await?.into_parts();
    if watches && head.status.is_success() {
        return Ok(Response::from_parts(head, AxumBody::from_stream(heard(body, answered))));
    }
    let body = body.collect().await?.to_bytes();
    if head.status.is_success() {
        answered();
    }
    Ok(Response::from_parts(head, AxumBody::from(body)))
}

/// A watch's answer, with `answered` told of each piece and of the end.
fn heard(body: Body, answered: impl Fn() + Send + Sync + 'static) -> impl Stream<Item = Result<Bytes, BoxError>> + Send {
    let mut pieces = Box::pin(body.into_data_stream());
    stream::poll_fn(move |task| {
        let piece = pieces.as_mut().poll_next(task);
        if matches!(piece, Poll::Ready(None | Some(Ok(_)))) {
            answered();
        }
        piece.map_err(BoxError::from)
    })
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// A server that answers a request with this path at once, and any other never.
    fn server() -> kube::Client {
        kube::Client::new(
            tower::service_fn(|request: Request<Body>| async move {
                if request.uri().path() != "/answers" {
                    std::future::pending::<()>().await;
                }
                let endless = stream::pending::<Result<Bytes, Infallible>>();
                let watches = request.uri().query().is_some();
                let body = if watches { AxumBody::from_stream(endless) } else { AxumBody::from("{}") };
                Ok::<_, Infallible>(Response::new(body))
            }),
            "default",
        )
    }

    /// Whether an answer began, and how often a sign of life was told of.
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
    async fn a_list_is_a_sign_of_life_and_the_beginning_of_a_watch_is_none() {
        assert_eq!(ask("/answers").await, (true, 1));
        assert_eq!(ask("/answers?watch=1").await, (true, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_through_a_watch_and_its_end_are_signs_of_life_and_a_break_is_none() {
        for (pieces, signs) in [(vec![Ok("one"), Ok("two")], 3), (vec![Ok("one"), Err("cut")], 1), (vec![], 1)] {
            let pieces = pieces.into_iter().map(|piece: Result<&str, &str>| piece.map(Bytes::from).map_err(std::io::Error::other));
            let source = kube::Client::new(
                tower::service_fn(move |_: Request<Body>| {
                    let body = AxumBody::from_stream(stream::iter(pieces.clone().collect::<Vec<_>>()));
                    async move { Ok::<_, Infallible>(Response::new(body)) }
                }),
                "default",
            );
            let count = Arc::new(AtomicUsize::new(0));
            let counted = Arc::clone(&count);
            let client = client(source, move || {
                counted.fetch_add(1, Ordering::Relaxed);
            });
            let answer = client.send(Request::get("/any?watch=true").body(Body::empty()).unwrap()).await.unwrap();
            answer.into_body().collect().await.ok();
            assert_eq!(count.load(Ordering::Relaxed), signs);
        }
    }
}
