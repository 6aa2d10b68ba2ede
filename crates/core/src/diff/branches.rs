//! Changes of what is in Git, processes and variables: to which branch each is committed, and which branch takes none.
//!
//! A protected branch gets its changes by a merge, so what it lacks is looked for on the branch that
//! stands for it. Never: what moves.

use super::{matched::Matched, rules, targets::TargetFilter};
use crate::{
    desired::{Declared, ProtectedBranchAction, VersionControl},
    finding::{Code, Finding, FindingLocation, Level},
    live::{HiddenData, Live, LiveBranch, LiveProcess, LiveVariableSet, UnreadPart, VariableStore},
    model::{Address, Name, VariableSetOwner},
    plan::{Change, ChangeKind, PlannedCommit},
    text::{pluralize, stays_as_it_is},
};

use indexmap::IndexMap;
use std::collections::{BTreeSet, HashMap, HashSet};

/// What has been found of the branches, as processes and sets of variables go by.
pub(super) struct BranchTracker<'a> {
    matched: &'a Matched<'a>,
    /// Processes and sets on protected branches that lack something, by project, id and branch.
    lacking: HashMap<(&'a str, &'a str, &'a str), Vec<Address>>,
    /// Branches that were made for a protected one, by repository and name: each stands for one alone.
    made: HashSet<(&'a str, &'a str, &'a str)>,
    protected: Vec<Address>,
    /// Branches that have what their protected ones lack, in words.
    waiting: BTreeSet<(Name, String)>,
    name_taken: Vec<Address>,
    /// What a protected branch lacks for which the branch that shall stand for it is protected as well.
    without_stand_in: Vec<Address>,
    /// What a protected branch lacks and the branch that stands for it does not have to be changed.
    stand_in_unchanged: Vec<Address>,
    /// Projects that the file is about and whose repository cannot be read, each with why.
    unreachable: IndexMap<Name, String>,
}

impl<'a> BranchTracker<'a> {
    pub(super) fn new(matched: &'a Matched<'a>) -> Self {
        let unread = matched.live.unread.iter().filter(|gap| gap.hidden == HiddenData::StepsInGit);
        let unread = unread.filter_map(|gap| Some((gap.project.clone()?, gap.why.clone())));
        Self {
            matched,
            lacking: HashMap::new(),
            made: HashSet::new(),
            protected: Vec::new(),
            waiting: BTreeSet::new(),
            name_taken: Vec::new(),
            without_stand_in: Vec::new(),
            stand_in_unchanged: Vec::new(),
            unreachable: unread
                .filter(|(name, _)| rules::may_place_project(matched, name))
                .collect(),
        }
    }

    /// Notes that something in Git of a project cannot be read.
    pub(super) fn note_unreachable(&mut self, project: &Name, why: &str) {
        self.unreachable.entry(project.clone()).or_insert_with(|| why.to_owned());
    }

    /// The changes of a process or a set of variables that are to be made, each with its commit where that
    /// is on a branch. A branch that stands for a protected one comes after that.
    pub(super) fn assign_commits(
        &mut self,
        project: &Name,
        branch: Option<&'a LiveBranch>,
        moved: Vec<Change>,
    ) -> Vec<Change> {
        let Some(branch) = branch else { return moved };
        let Some(said) = &self.matched.desired.version_control else { return Vec::new() };
        if branch.stands_for.is_some() {
            return self.commit_to_stand_in(project, branch, moved, said);
        }
        if moved.is_empty() || !branch.protected {
            return with_commits(moved, branch, None, said);
        }
        match &said.value.on_protected {
            ProtectedBranchAction::Refuse => {
                self.protected.extend(moved.iter().map(|it| it.address.clone()));
                with_commits(moved, branch, None, said)
            }
            ProtectedBranchAction::Skip => {
                self.protected.extend(moved.into_iter().map(|it| it.address));
                Vec::new()
            }
            ProtectedBranchAction::Branch(name) => {
                self.redirect_protected(branch, name, moved, said)
            }
        }
    }

    /// What a branch lacks that stands for a protected one; nothing, where that lacks nothing itself.
    fn commit_to_stand_in(
        &mut self,
        project: &Name,
        branch: &'a LiveBranch,
        moved: Vec<Change>,
        said: &Declared<VersionControl>,
    ) -> Vec<Change> {
        let protected = branch.stands_for.as_deref().unwrap_or_default();
        let key = (branch.project.as_str(), branch.document.as_str(), protected);
        let Some(lacking) = self.lacking.remove(&key) else { return Vec::new() };
        let live = self.matched.live;
        self.stand_in_unchanged
            .extend(lacking.into_iter().filter(|it| !branch_has_address(live, branch, it)));
        if moved.is_empty() {
            let waits =
                format!("{} of project {project:?}, to be merged into {protected}", branch.name);
            self.waiting.insert((project.clone(), waits));
        }
        with_commits(moved, branch, None, said)
    }

    /// The changes that a protected branch lacks, on a branch that is made of it, or is there already.
    fn redirect_protected(
        &mut self,
        branch: &'a LiveBranch,
        name: &'a str,
        moved: Vec<Change>,
        said: &Declared<VersionControl>,
    ) -> Vec<Change> {
        let addresses = |moved: Vec<Change>| moved.into_iter().map(|it| it.address);
        if branch.without_stand_in {
            self.without_stand_in.extend(addresses(moved));
            return Vec::new();
        }
        let stands_for_it = |other: &&LiveBranch| {
            other.project == branch.project
                && other.name == name
                && other.stands_for.as_deref() == Some(branch.name.as_str())
        };
        let live = self.matched.live;
        let mut standing = live_branches(live).filter(stands_for_it).peekable();
        if standing.peek().is_some() {
            if standing.any(|other| other.document == branch.document) {
                let key = (branch.project.as_str(), branch.document.as_str(), &*branch.name);
                self.lacking.insert(key, addresses(moved).collect());
            } else {
                self.stand_in_unchanged.extend(addresses(moved));
            }
            return Vec::new();
        }
        let others = self.made.iter().any(|(project, made, base)| {
            *project == branch.project.as_str() && *made == name && *base != branch.name
        });
        let stands_for_another = |other: &LiveBranch| {
            other.project == branch.project
                && other.name == name
                && other.stands_for.as_ref().is_some_and(|it| *it != branch.name)
        };
        if others || live_branches(live).any(stands_for_another) {
            self.name_taken.extend(addresses(moved));
            return Vec::new();
        }
        self.made.insert((branch.project.as_str(), name, &branch.name));
        with_commits(moved, branch, Some(name), said)
    }

    /// Forgets what a plan no longer has that is narrowed to some changes and addresses, and to the projects
    /// whose turn it is.
    pub(super) fn retain_in_scope(
        &mut self,
        changes: &[Change],
        targets: &TargetFilter,
        is_now: impl Fn(&Name) -> bool,
    ) {
        let settings = self.matched.desired.version_control.as_ref();
        let refused = settings
            .is_some_and(|setting| setting.value.on_protected == ProtectedBranchAction::Refuse);
        let changed: HashSet<&Address> = changes.iter().map(|it| &it.address).collect();
        // What is skipped is no change of the plan, so that the targets alone can tell.
        let stays = |address: &Address| {
            targets.covers_address(address) && (!refused || changed.contains(address))
        };
        self.protected.retain(stays);
        for addresses in
            [&mut self.name_taken, &mut self.without_stand_in, &mut self.stand_in_unchanged]
        {
            addresses.retain(|address| {
                targets.covers_address(address) && is_now(&address_project(address))
            });
        }
        let may_be_meant = |project: &Name| is_now(project) && targets.may_cover_project(project);
        self.unreachable.retain(|project, _| may_be_meant(project));
        self.waiting.retain(|(project, _)| may_be_meant(project));
    }

    /// What there is to say about the branches.
    pub(super) fn branch_findings(self) -> Vec<Finding> {
        let Some(said) = &self.matched.desired.version_control else { return Vec::new() };
        let setting_at = || FindingLocation::Source(said.span.clone());
        let render_addresses = |all: &[Address]| all.iter().map(Address::to_string).collect();
        let mut findings = Vec::new();
        if !self.unreachable.is_empty() {
            let projects = pluralize(self.unreachable.len(), "version-controlled project");
            let message = format!("{projects} could not be read");
            let why = self.unreachable.iter().map(|(name, why)| format!("project {name:?}: {why}"));
            let help =
                "look at the project's Git settings in Octopus, or say `on_unreachable = \"skip\"`";
            findings.push(
                Finding::new(Code::UnreachableRepository, Level::Deny, setting_at(), message)
                    .with_notes(why.collect())
                    .with_help(help),
            );
        }
        if !self.protected.is_empty() {
            let what = describe_counts(&self.protected);
            let refused = said.value.on_protected == ProtectedBranchAction::Refuse;
            let (level, message) = match refused {
                true => (
                    Level::Deny,
                    format!("{what} would change on a protected branch, which takes no commit"),
                ),
                false => {
                    let stay = stays_as_it_is(self.protected.len());
                    (Level::Warn, format!("{what} on a protected branch {stay}"))
                }
            };
            let help = "`on_protected = \"branch:NAME\"` changes them on a branch of their own, to be merged";
            findings.push(
                Finding::new(Code::ProtectedBranch, level, setting_at(), message)
                    .with_notes(render_addresses(&self.protected))
                    .with_help(help),
            );
        }
        findings.extend(self.stand_in_findings(&setting_at()));
        findings.extend(self.idle_branches(&said.value, &setting_at()));
        if !self.waiting.is_empty() {
            let message = "some changes are on branches that wait to be merged";
            findings.push(
                Finding::new(Code::UnmergedBranch, Level::Warn, setting_at(), message)
                    .with_notes(self.waiting.into_iter().map(|(_, it)| it).collect()),
            );
        }
        findings
    }

    /// What cannot be committed to a branch beside a protected one.
    fn stand_in_findings(&self, at: &FindingLocation) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (addresses, level, message, help) in [
            (
                &self.name_taken,
                Level::Deny,
                "one branch cannot stand for several protected branches of a project",
                "name one protected branch in `branch`",
            ),
            (
                &self.without_stand_in,
                Level::Deny,
                "the branch that would stand for a protected one is protected as well",
                "name one in `on_protected` that takes commits",
            ),
            (
                &self.stand_in_unchanged,
                Level::Warn,
                "the branch that stands for a protected one does not have what would change",
                "merge it first, or bring it up to date with the protected one",
            ),
        ] {
            if !addresses.is_empty() {
                let notes = addresses.iter().map(Address::to_string).collect();
                let finding = Finding::new(Code::ProtectedBranch, level, at.clone(), message);
                findings.push(finding.with_notes(notes).with_help(help));
            }
        }
        findings
    }

    /// Branches that are written out and that no project has.
    fn idle_branches(&self, said: &VersionControl, at: &FindingLocation) -> Vec<Finding> {
        let (live, desired) = (self.matched.live, self.matched.desired);
        let is_read = desired.rules.iter().any(|it| it.select.deployments)
            && live.projects.iter().any(|it| it.git);
        let hides =
            |gap: &UnreadPart| matches!(gap.hidden, HiddenData::Steps | HiddenData::StepsInGit);
        let whose = match live.unread.iter().any(hides) {
            true => "no project that could be read",
            false => "no project",
        };
        let names = || live_branches(live).map(|it| it.name.as_str());
        let is_idle = |name: &&str| {
            let is_written_out = *name != "default" && !name.contains(['*', '?', '!']);
            is_written_out && !names().any(|text| text.to_lowercase() == name.to_lowercase())
        };
        let asked = said.branches.iter().map(|it| it.trim());
        let idle = asked.filter(|_| is_read).filter(is_idle);
        let finding = |name: &str| {
            let message = format!("{whose} has a branch `{name}`");
            let finding = Finding::new(Code::IdleBranch, Level::Warn, at.clone(), message);
            finding.with_help("name a branch that is there in `branch`, or `default`")
        };
        idle.map(finding).collect()
    }
}

/// The project that a step or a value on a branch is of.
fn address_project(address: &Address) -> Name {
    match address {
        Address::Step { project: name, .. }
        | Address::Variable { owner: VariableSetOwner::Project { name, .. }, .. } => {
            Name::new(name)
        }
        _ => Name::new(""),
    }
}

/// Whether a branch has the step or the value of an address, which is on another.
fn branch_has_address(live: &Live, branch: &LiveBranch, address: &Address) -> bool {
    match address {
        Address::Step { step, .. } => {
            let id = LiveProcess::id_on_branch(&branch.project, &branch.document, &branch.name);
            let is_same_step =
                |other: Address| matches!(other, Address::Step { step: name, .. } if name == *step);
            let process = live.processes.iter().find(|process| process.id == id);
            process.is_some_and(|process| {
                process.steps.iter().any(|step| is_same_step(process.step_address(step)))
            })
        }
        // A value that is not there is added.
        _ => true,
    }
}

/// Everything that is on a branch which a file names.
fn live_branches(live: &Live) -> impl Iterator<Item = &LiveBranch> {
    fn set_branch(set: &LiveVariableSet) -> Option<&LiveBranch> {
        match &set.store {
            VariableStore::Branch(branch) => Some(branch),
            VariableStore::Database
            | VariableStore::SupersededByGit { .. }
            | VariableStore::OtherBranch(_) => None,
        }
    }
    let processes = live.processes.iter().filter_map(|it| it.git.as_ref());
    processes.chain(live.indirect.sets.iter().filter_map(set_branch))
}

/// How many steps and values these are: `2 steps and 1 value`.
fn describe_counts(all: &[Address]) -> String {
    let is_step = |address: &&Address| matches!(address, Address::Step { .. });
    let steps = all.iter().filter(is_step).count();
    let parts = [(steps, "step"), (all.len() - steps, "value")].into_iter();
    let parts =
        parts.filter(|(number, _)| *number > 0).map(|(number, noun)| pluralize(number, noun));
    parts.collect::<Vec<_>>().join(" and ")
}

/// The changes as commits to a branch, or to one that is made of it.
fn with_commits(
    mut changes: Vec<Change>,
    branch: &LiveBranch,
    new: Option<&str>,
    said: &Declared<VersionControl>,
) -> Vec<Change> {
    let name = new.unwrap_or(&branch.name);
    for change in &mut changes {
        let commit = || PlannedCommit {
            document: branch.document.clone(),
            project: branch.project.clone(),
            repository: branch.repository.clone(),
            branch: name.to_owned(),
            base: new.map(|_| branch.name.clone()),
            message: said.value.message.clone(),
        };
        if let Address::Step { branch, .. }
        | Address::Variable { owner: VariableSetOwner::Project { branch, .. }, .. } =
            &mut change.address
        {
            *branch = Some(name.to_owned());
        }
        match &mut change.kind {
            ChangeKind::PlaceStep { process, git, .. } => {
                *process = LiveProcess::id_on_branch(&branch.project, &branch.document, name);
                *git = Some(commit());
            }
            ChangeKind::SetValue { set, git, .. } => {
                *set = LiveVariableSet::id_on_branch(&branch.project, &branch.document, name);
                *git = Some(commit());
            }
            _ => {}
        }
    }
    changes
}
