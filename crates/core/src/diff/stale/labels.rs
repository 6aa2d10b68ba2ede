//! What a plan calls by name and writes by id: whether each id still has the name that the plan shows.
//!
//! People approve names, but requests carry ids, so the two are compared before anything is written. Addresses are
//! computed from the server in the same way as when a plan is made.

use super::{
    StaleExpectation,
    links::{LinkNames, change_links, link_parts},
    observer::Observer,
    source_process, source_variable_set,
};
use crate::{
    diff::matched::Matched,
    live::{BranchRole, Live, LiveVariableSet, PoolVariable, VariableStore},
    model::{Address, BranchRef, Id, Name, PoolHandle, Process, StepAction, VariableSetOwner},
    plan::{ABSENT, Change, ChangeKind, Plan, PlannedCommit, ValueEdit, WorkerEdit},
};

use std::collections::{HashMap, HashSet};

/// Compares the name of the space with that of its id.
pub(super) fn stale_space(plan: &Plan, live: &Live) -> Option<StaleExpectation> {
    let (expected, found) = (&plan.header.space, &live.server.space);
    let differ = expected.id != found.id || expected.name != found.name;
    differ.then(|| StaleExpectation {
        address: None,
        field: "the space".to_owned(),
        expected: expected.name.clone(),
        found: found.name.clone(),
    })
}

/// Compares the names in a plan with those that the server has for its ids.
pub(super) struct LabelChecker<'a> {
    observer: &'a Observer<'a>,
    /// The declared pools and the server.
    matched: &'a Matched<'a>,
    /// The names of the steps of each process that the plan changes, made unique in their process.
    step_names: HashMap<&'a Id<Process>, HashMap<&'a Id<StepAction>, String>>,
    link_names: LinkNames<'a>,
    found: Vec<StaleExpectation>,
}

/// What the server calls the object of a change.
enum LiveLabel {
    /// The change creates the object, and names it itself.
    Created,
    /// The address of the object.
    At(Address),
    /// The object is gone.
    Gone,
}

impl LabelChecker<'_> {
    /// Returns each name in the plan that is not the one that the server has.
    pub(super) fn check_plan(plan: &Plan, observer: &Observer) -> Vec<StaleExpectation> {
        let desired = plan.gates.pools_as_desired();
        let matched = Matched::new(&desired, observer.live, &mut Vec::new());
        let step_names = name_steps(plan, observer.live);
        let link_names = LinkNames::new(observer.live);
        let mut checker =
            LabelChecker { observer, matched: &matched, step_names, link_names, found: Vec::new() };
        for change in &plan.changes {
            checker.check_change(plan, change);
        }
        for requirement in &plan.requirements {
            checker.check_pool(&requirement.pool, requirement.pool.address());
        }
        checker.found
    }

    fn check_change(&mut self, plan: &Plan, change: &Change) {
        let address = &change.address;
        match self.live_label(plan, change) {
            LiveLabel::Created => {}
            LiveLabel::At(live) if live.is_same_object(address) => {}
            LiveLabel::At(live) => {
                self.push(address, "address", address.to_string(), live.to_string());
            }
            LiveLabel::Gone if is_addition(&change.kind) => {
                self.push(address, "address", address.to_string(), ABSENT.into());
            }
            // What is gone has no more field of the change either.
            LiveLabel::Gone => {}
        }
        for pool in change.kind.pool_handles() {
            self.check_pool(pool, address);
        }
        self.check_links(change);
        if let Some(commit) = change.kind.git_commit() {
            self.check_commit(change, commit);
        }
    }

    /// Returns the address of the object that a change writes, as the server has it.
    fn live_label(&self, plan: &Plan, change: &Change) -> LiveLabel {
        let live_worker = |id| match self.observer.find_worker(id) {
            Some(worker) => LiveLabel::At(Address::Worker(worker.name.to_string())),
            None => LiveLabel::Gone,
        };
        match &change.kind {
            ChangeKind::CreatePool(new) => match &change.address {
                Address::Pool(key) => match plan.gates.declared_pool(key) {
                    Some(pool) if Name::new(&pool.name) != Name::new(&new.name) => {
                        LiveLabel::At(Address::Pool(new.name.clone()))
                    }
                    _ => LiveLabel::Created,
                },
                _ => LiveLabel::Created,
            },
            ChangeKind::CreateWorker(_)
            | ChangeKind::SortPools { .. }
            | ChangeKind::SetBuiltInWorker { .. } => LiveLabel::Created,
            ChangeKind::UpdatePool { id, .. } | ChangeKind::DeletePool { id, .. } => {
                match self.observer.find_pool(id) {
                    Some(pool) => LiveLabel::At(self.matched.pool_address(pool)),
                    None => LiveLabel::Gone,
                }
            }
            ChangeKind::SetDefaultPool { to, .. } => LiveLabel::At(to.address().clone()),
            ChangeKind::UpdateWorker { id, edits } => {
                let renamed = edits.iter().find_map(|edit| match edit {
                    WorkerEdit::Name(name) => Some(name.after().clone()),
                    _ => None,
                });
                // The current name is compared as the edit's own.
                renamed.map_or_else(|| live_worker(id), |name| LiveLabel::At(Address::Worker(name)))
            }
            // The current name is compared as the field of the change.
            ChangeKind::ReplaceWorker { new, .. } => {
                LiveLabel::At(Address::Worker(new.name.clone()))
            }
            ChangeKind::DeleteWorker { id, .. } => live_worker(id),
            ChangeKind::PlaceStep { process, git, action, .. } => {
                self.step_label(&source_process(process, git.as_ref()), git.as_ref(), action)
            }
            ChangeKind::SetValue { set, git, name, edit } => {
                let set = source_variable_set(set, git.as_ref());
                let mut sets = self.observer.live.indirect.sets.iter();
                match sets.find(|known| known.id == set) {
                    Some(set) => self.value_label(set, git.as_ref(), name, edit),
                    None => LiveLabel::Gone,
                }
            }
            ChangeKind::SetTargetPool { id, .. } => {
                let mut targets = self.observer.live.indirect.targets.iter();
                match targets.find(|target| target.id == *id) {
                    Some(target) => LiveLabel::At(Address::Target(target.name.to_string())),
                    None => LiveLabel::Gone,
                }
            }
        }
    }

    fn step_label(
        &self,
        process: &Id<Process>,
        git: Option<&PlannedCommit>,
        action: &Id<StepAction>,
    ) -> LiveLabel {
        let Some(process) = self.observer.find_process(process) else { return LiveLabel::Gone };
        let names = self.step_names.get(&process.id);
        let Some(step) = names.and_then(|names| names.get(action)) else { return LiveLabel::Gone };
        LiveLabel::At(Address::Step {
            project: process.owner.project.to_string(),
            branch: git.map(|commit| commit.at.name.clone()),
            process: process.owner.process_name(),
            step: step.clone(),
        })
    }

    fn value_label(
        &self,
        set: &LiveVariableSet,
        git: Option<&PlannedCommit>,
        name: &str,
        edit: &ValueEdit,
    ) -> LiveLabel {
        let mut owner = set.address_owner();
        if let VariableSetOwner::Project { branch, .. } = &mut owner {
            *branch = git.map(|commit| commit.at.name.clone());
        }
        let values = || self.observer.live.indirect.variables.iter().filter(|it| it.set == set.id);
        let (name, scope) = match edit {
            ValueEdit::Add { scope, .. }
            | ValueEdit::Change { scope: Some(scope), .. }
            | ValueEdit::Remove { scope: Some(scope), .. } => (name, scope.describe()),
            ValueEdit::Change { id, .. } | ValueEdit::Remove { id, .. } => {
                let mut with_id = values().filter(|value| value.id == *id);
                let Some(PoolVariable { name, scope, .. }) = with_id.next() else {
                    return LiveLabel::Gone;
                };
                (name.as_str(), scope.describe())
            }
        };
        LiveLabel::At(Address::Variable { owner, name: name.to_owned(), scope })
    }

    /// Compares the address of a pool with that of its id.
    fn check_pool(&mut self, pool: &PoolHandle, of: &Address) {
        let PoolHandle::Existing { id, address } = pool else { return };
        let live = match self.observer.find_pool(id) {
            Some(pool) => self.matched.pool_address(pool),
            None => Address::Pool(id.as_str().to_owned()),
        };
        if live != *address {
            self.push(of, "pool", address.to_string(), live.to_string());
        }
    }

    /// Compares the names of everything that a change refers to, apart from pools.
    fn check_links(&mut self, change: &Change) {
        for link in change_links(&change.kind) {
            let live = self.link_names.find_name(&link);
            // An id that is shown as itself cannot mislead.
            if live != link.name && link.name != link.id {
                let (expected, found) = (link.name.to_owned(), live.to_owned());
                self.push(&change.address, link.kind.noun(), expected, found);
            }
        }
        let ChangeKind::SetValue { set, git, edit, .. } = &change.kind else { return };
        let Some(scope) = edit.planned_scope() else { return };
        let set = source_variable_set(set, git.as_ref());
        let mut sets = self.observer.live.indirect.sets.iter();
        let Some(set) = sets.find(|known| known.id == set) else { return };
        let environments = scope.environments.iter().map(|it| (link_parts(it), &set.environments));
        let channels = scope.channels.iter().map(|it| (link_parts(it), &set.channels));
        for ((id, name), known) in environments.chain(channels) {
            let entry = known.iter().find(|entry| entry.id == id);
            let live = entry.map_or(id, |entry| entry.name.as_str());
            if live != name {
                self.push(&change.address, "scope", name.to_owned(), live.to_owned());
            }
        }
    }

    /// Compares where a change is committed with the branch that the server has.
    fn check_commit(&mut self, change: &Change, commit: &PlannedCommit) {
        let source = commit.base_document().unwrap_or_else(|| commit.at.clone());
        let live = match &change.kind {
            ChangeKind::PlaceStep { .. } => {
                let process = self.observer.find_process(&source.process_id());
                process.and_then(|process| process.git.as_ref())
            }
            _ => {
                let id = source.variable_set_id();
                let mut sets = self.observer.live.indirect.sets.iter();
                sets.find(|set| set.id == id).and_then(|set| match &set.store {
                    VariableStore::Branch(branch) => Some(branch),
                    _ => None,
                })
            }
        };
        let describe = |branch: &BranchRef| format!("{} of {}", branch.name, branch.repository);
        let found = live.map(|live| &live.at);
        if found != Some(&source) {
            let found = found.map_or_else(|| ABSENT.to_owned(), describe);
            return self.push(&change.address, "branch", describe(&source), found);
        }
        // A branch is made from a protected one, and from no other.
        let is_open = live.is_some_and(|live| live.role == BranchRole::Open);
        if commit.base.is_some() && is_open {
            let found = format!("{}, which takes commits", source.name);
            let expected = format!("{}, which is protected", source.name);
            self.push(&change.address, "branch", expected, found);
        }
    }

    fn push(&mut self, address: &Address, field: &str, expected: String, found: String) {
        let (address, field) = (Some(address.clone()), field.to_owned());
        self.found.push(StaleExpectation { address, field, expected, found });
    }
}

/// Names the steps of each process that a plan changes, in the same way as their addresses.
fn name_steps<'a>(
    plan: &Plan,
    live: &'a Live,
) -> HashMap<&'a Id<Process>, HashMap<&'a Id<StepAction>, String>> {
    let changed = plan.changes.iter().filter_map(|change| match &change.kind {
        ChangeKind::PlaceStep { process, git, .. } => Some(source_process(process, git.as_ref())),
        _ => None,
    });
    let changed: HashSet<Id<Process>> = changed.collect();
    let processes = live.processes.iter().filter(|process| changed.contains(&process.id));
    processes.map(|process| (&process.id, process.unique_step_names())).collect()
}

/// Whether a change adds a value, so that no field of it has been there before.
fn is_addition(kind: &ChangeKind) -> bool {
    matches!(kind, ChangeKind::SetValue { edit: ValueEdit::Add { .. }, .. })
}
