//! What an apply has done, as text: a line for each change, and a summary as the last line.

use crate::{
    receipt::{ApplyStatus, ChangeOutcome, Receipt, ReceiptEntry},
    text::{escape::Escaped, pluralize},
};

use std::fmt::Write as _;

/// Returns what became of each change, ending with a newline.
pub(super) fn render_receipt_text(receipt: &Receipt) -> String {
    let mut out = String::new();
    for entry in &receipt.entries {
        let ReceiptEntry { address, action, error, .. } = entry;
        let outcome = entry.outcome.as_str();
        let address = address.to_string();
        _ = write!(out, "{outcome:<8} {} {}", action.as_str(), Escaped(&address));
        if let Some(error) = error {
            _ = write!(out, ": {}", Escaped(error));
        }
        out.push('\n');
    }
    let is_done = |entry: &&ReceiptEntry| entry.outcome == ChangeOutcome::Done;
    let done = receipt.entries.iter().filter(is_done).count();
    let changes = pluralize(receipt.entries.len(), "change");
    _ = match receipt.status {
        _ if receipt.entries.is_empty() => writeln!(out, "No changes"),
        ApplyStatus::Done => writeln!(out, "Applied: {changes}"),
        ApplyStatus::Partial | ApplyStatus::Running => {
            writeln!(out, "Applied: {done} of {changes}")
        }
    };
    out
}
