//! Where a step runs, as the server decides it when a deployment or a runbook run starts.
//!
//! Three questions in turn: does the server, a target or a worker run it; if a worker, from which pool; and which
//! worker of that pool. The answers are pure functions of what a space has.
//!
//! # Source
//!
//! `api.md` 3.3, 3.4 and 4.

mod runner;
#[cfg(test)]
mod tests;
mod types;

pub(crate) use runner::{StepRunner, find_runner};
pub(crate) use types::{
    AvailableWorkers, ExecutionPlace, PlacementError, PlacementPool, PlacementTarget,
    PlacementWorker, StepToPlace,
};

/// Where a step runs, given the workers and pools of its space.
///
/// # Errors
///
/// [`PlacementError`] where there is no place for it.
pub(crate) fn resolve_place<'a>(
    step: &StepToPlace<'_>,
    available: &'a AvailableWorkers,
) -> Result<ExecutionPlace<'a>, PlacementError> {
    match find_runner(step) {
        StepRunner::Server => Ok(ExecutionPlace::Server),
        StepRunner::Target => Ok(ExecutionPlace::Target),
        StepRunner::NoTarget => Ok(ExecutionPlace::NoTarget),
        StepRunner::Worker => pick_worker(step, available.pool_for_step(step)?, available),
    }
}

fn pick_worker<'a>(
    step: &StepToPlace<'_>,
    pool: &'a PlacementPool,
    available: &'a AvailableWorkers,
) -> Result<ExecutionPlace<'a>, PlacementError> {
    if let Some(image) = &pool.image {
        return Ok(ExecutionPlace::Dynamic { pool, image });
    }
    let (name, step) = (pool.name.clone(), step.name.to_owned());
    let members: Vec<&PlacementWorker> = available.pool_members(pool).collect();
    if members.is_empty() {
        // A single unhealthy worker is enough to keep the built-in one out.
        return match (pool.is_default, available.built_in) {
            (true, true) => Ok(ExecutionPlace::BuiltIn),
            (true, false) => Err(PlacementError::NoBuiltIn { pool: name, step }),
            (false, _) => Err(PlacementError::NoWorker),
        };
    }
    let ready_members = || members.iter().copied().filter(|it| it.is_ready);
    // The first of those with the fewest leases, so that the choice is deterministic.
    match ready_members().filter(|it| !it.is_taken).min_by_key(|it| it.leases) {
        Some(worker) => Ok(ExecutionPlace::Worker { worker, pool }),
        None if ready_members().next().is_some() => Err(PlacementError::Taken(name)),
        None => Err(PlacementError::NoHealthyWorker { pool: name, step }),
    }
}
