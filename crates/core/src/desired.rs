//! What the file asks for. The left input of `diff`.
//!
//! `None` means one thing: the file does not say, so it is left as it is on the server.

mod endpoint;
mod first_match;
mod policy;
mod rule;
mod variable;
mod version_control;

pub use endpoint::DesiredEndpoint;
pub use first_match::{FirstMatch, RuleResult, RuleSubject, shadowed_rule_warning};
pub use policy::{Gate, MaxDeletes, PlanPolicy};
pub use rule::{
    CurrentPlace, CurrentPlaces, DEFAULT, DesiredPlacement, PlacementRule, PlacementVerdict,
    SERVER, SelectedProcesses, StepSelectors, TARGET, VARIABLE,
};
pub use variable::{
    DesiredValueOwner, DesiredValueScope, PoolVariableRule, TargetPoolRule, TargetPoolVerdict,
    ValueVerdict,
};
pub use version_control::{ProtectedBranchAction, VersionControl};

use crate::{finding::Span, model::Name, text::pattern::Patterns};

use indexmap::IndexMap;
use std::ops::Deref;

/// A value and the place in the file that asked for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared<T> {
    /// What was asked for.
    pub value: T,
    /// Where.
    pub span: Span,
}

impl<T> Deref for Declared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// What the file asks for, in its order.
#[derive(Clone, Debug, Default)]
pub struct Desired {
    /// The server to ask, where the file names one.
    pub url: Option<Declared<String>>,
    /// The space, by name, slug or id, where the file names one.
    pub space: Option<Declared<String>>,
    /// Whether the built-in worker may run steps.
    pub built_in_worker: Option<Declared<bool>>,
    /// Worker pools by key.
    pub pools: IndexMap<String, Declared<DesiredPool>>,
    /// Workers by name, ranges spread.
    pub workers: IndexMap<String, Declared<DesiredWorker>>,
    /// Placement rules. The first that matches a step decides, so their order is meaning.
    pub rules: Vec<Declared<PlacementRule>>,
    /// Values of worker pool variables. The first rule about a value decides.
    pub values: Vec<Declared<PoolVariableRule>>,
    /// Pools of deployment targets. The first rule that matches a target decides.
    pub target_rules: Vec<Declared<TargetPoolRule>>,
    /// How processes are treated that are stored in Git; left alone where the file does not say.
    pub version_control: Option<Declared<VersionControl>>,
    /// Which projects' steps move when, in their order; all at once where the file has none.
    pub waves: Vec<Declared<DesiredWave>>,
    /// What shall be deleted by name.
    pub removed: Vec<Declared<DesiredRemoval>>,
    /// What may be deleted, how much of it, and what each gate weighs.
    pub policy: PlanPolicy,
}

/// Projects whose steps move together: all of its selectors must match; `None` matches every project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DesiredWave {
    /// What the file calls it.
    pub label: Option<Declared<String>>,
    /// Names of projects.
    pub project: Option<Declared<Patterns>>,
    /// Names of project groups.
    pub project_group: Option<Declared<Patterns>>,
}

/// A worker pool as asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesiredPool {
    /// Its name on the server; the identity of a pool.
    pub name: Name,
    /// Names under which it may be live until now.
    pub renamed_from: Vec<Declared<String>>,
    /// What the file asks of its workers.
    pub kind: DesiredPoolKind,
    /// Its description; empty to clear it.
    pub description: Option<String>,
    /// Whether it shall be the space's default pool.
    pub default: Option<Declared<bool>>,
    /// Its position among all pools, counted from 0.
    pub sort_order: Option<u32>,
    /// Whether it must never be deleted.
    pub protect: bool,
}

/// Where the workers of a pool come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DesiredPoolKind {
    /// They are registered. A live pool that is dynamic stays as it is.
    Static {
        /// Whether workers that the file does not put here leave it.
        exact_members: bool,
        /// How many enabled, healthy workers it needs while steps are placed in it.
        min_healthy: Option<Declared<u32>>,
    },
    /// The server makes them.
    Dynamic {
        /// Of this image.
        image: Declared<String>,
    },
}

impl Default for DesiredPoolKind {
    fn default() -> Self {
        Self::Static { exact_members: false, min_healthy: None }
    }
}

impl DesiredPool {
    /// The image of a dynamic pool.
    pub fn image(&self) -> Option<&Declared<String>> {
        match &self.kind {
            DesiredPoolKind::Dynamic { image } => Some(image),
            DesiredPoolKind::Static { .. } => None,
        }
    }

    /// Whether workers that the file does not put here leave it.
    pub fn has_exact_members(&self) -> bool {
        matches!(self.kind, DesiredPoolKind::Static { exact_members: true, .. })
    }

    /// How many enabled, healthy workers it needs while steps are placed in it.
    pub fn min_healthy(&self) -> Option<&Declared<u32>> {
        match &self.kind {
            DesiredPoolKind::Static { min_healthy, .. } => min_healthy.as_ref(),
            DesiredPoolKind::Dynamic { .. } => None,
        }
    }
}

/// A worker as asked for. Its name is its key in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesiredWorker {
    /// Its name on the server.
    pub name: Name,
    /// Names under which it may be live until now.
    pub renamed_from: Vec<Declared<String>>,
    /// How it is reached.
    pub endpoint: Declared<DesiredEndpoint>,
    /// The static pools that it is a member of: exactly these, at least one.
    pub pools: Vec<Declared<DesiredPoolRef>>,
    /// Its machine policy.
    pub policy: Option<Declared<NameOrId>>,
    /// Whether it gets no work.
    pub disabled: Option<bool>,
    /// Whether it must never be deleted or replaced.
    pub protect: bool,
}

/// A live thing by its name, slug or id, as the file says it.
pub type NameOrId = String;

/// A pool, as the file points at it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DesiredPoolRef {
    /// One that the file declares, by its key.
    Declared(String),
    /// One that is live, by name, slug or id.
    Live(NameOrId),
}

/// A live thing that shall be deleted, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DesiredRemoval {
    /// A worker pool.
    Pool(Name),
    /// A worker.
    Worker(Name),
}

impl DesiredRemoval {
    /// The pool's name, where it is a pool.
    pub fn pool_name(&self) -> Option<&Name> {
        match self {
            Self::Pool(name) => Some(name),
            Self::Worker(_) => None,
        }
    }

    /// The worker's name, where it is a worker.
    pub fn worker_name(&self) -> Option<&Name> {
        match self {
            Self::Worker(name) => Some(name),
            Self::Pool(_) => None,
        }
    }
}

impl Desired {
    /// Whether any worker is declared, removed or pruned, or leaves a pool.
    pub fn concerns_workers(&self) -> bool {
        !self.workers.is_empty()
            || self.policy.prune_workers.is_some()
            || self
                .pools
                .values()
                .any(|pool| pool.has_exact_members() || pool.min_healthy().is_some())
            || self.removed.iter().any(|removal| matches!(removal.value, DesiredRemoval::Worker(_)))
    }

    /// Whether anything is said of what chooses a pool where a step does not.
    pub fn sets_indirect_pools(&self) -> bool {
        !(self.values.is_empty() && self.target_rules.is_empty())
    }

    /// Whether any pool may be deleted.
    pub fn may_delete_pools(&self) -> bool {
        self.policy.prune_pools.is_some()
            || self.removed.iter().any(|removal| matches!(removal.value, DesiredRemoval::Pool(_)))
    }
}
