//! What an apply has done, as Markdown: what was not done is first.

use super::{
    MarkdownOptions, marker_of,
    parts::{Importance, Part, Parts},
};
use crate::{
    plan::ChangeAction,
    receipt::{ApplyStatus, ChangeOutcome, Receipt, ReceiptEntry},
    render::{danger::short_address, report::step_project},
    text::{
        markdown::{code_span, prose},
        pluralize, shell_word,
    },
};

use indexmap::IndexMap;
use std::fmt::Write as _;

/// Returns what an apply has done as Markdown, ending with a newline. `options.saved_as` is the receipt's file.
pub fn receipt_as_markdown(receipt: &Receipt, options: MarkdownOptions) -> String {
    let mut parts = Vec::new();
    let kinds = [
        (ChangeOutcome::Failed, "Failed"),
        (ChangeOutcome::Unknown, "Sent, but it is not known whether they were made"),
        (ChangeOutcome::Skipped, "Not begun"),
    ];
    for (outcome, title) in kinds {
        let entries = entries_with(receipt, outcome);
        if !entries.is_empty() {
            let forms = [usize::MAX, 50, 10, 0].map(|most| open_form(title, &entries, most));
            parts.push(Part::new("changes that were not made", Importance::Danger, forms.into()));
        }
    }
    let done = entries_with(receipt, ChangeOutcome::Done);
    if !done.is_empty() {
        let forms = [usize::MAX, 50, 0].map(|most| done_form(&done, most));
        parts.push(Part::new("changes", Importance::Changes, forms.into()));
    }
    let file = options.saved_as.map(shell_word);
    let tail = match &file {
        Some(file) => {
            let command = code_span(&format!("poolwright rollback {file}"));
            format!("**To undo this:** {command}\n\n{}", marker_of(&receipt.server))
        }
        None => marker_of(&receipt.server),
    };
    let whole = file
        .map_or("poolwright history".to_owned(), |file| format!("poolwright history show {file}"));
    Parts(parts).fit(&head(receipt), &tail, options.max_bytes, &whole)
}

fn entries_with(receipt: &Receipt, outcome: ChangeOutcome) -> Vec<&ReceiptEntry> {
    receipt.entries.iter().filter(|entry| entry.outcome == outcome).collect()
}

fn head(receipt: &Receipt) -> String {
    let all = receipt.entries.len();
    let done = entries_with(receipt, ChangeOutcome::Done).len();
    let headline = match receipt.status {
        ApplyStatus::Done => format!("Applied: {}", pluralize(all, "change")),
        ApplyStatus::Partial => {
            format!("⛔ Stopped: {} of {all} changes were not made", all - done)
        }
        ApplyStatus::Running => format!("⚠ Not ended: {done} of {all} changes were made"),
    };
    let server = &receipt.server;
    format!(
        "## {headline}\n\non {}, space {}, begun {}\n\n",
        code_span(server.url.trim_end_matches(':')),
        code_span(&server.space),
        code_span(&receipt.started),
    )
}

fn open_form(title: &str, entries: &[&ReceiptEntry], most: usize) -> String {
    let mut text = format!("**{title}: {}**\n\n", entries.len());
    for entry in entries.iter().take(most) {
        let why = entry.error.as_deref().map(|why| format!(": {}", prose(why))).unwrap_or_default();
        _ = writeln!(text, "- {}{why}", code_span(&short_address(&entry.address)));
    }
    if entries.len() > most {
        _ = writeln!(text, "- and {} more", entries.len() - most);
    }
    text.push('\n');
    text
}

/// Returns the changes that were made: the steps by their projects, everything else one by one.
fn done_form(entries: &[&ReceiptEntry], most: usize) -> String {
    let mut steps: IndexMap<&str, usize> = IndexMap::new();
    let mut lines = Vec::new();
    for entry in entries {
        match step_project(&entry.address) {
            Some(project) => *steps.entry(project).or_default() += 1,
            None => lines.push(format!(
                "- {} {}\n",
                code_span(&short_address(&entry.address)),
                action_word(entry.action)
            )),
        }
    }
    lines.extend(steps.iter().map(|(project, steps)| {
        format!("- {}: {} moved\n", code_span(project), pluralize(*steps, "step"))
    }));
    let mut text = format!("**Done: {}**\n\n", entries.len());
    text.extend(lines.iter().take(most).map(String::as_str));
    if lines.len() > most && most > 0 {
        _ = writeln!(text, "- and {} more", lines.len() - most);
    }
    text.push('\n');
    text
}

fn action_word(action: ChangeAction) -> &'static str {
    match action {
        ChangeAction::Create => "created",
        ChangeAction::Update => "updated",
        ChangeAction::Replace => "replaced",
        ChangeAction::Delete => "deleted",
    }
}
