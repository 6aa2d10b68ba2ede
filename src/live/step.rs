//! Processes and their steps, as far as it matters where they run.

use crate::model::{Address, Container, Id, Name, Place, Pool, Process, ProcessName, StepAction};

/// A process: its owner and its steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveProcess {
    /// The server's id.
    pub id: Id<Process>,
    /// Whose it is.
    pub owner: Owner,
    /// Its steps, in their order; a step of several actions is as many entries.
    pub steps: Vec<LiveStep>,
}

/// Whose process it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The project's name.
    pub project: Name,
    /// The name of the project's group.
    pub group: Name,
    /// The runbook's name; none for the deployment process.
    pub runbook: Option<Name>,
}

/// A step: strictly, one action of one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveStep {
    /// The action's id.
    pub id: Id<StepAction>,
    /// The step's name.
    pub step: Name,
    /// The action's name; for a step of one action mostly the same.
    pub action: Name,
    /// Whether the step has other actions too.
    pub has_siblings: bool,
    /// The action's type: `Octopus.Script`.
    pub action_type: String,
    /// What chooses its pool.
    pub place: Place<Id<Pool>>,
    /// Whether it says that it runs on the server's side, and not on its targets.
    pub run_on_server: bool,
    /// The target tags of the step, as written; empty where it has none.
    pub target_roles: String,
    /// Its container: image and the feed's id.
    pub container: Option<Container<String>>,
}

impl LiveProcess {
    /// The address of one of its steps.
    pub fn address(&self, step: &LiveStep) -> Address {
        Address::Step {
            project: self.owner.project.to_string(),
            process: self.owner.process(),
            step: self.shown(step),
        }
    }

    /// A step's name, unique in its process.
    fn shown(&self, step: &LiveStep) -> String {
        let name = step.name();
        match self.steps.iter().filter(|it| it.name() == name).count() {
            0 | 1 => name.to_string(),
            _ => format!("{} / {}", step.step, step.action),
        }
    }
}

impl LiveStep {
    /// The name that a user knows it by: the step's, or the action's where the step has several.
    pub fn name(&self) -> &Name {
        if self.has_siblings { &self.action } else { &self.step }
    }
}

impl Owner {
    /// Which of the project's processes it is.
    pub fn process(&self) -> ProcessName {
        match &self.runbook {
            None => ProcessName::Deployment,
            Some(name) => ProcessName::Runbook(name.to_string()),
        }
    }
}
