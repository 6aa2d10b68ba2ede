//! Renders an explanation for scripts: JSON, or CSV with a header.

use super::{
    CaseAnswer, Explanation, PoolUseAnswer, StepAnswer, WorkerAnswer, text, words::health_word,
};
use crate::{
    live::Health,
    text::escape::{Escaped, escape_json},
};

/// Renders the explanation as one JSON object, ending with a newline.
pub fn render_json(explanation: &Explanation) -> String {
    // Strings, lists and booleans only: serialising them cannot fail.
    let text = serde_json::to_string_pretty(explanation).unwrap_or_default();
    format!("{}\n", escape_json(&text))
}

/// The columns: the fields of a case or a use.
const COLUMNS: [&str; 14] = [
    "kind",
    "what",
    "type",
    "disabled",
    "declared",
    "rule",
    "live",
    "when",
    "place",
    "pool",
    "by",
    "because",
    "eligible",
    "not_eligible",
];

type CsvRow = [String; COLUMNS.len()];

/// Renders the explanation as CSV, one case or use per line.
pub fn render_csv(explanation: &Explanation) -> String {
    let mut rows = vec![COLUMNS.map(str::to_owned)];
    for step in &explanation.steps {
        rows.extend(step.effective.iter().map(|case| case_row(step, case, "now")));
        let applied = step.applied.iter().flatten();
        rows.extend(applied.map(|case| case_row(step, case, "applied")));
    }
    rows.extend(explanation.uses.iter().map(|pool_use| use_row(pool_use, explanation)));
    rows.extend(explanation.unread.iter().map(|unread| sparse_row("not seen", "", unread)));
    rows.iter().map(|row| row.each_ref().map(|cell| escape_cell(cell)).join(",") + "\r\n").collect()
}

fn case_row(step: &StepAnswer, case: &CaseAnswer, kind: &str) -> CsvRow {
    let declared = step.declared.as_ref();
    let rule = declared.and_then(|it| it.rule.as_ref());
    let workers = |eligible: bool| {
        let matching = case.workers.iter().filter(|worker| worker.eligible == eligible);
        matching.map(worker_cell).collect::<Vec<_>>().join("; ")
    };
    [
        kind.to_owned(),
        step.address.to_string(),
        step.action_type.clone(),
        if step.disabled { "yes" } else { "no" }.to_owned(),
        declared.map(|it| it.placement.text.clone()).unwrap_or_default(),
        rule.map(|rule| format!("{}:{}", rule.line.file, rule.line.line)).unwrap_or_default(),
        step.live.text.clone(),
        case.when.clone(),
        case.place.to_owned(),
        case.pool.clone().unwrap_or_default(),
        case.decided_by.to_owned(),
        case.reason.clone(),
        workers(true),
        workers(false),
    ]
}

fn worker_cell(answer: &WorkerAnswer) -> String {
    text::describe_worker(answer, health_word(answer.health))
}

/// Serialises a worker's health as its machine-readable word.
pub(super) fn serialize_health<S: serde::Serializer>(
    health: &Health,
    to: S,
) -> Result<S::Ok, S::Error> {
    to.serialize_str(health_word(*health))
}

/// Returns the row of a use; a member has its health, as in the rows of steps.
fn use_row(answer: &PoolUseAnswer, explanation: &Explanation) -> CsvRow {
    let mut row = sparse_row(answer.kind, &answer.what, &answer.how);
    let members = explanation.pool.iter().flat_map(|pool| &pool.state.workers);
    let member =
        members.filter(|_| answer.kind == "member").find(|member| member.name == answer.what);
    if let (Some(member), [.., eligible, not_eligible]) = (member, row.as_mut_slice()) {
        *(if member.eligible { eligible } else { not_eligible }) = worker_cell(member);
    }
    row
}

/// Returns a row that has only a kind, a name and a reason.
fn sparse_row(kind: &str, what: &str, because: &str) -> CsvRow {
    let cells = [("kind", kind), ("what", what), ("because", because)];
    COLUMNS.map(|column| {
        let found = cells.iter().find(|(name, _)| *name == column);
        found.map(|(_, text)| (*text).to_owned()).unwrap_or_default()
    })
}

/// Quotes a cell if necessary, and prefixes `'` to text that a spreadsheet would read as a formula.
fn escape_cell(text: &str) -> String {
    let text = Escaped(text).to_string();
    // Spreadsheets also accept full-width signs, and ignore spaces before a sign.
    let signs = ['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];
    let formula = if text.trim_start().starts_with(signs) { "'" } else { "" };
    if formula.is_empty() && !text.contains([',', '"', ';']) {
        return text;
    }
    format!("\"{formula}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_become_two_cells_or_a_formula() {
        assert_eq!(escape_cell("Deploy"), "Deploy");
        assert_eq!(escape_cell("a, \"b\""), "\"a, \"\"b\"\"\"");
        assert_eq!(escape_cell("=HYPERLINK(1)"), "\"'=HYPERLINK(1)\"");
        for sign in ["+1", "-1", "@SUM(1)", " =1", "\u{ff1d}1"] {
            assert_eq!(escape_cell(sign), format!("\"'{sign}\""));
        }
        assert_eq!(escape_cell("a\r\n\u{1b}[2J"), "a\\r\\n\\u{1b}[2J");
    }
}
