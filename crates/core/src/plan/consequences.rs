//! What a plan leads to besides its changes: for people, who would not see it in the changes.
//!
//! It follows from the changes and the server, so no decision depends on it, and a saved plan's is not believed.

use super::{Affected, ExecutionPlace, PlaceTally, StepFlow};
use crate::{
    finding::ChangeOrigin,
    model::{Address, ProcessName},
};

use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// What a plan leads to besides its changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consequences {
    /// Steps that will run elsewhere, or nowhere, although no change names them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub affected: Vec<MovedStep>,
    /// Steps that a change names and that come to run on the Octopus Server.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub onto_server: Vec<MovedStep>,
    /// Steps that a change names and that come to run nowhere, such as in a pool without workers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stopped: Vec<MovedStep>,
    /// The space's default pool before the changes; `None` if the space has none, or it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_before: Option<DefaultPool>,
    /// The space's default pool after the changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_after: Option<DefaultPool>,
    /// What each place where steps run has before and after the changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<PlaceTally>,
    /// How many steps run where before and after the changes, those that stay included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flows: Vec<StepFlow>,
}

/// A step that will run in another place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MovedStep {
    /// The step.
    pub address: Address,
    /// Where it runs now: each place once, in the order of its cases.
    pub before: Vec<ExecutionPlace>,
    /// Where it will run.
    pub after: Vec<ExecutionPlace>,
    /// Whether it moves by the plan's base too; `None` if the plan is not compared with a base.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<ChangeOrigin>,
}

/// The pool whose workers run the steps that name none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefaultPool {
    /// The pool.
    pub pool: Address,
    /// Whether the pool has no workers, so that its steps run on the Octopus Server's built-in worker.
    pub on_server: bool,
}

impl Consequences {
    /// Counts the steps that no change names.
    pub fn count_affected(&self) -> Affected {
        let (mut projects, mut runbooks) = (HashSet::new(), HashSet::new());
        for step in &self.affected {
            let Address::Step { project, process, .. } = &step.address else { continue };
            projects.insert(project);
            if let ProcessName::Runbook(name) = process {
                runbooks.insert((project, name));
            }
        }
        let (projects, runbooks) = (projects.len(), runbooks.len());
        Affected { steps: self.affected.len(), projects, runbooks }
    }
}

impl MovedStep {
    /// Whether it comes to run on the Octopus Server.
    pub fn comes_to_server(&self) -> bool {
        self.after.contains(&ExecutionPlace::Server)
            && !self.before.contains(&ExecutionPlace::Server)
    }

    /// Whether it comes to run nowhere.
    pub fn comes_to_nowhere(&self) -> bool {
        self.after.contains(&ExecutionPlace::Nowhere)
            && !self.before.contains(&ExecutionPlace::Nowhere)
    }
}
