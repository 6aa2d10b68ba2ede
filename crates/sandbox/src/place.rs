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
    AvailableWorkers, PlacementError, PlacementPool, PlacementTarget, PlacementWorker, RunPlace,
    StepToPlace,
};

/// Where a step runs, given the workers and pools of its space.
///
/// # Errors
///
/// [`PlacementError`] where there is no place for it.
pub(crate) fn resolve_place<'a>(
    step: &StepToPlace<'_>,
    available: &'a AvailableWorkers,
) -> Result<RunPlace<'a>, PlacementError> {
    match find_runner(step) {
        StepRunner::Server => Ok(RunPlace::Server),
        StepRunner::Target => Ok(RunPlace::Target),
        StepRunner::NoTarget => Ok(RunPlace::NoTarget),
        StepRunner::Worker => pick_worker(step, available.pool_for_step(step)?, available),
    }
}

fn pick_worker<'a>(
    step: &StepToPlace<'_>,
    pool: &'a PlacementPool,
    available: &'a AvailableWorkers,
) -> Result<RunPlace<'a>, PlacementError> {
    if let Some(image) = &pool.image {
        return Ok(RunPlace::Dynamic { pool, image });
    }
    let (name, step) = (pool.name.clone(), step.name.to_owned());
    let members: Vec<&PlacementWorker> = available.pool_members(pool).collect();
    if members.is_empty() {
        // A single unhealthy worker is enough to keep the built-in one out.
        return match (pool.is_default, available.built_in) {
            (true, true) => Ok(RunPlace::BuiltIn),
            (true, false) => Err(PlacementError::NoBuiltIn { pool: name, step }),
            (false, _) => Err(PlacementError::NoWorker),
        };
    }
    let ready_members = || members.iter().copied().filter(|it| it.is_ready);
    // The first of those with the fewest leases, so that the choice is deterministic.
    match ready_members().filter(|it| !it.is_taken).min_by_key(|it| it.leases) {
        Some(worker) => Ok(RunPlace::Worker { worker, pool }),
        None if ready_members().next().is_some() => Err(PlacementError::Taken(name)),
        None => Err(PlacementError::NoHealthyWorker { pool: name, step }),
    }
}
