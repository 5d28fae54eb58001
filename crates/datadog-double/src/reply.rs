//! An answer before it becomes bytes on a wire: status, headers, body, and how the real server frames it.

use std::io::Write;

use axum::body::Body;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use jiff::Timestamp;
use uuid::Uuid;

use crate::body::{Ending, Frames};

/// What a request did to the connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Effect {
    #[default]
    None,
    Created {
        source: Uuid,
        sink: Uuid,
    },
    Changed,
    Deleted,
}

/// How the body travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// Chunked, and compressed if the client asked for it: POST, GET, PATCH.
    Chunked,
    /// With a `Content-Length`, never compressed: DELETE.
    Plain,
}

#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
    pub(crate) framing: Framing,
    pub(crate) ending: Ending,
    pub(crate) effect: Effect,
    /// Says `gzip` whatever the body is: a fault.
    pub(crate) false_gzip: bool,
}

impl Reply {
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        let (framing, ending) = (Framing::Chunked, Ending::Complete);
        Self { status, headers, body: body.into(), framing, ending, effect: Effect::None, false_gzip: false }
    }

    pub(crate) fn json(status: u16, body: impl Into<Bytes>) -> Self {
        Self::new(status, "application/json", body)
    }

    pub(crate) fn with_effect(self, effect: Effect) -> Self {
        Self { effect, ..self }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The answer as an HTTP response, `Date` included.
    pub(crate) fn into_response(self, accepts_gzip: bool, now: Timestamp) -> Response<Body> {
        let compress = accepts_gzip && self.framing == Framing::Chunked && !self.false_gzip;
        let bytes = if compress { gzip(&self.body) } else { self.body };
        let length = (self.framing == Framing::Plain).then_some(bytes.len());
        let mut response = Response::new(Body::new(Frames::new(bytes, length, self.ending)));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let date = ("date".to_owned(), http_date(now));
        let encoding = (compress || self.false_gzip).then(|| ("content-encoding".to_owned(), "gzip".to_owned()));
        for (name, value) in self.headers.into_iter().chain([date]).chain(encoding) {
            // Only a scripted header can be one that HTTP cannot carry; it is left out.
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                response.headers_mut().append(name, value);
            }
        }
        response
    }
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date(now: Timestamp) -> String {
    now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn gzip(body: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let written = encoder.write_all(body).and_then(|()| encoder.finish());
    written.expect("writing into memory cannot fail").into()
}
