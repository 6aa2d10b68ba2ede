//! What a plan may do, and what refuses it.

use super::Declared;
use crate::finding::{Code, Level, Span};
use std::collections::BTreeMap;

/// A rule that refuses a plan though every request in it would succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Gate {
    /// Switching the built-in worker off while a step would still resolve to it.
    BuiltInWorkerInUse,
    /// Placing a step in a pool that would have no enabled worker.
    EmptyPool,
    /// Placing a step in a pool with no healthy worker.
    UnhealthyPool,
    /// Deleting a pool that something points at.
    PoolInUse,
    /// More deletes than `max_deletes`.
    TooManyDeletes,
    /// Putting a worker into the default pool.
    DefaultPoolMember,
    /// Deleting or replacing what `protect` covers.
    Protected,
}

impl Gate {
    /// All gates, in the order of the language's table.
    pub const ALL: [Self; 7] = [
        Self::BuiltInWorkerInUse,
        Self::EmptyPool,
        Self::UnhealthyPool,
        Self::PoolInUse,
        Self::TooManyDeletes,
        Self::DefaultPoolMember,
        Self::Protected,
    ];

    /// Its code: the key under `[gates]`, and the code of its findings.
    pub fn code(self) -> Code {
        match self {
            Self::BuiltInWorkerInUse => Code::BuiltInWorkerInUse,
            Self::EmptyPool => Code::EmptyPool,
            Self::UnhealthyPool => Code::UnhealthyPool,
            Self::PoolInUse => Code::PoolInUse,
            Self::TooManyDeletes => Code::TooManyDeletes,
            Self::DefaultPoolMember => Code::DefaultPoolMember,
            Self::Protected => Code::Protected,
        }
    }
}

/// How many deletes a plan may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaxDeletes {
    /// So many.
    Count(usize),
    /// So many of each hundred live pools and workers, rounded down.
    Percent(u8),
}

/// What may be deleted, how much of it, and what each gate weighs.
#[derive(Clone, Debug, Default)]
pub struct PlanPolicy {
    /// Where the file says to delete live pools that are not declared; none where it does not.
    pub prune_pools: Option<Span>,
    /// The same of workers.
    pub prune_workers: Option<Span>,
    /// How many deletes a plan may have; no limit where the file says none.
    pub max_deletes: Option<Declared<MaxDeletes>>,
    /// Gates whose level the file sets; `None` is "allow".
    pub gates: BTreeMap<Gate, Option<Level>>,
}

impl PlanPolicy {
    /// What `gate` weighs; `None` where it is allowed.
    pub fn gate_level(&self, gate: Gate) -> Option<Level> {
        self.gates.get(&gate).copied().unwrap_or(Some(Level::Deny))
    }
}
