//! Findings as SARIF 2.1.0, for code scanning.
//!
//! A few structures of our own rather than the crate `serde-sarif`: that generates the whole of the standard at build
//! time, with two more versions of `syn`, for the small part that is written here. A test validates it against the
//! official schema.
//!
//! # Source
//!
//! Static Analysis Results Interchange Format 2.1.0, OASIS; "SARIF support for code scanning", GitHub, which shows no
//! result without a location and recognizes one by `primaryLocationLineHash`.

use super::{
    TOOL_NAME,
    file_uri::FileUri,
    findings_report::{
        FileRegion, FindingsReport, PlacedFinding, acceptance_line, detail_lines, message_line,
    },
};
use crate::{
    finding::{ChangeOrigin, Code, Level},
    plan::AcceptedFinding,
    text::escape::{Escaped, escape_json},
};

use serde::Serialize;
use std::collections::BTreeSet;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// The base of paths in the repository, by the name that every scanner gives it.
const REPOSITORY_ROOT: &str = "%SRCROOT%";

#[derive(Serialize)]
struct SarifLog {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [SarifRun; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifRun {
    tool: SarifTool,
    automation_details: SarifAutomation,
    invocations: [SarifInvocation; 1],
    column_kind: &'static str,
    results: Vec<SarifResult>,
}

#[derive(Serialize)]
struct SarifTool {
    driver: SarifDriver,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifDriver {
    name: &'static str,
    semantic_version: &'static str,
    information_uri: &'static str,
    rules: Vec<SarifRule>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifRule {
    id: &'static str,
    short_description: SarifMessage,
    full_description: SarifMessage,
    help_uri: String,
    help: SarifMessage,
}

#[derive(Serialize)]
struct SarifAutomation {
    id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifInvocation {
    execution_successful: bool,
}

#[derive(Serialize)]
struct SarifMessage {
    text: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifResult {
    rule_id: &'static str,
    rule_index: usize,
    level: &'static str,
    /// Whether the plan's base has the finding too, if the plan is compared with one.
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline_state: Option<&'static str>,
    message: SarifMessage,
    locations: [SarifLocation; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<SarifLocation>,
    partial_fingerprints: SarifFingerprints,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suppressions: Vec<SarifSuppression>,
}

/// Why a result does not count.
#[derive(Serialize)]
struct SarifSuppression {
    kind: &'static str,
    justification: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifFingerprints {
    primary_location_line_hash: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifLocation {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<usize>,
    physical_location: SarifPlace,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    logical_locations: Vec<SarifObject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<SarifMessage>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifPlace {
    artifact_location: SarifArtifact,
    region: SarifRegion,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifArtifact {
    uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    uri_base_id: Option<&'static str>,
}

/// The object on the server that a result is about.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifObject {
    fully_qualified_name: String,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifRegion {
    start_line: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_column: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_column: Option<usize>,
}

/// Returns the findings as JSON text that ends with a newline.
pub(super) fn render_sarif(report: &FindingsReport) -> String {
    let placed = report.place_all();
    let codes: BTreeSet<Code> = placed.iter().map(|it| it.finding.code).collect();
    let codes: Vec<Code> = codes.into_iter().collect();
    let results = placed.iter().map(|placed| describe_result(placed, report, &codes));
    let log = SarifLog {
        schema: SCHEMA,
        version: "2.1.0",
        runs: [SarifRun {
            tool: SarifTool {
                driver: SarifDriver {
                    name: TOOL_NAME,
                    semantic_version: env!("CARGO_PKG_VERSION"),
                    information_uri: env!("CARGO_PKG_REPOSITORY"),
                    rules: codes.iter().copied().map(describe_rule).collect(),
                },
            },
            automation_details: SarifAutomation { id: category_id(&report.category) },
            invocations: [SarifInvocation { execution_successful: true }],
            column_kind: "utf16CodeUnits",
            results: results.collect(),
        }],
    };
    // Strings, numbers and lists always have a JSON form.
    let text = escape_json(&serde_json::to_string_pretty(&log).unwrap_or_default());
    format!("{text}\n")
}

/// Returns the id of a run: what comes before the last `/` is its category.
fn category_id(category: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    let plain = category.replace("://", "/");
    let plain: String = plain.chars().map(|c| if is_plain(c) { c } else { '-' }).collect();
    format!("{TOOL_NAME}/{}/", plain.trim_matches('/'))
}

fn describe_rule(code: Code) -> SarifRule {
    let help_uri = format!("{}/blob/main/docs/findings.md#{code}", env!("CARGO_PKG_REPOSITORY"));
    SarifRule {
        id: code.as_str(),
        short_description: SarifMessage::new(code.meaning()),
        full_description: SarifMessage::new(code.meaning()),
        help: SarifMessage::new(&format!("{} What to do: {help_uri}", code.meaning())),
        help_uri,
    }
}

fn describe_result(placed: &PlacedFinding, report: &FindingsReport, codes: &[Code]) -> SarifResult {
    let finding = placed.finding;
    let mut lines = vec![message_line(finding)];
    lines.extend(detail_lines(finding));
    let address = finding.address.as_ref().map(|it| Escaped(&it.to_string()).to_string());
    let address = address.map(|name| SarifObject { fully_qualified_name: name });
    let place = SarifPlace::new(placed.file, placed.region);
    let related = finding.other.as_deref().and_then(|other| {
        let (file, region) = report.find_span(&other.span)?;
        Some(SarifLocation {
            id: Some(1),
            physical_location: SarifPlace::new(file, region),
            logical_locations: Vec::new(),
            message: Some(SarifMessage::new(&Escaped(&other.label).to_string())),
        })
    });
    SarifResult {
        rule_id: finding.code.as_str(),
        rule_index: codes.iter().position(|code| *code == finding.code).unwrap_or_default(),
        level: match finding.level {
            Level::Error | Level::Deny => "error",
            Level::Warn => "warning",
        },
        baseline_state: finding.origin.map(|origin| match origin {
            ChangeOrigin::Brought => "new",
            ChangeOrigin::Pending => "unchanged",
        }),
        message: SarifMessage::new(&lines.join("\n")),
        locations: [SarifLocation {
            id: None,
            physical_location: place,
            logical_locations: address.into_iter().collect(),
            message: None,
        }],
        related_locations: related.into_iter().collect(),
        partial_fingerprints: SarifFingerprints {
            primary_location_line_hash: placed.fingerprint.clone(),
        },
        suppressions: placed.accepted.into_iter().map(describe_suppression).collect(),
    }
}

fn describe_suppression(accepted: &AcceptedFinding) -> SarifSuppression {
    SarifSuppression { kind: "external", justification: acceptance_line(accepted) }
}

impl SarifMessage {
    /// Returns a message in which no name can be a link: `[text](target)` is one, even in plain text.
    fn new(text: &str) -> Self {
        let text = if text.contains("](") { text.replace('[', "\\[") } else { text.to_owned() };
        Self { text }
    }
}

impl SarifPlace {
    fn new(file: &str, region: FileRegion) -> Self {
        let uri = FileUri::from_path(file);
        let uri_base_id = matches!(uri, FileUri::Relative(_)).then_some(REPOSITORY_ROOT);
        Self {
            artifact_location: SarifArtifact { uri: uri.as_str().to_owned(), uri_base_id },
            region: SarifRegion::new(region),
        }
    }
}

impl SarifRegion {
    fn new(region: FileRegion) -> Self {
        let line = Self { start_line: region.line(), ..Self::default() };
        match region {
            FileRegion::File | FileRegion::Line(_) => line,
            FileRegion::Range { start, end } => Self {
                start_column: Some(start.utf16_column),
                end_line: Some(end.line),
                end_column: Some(end.utf16_column),
                ..line
            },
        }
    }
}
