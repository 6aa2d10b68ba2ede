//! One request from its arrival to its answer: log, faults, one transaction, bytes.

use crate::{
    answer::{self, ErrorResponse},
    audit::{self, AuditAuthor},
    clock::SandboxClock,
    connection::ConnectionCut,
    database::Database,
    distortion,
    fault::{FaultKind, Faults, TriggeredFault},
    host,
    keys::AccessKeys,
    news::{News, NewsItem},
    pace::Pace,
    record::Recorder,
    reply,
    request::{self, HttpVerb, SandboxRequest},
    resource::concurrent_edit,
    route, url, work,
};
use axum::{
    extract::{ConnectInfo, State},
    http::{StatusCode, request::Parts},
    response::Response,
};
use rusqlite::{Connection, TransactionBehavior};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::oneshot;

/// How many requests are remembered.
const MEMORY: usize = 20_000;

/// The size limit of a body, in bytes.
const LARGEST: usize = 64 << 20;

/// The state of a sandbox.
#[derive(Debug)]
pub(crate) struct SandboxServer {
    database: Arc<Database>,
    faults: Mutex<Faults>,
    requests: Mutex<VecDeque<String>>,
    news: News,
    pace: Arc<Pace>,
    clock: SandboxClock,
    keys: Arc<AccessKeys>,
    recorder: Option<Recorder>,
}

impl SandboxServer {
    pub(crate) fn new(
        database: Database,
        faults: Faults,
        pace: Pace,
        keys: AccessKeys,
        recorder: Option<Recorder>,
    ) -> Self {
        Self {
            database: Arc::new(database),
            faults: Mutex::new(faults),
            requests: Mutex::default(),
            news: News::new(),
            pace: Arc::new(pace),
            clock: SandboxClock::default(),
            keys: Arc::new(keys),
            recorder,
        }
    }

    /// The most recent requests, oldest first.
    pub(crate) fn recent_requests(&self) -> Vec<String> {
        lock_ignoring_poison(&self.requests).iter().cloned().collect()
    }

    /// The clock of simulated work.
    pub(crate) fn clock(&self) -> &SandboxClock {
        &self.clock
    }

    /// Recent events for the page.
    pub(crate) fn news(&self) -> &News {
        &self.news
    }

    /// The keys of its store.
    pub(crate) fn keys(&self) -> &AccessKeys {
        &self.keys
    }

    /// The fault rules, and how many requests met each.
    pub(crate) fn fault_counts(&self) -> Vec<(String, usize)> {
        lock_ignoring_poison(&self.faults).rule_counts()
    }

    /// Reads within one transaction, after whatever is due has been done.
    pub(crate) async fn read_current<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Connection) -> answer::HandlerResult<T> + Send + 'static,
    ) -> answer::HandlerResult<T> {
        let clock = self.clock.clone();
        if self.read_store(move |db| work::is_work_due(db, clock.now())).await? {
            self.run_due_work().await?;
        }
        self.read_store(look).await
    }

    async fn read_store<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> answer::HandlerResult<T> + Send + 'static,
    ) -> answer::HandlerResult<T> {
        let reader = self.database.acquire_reader().await;
        let (sender, receiver) = oneshot::channel();
        tokio::task::spawn_blocking(move || reader.run(|db, _| _ = sender.send(work(db))));
        receiver.await.unwrap_or_else(|_| Err(ErrorResponse::internal_error()))
    }

    fn remember_request(&self, request: &str) {
        let mut requests = lock_ignoring_poison(&self.requests);
        if requests.len() == MEMORY {
            requests.pop_front();
        }
        requests.push_back(request.to_owned());
    }

    async fn answer_request(&self, request: SandboxRequest) -> Response {
        let answer = match request.verb {
            HttpVerb::Get => self.handle_read(Arc::new(request)).await,
            _ => self.handle_write(request).await,
        };
        answer.unwrap_or_else(reply::refusal_response)
    }

    async fn handle_write(&self, request: SandboxRequest) -> answer::HandlerResult<Response> {
        let (pace, keys) = (Arc::clone(&self.pace), Arc::clone(&self.keys));
        let clock = self.clock.clone();
        let answer = self.write_transaction(move |db| {
            // Read within the transaction, so that requests have their times in the order of their turns.
            let now = clock.now();
            work::run_due_work(db, &pace, now)?;
            route::answer_request(db, &request, &pace, &keys, now)?.collect_body(db)
        });
        let answer = answer.await?;
        self.news.notify_watchers();
        Ok(reply::full_response(answer))
    }

    async fn handle_read(&self, request: Arc<SandboxRequest>) -> answer::HandlerResult<Response> {
        if let Some(response) = self.read_transaction(Arc::clone(&request), true).await? {
            return Ok(response);
        }
        self.run_due_work().await?;
        self.read_transaction(request, false).await?.ok_or_else(ErrorResponse::internal_error)
    }

    async fn run_due_work(&self) -> answer::HandlerResult<()> {
        let (pace, clock) = (Arc::clone(&self.pace), self.clock.clone());
        if self.write_transaction(move |db| work::run_due_work(db, &pace, clock.now())).await? {
            self.news.notify_watchers();
        }
        Ok(())
    }

    async fn edit_as_another_person(&self, path: Vec<String>) {
        let edit = self.write_transaction(move |db| {
            concurrent_edit::edit_document(db, &path)?;
            audit::record_events(db, AuditAuthor::ANOTHER)
        });
        if edit.await.is_ok() {
            self.news.notify_watchers();
        }
    }

    fn revoke_key(&self, request: &SandboxRequest) {
        if let Some(key) = &request.key {
            lock_ignoring_poison(&self.faults).revoke_key(key);
        }
    }

    fn has_revoked_key(&self, request: &SandboxRequest) -> bool {
        request
            .key
            .as_ref()
            .is_some_and(|key| lock_ignoring_poison(&self.faults).is_key_revoked(key))
    }

    /// Writes within one transaction, which is committed unless the request is refused.
    async fn write_transaction<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> answer::HandlerResult<T> + Send + 'static,
    ) -> answer::HandlerResult<T> {
        let mut writer = self.database.lock_writer().await;
        // SQLite blocks, which must not hold up other connections.
        let done = tokio::task::spawn_blocking(move || {
            // The lock is taken at once, so that another process on the file waits for its turn.
            let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = work(&transaction)?;
            transaction.commit()?;
            Ok(done)
        });
        done.await.unwrap_or_else(|_| Err(ErrorResponse::internal_error()))
    }

    /// Reads within one transaction. With `if_due`, returns `None` if work is due that has to be done first.
    async fn read_transaction(
        &self,
        request: Arc<SandboxRequest>,
        if_due: bool,
    ) -> answer::HandlerResult<Option<Response>> {
        let reader = self.database.acquire_reader().await;
        let (reply, replied) = oneshot::channel();
        let (pace, keys) = (Arc::clone(&self.pace), Arc::clone(&self.keys));
        let clock = self.clock.clone();
        tokio::task::spawn_blocking(move || {
            reader.run(|db, turn| match work::is_work_due(db, clock.now()) {
                Ok(true) if if_due => _ = reply.send(None),
                _ => reply::send_answer(
                    db,
                    turn,
                    route::answer_request(db, &request, &pace, &keys, clock.now()),
                    |response| {
                        _ = reply.send(Some(response));
                    },
                ),
            })
        });
        replied.await.map_err(|_| ErrorResponse::internal_error())
    }
}

/// Handles every request to the API, and every other path without a handler.
pub(crate) async fn handle_request(
    State(server): State<Arc<SandboxServer>>,
    ConnectInfo(cut): ConnectInfo<ConnectionCut>,
    request: axum::extract::Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let target = parts.uri.path_and_query().map_or("/", |it| it.as_str());
    server.remember_request(&format!("{} {target}", parts.method));
    let TriggeredFault { wait, fault } = lock_ignoring_poison(&server.faults)
        .check_request(&request::effective_method(&parts), target);
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
    let answer =
        match fault.as_ref().and_then(|fault| distortion::faulty_response(fault, &parts, &cut)) {
            Some(answer) => answer,
            None => process_request(&server, &parts, body, fault.as_ref()).await,
        };
    let Some(fault) = fault else { return answer };
    server.news.push_request(NewsItem::from_request(&parts, &fault));
    distortion::distort_response(&fault, answer, &cut).await
}

async fn process_request(
    server: &SandboxServer,
    parts: &Parts,
    body: axum::body::Body,
    fault: Option<&FaultKind>,
) -> Response {
    let Ok(body) = axum::body::to_bytes(body, LARGEST).await else {
        return reply::refusal_response(ErrorResponse::payload_too_large());
    };
    let request = SandboxRequest::new(parts, &body);
    match fault {
        Some(FaultKind::Expire) => server.revoke_key(&request),
        Some(FaultKind::Edit) => server.edit_as_another_person(request.path.clone()).await,
        Some(FaultKind::EditAt(path)) => {
            server.edit_as_another_person(url::path_segments(path)).await;
        }
        _ => {}
    }
    let answer = if server.has_revoked_key(&request) {
        reply::refusal_response(ErrorResponse::unauthorized())
    } else {
        server.answer_request(request).await
    };
    match &server.recorder {
        Some(recorder) => recorder.record_exchange(parts, body, answer).await,
        None => answer,
    }
}

/// Handles `/sandbox/faults`.
pub(crate) async fn handle_control(
    State(server): State<Arc<SandboxServer>>,
    request: axum::extract::Request,
) -> Response {
    let (parts, body) = request.into_parts();
    if host::is_cross_origin(&parts) {
        return reply::refusal_response(ErrorResponse::with_status(
            StatusCode::FORBIDDEN,
            "This is for the sandbox's own page.",
        ));
    }
    let Ok(body) = axum::body::to_bytes(body, LARGEST).await else {
        return reply::refusal_response(ErrorResponse::payload_too_large());
    };
    let body = String::from_utf8_lossy(&body);
    let (status, shown) = lock_ignoring_poison(&server.faults).answer_control(&parts.method, &body);
    server.news.notify_watchers();
    reply::json_response(status, format!("{shown:#}\n"))
}

fn lock_ignoring_poison<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
