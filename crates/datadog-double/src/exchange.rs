//! The course of one request: arrive, what befalls it before the effect, the effect, what befalls it after, and how it ends.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use http::{Request, Response};
use tokio::sync::oneshot;
use tower::util::BoxCloneSyncService;

use crate::api::Question;
use crate::auth::Presented;
use crate::body::{Dropped, Ending, Frames};
use crate::core::{Arrived, Incoming};
use crate::double::Double;
use crate::faults::{Fault, When, distort};
use crate::journal::Outcome;
use crate::reply::Reply;

/// No request of this API is longer; a longer one is cut off as a gateway would.
const LONGEST_BODY: usize = 1 << 20;

/// How a request ends: with an answer and whether the client can read it, or without one.
struct End {
    reply: Reply,
    legible: bool,
}

type Delivery = oneshot::Sender<Result<Response<Body>, Dropped>>;

impl Double {
    /// Answers one request of the API. A request that has arrived is carried out to its end even if the caller does not wait for it.
    ///
    /// # Errors
    /// [`Dropped`] when the script closes the connection without an answer, or when the request's own body breaks off.
    pub async fn exchange(&self, request: Request<Body>) -> Result<Response<Body>, Dropped> {
        let incoming = read(request).await?;
        let (deliver, delivered) = oneshot::channel();
        // A process that dies does not take back what it has sent: the request goes on in a task of its own.
        tokio::spawn(carry_out(self.clone(), incoming, deliver));
        delivered.await.unwrap_or(Err(Dropped))
    }

    /// The API as a tower service, for clients in this process; a dropped connection is an `Err`.
    #[must_use]
    pub fn service(&self) -> BoxCloneSyncService<Request<Body>, Response<Body>, Dropped> {
        let double = self.clone();
        BoxCloneSyncService::new(tower::service_fn(move |request| {
            let double = double.clone();
            async move { double.exchange(request).await }
        }))
    }

    /// For the router, whose services cannot fail: a dropped connection becomes a response that says so in its extensions and whose body
    /// breaks at once.
    pub(crate) async fn exchange_or_break(self, request: Request<Body>) -> Result<Response<Body>, Infallible> {
        Ok(self.exchange(request).await.unwrap_or_else(|dropped| {
            let mut response = Response::new(Body::new(Frames::new(bytes::Bytes::new(), None, Ending::CutAfter(0))));
            response.extensions_mut().insert(dropped);
            response
        }))
    }
}

async fn read(request: Request<Body>) -> Result<Incoming, Dropped> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, LONGEST_BODY).await.map_err(|_| Dropped)?;
    let query = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&parts.uri).map(|query| query.0).unwrap_or_default();
    let question = Question {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        query,
        keys: Presented::of(&parts.headers),
        body: body.to_vec(),
    };
    Ok(Incoming { question, raw_query: parts.uri.query().map(str::to_owned), headers: parts.headers })
}

async fn carry_out(double: Double, incoming: Incoming, deliver: Delivery) {
    let arrived = double.update(|core| core.arrive(&incoming));
    let end = course(&double, &incoming, &arrived).await;
    let accepts_gzip =
        incoming.headers.get("accept-encoding").and_then(|value| value.to_str().ok()).is_some_and(|text| text.contains("gzip"));
    // The journal comes first: who has read the answer finds it there.
    let result = double.update(|core| {
        let told = end.as_ref().ok().filter(|end| end.legible).map(|end| &end.reply);
        let outcome = match &end {
            _ if deliver.is_closed() => Outcome::Abandoned,
            Ok(end) => Outcome::Answered(end.reply.status),
            Err(Dropped) => Outcome::Dropped,
        };
        core.finish(&arrived, outcome, told.filter(|_| outcome != Outcome::Abandoned));
        let now = core.now();
        end.map(|end| end.reply.into_response(accepts_gzip, now))
    });
    // A client that has gone is in the journal already.
    drop(deliver.send(result));
}

async fn course(double: &Double, incoming: &Incoming, arrived: &Arrived) -> Result<End, Dropped> {
    if let Some(reply) = befall(double, arrived, When::Before).await? {
        return Ok(End { reply, legible: true });
    }
    let reply = double.update(|core| core.perform(&incoming.question, arrived));
    if let Some(replacement) = befall(double, arrived, When::After).await? {
        return Ok(End { reply: replacement, legible: true });
    }
    let legible = !arrived.faults().iter().any(Fault::spoils);
    Ok(End { reply: distort(reply, arrived.faults()), legible })
}

/// What happens at one side of the effect: pauses, then perhaps another answer, or the end of the connection.
async fn befall(double: &Double, arrived: &Arrived, now: When) -> Result<Option<Reply>, Dropped> {
    for fault in arrived.faults() {
        if let Some(reply) = fault.replacement(now) {
            return Ok(Some(reply));
        }
        match *fault {
            Fault::Delay { when, millis } if when == now => tokio::time::sleep(Duration::from_millis(millis)).await,
            Fault::Hold { when } if when == now => hold(double, arrived, now).await,
            Fault::Drop { when } if when == now => return Err(Dropped),
            Fault::Delay { .. }
            | Fault::Hold { .. }
            | Fault::Drop { .. }
            | Fault::Answer { .. }
            | Fault::Html { .. }
            | Fault::TooManyRequests { .. }
            | Fault::Truncate { .. }
            | Fault::EmptyBody
            | Fault::WrongGzip
            | Fault::Drip { .. }
            | Fault::Huge { .. }
            | Fault::List { .. }
            | Fault::OtherOrganization { .. } => {}
        }
    }
    Ok(None)
}

async fn hold(double: &Double, arrived: &Arrived, side: When) {
    let Some(chosen) = &arrived.chosen else { return };
    mark(double, arrived.seq, Some(side));
    // An error means that the rule was removed, which releases as well.
    drop(chosen.gate.clone().wait_for(|open| *open).await);
    mark(double, arrived.seq, None);
}

fn mark(double: &Double, seq: u64, held: Option<When>) {
    double.update(|core| {
        if let Some(entry) = core.journal.entry_mut(seq) {
            entry.held = held;
        }
    });
}
