//! The way to Datadog, and what befalls requests on it.

use std::time::Duration;

use bytes::Bytes;
use crossorg::datadog::{Transport, TransportError};
use datadog_double::{Counts, Double, Fault, ListFault, OddShape, Rule, Stale, When};
use http::{Method, Request, Response};
use http_body_util::BodyExt;
use tokio::time::Instant;
use tower::{BoxError, ServiceExt};
use uuid::Uuid;

use super::{Kind, State, Weather};
use crate::apiserver::Line;
use crate::oracle::{Asked, LIST_LAG, Oracle};
use crate::world::World;

type Answer = Result<Response<Bytes>, TransportError>;

/// What becomes of a request.
enum Fate {
    /// It goes its way, and these befall it there.
    Sent(Vec<Fault>),
    NotSent,
    NotSentByTheDead,
    SentByTheDead,
}

/// One process' way to Datadog.
pub(crate) fn transport(world: &World, weather: &Weather, oracle: &Oracle, line: &Line) -> Transport {
    let way = Way { datadog: world.datadog.clone(), weather: weather.clone(), oracle: oracle.clone(), line: line.clone() };
    Transport::new(tower::service_fn(move |request| {
        let way = way.clone();
        async move { way.line.clone().through(way.carry(request)).await }
    }))
}

#[derive(Clone)]
struct Way {
    datadog: Double,
    weather: Weather,
    oracle: Oracle,
    line: Line,
}

impl Way {
    async fn carry(self, request: Request<Bytes>) -> Answer {
        let asked = Asked::read(&request);
        let fate = self.weather.of_datadog(&self.line, &asked, &self.datadog);
        if !matches!(fate, Fate::NotSentByTheDead | Fate::NotSent) {
            self.oracle.datadog_asked(self.line.number(), &asked);
        }
        if !self.oracle.is_content() {
            return std::future::pending().await;
        }
        match fate {
            Fate::NotSent => Err(TransportError::NotSent(BoxError::from("no way to Datadog"))),
            Fate::NotSentByTheDead => {
                self.line.cut();
                std::future::pending().await
            }
            Fate::SentByTheDead => {
                tokio::spawn(exchange(self.datadog.clone(), request));
                self.line.cut();
                std::future::pending().await
            }
            Fate::Sent(faults) => {
                let rule = self.datadog.script(rule(faults, &asked));
                let answer = exchange(self.datadog.clone(), request).await;
                drop(self.datadog.remove_rule(rule));
                if let Ok(answer) = &answer {
                    self.oracle.datadog_answered(self.line.number(), &asked, answer);
                }
                answer
            }
        }
    }
}

async fn exchange(datadog: Double, request: Request<Bytes>) -> Answer {
    let broken = |error: BoxError| TransportError::Broken(error);
    let answer = datadog.service().oneshot(request.map(axum::body::Body::from)).await.map_err(|dropped| broken(dropped.into()))?;
    let (parts, body) = answer.into_parts();
    Ok(Response::from_parts(parts, body.collect().await.map_err(|error| broken(error.into()))?.to_bytes()))
}

/// A rule for this request alone. Any request takes a while.
fn rule(faults: Vec<Fault>, asked: &Asked) -> Rule {
    let way = Rule::new(Fault::Delay { when: When::Before, millis: 20 }).method(asked.method.as_str()).path(&asked.path);
    let way = faults.into_iter().fold(way, Rule::and).and(Fault::Delay { when: When::After, millis: 40 });
    asked.organization.into_iter().fold(way, Rule::organization)
}

impl Weather {
    fn of_datadog(&self, line: &Line, asked: &Asked, datadog: &Double) -> Fate {
        let mut state = self.state();
        let odds = state.odds;
        if state.is_under(Kind::DatadogAway) {
            return state.while_away();
        }
        if asked.is_write() {
            match state.strikes(&Kind::OF_PROCESS, odds) {
                Some(Kind::CrashBeforeEffect) => return Fate::NotSentByTheDead,
                Some(_) => return Fate::SentByTheDead,
                None => {}
            }
        }
        debug_assert!(!line.is_cut());
        // Writes are rare, and what befalls them matters most.
        let odds = if asked.is_write() { odds.div_ceil(5) } else { odds };
        let kind = if asked.is_list() && state.chance.bool() {
            state.strikes(&Kind::OF_LISTS, odds)
        } else {
            state.strikes(&Kind::OF_DATADOG, odds)
        };
        if !asked.is_list() {
            return kind.map_or(Fate::Sent(Vec::new()), |kind| state.of_exchange(kind, &asked.method));
        }
        let asker = (line.number(), asked.key.clone());
        let after_empty = state.empty.remove(&asker);
        let since_last = state.listed_at.replace(Instant::now()).map_or(Duration::ZERO, |at| at.elapsed());
        match kind {
            None => Fate::Sent(Vec::new()),
            Some(Kind::EmptyList) if after_empty => Fate::Sent(Vec::new()),
            Some(Kind::EmptyList) => {
                state.empty.insert(asker);
                Fate::Sent(vec![Fault::list(ListFault::Empty)])
            }
            Some(Kind::ListOfAnother) => Fate::Sent(stand_in(asked.organization, datadog).into_iter().collect()),
            Some(kind) if Kind::OF_LISTS.contains(&kind) => Fate::Sent(vec![state.of_list(kind, since_last)]),
            Some(kind) => state.of_exchange(kind, &asked.method),
        }
    }
}

impl State {
    fn while_away(&mut self) -> Fate {
        match self.chance.u8(..3) {
            0 => Fate::NotSent,
            1 => Fate::Sent(vec![Fault::Html { when: When::Before, status: 503 }]),
            _ => Fate::Sent(vec![Fault::Drop { when: When::Before }]),
        }
    }

    fn of_exchange(&mut self, kind: Kind, method: &Method) -> Fate {
        let (before, after) = (When::Before, When::After);
        let status = [500, 502, 503, 504][self.chance.usize(..4)];
        let reset = self.chance.u64(1..60).to_string();
        let delay = |when, seconds: u64| Fault::Delay { when, millis: seconds * 1000 };
        let one = match kind {
            Kind::NotSent => return Fate::NotSent,
            Kind::DroppedBefore => Fault::Drop { when: before },
            Kind::DroppedAfter => Fault::Drop { when: after },
            Kind::ErrorBefore => Fault::status(before, status),
            Kind::ErrorAfter => Fault::status(after, status),
            Kind::HtmlBefore => Fault::Html { when: before, status: 200 },
            Kind::HtmlAfter => Fault::Html { when: after, status: 200 },
            Kind::ThrottledWithReset => Fault::TooManyRequests { reset: Some(reset), html: false },
            Kind::ThrottledBlindly => Fault::TooManyRequests { reset: None, html: false },
            Kind::ThrottledByHtml => Fault::TooManyRequests { reset: None, html: true },
            Kind::Truncated => Fault::Truncate { keep: self.chance.usize(..200) },
            Kind::EmptyBody => Fault::EmptyBody,
            Kind::SlowDatadog => return Fate::Sent(vec![delay(before, self.chance.u64(..4)), delay(after, self.chance.u64(..4))]),
            Kind::LateRequest => delay(before, 12),
            Kind::LateAnswer => delay(after, 12),
            Kind::KeyRefusedOnce => Fault::status(before, if *method == Method::GET { 403 } else { 401 }),
            _ => {
                self.lasts(Kind::DatadogAway, 5..400);
                Fault::Drop { when: before }
            }
        };
        Fate::Sent(vec![one])
    }

    /// `since_last` is how long ago the list before was asked for: a lag within that misses a write in one list at most.
    fn of_list(&mut self, kind: Kind, since_last: Duration) -> Fault {
        let list = match kind {
            Kind::ShortList => ListFault::Short { keep: self.chance.usize(..3), counts: Counts::Full },
            Kind::LaggingList => {
                let lag = since_last.min(LIST_LAG).mul_f64(self.chance.f64());
                return Fault::stale(Stale::Millis { millis: u64::try_from(lag.as_millis()).unwrap() });
            }
            Kind::OddRow => {
                let shape = [OddShape::WithoutRelationships, OddShape::WithoutData, OddShape::UnknownType][self.chance.usize(..3)];
                ListFault::Odd { row: self.chance.usize(..4), shape }
            }
            Kind::ListWithoutCounts => ListFault::WithoutMeta,
            _ => ListFault::Reversed,
        };
        Fault::list(list)
    }
}

/// The list of another organization, if it can be told from the true one: it shows a row that the asker has no part in.
fn stand_in(asker: Option<Uuid>, datadog: &Double) -> Option<Fault> {
    let asker = asker?;
    let rows = datadog.state().connections;
    let stranger = rows.iter().find(|row| ![row.source, row.sink].contains(&asker))?;
    Some(Fault::OtherOrganization { organization: stranger.source })
}
