//! The state that the file declares: the first input of `diff`.
//!
//! `None` always means that the file does not declare a value, so the server's is left unchanged.

mod accept;
mod endpoint;
mod first_match;
mod policy;
mod rule;
mod variable;
mod version_control;

pub use accept::{AcceptDate, AcceptRule};
pub use endpoint::DesiredEndpoint;
pub use first_match::{
    FirstMatch, RuleResult, RuleSubject, shadowed_rule_warning, with_earlier_rule,
};
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

/// A value, and where the file declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared<T> {
    /// The declared value.
    pub value: T,
    /// Its place in the file.
    pub span: Span,
}

impl<T> Deref for Declared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// The state that the file declares, in the file's order.
#[derive(Clone, Debug, Default)]
pub struct Desired {
    /// The URL of the server, if the file names one.
    pub url: Option<Declared<String>>,
    /// The space, by name, slug or id, if the file names one.
    pub space: Option<Declared<String>>,
    /// Whether the built-in worker may run steps.
    pub built_in_worker: Option<Declared<bool>>,
    /// Worker pools by key.
    pub pools: IndexMap<String, Declared<DesiredPool>>,
    /// Workers by name, with ranges expanded.
    pub workers: IndexMap<String, Declared<DesiredWorker>>,
    /// Placement rules. The first that matches a step decides, so their order matters.
    pub rules: Vec<Declared<PlacementRule>>,
    /// Values of worker pool variables. The first rule for a value decides.
    pub values: Vec<Declared<PoolVariableRule>>,
    /// Pools of deployment targets. The first rule that matches a target decides.
    pub target_rules: Vec<Declared<TargetPoolRule>>,
    /// How processes stored in Git are treated; `None` leaves them alone.
    pub version_control: Option<Declared<VersionControl>>,
    /// The waves in which projects' steps move, in order; if empty, all of them move at once.
    pub waves: Vec<Declared<DesiredWave>>,
    /// The projects in a Git working tree, each with the folder that has its process.
    pub project_folders: Vec<Declared<ProjectFolder>>,
    /// Pools and workers to delete, by name.
    pub removed: Vec<Declared<DesiredRemoval>>,
    /// Limits on deletes, the levels of findings, and which of them are accepted.
    pub policy: PlanPolicy,
}

/// A folder of a Git working tree and the project whose process it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectFolder {
    /// The folder, relative to the root of the working tree.
    pub folder: String,
    /// The project's name.
    pub project: Name,
}

/// Projects whose steps move together: every selector must match, and `None` matches every project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DesiredWave {
    /// The wave's name in the file.
    pub label: Option<Declared<String>>,
    /// Names of projects.
    pub project: Option<Declared<Patterns>>,
    /// Names of project groups.
    pub project_group: Option<Declared<Patterns>>,
}

/// A worker pool as the file declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesiredPool {
    /// Its name on the server, which identifies the pool.
    pub name: Name,
    /// Earlier names, under which the server may still have it.
    pub renamed_from: Vec<Declared<String>>,
    /// Its slug, by which files in Git refer to it.
    pub slug: Option<Declared<String>>,
    /// Where its workers come from.
    pub kind: DesiredPoolKind,
    /// Its description; empty to clear it.
    pub description: Option<String>,
    /// Whether it should be the space's default pool.
    pub default: Option<Declared<bool>>,
    /// Its position among all pools, counted from 0.
    pub sort_order: Option<u32>,
    /// Whether it must never be deleted.
    pub protect: bool,
}

/// Where the workers of a pool come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DesiredPoolKind {
    /// Workers are registered. A live dynamic pool is left unchanged.
    Static {
        /// Whether workers that the file does not put into the pool leave it.
        exact_members: bool,
        /// How many enabled, healthy workers the pool needs while steps are placed in it.
        min_healthy: Option<Declared<u32>>,
    },
    /// The server creates workers on demand.
    Dynamic {
        /// The image that the server creates them from.
        image: Declared<String>,
    },
}

impl Default for DesiredPoolKind {
    fn default() -> Self {
        Self::Static { exact_members: false, min_healthy: None }
    }
}

impl DesiredPool {
    /// Returns the image of a dynamic pool.
    pub fn image(&self) -> Option<&Declared<String>> {
        match &self.kind {
            DesiredPoolKind::Dynamic { image } => Some(image),
            DesiredPoolKind::Static { .. } => None,
        }
    }

    /// Whether workers that the file does not put into the pool leave it.
    pub fn has_exact_members(&self) -> bool {
        matches!(self.kind, DesiredPoolKind::Static { exact_members: true, .. })
    }

    /// Returns how many enabled, healthy workers the pool needs while steps are placed in it.
    pub fn min_healthy(&self) -> Option<&Declared<u32>> {
        match &self.kind {
            DesiredPoolKind::Static { min_healthy, .. } => min_healthy.as_ref(),
            DesiredPoolKind::Dynamic { .. } => None,
        }
    }
}

/// A worker as the file declares it. Its key in the file is its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesiredWorker {
    /// Its name on the server.
    pub name: Name,
    /// Earlier names, under which the server may still have it.
    pub renamed_from: Vec<Declared<String>>,
    /// How the server reaches it.
    pub endpoint: Declared<DesiredEndpoint>,
    /// The static pools that the worker belongs to: exactly these, and at least one.
    pub pools: Vec<Declared<DesiredPoolRef>>,
    /// Its machine policy.
    pub policy: Option<Declared<NameOrId>>,
    /// Whether it is disabled and gets no work.
    pub disabled: Option<bool>,
    /// Whether it must never be deleted or replaced.
    pub protect: bool,
}

/// The name, slug or id of something on the server, as written in the file.
pub type NameOrId = String;

/// A reference to a pool in the file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DesiredPoolRef {
    /// A pool that the file declares, by its key.
    Declared(String),
    /// A live pool, by name, slug or id.
    Live(NameOrId),
}

/// A pool or worker to delete, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DesiredRemoval {
    /// A worker pool.
    Pool(Name),
    /// A worker.
    Worker(Name),
}

impl DesiredRemoval {
    /// Returns the name of the pool, if the entry is a pool.
    pub fn pool_name(&self) -> Option<&Name> {
        match self {
            Self::Pool(name) => Some(name),
            Self::Worker(_) => None,
        }
    }

    /// Returns the name of the worker, if the entry is a worker.
    pub fn worker_name(&self) -> Option<&Name> {
        match self {
            Self::Worker(name) => Some(name),
            Self::Pool(_) => None,
        }
    }
}

impl Desired {
    /// Whether the file declares, removes or prunes workers, or makes them leave a pool.
    pub fn concerns_workers(&self) -> bool {
        !self.workers.is_empty()
            || self.policy.prune_workers.is_some()
            || self
                .pools
                .values()
                .any(|pool| pool.has_exact_members() || pool.min_healthy().is_some())
            || self.removed.iter().any(|removal| matches!(removal.value, DesiredRemoval::Worker(_)))
    }

    /// Whether the file sets pool variables or target pools.
    pub fn sets_indirect_pools(&self) -> bool {
        !(self.values.is_empty() && self.target_rules.is_empty())
    }

    /// Whether any pool may be deleted.
    pub fn may_delete_pools(&self) -> bool {
        self.policy.prune_pools.is_some()
            || self.removed.iter().any(|removal| matches!(removal.value, DesiredRemoval::Pool(_)))
    }
}
