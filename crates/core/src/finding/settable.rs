//! Which codes have a level that a file may set, and why others do not.

use super::{Code, CodeLevel};

/// Why the level of a code cannot be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FixedReason {
    /// It is always an error.
    Error,
    /// Only `rollback` reports it, which reads no files.
    Rollback,
    /// It stands for codes of a newer version.
    Unknown,
}

impl Code {
    /// Whether its findings refuse a plan unless the file says otherwise.
    pub fn is_gate(self) -> bool {
        self.levels().contains(&CodeLevel::Gate)
    }

    /// Returns why the level of the code cannot be set; `None` if it can.
    pub fn fixed_reason(self) -> Option<FixedReason> {
        let levels = self.levels();
        if levels.iter().any(|it| matches!(it, CodeLevel::Gate | CodeLevel::Warning)) {
            None
        } else if levels.contains(&CodeLevel::Rollback) {
            Some(FixedReason::Rollback)
        } else if levels.contains(&CodeLevel::Unknown) {
            Some(FixedReason::Unknown)
        } else {
            Some(FixedReason::Error)
        }
    }

    /// Whether a finding that the code denies by itself may be lowered: no server would refuse its writes.
    pub fn may_be_lowered(self) -> bool {
        !self.levels().contains(&CodeLevel::Refusal)
    }

    /// Returns every code whose level can be set, sorted by their words.
    pub fn settable() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(|code| code.fixed_reason().is_none())
    }
}

impl FixedReason {
    /// Describes the reason as the end of a sentence about the code.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Error => "is always an error",
            Self::Rollback => "is a warning of `rollback`, which reads no files",
            Self::Unknown => "stands for the codes of newer versions",
        }
    }

    /// Returns what to do instead.
    pub fn help(self) -> &'static str {
        match self {
            Self::Error => "correct the problem that it reports: nothing can be planned until then",
            Self::Rollback => "pass `-D CODE` to `rollback` to have it refused",
            Self::Unknown => "remove the key",
        }
    }
}
