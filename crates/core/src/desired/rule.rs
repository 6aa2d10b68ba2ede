//! Placement rules: which steps, and where they shall run.

use super::{Declared, DesiredPoolRef, NameOrId};
use crate::{
    model::{Container, Execution, Place},
    text::pattern::{Pattern, Patterns},
};

/// A rule of `[[placements]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacementRule {
    /// What the file calls it.
    pub label: Option<String>,
    /// The steps that it is about.
    pub select: StepSelectors,
    /// What becomes of them.
    pub verdict: PlacementVerdict,
}

/// Which steps a rule is about: all of these must match; `None` matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepSelectors {
    /// Names of projects.
    pub project: Option<Declared<Patterns>>,
    /// Names of project groups.
    pub project_group: Option<Declared<Patterns>>,
    /// Tags of projects, `Set/Tag`: one of a project's is enough.
    pub project_tag: Option<Declared<Patterns>>,
    /// Names of channels to which a step is limited: one of them is enough. A step that is limited to none
    /// runs in all of them, and is not meant.
    pub channel: Option<Declared<Patterns>>,
    /// Names of runbooks.
    pub runbook: Option<Declared<Patterns>>,
    /// Names of steps or of actions inside them.
    pub step: Option<Declared<Patterns>>,
    /// Types such as `Octopus.Script`.
    pub action_type: Option<Declared<Patterns>>,
    /// Kinds of process.
    pub processes: SelectedProcesses,
    /// Where a step runs today; `None` for anywhere.
    pub currently: Option<Declared<CurrentPlaces>>,
}

/// The kinds of process whose steps a rule is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SelectedProcesses {
    /// Deployment processes.
    #[default]
    Deployments,
    /// Runbooks.
    Runbooks,
    /// Both.
    Any,
}

impl SelectedProcesses {
    /// Whether deployment processes are in scope.
    pub fn has_deployments(self) -> bool {
        matches!(self, Self::Deployments | Self::Any)
    }

    /// Whether runbooks are in scope.
    pub fn has_runbooks(self) -> bool {
        matches!(self, Self::Runbooks | Self::Any)
    }
}

/// Where a step runs today, as a selector says it: in one of some places, and in none of others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CurrentPlaces {
    /// One of these; anywhere, where the list is empty.
    pub include: Vec<CurrentPlace>,
    /// None of these: those with a leading `!`.
    pub exclude: Vec<CurrentPlace>,
}

impl CurrentPlaces {
    /// All places that it speaks of, excluded or not.
    pub fn all_places(&self) -> impl Iterator<Item = &CurrentPlace> {
        self.include.iter().chain(&self.exclude)
    }

    /// Whether the answer depends on which steps run on the built-in worker.
    pub fn depends_on_built_in(&self) -> bool {
        self.all_places().any(|place| match place {
            CurrentPlace::Server => true,
            CurrentPlace::Matching(pattern) => pattern.matches(SERVER),
            _ => false,
        })
    }

    /// Whether it is about the place that `is` says yes to, by itself or by its word.
    pub fn covers_place(&self, word: &str, is: impl Fn(&CurrentPlace) -> bool) -> bool {
        let any = |list: &[CurrentPlace]| {
            list.iter().any(|place| match place {
                CurrentPlace::Matching(pattern) => pattern.matches(word),
                other => is(other),
            })
        };
        (self.include.is_empty() || any(&self.include)) && !any(&self.exclude)
    }
}

/// The word for the built-in worker.
pub const SERVER: &str = "server";
/// The word for a step that names no pool.
pub const DEFAULT: &str = "default";
/// The word for deployment targets.
pub const TARGET: &str = "target";
/// The word for a pool that a variable chooses.
pub const VARIABLE: &str = "variable";

/// Where a step runs today.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CurrentPlace {
    /// On the built-in worker.
    Server,
    /// It names no pool.
    Default,
    /// On deployment targets.
    Target,
    /// A variable chooses its pool.
    Variable,
    /// It names this pool.
    Pool(Declared<DesiredPoolRef>),
    /// A pattern with wildcards, which stands for the words of the other places and for pools, by key or by
    /// name.
    Matching(Pattern),
}

/// What becomes of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlacementVerdict {
    /// It is not managed, and no later rule is asked.
    Leave,
    /// It runs here.
    Place(DesiredPlacement),
}

/// Where a step shall run, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesiredPlacement {
    /// What chooses its pool.
    pub place: Place<Declared<DesiredPoolRef>>,
    /// How often it runs; without it, steps on deployment targets are not touched.
    pub execution: Option<Execution>,
    /// The container it runs in.
    pub container: Option<Declared<Container<NameOrId>>>,
}
