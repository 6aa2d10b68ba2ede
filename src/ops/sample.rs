//! A server and files for tests of the use cases.

use super::{LoadedFiles, PlanRequest, SettleRequest, Target, plan_files};
use octopus_sandbox::{RecordedExchange, Recorder, Sandbox, SandboxOptions, Seed, start_server};
use poolwright_client::octopus::{
    Connection, ConnectionOptions, Credentials, Reader, Secret, TrustedServer,
};
use poolwright_core::{
    desired::AcceptDate,
    diff::TargetFilter,
    finding::{Source, Sources},
    plan::{OwnPlace, Plan},
};

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};
use tokio::net::TcpListener;

/// What findings are settled with where nothing is denied.
pub(super) fn settle_request() -> SettleRequest {
    SettleRequest { today: AcceptDate::new(2026, 11, 28), denied: BTreeSet::new() }
}

/// Plans a file against a server.
pub(super) async fn plan(server: &Server, text: &str) -> Plan {
    let files = LoadedFiles::parse(source(text)).unwrap();
    let request = PlanRequest {
        target: server.target(),
        addresses: TargetFilter::default(),
        wave: None,
        base: None,
        own: &OwnPlace::default(),
        settle: &settle_request(),
    };
    plan_files(&server.reader(), &files, &request).await.unwrap()
}

/// A sandbox that records its requests.
pub(super) struct Server {
    sandbox: Sandbox,
    targets: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Starts a server with the seed `chapter`, where every step runs on the built-in worker.
    pub(super) async fn start() -> Self {
        Self::with_seed(Seed::Chapter).await
    }

    /// Starts a server with this state.
    pub(super) async fn with_state(state: String) -> Self {
        Self::with_seed(Seed::State(state)).await
    }

    /// Starts a server with this seed.
    pub(super) async fn with_seed(seed: Seed) -> Self {
        let targets = Arc::<Mutex<Vec<String>>>::default();
        let note = Arc::clone(&targets);
        let recorder = Recorder::new(move |exchange: RecordedExchange| {
            note.lock().unwrap().push(exchange.target);
        });
        let options =
            SandboxOptions { seed, recorder: Some(recorder), ..SandboxOptions::default() };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self { sandbox: start_server(options, listener).await.unwrap(), targets }
    }

    /// Returns a reader that may see everything.
    pub(super) fn reader(&self) -> Reader {
        self.reader_with(&self.sandbox.keys().admin())
    }

    /// Returns a reader with this key.
    pub(super) fn reader_with(&self, key: &str) -> Reader {
        let key = Credentials::ApiKey(Secret::from(key.to_owned()));
        Connection::open(ConnectionOptions::new(
            TrustedServer::named_by_user(self.sandbox.url()),
            key,
        ))
        .unwrap()
        .reader()
    }

    /// Returns the server and its default space.
    pub(super) fn target(&self) -> Target<'_> {
        Target { url: self.sandbox.url(), space: None }
    }

    /// Returns how many requests there were.
    pub(super) fn requests(&self) -> usize {
        self.targets.lock().unwrap().len()
    }

    /// Returns how often this segment was listed.
    pub(super) fn lists(&self, segment: &str) -> usize {
        let list = format!("/api/Spaces-1/{segment}");
        let is_list = |target: &&String| {
            let path = target.split('?').next().unwrap_or_default();
            path.trim_end_matches("/all") == list
        };
        self.targets.lock().unwrap().iter().filter(is_list).count()
    }
}

/// Returns one file with this text.
pub(super) fn source(text: &str) -> Sources {
    Sources(vec![Source::new("workers.toml", text)])
}
