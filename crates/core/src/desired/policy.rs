//! Limits on a plan, and the gates that refuse one.

use super::Declared;
use crate::finding::{Code, Level, Span};

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A check that refuses a plan even though every request in it would succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gate {
    /// Switching the built-in worker off while a step would still resolve to it.
    BuiltInWorkerInUse,
    /// Placing a step in a pool that would have no enabled worker.
    EmptyPool,
    /// Placing a step in a pool with no healthy worker.
    UnhealthyPool,
    /// Deleting a pool that is still in use.
    PoolInUse,
    /// More deletes than `max_deletes`.
    TooManyDeletes,
    /// Putting the first worker into the default pool.
    DefaultPoolMember,
    /// Deleting or replacing something that has `protect` set.
    Protected,
}

impl Gate {
    /// All gates, in the order of the table in the language reference.
    pub const ALL: [Self; 7] = [
        Self::BuiltInWorkerInUse,
        Self::EmptyPool,
        Self::UnhealthyPool,
        Self::PoolInUse,
        Self::TooManyDeletes,
        Self::DefaultPoolMember,
        Self::Protected,
    ];

    /// Returns the gate's code: its key under `[gates]`, and the code of its findings.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaxDeletes {
    /// At most this many.
    Count(usize),
    /// At most this percentage of all live pools and workers, rounded down.
    Percent(u8),
}

/// Limits on deletes, and the level of each gate.
#[derive(Clone, Debug, Default)]
pub struct PlanPolicy {
    /// Where the file turns on pruning of undeclared pools; `None` if it does not.
    pub prune_pools: Option<Span>,
    /// Where the file turns on pruning of undeclared workers; `None` if it does not.
    pub prune_workers: Option<Span>,
    /// How many deletes a plan may have; `None` is no limit.
    pub max_deletes: Option<Declared<MaxDeletes>>,
    /// Gates whose level the file sets; `None` is "allow".
    pub gates: BTreeMap<Gate, Option<Level>>,
}

impl PlanPolicy {
    /// Returns the level of `gate`; `None` if the file allows it.
    pub fn gate_level(&self, gate: Gate) -> Option<Level> {
        self.gates.get(&gate).copied().unwrap_or(Some(Level::Deny))
    }
}
