//! From events to a receipt, one by one, so that the receipt is true at every moment.
//!
//! Never: a file or a clock. Whoever listens puts the receipt where it is to be.

use super::ApplyEvent;
use poolwright_core::{
    plan::ApprovedPlan,
    receipt::{ApplyStatus, ChangeOutcome, Receipt, WrittenField},
};

/// The receipt of an apply that begins.
pub fn begin_receipt(approved: &ApprovedPlan, tool: String, started: String) -> Receipt {
    let plan = approved.plan();
    Receipt::start_recording(&plan.header, &plan.changes, tool, started)
}

/// Writes an event down.
///
/// An entry whose request is about to be sent is unknown from then on, until the answer is there.
pub fn record_event(receipt: &mut Receipt, event: &ApplyEvent) {
    let (ApplyEvent::Started { index }
    | ApplyEvent::Writing { index, .. }
    | ApplyEvent::Done { index, .. }
    | ApplyEvent::Failed { index, .. }
    | ApplyEvent::Skipped { index, .. }) = event
    else {
        return;
    };
    let Some(entry) = receipt.entries.get_mut(*index) else { return };
    match event {
        ApplyEvent::Started { .. } | ApplyEvent::WorkersChecked { .. } => {}
        ApplyEvent::Writing { written, .. } => {
            entry.outcome = ChangeOutcome::Unknown;
            merge_written(&mut entry.written, written);
        }
        ApplyEvent::Done { id, written, .. } => {
            entry.outcome = ChangeOutcome::Done;
            entry.error = None;
            entry.written.clone_from(written);
            if id.is_some() {
                entry.id.clone_from(id);
            }
        }
        ApplyEvent::Failed { error, unknown, .. } => {
            entry.outcome = if *unknown { ChangeOutcome::Unknown } else { ChangeOutcome::Failed };
            entry.error = Some(error.clone());
        }
        ApplyEvent::Skipped { because, .. } => {
            entry.outcome = ChangeOutcome::Skipped;
            entry.error = Some(because.clone());
        }
    }
}

/// Ends the receipt: done, or partial where any change is not.
pub fn end_receipt(receipt: &mut Receipt, ended: String) {
    let done = receipt.entries.iter().all(|entry| entry.outcome == ChangeOutcome::Done);
    receipt.status = if done { ApplyStatus::Done } else { ApplyStatus::Partial };
    receipt.ended = Some(ended);
}

/// Adds what a request writes to what earlier tries wrote; what was there first is what was there.
pub(super) fn merge_written(known: &mut Vec<WrittenField>, written: &[WrittenField]) {
    for field in written {
        match known.iter_mut().find(|written_field| written_field.path == field.path) {
            Some(known) => known.after.clone_from(&field.after),
            None => known.push(field.clone()),
        }
    }
}
