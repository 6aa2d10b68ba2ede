//! From events to a receipt, one by one, so that the receipt is true at every moment.
//!
//! Never: a file or a clock. Whoever listens puts the receipt where it is to be.

use super::Event;
use poolwright_core::{
    plan::Approved,
    receipt::{Outcome, Receipt, Status, Written},
};

/// The receipt of an apply that begins.
pub fn begin(approved: &Approved, tool: String, started: String) -> Receipt {
    let plan = approved.plan();
    Receipt::begin(&plan.header, &plan.changes, tool, started)
}

/// Writes an event down.
///
/// An entry whose request is about to be sent is unknown from then on, until the answer is there.
pub fn record(receipt: &mut Receipt, event: &Event) {
    let (Event::Started { index }
    | Event::Writing { index, .. }
    | Event::Done { index, .. }
    | Event::Failed { index, .. }
    | Event::Skipped { index, .. }) = event
    else {
        return;
    };
    let Some(entry) = receipt.entries.get_mut(*index) else { return };
    match event {
        Event::Started { .. } | Event::Looked { .. } => {}
        Event::Writing { written, .. } => {
            entry.outcome = Outcome::Unknown;
            note(&mut entry.before, written);
        }
        Event::Done { id, written, .. } => {
            entry.outcome = Outcome::Done;
            entry.error = None;
            entry.before.clone_from(written);
            if id.is_some() {
                entry.id.clone_from(id);
            }
        }
        Event::Failed { error, unknown, .. } => {
            entry.outcome = if *unknown { Outcome::Unknown } else { Outcome::Failed };
            entry.error = Some(error.clone());
        }
        Event::Skipped { because, .. } => {
            entry.outcome = Outcome::Skipped;
            entry.error = Some(because.clone());
        }
    }
}

/// Ends the receipt: done, or partial where any change is not.
pub fn end(receipt: &mut Receipt, ended: String) {
    let done = receipt.entries.iter().all(|entry| entry.outcome == Outcome::Done);
    receipt.status = if done { Status::Done } else { Status::Partial };
    receipt.ended = Some(ended);
}

/// Adds what a request writes to what earlier tries wrote; what was there first is what was there.
pub(super) fn note(known: &mut Vec<Written>, written: &[Written]) {
    for field in written {
        match known.iter_mut().find(|it| it.path == field.path) {
            Some(known) => known.after.clone_from(&field.after),
            None => known.push(field.clone()),
        }
    }
}
