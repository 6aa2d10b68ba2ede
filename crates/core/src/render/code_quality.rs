//! Findings as a GitLab Code Quality report, for the widget in a merge request.
//!
//! # Source
//!
//! "Code Quality report format" in the documentation of GitLab: an array whose objects have `description`,
//! `check_name`, `fingerprint`, `severity` and `location`, whose path is relative to the repository.

use super::{
    file_uri::plain_path,
    findings_report::{FindingsReport, PlacedFinding, message_line},
};
use crate::{finding::Level, text::escape::escape_json};

use serde::Serialize;

/// A violation, as GitLab names it.
#[derive(Serialize)]
struct CodeQualityViolation {
    description: String,
    check_name: &'static str,
    fingerprint: String,
    severity: &'static str,
    location: ViolationLocation,
}

#[derive(Serialize)]
struct ViolationLocation {
    path: String,
    lines: ViolationLines,
}

#[derive(Serialize)]
struct ViolationLines {
    begin: usize,
}

/// Returns the findings as JSON text that ends with a newline.
pub(super) fn render_code_quality(report: &FindingsReport) -> String {
    let placed = report.place_findings();
    let violations: Vec<_> = placed.iter().map(describe_violation).collect();
    // Strings, numbers and lists always have a JSON form.
    let text = escape_json(&serde_json::to_string_pretty(&violations).unwrap_or_default());
    format!("{text}\n")
}

fn describe_violation(placed: &PlacedFinding) -> CodeQualityViolation {
    CodeQualityViolation {
        description: message_line(placed.finding),
        check_name: placed.finding.code.as_str(),
        fingerprint: placed.fingerprint.clone(),
        severity: match placed.finding.level {
            Level::Error => "critical",
            Level::Deny => "major",
            Level::Warn => "minor",
        },
        location: ViolationLocation {
            path: plain_path(placed.file),
            lines: ViolationLines { begin: placed.region.line() },
        },
    }
}
