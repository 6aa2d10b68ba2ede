//! Changes of processes in Git: to which branch each is committed, and which branch takes none.
//!
//! A protected branch gets its changes by a merge, so what it lacks is looked for on the branch that
//! stands for it. Never: which steps move.

use super::matched::Matched;
use crate::{
    desired::{Declared, OnProtected, VersionControl},
    finding::{At, Finding, Level},
    live::{Branch, LiveProcess},
    model::{Address, Id},
    plan::{Change, ChangeKind, Commit},
    text::count,
};
use std::collections::{BTreeSet, HashSet};

/// What has been found of the branches, as processes go by.
pub(super) struct Branches<'a> {
    matched: &'a Matched<'a>,
    /// Processes of protected branches that lack something, by id and branch.
    lacking: HashSet<(&'a str, &'a str)>,
    /// Branches that were made for a protected one, by repository and name: each stands for one alone.
    made: HashSet<(&'a str, &'a str, &'a str)>,
    protected: Vec<Address>,
    /// Branches that have what their protected ones lack, in words.
    waiting: BTreeSet<String>,
    taken: Vec<Address>,
}

impl<'a> Branches<'a> {
    pub(super) fn new(matched: &'a Matched<'a>) -> Self {
        Self {
            matched,
            lacking: HashSet::new(),
            made: HashSet::new(),
            protected: Vec::new(),
            waiting: BTreeSet::new(),
            taken: Vec::new(),
        }
    }

    /// The changes of a process that are to be made, each with its commit. A branch that stands for a
    /// protected one comes after that.
    pub(super) fn admit(&mut self, process: &'a LiveProcess, moved: Vec<Change>) -> Vec<Change> {
        let Some(branch) = &process.git else { return moved };
        let Some(said) = &self.matched.desired.version_control else { return Vec::new() };
        if branch.stands_for.is_some() {
            return self.stand_in(process, branch, moved, said);
        }
        if moved.is_empty() || !branch.protected {
            return committed(moved, branch, None, said);
        }
        match &said.value.on_protected {
            OnProtected::Refuse => {
                self.protected.extend(moved.iter().map(|it| it.address.clone()));
                committed(moved, branch, None, said)
            }
            OnProtected::Skip => {
                self.protected.extend(moved.into_iter().map(|it| it.address));
                Vec::new()
            }
            OnProtected::Branch(name) => self.elsewhere(branch, name, moved, said),
        }
    }

    /// What a branch lacks that stands for a protected one; nothing, where that lacks nothing itself.
    fn stand_in(
        &mut self,
        process: &'a LiveProcess,
        branch: &'a Branch,
        moved: Vec<Change>,
        said: &Declared<VersionControl>,
    ) -> Vec<Change> {
        let protected = branch.stands_for.as_deref().unwrap_or_default();
        if !self.lacking.remove(&(branch.process.as_str(), protected)) {
            return Vec::new();
        }
        if moved.is_empty() {
            let project = &process.owner.project;
            let waits =
                format!("{} of project {project:?}, to be merged into {protected}", branch.name);
            self.waiting.insert(waits);
        }
        committed(moved, branch, None, said)
    }

    /// The changes that a protected branch lacks, on a branch that is made of it, or is there already.
    fn elsewhere(
        &mut self,
        branch: &'a Branch,
        name: &'a str,
        moved: Vec<Change>,
        said: &Declared<VersionControl>,
    ) -> Vec<Change> {
        let stands_for_it = |it: &LiveProcess| {
            it.git.as_ref().is_some_and(|it| {
                it.process == branch.process
                    && it.name == name
                    && it.stands_for.as_deref() == Some(branch.name.as_str())
            })
        };
        if self.matched.live.processes.iter().any(stands_for_it) {
            self.lacking.insert((&branch.process, &branch.name));
            return Vec::new();
        }
        let others = self.made.iter().any(|(project, made, base)| {
            *project == branch.project.as_str() && *made == name && *base != branch.name
        });
        if others {
            self.taken.extend(moved.into_iter().map(|it| it.address));
            return Vec::new();
        }
        self.made.insert((branch.project.as_str(), name, &branch.name));
        committed(moved, branch, Some(name), said)
    }

    /// What there is to say about the branches.
    pub(super) fn findings(self) -> Vec<Finding> {
        let Some(said) = &self.matched.desired.version_control else { return Vec::new() };
        let at = || At::Source(said.at.clone());
        let shown = |all: &[Address]| all.iter().map(Address::to_string).collect();
        let mut findings = Vec::new();
        if !self.protected.is_empty() {
            let steps = count(self.protected.len(), "step");
            let refused = said.value.on_protected == OnProtected::Refuse;
            let (level, message) = match refused {
                true => (
                    Level::Deny,
                    format!("{steps} would move on a protected branch, which takes no commit"),
                ),
                false => (Level::Warn, format!("{steps} on a protected branch stay as they are")),
            };
            let help = "`on_protected = \"branch:NAME\"` moves them on a branch of their own, to be merged";
            findings.push(
                Finding::new("protected-branch", level, at(), message)
                    .notes(shown(&self.protected))
                    .help(help),
            );
        }
        if !self.taken.is_empty() {
            let message = "one branch cannot stand for several protected branches of a project";
            findings.push(
                Finding::new("protected-branch", Level::Deny, at(), message)
                    .notes(shown(&self.taken))
                    .help("name one protected branch in `branch`"),
            );
        }
        if !self.waiting.is_empty() {
            let message = "steps have moved on branches that wait to be merged";
            findings.push(
                Finding::new("unmerged-branch", Level::Warn, at(), message)
                    .notes(self.waiting.into_iter().collect()),
            );
        }
        findings
    }
}

/// The changes as commits to a branch, or to one that is made of it.
fn committed(
    mut changes: Vec<Change>,
    branch: &Branch,
    new: Option<&str>,
    said: &Declared<VersionControl>,
) -> Vec<Change> {
    let name = new.unwrap_or(&branch.name);
    for change in &mut changes {
        if let Address::Step { branch, .. } = &mut change.address {
            *branch = Some(name.to_owned());
        }
        if let ChangeKind::PlaceStep { process, git, .. } = &mut change.kind {
            *process = LiveProcess::on_branch(&branch.process, name);
            *git = Some(Commit {
                process: Id::new(&branch.process),
                project: branch.project.clone(),
                repository: branch.repository.clone(),
                branch: name.to_owned(),
                base: new.map(|_| branch.name.clone()),
                message: said.value.message.clone(),
            });
        }
    }
    changes
}
