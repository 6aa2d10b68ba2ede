//! The state after a plan, which gates check and the laws of `diff` are tested on.

mod indirect_pools;

use crate::{
    live::{
        BranchRole, Health, Live, LiveBranch, LivePool, LiveProcess, LiveStep, LiveWorker,
        MachinePolicy,
    },
    model::{
        Address, Container, Execution, Id, Linked, Name, Place, Pool, PoolHandle, PoolKind,
        Process, StepAction,
    },
    plan::{Change, ChangeKind, NewPool, NewWorker, PoolEdit, StepEdit, StepEdits, WorkerEdit},
};

use std::collections::{HashMap, HashSet};

/// Returns `live` as it would be after `changes`. New objects get placeholder ids.
pub fn simulate_changes(live: &Live, changes: &[Change]) -> Live {
    let mut live = live.clone();
    changes.iter().for_each(|change| add_branch_process(&mut live, change));
    let index = StepIndex::new(&live, changes);
    for change in changes {
        simulate_change(&mut live, change, &index);
    }
    live
}

/// Where the steps are that some changes place. Changes of a plan neither add nor remove steps.
struct StepIndex(HashMap<Id<Process>, IndexedProcess>);

/// A process by its position, and its steps by their ids.
struct IndexedProcess {
    position: usize,
    steps: HashMap<Id<StepAction>, Vec<usize>>,
}

impl StepIndex {
    fn new(live: &Live, changes: &[Change]) -> Self {
        let placed: HashSet<&Id<Process>> = changes
            .iter()
            .filter_map(|change| match &change.kind {
                ChangeKind::PlaceStep { process, .. } => Some(process),
                _ => None,
            })
            .collect();
        let processes = live.processes.iter().enumerate();
        let processes = processes.filter(|(_, process)| placed.contains(&process.id));
        let index = |(position, process): (usize, &LiveProcess)| {
            let mut steps: HashMap<Id<StepAction>, Vec<usize>> = HashMap::new();
            for (at, step) in process.steps.iter().enumerate() {
                steps.entry(step.id.clone()).or_default().push(at);
            }
            (process.id.clone(), IndexedProcess { position, steps })
        };
        Self(processes.map(index).collect())
    }

    /// Edits the steps of a process that have this id.
    fn edit_steps(
        &self,
        live: &mut Live,
        process: &Id<Process>,
        step: &Id<StepAction>,
        edit: impl Fn(&mut LiveStep),
    ) {
        let Some(indexed) = self.0.get(process) else { return };
        let Some(process) = live.processes.get_mut(indexed.position) else { return };
        for at in indexed.steps.get(step).into_iter().flatten() {
            process.steps.get_mut(*at).into_iter().for_each(&edit);
        }
    }
}

/// Adds the process of a new branch that a change creates from another.
fn add_branch_process(live: &mut Live, change: &Change) {
    let (new, commit) = match &change.kind {
        ChangeKind::PlaceStep { process: new, git: Some(commit), .. } => (new, commit),
        ChangeKind::SetValue { set, git: Some(commit), .. } => {
            return indirect_pools::add_branch_variables(live, set, commit);
        }
        _ => return,
    };
    let Some(base) = commit.base_document() else { return };
    let base_id = base.process_id();
    if live.processes.iter().any(|process| process.id == *new) {
        return;
    }
    let Some(mut process) = live.processes.iter().find(|process| process.id == base_id).cloned()
    else {
        return;
    };
    process.id = new.clone();
    process.git = process.git.map(|base| stand_in_branch(base, &commit.at.name));
    live.processes.push(process);
}

/// Returns the branch of this name that is created from a protected one.
fn stand_in_branch(base: LiveBranch, name: &str) -> LiveBranch {
    let at = base.at.on_branch(name);
    LiveBranch { at, role: BranchRole::StandIn { protected_branch: base.at.name } }
}

/// Returns the id of a pool after the plan.
pub(super) fn planned_pool_id(pool: &PoolHandle) -> Id<Pool> {
    match pool {
        PoolHandle::Existing { id, .. } => id.clone(),
        PoolHandle::New(address) => placeholder_id(address),
    }
}

/// Returns what chooses a step's pool after the plan.
pub(super) fn planned_place(place: &Place<PoolHandle>) -> Place<Id<Pool>> {
    match place {
        Place::Pool(pool) => Place::Pool(planned_pool_id(pool)),
        Place::Variable(name) => Place::Variable(name.clone()),
        Place::DefaultPool => Place::DefaultPool,
    }
}

fn placeholder_id<T>(address: &Address) -> Id<T> {
    Id::new(format!("(new {address})"))
}

fn simulate_change(live: &mut Live, change: &Change, index: &StepIndex) {
    match &change.kind {
        ChangeKind::CreatePool(new) => live.pools.push(create_pool(&change.address, new)),
        ChangeKind::UpdatePool { id, edits } => {
            for pool in live.pools.iter_mut().filter(|pool| pool.id == *id) {
                edits.iter().for_each(|edit| edit_pool(pool, edit));
            }
        }
        ChangeKind::DeletePool { id, .. } => live.pools.retain(|pool| pool.id != *id),
        ChangeKind::CreateWorker(new) => {
            let worker = create_worker(live, &change.address, new);
            live.workers.push(worker);
        }
        ChangeKind::UpdateWorker { id, edits } => {
            for worker in live.workers.iter_mut().filter(|worker| worker.id == *id) {
                edits.iter().for_each(|edit| edit_worker(worker, edit));
            }
        }
        ChangeKind::ReplaceWorker { id, new, .. } => {
            let worker = create_worker(live, &change.address, new);
            live.workers.retain(|worker| worker.id != *id);
            live.workers.push(worker);
        }
        ChangeKind::DeleteWorker { id, .. } => live.workers.retain(|worker| worker.id != *id),
        ChangeKind::PlaceStep { process, action, edits, .. } => {
            index.edit_steps(live, process, action, |step| edit_placed_step(step, edits));
        }
        ChangeKind::SetValue { set, name, edit, .. } => {
            indirect_pools::set_value(live, set, name, edit)
        }
        ChangeKind::SetTargetPool { id, pool, .. } => {
            indirect_pools::set_target_pool(live, id, pool.after().as_ref());
        }
        ChangeKind::SetDefaultPool { to, .. } => {
            let id = planned_pool_id(to);
            live.pools.iter_mut().for_each(|pool| pool.default = pool.id == id);
        }
        ChangeKind::SortPools { order, .. } => {
            let order: Vec<_> = order.iter().map(planned_pool_id).collect();
            // Pools that the plan does not know go last.
            let position = |id: &Id<Pool>| order.iter().position(|pool| pool == id);
            live.pools.sort_by_key(|pool| position(&pool.id).unwrap_or(usize::MAX));
        }
        ChangeKind::SetBuiltInWorker { enabled } => live.server.built_in_worker = Some(*enabled),
    }
}

fn create_pool(address: &Address, new: &NewPool) -> LivePool {
    LivePool {
        id: placeholder_id(address),
        name: Name::new(&new.name),
        slug: new.slug.clone().unwrap_or_default(),
        description: new.description.clone(),
        kind: new.kind.clone(),
        default: false,
    }
}

fn create_worker(live: &Live, address: &Address, new: &NewWorker) -> LiveWorker {
    LiveWorker {
        id: placeholder_id(address),
        name: Name::new(&new.name),
        slug: new.restored.slug.clone().unwrap_or_default(),
        endpoint: (&new.endpoint).into(),
        pools: new.pools.iter().map(planned_pool_id).collect(),
        policy: new.policy.clone().unwrap_or_else(|| default_policy(live)),
        disabled: new.disabled,
        health: Health::Unknown,
    }
}

/// Returns the policy that the server gives a worker without one.
fn default_policy(live: &Live) -> Linked<MachinePolicy> {
    let policy = live.directory.policies.iter().find(|it| it.default);
    policy
        .map_or_else(|| Linked::new("", ""), |policy| Linked::new(&policy.id, policy.name.as_str()))
}

pub(super) fn edit_pool(pool: &mut LivePool, edit: &PoolEdit) {
    match edit {
        PoolEdit::Name(name) => pool.name = Name::new(name.after()),
        PoolEdit::Slug(slug) => pool.slug = slug.after().clone(),
        PoolEdit::Description(text) => pool.description = text.after().clone(),
        PoolEdit::Image(image) => pool.kind = PoolKind::Dynamic { image: image.after().clone() },
    }
}

pub(super) fn edit_worker(worker: &mut LiveWorker, edit: &WorkerEdit) {
    match edit {
        WorkerEdit::Name(name) => worker.name = Name::new(name.after()),
        WorkerEdit::Slug(slug) => worker.slug.clone_from(slug.after()),
        WorkerEdit::Endpoint(endpoint) => worker.endpoint = endpoint.after().into(),
        WorkerEdit::Pools(pools) => {
            worker.pools = pools.after().iter().map(planned_pool_id).collect()
        }
        WorkerEdit::Policy(policy) => worker.policy = policy.after().clone(),
        WorkerEdit::Disabled(disabled) => worker.disabled = *disabled.after(),
    }
}

/// Changes a step as a plan does.
pub(super) fn edit_placed_step(step: &mut LiveStep, edits: &StepEdits) {
    edits.iter().for_each(|edit| edit_step(step, edit));
    // A rollback sets the switch itself; other edits only imply its value.
    if let Some(switch) = edits.restored_switch() {
        step.run_on_server = LiveStep::parse_run_on_server(switch);
    }
}

fn edit_step(step: &mut LiveStep, edit: &StepEdit) {
    match edit {
        StepEdit::Place(place) => {
            step.place = planned_place(place.after());
        }
        StepEdit::Execution { execution, restored, .. } => {
            step.run_on_server = Some(*execution.after() != Execution::OnTargets);
            if *execution.after() == Execution::Once {
                step.target_roles.clear();
            }
            if let Some(tags) = restored {
                step.target_roles.clone_from(tags);
            }
        }
        StepEdit::Container(container) => {
            let live_container = |planned: &Container<Linked<_>>| {
                planned.map_feed(|feed| feed.id.as_str().to_owned())
            };
            step.container = container.after().as_ref().map(live_container);
        }
    }
}
