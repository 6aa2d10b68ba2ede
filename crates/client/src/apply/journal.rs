//! Who listens to an apply, and how its events become those of a receipt's journal.
//!
//! Never: a file or a clock. The listener stores the journal.

use super::ApplyEvent;
use poolwright_core::{
    plan::ApprovedPlan,
    receipt::{JournalEvent, Receipt},
};

use futures_util::future::BoxFuture;

/// Records the events of an apply.
///
/// No request that changes something is sent before everything that was noted up to then is stored, so that a
/// journal is true wherever the process ends.
pub trait ApplyListener: Send + Sync {
    /// Notes an event. Must not block.
    fn note_event(&self, event: ApplyEvent);

    /// Completes once every event that was noted before the call is stored.
    ///
    /// # Errors
    ///
    /// Fails if events cannot be stored any more. The request is not sent then; to keep others from being begun,
    /// the listener stops the apply.
    fn wait_until_stored(&self) -> BoxFuture<'_, Result<(), StoreError>>;
}

/// Why events cannot be stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StoreError(pub String);

/// Starts the receipt of an apply.
pub fn begin_receipt(approved: &ApprovedPlan, tool: String, started: String) -> Receipt {
    let plan = approved.plan();
    Receipt::start_recording(&plan.header, &plan.changes, tool, started)
}

/// Returns the event of the journal, if the receipt records the event.
///
/// Once a request is about to be sent, the outcome of its entry is unknown until the response arrives.
pub fn journal_event(event: ApplyEvent) -> Option<JournalEvent> {
    Some(match event {
        ApplyEvent::Started { .. } | ApplyEvent::WorkersChecked { .. } => return None,
        ApplyEvent::Writing { index, written } => JournalEvent::Sent { change: index, written },
        ApplyEvent::Done { index, id, written } => {
            JournalEvent::Done { change: index, id, written: Some(written) }
        }
        ApplyEvent::Failed { index, error, unknown: true, .. } => {
            JournalEvent::Unknown { change: index, error }
        }
        ApplyEvent::Failed { index, error, unknown: false, partial } => {
            JournalEvent::Failed { change: index, error, partial }
        }
        ApplyEvent::Skipped { index, because, .. } => {
            JournalEvent::Skipped { change: index, error: because }
        }
    })
}
