//! The pools that a plan sends steps to, and the changes that do so.

use super::{
    after::{planned_pool_id, simulate_changes},
    matched::Matched,
};
use crate::{
    finding::{Code, Finding, Level},
    live::{Case, Decider, Live, LivePool, LiveProcess, built_in_worker_pool, effective_cases},
    model::{Address, Id, Pool, PoolHandle, PoolKind, Process},
    plan::{Arrival, Change, ChangeKind, FactValue, GateSettings, Plan, PoolRequirement, StepEdit},
};

use indexmap::{IndexMap, IndexSet};
use std::collections::HashMap;

/// Returns the pools that need healthy workers before the steps of `plan` move there, each with the number that
/// the plan requires, or 1 if it requires none.
///
/// Dynamic pools are left out, since they have no workers to check, and so is the default pool while the built-in
/// worker serves it. A step with a variable moves to every pool that a value in `live` leads to.
pub fn find_arrivals(plan: &Plan, live: &Live) -> Vec<Arrival> {
    let done = simulate_changes(live, &plan.changes);
    let arrivals = changes_by_pool(&plan.changes, &done).into_iter();
    let arrival = |(pool, changes): (&LivePool, Vec<usize>)| {
        let pool = planned_handle(&plan.changes, pool);
        match plan.requirements.iter().find(|required| required.pool == pool) {
            Some(PoolRequirement { pool, healthy }) => {
                Arrival { pool: pool.clone(), healthy: *healthy, changes }
            }
            None => Arrival { pool, healthy: 1, changes },
        }
    };
    arrivals.map(arrival).collect()
}

/// Relaxes the `unhealthy-pool` gate for an apply that waits for healthy workers: it no longer refuses steps that
/// will wait. Its findings about workers that leave a pool are unchanged, and so is every other gate.
pub fn relax_unhealthy_gate(mut plan: Plan) -> Plan {
    let requirements = &plan.requirements;
    let waits = |finding: &Finding| {
        let pool = finding.address.as_deref();
        finding.code == Code::UnhealthyPool
            && requirements.iter().any(|required| pool == Some(required.pool.address()))
    };
    for finding in plan.findings.iter_mut().filter(|it| waits(it)) {
        finding.level = Level::Warn;
        finding.help =
            Some("the pool's workers are checked first, and the steps wait for them".to_owned());
    }
    for expectation in &mut plan.expectations {
        if expectation.expected == FactValue::HealthyWorker {
            expectation.expected = FactValue::EnabledWorker;
        }
    }
    plan
}

/// Returns how many healthy workers each pool needs that `changes` send steps to, as the file declares it.
pub(super) fn pool_needs(
    matched: &Matched,
    settings: &GateSettings,
    changes: &[Change],
    done: &Live,
) -> Vec<PoolRequirement> {
    let pools = changes_by_pool(changes, done).into_iter().map(|(pool, _)| pool);
    let requirement = |pool: &LivePool| {
        let address = matched.planned_pool_address(pool);
        let declared = match &address {
            Address::Pool(key) => settings.declared_pool(key),
            _ => None,
        };
        let healthy = declared.and_then(|it| it.min_healthy).map_or(1, |min| min.max(1));
        let pool = match planned_handle(changes, pool) {
            PoolHandle::Existing { id, .. } => PoolHandle::Existing { id, address },
            new @ PoolHandle::New(_) => new,
        };
        PoolRequirement { pool, healthy }
    };
    pools.map(requirement).collect()
}

/// Returns each pool with workers to check, with the indexes of the changes that send steps there.
fn changes_by_pool<'a>(changes: &[Change], done: &'a Live) -> Vec<(&'a LivePool, Vec<usize>)> {
    let processes = done.processes.iter().map(|process| (&process.id, process)).collect();
    let served = built_in_worker_pool(done).filter(|_| done.server.built_in_worker != Some(false));
    let has_workers = |pool: &&LivePool| {
        pool.kind == PoolKind::Static && served.is_none_or(|served| served.id != pool.id)
    };
    let mut found: IndexMap<Id<Pool>, (&LivePool, Vec<usize>)> = IndexMap::new();
    for (index, change) in changes.iter().enumerate() {
        for id in destination_pools(change, done, &processes, |_| true) {
            let Some(pool) = done.find_pool(&id).filter(has_workers) else { continue };
            found.entry(id).or_insert((pool, Vec::new())).1.push(index);
        }
    }
    found.into_values().collect()
}

/// Returns the pools that a change sends steps to, each once. For a step, only cases that `counts` accepts are
/// considered.
pub(super) fn destination_pools(
    change: &Change,
    done: &Live,
    processes: &HashMap<&Id<Process>, &LiveProcess>,
    counts: impl Fn(&Case) -> bool,
) -> IndexSet<Id<Pool>> {
    match &change.kind {
        ChangeKind::PlaceStep { process, action, edits, .. } if changes_place(edits) => {
            let process = processes.get(process).copied();
            let step =
                process.and_then(|process| process.steps.iter().find(|step| step.id == *action));
            let cases =
                process.zip(step).map(|(process, step)| effective_cases(process, step, done));
            let cases = cases.into_iter().flatten().filter(|it| counts(it));
            cases.filter_map(|it| case_destination(&it).cloned()).collect()
        }
        // Every step that names no pool moves too.
        ChangeKind::SetDefaultPool { to, .. } => IndexSet::from([planned_pool_id(to)]),
        // The steps that use the variable move too.
        ChangeKind::SetValue { edit, .. } => {
            edit.pool_after().map(planned_pool_id).into_iter().collect()
        }
        ChangeKind::SetTargetPool { pool, .. } => {
            let default = || done.default_pool().map(|pool| pool.id.clone());
            pool.after().as_ref().map(planned_pool_id).or_else(default).into_iter().collect()
        }
        _ => IndexSet::new(),
    }
}

/// Whether edits of a step change where it runs, and not just its container.
fn changes_place(edits: &[StepEdit]) -> bool {
    edits.iter().any(|edit| matches!(edit, StepEdit::Place(_) | StepEdit::Execution { .. }))
}

/// Returns the pool that a step runs in for a case.
fn case_destination(case: &Case) -> Option<&Id<Pool>> {
    match case.decided_by {
        Decider::Type => None,
        Decider::Execution
        | Decider::Explicit
        | Decider::Parameter(_)
        | Decider::Variable(..)
        | Decider::Target
        | Decider::DefaultPool => case.place.required_pool(),
    }
}

/// Returns a reference to a pool of the state after `changes`.
fn planned_handle(changes: &[Change], pool: &LivePool) -> PoolHandle {
    let is_new = |change: &&Change| {
        matches!(change.kind, ChangeKind::CreatePool(_))
            && planned_pool_id(&PoolHandle::New(change.address.clone())) == pool.id
    };
    match changes.iter().find(is_new) {
        Some(change) => PoolHandle::New(change.address.clone()),
        None => PoolHandle::Existing {
            id: pool.id.clone(),
            address: Address::Pool(pool.name.to_string()),
        },
    }
}
