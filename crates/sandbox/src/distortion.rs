//! How a fault looks to a client: what a proxy, an overloaded server or a broken connection would send.

use crate::{answer::ErrorResponse, connection::ConnectionCut, fault::FaultKind, reply};
use axum::{
    body::{Body, Bytes},
    http::{StatusCode, header, request::Parts},
    response::{Html, IntoResponse as _, Response},
};
use futures_util::{StreamExt as _, stream};
use std::{io, time::Duration};

/// The answer to a request that is not handled; `None` if the fault lets it be handled.
pub(crate) fn faulty_response(
    what: &FaultKind,
    parts: &Parts,
    cut: &ConnectionCut,
) -> Option<Response> {
    match what {
        FaultKind::Status { code, retry_after } => Some(error_response(*code, *retry_after)),
        FaultKind::Html(code) => Some(html_response(*code)),
        FaultKind::Redirect(to) => Some(redirect_response(to, parts)),
        FaultKind::DropBefore => Some(drop_connection(cut)),
        _ => None,
    }
}

/// Distorts the answer to a request that was handled.
pub(crate) async fn distort_response(
    what: &FaultKind,
    answer: Response,
    cut: &ConnectionCut,
) -> Response {
    match what {
        FaultKind::DropAfter => drop_connection(cut),
        FaultKind::Truncate => truncate_body(answer).await,
        FaultKind::Slow(time) => throttle_body(answer, *time).await,
        _ => answer,
    }
}

/// An error body under a status, with the seconds to wait.
fn error_response(code: u16, retry_after: Option<u64>) -> Response {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let refusal = match code {
        401 => ErrorResponse::unauthorized(),
        429 => ErrorResponse::with_status(status, "Too many requests. Please try again later."),
        503 => ErrorResponse::with_status(
            status,
            "The Octopus Server is starting or in maintenance mode.",
        ),
        _ => ErrorResponse::with_status(
            status,
            status.canonical_reason().unwrap_or("Something went wrong."),
        ),
    };
    let mut response = reply::refusal_response(refusal);
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

/// A page of HTML, as a proxy sends it when its upstream does not answer.
fn html_response(code: u16) -> Response {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_GATEWAY);
    let reason = status.canonical_reason().unwrap_or("Error");
    let page = format!(
        "<!DOCTYPE html>\n<html><head><title>{status}</title></head>\
         <body><h1>{reason}</h1><hr><center>nginx</center></body></html>\n"
    );
    (status, Html(page)).into_response()
}

/// A redirect, in which `{path}` is the requested path and query.
fn redirect_response(to: &str, parts: &Parts) -> Response {
    let asked = parts.uri.path_and_query().map_or("/", |it| it.as_str());
    let to = to.replace("{path}", asked);
    (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, to)], "").into_response()
}

/// Cuts the connection; the returned answer is never sent.
fn drop_connection(cut: &ConnectionCut) -> Response {
    cut.disconnect();
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

/// The first half of the body, under the length of the whole.
async fn truncate_body(answer: Response) -> Response {
    let (answer, whole) = split_body(answer).await;
    let half = whole.slice(..whole.len() / 2);
    let broken = stream::once(async {
        // The half must have been sent before the connection breaks.
        tokio::time::sleep(Duration::from_millis(20)).await;
        Err(io::Error::from(io::ErrorKind::ConnectionAborted))
    });
    replace_body(answer, whole.len(), Body::from_stream(stream::iter([Ok(half)]).chain(broken)))
}

/// Spreads the body over a time.
async fn throttle_body(answer: Response, time: Duration) -> Response {
    const PARTS: u32 = 20;
    let (answer, whole) = split_body(answer).await;
    let size = whole.len().div_ceil(PARTS as usize).max(1);
    let starts = (0..whole.len()).step_by(size);
    let parts: Vec<Bytes> = starts.map(|at| whole.slice(at..whole.len().min(at + size))).collect();
    let parts = stream::iter(parts).then(move |part| async move {
        tokio::time::sleep(time / PARTS).await;
        Ok::<_, io::Error>(part)
    });
    replace_body(answer, whole.len(), Body::from_stream(parts))
}

async fn split_body(answer: Response) -> (Response, Bytes) {
    let (parts, body) = answer.into_parts();
    let whole = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    (Response::from_parts(parts, Body::empty()), whole)
}

fn replace_body(mut answer: Response, length: usize, body: Body) -> Response {
    answer.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    *answer.body_mut() = body;
    answer
}
