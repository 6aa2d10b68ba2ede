//! Placement rules: which steps, and where they shall run.

use super::{Declared, PoolRef, Reference};
use crate::{
    model::{Container, Execution, Place},
    text::pattern::Patterns,
};

/// A rule of `[[placements]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What the file calls it.
    pub label: Option<String>,
    /// The steps that it is about.
    pub select: Selectors,
    /// What becomes of them.
    pub verdict: Verdict,
}

/// Which steps a rule is about: all of these must match; `None` matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selectors {
    /// Names of projects.
    pub project: Option<Declared<Patterns>>,
    /// Names of project groups.
    pub project_group: Option<Declared<Patterns>>,
    /// Names of runbooks.
    pub runbook: Option<Declared<Patterns>>,
    /// Names of steps or of actions inside them.
    pub step: Option<Declared<Patterns>>,
    /// Types such as `Octopus.Script`.
    pub action_type: Option<Declared<Patterns>>,
    /// Whether deployment processes are in scope.
    pub deployments: bool,
    /// Whether runbook processes are in scope.
    pub runbooks: bool,
    /// Where a step runs today: any of these; `None` for anywhere.
    pub currently: Option<Declared<Vec<Currently>>>,
}

/// Where a step runs today.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Currently {
    /// On the built-in worker.
    Server,
    /// It names no pool.
    Default,
    /// On deployment targets.
    Target,
    /// A variable chooses its pool.
    Variable,
    /// It names this pool.
    Pool(PoolRef),
}

/// What becomes of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is not managed, and no later rule is asked.
    Leave,
    /// It runs here.
    Place(Target),
}

/// Where a step shall run, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// What chooses its pool.
    pub place: Place<Declared<PoolRef>>,
    /// How often it runs; without it, steps on deployment targets are not touched.
    pub execution: Option<Execution>,
    /// The container it runs in.
    pub container: Option<Declared<Container<Reference>>>,
}
