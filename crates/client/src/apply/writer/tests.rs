//! The writer against a server that has bad days.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop where it stands")]

use super::{CreateKind, Writer};
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
use serde_json::{Value, json};
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
    Writer::new(connection, &Id::new("Spaces-1"), &Forgetful)
}

#[tokio::test]
async fn nothing_is_sent_that_could_not_be_recorded() {
    let server = failing("nothing", &[]).await;
    let connection = connect(server.url(), ADMIN_KEY);
    let writer = Writer::new(&connection, &Id::new("Spaces-1"), &Lost);
    let pool = Resource::WorkerPool("WorkerPools-1".into());
    let branch = ProjectBranch { project: "Projects-1".into(), name: "moved".into() };
    let errors = [
        writer.create_resource(CreateKind::Worker, &json!({})).await.map(drop),
        writer.put_document(&pool, "{}".into()).await.map(drop),
        writer.sort_worker_pools(&[]).await,
        writer.delete_resource(&pool).await,
        writer.create_branch(&branch, &branch).await,
    ];
    for error in errors.map(Result::unwrap_err) {
        assert!(!error.is_ambiguous(), "{error}");
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

fn describe<T: std::fmt::Debug>(answer: Result<T, ClientError>) -> String {
    let error = answer.unwrap_err();
    format!("{error}\nhelp: {}", error.help().unwrap_or_default())
}

#[tokio::test]
async fn a_write_is_sent_again_only_where_nobody_has_processed_it() {
    let pool = json!({ "Name": "SQL", "IsDefault": false, "WorkerPoolType": "StaticWorkerPool" });
    for (what, sent, ambiguous) in [
        (status(429), 2, None),
        (status(503), 1, Some(true)),
        (FaultKind::DropAfter, 1, Some(true)),
        (FaultKind::Truncate, 1, Some(true)),
        (status(500), 1, Some(false)),
    ] {
        let server = failing("POST /api/Spaces-1/workerpools", &[what]).await;
        let connection = connect(server.url(), ADMIN_KEY);
        let answer = writer(&connection).create_resource(CreateKind::WorkerPool, &pool).await;
        assert_eq!(answer.err().map(|it| it.is_ambiguous()), ambiguous);
        assert_eq!(server.recent_requests().len(), sent);
    }
}

#[tokio::test]
async fn a_delete_is_sent_again_until_it_is_gone() {
    let pool = json!({ "Name": "SQL", "IsDefault": false, "WorkerPoolType": "StaticWorkerPool" });
    let server = failing("DELETE /api", &[FaultKind::DropAfter]).await;
    let writer = writer(&connect(server.url(), ADMIN_KEY));
    let made = writer.create_resource(CreateKind::WorkerPool, &pool).await.unwrap();
    let made: Value = serde_json::from_str(&made).unwrap();
    let resource = Resource::WorkerPool(made["Id"].as_str().unwrap().to_owned());
    writer.delete_resource(&resource).await.unwrap();
    assert!(writer.space_reader().read_document(&resource).await.unwrap_err().is_not_found());
    writer.delete_resource(&resource).await.unwrap();
}

#[tokio::test]
async fn a_document_goes_back_as_it_came() {
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
        writer.put_document(&resource, text.clone()).await.unwrap();
        assert_eq!(server.recent_requests().last().unwrap(), route);
        if versioned {
            let stale = writer.put_document(&resource, text).await.unwrap_err();
            assert!(stale.is_stale() && !stale.is_ambiguous(), "{stale}");
        }
    }
    writer.sort_worker_pools(&["WorkerPools-1".to_owned()]).await.unwrap();
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
async fn a_write_follows_no_redirect() {
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
    let error = writer.create_resource(CreateKind::Worker, &json!({})).await.unwrap_err();
    assert!(matches!(error, ClientError::Redirected { .. }) && !error.is_ambiguous(), "{error}");
    assert_eq!(requests.load(SeqCst), 1);
}
