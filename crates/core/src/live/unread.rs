//! What could not be read, and what that means.

use crate::model::Name;
use indexmap::IndexMap;

/// What could not be read, and what that means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadPart {
    /// What: `the processes of space "Operations"`.
    pub what: String,
    /// Why: what the server said.
    pub why: String,
    /// What cannot be known without it.
    pub hidden: HiddenData,
    /// The project that it is all of, where it is of one alone.
    pub project: Option<Name>,
}

impl UnreadPart {
    /// What is of the space, and not of one project.
    pub fn new(what: impl Into<String>, why: impl Into<String>, hides: HiddenData) -> Self {
        Self { what: what.into(), why: why.into(), hidden: hides, project: None }
    }

    /// The same, of one project.
    #[must_use]
    pub fn in_project(self, project: &str) -> Self {
        Self { project: Some(Name::new(project)), ..self }
    }
}

/// What a [`UnreadPart`] hides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HiddenData {
    /// Steps of this space: placements, and uses of pools and of the built-in worker.
    Steps,
    /// The same, of a repository that has to be read for a plan to be right.
    StepsInGit,
    /// Steps of another space: uses of the built-in worker.
    OtherSpaceSteps,
    /// Steps inside process templates: uses of pools and of the built-in worker.
    Templates,
    /// Steps that no rule can decide about, though what uses a pool is known.
    Rules,
    /// Variables and what stands for their values: uses of pools.
    PoolReferences,
    /// Deployment targets: uses of pools.
    Targets,
    /// Releases, published snapshots and further branches: uses of pools.
    Snapshots,
}

/// What could not be read, each with why. What has one cause, such as a repository that cannot be reached, is
/// one entry.
pub fn group_by_cause<'a>(
    gaps: impl IntoIterator<Item = &'a UnreadPart>,
) -> Vec<(String, &'a str)> {
    let mut by_cause: IndexMap<&str, Vec<&str>> = IndexMap::new();
    for gap in gaps {
        let of_cause = by_cause.entry(&gap.why).or_default();
        if !of_cause.contains(&gap.what.as_str()) {
            of_cause.push(&gap.what);
        }
    }
    by_cause.into_iter().map(|(why, what)| (what.join(", and "), why)).collect()
}
