//! Findings for other programs: each with its place in a file, and with a fingerprint that survives edits elsewhere.

use super::report::sort_key;
use crate::{
    finding::{Finding, FindingLocation, SourcePosition, Sources, Span},
    plan::{AcceptedFinding, Plan},
    text::escape::Escaped,
};

use sha2::{Digest as _, Sha256};
use std::{collections::HashMap, fmt::Write as _};

/// The file of a finding where no file is known.
const DEFAULT_FILE: &str = "workers.toml";

/// How many bytes of the digest a fingerprint has.
const FINGERPRINT_BYTES: usize = 16;

/// How many notes of a finding are listed; JSON lists them all.
const MAX_NOTES: usize = 20;

/// Findings, and what they are about.
#[derive(Clone, Debug)]
pub struct FindingsReport<'a> {
    /// The findings as they were given.
    pub(super) unsorted: &'a [Finding],
    /// The findings, by file and position.
    pub(super) findings: Vec<&'a Finding>,
    /// The texts that their locations point into.
    pub(super) sources: &'a Sources,
    /// The paths of the files that were read.
    pub(super) files: Vec<&'a str>,
    /// What was done, for scanners that tell several reports apart: `check`, or the plan's server and space.
    pub(super) category: String,
    /// The findings that the files accept.
    accepted: &'a [AcceptedFinding],
}

/// A finding and its place.
#[derive(Clone, Debug)]
pub(super) struct PlacedFinding<'a> {
    /// The finding.
    pub(super) finding: &'a Finding,
    /// The path of its file; the first file for a finding that no place in a file causes.
    pub(super) file: &'a str,
    /// Its place in the file.
    pub(super) region: FileRegion,
    /// What stays the same in the next run, however much is edited elsewhere. No other finding of the report has it.
    pub(super) fingerprint: String,
    /// Why the files accept it, if they do.
    pub(super) accepted: Option<&'a AcceptedFinding>,
}

/// A place in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileRegion {
    /// The file as a whole.
    File,
    /// A line, counted from 1.
    Line(usize),
    /// A part of the text.
    Range {
        /// Its start.
        start: SourcePosition,
        /// The position after its end.
        end: SourcePosition,
    },
}

impl FileRegion {
    /// Returns the line on which the place starts, counted from 1.
    pub(super) fn line(self) -> usize {
        match self {
            Self::File => 1,
            Self::Line(line) => line.max(1),
            Self::Range { start, .. } => start.line,
        }
    }
}

impl<'a> FindingsReport<'a> {
    /// Returns the findings of files, such as those of `check`.
    pub fn for_files(findings: &'a [Finding], sources: &'a Sources) -> Self {
        let files = sources.0.iter().map(|source| source.path.as_str()).collect();
        Self::new(findings, sources, files, "check".to_owned())
    }

    /// Returns the findings of a plan; `sources` are the files that its locations point into.
    pub fn for_plan(plan: &'a Plan, sources: &'a Sources) -> Self {
        let header = &plan.header;
        let files = header.files.iter().map(String::as_str).collect();
        let what = if plan.drift.is_some() { "drift" } else { "plan" };
        let category = format!("{what}/{}/{}", header.url, header.space.id.as_str());
        let report = Self::new(&plan.findings, sources, files, category);
        Self { accepted: &plan.accepted, ..report }
    }

    fn new(
        unsorted: &'a [Finding],
        sources: &'a Sources,
        files: Vec<&'a str>,
        category: String,
    ) -> Self {
        let mut findings: Vec<&Finding> = unsorted.iter().collect();
        findings.sort_by_key(|finding| sort_key(finding));
        Self { unsorted, findings, sources, files, category, accepted: &[] }
    }

    /// Returns each finding with its place and fingerprint, without those that the files accept.
    pub(super) fn place_findings(&self) -> Vec<PlacedFinding<'_>> {
        self.place_all().into_iter().filter(|placed| placed.accepted.is_none()).collect()
    }

    /// Returns each finding with its place and fingerprint, those that the files accept last.
    pub(super) fn place_all(&self) -> Vec<PlacedFinding<'_>> {
        let mut seen: HashMap<String, usize> = HashMap::new();
        let place = |(finding, accepted): (&'a Finding, Option<&'a AcceptedFinding>)| {
            let (file, region) = self.find_place(&finding.location);
            let subject = describe_subject(finding, file);
            let number = seen.entry(subject.clone()).or_default();
            *number += 1;
            let fingerprint = digest_text(&subject, *number);
            PlacedFinding { finding, file, region, fingerprint, accepted }
        };
        let findings = self.findings.iter().map(|finding| (*finding, None));
        let accepted = self.accepted.iter().map(|it| (&it.finding, Some(it)));
        findings.chain(accepted).map(place).collect()
    }

    fn find_place<'b>(&'b self, location: &'b FindingLocation) -> (&'b str, FileRegion) {
        let placed = match location {
            FindingLocation::Source(span) => self.find_span(span),
            FindingLocation::Line(line) => Some((line.file.as_str(), FileRegion::Line(line.line))),
            FindingLocation::Nowhere => None,
        };
        let first = self.files.first().copied().unwrap_or(DEFAULT_FILE);
        placed.unwrap_or((first, FileRegion::File))
    }

    /// Returns the file and the place of a span.
    pub(super) fn find_span(&self, span: &Span) -> Option<(&str, FileRegion)> {
        let source = self.sources.get(span.source)?;
        let start = source.position(span.bytes.start);
        let end = source.position(span.bytes.end.max(span.bytes.start));
        Some((&source.path, FileRegion::Range { start, end }))
    }
}

/// Returns a finding's message, with what is wrong at its place, on one line.
pub(super) fn message_line(finding: &Finding) -> String {
    let label = finding.label.as_ref().map(|label| format!(": {label}")).unwrap_or_default();
    Escaped(&format!("{}{label}", finding.message)).to_string()
}

/// Returns why the files accept a finding, and until when.
pub(super) fn acceptance_line(accepted: &AcceptedFinding) -> String {
    let until = accepted.until.map(|day| format!("until {day}: ")).unwrap_or_default();
    Escaped(&format!("accepted {until}{}", accepted.reason)).to_string()
}

/// Returns the details of a finding and what to do about it, each on a line of its own.
pub(super) fn detail_lines(finding: &Finding) -> Vec<String> {
    let notes = finding.notes.iter().take(MAX_NOTES);
    let mut lines: Vec<String> = notes.map(|note| Escaped(note).to_string()).collect();
    if finding.notes.len() > MAX_NOTES {
        lines.push(format!("and {} more", finding.notes.len() - MAX_NOTES));
    }
    lines.extend(finding.help.iter().map(|help| format!("help: {}", Escaped(help))));
    lines
}

/// Returns what a finding is about, without its position and without what its message counts.
fn describe_subject(finding: &Finding, file: &str) -> String {
    let address = finding.address.as_ref().map(ToString::to_string).unwrap_or_default();
    let message = mask_counts(&finding.message);
    format!("{}\0{file}\0{address}\0{message}", finding.code)
}

/// Returns a message with `#` for each number outside names, which stand between backticks.
fn mask_counts(message: &str) -> String {
    let mut masked = String::with_capacity(message.len());
    let mut in_name = false;
    for c in message.chars() {
        in_name ^= c == '`';
        match c {
            '0'..='9' if !in_name && masked.ends_with('#') => {}
            '0'..='9' if !in_name => masked.push('#'),
            c => masked.push(c),
        }
    }
    masked
}

fn digest_text(subject: &str, number: usize) -> String {
    let digest = Sha256::digest(format!("{subject}\0{number}"));
    let mut text = String::with_capacity(2 * FINGERPRINT_BYTES);
    for byte in digest.iter().take(FINGERPRINT_BYTES) {
        _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Code, Source, SourceId};

    fn fingerprints(text: &str, findings: &[Finding]) -> Vec<String> {
        let sources = Sources(vec![Source::new("workers.toml", text)]);
        let report = FindingsReport::for_files(findings, &sources);
        report.place_findings().into_iter().map(|it| it.fingerprint).collect()
    }

    fn warning(start: usize, message: &str) -> Finding {
        let span = Span { source: SourceId(0), bytes: start..start + 1 };
        Finding::warning(Code::IdleRule, span, message)
    }

    #[test]
    fn a_fingerprint_ignores_lines_and_counts_but_not_names() {
        let before = fingerprints("a\nb\n", &[warning(0, "`web-1` has 2 steps")]);
        let after = fingerprints("# new\na\nb\n", &[warning(6, "`web-1` has 13 steps")]);
        assert_eq!(before, after);
        assert_ne!(before, fingerprints("a\nb\n", &[warning(0, "`web-2` has 2 steps")]));
    }

    #[test]
    fn equal_findings_get_distinct_fingerprints() {
        let [one, other] =
            fingerprints("a\na\n", &[warning(0, "here"), warning(2, "here")]).try_into().unwrap();
        assert_ne!(one, other);
        assert_eq!(fingerprints("a\n", &[warning(0, "here")]), [one]);
    }
}
