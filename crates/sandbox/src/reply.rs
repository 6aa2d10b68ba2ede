//! An answer as HTTP: in one piece where it is short, else while it is read.
//!
//! Never: a list as a whole; who reads slowly holds a connection to the store, and nobody else.

use super::{
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

/// The pieces of a list that may wait to be sent.
const AHEAD: usize = 2;

/// JSON under a status.
pub(super) fn json(status: StatusCode, body: String) -> Response {
    with(status, JSON, body)
}

/// An answer in one piece.
pub(super) fn told((status, content, text): ResponseText) -> Response {
    with(status, content, text)
}

/// A refusal, told.
pub(super) fn refused(refusal: ErrorResponse) -> Response {
    told(refusal.told())
}

fn with(status: StatusCode, content: &'static str, body: impl Into<body::Body>) -> Response {
    (status, [(header::CONTENT_TYPE, content)], body.into()).into_response()
}

/// Replies with an answer, and blocks until its list is read to the end or nobody wants more of it.
pub(super) fn send(
    db: &Connection,
    turn: ReadPermit,
    answer: HandlerResult,
    reply: impl FnOnce(Response),
) {
    match answer {
        Err(refusal) => reply(refused(refusal)),
        Ok(SandboxResponse { status, content, body: ResponseBody::Text(text) }) => {
            reply(with(status, content, text))
        }
        Ok(SandboxResponse { status, content, body: ResponseBody::List(list) }) => {
            pour(db, list, turn, |body| reply(with(status, content, body)));
        }
    }
}

fn pour(db: &Connection, list: DocumentList, turn: ReadPermit, reply: impl FnOnce(body::Body)) {
    let (pieces, received) = mpsc::channel(AHEAD);
    let mut begin = Some((reply, received, turn));
    let last = list.pour(db, |piece| {
        if let Some((reply, received, turn)) = begin.take() {
            drop(turn);
            reply(body::Body::from_stream(each(received)));
        }
        pieces.blocking_send(Ok(piece)).is_ok()
    });
    match (begin, last) {
        (Some((reply, ..)), Ok(text)) => reply(text.into()),
        (_, last) => _ = pieces.blocking_send(last.map_err(io::Error::other)),
    }
}

fn each<T>(received: mpsc::Receiver<T>) -> impl Stream<Item = T> {
    stream::unfold(received, async |mut it| it.recv().await.map(|piece| (piece, it)))
}
