//! Changes to processes and variables in Git: the branch that each change is committed to, and the branches that
//! accept no commits.
//!
//! A protected branch gets its changes by a merge, so they are committed to the branch that stands in for it.
//! What changes is decided elsewhere.

mod block;

use super::{matched::Matched, rules, targets::TargetFilter};
use crate::{
    desired::{ProtectedBranchAction, VersionControl},
    finding::{Code, CountUnit, CountedMessage, Finding, FindingLocation, Level, Note, Subject},
    live::{
        BranchRole, HiddenData, Live, LiveBranch, LiveVariableSet, UnreadSubject, VariableStore,
    },
    model::{Address, Name, VariableSetOwner},
    plan::{Change, ChangeKind, PlannedCommit},
    text::{fold_case, pattern::Pattern},
};

use block::BranchBlock;
use indexmap::IndexMap;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Collects what to report about the branches that changes would be committed to.
pub(super) struct BranchTracker<'a> {
    matched: &'a Matched<'a>,
    /// Branches created for a protected one, as project, name and base: each stands in for one branch only.
    created: HashSet<(&'a str, &'a str, &'a str)>,
    /// Changes that are blocked on protected branches, by reason.
    blocked: BTreeMap<BranchBlock, Vec<Address>>,
    /// Branches whose changes wait to be merged into their protected ones, in words.
    waiting: BTreeSet<(Name, String)>,
    /// Projects that the file covers and whose repository cannot be read, each with the reason.
    unreachable: IndexMap<Name, String>,
    /// Projects in Git that the file covers; none if it skips those that cannot be read.
    covered: BTreeSet<Name>,
}

/// The changes to one process or one variable set.
pub(super) struct DocumentChanges<'a> {
    pub(super) project: &'a Name,
    /// `None` if it is stored in the server's database.
    pub(super) branch: Option<&'a LiveBranch>,
    pub(super) changes: Vec<Change>,
}

/// The changes that documents on protected branches lack and their stand-ins have to get, by project, document
/// and protected branch.
type LackingChanges<'a> = HashMap<(&'a str, &'a str, &'a str), Vec<Address>>;

impl<'a> BranchTracker<'a> {
    pub(super) fn new(matched: &'a Matched<'a>) -> Self {
        let unread =
            matched.live.unread.iter().filter(|part| part.hidden == HiddenData::StepsInGit);
        let unread = unread.filter_map(|part| Some((part.project.clone()?, part.why.clone())));
        let settings = matched.desired.version_control.as_ref();
        let is_needed = settings.is_some_and(|settings| !settings.value.skip_unreachable);
        let rules = &matched.desired.rules;
        let covered = matched.live.projects.iter().filter(|project| is_needed && project.git);
        let covered = covered.filter(|project| rules::may_place_any(rules, project));
        Self {
            matched,
            covered: covered.map(|project| project.name.clone()).collect(),
            created: HashSet::new(),
            blocked: BTreeMap::new(),
            waiting: BTreeSet::new(),
            unreachable: unread
                .filter(|(name, _)| rules::may_place_project(matched, name))
                .collect(),
        }
    }

    /// Notes that the file sets variables of a project in Git.
    pub(super) fn note_covered(&mut self, project: &Name) {
        let settings = self.matched.desired.version_control.as_ref();
        if settings.is_some_and(|settings| !settings.value.skip_unreachable) {
            self.covered.insert(project.clone());
        }
    }

    /// Returns the projects whose repositories have to be readable.
    pub(super) fn needed_repositories(&self) -> Vec<String> {
        self.covered.iter().map(ToString::to_string).collect()
    }

    /// Notes that something that a project stores in Git cannot be read.
    pub(super) fn note_unreachable(&mut self, project: &Name, why: &str) {
        self.unreachable.entry(project.clone()).or_insert_with(|| why.to_owned());
    }

    /// Returns the changes to make, in the order of the documents, with those on branches as commits.
    ///
    /// A branch that stands in for a protected one gets what that branch lacks, so it is handled after all others.
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

    /// Returns the changes of a document in the database, or on a branch that does not stand in for another.
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

    /// Returns the changes of a protected branch on a new branch created from it; none if that branch already
    /// exists or cannot be created.
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
        let created_for_other = || {
            let mut created = self.created.iter();
            created.any(|(owner, new, base)| *owner == project && *new == name && *base != of.name)
        };
        let block = if branch.role == BranchRole::ProtectedWithoutStandIn {
            BranchBlock::NoStandIn
        } else if own.iter().any(|(it, _)| it.at.document == of.document) {
            let addresses = changes.into_iter().map(|it| it.address).collect();
            lacking.insert((project, &of.document, &of.name), addresses);
            return Vec::new();
        } else if !own.is_empty() {
            BranchBlock::StandInUnchanged
        } else if !of_others.is_empty() || created_for_other() {
            BranchBlock::NameTaken
        } else {
            self.created.insert((project, name, &of.name));
            return self.with_commits(changes, branch, Some(name));
        };
        self.block(block, changes.iter().map(|it| &it.address));
        Vec::new()
    }

    /// Returns the changes of a branch that stands in for a protected one, if the protected branch lacks any.
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
                format!("{} in project {project:?}, to be merged into {protected}", branch.at.name);
            self.waiting.insert((project.clone(), waits));
        }
        self.with_commits(changes, branch, None)
    }

    /// Turns changes into commits to a branch, or to a `new` branch created from it.
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

    /// Notes addresses that cannot be changed on their branch.
    fn block<'b>(&mut self, block: BranchBlock, addresses: impl Iterator<Item = &'b Address>) {
        self.blocked.entry(block).or_default().extend(addresses.cloned());
    }

    /// Drops what is outside of a plan narrowed to some changes and targets, and to the projects for which `is_now`
    /// is true.
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
                    // Skipped changes are not in the plan, so only the targets can tell.
                    BranchBlock::Protected => !refused || changed.contains(address),
                    _ => is_now(&address_project(address)),
                };
                is_in_scope && targets.covers_address(address)
            });
        }
        let may_be_meant = |project: &Name| is_now(project) && targets.may_cover_project(project);
        self.unreachable.retain(|project, _| may_be_meant(project));
        self.covered.retain(may_be_meant);
        self.waiting.retain(|(project, _)| may_be_meant(project));
    }

    /// Returns the findings about the branches.
    pub(super) fn branch_findings(self) -> Vec<Finding> {
        let Some(settings) = &self.matched.desired.version_control else { return Vec::new() };
        let at = FindingLocation::Source(settings.span.clone());
        let mut findings = Vec::new();
        if !self.unreachable.is_empty() {
            let finding = unreachable_finding(self.unreachable.iter(), at.clone());
            findings.push(finding);
        }
        let blocked = self.blocked.iter().filter(|(_, addresses)| !addresses.is_empty());
        findings.extend(blocked.map(|(block, addresses)| {
            let (level, message, help) = block.describe(addresses, &settings.value);
            Finding::new(Code::ProtectedBranch, level, at.clone(), message)
                .with_notes(addresses)
                .with_help(help)
        }));
        findings.extend(self.idle_branches(&settings.value, &at));
        if !self.waiting.is_empty() {
            let message = "some changes are on branches that are not merged yet";
            findings.push(Finding::new(Code::UnmergedBranch, Level::Warn, at, message).with_notes(
                self.waiting.into_iter().map(|(project, it)| {
                    let project = Some(project.to_string());
                    Note::about(it, Subject { project, ..Subject::default() })
                }),
            ));
        }
        findings
    }

    /// Returns warnings about exact branch names that no project has.
    fn idle_branches(&self, settings: &VersionControl, at: &FindingLocation) -> Vec<Finding> {
        let (live, desired) = (self.matched.live, self.matched.desired);
        let is_read = desired.rules.iter().any(|it| it.select.processes.has_deployments())
            && live.projects.iter().any(|it| it.git);
        let is_unread =
            live.unread_by(UnreadSubject::RuleSteps).any(|part| part.hidden != HiddenData::Rules);
        let projects = if is_unread { "no project that could be read" } else { "no project" };
        let names = || live_branches(live).map(|it| it.at.name.as_str());
        // Of the branches that are excluded, nothing is read, so a wildcard may match one of those.
        let excluded = || settings.branches.iter().filter_map(|name| name.strip_prefix('!'));
        let is_idle = |name: &&str| {
            *name != VersionControl::DEFAULT_BRANCH
                && !name.starts_with('!')
                && !names()
                    .chain(excluded())
                    .any(|text| Pattern::new(name).matches(&fold_case(text)))
        };
        let declared = settings.branches.iter().map(|it| it.trim());
        let idle = declared.filter(|_| is_read).filter(is_idle);
        let finding = |name: &str| {
            let message = if Pattern::new(name).exact_name().is_some() {
                format!("{projects} has a branch `{name}`")
            } else {
                format!("{projects} has a branch that matches `{name}`")
            };
            let finding = Finding::new(Code::IdleBranch, Level::Warn, at.clone(), message);
            finding.with_help("set `branch` to an existing branch or to `default`")
        };
        idle.map(finding).collect()
    }
}

/// The words for a number of projects.
const PROJECTS_IN_GIT: CountUnit =
    CountUnit { one: "1 version-controlled project", many: "version-controlled projects" };

/// Returns the finding about projects whose repositories cannot be read, each with the reason.
pub(super) fn unreachable_finding<'u>(
    unreachable: impl ExactSizeIterator<Item = (&'u Name, &'u String)>,
    at: FindingLocation,
) -> Finding {
    let message = CountedMessage::new("", PROJECTS_IN_GIT, " could not be read");
    let why = unreachable.map(|(name, why)| {
        let subject = Subject { project: Some(name.to_string()), ..Subject::default() };
        Note::about(format!("project {name:?}: {why}"), subject)
    });
    let help = "check the project's Git settings in Octopus, or set `on_unreachable = \"skip\"`";
    Finding::new(Code::UnreachableRepository, Level::Deny, at, "")
        .with_counted_notes(message, why.collect())
        .with_help(help)
}

/// Returns the project of a step or a value on a branch.
fn address_project(address: &Address) -> Name {
    match address {
        Address::Step { project: name, .. }
        | Address::Variable { owner: VariableSetOwner::Project { name, .. }, .. } => {
            Name::new(name)
        }
        _ => Name::new(""),
    }
}

/// Whether a branch has the step or the value at an address on another branch.
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
        // A missing value is added.
        _ => true,
    }
}

/// Returns the branch of every process and variable set that was read from Git.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        desired::{
            Declared, Desired, DesiredPlacement, DesiredPoolRef, PlacementRule, PlacementVerdict,
            StepSelectors,
        },
        diff::laws::plan,
        finding::Span,
        live::{
            Directory, IndirectPools, LivePool, LiveProject, LiveServer, LiveStep, ProcessOwner,
        },
        model::{Id, Linked, Place, PoolKind},
    };
    use crate::{live::LiveProcess, model::BranchRef};

    fn declared<T>(value: T) -> Declared<T> {
        Declared { value, span: Span::default() }
    }

    /// A file that moves every step to `new`, on `moves` if the branch is protected.
    fn desired() -> Desired {
        let place = Place::Pool(declared(DesiredPoolRef::Live("new".into())));
        let placement = DesiredPlacement { place, execution: None, container: None };
        let rule = PlacementRule {
            label: None,
            select: StepSelectors::default(),
            verdict: PlacementVerdict::Place(placement),
        };
        let on_protected = ProtectedBranchAction::Branch("moves".into());
        let settings = VersionControl { on_protected, ..VersionControl::default() };
        let version_control = Some(declared(settings));
        Desired { rules: vec![declared(rule)], version_control, ..Desired::default() }
    }

    fn pool(name: &str, default: bool) -> LivePool {
        LivePool {
            id: Id::new(name),
            name: Name::new(name),
            slug: name.into(),
            description: String::new(),
            kind: PoolKind::Static,
            default,
        }
    }

    /// The deployment process of `Shop` on a branch, with a step in `old`.
    fn process(branch: &str, stands_for: Option<&str>) -> LiveProcess {
        let step = LiveStep {
            id: Id::new("1"),
            step: Name::new("build"),
            action: Name::new("build"),
            position: 0,
            names_both: false,
            has_siblings: false,
            action_type: "Octopus.Script".into(),
            place: Place::Pool(Id::new("old")),
            run_on_server: Some(true),
            from_file: false,
            target_roles: String::new(),
            container: None,
            channels: Vec::new(),
            parameters: Vec::new(),
            disabled: false,
        };
        let at = BranchRef {
            document: "process".into(),
            project: Id::new("Projects-1"),
            repository: "https://git.example/shop.git".into(),
            name: branch.into(),
        };
        let role = match stands_for {
            None => BranchRole::Protected,
            Some(protected) => BranchRole::StandIn { protected_branch: protected.to_owned() },
        };
        LiveProcess {
            id: at.process_id(),
            owner: ProcessOwner {
                project: Name::new("Shop"),
                group: Name::new("all"),
                runbook: None,
            },
            git: Some(LiveBranch { at, role }),
            steps: vec![step],
            templates: Vec::new(),
        }
    }

    fn live(processes: Vec<LiveProcess>) -> Live {
        Live {
            server: LiveServer {
                url: String::new(),
                version: String::new(),
                space: Linked::new("Spaces-1", "Default"),
                built_in_worker: None,
            },
            pools: vec![pool("old", true), pool("new", false)],
            workers: Vec::new(),
            projects: vec![LiveProject {
                name: Name::new("Shop"),
                group: Name::new("all"),
                tags: Vec::new(),
                git: true,
            }],
            processes,
            snapshots: Vec::new(),
            directory: Directory::default(),
            references: Vec::new(),
            indirect: IndirectPools::default(),
            other_spaces: Vec::new(),
            unread: Vec::new(),
        }
    }

    #[test]
    fn a_stand_in_listed_before_its_protected_branch_gives_the_same_plan() {
        let mut processes = vec![process("main", None), process("moves", Some("main"))];
        let planned = plan(&desired(), &live(processes.clone()));
        processes.reverse();
        let reversed = plan(&desired(), &live(processes));
        assert_eq!(format!("{planned:#?}"), format!("{reversed:#?}"));
        let addresses: Vec<_> = planned.changes.iter().map(|it| it.address.to_string()).collect();
        assert_eq!(addresses, ["projects[\"Shop\"]@moves.deployment.steps[\"build\"]"]);
    }
}
