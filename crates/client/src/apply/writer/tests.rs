//! The writer against a server that has bad days.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop where it stands")]

use super::{CreateKind, WriteAnswer, Writer};
use crate::apply::{ApplyEvent, ApplyListener, StoreError};
use crate::octopus::{
    ClientError, Connection, ConnectionOptions, Credentials, ProjectBranch, Resource, Secret,
    TrustedServer,
};
use axum::{
    Router,
    http::{StatusCode, header},
};
use futures_util::future::BoxFuture;
use octopus_sandbox::{self as sandbox, ADMIN_KEY, Fault, FaultKind, READER_KEY, Sandbox, Seed};
use poolwright_core::model::{Id, ProcessKind};
use serde_json::json;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};
use tokio::net::TcpListener;

/// A connection with the patience that users get: a busy machine needs it.
fn connect(url: &str, key: &str) -> Connection {
    let options = ConnectionOptions::new(
        TrustedServer::named_by_user(url),
        Credentials::ApiKey(Secret::from(key.to_owned())),
    );
    Connection::open(options).unwrap()
}

/// A listener that forgets.
struct Forgetful;

impl ApplyListener for Forgetful {
    fn note_event(&self, _: ApplyEvent) {}

    fn wait_until_stored(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }
}

/// A listener whose disk is full.
struct Lost;

impl ApplyListener for Lost {
    fn note_event(&self, _: ApplyEvent) {}

    fn wait_until_stored(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { Err(StoreError("the disk is full".to_owned())) })
    }
}

fn writer(connection: &Connection) -> Writer<'static> {
    Writer::new(connection, &Id::new("Spaces-1"), None, &Forgetful)
}

#[tokio::test]
async fn a_write_that_cannot_be_recorded_is_not_sent() {
    let server = failing("nothing", &[]).await;
    let connection = connect(server.url(), ADMIN_KEY);
    let writer = Writer::new(&connection, &Id::new("Spaces-1"), None, &Lost);
    let pool = Resource::WorkerPool("WorkerPools-1".into());
    let branch = ProjectBranch { project: "Projects-1".into(), name: "moved".into() };
    let answers = [
        writer.create_resource(CreateKind::Worker, &json!({})).await,
        writer.put_document(&pool, "{}".into()).await,
        writer.sort_worker_pools(&[]).await,
        writer.delete_resource(&pool).await,
        writer.create_branch(&branch, &branch).await,
    ];
    for error in answers.map(refused) {
        assert_eq!(
            error.to_string(),
            "nothing was sent, because the receipt cannot be written: the disk is full"
        );
    }
    assert!(server.recent_requests().iter().all(|request| request.starts_with("GET ")));
}

async fn failing(on: &str, faults: &[FaultKind]) -> Sandbox {
    let faults = faults.iter().enumerate().map(|(index, what)| Fault {
        // A fault counts the requests that match, so each meets one try of the same request.
        nth: index + 1,
        requests: Some(on.to_owned()),
        fault: what.clone(),
    });
    let options = sandbox::SandboxOptions {
        seed: Seed::Chapter,
        faults: faults.collect(),
        ..Default::default()
    };
    sandbox::start_server(options, TcpListener::bind("127.0.0.1:0").await.unwrap()).await.unwrap()
}

fn status(code: u16) -> FaultKind {
    FaultKind::Status { code, retry_after: None }
}

fn refused(answer: WriteAnswer) -> ClientError {
    match answer {
        WriteAnswer::Refused(error) => error,
        other => panic!("not refused: {other:?}"),
    }
}

fn accepted(answer: WriteAnswer) -> String {
    match answer {
        WriteAnswer::Accepted(document) => document,
        other => panic!("not accepted: {other:?}"),
    }
}

/// What an answer tells, in a word.
fn judge(answer: &WriteAnswer) -> &'static str {
    match answer {
        WriteAnswer::Accepted(_) => "accepted",
        WriteAnswer::InDoubt(doubt) if doubt.unanswered => "unanswered",
        WriteAnswer::InDoubt(_) => "unclear",
        WriteAnswer::Refused(_) => "refused",
    }
}

fn describe(answer: WriteAnswer) -> String {
    let error = refused(answer);
    format!("{error}\nhelp: {}", error.help().unwrap_or_default())
}

#[tokio::test]
async fn a_write_is_retried_only_if_the_server_did_not_process_it() {
    let pool = json!({ "Name": "SQL", "IsDefault": false, "WorkerPoolType": "StaticWorkerPool" });
    for (what, sent, told) in [
        (status(429), 2, "accepted"),
        (status(503), 1, "unanswered"),
        (status(408), 1, "unanswered"),
        (status(524), 1, "unanswered"),
        (FaultKind::DropAfter, 1, "unanswered"),
        (FaultKind::Truncate, 1, "unanswered"),
        (status(500), 1, "unclear"),
        (FaultKind::Html(200), 1, "unclear"),
        (FaultKind::Html(404), 1, "unclear"),
        (status(404), 1, "refused"),
        (status(400), 1, "refused"),
    ] {
        let server = failing("POST /api/Spaces-1/workerpools", std::slice::from_ref(&what)).await;
        let connection = connect(server.url(), ADMIN_KEY);
        let answer = writer(&connection).create_resource(CreateKind::WorkerPool, &pool).await;
        assert_eq!(judge(&answer), told, "{what:?}");
        assert_eq!(server.recent_requests().len(), sent, "{what:?}");
    }
}

/// An answer from the start of a body to what it tells of a PUT, a DELETE and a POST.
#[tokio::test]
async fn only_the_servers_own_json_is_a_document() {
    for (status, body, put, delete) in [
        (200, r#"{"Id":"Workers-1"}"#, "accepted", "accepted"),
        (200, "", "unclear", "accepted"),
        (204, "", "unclear", "accepted"),
        (200, "<html>Log in</html>", "unclear", "accepted"),
        (200, "\"ok\"", "accepted", "accepted"),
        (200, "{\"Id\":", "unanswered", "accepted"),
        (404, r#"{"ErrorMessage":"The resource was not found."}"#, "refused", "refused"),
        (404, r#"{"message":"no Route matched"}"#, "unclear", "unclear"),
        (404, "", "unclear", "unclear"),
        (403, "<html>Blocked</html>", "unclear", "unclear"),
        (413, "", "unclear", "unclear"),
        (500, r#"{"ErrorMessage":"Deadlock"}"#, "unclear", "unclear"),
        (522, "", "unanswered", "unanswered"),
    ] {
        let code = StatusCode::from_u16(status).unwrap();
        let answer = move || std::future::ready((code, body));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
        let writer = writer(&connect(&url, ADMIN_KEY));
        let worker = Resource::Worker("Workers-1".to_owned());
        let told = [
            writer.put_document(&worker, "{}".to_owned()).await,
            writer.delete_resource(&worker).await,
        ];
        assert_eq!(told.each_ref().map(judge), [put, delete], "{status} {body}");
    }
}

#[tokio::test]
async fn nothing_is_sent_after_the_end_of_the_run() {
    let server = failing("nothing", &[]).await;
    let until = Some(tokio::time::Instant::now());
    let writer =
        Writer::new(&connect(server.url(), ADMIN_KEY), &Id::new("Spaces-1"), until, &Forgetful);
    let worker = Resource::Worker("Workers-1".to_owned());
    assert_eq!(refused(writer.delete_resource(&worker).await), ClientError::TimeIsUp);
    assert_eq!(server.recent_requests(), [""; 0]);
}

#[tokio::test]
async fn a_document_is_written_back_as_it_was_read() {
    let server = failing("nothing", &[]).await;
    let writer = writer(&connect(server.url(), ADMIN_KEY));
    for (resource, route) in [
        (
            Resource::Process(ProcessKind::Deployment, "deploymentprocess-Projects-1".into()),
            "PUT /api/Spaces-1/projects/Projects-1/deploymentprocesses",
        ),
        (
            Resource::Process(ProcessKind::Runbook, "RunbookProcess-Runbooks-1".into()),
            "PUT /api/Spaces-1/runbookProcesses/RunbookProcess-Runbooks-1",
        ),
        (Resource::Features, "PUT /api/featuresconfiguration"),
        (
            Resource::WorkerPool("WorkerPools-1".into()),
            "PUT /api/Spaces-1/workerpools/WorkerPools-1",
        ),
    ] {
        let text = writer.space_reader().read_document(&resource).await.unwrap();
        let versioned = text.contains(r#""Version""#);
        accepted(writer.put_document(&resource, text.clone()).await);
        assert_eq!(server.recent_requests().last().unwrap(), route);
        if versioned {
            let stale = refused(writer.put_document(&resource, text).await);
            assert!(stale.is_stale(), "{stale}");
        }
    }
    accepted(writer.sort_worker_pools(&["WorkerPools-1".to_owned()]).await);
}

#[tokio::test]
async fn a_refused_write_is_reported_in_the_servers_words() {
    let server = failing("nothing", &[]).await;
    let guest = writer(&connect(server.url(), READER_KEY));
    let pool = json!({ "Name": "SQL" });
    insta::assert_snapshot!(describe(guest.create_resource(CreateKind::WorkerPool, &pool).await), @"
    the server returned 403: Missing permission: WorkerEdit
    help: give the key's user a role with `WorkerEdit` in this space
    ");
    let admin = writer(&connect(server.url(), ADMIN_KEY));
    let pool = json!({ "Name": "", "WorkerPoolType": "StaticWorkerPool" });
    insta::assert_snapshot!(describe(admin.create_resource(CreateKind::WorkerPool, &pool).await), @"
    the server returned 400: There was a problem with your request. Please provide a name for this worker pool.
    help:
    ");
}

#[tokio::test]
async fn a_write_does_not_follow_redirects() {
    let requests = Arc::<AtomicUsize>::default();
    let counter = Arc::clone(&requests);
    let redirect = move || {
        counter.fetch_add(1, SeqCst);
        std::future::ready((StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, "/elsewhere")]))
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, Router::new().fallback(redirect)).await });
    let writer = writer(&connect(&url, ADMIN_KEY));
    let answer = writer.create_resource(CreateKind::Worker, &json!({})).await;
    // It was not followed; whether it was done first, the object tells.
    assert_eq!(judge(&answer), "unclear");
    assert_eq!(requests.load(SeqCst), 1);
}
