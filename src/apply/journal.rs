//! Events → [`Receipt`], as a fold.
//!
//! Never: a file. The shell keeps the receipt.

use super::Event;
use crate::receipt::{Entry, Outcome, Receipt};

/// Notes in the receipt what has happened.
pub fn note(receipt: &mut Receipt, event: &Event) {
    let (Event::Started { index }
    | Event::Done { index, .. }
    | Event::Failed { index, .. }
    | Event::Unknown { index, .. }
    | Event::Skipped { index, .. }) = event;
    if let Some(entry) = receipt.entry_mut(*index) {
        set(entry, event);
    }
}

fn set(entry: &mut Entry, event: &Event) {
    let (outcome, error) = match event {
        // Its request may be on the way from here on.
        Event::Started { .. } => (Outcome::Unknown, None),
        Event::Done { id, written, .. } => {
            entry.id = id.clone().or(entry.id.take());
            entry.written.clone_from(written);
            (Outcome::Done, None)
        }
        Event::Failed { error, .. } => (Outcome::Failed, Some(error.clone())),
        Event::Unknown { error, .. } => (Outcome::Unknown, Some(error.clone())),
        Event::Skipped { because, .. } => (Outcome::Skipped, Some(because.clone())),
    };
    entry.outcome = outcome;
    entry.error = error;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::sample::everything;

    #[test]
    fn a_change_is_unknown_from_its_start_to_its_end() {
        let mut receipt = Receipt::new(&everything(), String::new());
        let outcome = |receipt: &Receipt| receipt.changes[1].outcome;
        assert_eq!(outcome(&receipt), Outcome::Skipped);
        note(&mut receipt, &Event::Started { index: 1 });
        assert_eq!(outcome(&receipt), Outcome::Unknown);
        let id = Some("WorkerPools-9".to_owned());
        note(&mut receipt, &Event::Done { index: 1, id, written: Vec::new() });
        assert_eq!(outcome(&receipt), Outcome::Done);
        assert_eq!(receipt.changes[1].id.as_deref(), Some("WorkerPools-9"));
        assert_eq!(receipt.count(Outcome::Done), 1);
    }
}
