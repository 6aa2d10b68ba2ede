//! Limits on a plan, and the levels of what refuses one.

use super::{AcceptRule, Declared};
use crate::{
    finding::{Code, Level, Span},
    text::pattern::Patterns,
};

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
    /// Deleting or replacing something that `protect` covers.
    Protected,
    /// Placing a step by a variable that does not exist.
    UnknownVariable,
}

impl Gate {
    /// All gates, in the order of the table in the language reference.
    pub const ALL: [Self; 8] = [
        Self::BuiltInWorkerInUse,
        Self::EmptyPool,
        Self::UnhealthyPool,
        Self::PoolInUse,
        Self::TooManyDeletes,
        Self::DefaultPoolMember,
        Self::Protected,
        Self::UnknownVariable,
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
            Self::UnknownVariable => Code::UnknownVariable,
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

/// Limits on deletes, the levels of findings, and which of them are accepted.
#[derive(Clone, Debug, Default)]
pub struct PlanPolicy {
    /// Where the file turns on pruning of undeclared pools; `None` if it does not.
    pub prune_pools: Option<Span>,
    /// Where the file turns on pruning of undeclared workers; `None` if it does not.
    pub prune_workers: Option<Span>,
    /// Names of pools and workers that must never be deleted or replaced.
    pub protect: Option<Declared<Patterns>>,
    /// How many deletes a plan may have; without it, a tenth of everything if the file prunes, else no limit.
    pub max_deletes: Option<Declared<MaxDeletes>>,
    /// Codes whose level the file sets; `None` is "allow".
    pub levels: BTreeMap<Code, Declared<Option<Level>>>,
    /// Findings that the file accepts. The first that matches decides.
    pub accepts: Vec<Declared<AcceptRule>>,
}

impl PlanPolicy {
    /// Returns where the file turns on pruning; `None` if it does not.
    pub fn prune_span(&self) -> Option<&Span> {
        self.prune_pools.as_ref().or(self.prune_workers.as_ref())
    }
}
