//! Where a step runs, as the server decides it when a deployment or a runbook run starts.
//!
//! Three questions, one after the other: does the server, a target or a worker run it; if a worker, of
//! which pool; which one of that pool. Never: a store, a clock, or a worker taken.
//!
//! # Source
//!
//! `api.md` 3.3, 3.4 and 4.

mod runner;
#[cfg(test)]
mod tests;

pub(super) use runner::{StepRunner, find_runner as runner};

/// One action of a step, for at most one target.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct StepToPlace<'a> {
    /// The action's name.
    pub(super) name: &'a str,
    /// `Octopus.Script` and the like.
    pub(super) action: &'a str,
    /// `Octopus.Action.RunOnServer`.
    pub(super) on_server: bool,
    /// `WorkerPoolId`; empty where the step names none.
    pub(super) pool: &'a str,
    /// `WorkerPoolVariable`; empty where the step names none.
    pub(super) variable: &'a str,
    /// The value of that variable, in the step's scope.
    pub(super) value: Option<&'a str>,
    /// The target that it runs on, or on behalf of.
    pub(super) target: Option<PlacementTarget<'a>>,
}

/// A deployment target, as far as it matters here.
#[derive(Clone, Copy, Debug)]
pub(super) struct PlacementTarget<'a> {
    /// `CommunicationStyle` of its endpoint.
    pub(super) style: &'a str,
    /// `DefaultWorkerPoolId` of its endpoint; empty where it has none.
    pub(super) pool: &'a str,
}

/// What a space has for steps to run on.
#[derive(Clone, Debug, Default)]
pub(super) struct AvailableWorkers {
    /// The pools, in their order.
    pub(super) pools: Vec<PlacementPool>,
    /// The workers, by name.
    pub(super) workers: Vec<PlacementWorker>,
    /// Whether there is a built-in worker, and it is switched on.
    pub(super) built_in: bool,
}

/// A worker pool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PlacementPool {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) slug: String,
    /// Whether it is the space's default.
    pub(super) is_default: bool,
    /// The image of its workers, where they come when they are needed.
    pub(super) image: Option<String>,
}

/// A worker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PlacementWorker {
    pub(super) id: String,
    pub(super) name: String,
    /// The ids of its pools.
    pub(super) pools: Vec<String>,
    /// Whether it is healthy and enabled.
    pub(super) is_ready: bool,
    /// How many tasks hold it.
    pub(super) leases: usize,
    /// Whether one of them holds it for itself.
    pub(super) is_taken: bool,
}

/// Where a step runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RunPlace<'a> {
    /// Inside the server, and no worker is needed.
    Server,
    /// On the target itself.
    Target,
    /// On the worker that every self-hosted server has.
    BuiltIn,
    /// On a worker of a pool.
    Worker { worker: &'a PlacementWorker, pool: &'a PlacementPool },
    /// On a worker that is made for it.
    Dynamic { pool: &'a PlacementPool, image: &'a str },
    /// Nowhere: there is no target to run it on.
    NoTarget,
}

/// Why there is no place for a step.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PlacementError {
    /// # Source
    ///
    /// Captured; `api.md` 2.12.
    #[error(
        "No variable named `{variable}` was in scope and set to value for `{step}` so could not \
         determine which worker pool to use."
    )]
    NoVariable { variable: String, step: String },
    /// # Source
    ///
    /// `api.md` 3.7 names the exception, and not its text.
    #[error("EntityNotFoundException: The worker pool '{0}' was not found.")]
    NoPool(String),
    /// # Source
    ///
    /// Captured of an empty pool; `api.md` 3.3.
    #[error(
        "This should not happen! Worker must not be null at the current stage of the execution."
    )]
    NoWorker,
    /// # Source
    ///
    /// `api.md` 3.3 says that it fails; the words are the sandbox's.
    #[error("There is no healthy worker in the worker pool '{pool}' to run the step '{step}' on.")]
    NoHealthyWorker { pool: String, step: String },
    /// # Source
    ///
    /// `api.md` 3.3 says that it fails; the words are the sandbox's.
    #[error(
        "The step '{step}' needs the built-in worker, because the default worker pool '{pool}' has no \
         workers, and the built-in worker is disabled."
    )]
    NoBuiltIn { pool: String, step: String },
    /// Another task holds for itself what could run it: that is a reason to wait, not to fail.
    #[error("Every worker of the worker pool '{0}' is leased exclusively.")]
    Taken(String),
}

/// Where a step runs on this ground.
///
/// # Errors
///
/// [`PlacementError`] where there is no place for it.
pub(super) fn resolve_place<'a>(
    step: &StepToPlace<'_>,
    ground: &'a AvailableWorkers,
) -> Result<RunPlace<'a>, PlacementError> {
    match runner(step) {
        StepRunner::Server => Ok(RunPlace::Server),
        StepRunner::Target => Ok(RunPlace::Target),
        StepRunner::NoTarget => Ok(RunPlace::NoTarget),
        StepRunner::Worker => pick_worker(step, ground.pool_for_step(step)?, ground),
    }
}

fn pick_worker<'a>(
    step: &StepToPlace<'_>,
    pool: &'a PlacementPool,
    ground: &'a AvailableWorkers,
) -> Result<RunPlace<'a>, PlacementError> {
    if let Some(image) = &pool.image {
        return Ok(RunPlace::Dynamic { pool, image });
    }
    let (name, step) = (pool.name.clone(), step.name.to_owned());
    let members: Vec<&PlacementWorker> = ground.pool_members(pool).collect();
    if members.is_empty() {
        // A single worker that is ill is enough for the built-in one to stay away.
        return match (pool.is_default, ground.built_in) {
            (true, true) => Ok(RunPlace::BuiltIn),
            (true, false) => Err(PlacementError::NoBuiltIn { pool: name, step }),
            (false, _) => Err(PlacementError::NoWorker),
        };
    }
    let ready_members = || members.iter().copied().filter(|it| it.is_ready);
    // The first of those with the fewest leases: the same ground gives the same worker.
    match ready_members().filter(|it| !it.is_taken).min_by_key(|it| it.leases) {
        Some(worker) => Ok(RunPlace::Worker { worker, pool }),
        None if ready_members().next().is_some() => Err(PlacementError::Taken(name)),
        None => Err(PlacementError::NoHealthyWorker { pool: name, step }),
    }
}

impl AvailableWorkers {
    /// The workers of a pool.
    pub(super) fn pool_members(
        &self,
        pool: &PlacementPool,
    ) -> impl Iterator<Item = &PlacementWorker> {
        let id = pool.id.clone();
        self.workers
            .iter()
            .filter(move |worker| worker.pools.iter().any(|it| it.eq_ignore_ascii_case(&id)))
    }

    /// The pool of a step that a worker runs: its own, its variable's, its target's, the default.
    fn pool_for_step(&self, step: &StepToPlace<'_>) -> Result<&PlacementPool, PlacementError> {
        if !step.pool.is_empty() {
            return self.find_pool(step.pool);
        }
        if !step.variable.is_empty() {
            let no_variable = || PlacementError::NoVariable {
                variable: step.variable.to_owned(),
                step: step.name.to_owned(),
            };
            let value = step.value.filter(|it| !it.is_empty());
            return self.find_pool(value.ok_or_else(no_variable)?);
        }
        match step.target {
            Some(target) if !target.pool.is_empty() => self.find_pool(target.pool),
            _ => {
                let default = self.pools.iter().find(|it| it.is_default);
                default.ok_or_else(|| PlacementError::NoPool("default".to_owned()))
            }
        }
    }

    /// The pool of an id; of a slug too, which is what variables in Git hold.
    fn find_pool(&self, id: &str) -> Result<&PlacementPool, PlacementError> {
        let by_id = self.pools.iter().find(|it| it.id.eq_ignore_ascii_case(id));
        let by_slug = || self.pools.iter().find(|pool| pool.slug == id);
        by_id.or_else(by_slug).ok_or_else(|| PlacementError::NoPool(id.to_owned()))
    }
}
