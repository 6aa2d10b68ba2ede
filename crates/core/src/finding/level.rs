//! The levels of findings.

use serde::{Deserialize, Serialize};

/// The severity of a [`Finding`](super::Finding).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// For information only.
    Warn,
    /// A gate: every request would succeed, but nothing is written.
    Deny,
    /// A mistake, which prevents all writes.
    Error,
}

/// A level that the findings of a code may have by themselves, before any setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeLevel {
    /// An error: nothing can be planned.
    Error,
    /// Denied, because the server would refuse the writes.
    Refusal,
    /// Denied, unless the file says otherwise.
    Gate,
    /// A warning, unless the file says otherwise.
    Warning,
    /// A warning of `rollback`, which reads no files.
    Rollback,
    /// That of a newer version of the tool, which knows the code.
    Unknown,
}
