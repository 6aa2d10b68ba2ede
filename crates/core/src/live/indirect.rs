//! What chooses a step's pool besides the step itself: variables and deployment targets.

use super::{LiveVariableSet, PoolVariable};
use crate::model::{DeploymentTarget, Id, Name, Pool};

/// The variables and deployment targets that choose pools for steps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IndirectPools {
    /// Every value of every variable of type worker pool.
    pub variables: Vec<PoolVariable>,
    /// The sets that contain such variables, or could.
    pub sets: Vec<LiveVariableSet>,
    /// The deployment targets.
    pub targets: Vec<LiveTarget>,
    /// The names of all environments; empty if not all of them could be read.
    pub environments: Vec<String>,
}

/// A deployment target, as far as it affects where steps run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveTarget {
    /// The server's id.
    pub id: Id<DeploymentTarget>,
    /// Its name.
    pub name: Name,
    /// Its target tags.
    pub roles: Vec<String>,
    /// What does the work for the target.
    pub reach: TargetReach,
    /// The pool whose workers act for the target; `None` for the space's default pool.
    pub pool: Option<Id<Pool>>,
    /// Whether the target is disabled and gets no deployments.
    pub disabled: bool,
}

/// What does the work for a deployment target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetReach {
    /// The machine itself: a Tentacle, an SSH host or an offline package drop.
    Machine,
    /// The agent inside a Kubernetes cluster, for all steps.
    Agent,
    /// A worker, because the target is in a cloud.
    Worker,
}
