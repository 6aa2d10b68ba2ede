//! A running sandbox: opened, seeded, served, and stopped when it is dropped.

use crate::{
    audit,
    database::{Database, StoreLocation},
    document::{channel, node},
    error::SandboxError,
    fault::{FaultRule, Faults},
    host::AllowedHosts,
    keys::AccessKeys,
    listener,
    options::SandboxOptions,
    seed,
    server::SandboxServer,
    state,
};
use std::{sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::oneshot};

/// A server that runs until it is dropped.
#[derive(Debug)]
pub struct Sandbox {
    url: String,
    is_new: bool,
    server: Arc<SandboxServer>,
    task: tokio::task::JoinHandle<()>,
    /// Dropped with the sandbox, which ends every open connection.
    stop: Option<oneshot::Sender<()>>,
}

impl Sandbox {
    /// Its address: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether its store was empty and has been seeded.
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// The keys that it accepts.
    pub fn keys(&self) -> &AccessKeys {
        self.server.keys()
    }

    /// Serves until `shutdown` is ready.
    pub async fn run_until(self, shutdown: impl Future<Output = ()>) {
        shutdown.await;
    }

    /// The latest 20,000 requests, oldest first, as `METHOD /path?query`: what a test needs to assert which
    /// calls a client made, in which order, and how often.
    pub fn recent_requests(&self) -> Vec<String> {
        self.server.recent_requests()
    }

    /// Lets time pass at once for simulated work, scheduled tasks and access tokens: a test that waits for a
    /// task need not wait for its [`Pace`](crate::Pace). What became due happens at the next request.
    pub fn skip_time(&self, time: Duration) {
        self.server.clock().skip(time);
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        drop(self.stop.take());
        self.server.news().close();
        self.task.abort();
    }
}

/// Writes the whole state of a store as a JSON object, with one document on each line.
///
/// # Errors
///
/// The store cannot be opened, or the state cannot be written.
pub async fn export_state(
    store: &StoreLocation,
    into: &mut (dyn std::io::Write + Send),
) -> Result<(), SandboxError> {
    let database = Database::open(store)?;
    state::write(&*database.lock_writer().await, into)
}

/// Opens the store, seeds it if it is new, and serves on `listener`.
///
/// # Errors
///
/// The store cannot be opened or written, or the listener has no address.
pub async fn start_server(
    options: SandboxOptions,
    listener: TcpListener,
) -> Result<Sandbox, SandboxError> {
    let address = listener.local_addr().map_err(SandboxError::Listen)?;
    let url = format!("http://{address}");
    let hosts = AllowedHosts::new(address, &options.hosts);
    let database = Database::open(&options.store)?;
    let (is_new, keys) = {
        let writer = database.lock_writer().await;
        (prepare_store(&writer, &options)?, AccessKeys::read(&writer)?)
    };
    let faults = options.faults.into_iter().map(FaultRule::from).chain(options.rules).collect();
    let faults = Faults::new(options.fault_seed, faults);
    let server = SandboxServer::new(database, faults, options.pace, keys, options.recorder);
    let server = Arc::new(server);
    let (stop, stopped) = oneshot::channel();
    let task =
        tokio::spawn(listener::serve_requests(listener, Arc::clone(&server), hosts, async {
            _ = stopped.await;
        }));
    Ok(Sandbox { url, is_new, server, task, stop: Some(stop) })
}

/// Plants the seed if the store is new, and starts the audit log. Returns whether it was new.
fn prepare_store(
    db: &rusqlite::Connection,
    options: &SandboxOptions,
) -> Result<bool, SandboxError> {
    let is_new = seed::seed_store(db, &options.seed)?;
    channel::add_missing_channels(db)?;
    node::create_node(db, options.pace.tasks_at_once)?;
    audit::install_triggers(db)?;
    Ok(is_new)
}
