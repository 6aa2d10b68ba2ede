//! An explanation for people. Names come from the server: every one is escaped.

use super::{CaseAnswer, Explanation, StepAnswer};
use crate::text::{count, escape::Escaped};
use std::fmt::Write as _;

/// The explanation as text; it ends in a line end.
pub fn text(explanation: &Explanation) -> String {
    let mut out = String::new();
    explanation.steps.iter().for_each(|step| one(&mut out, step));
    for it in &explanation.uses {
        _ = writeln!(out, "{:<8} {}: {}", it.kind, Escaped(&it.what), Escaped(&it.how));
    }
    for unseen in &explanation.unseen {
        _ = writeln!(out, "not seen: {}", Escaped(unseen));
    }
    let steps = explanation.steps.len();
    let tally = match (steps, explanation.uses.len()) {
        (0, uses) => count(uses, "use"),
        (steps, _) => count(steps, "step"),
    };
    _ = writeln!(out, "{tally}");
    out
}

fn one(out: &mut String, step: &StepAnswer) {
    let address = step.address.to_string();
    _ = writeln!(out, "{} ({})", Escaped(&address), Escaped(&step.action_type));
    cases(out, "runs", &step.live);
    if let Some(rule) = &step.rule {
        let label = rule.label.as_ref().map(|it| format!(", {it:?}")).unwrap_or_default();
        let place = format!("{}:{}{label}", rule.line.file, rule.line.line);
        _ = writeln!(out, "  decided by {}", Escaped(&place));
    }
    if let Some(declared) = &step.declared {
        cases(out, "once applied", declared);
    }
    out.push('\n');
}

fn cases(out: &mut String, lead: &str, cases: &[CaseAnswer]) {
    for case in cases {
        let when = if case.when.is_empty() { String::new() } else { format!(" ({})", case.when) };
        _ = writeln!(out, "  {lead}{} {}", Escaped(&when), Escaped(&case.because));
        for worker in &case.workers {
            let disabled = if worker.disabled { ", disabled" } else { "" };
            _ = writeln!(out, "    worker {}: {}{disabled}", Escaped(&worker.name), worker.health);
        }
    }
}
