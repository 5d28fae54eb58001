//! How a fault bends an answer. Pure.

use std::time::Duration;

use bytes::Bytes;
use uuid::Uuid;

use crate::body::Ending;
use crate::faults::{Fault, ListFault, OddShape, Scripted, When};
use crate::refusal::Refusal;
use crate::reply::Reply;
use crate::wire::{Relationship, Row};

/// A page as a gateway sends it.
const PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Sorry</title></head><body><h1>We'll be back soon</h1></body></html>\n";
/// The bucket a scripted 429 speaks of: the one of a recorded 429.
const TOLD_LIMIT: u64 = 10;
const TOLD_PERIOD: u64 = 10;

impl Fault {
    /// The answer that takes the place of the true one at this side of the effect, if the fault has one.
    pub(crate) fn replacement(&self, now: When) -> Option<Reply> {
        match self {
            Self::Answer { when, answer } if *when == now => Some(answer.reply()),
            Self::Html { when, status } if *when == now => Some(Reply::new(*status, "text/html; charset=utf-8", PAGE)),
            Self::TooManyRequests { reset, html } if now == When::Before => Some(too_many(reset.as_deref(), *html)),
            Self::Answer { .. }
            | Self::Html { .. }
            | Self::TooManyRequests { .. }
            | Self::Delay { .. }
            | Self::Hold { .. }
            | Self::Drop { .. }
            | Self::Truncate { .. }
            | Self::EmptyBody
            | Self::WrongGzip
            | Self::Drip { .. }
            | Self::Huge { .. }
            | Self::List { .. }
            | Self::OtherOrganization { .. } => None,
        }
    }

    /// Whether the client cannot be held to have read the answer.
    pub(crate) fn spoils(&self) -> bool {
        matches!(self, Self::Truncate { .. } | Self::EmptyBody | Self::WrongGzip | Self::Drip { .. } | Self::Huge { .. })
    }

    /// What is wrong with a list.
    pub(crate) fn of_list(&self) -> Option<ListFault> {
        if let Self::List { list } = self { Some(*list) } else { None }
    }

    /// The organization that is answered instead of the caller.
    pub(crate) fn stand_in(&self) -> Option<Uuid> {
        if let Self::OtherOrganization { organization } = self { Some(*organization) } else { None }
    }
}

/// Bends the true answer.
pub(crate) fn distort(reply: Reply, faults: &[Fault]) -> Reply {
    faults.iter().fold(reply, |reply, fault| match *fault {
        Fault::Truncate { keep } => Reply { ending: Ending::CutAfter(keep), ..reply },
        Fault::EmptyBody => Reply { body: Bytes::new(), ..reply },
        Fault::WrongGzip => Reply { false_gzip: true, ..reply },
        Fault::Drip { millis } => Reply { ending: Ending::Drip(Duration::from_millis(millis)), ..reply },
        Fault::Huge { bytes } => Reply { body: vec![b' '; bytes].into(), ..reply },
        Fault::Delay { .. }
        | Fault::Hold { .. }
        | Fault::Drop { .. }
        | Fault::Answer { .. }
        | Fault::Html { .. }
        | Fault::TooManyRequests { .. }
        | Fault::List { .. }
        | Fault::OtherOrganization { .. } => reply,
    })
}

impl Scripted {
    fn reply(&self) -> Reply {
        let mut reply = Reply::new(self.status, &self.content_type, self.body.clone());
        reply.headers.extend(self.headers.iter().cloned());
        reply
    }
}

fn too_many(reset: Option<&str>, html: bool) -> Reply {
    let recorded = Refusal::Limited { limit: TOLD_LIMIT, period: TOLD_PERIOD }.reply();
    let mut reply = if html { Reply::new(429, "text/html; charset=utf-8", PAGE) } else { recorded };
    if let Some(reset) = reset {
        let (limit, period) = (TOLD_LIMIT.to_string(), TOLD_PERIOD.to_string());
        let headers = [("limit", limit.as_str()), ("period", &period), ("remaining", "0"), ("reset", reset), ("name", "scripted")];
        reply.headers.extend(headers.map(|(name, value)| (format!("x-ratelimit-{name}"), value.to_owned())));
    }
    reply
}

impl OddShape {
    /// Gives a row this form.
    pub(crate) fn put_on(self, row: &mut Row) {
        match (self, row.relationships.as_mut()) {
            (Self::WithoutRelationships, _) => row.relationships = None,
            (Self::WithoutData, Some(relationships)) => {
                let members = [&mut relationships.source_org, &mut relationships.sink_org, &mut relationships.created_by];
                members.into_iter().for_each(|member| *member = Relationship { data: None });
            }
            (Self::UnknownType, _) => row.attributes.connection_types.push("traces".to_owned()),
            (Self::WithoutData, None) => {}
        }
    }
}
