//! Receipts in words: what came of an apply, and a list of applies.
//!
//! A receipt is a file that anybody may have edited: its texts are escaped. Never: reading a file.

use super::{ApplyStatus, ChangeOutcome, Receipt, ReceiptEntry, RunRecord};
use crate::{
    plan::PlanOrigin,
    text::{escape::Escaped, pluralize},
};

use serde_json::{Value, json};

/// A receipt in a list.
#[derive(Clone, Debug)]
pub struct HistoryEntry {
    /// Its number, counted from 1; the newest has the highest.
    pub number: usize,
    /// Its file.
    pub file: String,
    /// The receipt.
    pub receipt: Receipt,
}

/// A file among receipts that is none.
#[derive(Clone, Debug)]
pub struct UnreadableReceipt {
    /// The file.
    pub file: String,
    /// Why it cannot be read.
    pub why: String,
}

/// How many changes have each outcome.
struct OutcomeCounts {
    done: usize,
    failed: usize,
    skipped: usize,
    unknown: usize,
}

impl OutcomeCounts {
    fn new(receipt: &Receipt) -> Self {
        let count = |outcome| receipt.entries.iter().filter(|it| it.outcome == outcome).count();
        Self {
            done: count(ChangeOutcome::Done),
            failed: count(ChangeOutcome::Failed),
            skipped: count(ChangeOutcome::Skipped),
            unknown: count(ChangeOutcome::Unknown),
        }
    }
}

impl Receipt {
    /// Returns what came of the apply: `43 changes made`, `rollback: 12 of 43 changes made, 1 failed, 30 skipped`.
    pub fn describe_outcome(&self) -> String {
        let OutcomeCounts { done, failed, skipped, unknown } = OutcomeCounts::new(self);
        let all = self.entries.len();
        let made = if done == all {
            format!("{} made", pluralize(all, "change"))
        } else {
            format!("{done} of {} made", pluralize(all, "change"))
        };
        let others = [(failed, "failed"), (skipped, "skipped"), (unknown, "unknown")];
        let others = others.iter().filter(|(count, _)| *count > 0);
        let others = others.map(|(count, outcome)| format!("{count} {outcome}"));
        let mut parts: Vec<String> = [made].into_iter().chain(others).collect();
        if self.status == ApplyStatus::Running {
            parts.push("still running, or killed".to_owned());
        }
        let kind = if self.origin == PlanOrigin::Rollback { "rollback: " } else { "" };
        format!("{kind}{}", parts.join(", "))
    }

    /// Returns when and by whom the apply was begun, and what came of it, in a line.
    pub fn describe_line(&self) -> String {
        let user = self.run.user.as_ref().map(|user| format!(" by {}", Escaped(user)));
        let outcome = self.describe_outcome();
        format!("{}{}: {outcome}", Escaped(&self.started), user.unwrap_or_default())
    }
}

/// Returns a table of receipts, the newest last. The server and the space are shown if they differ.
pub fn render_history(entries: &[HistoryEntry]) -> String {
    let place = |receipt: &Receipt| {
        let server = &receipt.server;
        format!("{}, {}", Escaped(&server.url), Escaped(&server.space))
    };
    let differ = entries.windows(2).any(|pair| match pair {
        [one, other] => place(&one.receipt) != place(&other.receipt),
        _ => false,
    });
    let row = |entry: &HistoryEntry| {
        let receipt = &entry.receipt;
        let RunRecord { user, commit, wave, .. } = &receipt.run;
        let escape = |text: &Option<String>| {
            text.as_ref().map_or("-".to_owned(), |text| Escaped(text).to_string())
        };
        let dirty = if commit.dirty == Some(true) { "+" } else { "" };
        let mut row = vec![
            entry.number.to_string(),
            Escaped(&receipt.started).to_string(),
            escape(user),
            escape(&commit.short_id()) + dirty,
            escape(wave),
        ];
        row.extend(differ.then(|| place(receipt)));
        row.push(receipt.describe_outcome());
        row
    };
    let mut head = vec!["#", "started", "by", "commit", "wave"];
    head.extend(differ.then_some("on"));
    head.push("result");
    let head: Vec<String> = head.into_iter().map(str::to_owned).collect();
    align_columns(&[head].into_iter().chain(entries.iter().map(row)).collect::<Vec<_>>())
}

fn align_columns(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate();
        // Numbers go to the right.
        let cells = cells.map(|(column, (cell, width))| {
            if column == 0 { format!("{cell:>width$}") } else { format!("{cell:width$}") }
        });
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

/// Returns a receipt in words; `show_times` adds when each change was begun and ended.
pub fn render_receipt(file: &str, receipt: &Receipt, show_times: bool) -> String {
    let server = &receipt.server;
    let RunRecord { user, job, commit, wave, plan } = &receipt.run;
    let from = commit
        .short_id()
        .map(|id| id + if commit.dirty == Some(true) { " with uncommitted changes" } else { "" });
    let lines = [
        ("receipt", Some(file.to_owned())),
        ("server", Some(format!("{}, space {}", server.url, server.space))),
        ("tool", Some(receipt.tool.clone())),
        ("by", user.clone()),
        ("job", job.clone()),
        ("commit", from),
        ("wave", wave.clone()),
        ("plan", plan.clone()),
        ("started", Some(receipt.started.clone())),
        ("ended", receipt.ended.clone()),
    ];
    let lines = lines.iter().filter_map(|(name, text)| Some((name, text.as_ref()?)));
    let mut text: String =
        lines.map(|(name, text)| format!("{name:8} {}\n", Escaped(text))).collect();
    text.push('\n');
    text.extend(receipt.entries.iter().map(|entry| render_entry(entry, show_times)));
    for entry in &receipt.unread {
        let (address, why) = (Escaped(&entry.address), Escaped(&entry.why));
        text.push_str(&format!("  unread    {address}: {why}\n"));
    }
    if !receipt.entries.is_empty() || !receipt.unread.is_empty() {
        text.push('\n');
    }
    text + &receipt.describe_outcome() + "\n"
}

fn render_entry(entry: &ReceiptEntry, show_times: bool) -> String {
    let address = entry.address.to_string();
    let times = match (&entry.started, &entry.ended) {
        (Some(started), Some(ended)) if show_times => {
            format!("  {} to {}", Escaped(started), Escaped(ended))
        }
        _ => String::new(),
    };
    let error = entry.error.as_ref().map(|error| format!(": {}", Escaped(error)));
    format!(
        "  {:8}  {} {}{times}{}\n",
        entry.outcome.as_str(),
        entry.action.symbol(),
        Escaped(&address),
        error.unwrap_or_default()
    )
}

/// Returns a list of receipts as JSON, the newest last.
pub fn history_json(entries: &[HistoryEntry], unreadable: &[UnreadableReceipt]) -> Value {
    let entry_json = |entry: &HistoryEntry| {
        let receipt = &entry.receipt;
        let OutcomeCounts { done, failed, skipped, unknown } = OutcomeCounts::new(receipt);
        json!({
            "number": entry.number,
            "file": entry.file,
            "status": receipt.status,
            "origin": receipt.origin,
            "server": receipt.server,
            "run": receipt.run,
            "started": receipt.started,
            "ended": receipt.ended,
            "changes": { "done": done, "failed": failed, "skipped": skipped, "unknown": unknown },
        })
    };
    let unreadable_json = |it: &UnreadableReceipt| json!({ "file": it.file, "why": it.why });
    json!({
        "format_version": "1.0",
        "receipts": entries.iter().map(entry_json).collect::<Vec<_>>(),
        "unreadable": unreadable.iter().map(unreadable_json).collect::<Vec<_>>(),
    })
}
