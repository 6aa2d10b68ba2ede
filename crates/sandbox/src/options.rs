//! How a sandbox starts, and what a new store holds.

use crate::{
    database::StoreLocation,
    fault::{Fault, FaultRule},
    pace::Pace,
    record::Recorder,
};

/// The server version that the sandbox reports.
pub const VERSION: &str = "2026.2.9314";

/// How a sandbox starts.
#[derive(Clone, Debug, Default)]
pub struct SandboxOptions {
    /// Where its documents are kept.
    pub store: StoreLocation,
    /// The first documents of a new store. A store that has data stays as it is.
    pub seed: Seed,
    /// Faults that each happen to one request.
    pub faults: Vec<Fault>,
    /// Further faults, and when they happen.
    pub rules: Vec<FaultRule>,
    /// The seed of random faults: under the same seed the same requests meet the same faults.
    pub fault_seed: u64,
    /// How long simulated work takes.
    pub pace: Pace,
    /// The names by which it may be addressed, apart from loopback names and addresses and the address that it
    /// listens on. A request for any other host is refused, so that no page of another site can reach it.
    pub hosts: Vec<String>,
    /// Receives every request and its answer.
    pub recorder: Option<Recorder>,
}

/// The first documents of a new store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Seed {
    /// Two spaces as in a fresh self-hosted installation, with nothing in them.
    Empty,
    /// A company that runs every step on the built-in worker or on targets: eight projects and their runbooks.
    #[default]
    Chapter,
    /// A generated inventory, the same at each start.
    Large {
        /// How many projects, each with one deployment process.
        projects: usize,
        /// How many steps each process has.
        steps: usize,
        /// How many workers, spread over the pools.
        workers: usize,
    },
    /// A larger company: three spaces, workers of every kind and health, projects in Git.
    Acme,
    /// A cloud instance: dynamic pools, and no built-in worker.
    Cloud,
    /// What [`export_state`](crate::export_state) wrote of another sandbox. The store must be empty.
    State(String),
}
