//! An answer as HTTP: in one piece if it is short, or streamed while it is read.
//!
//! A slow client holds one connection to the store, and blocks nobody else.

use crate::{
    answer::{ErrorResponse, HandlerResult, JSON, ResponseBody, ResponseText, SandboxResponse},
    database::ReadPermit,
    list::DocumentList,
};
use axum::{
    body,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use futures_util::stream::{self, Stream};
use rusqlite::Connection;
use std::io;
use tokio::sync::mpsc;

/// How many pieces of a list may wait to be sent.
const AHEAD: usize = 2;

/// An answer of JSON.
pub(crate) fn json_response(status: StatusCode, body: String) -> Response {
    build_response(status, JSON, body)
}

/// An answer in one piece.
pub(crate) fn full_response((status, content, text): ResponseText) -> Response {
    build_response(status, content, text)
}

/// A refusal as HTTP.
pub(crate) fn refusal_response(refusal: ErrorResponse) -> Response {
    full_response(refusal.into_error_body())
}

fn build_response(
    status: StatusCode,
    content: &'static str,
    body: impl Into<body::Body>,
) -> Response {
    (status, [(header::CONTENT_TYPE, content)], body.into()).into_response()
}

/// Replies with an answer, and blocks until its list has been sent or the client has gone.
pub(crate) fn send_answer(
    db: &Connection,
    turn: ReadPermit,
    answer: HandlerResult,
    reply: impl FnOnce(Response),
) {
    match answer {
        Err(refusal) => reply(refusal_response(refusal)),
        Ok(SandboxResponse { status, content, body: ResponseBody::Text(text) }) => {
            reply(build_response(status, content, text))
        }
        Ok(SandboxResponse { status, content, body: ResponseBody::List(list) }) => {
            stream_list(db, list, turn, |body| reply(build_response(status, content, body)));
        }
    }
}

fn stream_list(
    db: &Connection,
    list: DocumentList,
    turn: ReadPermit,
    reply: impl FnOnce(body::Body),
) {
    let (pieces, received) = mpsc::channel(AHEAD);
    let mut begin = Some((reply, received, turn));
    let last = list.stream_pieces(db, |piece| {
        if let Some((reply, received, turn)) = begin.take() {
            drop(turn);
            reply(body::Body::from_stream(receiver_stream(received)));
        }
        pieces.blocking_send(Ok(piece)).is_ok()
    });
    match (begin, last) {
        (Some((reply, ..)), Ok(text)) => reply(text.into()),
        (_, last) => _ = pieces.blocking_send(last.map_err(io::Error::other)),
    }
}

fn receiver_stream<T>(received: mpsc::Receiver<T>) -> impl Stream<Item = T> {
    stream::unfold(received, async |mut receiver| {
        receiver.recv().await.map(|piece| (piece, receiver))
    })
}
