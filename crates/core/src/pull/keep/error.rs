//! Why a file cannot be kept: where that is, and what to do.

use crate::finding::{Code, Finding, FindingLocation, Level, SourceId, Span};

/// Why a file cannot be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeepError {
    /// Where the cause is in the file as it is, a byte of it; none where it is nowhere in it.
    pub offset: Option<usize>,
    /// Why.
    pub reason: KeepReason,
}

/// Why nobody can say what a file has to be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeepReason {
    /// Rules about what could not be read.
    #[error("nobody can tell what `{rules}` are about: cannot read {what}: {why}")]
    Unread {
        /// Their table's name.
        rules: String,
        /// What could not be read.
        what: String,
        /// Why.
        why: String,
    },
    /// Something that no edit settles.
    #[error("the file cannot be brought to what is live by edits: {what}")]
    Unsettled {
        /// What is left, in words.
        what: String,
        /// What would help; empty where that is not known.
        help: String,
    },
}

impl KeepError {
    /// Something that no edit settles, and which a finding tells about.
    pub(super) fn from_finding(finding: &Finding) -> Self {
        let at = match &finding.location {
            FindingLocation::Source(span) => Some(span.bytes.start),
            FindingLocation::Line(_) | FindingLocation::Nowhere => None,
        };
        let (what, help) = (finding.message.clone(), finding.help.clone().unwrap_or_default());
        Self { offset: at, reason: KeepReason::Unsettled { what, help } }
    }

    /// What is told about it: what, where, why, and what to do. The file is the only source of the run.
    pub fn to_finding(&self) -> Finding {
        let help = match &self.reason {
            KeepReason::Unread { .. } => {
                "give the key a way to read it, or take these rules out of the file; then keep it again"
            }
            KeepReason::Unsettled { help, .. } if help.is_empty() => {
                "write this part of the file as `poolwright pull` does, and keep it again"
            }
            KeepReason::Unsettled { help, .. } => help,
        };
        let at = self.offset.map_or(FindingLocation::Nowhere, |start| {
            FindingLocation::Source(Span { source: SourceId::default(), bytes: start..start + 1 })
        });
        Finding::new(Code::NotKept, Level::Error, at, self.reason.to_string())
            .with_notes(vec!["nothing is written: the file is as it was".to_owned()])
            .with_help(help)
    }
}
