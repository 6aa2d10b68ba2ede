//! The parts of a report as Markdown, each in forms from whole to short.

use super::{MarkdownOptions, dangers::danger_forms, place};
use crate::{
    finding::{Finding, Level, Sources},
    plan::{Change, FieldDiff},
    render::{
        danger::{Danger, DangerKind},
        group::{ChangeGroup, PlanSection},
        notes::describe_commit,
        report::{ProjectRow, Report, step_project},
        values::{long_text_sides, render_sides},
    },
    text::{
        markdown::{code_cell, code_html, code_span, prose},
        pluralize, shell_word,
    },
};

use indexmap::IndexMap;
use std::{collections::BTreeMap, fmt::Write as _};

/// The parts, in the order in which they are read.
pub(super) struct Parts(Vec<Part>);

/// A part of the text.
struct Part {
    /// What it shows, in words for the note on what was left out.
    subject: &'static str,
    /// How soon it gets shorter: the lowest first.
    importance: Importance,
    /// Its forms, from whole to short; at least one.
    forms: Vec<String>,
    /// The form that is shown.
    shown: usize,
}

/// How important a part is. Parts of equal importance get shorter in turn, the longest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Importance {
    Projects,
    Changes,
    Warnings,
    Danger,
}

impl Parts {
    pub(super) fn new(report: &Report, sources: &Sources) -> Self {
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
        if report.projects.len() > 1 {
            let forms = [usize::MAX, 100, 30, 10, 0].map(|most| project_form(report, most));
            parts.push(Part::new("projects", Importance::Projects, forms.into()));
        }
        let warnings: Vec<&Finding> =
            report.findings.iter().copied().filter(|it| it.level == Level::Warn).collect();
        if !warnings.is_empty() {
            let forms = [(usize::MAX, usize::MAX), (usize::MAX, 0), (30, 0), (0, 0)]
                .map(|(most, notes)| warning_form(&warnings, sources, most, notes));
            parts.push(Part::new("warnings", Importance::Warnings, forms.into()));
        }
        if !report.notes.is_empty() {
            let notes = report.notes.iter().map(|note| format!("- {}\n", prose(note)));
            let all = format!("### Notes\n\n{}\n", notes.collect::<String>());
            parts.push(Part::new("notes", Importance::Changes, vec![all, String::new()]));
        }
        Self(parts)
    }

    /// Makes parts shorter until all of them fit, or none can be shorter.
    pub(super) fn shorten_to(&mut self, room: usize) {
        while self.0.iter().map(|part| part.text().len()).sum::<usize>() > room {
            let shortenable = self.0.iter_mut().filter(|part| part.shown + 1 < part.forms.len());
            let Some(part) =
                shortenable.min_by_key(|part| (part.importance, usize::MAX - part.text().len()))
            else {
                return;
            };
            part.shown += 1;
        }
    }

    pub(super) fn text(&self) -> String {
        self.0.iter().map(Part::text).collect()
    }

    /// Returns a note on the parts that are not shown whole, and where they are.
    pub(super) fn left_out_note(&self, options: MarkdownOptions) -> String {
        let shortened = self.0.iter().filter(|part| part.shown > 0).map(|part| part.subject);
        let mut shortened: Vec<&str> = shortened.collect();
        shortened.dedup();
        if shortened.is_empty() {
            return String::new();
        }
        let command = match options.saved_as {
            Some(file) if file.len() < 200 => {
                format!("poolwright show -v {}", shell_word(file))
            }
            _ => "poolwright plan -v".to_owned(),
        };
        format!(
            "_To fit {} bytes, some of the {} were left out. {} shows all of it._\n\n",
            options.max_bytes,
            join_words(&shortened),
            code_span(&command)
        )
    }
}

/// Joins words as people do: `a, b and c`.
fn join_words(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [word] => (*word).to_owned(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

impl Part {
    fn new(subject: &'static str, importance: Importance, forms: Vec<String>) -> Self {
        Self { subject, importance, forms, shown: 0 }
    }

    fn fixed(text: &str) -> Self {
        Self::new("", Importance::Danger, vec![text.to_owned()])
    }

    fn text(&self) -> &str {
        self.forms.get(self.shown).map(String::as_str).unwrap_or_default()
    }
}

/// Returns the changes, with at most so many steps of a group and so many groups.
fn change_form(report: &Report, steps: usize, groups: usize) -> String {
    let mut text = String::from("### Changes\n\n");
    let mut left = groups;
    for PlanSection { title, blocks } in &report.sections {
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
    if group.changes.len() > 1 {
        write_steps(text, &group.changes, steps);
    }
    text.push_str("\n</details>\n\n");
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
        let subject = crate::render::danger::short_address(&change.address);
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

/// Returns the warnings, with at most so many notes each, or how many there are of each kind.
fn warning_form(warnings: &[&Finding], sources: &Sources, most: usize, notes: usize) -> String {
    let mut text = format!("### {}\n\n", pluralize(warnings.len(), "warning"));
    if most == 0 {
        let mut codes: BTreeMap<&str, usize> = BTreeMap::new();
        for warning in warnings {
            *codes.entry(warning.code.as_str()).or_default() += 1;
        }
        for (code, count) in codes {
            _ = writeln!(text, "- {}: {count}", code_span(code));
        }
        text.push('\n');
        return text;
    }
    for warning in warnings.iter().take(most) {
        let at = sources.line_of(&warning.location);
        let at = at.map(|line| format!(" ({})", place(&line))).unwrap_or_default();
        _ = writeln!(
            text,
            "- {}: {}{at}",
            code_span(warning.code.as_str()),
            prose(&warning.message)
        );
        for note in warning.notes.iter().take(notes) {
            _ = writeln!(text, "  - {}", prose(note));
        }
        let help = warning.help.as_ref().filter(|_| notes > 0);
        help.iter().for_each(|help| _ = writeln!(text, "  - help: {}", prose(help)));
    }
    if warnings.len() > most {
        _ = writeln!(text, "- and {} more", warnings.len() - most);
    }
    text.push('\n');
    text
}
