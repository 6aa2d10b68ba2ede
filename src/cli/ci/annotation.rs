//! Findings as a CI system shows them: at the file and line, the gravest first.

use super::{system::CiSystem, text::clean_text};
use crate::cli::ci_command::{CiCommand, Property};
use poolwright_core::finding::{Finding, FindingLocation, Level, SourceLine, Sources};

use std::collections::BTreeSet;

/// How many findings are annotated in a run.
///
/// # Source
///
/// GitHub shows 10 errors and 10 warnings of a step and 50 of a job ("Usage limits" of workflow commands); a log with
/// thousands is of no use in the other systems either.
pub(super) const MAX_ANNOTATIONS: usize = 50;

/// How many details of a finding are shown.
const MAX_NOTES: usize = 10;

/// The most characters of a text in TeamCity ("Service messages": 4000 for the description of a build problem).
const MAX_TEAMCITY_TEXT: usize = 3900;

/// A finding with clean texts.
pub(super) struct Annotation {
    is_error: bool,
    code: &'static str,
    message: String,
    place: Option<AnnotatedPlace>,
}

struct AnnotatedPlace {
    file: String,
    line: usize,
    /// Counted in characters, from 1.
    column: Option<usize>,
}

/// Returns the annotations of findings, errors and gates first.
pub(super) fn annotations(findings: &[Finding], sources: &Sources) -> Vec<Annotation> {
    let mut sorted: Vec<&Finding> = findings.iter().collect();
    sorted.sort_by_key(|finding| std::cmp::Reverse(finding.level));
    sorted.into_iter().map(|finding| Annotation::new(finding, sources)).collect()
}

impl Annotation {
    fn new(finding: &Finding, sources: &Sources) -> Self {
        let mut lines = vec![finding.message.clone()];
        lines.extend(finding.label.clone());
        lines.extend(finding.notes.iter().take(MAX_NOTES).map(ToString::to_string));
        let left = finding.notes.len().saturating_sub(MAX_NOTES);
        lines.extend((left > 0).then(|| format!("and {left} more")));
        lines.extend(finding.help.as_ref().map(|help| format!("help: {help}")));
        let lines: Vec<_> = lines.iter().map(|line| clean_text(line)).collect();
        Self {
            is_error: finding.level != Level::Warn,
            code: finding.code.as_str(),
            message: lines.join("\n"),
            place: sources.line_of(&finding.location).map(|SourceLine { file, line }| {
                let column = find_column(&finding.location, sources);
                AnnotatedPlace { file: clean_text(&file), line, column }
            }),
        }
    }

    /// Returns the commands that show it; none in a system that has no annotations.
    pub(super) fn commands(&self, system: CiSystem) -> Vec<CiCommand> {
        match system {
            CiSystem::GitHub => vec![self.github()],
            CiSystem::Azure => vec![self.azure()],
            CiSystem::TeamCity => self.teamcity(),
            _ => Vec::new(),
        }
    }

    /// The finding as text for people, for a system that marks whole lines; the place first, as compilers have it.
    pub(super) fn text(&self) -> String {
        let place = self.place.as_ref().map(|it| format!("{}:{}: ", it.file, it.line));
        format!("{}[{}] {}\n", place.unwrap_or_default(), self.code, self.message)
    }

    /// Whether it stops the run.
    pub(super) fn is_error(&self) -> bool {
        self.is_error
    }

    fn github(&self) -> CiCommand {
        let name = if self.is_error { "error" } else { "warning" };
        let numbers = PlaceTexts::new(self.place.as_ref());
        let mut properties = numbers.properties("file", "line", "col");
        let title = format!("poolwright {}", self.code);
        properties.push(("title", &title));
        CiCommand::github(name, &properties, &self.message)
    }

    fn azure(&self) -> CiCommand {
        let numbers = PlaceTexts::new(self.place.as_ref());
        let kind = if self.is_error { "error" } else { "warning" };
        let mut properties = vec![("type", kind)];
        properties.extend(numbers.properties("sourcepath", "linenumber", "columnnumber"));
        properties.push(("code", self.code));
        CiCommand::azure("task.logissue", &properties, &self.message)
    }

    /// A finding with a place is an inspection; one that stops the run is a build problem as well.
    fn teamcity(&self) -> Vec<CiCommand> {
        let message: String = self.message.chars().take(MAX_TEAMCITY_TEXT).collect();
        let numbers = PlaceTexts::new(self.place.as_ref());
        let mut commands = Vec::new();
        if self.place.is_some() {
            let severity = if self.is_error { "ERROR" } else { "WARNING" };
            let mut attributes = vec![("typeId", self.code), ("message", &*message)];
            attributes.extend(numbers.properties("file", "line", "").into_iter().take(2));
            attributes.push(("SEVERITY", severity));
            commands.push(CiCommand::teamcity("inspection", &attributes));
        } else if !self.is_error {
            let attributes = [("text", &*message), ("status", "WARNING")];
            commands.push(CiCommand::teamcity("message", &attributes));
        }
        if self.is_error {
            let description =
                self.text().trim_end().chars().take(MAX_TEAMCITY_TEXT).collect::<String>();
            commands.push(CiCommand::teamcity("buildProblem", &[("description", &description)]));
        }
        commands
    }
}

/// Returns the declarations of the kinds of inspection that TeamCity needs before the first of each.
pub(super) fn teamcity_types(annotations: &[Annotation]) -> Vec<CiCommand> {
    let placed = annotations.iter().filter(|it| it.place.is_some());
    let codes: BTreeSet<&str> = placed.map(|it| it.code).collect();
    let declare = |code: &str| {
        let attributes = [
            ("id", code),
            ("name", code),
            ("category", "poolwright"),
            ("description", "see docs/findings.md"),
        ];
        CiCommand::teamcity("inspectionType", &attributes)
    };
    codes.into_iter().map(declare).collect()
}

/// The place of a finding, as texts.
struct PlaceTexts {
    file: String,
    line: String,
    column: Option<String>,
}

impl PlaceTexts {
    fn new(place: Option<&AnnotatedPlace>) -> Self {
        Self {
            file: place.map(|it| it.file.clone()).unwrap_or_default(),
            line: place.map(|it| it.line.to_string()).unwrap_or_default(),
            column: place.and_then(|it| it.column).map(|it| it.to_string()),
        }
    }

    /// Returns the properties under these names; none without a place.
    fn properties(
        &self,
        file: &'static str,
        line: &'static str,
        column: &'static str,
    ) -> Vec<Property<'_>> {
        if self.line.is_empty() {
            return Vec::new();
        }
        let mut properties = vec![(file, self.file.as_str()), (line, self.line.as_str())];
        properties.extend(self.column.as_deref().map(|it| (column, it)));
        properties
    }
}

/// Returns the column of a location, counted in characters from 1.
fn find_column(location: &FindingLocation, sources: &Sources) -> Option<usize> {
    let FindingLocation::Source(span) = location else { return None };
    let before = sources.get(span.source)?.text.get(..span.bytes.start)?;
    let line = before.rsplit('\n').next()?;
    Some(line.chars().count() + 1)
}
