//! From events to a receipt, one by one, so that the receipt is true at every moment.
//!
//! Never: a file or a clock. Whoever listens puts the receipt where it is to be.

use super::ApplyEvent;
use poolwright_core::{
    plan::ApprovedPlan,
    receipt::{ChangeOutcome, Receipt},
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
        ApplyEvent::Writing { written, .. } => entry.record_request(written),
        ApplyEvent::Done { id, written, .. } => entry.record_success(id.as_deref(), written),
        ApplyEvent::Failed { error, unknown, .. } => {
            let outcome = if *unknown { ChangeOutcome::Unknown } else { ChangeOutcome::Failed };
            entry.record_failure(outcome, error);
        }
        ApplyEvent::Skipped { because, .. } => {
            entry.record_failure(ChangeOutcome::Skipped, because);
        }
    }
}
