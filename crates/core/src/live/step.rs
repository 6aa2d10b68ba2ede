//! Processes and their steps, as far as it affects where they run.

use crate::model::{
    Address, BranchRef, Container, Id, Name, Place, Pool, Process, ProcessKind, ProcessName,
    StepAction,
};

use std::collections::HashMap;

/// A process: its owner and its steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveProcess {
    /// The server's id; for a process in Git, whose id all branches share, followed by the branch.
    pub id: Id<Process>,
    /// Whose it is.
    pub owner: ProcessOwner,
    /// The branch with the process; `None` for one in the server's database.
    pub git: Option<LiveBranch>,
    /// The steps, in order, with an entry for each action.
    pub steps: Vec<LiveStep>,
    /// The contents of the process templates that its steps use, if something needs them.
    pub templates: Vec<TemplateUse>,
}

/// A step that uses a process template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateUse {
    /// The id of the step's action.
    pub usage: Id<StepAction>,
    /// The template's contents.
    pub contents: TemplateContents,
}

/// The contents of a process template, as used by one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateContents {
    /// Steps, which belong to the template: no rule places them, and no plan writes them.
    Steps(Vec<LiveStep>),
    /// None that the server reports, for example because the template is no longer shared with the space.
    Omitted,
    /// Steps that may belong to any of several usages.
    Ambiguous,
    /// Unknown, because they could not be read for this reason.
    Unread(String),
}

/// A branch with a process or variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveBranch {
    /// The document on the branch, and where the branch is.
    pub at: BranchRef,
    /// Whether the branch takes commits.
    pub role: BranchRole,
}

/// Whether a branch takes commits, and on whose behalf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BranchRole {
    /// The branch takes commits.
    Open,
    /// The server refuses commits to the branch.
    Protected,
    /// The server refuses commits to the branch, and to the one that the file names to stand in for it.
    ProtectedWithoutStandIn,
    /// The branch holds the changes of a protected one until they are merged.
    StandIn {
        /// The protected branch's short name.
        protected_branch: String,
    },
}

impl BranchRole {
    /// Returns the role of a branch that stands in for no other.
    pub fn from_protection(is_protected: bool) -> Self {
        if is_protected { Self::Protected } else { Self::Open }
    }
}

impl LiveBranch {
    /// Returns the protected branch whose changes this one holds.
    pub fn protected_branch(&self) -> Option<&str> {
        match &self.role {
            BranchRole::StandIn { protected_branch } => Some(protected_branch),
            BranchRole::Open | BranchRole::Protected | BranchRole::ProtectedWithoutStandIn => None,
        }
    }
}

/// The owner of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessOwner {
    /// The project's name.
    pub project: Name,
    /// The name of the project's group.
    pub group: Name,
    /// The runbook's name; none for the deployment process.
    pub runbook: Option<Name>,
}

/// A step; strictly speaking, one action of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveStep {
    /// The action's id.
    pub id: Id<StepAction>,
    /// The step's name.
    pub step: Name,
    /// The action's name; usually the step's name if it has one action.
    pub action: Name,
    /// The index of the step in its process, which its actions share.
    pub position: usize,
    /// Whether the step has other actions.
    pub has_siblings: bool,
    /// The action's type: `Octopus.Script`.
    pub action_type: String,
    /// What chooses the step's pool.
    pub place: Place<Id<Pool>>,
    /// Whether the step names a pool besides its variable, so that the server refuses to save it.
    pub names_both: bool,
    /// Whether the step runs on a worker instead of its targets; `None` if it does not say.
    pub run_on_server: Option<bool>,
    /// Whether the step was read from a file in Git, which omits that flag if a pool implies it.
    pub from_file: bool,
    /// The step's target tags, as written; empty if it has none.
    pub target_roles: String,
    /// The container: its image and the feed's id.
    pub container: Option<Container<String>>,
    /// The channels to which the step is limited: their names, or their ids if names are not needed; empty
    /// if it runs in all channels.
    pub channels: Vec<String>,
    /// The names and values of the parameters for the template that the step uses.
    pub parameters: Vec<(String, String)>,
    /// Whether the step is disabled. Where it runs is determined as if it were enabled.
    pub disabled: bool,
}

/// The steps of a process by their names, to address many of them.
#[derive(Debug)]
pub struct StepNames<'a> {
    process: &'a LiveProcess,
    counts: HashMap<&'a Name, usize>,
}

impl StepNames<'_> {
    /// Returns the address of one of the process's steps, as [`LiveProcess::step_address`] does.
    pub fn step_address(&self, step: &LiveStep) -> Address {
        let name = step.display_name();
        if self.counts.get(name) == Some(&1) {
            self.process.address_of_name(name.to_string())
        } else {
            self.process.step_address(step)
        }
    }
}

impl LiveProcess {
    /// Counts the names of the steps once, to address many of them.
    pub fn step_names(&self) -> StepNames<'_> {
        let mut counts = HashMap::with_capacity(self.steps.len());
        self.steps.iter().for_each(|step| *counts.entry(step.display_name()).or_default() += 1);
        StepNames { process: self, counts }
    }

    fn address_of_name(&self, step: String) -> Address {
        Address::Step {
            project: self.owner.project.to_string(),
            branch: self.git.as_ref().map(|it| it.at.name.clone()),
            process: self.owner.process_name(),
            step,
        }
    }

    /// Returns the address of one of the process's steps.
    pub fn step_address(&self, step: &LiveStep) -> Address {
        self.address_of_name(self.unique_step_name(step))
    }

    /// Returns the address of a step inside the template that one of the process's steps uses.
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

    /// Returns the steps inside the template that one of the process's steps uses, if they are known.
    pub fn inner_steps(&self, usage: &LiveStep) -> &[LiveStep] {
        match self.template_contents(usage) {
            Some(TemplateContents::Steps(steps)) => steps,
            _ => &[],
        }
    }

    /// Returns what is known about the contents of the template that one of the process's steps uses.
    pub(super) fn template_contents(&self, usage: &LiveStep) -> Option<&TemplateContents> {
        let found = self.templates.iter().find(|template| template.usage == usage.id);
        found.map(|it| &it.contents)
    }

    /// Returns the name of each step by its id, made unique within the process; an id that is not unique is left out.
    pub fn unique_step_names(&self) -> HashMap<&Id<StepAction>, String> {
        let (mut counts, mut ids) = (HashMap::new(), HashMap::new());
        for step in &self.steps {
            *counts.entry(step.display_name()).or_insert(0_usize) += 1;
            *ids.entry(&step.id).or_insert(0_usize) += 1;
        }
        let unique = self.steps.iter().filter(|step| ids.get(&step.id) == Some(&1));
        let names = unique.map(|step| {
            let name = step.display_name();
            let is_unique = counts.get(name) == Some(&1);
            let name = if is_unique { name.to_string() } else { self.unique_step_name(step) };
            (&step.id, name)
        });
        names.collect()
    }

    /// Returns a step's name, made unique within its process.
    fn unique_step_name(&self, step: &LiveStep) -> String {
        let name = step.display_name();
        let is_same = |other: &&LiveStep| other.display_name() == name;
        if self.steps.iter().filter(is_same).count() <= 1 {
            return name.to_string();
        }
        let full = |step: &LiveStep| (step.step.clone(), step.action.clone());
        let same_names = self.steps.iter().filter(|other| full(other) == full(step));
        let same_names: Vec<&LiveStep> = same_names.collect();
        let is_itself =
            |other: &&LiveStep| (other.position, &other.id) == (step.position, &step.id);
        match same_names.iter().position(is_itself) {
            Some(at) if same_names.len() > 1 => {
                format!("{} / {} ({})", step.step, step.action, at + 1)
            }
            _ => format!("{} / {}", step.step, step.action),
        }
    }

    /// Describes the owner, the same for all snapshots of the process.
    pub fn describe_owner(&self) -> String {
        let owner = &self.owner;
        match &owner.runbook {
            None => format!("project {:?}", owner.project),
            Some(runbook) => format!("runbook {runbook:?} of project {:?}", owner.project),
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

    /// Returns the step's target tags, trimmed.
    pub fn target_tags(&self) -> impl Iterator<Item = &str> {
        self.target_roles.split(',').map(str::trim).filter(|tag| !tag.is_empty())
    }

    /// Whether the step has any target tag.
    pub fn has_target_tags(&self) -> bool {
        self.target_tags().next().is_some()
    }

    /// Returns the name that users see: the step's, or the action's if the step has several.
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
