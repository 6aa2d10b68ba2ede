//! One request from its arrival to its answer: log, misfortunes, one transaction, bytes.
//!
//! Never: a route, or a rule of the API.

use super::{
    answer::{self, ErrorResponse},
    audit::{self, AuditAuthor},
    database::Database,
    door::{self, ConnectionCut},
    fault::{FaultKind, Faults, TriggeredFault, wire},
    news::{News, NewsItem},
    pace::Pace,
    record::Recorder,
    reply,
    request::{self, HttpVerb, SandboxRequest},
    resource::another,
    route, work,
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

/// The requests that are remembered.
const MEMORY: usize = 20_000;
/// The largest body that is read, in bytes.
const LARGEST: usize = 64 << 20;

/// A sandbox's state.
#[derive(Debug)]
pub(super) struct SandboxServer {
    database: Arc<Database>,
    faults: Mutex<Faults>,
    requests: Mutex<VecDeque<String>>,
    news: News,
    pace: Arc<Pace>,
    recorder: Option<Recorder>,
}

impl SandboxServer {
    pub(super) fn new(
        database: Database,
        faults: Faults,
        pace: Pace,
        recorder: Option<Recorder>,
    ) -> Self {
        Self {
            database: Arc::new(database),
            faults: Mutex::new(faults),
            requests: Mutex::default(),
            news: News::new(),
            pace: Arc::new(pace),
            recorder,
        }
    }

    /// The most recent requests, oldest first.
    pub(super) fn requests(&self) -> Vec<String> {
        lock(&self.requests).iter().cloned().collect()
    }

    /// What has happened lately.
    pub(super) fn news(&self) -> &News {
        &self.news
    }

    /// The rules of what goes wrong, and how many requests met each.
    pub(super) fn faults(&self) -> Vec<(String, usize)> {
        lock(&self.faults).told()
    }

    /// Looks at the store within one transaction, after what is due has been done.
    pub(super) async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Connection) -> answer::HandlerResult<T> + Send + 'static,
    ) -> answer::HandlerResult<T> {
        if self.peek(work::is_due).await? {
            self.run_due().await?;
        }
        self.peek(look).await
    }

    async fn peek<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> answer::HandlerResult<T> + Send + 'static,
    ) -> answer::HandlerResult<T> {
        let reader = self.database.reader().await;
        let (tell, told) = oneshot::channel();
        tokio::task::spawn_blocking(move || reader.run(|db, _| _ = tell.send(work(db))));
        told.await.unwrap_or_else(|_| Err(ErrorResponse::defect()))
    }

    fn remember(&self, request: &str) {
        let mut requests = lock(&self.requests);
        if requests.len() == MEMORY {
            requests.pop_front();
        }
        requests.push_back(request.to_owned());
    }

    async fn answer(&self, request: SandboxRequest) -> Response {
        let answer = match request.verb {
            HttpVerb::Get => self.look_up(Arc::new(request)).await,
            _ => self.carry_out(request).await,
        };
        answer.unwrap_or_else(reply::refused)
    }

    async fn carry_out(&self, request: SandboxRequest) -> answer::HandlerResult<Response> {
        let pace = Arc::clone(&self.pace);
        let told = self.write(move |db| {
            work::run_due(db, &pace)?;
            route::answer(db, &request, &pace)?.whole(db)
        });
        let told = told.await?;
        self.news.ring();
        Ok(reply::told(told))
    }

    async fn look_up(&self, request: Arc<SandboxRequest>) -> answer::HandlerResult<Response> {
        if let Some(response) = self.read(Arc::clone(&request), true).await? {
            return Ok(response);
        }
        self.run_due().await?;
        self.read(request, false).await?.ok_or_else(ErrorResponse::defect)
    }

    async fn run_due(&self) -> answer::HandlerResult<()> {
        let pace = Arc::clone(&self.pace);
        if self.write(move |db| work::run_due(db, &pace)).await? {
            self.news.ring();
        }
        Ok(())
    }

    async fn edit_as_another_person(&self, path: Vec<String>) {
        let edit = self.write(move |db| {
            another::edit(db, &path)?;
            audit::record(db, AuditAuthor::ANOTHER)
        });
        if edit.await.is_ok() {
            self.news.ring();
        }
    }

    fn expire(&self, request: &SandboxRequest) {
        if let Some(key) = &request.key {
            lock(&self.faults).expire(key);
        }
    }

    fn is_expired(&self, request: &SandboxRequest) -> bool {
        request.key.as_ref().is_some_and(|key| lock(&self.faults).is_expired(key))
    }

    /// Writes within one transaction, which is committed unless it comes to a refusal.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> answer::HandlerResult<T> + Send + 'static,
    ) -> answer::HandlerResult<T> {
        let mut writer = self.database.writer().await;
        // SQLite blocks, which must not hold up the other connections.
        let done = tokio::task::spawn_blocking(move || {
            // The lock is taken at once, so that a second process on the file waits its turn.
            let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = work(&transaction)?;
            transaction.commit()?;
            Ok(done)
        });
        done.await.unwrap_or_else(|_| Err(ErrorResponse::defect()))
    }

    /// Reads within one transaction; `None` where something is to be written first, `if_due`.
    async fn read(
        &self,
        request: Arc<SandboxRequest>,
        if_due: bool,
    ) -> answer::HandlerResult<Option<Response>> {
        let reader = self.database.reader().await;
        let (reply, replied) = oneshot::channel();
        let pace = Arc::clone(&self.pace);
        tokio::task::spawn_blocking(move || {
            reader.run(|db, turn| match work::is_due(db) {
                Ok(true) if if_due => _ = reply.send(None),
                _ => reply::send(db, turn, route::answer(db, &request, &pace), |it| {
                    _ = reply.send(Some(it));
                }),
            })
        });
        replied.await.map_err(|_| ErrorResponse::defect())
    }
}

/// Handles every request to the API, and whatever else has no page of its own.
pub(super) async fn handle(
    State(server): State<Arc<SandboxServer>>,
    ConnectInfo(cut): ConnectInfo<ConnectionCut>,
    request: axum::extract::Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let target = parts.uri.path_and_query().map_or("/", |it| it.as_str());
    server.remember(&format!("{} {target}", parts.method));
    let TriggeredFault { wait, fault: then } =
        lock(&server.faults).meet(&request::method(&parts), target);
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
    let answer = match then.as_ref().and_then(|it| wire::instead(it, &parts, &cut)) {
        Some(answer) => answer,
        None => handled(&server, &parts, body, then.as_ref()).await,
    };
    let Some(misfortune) = then else { return answer };
    server.news.add(NewsItem::of(&parts, &misfortune));
    wire::marred(&misfortune, answer, &cut).await
}

async fn handled(
    server: &SandboxServer,
    parts: &Parts,
    body: axum::body::Body,
    then: Option<&FaultKind>,
) -> Response {
    let Ok(body) = axum::body::to_bytes(body, LARGEST).await else {
        return reply::refused(ErrorResponse::too_large());
    };
    let request = SandboxRequest::new(parts, &body);
    match then {
        Some(FaultKind::Expire) => server.expire(&request),
        Some(FaultKind::Edit) => server.edit_as_another_person(request.path.clone()).await,
        Some(FaultKind::EditAt(path)) => {
            server.edit_as_another_person(request::segments(path)).await;
        }
        _ => {}
    }
    let answer = match server.is_expired(&request) {
        true => reply::refused(ErrorResponse::stranger()),
        false => server.answer(request).await,
    };
    match &server.recorder {
        Some(recorder) => recorder.tell(parts, body, answer).await,
        None => answer,
    }
}

/// Handles the control route of the faults.
pub(super) async fn control(
    State(server): State<Arc<SandboxServer>>,
    request: axum::extract::Request,
) -> Response {
    let (parts, body) = request.into_parts();
    if door::is_from_elsewhere(&parts) {
        return reply::refused(ErrorResponse::plain(
            StatusCode::FORBIDDEN,
            "This is for the sandbox's own page.",
        ));
    }
    let Ok(body) = axum::body::to_bytes(body, LARGEST).await else {
        return reply::refused(ErrorResponse::too_large());
    };
    let body = String::from_utf8_lossy(&body);
    let (status, shown) = lock(&server.faults).control(&parts.method, &body);
    server.news.ring();
    reply::json(status, format!("{shown:#}\n"))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
