//! The time for which a process leads.

use std::pin::pin;

use futures::future::{Either, select};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tower::ServiceExt;

use crate::datadog::Transport;

/// The time for which a process leads. Cheap to clone; all clones are one term.
#[derive(Debug, Clone)]
pub struct Term(watch::Receiver<Instant>);

impl Term {
    /// One whose end stands here. It must not be moved once it has passed.
    pub(super) fn of(ends: watch::Receiver<Instant>) -> Self {
        Self(ends)
    }

    /// When it ends unless it is renewed.
    pub fn ends(&self) -> Instant {
        *self.0.borrow()
    }

    /// Whether it has ended. Then it does not begin again.
    pub fn is_over(&self) -> bool {
        Instant::now() >= self.ends()
    }

    /// Waits for its end.
    pub async fn over(mut self) {
        loop {
            let ends = *self.0.borrow_and_update();
            match select(pin!(sleep_until(ends)), pin!(self.0.changed())).await {
                Either::Right((Ok(()), _)) => {}
                // Nobody renews it any more.
                Either::Left(_) | Either::Right((Err(_), _)) => return,
            }
        }
    }

    /// The same transport, on which no request begins after the term: such a one is never answered, since no error would be true of Datadog.
    /// A process that stood still learns here first that it leads no more.
    pub fn fence(self, inner: Transport) -> Transport {
        Transport::new(tower::service_fn(move |request| {
            let (term, inner) = (self.clone(), inner.clone());
            async move {
                if term.is_over() {
                    return std::future::pending().await;
                }
                inner.oneshot(request).await
            }
        }))
    }
}

#[cfg(test)]
mod tests;
