//! Which changes of a plan are in effect already, because the server is as they would leave it.
//!
//! Never: whether a change may be made. A plan that is in effect has nothing left to do.

use super::observer::Observer;
use crate::{
    diff::after::{edit_placed_step, edit_pool, edit_worker, planned_pool_id},
    live::{Live, LivePool, LiveStep, LiveWorker, PoolVariable},
    model::{Id, LiveEndpoint, Name, Place, Pool, PoolHandle, VariableSet},
    plan::{Change, ChangeKind, NewPool, NewWorker, Plan, PlannedValueScope, ValueEdit},
};

use std::collections::{BTreeSet, HashMap, HashSet};

/// Returns the changes of a plan that are in effect already.
pub fn find_applied<'a>(plan: &'a Plan, live: &Live) -> Vec<&'a Change> {
    let live = name_created_pools(live.clone(), plan);
    let deleted = plan.changes.iter().filter_map(|change| match &change.kind {
        ChangeKind::DeletePool { id, .. } => Some(id),
        _ => None,
    });
    let check = EffectCheck { observer: Observer::new(&live), deleted: deleted.collect() };
    plan.changes.iter().filter(|change| check.is_in_effect(&change.kind)).collect()
}

/// Gives the pools that a plan creates, and that exist by now, the ids by which the plan refers to them.
fn name_created_pools(mut live: Live, plan: &Plan) -> Live {
    let planned = plan.changes.iter().filter_map(|change| {
        let ChangeKind::CreatePool(new) = &change.kind else { return None };
        let name = Name::new(&new.name);
        let pool = live.pools.iter().find(|pool| pool.name == name)?;
        Some((pool.id.clone(), planned_pool_id(&PoolHandle::New(change.address.clone()))))
    });
    let planned: HashMap<Id<Pool>, Id<Pool>> = planned.collect();
    if planned.is_empty() {
        return live;
    }
    let rename = |id: &mut Id<Pool>| {
        if let Some(planned) = planned.get(id) {
            id.clone_from(planned);
        }
    };
    live.pools.iter_mut().for_each(|pool| rename(&mut pool.id));
    live.workers.iter_mut().flat_map(|worker| &mut worker.pools).for_each(rename);
    for step in live.processes.iter_mut().flat_map(|process| &mut process.steps) {
        if let Place::Pool(pool) = &mut step.place {
            rename(pool);
        }
    }
    live.indirect.variables.iter_mut().filter_map(|it| it.pool.as_mut()).for_each(rename);
    live.indirect.targets.iter_mut().filter_map(|it| it.pool.as_mut()).for_each(rename);
    live
}

/// Compares the state before changes with the state that they leave.
struct EffectCheck<'a> {
    observer: Observer<'a>,
    /// The pools that the plan deletes.
    deleted: HashSet<&'a Id<Pool>>,
}

impl EffectCheck<'_> {
    fn is_in_effect(&self, kind: &ChangeKind) -> bool {
        let live = self.observer.live;
        match kind {
            ChangeKind::CreatePool(new) => live.pools.iter().any(|pool| is_pool(pool, new)),
            ChangeKind::UpdatePool { id, edits } => {
                self.observer.find_pool(id).is_some_and(|pool| {
                    let mut edited = pool.clone();
                    edits.iter().for_each(|edit| edit_pool(&mut edited, edit));
                    edited == *pool && edited.name.as_str() == pool.name.as_str()
                })
            }
            ChangeKind::DeletePool { id, .. } => self.observer.find_pool(id).is_none(),
            ChangeKind::CreateWorker(new) => live.workers.iter().any(|it| is_worker(it, new)),
            ChangeKind::UpdateWorker { id, edits } => {
                self.observer.find_worker(id).is_some_and(|worker| {
                    let mut edited = worker.clone();
                    edits.iter().for_each(|edit| edit_worker(&mut edited, edit));
                    is_same_worker(&edited, worker)
                })
            }
            ChangeKind::ReplaceWorker { id, new, .. } => {
                self.observer.find_worker(id).is_none()
                    && live.workers.iter().any(|worker| is_worker(worker, new))
            }
            ChangeKind::DeleteWorker { id, .. } => self.observer.find_worker(id).is_none(),
            ChangeKind::PlaceStep { process, action, edits, .. } => {
                self.observer.find_step(process, action).is_some_and(|step: &LiveStep| {
                    let mut edited = step.clone();
                    edit_placed_step(&mut edited, edits);
                    edited == *step
                })
            }
            ChangeKind::SetValue { set, name, edit, .. } => self.is_value_set(set, name, edit),
            ChangeKind::SetTargetPool { id, pool, .. } => {
                let pool = pool.after().as_ref().map(planned_pool_id);
                live.indirect.targets.iter().any(|it| it.id == *id && it.pool == pool)
            }
            ChangeKind::SetDefaultPool { to, .. } => {
                live.default_pool().is_some_and(|pool| pool.id == planned_pool_id(to))
            }
            ChangeKind::SortPools { order, .. } => {
                // A pool that the plan deletes has no place any more.
                let order = order.iter().map(planned_pool_id);
                let order = order.filter(|id| !self.deleted.contains(id));
                order.eq(live.pools.iter().map(|pool| pool.id.clone()))
            }
            ChangeKind::SetBuiltInWorker { enabled } => {
                live.server.built_in_worker.unwrap_or(true) == *enabled
            }
        }
    }

    fn is_value_set(&self, set: &Id<VariableSet>, name: &str, edit: &ValueEdit) -> bool {
        let name = Name::new(name);
        let sets = &self.observer.live.indirect.sets;
        let in_scope = |value: &&PoolVariable, scope: &PlannedValueScope| {
            value.name == name && value.scope.describe() == scope.describe()
        };
        let mut values = self.observer.live.indirect.variables.iter().filter(|it| it.set == *set);
        match edit {
            ValueEdit::Add { scope, pool, .. } => values
                .find(|value| in_scope(value, scope))
                .is_some_and(|value| value.pool == Some(planned_pool_id(pool))),
            ValueEdit::Change { id, scope, pool, .. } => values
                .find(|value| match scope {
                    Some(scope) => in_scope(value, scope),
                    None => value.id == *id,
                })
                .is_some_and(|value| value.pool == pool.after().as_ref().map(planned_pool_id)),
            ValueEdit::Remove { id, scope, .. } => {
                sets.iter().any(|known| known.id == *set)
                    && !values.any(|value| match scope {
                        Some(scope) => in_scope(&value, scope),
                        None => value.id == *id,
                    })
            }
        }
    }
}

fn is_pool(pool: &LivePool, new: &NewPool) -> bool {
    let NewPool { name, slug, description, kind } = new;
    pool.name.as_str() == name
        && slug.as_ref().is_none_or(|slug| pool.slug == *slug)
        && pool.description == *description
        && pool.kind == *kind
}

fn is_worker(worker: &LiveWorker, new: &NewWorker) -> bool {
    let NewWorker { name, endpoint, pools, policy, disabled, restored: _ } = new;
    let expected = LiveWorker {
        id: worker.id.clone(),
        name: Name::new(name),
        endpoint: LiveEndpoint::from(endpoint),
        pools: pools.iter().map(planned_pool_id).collect(),
        policy: policy.clone().unwrap_or_else(|| worker.policy.clone()),
        disabled: *disabled,
        slug: worker.slug.clone(),
        health: worker.health,
    };
    is_same_worker(&expected, worker)
}

/// Compares two workers in everything that a plan decides.
fn is_same_worker(one: &LiveWorker, other: &LiveWorker) -> bool {
    let pools = |worker: &LiveWorker| worker.pools.iter().cloned().collect::<BTreeSet<_>>();
    one.name.as_str() == other.name.as_str()
        && one.endpoint == other.endpoint
        && pools(one) == pools(other)
        && one.policy.id == other.policy.id
        && one.disabled == other.disabled
}
