//! Changes of what is in Git, processes and variables: to which branch each is committed, and which branch takes none.
//!
//! A protected branch gets its changes by a merge, so what it lacks is looked for on the branch that
//! stands for it. Never: what moves.

mod block;

use super::{matched::Matched, rules, targets::TargetFilter};
use crate::{
    desired::{ProtectedBranchAction, VersionControl},
    finding::{Code, Finding, FindingLocation, Level},
    live::{BranchRole, HiddenData, Live, LiveBranch, LiveVariableSet, UnreadPart, VariableStore},
    model::{Address, Name, VariableSetOwner},
    plan::{Change, ChangeKind, PlannedCommit},
    text::{eq_ignoring_case, pluralize},
};

use block::BranchBlock;
use indexmap::IndexMap;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// What there is to report about the branches that changes would be committed to.
pub(super) struct BranchTracker<'a> {
    matched: &'a Matched<'a>,
    /// Branches that were made for a protected one, by project and name: each stands for one alone.
    made: HashSet<(&'a str, &'a str, &'a str)>,
    /// What would change on protected branches, by what becomes of it.
    blocked: BTreeMap<BranchBlock, Vec<Address>>,
    /// Branches that have what their protected ones lack, in words.
    waiting: BTreeSet<(Name, String)>,
    /// Projects that the file is about and whose repository cannot be read, each with why.
    unreachable: IndexMap<Name, String>,
}

/// The changes of one process or one set of variables.
pub(super) struct DocumentChanges<'a> {
    pub(super) project: &'a Name,
    /// None where it is stored in the server's database.
    pub(super) branch: Option<&'a LiveBranch>,
    pub(super) changes: Vec<Change>,
}

/// What documents on protected branches lack and the branches that stand for these have to get: by project, id
/// and protected branch.
type LackingChanges<'a> = HashMap<(&'a str, &'a str, &'a str), Vec<Address>>;

impl<'a> BranchTracker<'a> {
    pub(super) fn new(matched: &'a Matched<'a>) -> Self {
        let unread = matched.live.unread.iter().filter(|gap| gap.hidden == HiddenData::StepsInGit);
        let unread = unread.filter_map(|gap| Some((gap.project.clone()?, gap.why.clone())));
        Self {
            matched,
            made: HashSet::new(),
            blocked: BTreeMap::new(),
            waiting: BTreeSet::new(),
            unreachable: unread
                .filter(|(name, _)| rules::may_place_project(matched, name))
                .collect(),
        }
    }

    /// Notes that something in Git of a project cannot be read.
    pub(super) fn note_unreachable(&mut self, project: &Name, why: &str) {
        self.unreachable.entry(project.clone()).or_insert_with(|| why.to_owned());
    }

    /// The changes that are to be made, in the order of the documents, those on branches as commits.
    ///
    /// A branch that stands for a protected one gets what that lacks, so that all others come first.
    pub(super) fn commit_changes(&mut self, documents: Vec<DocumentChanges<'a>>) -> Vec<Change> {
        let mut lacking = LackingChanges::new();
        let mut committed: Vec<(usize, Vec<Change>)> = Vec::with_capacity(documents.len());
        let is_stand_in = |document: &DocumentChanges| {
            document.branch.is_some_and(|branch| branch.protected_branch().is_some())
        };
        let (stand_ins, others): (Vec<_>, Vec<_>) =
            documents.into_iter().enumerate().partition(|(_, it)| is_stand_in(it));
        for (at, document) in others {
            committed.push((at, self.commit_document(document, &mut lacking)));
        }
        for (at, document) in stand_ins {
            committed.push((at, self.commit_to_stand_in(document, &mut lacking)));
        }
        committed.sort_by_key(|(at, _)| *at);
        committed.into_iter().flat_map(|(_, changes)| changes).collect()
    }

    /// The changes of a document that is in the database, or on a branch that stands for no other.
    fn commit_document(
        &mut self,
        document: DocumentChanges<'a>,
        lacking: &mut LackingChanges<'a>,
    ) -> Vec<Change> {
        let DocumentChanges { branch, changes, .. } = document;
        let Some(branch) = branch else { return changes };
        let Some(settings) = &self.matched.desired.version_control else { return Vec::new() };
        if changes.is_empty() || branch.role == BranchRole::Open {
            return self.with_commits(changes, branch, None);
        }
        match &settings.value.on_protected {
            ProtectedBranchAction::Refuse => {
                self.block(BranchBlock::Protected, changes.iter().map(|it| &it.address));
                self.with_commits(changes, branch, None)
            }
            ProtectedBranchAction::Skip => {
                self.block(BranchBlock::Protected, changes.iter().map(|it| &it.address));
                Vec::new()
            }
            ProtectedBranchAction::Branch(name) => {
                self.redirect_changes(branch, name, changes, lacking)
            }
        }
    }

    /// The changes of a protected branch, on one that is made of it; none where that exists already, or cannot.
    fn redirect_changes(
        &mut self,
        branch: &'a LiveBranch,
        name: &'a str,
        changes: Vec<Change>,
        lacking: &mut LackingChanges<'a>,
    ) -> Vec<Change> {
        let of = &branch.at;
        let same_name = live_branches(self.matched.live)
            .filter(|other| other.at.project == of.project && other.at.name == name)
            .filter_map(|other| Some((other, other.protected_branch()?)));
        let (own, of_others): (Vec<_>, Vec<_>) =
            same_name.partition(|(_, protected)| *protected == of.name);
        let project = of.project.as_str();
        let made_for_other = || {
            let mut made = self.made.iter();
            made.any(|(owner, made, base)| *owner == project && *made == name && *base != of.name)
        };
        let block = if branch.role == BranchRole::ProtectedWithoutStandIn {
            BranchBlock::NoStandIn
        } else if own.iter().any(|(it, _)| it.at.document == of.document) {
            let addresses = changes.into_iter().map(|it| it.address).collect();
            lacking.insert((project, &of.document, &of.name), addresses);
            return Vec::new();
        } else if !own.is_empty() {
            BranchBlock::StandInUnchanged
        } else if !of_others.is_empty() || made_for_other() {
            BranchBlock::NameTaken
        } else {
            self.made.insert((project, name, &of.name));
            return self.with_commits(changes, branch, Some(name));
        };
        self.block(block, changes.iter().map(|it| &it.address));
        Vec::new()
    }

    /// The changes of a branch that stands for a protected one; none where that lacks nothing itself.
    fn commit_to_stand_in(
        &mut self,
        document: DocumentChanges<'a>,
        lacking: &mut LackingChanges<'a>,
    ) -> Vec<Change> {
        let DocumentChanges { project, branch, changes } = document;
        let Some(branch) = branch else { return changes };
        let protected = branch.protected_branch().unwrap_or_default();
        let key = (branch.at.project.as_str(), branch.at.document.as_str(), protected);
        let Some(lacking) = lacking.remove(&key) else { return Vec::new() };
        let live = self.matched.live;
        let missing = lacking.iter().filter(|it| !branch_has_address(live, branch, it));
        self.block(BranchBlock::StandInUnchanged, missing);
        if changes.is_empty() {
            let waits =
                format!("{} of project {project:?}, to be merged into {protected}", branch.at.name);
            self.waiting.insert((project.clone(), waits));
        }
        self.with_commits(changes, branch, None)
    }

    /// The changes as commits to a branch, or to one that is made of it.
    fn with_commits(
        &self,
        mut changes: Vec<Change>,
        branch: &LiveBranch,
        new: Option<&str>,
    ) -> Vec<Change> {
        let Some(settings) = &self.matched.desired.version_control else { return Vec::new() };
        let at = branch.at.on_branch(new.unwrap_or(&branch.at.name));
        for change in &mut changes {
            let commit = || PlannedCommit {
                at: at.clone(),
                base: new.map(|_| branch.at.name.clone()),
                message: settings.value.message.clone(),
            };
            if let Address::Step { branch, .. }
            | Address::Variable { owner: VariableSetOwner::Project { branch, .. }, .. } =
                &mut change.address
            {
                *branch = Some(at.name.clone());
            }
            match &mut change.kind {
                ChangeKind::PlaceStep { process, git, .. } => {
                    *process = at.process_id();
                    *git = Some(commit());
                }
                ChangeKind::SetValue { set, git, .. } => {
                    *set = at.variable_set_id();
                    *git = Some(commit());
                }
                _ => {}
            }
        }
        changes
    }

    /// Notes what cannot be changed where it is wanted.
    fn block<'b>(&mut self, block: BranchBlock, addresses: impl Iterator<Item = &'b Address>) {
        self.blocked.entry(block).or_default().extend(addresses.cloned());
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
        for (block, addresses) in &mut self.blocked {
            addresses.retain(|address| {
                let is_in_scope = match block {
                    // What is skipped is not a change of the plan, so that the targets alone can tell.
                    BranchBlock::Protected => !refused || changed.contains(address),
                    _ => is_now(&address_project(address)),
                };
                is_in_scope && targets.covers_address(address)
            });
        }
        let may_be_meant = |project: &Name| is_now(project) && targets.may_cover_project(project);
        self.unreachable.retain(|project, _| may_be_meant(project));
        self.waiting.retain(|(project, _)| may_be_meant(project));
    }

    /// What there is to report about the branches.
    pub(super) fn branch_findings(self) -> Vec<Finding> {
        let Some(settings) = &self.matched.desired.version_control else { return Vec::new() };
        let at = FindingLocation::Source(settings.span.clone());
        let mut findings = Vec::new();
        if !self.unreachable.is_empty() {
            let projects = pluralize(self.unreachable.len(), "version-controlled project");
            let message = format!("{projects} could not be read");
            let why = self.unreachable.iter().map(|(name, why)| format!("project {name:?}: {why}"));
            let help =
                "look at the project's Git settings in Octopus, or say `on_unreachable = \"skip\"`";
            findings.push(
                Finding::new(Code::UnreachableRepository, Level::Deny, at.clone(), message)
                    .with_notes(why.collect())
                    .with_help(help),
            );
        }
        let blocked = self.blocked.iter().filter(|(_, addresses)| !addresses.is_empty());
        findings.extend(blocked.map(|(block, addresses)| {
            let (level, message, help) = block.describe(addresses, &settings.value);
            Finding::new(Code::ProtectedBranch, level, at.clone(), message)
                .with_notes(addresses.iter().map(Address::to_string).collect())
                .with_help(help)
        }));
        findings.extend(self.idle_branches(&settings.value, &at));
        if !self.waiting.is_empty() {
            let message = "some changes are on branches that wait to be merged";
            findings.push(
                Finding::new(Code::UnmergedBranch, Level::Warn, at, message)
                    .with_notes(self.waiting.into_iter().map(|(_, it)| it).collect()),
            );
        }
        findings
    }

    /// Branches that are written out and that no project has.
    fn idle_branches(&self, said: &VersionControl, at: &FindingLocation) -> Vec<Finding> {
        let (live, desired) = (self.matched.live, self.matched.desired);
        let is_read = desired.rules.iter().any(|it| it.select.processes.has_deployments())
            && live.projects.iter().any(|it| it.git);
        let hides =
            |gap: &UnreadPart| matches!(gap.hidden, HiddenData::Steps | HiddenData::StepsInGit);
        let whose = match live.unread.iter().any(hides) {
            true => "no project that could be read",
            false => "no project",
        };
        let names = || live_branches(live).map(|it| it.at.name.as_str());
        let is_idle = |name: &&str| {
            let is_written_out = *name != "default" && !name.contains(['*', '?', '!']);
            is_written_out && !names().any(|text| eq_ignoring_case(text, name))
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
            let id = branch.at.process_id();
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
