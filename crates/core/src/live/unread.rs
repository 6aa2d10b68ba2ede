//! Parts of the server that could not be read, and the consequences.

use crate::model::Name;
use indexmap::IndexMap;

/// A part of the server that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadPart {
    /// The part, in words: `the processes of space "Operations"`.
    pub what: String,
    /// The reason, as the server gave it.
    pub why: String,
    /// What cannot be known without it.
    pub hidden: HiddenData,
    /// The project to which the part belongs, if it belongs to a single one.
    pub project: Option<Name>,
}

impl UnreadPart {
    /// Creates a part that belongs to the whole space.
    pub fn new(what: impl Into<String>, why: impl Into<String>, hidden: HiddenData) -> Self {
        Self { what: what.into(), why: why.into(), hidden, project: None }
    }

    /// Limits the part to one project.
    #[must_use]
    pub fn in_project(self, project: &str) -> Self {
        Self { project: Some(Name::new(project)), ..self }
    }
}

/// The kind of data that an [`UnreadPart`] hides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HiddenData {
    /// Steps of this space: placements, and uses of pools and of the built-in worker.
    Steps,
    /// Steps in a Git repository, without which a plan may be wrong.
    StepsInGit,
    /// Steps of another space: uses of the built-in worker.
    OtherSpaceSteps,
    /// Steps inside process templates: uses of pools and of the built-in worker.
    Templates,
    /// Steps that rules cannot place, although the uses of pools are known.
    Rules,
    /// Variables and other references to pools: uses of pools.
    PoolReferences,
    /// Deployment targets: uses of pools.
    Targets,
    /// Releases, published snapshots and other branches: uses of pools.
    Snapshots,
}

/// Groups unread parts by cause, such as an unreachable repository: returns the parts and their reason.
pub fn group_by_cause<'a>(
    parts: impl IntoIterator<Item = &'a UnreadPart>,
) -> Vec<(String, &'a str)> {
    let mut by_cause: IndexMap<&str, Vec<&str>> = IndexMap::new();
    for part in parts {
        let group = by_cause.entry(&part.why).or_default();
        if !group.contains(&part.what.as_str()) {
            group.push(&part.what);
        }
    }
    by_cause.into_iter().map(|(why, what)| (what.join(", and "), why)).collect()
}
