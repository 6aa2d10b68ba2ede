//! Placement rules: which steps they select, and where those should run.

use super::{Declared, DesiredPoolRef, NameOrId};
use crate::{
    model::{Container, Execution, Place},
    text::pattern::{Pattern, Patterns},
};

/// A rule of `[[placements]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacementRule {
    /// The rule's name in the file.
    pub label: Option<String>,
    /// The steps that the rule is about.
    pub select: StepSelectors,
    /// What happens to those steps.
    pub verdict: PlacementVerdict,
}

/// Which steps a rule is about: every selector must match, and `None` matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepSelectors {
    /// Names of projects.
    pub project: Option<Declared<Patterns>>,
    /// Names of project groups.
    pub project_group: Option<Declared<Patterns>>,
    /// Project tags, as `Set/Tag`: a project needs one of them.
    pub project_tag: Option<Declared<Patterns>>,
    /// Names of channels that a step is limited to: one of them is enough. A step without channels runs in all
    /// of them and does not match.
    pub channel: Option<Declared<Patterns>>,
    /// Names of runbooks.
    pub runbook: Option<Declared<Patterns>>,
    /// Names of steps, or of the actions inside them.
    pub step: Option<Declared<Patterns>>,
    /// Types such as `Octopus.Script`.
    pub action_type: Option<Declared<Patterns>>,
    /// Kinds of process.
    pub processes: SelectedProcesses,
    /// Where a step runs today; `None` for anywhere.
    pub currently: Option<Declared<CurrentPlaces>>,
}

impl StepSelectors {
    /// Whether the selection depends on which steps run on the built-in worker.
    pub fn depends_on_built_in(&self) -> bool {
        self.currently.as_ref().is_some_and(|places| places.value.depends_on_built_in())
    }
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

/// The selector for where a step runs today: in one of some places, and in none of some others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CurrentPlaces {
    /// The step runs in one of these; an empty list means anywhere.
    pub include: Vec<CurrentPlace>,
    /// The step runs in none of these, which have a leading `!` in the file.
    pub exclude: Vec<CurrentPlace>,
}

impl CurrentPlaces {
    /// Returns every place that the selector mentions, excluded or not.
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

    /// Whether the selector covers a place that `is` accepts or whose word is `word`.
    pub fn covers_place(&self, word: &str, is: impl Fn(&CurrentPlace) -> bool) -> bool {
        let any = |list: &[CurrentPlace]| {
            list.iter().any(|place| match place {
                CurrentPlace::Matching(pattern) => pattern.matches(word),
                exact => is(exact),
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
/// The word for a step whose pool a variable chooses.
pub const VARIABLE: &str = "variable";

/// Where a step runs today.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CurrentPlace {
    /// On the built-in worker.
    Server,
    /// In the default pool, since the step names none.
    Default,
    /// On deployment targets.
    Target,
    /// In a pool that a variable chooses.
    Variable,
    /// In this pool, by name.
    Pool(Declared<DesiredPoolRef>),
    /// A pattern with wildcards, matched against the words for the other places and against pools, by key or
    /// by name.
    Matching(Pattern),
}

/// What happens to a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlacementVerdict {
    /// It is left alone, and no later rule applies.
    Leave,
    /// It runs here.
    Place(DesiredPlacement),
}

/// Where a step should run, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesiredPlacement {
    /// What chooses the step's pool.
    pub place: Place<Declared<DesiredPoolRef>>,
    /// How often the step runs; without it, steps on deployment targets are left alone.
    pub execution: Option<Execution>,
    /// The container that the step runs in; `Some(None)` for none.
    pub container: Option<Declared<Option<Container<NameOrId>>>>,
}
