//! Processes and their steps, as far as it matters where they run.

use crate::model::{
    Address, BranchRef, Container, Id, Name, Place, Pool, Process, ProcessKind, ProcessName,
    StepAction,
};

/// A process: its owner and its steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveProcess {
    /// The server's id; of a process in Git, whose id all branches share, with its branch behind it.
    pub id: Id<Process>,
    /// Whose it is.
    pub owner: ProcessOwner,
    /// Where it is stored in Git; none for one in the server's database.
    pub git: Option<LiveBranch>,
    /// Its steps, in their order; a step of several actions is as many entries.
    pub steps: Vec<LiveStep>,
    /// What is inside the process templates that its steps use, where somebody asks for it.
    pub templates: Vec<TemplateUse>,
}

/// A step that uses a process template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateUse {
    /// The id of its action.
    pub usage: Id<StepAction>,
    /// What is inside.
    pub contents: TemplateContents,
}

/// What is inside a process template, as one of its usages has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateContents {
    /// These steps. They belong to the template: no rule decides about them, and no plan writes them.
    Steps(Vec<LiveStep>),
    /// None that the server tells, as of a template that is no longer shared with the space.
    Omitted,
    /// Steps of which nobody can tell to which of several usages they belong.
    Ambiguous,
    /// It could not be read, and why.
    Unread(String),
}

/// A branch that has a process, or variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveBranch {
    /// What it has, and where it is.
    pub at: BranchRef,
    /// Whether it takes commits.
    pub role: BranchRole,
}

/// Whether a branch takes commits, and on whose behalf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BranchRole {
    /// It takes them.
    Open,
    /// The server refuses to commit to it.
    Protected,
    /// The server refuses to commit to it, and to the branch that a file wants to stand for it.
    ProtectedWithoutStandIn,
    /// It has the changes of a protected branch, until they are merged.
    StandIn {
        /// That branch's short name.
        protected_branch: String,
    },
}

impl BranchRole {
    /// The role of a branch that stands for no other.
    pub fn from_protection(is_protected: bool) -> Self {
        if is_protected { Self::Protected } else { Self::Open }
    }
}

impl LiveBranch {
    /// The protected branch whose changes this one has.
    pub fn protected_branch(&self) -> Option<&str> {
        match &self.role {
            BranchRole::StandIn { protected_branch } => Some(protected_branch),
            BranchRole::Open | BranchRole::Protected | BranchRole::ProtectedWithoutStandIn => None,
        }
    }
}

/// Whose process it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessOwner {
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
    /// Whether it runs on the server's side, and not on its targets; none where it does not say.
    pub run_on_server: Option<bool>,
    /// Whether it was read of a file in Git, which does not have that flag where a pool says as much.
    pub from_file: bool,
    /// The target tags of the step, as written; empty where it has none.
    pub target_roles: String,
    /// Its container: image and the feed's id.
    pub container: Option<Container<String>>,
    /// The channels to which it is limited: their names, or their ids where nobody asks for names; empty
    /// where it runs in all of them.
    pub channels: Vec<String>,
    /// What it says to the template that it uses, by the names of parameters.
    pub parameters: Vec<(String, String)>,
    /// Whether it is skipped until somebody enables it. Where it runs is told as if it were enabled.
    pub disabled: bool,
}

impl LiveProcess {
    /// The address of one of its steps.
    pub fn step_address(&self, step: &LiveStep) -> Address {
        Address::Step {
            project: self.owner.project.to_string(),
            branch: self.git.as_ref().map(|it| it.at.name.clone()),
            process: self.owner.process_name(),
            step: self.unique_step_name(step),
        }
    }

    /// The address of a step inside the template that one of its steps uses.
    pub fn inner_step_address(&self, usage: &LiveStep, inner: &LiveStep) -> Address {
        let has_same_name = |step: &&LiveStep| step.display_name() == inner.display_name();
        let name = match self.inner_steps(usage).iter().filter(has_same_name).count() {
            0 | 1 => inner.display_name().to_string(),
            _ => format!("{} / {}", inner.step, inner.action),
        };
        match self.step_address(usage) {
            Address::Step { project, branch, process, step } => {
                Address::Step { project, branch, process, step: format!("{step} / {name}") }
            }
            other => other,
        }
    }

    /// The steps inside the template that one of its steps uses, as far as they are known.
    pub fn inner_steps(&self, usage: &LiveStep) -> &[LiveStep] {
        match self.template_contents(usage) {
            Some(TemplateContents::Steps(steps)) => steps,
            _ => &[],
        }
    }

    /// What is known of the inside of the template that one of its steps uses.
    pub(super) fn template_contents(&self, usage: &LiveStep) -> Option<&TemplateContents> {
        let found = self.templates.iter().find(|template| template.usage == usage.id);
        found.map(|it| &it.contents)
    }

    /// A step's name, unique in its process.
    fn unique_step_name(&self, step: &LiveStep) -> String {
        let name = step.display_name();
        match self.steps.iter().filter(|other| other.display_name() == name).count() {
            0 | 1 => name.to_string(),
            _ => format!("{} / {}", step.step, step.action),
        }
    }
}

impl LiveStep {
    /// What a text says of where a step runs, without regard to case; none for any other text.
    pub fn parse_run_on_server(run_on_server: &str) -> Option<bool> {
        match run_on_server.trim().to_ascii_lowercase().as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    /// Its target tags, each without space around it.
    pub fn target_tags(&self) -> impl Iterator<Item = &str> {
        self.target_roles.split(',').map(str::trim).filter(|tag| !tag.is_empty())
    }

    /// Whether it names any target tag.
    pub fn has_target_tags(&self) -> bool {
        self.target_tags().next().is_some()
    }

    /// The name that a user knows it by: the step's, or the action's where the step has several.
    pub fn display_name(&self) -> &Name {
        if self.has_siblings { &self.action } else { &self.step }
    }
}

impl ProcessOwner {
    /// Of which kind the process is.
    pub fn kind(&self) -> ProcessKind {
        self.process_name().kind()
    }

    /// Which of the project's processes it is.
    pub fn process_name(&self) -> ProcessName {
        match &self.runbook {
            None => ProcessName::Deployment,
            Some(name) => ProcessName::Runbook(name.to_string()),
        }
    }
}
