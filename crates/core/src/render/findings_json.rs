//! Findings as JSON, format 1, for scripts; `schema/findings.schema.json` is its schema.

use super::findings_report::{FileRegion, FindingsReport, PlacedFinding};
use crate::{
    finding::{Level, SourcePosition},
    text::escape::escape_json,
};

use serde::Serialize;

/// The version of the format; readers of `1.x` read every `1.y`.
const FORMAT: &str = "1.0";

#[derive(Serialize)]
struct FindingsDocument<'a> {
    format_version: &'static str,
    tool: DocumentTool,
    files: &'a [&'a str],
    findings: Vec<FindingEntry<'a>>,
    summary: LevelCounts,
}

#[derive(Serialize)]
struct DocumentTool {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
struct FindingEntry<'a> {
    code: &'static str,
    level: Level,
    message: &'a str,
    address: Option<String>,
    #[serde(flatten)]
    place: EntryPlace<'a>,
    label: Option<&'a str>,
    other: Option<OtherEntry<'a>>,
    notes: Vec<String>,
    help: Option<&'a str>,
    fingerprint: &'a str,
}

/// Where something is; columns are counted in characters.
#[derive(Default, Serialize)]
struct EntryPlace<'a> {
    file: Option<&'a str>,
    line: Option<usize>,
    column: Option<usize>,
    end_line: Option<usize>,
    end_column: Option<usize>,
}

#[derive(Serialize)]
struct OtherEntry<'a> {
    #[serde(flatten)]
    place: EntryPlace<'a>,
    label: &'a str,
}

#[derive(Serialize)]
struct LevelCounts {
    errors: usize,
    denied: usize,
    warnings: usize,
}

/// Returns the findings as JSON text that ends with a newline.
pub(super) fn render_findings_json(report: &FindingsReport) -> String {
    let placed = report.place_findings();
    let count = |level| report.findings.iter().filter(|finding| finding.level == level).count();
    let document = FindingsDocument {
        format_version: FORMAT,
        tool: DocumentTool { name: super::TOOL_NAME, version: env!("CARGO_PKG_VERSION") },
        files: &report.files,
        findings: placed.iter().map(|placed| describe_entry(placed, report)).collect(),
        summary: LevelCounts {
            errors: count(Level::Error),
            denied: count(Level::Deny),
            warnings: count(Level::Warn),
        },
    };
    // Strings, numbers and lists always have a JSON form.
    let text = escape_json(&serde_json::to_string_pretty(&document).unwrap_or_default());
    format!("{text}\n")
}

fn describe_entry<'a>(
    placed: &'a PlacedFinding<'a>,
    report: &'a FindingsReport<'a>,
) -> FindingEntry<'a> {
    let finding = placed.finding;
    let other = finding.other.as_deref().and_then(|other| {
        let (file, region) = report.find_span(&other.span)?;
        Some(OtherEntry { place: EntryPlace::new(file, region), label: &other.label })
    });
    FindingEntry {
        code: finding.code.as_str(),
        level: finding.level,
        message: &finding.message,
        address: finding.address.as_ref().map(ToString::to_string),
        place: EntryPlace::new(placed.file, placed.region),
        label: finding.label.as_deref(),
        other,
        notes: finding.notes.iter().map(ToString::to_string).collect(),
        help: finding.help.as_deref(),
        fingerprint: &placed.fingerprint,
    }
}

impl<'a> EntryPlace<'a> {
    fn new(file: &'a str, region: FileRegion) -> Self {
        let at_line = |line| Self { file: Some(file), line: Some(line), ..Self::default() };
        match region {
            FileRegion::File => Self::default(),
            FileRegion::Line(line) => at_line(line),
            FileRegion::Range { start, end } => {
                let SourcePosition { line, column, .. } = start;
                Self {
                    column: Some(column),
                    end_line: Some(end.line),
                    end_column: Some(end.column),
                    ..at_line(line)
                }
            }
        }
    }
}
