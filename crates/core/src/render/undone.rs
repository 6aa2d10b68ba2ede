//! What a plan's base asks for and the plan does not. It is shown apart from the plan, since it is not applied.

use super::danger::short_address;
use crate::{
    finding::Level,
    plan::{BaseComparison, PendingChange, Plan, UndoneFinding},
};

/// A change or a finding of the base alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum UndoneRow<'a> {
    /// A change that is no longer pending.
    Change {
        /// The object, as people name it.
        subject: String,
        /// What would have been done.
        change: &'a PendingChange,
    },
    /// A finding that is gone.
    Finding(&'a UndoneFinding),
}

/// Returns what is shown of a plan's base alone; nothing if the plan is not compared with a base.
pub(super) fn undone_rows(plan: &Plan) -> Vec<UndoneRow<'_>> {
    let Some(BaseComparison { undone, undone_findings, .. }) = &plan.comparison else {
        return Vec::new();
    };
    let changes = undone
        .iter()
        .map(|change| UndoneRow::Change { subject: short_address(&change.address), change });
    changes.chain(undone_findings.iter().map(UndoneRow::Finding)).collect()
}

/// The heading of what is undone.
pub(super) const UNDONE_TITLE: &str =
    "Undone: pending before, removed by this change, and not applied";

/// Returns the word for how severe a finding is.
pub(super) fn level_word(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Deny => "denied",
        Level::Warn => "warning",
    }
}
