//! Renders an explanation as Markdown: a table of the steps, or of what uses a pool.

use super::{CaseAnswer, Explanation, text::rule_suffix};
use crate::text::{
    markdown::{code_cell, code_span, prose},
    pluralize,
};

use std::fmt::Write as _;

/// Renders the explanation as Markdown, ending with a newline, in at most `max_bytes`.
///
/// Rows that do not fit are counted.
pub fn render_markdown(explanation: &Explanation, max_bytes: usize) -> String {
    let (head, rows) = match &explanation.pool {
        Some(pool) => {
            let head = format!(
                "## Pool {}\n\n{}\n\n| kind | what | how |\n| --- | --- | --- |\n",
                code_span(&pool.name),
                prose(&pool.state.text)
            );
            (head, use_rows(explanation))
        }
        None => {
            let count = pluralize(explanation.steps.len(), "step");
            let head = format!(
                "## {count}\n\n| step | declared | live | runs |\n| --- | --- | --- | --- |\n"
            );
            (head, step_rows(explanation))
        }
    };
    let mut tail = String::from("\n");
    for unread in &explanation.unread {
        _ = writeln!(tail, "- not seen: {}", prose(unread));
    }
    tail.push_str("\n<!-- poolwright explain -->\n");
    fit(&head, &rows, &tail, max_bytes)
}

/// The most bytes of the line that counts the rows that are left out.
const NOTE: usize = 100;

fn fit(head: &str, rows: &[String], tail: &str, max_bytes: usize) -> String {
    let mut room = max_bytes.saturating_sub(head.len() + tail.len() + NOTE);
    let mut text = head.to_owned();
    let mut shown = 0;
    for row in rows {
        if row.len() > room {
            break;
        }
        room -= row.len();
        text.push_str(row);
        shown += 1;
    }
    if shown < rows.len() {
        let more = pluralize(rows.len() - shown, "more row");
        _ = writeln!(text, "\n… and {more}; `--format csv` has them all");
    }
    text.push_str(tail);
    text
}

fn step_rows(explanation: &Explanation) -> Vec<String> {
    let rows = explanation.steps.iter().map(|step| {
        let declared = step.declared.as_ref().map_or(String::new(), |declared| {
            code_cell(&format!("{}{}", declared.placement.text, rule_suffix(declared)))
        });
        let step_cell = code_cell(&step.address.to_string());
        let live = code_cell(&step.live.text);
        let runs = describe_cases(&step.effective);
        let applied = step.applied.as_ref().map(|cases| describe_cases(cases));
        let applied = applied.map(|cases| format!("; applied: {cases}")).unwrap_or_default();
        format!("| {step_cell} | {declared} | {live} | {runs}{applied} |\n")
    });
    rows.collect()
}

fn describe_cases(cases: &[CaseAnswer]) -> String {
    let cases = cases.iter().map(|case| {
        let when = if case.when.is_empty() { String::new() } else { format!("{}: ", case.when) };
        code_cell(&format!("{when}{}", case.reason))
    });
    cases.collect::<Vec<_>>().join("; ")
}

fn use_rows(explanation: &Explanation) -> Vec<String> {
    let rows = explanation.uses.iter().map(|answer| {
        let (what, how) = (code_cell(&answer.what), code_cell(&answer.how));
        format!("| {} | {what} | {how} |\n", answer.kind)
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_do_not_fit_are_counted() {
        let rows: Vec<String> = (0..100).map(|row| format!("| {row} | x |\n")).collect();
        let text = fit("head\n", &rows, "\ntail\n", 300);
        assert!(text.len() <= 300 && text.ends_with("tail\n"), "{text}");
        assert!(text.contains("… and ") && text.contains(" more rows"), "{text}");
        assert!(!fit("", &rows, "", 10_000).contains("more"));
    }
}
