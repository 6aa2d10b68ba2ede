//! The error for a file that `pull --keep` cannot update.

use crate::finding::{Code, Finding, FindingLocation, Level, SourceId, Span};

/// Why a file cannot be updated, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeepError {
    /// The byte offset of the cause in the original file, if it has one.
    pub offset: Option<usize>,
    /// The reason.
    pub reason: KeepReason,
}

/// Why a file cannot be updated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeepReason {
    /// Rules may match something that could not be read.
    #[error("cannot tell what `{rules}` match: cannot read {what}: {why}")]
    Unread {
        /// The name of the rules' table.
        rules: String,
        /// What could not be read.
        what: String,
        /// Why it could not be read.
        why: String,
    },
    /// No edit makes the file match.
    #[error("cannot edit the file to match the server: {what}")]
    Unsettled {
        /// What still differs.
        what: String,
        /// What to do; empty if unknown.
        help: String,
    },
}

impl KeepError {
    /// Creates the error for a finding that no edit resolves.
    pub(super) fn from_finding(finding: &Finding) -> Self {
        let at = match &finding.location {
            FindingLocation::Source(span) => Some(span.bytes.start),
            FindingLocation::Line(_) | FindingLocation::Nowhere => None,
        };
        let (what, help) = (finding.message.clone(), finding.help.clone().unwrap_or_default());
        Self { offset: at, reason: KeepReason::Unsettled { what, help } }
    }

    /// Converts the error to a finding; the file must be the only source of the run.
    pub fn to_finding(&self) -> Finding {
        let help = match &self.reason {
            KeepReason::Unread { .. } => {
                "give the API key permission to read it, or remove these rules from the file; then run `pull --keep` again"
            }
            KeepReason::Unsettled { help, .. } if help.is_empty() => {
                "write this part of the file as `poolwright pull` does, and run `pull --keep` again"
            }
            KeepReason::Unsettled { help, .. } => help,
        };
        let at = self.offset.map_or(FindingLocation::Nowhere, |start| {
            FindingLocation::Source(Span { source: SourceId::default(), bytes: start..start + 1 })
        });
        Finding::new(Code::NotKept, Level::Error, at, self.reason.to_string())
            .with_notes(["the file was not changed"])
            .with_help(help)
    }
}
