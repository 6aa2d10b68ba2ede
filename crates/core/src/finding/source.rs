//! The files of a run, and locations in them.
//!
//! This module does not read files: it is given their texts.

use super::{Finding, FindingLocation};
use crate::text::floor_char_boundary;

use serde::{Deserialize, Serialize};
use std::ops::Range;

/// The index of a file in the run's [`Sources`], counted from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SourceId(pub usize);

/// A range of bytes in a source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// The source.
    pub source: SourceId,
    /// The bytes, counted from the source's start.
    pub bytes: Range<usize>,
}

/// A file's path as the user gave it, and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The path as it is displayed: `workers.toml`, or `<stdin>`.
    pub path: String,
    /// The whole text.
    pub text: String,
    /// Where each line starts, so that ten thousand findings do not count the lines of a file again and again.
    line_starts: Vec<usize>,
}

/// The files of a run, in the order in which they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources(pub Vec<Source>);

/// A line of a file, as a saved plan stores it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SourceLine {
    /// The file's path.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
}

/// A position in a file, as editors and scanners count it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourcePosition {
    /// The line, counted from 1.
    pub line: usize,
    /// The column, counted from 1 in characters.
    pub column: usize,
    /// The column, counted from 1 in UTF-16 code units.
    pub utf16_column: usize,
}

impl Source {
    /// Creates a source from its path and its text.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        let after_breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        let line_starts = [0].into_iter().chain(after_breaks).collect();
        Self { path: path.into(), text, line_starts }
    }

    /// Returns the line, counted from 1, that holds the byte at this offset.
    pub fn line_number(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= offset)
    }

    /// Returns the position of the byte at this offset; beyond the text, that of its end.
    pub fn position(&self, offset: usize) -> SourcePosition {
        let offset = floor_char_boundary(&self.text, offset);
        let line = self.line_number(offset);
        let start = line.checked_sub(1).and_then(|at| self.line_starts.get(at).copied());
        let before = self.text.get(start.unwrap_or_default()..offset).unwrap_or_default();
        SourcePosition {
            line,
            column: before.chars().count() + 1,
            utf16_column: before.encode_utf16().count() + 1,
        }
    }
}

impl Sources {
    /// Returns the source with this id, if it belongs to this run.
    pub fn get(&self, id: SourceId) -> Option<&Source> {
        self.0.get(id.0)
    }

    /// Returns the line on which `span` starts.
    pub fn start_line(&self, span: &Span) -> Option<SourceLine> {
        let source = self.get(span.source)?;
        let line = source.line_number(span.bytes.start);
        Some(SourceLine { file: source.path.clone(), line })
    }

    /// Describes a finding on one line: `workers.toml:3: unknown key`.
    pub fn describe_finding(&self, finding: &Finding) -> String {
        let line = self.line_of(&finding.location);
        let place = line.map(|SourceLine { file, line }| format!("{file}:{line}: "));
        format!("{}{}", place.unwrap_or_default(), finding.message)
    }

    /// Returns the line to which a location points, if it points to one.
    pub fn line_of(&self, location: &FindingLocation) -> Option<SourceLine> {
        match location {
            FindingLocation::Source(span) => self.start_line(span),
            FindingLocation::Line(line) => Some(line.clone()),
            FindingLocation::Nowhere => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_from_one() {
        let sources = Sources(vec![Source::new("w.toml", "a\nb\nc")]);
        let line = |start| {
            sources
                .start_line(&Span { source: SourceId(0), bytes: start..start + 1 })
                .map(|it| it.line)
        };
        assert_eq!([line(0), line(2), line(4)], [Some(1), Some(2), Some(3)]);
    }

    #[test]
    fn columns_are_counted_in_characters_and_in_code_units() {
        let source = Source::new("w.toml", "a = 1\nb = \"é𝄞\" # x");
        let at = source.text.find('#').unwrap_or_default();
        let position = SourcePosition { line: 2, column: 10, utf16_column: 11 };
        assert_eq!(source.position(at), position);
        assert_eq!(source.position(0), SourcePosition { line: 1, column: 1, utf16_column: 1 });
        assert_eq!(source.position(999).line, 2);
    }
}
