//! How a sandbox starts, and what a new store holds.

use crate::{
    database::StoreLocation,
    fault::{Fault, FaultRule},
    pace::Pace,
    record::Recorder,
};

/// The server version that the sandbox says it is.
pub const VERSION: &str = "2026.2.9314";

/// How a sandbox starts.
#[derive(Clone, Debug, Default)]
pub struct SandboxOptions {
    /// Where its documents live.
    pub store: StoreLocation,
    /// What a new store holds. A store that has been seeded before stays as it is.
    pub seed: Seed,
    /// What goes wrong, each at one request.
    pub faults: Vec<Fault>,
    /// What else goes wrong, and when.
    pub rules: Vec<FaultRule>,
    /// What chance begins with: under the same seed the same requests meet the same.
    pub fault_seed: u64,
    /// How long what it only pretends takes.
    pub pace: Pace,
    /// Who is told of every exchange.
    pub recorder: Option<Recorder>,
}

/// What a new store holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Seed {
    /// Two spaces as a fresh self-hosted installation makes them, and nothing in them.
    Empty,
    /// A company whose every step runs on the built-in worker: eight projects, their runbooks, targets.
    #[default]
    Chapter,
    /// A generated estate, the same at each start.
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
    /// What [`export_state`] has written of another sandbox. The store must not have data.
    State(String),
}
