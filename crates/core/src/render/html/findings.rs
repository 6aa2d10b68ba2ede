//! Gates, mistakes and warnings: what is wrong, where, and what to do.

use super::{code, page::PageSection, section, summary::draw_line, words};
use crate::{
    finding::{ChangeOrigin, Finding, Level, Note, Sources},
    render::report::Report,
};

use maud::{Markup, html};

/// How many notes of a finding are in view.
const FEW: usize = 10;

/// Draws the findings of a plan.
pub(super) fn draw_findings(report: &Report, sources: &Sources) -> Option<PageSection> {
    let findings = &report.findings;
    let content = html! {
        @for finding in findings { (draw_finding(finding, sources)) }
    };
    (!findings.is_empty()).then(|| section("findings", "Findings", Some(findings.len()), content))
}

fn draw_finding(finding: &Finding, sources: &Sources) -> Markup {
    let (class, word) = match finding.level {
        Level::Error => ("finding grave", "error"),
        Level::Deny => ("finding grave", "denied"),
        Level::Warn => ("finding serious", "warning"),
    };
    let (few, rest) = finding.notes.split_at(FEW.min(finding.notes.len()));
    html! {
        article class=(class) {
            h3 { span class="level" { (word) "[" (finding.code.as_str()) "]" } " " (words(&finding.message))
                @if finding.origin == Some(ChangeOrigin::Pending) { " (already pending)" }
            }
            (draw_where(finding, sources))
            @if !few.is_empty() { (note_list(few)) }
            @if !rest.is_empty() {
                details { summary { "and " (rest.len()) " more" } (note_list(rest)) }
            }
            @if let Some(help) = &finding.help {
                p class="help" { strong { "What to do: " } (words(help)) }
            }
        }
    }
}

fn draw_where(finding: &Finding, sources: &Sources) -> Markup {
    let line = sources.line_of(&finding.location);
    let other = finding.other.as_deref();
    let other_line = other.and_then(|other| sources.start_line(&other.span));
    html! {
        @if line.is_some() || finding.address.is_some() || finding.label.is_some() {
            p class="where" {
                @if let Some(line) = &line { (draw_line(line)) " " }
                @if let Some(address) = &finding.address { (code(&address.to_string())) " " }
                @if let Some(label) = &finding.label { (words(label)) }
            }
        }
        @if let (Some(other), Some(line)) = (other, &other_line) {
            p class="where" { (draw_line(line)) " " (words(&other.label)) }
        }
    }
}

fn note_list(notes: &[Note]) -> Markup {
    html! { ul { @for note in notes { li { (words(note)) } } } }
}
