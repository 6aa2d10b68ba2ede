//! An explanation for scripts: JSON, and CSV with a header.

use super::{CaseAnswer, Explanation, StepAnswer};
use crate::text::escape::Escaped;

/// The explanation as one JSON object; it ends in a line end.
pub fn json(explanation: &Explanation) -> String {
    // Of texts, lists and switches alone: there is nothing that JSON cannot hold.
    let text = serde_json::to_string_pretty(explanation).unwrap_or_default();
    format!("{text}\n")
}

/// The explanation as CSV, a case or a use a line: `kind,what,when,place,pool,by,because,rule`.
pub fn csv(explanation: &Explanation) -> String {
    let head =
        ["kind", "what", "when", "place", "pool", "by", "because", "rule"].map(str::to_owned);
    let mut rows = vec![head];
    for step in &explanation.steps {
        rows.extend(step.live.iter().map(|case| row(step, case, "live")));
        let declared = step.declared.iter().flatten();
        rows.extend(declared.map(|case| row(step, case, "declared")));
    }
    let empty = String::new;
    for it in &explanation.uses {
        let (what, how) = (it.what.clone(), it.how.clone());
        rows.push([it.kind.to_owned(), what, empty(), empty(), empty(), empty(), how, empty()]);
    }
    for it in &explanation.unseen {
        let unseen = "not seen".to_owned();
        rows.push([unseen, empty(), empty(), empty(), empty(), empty(), it.clone(), empty()]);
    }
    rows.iter().map(|row| row.each_ref().map(|it| cell(it)).join(",") + "\r\n").collect()
}

fn row(step: &StepAnswer, case: &CaseAnswer, kind: &str) -> [String; 8] {
    let rule = step.rule.as_ref().map(|it| format!("{}:{}", it.line.file, it.line.line));
    [
        kind.to_owned(),
        step.address.to_string(),
        case.when.clone(),
        case.place.to_owned(),
        case.pool.clone().unwrap_or_default(),
        case.by.to_owned(),
        case.because.clone(),
        rule.unwrap_or_default(),
    ]
}

/// A cell, quoted where it has to be. A name that a spreadsheet would take for a formula begins with `'`.
fn cell(text: &str) -> String {
    let text = Escaped(text).to_string();
    let formula = if text.starts_with(['=', '+', '-', '@']) { "'" } else { "" };
    match formula.is_empty() && !text.contains([',', '"']) {
        true => text,
        false => format!("\"{formula}{}\"", text.replace('"', "\"\"")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_neither_two_cells_nor_a_formula() {
        assert_eq!(cell("Deploy"), "Deploy");
        assert_eq!(cell("a, \"b\""), "\"a, \"\"b\"\"\"");
        assert_eq!(cell("=HYPERLINK(1)"), "\"'=HYPERLINK(1)\"");
        assert_eq!(cell("a\r\n\u{1b}[2J"), "a\\r\\n\\u{1b}[2J");
    }
}
