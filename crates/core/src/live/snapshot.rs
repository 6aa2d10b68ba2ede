//! Processes that are read for what they use alone: nothing of a plan ever writes them.

use super::LiveProcess;
use crate::model::{Id, Name, Pool};

/// A process as a release or a published snapshot froze it, or as a branch has it that no file names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessSnapshot {
    /// Which it is.
    pub origin: SnapshotOrigin,
    /// The process; its id is the edition's own, and its owner is that of the process it was made of.
    pub process: LiveProcess,
    /// The values of variables of type worker pool that were frozen with it, whatever their scope.
    pub values: Vec<(Name, Id<Pool>)>,
}

/// What an [`ProcessSnapshot`] is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SnapshotOrigin {
    /// The published snapshot of a runbook, of this name.
    RunbookSnapshot(String),
    /// A release: the newest of its channel.
    Release {
        /// Its version.
        version: String,
        /// The channel's name.
        channel: String,
    },
    /// A branch beside those that the file names.
    OtherBranch,
}

impl ProcessSnapshot {
    /// What it is, in words: `release "1.2.3" of channel "Default"`; the branch is part of an address.
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
