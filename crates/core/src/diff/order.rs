//! The order of a plan: which kind of change comes first, and which changes wait for which.
//!
//! There is an edge if a change would be wrong, and not just early, when the other one fails.

use crate::{
    live::Live,
    model::{Address, Id, Name, Place, Pool, PoolHandle, VariableSetOwner},
    plan::{Change, ChangeKind, Delta, ValueEdit, WorkerEdit},
};

use std::collections::{HashMap, HashSet};

/// Sorts `changes` into the order in which they are carried out, and sets the edges between them.
pub(super) fn order_changes(changes: &mut [Change], live: &Live, after: &Live) {
    // Stable, so that changes of one kind keep the order of the file and the server.
    changes.sort_by_key(|change| change.kind.apply_stage());
    let edges = EdgeInputs::new(changes, live, after);
    let dependencies: Vec<Vec<Address>> = changes
        .iter()
        .enumerate()
        .map(|(at, change)| edges.dependencies(&changes[..at], change))
        .collect();
    for (change, after) in changes.iter_mut().zip(dependencies) {
        change.after = after;
    }
}

/// What the edges depend on, collected once for all changes.
struct EdgeInputs {
    /// The change that switches the built-in worker on, which all others wait for.
    switched_on: Option<Address>,
    /// The first change that gives a pool without an enabled worker one.
    first_worker: HashMap<PoolKey, Address>,
    /// Pools that lose their last enabled worker.
    emptied: HashSet<Id<Pool>>,
    /// Changes that set the value of a variable, by its name.
    values_set: HashMap<Name, Vec<Address>>,
    /// Changes to steps that stop using a variable, by its name.
    leaving: HashMap<Name, Vec<Address>>,
}

/// The identity of a pool: its id, or the address of the change that creates it.
#[derive(PartialEq, Eq, Hash)]
enum PoolKey {
    Live(Id<Pool>),
    New(Address),
}

impl PoolKey {
    fn from_handle(pool: &PoolHandle) -> Self {
        match pool {
            PoolHandle::Existing { id, .. } => Self::Live(id.clone()),
            PoolHandle::New(address) => Self::New(address.clone()),
        }
    }
}

impl EdgeInputs {
    fn new(changes: &[Change], live: &Live, after: &Live) -> Self {
        let enabled =
            |live: &Live, id: &Id<Pool>| live.pool_members(id).any(|worker| !worker.disabled);
        let mut first_worker = HashMap::new();
        let lacks = |pool: &&PoolHandle| pool.id().is_none_or(|id| !enabled(live, id));
        for change in changes {
            for pool in joined_pools(change).into_iter().filter(lacks) {
                first_worker.entry(PoolKey::from_handle(pool)).or_insert(change.address.clone());
            }
        }
        let pools = live.pools.iter().map(|pool| &pool.id);
        let emptied = pools.filter(|id| enabled(live, id) && !enabled(after, id)).cloned();
        let mut values_set: HashMap<Name, Vec<Address>> = HashMap::new();
        let mut leaving: HashMap<Name, Vec<Address>> = HashMap::new();
        for change in changes {
            if let ChangeKind::SetValue { name, edit, .. } = &change.kind
                && edit.pool_after().is_some()
            {
                values_set.entry(Name::new(name)).or_default().push(change.address.clone());
            }
            if let Some(left) = step_variable(change, Delta::before) {
                leaving.entry(left).or_default().push(change.address.clone());
            }
        }
        let switches_on =
            |change: &&Change| change.kind == ChangeKind::SetBuiltInWorker { enabled: true };
        let switched_on = changes.iter().find(switches_on).map(|change| change.address.clone());
        Self { switched_on, first_worker, emptied: emptied.collect(), values_set, leaving }
    }

    /// Returns what a change waits for because of a variable: a step waits for the value, and the removal of a
    /// value waits for the steps that stop using it.
    fn variable_edges(&self, change: &Change) -> Vec<Address> {
        let addresses_for = |all: &HashMap<Name, Vec<Address>>, name: &Name| {
            all.get(name).cloned().unwrap_or_default()
        };
        match &change.kind {
            ChangeKind::SetValue { name, edit: ValueEdit::Remove { .. }, .. } => {
                let steps = addresses_for(&self.leaving, &Name::new(name));
                steps.into_iter().filter(|step| may_choose(&change.address, step)).collect()
            }
            _ => {
                let values = step_variable(change, Delta::after)
                    .map(|name| addresses_for(&self.values_set, &name));
                let values = values.into_iter().flatten();
                values.filter(|value| may_choose(value, &change.address)).collect()
            }
        }
    }

    fn dependencies(&self, earlier: &[Change], change: &Change) -> Vec<Address> {
        let mut after = Vec::new();
        // It is the first change, so it is earlier than any but itself.
        after.extend(self.switched_on.clone().filter(|_| !earlier.is_empty()));
        for pool in required_pools(change) {
            if let PoolHandle::New(address) = pool {
                after.push(address.clone());
            }
        }
        for pool in receiving_pools(change) {
            after.extend(self.first_worker.get(&PoolKey::from_handle(pool)).cloned());
        }
        after.extend(self.variable_edges(change));
        match &change.kind {
            ChangeKind::DeleteWorker { .. } => after.extend(
                earlier
                    .iter()
                    .filter(|other| abandoned_pools(other).any(|id| self.emptied.contains(id)))
                    .map(|it| it.address.clone()),
            ),
            ChangeKind::DeletePool { id, .. } => after.extend(
                earlier
                    .iter()
                    .filter(|other| {
                        matches!(other.kind, ChangeKind::DeleteWorker { .. })
                            || abandoned_pools(other).any(|left| left == id)
                    })
                    .map(|it| it.address.clone()),
            ),
            ChangeKind::SetBuiltInWorker { enabled: false } => {
                after.extend(earlier.iter().map(|it| it.address.clone()));
            }
            _ => {}
        }
        let mut seen = HashSet::new();
        // Two changes may share an address: a pool is created, then made the default pool.
        let is_earlier = |address: &Address| earlier.iter().any(|other| other.address == *address);
        after.retain(|other| {
            (*other != change.address || is_earlier(other)) && seen.insert(other.clone())
        });
        after
    }
}

/// Returns the pools that get an enabled worker from a change.
fn joined_pools(change: &Change) -> Vec<&PoolHandle> {
    match &change.kind {
        ChangeKind::CreateWorker(new) | ChangeKind::ReplaceWorker { new, .. } if !new.disabled => {
            new.pools.iter().collect()
        }
        ChangeKind::UpdateWorker { edits, .. } => {
            let disabled = edits
                .iter()
                .any(|edit| matches!(edit, WorkerEdit::Disabled(disabled) if *disabled.after()));
            let pools = edits.iter().filter_map(|edit| match edit {
                WorkerEdit::Pools(pools) if !disabled => Some(pools),
                _ => None,
            });
            pools
                .flat_map(|delta| {
                    delta.after().iter().filter(|pool| !delta.before().contains(pool))
                })
                .collect()
        }
        _ => Vec::new(),
    }
}

/// Returns the pools that must exist before a change.
fn required_pools(change: &Change) -> Vec<&PoolHandle> {
    match &change.kind {
        ChangeKind::CreateWorker(new) | ChangeKind::ReplaceWorker { new, .. } => {
            new.pools.iter().collect()
        }
        ChangeKind::UpdateWorker { edits, .. } => {
            let pools = edits.iter().filter_map(|edit| match edit {
                WorkerEdit::Pools(pools) => Some(pools.after()),
                _ => None,
            });
            pools.flatten().collect()
        }
        ChangeKind::SortPools { order, .. } => order.iter().collect(),
        ChangeKind::PlaceStep { .. }
        | ChangeKind::SetValue { .. }
        | ChangeKind::SetTargetPool { .. }
        | ChangeKind::SetDefaultPool { .. } => receiving_pools(change),
        ChangeKind::CreatePool(_)
        | ChangeKind::UpdatePool { .. }
        | ChangeKind::DeletePool { .. }
        | ChangeKind::DeleteWorker { .. }
        | ChangeKind::SetBuiltInWorker { .. } => Vec::new(),
    }
}

/// Returns the pools that a change sends steps to.
fn receiving_pools(change: &Change) -> Vec<&PoolHandle> {
    match &change.kind {
        ChangeKind::PlaceStep { edits, .. } => edits.pool_after().into_iter().collect(),
        ChangeKind::SetValue { edit, .. } => edit.pool_after().into_iter().collect(),
        ChangeKind::SetTargetPool { pool, .. } => pool.after().iter().collect(),
        ChangeKind::SetDefaultPool { to, .. } => vec![to],
        _ => Vec::new(),
    }
}

/// Returns the variable that a step uses on one `side` of a change.
fn step_variable(
    change: &Change,
    side: fn(&Delta<Place<PoolHandle>>) -> &Place<PoolHandle>,
) -> Option<Name> {
    let ChangeKind::PlaceStep { edits, .. } = &change.kind else { return None };
    match side(edits.place()?) {
        Place::Variable(name) => Some(Name::new(name)),
        Place::Pool(_) | Place::DefaultPool => None,
    }
}

/// Whether a value may choose the pool of the step at an address; a library set's value may for any step.
fn may_choose(value: &Address, step: &Address) -> bool {
    match (value, step) {
        (
            Address::Variable { owner: VariableSetOwner::Project { name, branch: on }, .. },
            Address::Step { project, branch, .. },
        ) => {
            // A branch's process may have been read without its variables; those of another branch apply then.
            Name::new(name) == Name::new(project)
                && (on.is_none() || branch.is_none() || on == branch)
        }
        (Address::Variable { .. }, Address::Step { .. }) => true,
        _ => false,
    }
}

/// Returns the live pools that lose a member, a step or their default status by a change.
fn abandoned_pools(change: &Change) -> impl Iterator<Item = &Id<Pool>> {
    let pools: Vec<&PoolHandle> = match &change.kind {
        ChangeKind::UpdateWorker { edits, .. } => {
            let pools = edits.iter().filter_map(|edit| match edit {
                WorkerEdit::Pools(pools) => Some(pools.before()),
                _ => None,
            });
            pools.flatten().collect()
        }
        ChangeKind::PlaceStep { edits, .. } => edits.pool_before().into_iter().collect(),
        ChangeKind::SetValue { edit, .. } => edit.pool_before().into_iter().collect(),
        ChangeKind::SetTargetPool { pool, .. } => pool.before().iter().collect(),
        ChangeKind::SetDefaultPool { from, .. } => from.iter().collect(),
        _ => Vec::new(),
    };
    pools.into_iter().filter_map(PoolHandle::id)
}
