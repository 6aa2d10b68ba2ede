//! Records events in a receipt, one by one, so that the receipt is correct at every moment.
//!
//! Never: a file or a clock. The listener stores the receipt.

use super::ApplyEvent;
use poolwright_core::{
    plan::ApprovedPlan,
    receipt::{ChangeOutcome, Receipt},
};

/// Starts the receipt of an apply.
pub fn begin_receipt(approved: &ApprovedPlan, tool: String, started: String) -> Receipt {
    let plan = approved.plan();
    Receipt::start_recording(&plan.header, &plan.changes, tool, started)
}

/// Records an event.
///
/// Once a request is about to be sent, the outcome of its entry is unknown until the response arrives.
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
