//! Findings as Markdown: those of a check, and the warnings of a plan.

use super::{
    parts::{Importance, Part, Parts},
    place,
};
use crate::{
    finding::{Finding, Level, Sources},
    render::{findings::count_levels, report::sort_key},
    text::{
        markdown::{code_span, prose},
        pluralize,
    },
};

use std::{collections::BTreeMap, fmt::Write as _};

/// Returns the findings of a check as Markdown, ending with a newline, in at most `max_bytes`.
pub fn findings_as_markdown(findings: &[Finding], sources: &Sources, max_bytes: usize) -> String {
    let mut sorted: Vec<&Finding> = findings.iter().collect();
    sorted.sort_by_key(|finding| sort_key(finding));
    let of_level = |level: Level| -> Vec<&Finding> {
        sorted.iter().copied().filter(|finding| finding.level == level).collect()
    };
    let levels = [
        ("error", Level::Error, Importance::Danger),
        ("refusal", Level::Deny, Importance::Danger),
        ("warning", Level::Warn, Importance::Warnings),
    ];
    let parts = levels.into_iter().filter_map(|(noun, level, importance)| {
        findings_part(noun, &of_level(level), sources, importance)
    });
    let is_refused = findings.iter().any(|finding| finding.level != Level::Warn);
    let head = match count_levels(findings) {
        Some(counts) if is_refused => format!("## ⛔ {counts}\n\n"),
        Some(counts) => format!("## ⚠ {counts}\n\n"),
        None => "## No problems found\n\n".to_owned(),
    };
    let files: Vec<_> = sources.0.iter().take(MAX_FILES).map(|it| code_span(&it.path)).collect();
    let more = sources.0.len().saturating_sub(MAX_FILES);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let head = format!("{head}{}{more}\n\n", files.join(", "));
    Parts(parts.collect()).fit(&head, "<!-- poolwright check -->\n", max_bytes, "poolwright check")
}

const MAX_FILES: usize = 5;

/// Returns findings of one level as a part of a text; `None` if there are none.
pub(super) fn findings_part(
    noun: &str,
    findings: &[&Finding],
    sources: &Sources,
    importance: Importance,
) -> Option<Part> {
    if findings.is_empty() {
        return None;
    }
    let forms = [(usize::MAX, usize::MAX), (usize::MAX, 0), (30, 0), (0, 0)]
        .map(|(most, notes)| findings_form(noun, findings, sources, most, notes));
    Some(Part::new("findings", importance, forms.into()))
}

/// Returns findings, with at most so many notes each, or how many there are of each kind.
fn findings_form(
    noun: &str,
    findings: &[&Finding],
    sources: &Sources,
    most: usize,
    notes: usize,
) -> String {
    let mut text = format!("### {}\n\n", pluralize(findings.len(), noun));
    if most == 0 {
        let mut codes: BTreeMap<&str, usize> = BTreeMap::new();
        for finding in findings {
            *codes.entry(finding.code.as_str()).or_default() += 1;
        }
        for (code, count) in codes {
            _ = writeln!(text, "- {}: {count}", code_span(code));
        }
        text.push('\n');
        return text;
    }
    for finding in findings.iter().take(most) {
        let at = sources.line_of(&finding.location);
        let at = at.map(|line| format!(" ({})", place(&line))).unwrap_or_default();
        _ = writeln!(
            text,
            "- {}: {}{at}",
            code_span(finding.code.as_str()),
            prose(&finding.message)
        );
        for note in finding.notes.iter().take(notes) {
            _ = writeln!(text, "  - {}", prose(note));
        }
        let help = finding.help.as_ref().filter(|_| notes > 0);
        help.iter().for_each(|help| _ = writeln!(text, "  - help: {}", prose(help)));
    }
    if findings.len() > most {
        _ = writeln!(text, "- and {} more", findings.len() - most);
    }
    text.push('\n');
    text
}
