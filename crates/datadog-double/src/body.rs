//! A response body that can end as badly as real ones do.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

/// The connection ended without an answer, or in the middle of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the Datadog double dropped the connection, as it was told to")]
pub struct Dropped;

/// How a body goes out and ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Ending {
    #[default]
    Complete,
    /// After so many bytes the connection breaks.
    CutAfter(usize),
    /// One byte at a time, with a pause before each.
    Drip(Duration),
}

/// The bytes of one body on their way.
#[derive(Debug)]
pub(crate) struct Frames {
    rest: Bytes,
    length: Option<usize>,
    ending: Ending,
    flushed: bool,
    pause: Option<Pin<Box<Sleep>>>,
}

impl Frames {
    /// With a `length` the body is framed by `Content-Length`, else chunked.
    pub(crate) fn new(mut bytes: Bytes, length: Option<usize>, ending: Ending) -> Self {
        if let Ending::CutAfter(kept) = ending {
            bytes.truncate(kept);
        }
        Self { rest: bytes, length, ending, flushed: false, pause: None }
    }

    /// Gives the server one turn to send what it has buffered: else the break would swallow the bytes before it.
    fn cut(&mut self, context: &Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Dropped>>> {
        if self.flushed {
            return Poll::Ready(Some(Err(Dropped)));
        }
        self.flushed = true;
        context.waker().wake_by_ref();
        Poll::Pending
    }

    fn drip(&mut self, every: Duration, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Dropped>>> {
        let pause = self.pause.get_or_insert_with(|| Box::pin(tokio::time::sleep(every)));
        std::task::ready!(pause.as_mut().poll(context));
        self.pause = None;
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(1)))))
    }
}

impl Body for Frames {
    type Data = Bytes;
    type Error = Dropped;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Dropped>>> {
        let empty = self.rest.is_empty();
        match self.ending {
            Ending::Complete | Ending::Drip(_) if empty => Poll::Ready(None),
            Ending::CutAfter(_) if empty => self.cut(context),
            Ending::Drip(every) => self.drip(every, context),
            Ending::Complete | Ending::CutAfter(_) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.rest))))),
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.length.and_then(|length| u64::try_from(length).ok()).map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
