//! Gates: what refuses a plan though every request in it would succeed.
//!
//! Each looks at the state after the plan, so that one plan may move steps away from a pool and delete it.

mod built_in;
mod deletes;
mod members;
mod variables;

use super::matched::Matched;
use crate::{
    desired::Gate,
    finding::{Finding, FindingLocation, Level},
    live::Live,
    plan::Change,
};

/// The plan as the gates see it.
pub(super) struct GateInput<'a> {
    /// The file and the server.
    pub(super) matched: &'a Matched<'a>,
    /// What would be written.
    pub(super) changes: &'a [Change],
    /// The server once that is done.
    pub(super) after: &'a Live,
}

/// What each gate says, in the order of the language's table.
pub(super) fn check_gates(outcome: &GateInput) -> Vec<Finding> {
    [
        built_in::built_in_in_use(outcome),
        members::check_pool_workers(outcome),
        variables::check_variables(outcome),
        deletes::pool_in_use(outcome),
        deletes::too_many_deletes(outcome),
        members::check_default_pool(outcome),
        deletes::protected_deletes(outcome),
    ]
    .into_iter()
    .flatten()
    .collect()
}

impl GateInput<'_> {
    /// A finding of a gate at the level that the file gives it; none where the file allows it.
    fn gate_finding(&self, gate: Gate, at: FindingLocation, message: String) -> Option<Finding> {
        let level = self.matched.desired.policy.gate_level(gate)?;
        Some(Finding::new(gate.code(), level, at, message))
    }

    /// The same for what is not known to be bad: a warning at most.
    fn gate_warning(&self, gate: Gate, at: FindingLocation, message: String) -> Option<Finding> {
        self.gate_finding(gate, at, message)
            .map(|finding| Finding { level: Level::Warn, ..finding })
    }
}

/// The line of help that names the way past a gate.
fn bypass_help(gate: Gate) -> String {
    format!("`{} = \"warn\"` under `[gates]` lets it pass", gate.code())
}
