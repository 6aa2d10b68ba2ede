//! Releases, published snapshots and other branches: read for the pools they use, never written.

use super::LiveProcess;
use crate::model::{Id, Name, Pool};

/// A process as a release or a published snapshot froze it, or as it is on a branch that no file names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessSnapshot {
    /// Where the process comes from.
    pub origin: SnapshotOrigin,
    /// The process; its id is the snapshot's own, and its owner is that of the original process.
    pub process: LiveProcess,
    /// The values of worker pool variables that were frozen with it, whatever their scope.
    pub values: Vec<(Name, Id<Pool>)>,
}

/// Where a [`ProcessSnapshot`] comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SnapshotOrigin {
    /// The published snapshot of a runbook, by its name.
    RunbookSnapshot(String),
    /// The newest release of a channel.
    Release {
        /// The release's version.
        version: String,
        /// The channel's name.
        channel: String,
    },
    /// A branch that the file does not name.
    OtherBranch,
}

impl ProcessSnapshot {
    /// Returns the origin in words: `release "1.2.3" of channel "Default"`; `None` for a branch, which is
    /// part of the steps' addresses.
    pub fn describe_origin(&self) -> Option<String> {
        match &self.origin {
            SnapshotOrigin::RunbookSnapshot(name) => Some(format!("published snapshot {name:?}")),
            SnapshotOrigin::Release { version, channel } => {
                Some(format!("release {version:?} of channel {channel:?}"))
            }
            SnapshotOrigin::OtherBranch => None,
        }
    }
}
