//! One request from its arrival to its answer: log, misfortunes, one transaction, bytes.
//!
//! Never: a route, or a rule of the API.

use super::{
    answer::{Answer, Refusal},
    audit::{self, Author},
    door::Cut,
    fault::{Fault, Faults, Misfortune},
    pace::Pace,
    request::{Request, Verb},
    resource::processes,
    route, work,
};
use axum::{
    body::{Body, Bytes},
    extract::{ConnectInfo, State},
    http::{HeaderName, StatusCode, header, request::Parts},
    response::{IntoResponse as _, Response},
};
use futures_util::{StreamExt as _, stream};
use rusqlite::{Connection, TransactionBehavior};
use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The requests that are remembered.
const MEMORY: usize = 20_000;
/// The largest body that is read, in bytes.
const LARGEST: usize = 64 << 20;

/// A sandbox's state.
#[derive(Debug)]
pub(super) struct Server {
    database: Mutex<Connection>,
    faults: Mutex<Faults>,
    requests: Mutex<VecDeque<String>>,
    pace: Pace,
}

impl Server {
    pub(super) fn new(database: Connection, faults: Vec<Fault>, pace: Pace) -> Self {
        Self {
            database: Mutex::new(database),
            faults: Mutex::new(Faults::new(faults)),
            requests: Mutex::default(),
            pace,
        }
    }

    /// The most recent requests, oldest first.
    pub(super) fn requests(&self) -> Vec<String> {
        lock(&self.requests).iter().cloned().collect()
    }

    fn remember(&self, request: &str) {
        let mut requests = lock(&self.requests);
        if requests.len() == MEMORY {
            requests.pop_front();
        }
        requests.push_back(request.to_owned());
    }

    /// Answers within one transaction, which only a granted request commits.
    fn answer(&self, request: &Request, edited_by_another: bool) -> Answer {
        let mut database = lock(&self.database);
        let mut within = || {
            work::run_due(&database, &self.pace)?;
            if edited_by_another {
                processes::edit_as_another_person(&database, request)?;
                audit::record(&database, Author::ANOTHER)?;
            }
            // A write takes its lock at once, so that a second process on the file waits its turn.
            let behavior = match request.verb {
                Verb::Get => TransactionBehavior::Deferred,
                _ => TransactionBehavior::Immediate,
            };
            let transaction = database.transaction_with_behavior(behavior)?;
            let answer = route::answer(&transaction, request, &self.pace)?;
            transaction.commit()?;
            Ok::<_, Refusal>(answer)
        };
        within().unwrap_or_else(Answer::from)
    }
}

/// Handles every request of the server.
pub(super) async fn handle(
    State(server): State<Arc<Server>>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    request: axum::extract::Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let line = line(&parts);
    server.remember(&line);
    let misfortune = lock(&server.faults).meet(&line);
    match &misfortune {
        Some(Misfortune::DropBefore) => return cut_off(&cut),
        Some(Misfortune::Status { code, retry_after }) => return status(*code, *retry_after),
        Some(Misfortune::Html(code)) => return html(*code),
        Some(Misfortune::Redirect(to)) => {
            let status = StatusCode::TEMPORARY_REDIRECT;
            return (status, [(header::LOCATION, to.clone())], "").into_response();
        }
        Some(Misfortune::Delay(time)) => tokio::time::sleep(*time).await,
        _ => {}
    }
    let answer = match axum::body::to_bytes(body, LARGEST).await {
        Ok(body) => handled(&server, &parts, &body, &misfortune).await,
        Err(_) => Refusal::plain(StatusCode::PAYLOAD_TOO_LARGE, "The request is too large.").into(),
    };
    match misfortune {
        Some(Misfortune::DropAfter) => cut_off(&cut),
        Some(Misfortune::Truncate) => truncated(answer),
        _ => response(answer),
    }
}

async fn handled(
    server: &Arc<Server>,
    parts: &Parts,
    body: &Bytes,
    misfortune: &Option<Misfortune>,
) -> Answer {
    let body = String::from_utf8_lossy(body).into_owned();
    let request = Request::new(&parts.method, &parts.uri, &parts.headers, body);
    let edited = matches!(misfortune, Some(Misfortune::Edit));
    let server = Arc::clone(server);
    // SQLite blocks; a large list must not hold up the other connections.
    let answer = tokio::task::spawn_blocking(move || server.answer(&request, edited)).await;
    answer.unwrap_or_else(|_| {
        let text = "An unexpected error occurred; the sandbox has a defect here.";
        Refusal::plain(StatusCode::INTERNAL_SERVER_ERROR, text).into()
    })
}

fn line(parts: &Parts) -> String {
    let target = parts.uri.path_and_query().map_or("/", |it| it.as_str());
    format!("{} {target}", parts.method)
}

fn response(Answer { status, body, content }: Answer) -> Response {
    (status, [(header::CONTENT_TYPE, content)], body).into_response()
}

fn status(code: u16, retry_after: Option<u64>) -> Response {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let text = match code {
        401 => return refused(Refusal::stranger(), retry_after),
        429 => "Too many requests. Please try again later.",
        503 => "The Octopus Server is starting or in maintenance mode.",
        _ => status.canonical_reason().unwrap_or("Something went wrong."),
    };
    refused(Refusal::plain(status, text), retry_after)
}

fn refused(refusal: Refusal, retry_after: Option<u64>) -> Response {
    let wait: Option<(HeaderName, String)> =
        retry_after.map(|seconds| (header::RETRY_AFTER, seconds.to_string()));
    let mut response = response(refusal.into());
    if let Some((name, value)) = wait.and_then(|(name, value)| Some((name, value.parse().ok()?))) {
        response.headers_mut().insert(name, value);
    }
    response
}

fn html(code: u16) -> Response {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_GATEWAY);
    let reason = status.canonical_reason().unwrap_or("Error");
    let page = format!(
        "<!DOCTYPE html>\n<html><head><title>{status}</title></head>\
         <body><h1>{reason}</h1><hr><center>nginx</center></body></html>\n"
    );
    (status, axum::response::Html(page)).into_response()
}

/// What is returned is never sent.
fn cut_off(cut: &Cut) -> Response {
    cut.draw();
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

/// The answer with the length of the whole, and the first half of its body.
fn truncated(mut answer: Answer) -> Response {
    let whole = Bytes::from(std::mem::take(&mut answer.body));
    let half = whole.slice(..whole.len() / 2);
    let broken = stream::once(async {
        // The half must be on its way before the connection breaks.
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        Err(io::Error::from(io::ErrorKind::ConnectionAborted))
    });
    let body = Body::from_stream(stream::iter([Ok(half)]).chain(broken));
    let mut response = response(answer);
    *response.body_mut() = body;
    response.headers_mut().insert(header::CONTENT_LENGTH, whole.len().into());
    response
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
