//! The parts of a plan.

use super::{
    dangers::danger_forms,
    findings::findings_part,
    parts::{Importance, Part, Parts},
    place,
};
use crate::{
    finding::{Finding, Level, Sources},
    plan::{Change, FieldDiff, UndoneFinding},
    render::{
        accepted::as_findings,
        danger::{Danger, DangerKind, short_address},
        group::{ChangeGroup, PlanSection},
        notes::describe_commit,
        report::{ProjectRow, Report, step_project},
        undone::{UNDONE_TITLE, UndoneRow, level_word},
        values::{long_text_sides, render_fields, render_sides},
    },
    text::{
        markdown::{code_cell, code_html, code_span, prose},
        pluralize,
    },
};

use indexmap::IndexMap;
use std::fmt::Write as _;

/// Returns the parts of a plan.
pub(super) fn plan_parts(report: &Report, sources: &Sources) -> Parts {
    let mut parts = Vec::new();
    let kinds = DangerKind::ALL.map(|kind| {
        let dangers = report.dangers.iter().filter(|danger| danger.kind == kind);
        (kind, dangers.collect::<Vec<&Danger>>())
    });
    let kinds: Vec<_> = kinds.iter().filter(|(_, dangers)| !dangers.is_empty()).collect();
    if !kinds.is_empty() {
        parts.push(Part::fixed("### Look at this first\n\n"));
    }
    for (kind, dangers) in kinds {
        let forms = danger_forms(*kind, dangers);
        parts.push(Part::new("dangers", Importance::Danger, forms));
    }
    if !report.sections.is_empty() {
        let most = [usize::MAX, 50, 10, 0].map(|most| change_form(report, most, usize::MAX));
        let fewer = [60, 15, 0].map(|groups| change_form(report, 0, groups));
        let forms = most.into_iter().chain(fewer).collect();
        parts.push(Part::new("changes", Importance::Changes, forms));
    }
    if !report.undone.is_empty() {
        let forms = [usize::MAX, 50, 10, 0].map(|most| undone_form(&report.undone, most));
        parts.push(Part::new("undone changes", Importance::Projects, forms.into()));
    }
    if report.projects.len() > 1 {
        let forms = [usize::MAX, 100, 30, 10, 0].map(|most| project_form(report, most));
        parts.push(Part::new("projects", Importance::Projects, forms.into()));
    }
    let (warnings, refusals): (Vec<&Finding>, Vec<&Finding>) =
        report.findings.iter().partition(|finding| finding.level == Level::Warn);
    // The message of a refusal is among the dangers; here is what it is about, and what to do.
    parts.extend(findings_part("refusal", &refusals, sources, Importance::Warnings));
    parts.extend(findings_part("warning", &warnings, sources, Importance::Warnings));
    let accepted = as_findings(&report.plan.accepted);
    let accepted: Vec<&Finding> = accepted.iter().collect();
    parts.extend(findings_part("accepted finding", &accepted, sources, Importance::Warnings));
    if !report.notes.is_empty() {
        let notes = report.notes.iter().map(|note| format!("- {}\n", prose(note)));
        let all = format!("### Notes\n\n{}\n", notes.collect::<String>());
        parts.push(Part::new("notes", Importance::Changes, vec![all, String::new()]));
    }
    Parts(parts)
}

/// Returns the changes, with at most so many steps of a group and so many groups.
fn change_form(report: &Report, steps: usize, groups: usize) -> String {
    let mut text = String::from("### Changes\n\n");
    let mut left = groups;
    for PlanSection { title, blocks, .. } in &report.sections {
        if left == 0 {
            break;
        }
        _ = writeln!(text, "**{title}**\n");
        for block in blocks.iter().take(left) {
            write_group(&mut text, block, steps);
        }
        left = left.saturating_sub(blocks.len());
    }
    let all: usize = report.sections.iter().map(|section| section.blocks.len()).sum();
    if all > groups {
        _ = writeln!(text, "… and {}\n", pluralize(all - groups, "more group"));
    }
    text
}

/// Writes a group: its head, and what it consists of, folded.
fn write_group(text: &mut String, group: &ChangeGroup, steps: usize) {
    let symbol = group.action.symbol();
    let head = match group.changes.as_slice() {
        [change] => code_html(&change.address.to_string()),
        changes => {
            let mut projects: Vec<_> =
                changes.iter().filter_map(|change| step_project(&change.address)).collect();
            projects.sort_unstable();
            projects.dedup();
            let projects = pluralize(projects.len(), "project");
            format!("{} in {projects}", pluralize(changes.len(), "step"))
        }
    };
    let rule = group.changes.first().and_then(|change| change.cause.rule.as_ref());
    let rule = rule.map(|rule| format!(" by rule {}", code_html(rule))).unwrap_or_default();
    let pool = group.fields.iter().find(|field| field.path == "pool");
    let pool = pool.map(|field| format!(": {}", code_html(&render_sides(field))));
    let pool = pool.unwrap_or_default();
    let symbol = code_html(&symbol.to_string());
    if steps == 0 {
        _ = writeln!(text, "- {symbol} {head}{rule}{pool}");
        return;
    }
    _ = writeln!(text, "<details><summary>{symbol} {head}{rule}{pool}</summary>\n");
    if let Some(line) = &group.line {
        _ = writeln!(text, "Declared at {}.\n", place(line));
    }
    if let Some(why) = group.changes.first().and_then(|change| change.cause.why.as_ref()) {
        _ = writeln!(text, "Because {}\n", prose(why));
    }
    if let Some(commit) = group.changes.first().and_then(|change| change.kind.git_commit()) {
        _ = writeln!(text, "{}\n", prose(&describe_commit(commit)));
    }
    for field in &group.fields {
        write_field(text, field);
    }
    if let Some(instead) = group.instead_of {
        let fields = code_span(&render_fields(&instead.fields));
        _ = writeln!(text, "- pending until now: {} {fields}", instead.action.as_str());
    }
    if group.changes.len() > 1 {
        write_steps(text, &group.changes, steps);
    }
    text.push_str("\n</details>\n\n");
}

/// Returns what the plan's base asks for and the plan does not, with at most so many lines.
fn undone_form(undone: &[UndoneRow], most: usize) -> String {
    let mut text = format!("### {UNDONE_TITLE}\n\n");
    for row in undone.iter().take(most) {
        match row {
            UndoneRow::Change { subject, change } => {
                let symbol = code_span(&change.action.symbol().to_string());
                let fields = code_span(&render_fields(&change.fields));
                _ = writeln!(text, "- {symbol} {}: {fields}", code_span(subject));
            }
            UndoneRow::Finding(UndoneFinding { code, level, message, .. }) => {
                let (level, code) = (level_word(*level), code_span(code));
                _ = writeln!(text, "- {level} {code}: {}", prose(message));
            }
        }
    }
    if undone.len() > most {
        _ = writeln!(text, "- and {} more", undone.len() - most);
    }
    text.push('\n');
    text
}

fn write_field(out: &mut String, field: &FieldDiff) {
    let path = code_span(&field.path);
    let sides = match long_text_sides(field) {
        Some(("", text) | (text, "")) => code_span(text),
        Some((before, after)) => format!("{} → {}", code_span(before), code_span(after)),
        None => code_span(&render_sides(field)),
    };
    _ = writeln!(out, "- {path}: {sides}");
}

/// Writes the steps of a group, a line for each project.
fn write_steps(text: &mut String, changes: &[&Change], most: usize) {
    let mut projects: IndexMap<&str, Vec<String>> = IndexMap::new();
    for change in changes.iter().take(most) {
        let subject = short_address(&change.address);
        let project = step_project(&change.address).unwrap_or_default();
        let step = subject.strip_prefix(project).unwrap_or(&subject);
        let step = step.strip_prefix(" / ").unwrap_or(step);
        projects.entry(project).or_default().push(code_span(step));
    }
    text.push('\n');
    for (project, steps) in projects {
        _ = writeln!(text, "- {}: {}", code_span(project), steps.join(", "));
    }
    if changes.len() > most {
        _ = writeln!(text, "- and {} more", changes.len() - most);
    }
}

/// Returns the projects whose steps move, as a table of at most so many rows.
fn project_form(report: &Report, most: usize) -> String {
    let mut text = String::from("### Projects\n\n");
    let all = report.projects.len();
    if most == 0 {
        _ = writeln!(text, "Steps of {} move.\n", pluralize(all, "project"));
        return text;
    }
    text.push_str(
        "| project | steps | steps that no change names | onto the server | will run in |\n",
    );
    text.push_str("| --- | ---: | ---: | ---: | --- |\n");
    for row in report.projects.iter().take(most) {
        let ProjectRow { project, named, affected, onto_server, destinations } = row;
        let shown: Vec<_> = destinations.iter().take(3).map(|it| code_cell(it)).collect();
        let more = destinations.len().saturating_sub(3);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let project = code_cell(project);
        let to = shown.join(", ");
        _ = writeln!(text, "| {project} | {named} | {affected} | {onto_server} | {to}{more} |");
    }
    if all > most {
        _ = writeln!(text, "\n… and {}", pluralize(all - most, "more project"));
    }
    text.push('\n');
    text
}
