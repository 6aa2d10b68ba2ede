//! Renders an explanation for people, with every name from the server escaped.

use super::{
    CaseAnswer, DeclaredAnswer, Explanation, PoolAnswer, StepAnswer, WorkerAnswer,
    words::health_text,
};
use crate::text::{escape::Escaped, pluralize};
use indexmap::IndexMap;
use std::fmt::Write as _;

/// The most workers listed on a line; JSON and CSV list them all.
const MAX_WORKERS: usize = 8;

/// Renders the explanation as text, ending with a newline.
pub fn render_text(explanation: &Explanation) -> String {
    let mut out = String::new();
    explanation.steps.iter().for_each(|step| write_step(&mut out, step));
    if let Some(pool) = &explanation.pool {
        write_pool(&mut out, pool);
    }
    for answer in &explanation.uses {
        _ = writeln!(out, "{:<8} {}: {}", answer.kind, Escaped(&answer.what), Escaped(&answer.how));
    }
    for unread in &explanation.unread {
        _ = writeln!(out, "not seen: {}", Escaped(unread));
    }
    _ = writeln!(out, "{}", count_answers(explanation));
    out
}

/// Returns `3 steps`, or `3 uses: step 2, variable 1`.
fn count_answers(explanation: &Explanation) -> String {
    if explanation.pool.is_none() {
        return pluralize(explanation.steps.len(), "step");
    }
    let mut kinds: IndexMap<&str, usize> = IndexMap::new();
    for answer in &explanation.uses {
        *kinds.entry(answer.kind).or_default() += 1;
    }
    let kinds: Vec<_> = kinds.iter().map(|(kind, n)| format!("{kind} {n}")).collect();
    let uses = pluralize(explanation.uses.len(), "use");
    if kinds.is_empty() { uses } else { format!("{uses}: {}", kinds.join(", ")) }
}

fn write_pool(out: &mut String, pool: &PoolAnswer) {
    let kind = pool.image.as_ref().map_or("static".to_owned(), |image| format!("dynamic, {image}"));
    let default = if pool.default { ", the default pool" } else { "" };
    let ids =
        if pool.slug.is_empty() { pool.id.clone() } else { format!("{}, {}", pool.id, pool.slug) };
    _ = writeln!(
        out,
        "pool `{}` ({}): {}{default}",
        Escaped(&pool.name),
        Escaped(&ids),
        Escaped(&kind)
    );
    _ = writeln!(out, "  {}", Escaped(&pool.state.text));
    write_workers(out, &pool.state.workers);
    out.push('\n');
}

fn write_step(out: &mut String, step: &StepAnswer) {
    let address = step.address.to_string();
    let inside = if step.template_step.is_some() { ", inside a process template" } else { "" };
    let disabled = if step.disabled { ", disabled" } else { "" };
    _ = writeln!(out, "{} ({}{inside}{disabled})", Escaped(&address), Escaped(&step.action_type));
    if let Some(declared) = &step.declared {
        let text = format!("{}{}", declared.placement.text, rule_suffix(declared));
        _ = writeln!(out, "  declared  {}", Escaped(&text));
    }
    _ = writeln!(out, "  live      {}", Escaped(&step.live.text));
    write_cases(out, "runs", &step.effective);
    if let Some(applied) = &step.applied {
        write_cases(out, "applied", applied);
    }
    out.push('\n');
}

/// Returns `, by workers.toml:3, "clusters"`, or an empty text if no rule decides.
pub(super) fn rule_suffix(declared: &DeclaredAnswer) -> String {
    let Some(rule) = &declared.rule else { return String::new() };
    let label = rule.label.as_ref().map(|label| format!(", {label:?}")).unwrap_or_default();
    format!(", by {}:{}{label}", rule.line.file, rule.line.line)
}

fn write_cases(out: &mut String, lead: &str, cases: &[CaseAnswer]) {
    for (at, case) in cases.iter().enumerate() {
        let lead = if at == 0 { lead } else { "" };
        let when = if case.when.is_empty() { String::new() } else { format!("{}: ", case.when) };
        _ = writeln!(out, "  {lead:<8}  {}{}", Escaped(&when), Escaped(&case.reason));
        // The workers of a pool are listed once, for its first case.
        let listed = cases.iter().take(at).any(|earlier| earlier.pool == case.pool);
        if !listed {
            write_workers(out, &case.workers);
        }
    }
}

fn write_workers(out: &mut String, workers: &[WorkerAnswer]) {
    for (eligible, lead) in [(true, "eligible"), (false, "not eligible")] {
        let matching: Vec<&WorkerAnswer> =
            workers.iter().filter(|worker| worker.eligible == eligible).collect();
        if matching.is_empty() {
            continue;
        }
        let first = matching.iter().take(MAX_WORKERS);
        let mut named: Vec<String> =
            first.map(|worker| describe_worker(worker, health_text(worker.health))).collect();
        if matching.len() > MAX_WORKERS {
            named.push(format!("and {} more", matching.len() - MAX_WORKERS));
        }
        _ = writeln!(out, "            {lead}: {}", Escaped(&named.join(", ")));
    }
}

/// Returns a worker with its health: `db-01 (healthy)`.
pub(super) fn describe_worker(worker: &WorkerAnswer, health: &str) -> String {
    let disabled = if worker.disabled { ", disabled" } else { "" };
    format!("{} ({health}{disabled})", worker.name)
}
