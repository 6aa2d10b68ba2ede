//! A record of requests and answers, for a test or a file.
//!
//! Headers are left out, and keys with them.

use crate::request;
use axum::{body::Bytes, http::request::Parts, response::Response};
use std::{fmt, sync::Arc};

/// One request and its answer, in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedExchange {
    /// The method, after `X-HTTP-Method-Override`.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// The client's `User-Agent`.
    pub agent: String,
    /// The body that was sent.
    pub sent: Vec<u8>,
    /// The status of the answer.
    pub status: u16,
    /// The body of the answer, before any fault distorts it.
    pub answer: Vec<u8>,
}

/// A function that receives every request and its answer, before the answer is sent.
#[derive(Clone)]
pub struct Recorder(Arc<dyn Fn(RecordedExchange) + Send + Sync>);

impl Recorder {
    /// Creates a recorder from a function, which may be called from several threads at once.
    pub fn new(record: impl Fn(RecordedExchange) + Send + Sync + 'static) -> Self {
        Self(Arc::new(record))
    }

    /// Records an exchange. Unlike without a recorder, a list is held in memory as a whole.
    pub(crate) async fn record_exchange(
        &self,
        parts: &Parts,
        sent: Bytes,
        answer: Response,
    ) -> Response {
        let (head, body) = answer.into_parts();
        let Ok(body) = axum::body::to_bytes(body, usize::MAX).await else {
            return Response::from_parts(head, axum::body::Body::empty());
        };
        let target = parts.uri.path_and_query().map_or("/", |it| it.as_str());
        let agent = parts.headers.get("user-agent").and_then(|it| it.to_str().ok());
        (self.0)(RecordedExchange {
            method: request::effective_method(parts),
            target: target.to_owned(),
            agent: agent.unwrap_or_default().to_owned(),
            sent: sent.to_vec(),
            status: head.status.as_u16(),
            answer: body.to_vec(),
        });
        Response::from_parts(head, body.into())
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recorder")
    }
}
