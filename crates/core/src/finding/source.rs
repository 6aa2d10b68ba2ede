//! The files that a run reads, and places in them.
//!
//! Never: reading a file. The text is handed in.

use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Which of the run's [`Sources`]; its index, counted from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SourceId(pub usize);

/// A part of a source: bytes from its start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// Which source.
    pub source: SourceId,
    /// Which bytes of it.
    pub bytes: Range<usize>,
}

/// A file's path as the user gave it, and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// As it is shown: `workers.toml`, or `<stdin>`.
    pub path: String,
    /// All of it.
    pub text: String,
}

/// The files of a run, in the order in which they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources(pub Vec<Source>);

/// A line of a file, as it is kept in a saved plan.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SourceLine {
    /// The file's path.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
}

impl Sources {
    /// The source of this id, if it is of this run.
    pub fn get(&self, id: SourceId) -> Option<&Source> {
        self.0.get(id.0)
    }

    /// The line on which `span` starts.
    pub fn start_line(&self, span: &Span) -> Option<SourceLine> {
        let source = self.get(span.source)?;
        let before = source.text.get(..span.bytes.start).unwrap_or(&source.text);
        // Bytes, not characters: this is asked once for each of ten thousand steps.
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        Some(SourceLine { file: source.path.clone(), line })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_from_one() {
        let sources = Sources(vec![Source { path: "w.toml".into(), text: "a\nb\nc".into() }]);
        let line = |start| {
            sources
                .start_line(&Span { source: SourceId(0), bytes: start..start + 1 })
                .map(|it| it.line)
        };
        assert_eq!([line(0), line(2), line(4)], [Some(1), Some(2), Some(3)]);
    }
}
