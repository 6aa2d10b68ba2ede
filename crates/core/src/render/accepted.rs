//! Renders what the files accept: each finding with its reason and its last day.

use crate::{
    finding::{Finding, Note, SourceLine, Sources},
    plan::AcceptedFinding,
    text::escape::Escaped,
};

use std::fmt::{self, Write as _};

/// How many objects of a finding are listed without `-v`.
const MAX_OBJECTS: usize = 3;

/// Renders accepted findings, each followed by an empty line.
pub fn render_accepted(accepted: &[AcceptedFinding], sources: &Sources, lists_all: bool) -> String {
    let mut out = String::new();
    // Writing to a `String` cannot fail.
    _ = accepted.iter().try_for_each(|it| write_accepted(&mut out, it, sources, lists_all));
    out
}

/// Returns accepted findings for formats that show them as they show findings: with reason and last day in the
/// message, at the place that accepts them.
pub(super) fn as_findings(accepted: &[AcceptedFinding]) -> Vec<Finding> {
    let finding = |it: &AcceptedFinding| {
        let message = format!("{} ({}: {})", it.finding.message, describe_until(it), it.reason);
        Finding { message, location: it.location.clone(), help: None, ..it.finding.clone() }
    };
    accepted.iter().map(finding).collect()
}

/// Describes how long a finding is accepted.
fn describe_until(accepted: &AcceptedFinding) -> String {
    match accepted.until {
        Some(until) => format!("accepted until {until}"),
        None => "accepted with no end date".to_owned(),
    }
}

fn write_accepted(
    out: &mut String,
    accepted: &AcceptedFinding,
    sources: &Sources,
    lists_all: bool,
) -> fmt::Result {
    let AcceptedFinding { finding, reason, location, .. } = accepted;
    writeln!(out, "accepted[{}]: {}", finding.code, Escaped(&finding.message))?;
    if let Some(SourceLine { file, line }) = sources.line_of(location) {
        writeln!(out, " --> {}:{line}", Escaped(&file))?;
    }
    writeln!(out, "  = reason: {} ({})", Escaped(reason), describe_until(accepted))?;
    write_objects(out, &finding.notes, lists_all)?;
    out.push('\n');
    Ok(())
}

fn write_objects(out: &mut String, notes: &[Note], lists_all: bool) -> fmt::Result {
    let shown = if lists_all { notes.len() } else { MAX_OBJECTS.min(notes.len()) };
    for (at, note) in notes.iter().take(shown).enumerate() {
        let lead = if at == 0 { "  = note: " } else { "          " };
        writeln!(out, "{lead}{}", Escaped(note))?;
    }
    if shown < notes.len() {
        writeln!(out, "          and {} more; -v shows all", notes.len() - shown)?;
    }
    Ok(())
}
