//! The executor: one write at Datadog, in a task that outlives its pass, laid over the inventory as soon as its answer is there.
//!
//! A call has three outcomes. Done and not done are taken as they are; an unknown one is resolved by a list begun afterwards.

use std::future::Future;
use std::sync::Arc;

use tokio::time::Instant;

use super::context::Context;
use crate::api::conditions::ConnectionReason;
use crate::datadog::{Call, Class, Client, Deleted, Error, Outcome};
use crate::decide::model::{Connection, ConnectionTypes, Pair, Principal};
use crate::decide::outcome::{Effect, Report, Retry, Shown};
use crate::decide::requeue::{Rank, on_reopening};
use crate::decide::step;
use crate::log::chain;
use crate::metrics::Failure;
use crate::world::Key;
use crate::world::inventory::OwnWrite;
use crate::world::org::Org;

/// The right to write for a pair, for one pass or call of this process at a time. Whoever waits for it is woken when a call under it ends,
/// or looks again soon.
pub(super) struct Reservation {
    context: Arc<Context>,
    pair: Pair,
}

impl Reservation {
    /// Takes it, if nobody else holds it.
    pub(super) fn of(context: &Arc<Context>, pair: Pair) -> Option<Self> {
        context.objects.reserve(pair).then(|| Self { context: Arc::clone(context), pair })
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.context.objects.release(self.pair);
    }
}

/// Where a write goes.
pub(super) struct Target {
    /// For which object.
    pub(super) object: Key,
    /// Everything shared.
    pub(super) context: Arc<Context>,
    /// Whose inventory learns of it.
    pub(super) org: Arc<Org>,
    /// Speaks for the source.
    pub(super) client: Client,
    /// Whom it speaks as.
    pub(super) us: Principal,
    /// Whether this is the write that shows whether the key may write.
    pub(super) tries: bool,
    /// Held until the answer is there.
    pub(super) reservation: Reservation,
}

impl Target {
    /// Creates the connection; `again` if one was owned before and has vanished.
    pub(super) async fn create(self, pair: Pair, types: ConnectionTypes, again: bool) -> Report {
        let (client, us) = (self.client.clone(), self.us);
        let answer = self.send(pair, async move {
            let mut created = client.create(pair, &types).await?;
            // The answer names the creator alone; what else the next list will tell of it is known already.
            created.created_by = created.created_by.map(|creator| if creator.id == us.id { us } else { creator });
            Ok((OwnWrite::Wrote(created.clone()), (created, types)))
        });
        match answer.await {
            Ok((created, wanted)) if created.types != wanted => not_taken(created, &wanted),
            Ok((created, _)) => {
                let effect = if again { Effect::Recreated(created.clone()) } else { Effect::Created(created.clone()) };
                Report::in_sync(created, Some(effect))
            }
            // What is not told of changes nothing that the status shows.
            Err(report) if report.verdict.is_none() => *report,
            Err(report) => report.showing(Shown::NotOurs),
        }
    }

    /// Gives the connection these types; `drift` if it was in sync with this very spec before.
    pub(super) async fn update(self, connection: Connection, types: ConnectionTypes, drift: bool) -> Report {
        let (client, before) = (self.client.clone(), connection.clone());
        let answer = self.send(connection.pair(), async move {
            let patched = client.update(connection.id, &types).await?;
            // The answer has no names: those of the list stay.
            let updated = Connection { types: patched.types, ..connection };
            Ok((OwnWrite::Wrote(updated.clone()), (updated, types)))
        });
        match answer.await {
            Ok((updated, wanted)) if updated.types == wanted => {
                let difference = before.types.difference(&updated.types);
                let effect = if drift { Effect::Repaired(difference) } else { Effect::Updated(difference) };
                Report::in_sync(updated, Some(effect))
            }
            Ok((updated, wanted)) => not_taken(updated, &wanted),
            Err(report) => report.showing(Shown::Owned(before)),
        }
    }

    /// Deletes the connection by its id.
    pub(super) async fn delete(self, connection: Connection) -> Report {
        let (client, id) = (self.client.clone(), connection.id);
        let answer = self.send(connection.pair(), async move { Ok((OwnWrite::Deleted(id), client.delete(id).await?)) });
        match answer.await {
            Ok(deleted) => {
                let what = match deleted {
                    Deleted::Now => format!("deleted connection {id}: {} no longer shared", connection.types),
                    Deleted::AlreadyGone => format!("connection {id} was gone already"),
                };
                Report::unchanged(Retry::WhenWoken).having(Effect::Deleted(what))
            }
            Err(report) => *report,
        }
    }

    /// Sends it in its own task: a pass may be dropped at any await, a call under way must not.
    async fn send<T: Send + 'static>(
        self,
        pair: Pair,
        call: impl Future<Output = Result<(OwnWrite, T), Error>> + Send + 'static,
    ) -> Result<T, Box<Report>> {
        let calls = self.context.calls.clone();
        let task = calls.spawn(async move {
            let answer = call.await;
            // What never reached Datadog, or was refused for a reason that is still to be found out, shows nothing.
            let shows = |error: &Error| !is_about_the_key(error) && !matches!(error.class(), Class::Transient | Class::Throttled { .. });
            let answered = answer.as_ref().map_or_else(shows, |_| true);
            let answer = match answer {
                Ok((write, value)) => {
                    self.org.wrote(pair, write);
                    Ok(value)
                }
                Err(error) => Err(Box::new(self.failed(pair, &error))),
            };
            if self.tries && self.org.ended_write(answered) {
                self.context.wake(self.context.objects.of_org(&self.org.key).into_iter().filter(|key| *key != self.object));
            }
            drop(self.reservation);
            // Those who found the pair busy look again; this object's own pass goes on.
            self.context.wake(self.context.objects.beside(&self.object));
            answer
        });
        task.await.unwrap_or_else(|_| Err(Box::new(Report::unchanged(Retry::Backoff))))
    }

    /// What a failed call means for the inventory and the organization, and what is said of it.
    fn failed(&self, pair: Pair, error: &Error) -> Report {
        if error.outcome() == Outcome::Unknown || contradicts_the_list(error) {
            self.org.wrote(pair, OwnWrite::InDoubt);
            self.org.want_list(Some(pair));
        }
        if matches!(error, Error::Forbidden { call: Call::Create, .. }) && !is_about_the_key(error) {
            // Whether a key may create does not depend on the pair; a single connection may be restricted for all but a few.
            self.org.refused(&self.client, error.to_string());
        } else if matches!(error, Error::Unauthorized { .. } | Error::Forbidden { .. }) {
            // The key may be bad, or its owner lack the permission altogether: whom it belongs to tells.
            self.org.suspects(&self.client);
        }
        self.context.wake_org(&self.org.key);
        self.context.metrics.failed(match error.class() {
            Class::Transient => Failure::Transient,
            Class::Throttled { .. } => Failure::Throttled,
            Class::Permanent => Failure::Permanent,
        });
        let again = contradicts_the_list(error) && self.context.objects.contradicted(&self.object);
        report_of(error, again).pausing().because(chain(error))
    }
}

/// A key that was just made may be refused for seconds, and a revoked one is refused in the same words.
fn is_about_the_key(error: &Error) -> bool {
    match error {
        Error::Unauthorized { .. } => true,
        Error::Forbidden { .. } => error.missing_permission().is_none(),
        Error::Unreachable { .. } | Error::NoAnswer { .. } | Error::Throttled { .. } | Error::NotFound { .. } => false,
        Error::Conflict { .. } | Error::Rejected { .. } | Error::ServerError { .. } | Error::Unreadable { .. } => false,
        Error::RedirectRefused { .. } | Error::ObserveOnly { .. } => false,
    }
}

/// Whether the answer says that something else is there than the list did on which the call was made.
fn contradicts_the_list(error: &Error) -> bool {
    matches!(error, Error::Conflict { .. } | Error::NotFound { call: Call::Update(_), .. })
}

/// What is said of a failed call. That an answer contradicts the list is said only if it did so `again`, after the list that was asked for:
/// that one mostly tells what to say.
fn report_of(error: &Error, again: bool) -> Report {
    let not_ready = |reason, retry| Report::not_ready(reason, error.to_string(), retry);
    if contradicts_the_list(error) {
        let message =
            format!("{error}; yet the list shows otherwise. If that lasts, somebody has restricted who may see or change the connection");
        let told = Report::not_ready(ConnectionReason::Retrying, message, Retry::Backoff);
        return if again { told } else { Report::unchanged(Retry::Backoff) };
    }
    match (error.class(), error) {
        (Class::Transient, _) => not_ready(ConnectionReason::Retrying, Retry::Backoff),
        (Class::Throttled { until }, error) => {
            let rank = if matches!(error, Error::Throttled { call: Call::Delete(_), .. }) { Rank::Deletion } else { Rank::Change };
            let wait = on_reopening(until.saturating_duration_since(Instant::now()), rank);
            not_ready(ConnectionReason::Throttled, Retry::After(wait))
        }
        // The next identity check finds out what is wrong with the key, if anything is.
        (Class::Permanent, error) if is_about_the_key(error) => not_ready(ConnectionReason::Retrying, Retry::Backoff),
        (
            Class::Permanent,
            Error::Forbidden { call: Call::Delete(_), .. }
            | Error::Rejected { call: Call::Delete(_), .. }
            | Error::ObserveOnly { call: Call::Delete(_) },
        ) => step::blocked(&error.to_string()),
        (Class::Permanent, Error::Forbidden { .. }) => step::permission_missing(&error.to_string()),
        (Class::Permanent, Error::NotFound { .. }) => not_ready(ConnectionReason::SinkUnknown, Retry::Permanent),
        (Class::Permanent, _) => not_ready(ConnectionReason::NotAllowed, Retry::Permanent),
    }
}

/// Datadog answered with other types than asked for: said once, looked at again slowly, never fought over.
fn not_taken(updated: Connection, wanted: &ConnectionTypes) -> Report {
    let message = format!("Datadog took the request but shows {} instead of {wanted}: check the connection types", updated.types);
    Report::not_ready(ConnectionReason::NotAllowed, message, Retry::Permanent).showing(Shown::Owned(updated)).pausing()
}

#[cfg(test)]
mod tests;
