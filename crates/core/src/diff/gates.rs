//! Gates: checks that refuse a plan even though every request in it would succeed.
//!
//! Each gate checks the state after the plan, so that one plan may move steps out of a pool and delete the pool.

mod built_in;
mod deletes;
mod members;
mod own_worker;
mod variables;

pub(super) use own_worker::check_own_place;

use super::matched::Matched;
use crate::{
    desired::Gate,
    finding::{Code, Finding, FindingLocation, Level, Note, Subject},
    live::{Live, PoolUse},
    plan::{Change, GateSettings},
};

/// The input of the gates.
pub(super) struct GateInput<'a> {
    /// The settings of the gates; nothing else that a file declares may decide.
    pub(super) settings: &'a GateSettings,
    /// The file, for addresses and locations, and the server.
    pub(super) matched: &'a Matched<'a>,
    /// The planned changes.
    pub(super) changes: &'a [Change],
    /// The server after those changes.
    pub(super) after: &'a Live,
}

/// Runs every gate, in the order of the table in the language reference.
pub(super) fn check_gates(input: &GateInput) -> Vec<Finding> {
    [
        built_in::built_in_in_use(input),
        members::check_pool_workers(input),
        variables::check_variables(input),
        deletes::pool_in_use(input),
        deletes::too_many_deletes(input),
        members::check_default_pool(input),
        deletes::protected_deletes(input),
        check_own_place(input),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Whether findings with this code come from a gate.
pub(super) fn is_gate_code(code: Code) -> bool {
    matches!(code, Code::UnsetVariable | Code::OwnWorker)
        || Gate::ALL.iter().any(|gate| gate.code() == code)
}

/// Returns a finding that refuses the plan unless the file says otherwise.
fn gate_finding(gate: Gate, at: FindingLocation, message: impl Into<String>) -> Finding {
    Finding::new(gate.code(), Level::Deny, at, message)
}

/// Returns a warning of a gate, for something that may be harmless.
fn gate_warning(gate: Gate, at: FindingLocation, message: impl Into<String>) -> Finding {
    Finding::new(gate.code(), Level::Warn, at, message)
}

/// Returns a note about something that uses a pool.
fn note_use(pool_use: PoolUse) -> Note {
    let PoolUse { what, address, project, .. } = pool_use;
    let project = project.map(|name| name.to_string());
    Note::about(what, Subject { address, project, ..Subject::default() })
}

/// Returns notes about things that use a pool.
fn note_uses(uses: impl IntoIterator<Item = PoolUse>) -> Vec<Note> {
    uses.into_iter().map(note_use).collect()
}

/// Returns the line of help that says how to bypass a gate.
fn bypass_help(gate: Gate) -> String {
    format!("`{} = \"warn\"` under `[gates]` lets it pass", gate.code())
}
