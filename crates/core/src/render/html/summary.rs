//! What a reviewer reads first: the verdict, where the plan comes from, what is dangerous, and the projects.

use super::{code, page::PageSection, section, words};
use crate::{
    finding::SourceLine,
    plan::{Plan, PlanOrigin},
    render::{
        accepted::as_findings,
        approval,
        danger::{Danger, DangerKind},
        report::{ProjectRow, Report, Verdict},
    },
    text::escape::Escaped,
};

use maud::{Markup, html};

/// How many dangers of a kind are in view; the others are behind a fold.
const FEW: usize = 10;

/// How many projects are in view; the others are behind a fold.
const FEW_PROJECTS: usize = 20;

pub(super) fn draw_verdict(report: &Report) -> Markup {
    let class = match report.verdict {
        Verdict::Refused { .. } => "verdict refused",
        Verdict::NoChanges => "verdict none",
        Verdict::Ready if !report.dangers.is_empty() => "verdict dangerous",
        Verdict::Ready => "verdict ready",
    };
    let warning = if class == "verdict dangerous" { "⚠ " } else { "" };
    html! { p class=(class) { (warning) (report.headline()) } }
}

/// Draws where a plan comes from and what it is for.
pub(super) fn draw_plan_facts(plan: &Plan) -> Markup {
    let header = &plan.header;
    let files = match header.origin {
        PlanOrigin::Files => "Files",
        PlanOrigin::Rollback => "Receipt",
    };
    html! {
        dl class="facts" {
            div { dt { "Server" } dd { (Escaped(header.url.trim_end_matches(':'))) " (Octopus " (Escaped(&header.server_version)) ")" } }
            div { dt { "Space" } dd { (Escaped(&header.space.name)) } }
            div { dt { (files) } dd { (Escaped(&header.files.join(", "))) } }
            div {
                dt { "Plan" }
                dd {
                    @if let Some(made) = approval::making_line(plan) { (made) }
                    @else { (code(plan.digest().short())) }
                }
            }
            @if let Some(comparison) = &plan.comparison {
                div {
                    dt { "Compared with " (Escaped(&comparison.base)) }
                    dd { (comparison.describe_split()) }
                }
            }
            @if !header.digest.is_empty() {
                div { dt { "Digest of the files" } dd { (code(&header.digest)) } }
            }
        }
    }
}

/// Draws what a reviewer must not miss, by kind, the gravest first.
pub(super) fn draw_dangers(report: &Report) -> Option<PageSection> {
    let kinds = DangerKind::ALL.into_iter().map(|kind| {
        let dangers = report.dangers.iter().filter(|danger| danger.kind == kind);
        (kind, dangers.collect::<Vec<_>>())
    });
    let kinds: Vec<(DangerKind, Vec<&Danger>)> =
        kinds.filter(|(_, dangers)| !dangers.is_empty()).collect();
    let content = html! {
        @for (kind, dangers) in &kinds {
            @let (few, rest) = dangers.split_at(FEW.min(dangers.len()));
            h3 class=(danger_class(*kind)) { (kind.title()) " " span class="count" { "(" (dangers.len()) ")" } }
            (danger_list(few))
            @if !rest.is_empty() {
                details { summary { "and " (rest.len()) " more" } (danger_list(rest)) }
            }
        }
    };
    (!kinds.is_empty())
        .then(|| section("dangers", "Look at this first", Some(report.dangers.len()), content))
}

fn danger_class(kind: DangerKind) -> &'static str {
    match kind {
        DangerKind::Refusal | DangerKind::Deletion | DangerKind::Nowhere => "grave",
        DangerKind::Security
        | DangerKind::OntoServer
        | DangerKind::Lowered
        | DangerKind::Unnamed => "serious",
    }
}

fn danger_list(dangers: &[&Danger]) -> Markup {
    html! {
        ul class="dangers" {
            @for danger in dangers {
                li {
                    @if !danger.subject.is_empty() { strong { (Escaped(&danger.subject)) } " " }
                    (words(&danger.what.describe(str::to_owned, str::to_owned)))
                    @if let Some(line) = &danger.line { " " (draw_line(line)) }
                }
            }
        }
    }
}

/// Draws a line of a file.
pub(super) fn draw_line(line: &SourceLine) -> Markup {
    html! { span class="line" { (Escaped(&line.file)) ":" (line.line) } }
}

/// Draws the projects whose steps move.
pub(super) fn draw_projects(report: &Report) -> Option<PageSection> {
    let rows = &report.projects;
    let (few, rest) = rows.split_at(FEW_PROJECTS.min(rows.len()));
    let content = html! {
        (project_table("Projects whose steps move", few))
        @if !rest.is_empty() {
            details {
                summary { "and " (rest.len()) " more" }
                (project_table("More projects whose steps move", rest))
            }
        }
    };
    (!rows.is_empty()).then(|| section("projects", "Projects", Some(rows.len()), content))
}

fn project_table(caption: &str, rows: &[ProjectRow]) -> Markup {
    html! {
        div class="wide" tabindex="0" role="region" aria-label=(caption) {
            table {
                caption class="unseen" { (caption) }
                thead {
                    tr {
                        th scope="col" { "Project" }
                        th scope="col" class="number" { "Steps that move" }
                        th scope="col" class="number" { "of these, unnamed" }
                        th scope="col" class="number" { "onto the server" }
                        th scope="col" { "To" }
                    }
                }
                tbody { @for row in rows { (project_row(row)) } }
            }
        }
    }
}

fn project_row(row: &ProjectRow) -> Markup {
    let destinations: Vec<&str> = row.destinations.iter().map(String::as_str).collect();
    html! {
        tr {
            th scope="row" { (Escaped(row.project)) }
            td class="number" { (row.named + row.affected) }
            td class="number" { (row.affected) }
            td class="number" { (row.onto_server) }
            td { (Escaped(&destinations.join(", "))) }
        }
    }
}

/// Draws what a reader needs to know of the plan as a whole.
pub(super) fn draw_notes(report: &Report) -> Option<PageSection> {
    let accepted = as_findings(&report.plan.accepted);
    let content = html! {
        ul {
            @for note in &report.notes { li { (words(note)) } }
            @for finding in &accepted { li { (code(finding.code.as_str())) " " (words(&finding.message)) } }
        }
    };
    (!report.notes.is_empty() || !accepted.is_empty())
        .then(|| section("notes", "Notes", None, content))
}
