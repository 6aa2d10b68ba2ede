//! A step, the workers and pools of a space, and the places where a step can run.

use crate::text::contains_id;

/// An action of a step, for at most one target.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct StepToPlace<'a> {
    /// The action's name.
    pub(crate) name: &'a str,
    /// `Octopus.Script` and the like.
    pub(crate) action: &'a str,
    /// `Octopus.Action.RunOnServer`.
    pub(crate) on_server: bool,
    /// `WorkerPoolId`; empty if the step names none.
    pub(crate) pool: &'a str,
    /// `WorkerPoolVariable`; empty if the step names none.
    pub(crate) variable: &'a str,
    /// The value of that variable, in the step's scope.
    pub(crate) value: Option<&'a str>,
    /// The target that the step runs on, or on behalf of.
    pub(crate) target: Option<PlacementTarget<'a>>,
}

/// The part of a deployment target that matters here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlacementTarget<'a> {
    /// `CommunicationStyle` of its endpoint.
    pub(crate) style: &'a str,
    /// `DefaultWorkerPoolId` of its endpoint; empty if it has none.
    pub(crate) pool: &'a str,
}

/// The workers and pools of a space.
#[derive(Clone, Debug, Default)]
pub(crate) struct AvailableWorkers {
    /// The pools, in their order.
    pub(crate) pools: Vec<PlacementPool>,
    /// The workers, by name.
    pub(crate) workers: Vec<PlacementWorker>,
    /// Whether there is a built-in worker that is switched on.
    pub(crate) built_in: bool,
}

/// A worker pool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PlacementPool {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) slug: String,
    /// Whether it is the space's default.
    pub(crate) is_default: bool,
    /// The image of its workers, if the pool is dynamic.
    pub(crate) image: Option<String>,
}

/// A worker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PlacementWorker {
    pub(crate) id: String,
    pub(crate) name: String,
    /// The ids of its pools.
    pub(crate) pools: Vec<String>,
    /// Whether it is healthy and enabled.
    pub(crate) is_ready: bool,
    /// How many tasks hold it.
    pub(crate) leases: usize,
    /// Whether one of them holds it exclusively.
    pub(crate) is_taken: bool,
}

/// Where a step runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RunPlace<'a> {
    /// Inside the server, without a worker.
    Server,
    /// On the target itself.
    Target,
    /// On the built-in worker of a self-hosted server.
    BuiltIn,
    /// On a worker of a pool.
    Worker { worker: &'a PlacementWorker, pool: &'a PlacementPool },
    /// On a worker that is created for it.
    Dynamic { pool: &'a PlacementPool, image: &'a str },
    /// Nowhere: there is no target.
    NoTarget,
}

/// Why there is no place for a step.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PlacementError {
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
    /// Another task holds the possible workers exclusively: a reason to wait, not to fail.
    #[error("Every worker of the worker pool '{0}' is leased exclusively.")]
    Taken(String),
}

impl AvailableWorkers {
    /// The workers of a pool.
    pub(crate) fn pool_members(
        &self,
        pool: &PlacementPool,
    ) -> impl Iterator<Item = &PlacementWorker> {
        let id = pool.id.clone();
        self.workers.iter().filter(move |worker| contains_id(&worker.pools, &id))
    }

    /// Whether a pool has no workers, and none are created when they are needed.
    pub(crate) fn is_empty_pool(&self, pool: &PlacementPool) -> bool {
        pool.image.is_none() && self.pool_members(pool).next().is_none()
    }

    /// The pool of a step that a worker runs: its own, that of its variable, that of its target, or the default.
    pub(crate) fn pool_for_step(
        &self,
        step: &StepToPlace<'_>,
    ) -> Result<&PlacementPool, PlacementError> {
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

    /// The pool of an id, or of a slug, which is what variables in Git hold.
    fn find_pool(&self, id: &str) -> Result<&PlacementPool, PlacementError> {
        let by_id = self.pools.iter().find(|it| it.id.eq_ignore_ascii_case(id));
        let by_slug = || self.pools.iter().find(|pool| pool.slug == id);
        by_id.or_else(by_slug).ok_or_else(|| PlacementError::NoPool(id.to_owned()))
    }
}

impl PlacementTarget<'_> {
    pub(crate) fn is_kubernetes_agent(&self) -> bool {
        self.style == "KubernetesTentacle"
    }

    /// Whether a machine at the other end runs what it is sent.
    pub(crate) fn accepts_work(&self) -> bool {
        let machines = ["TentaclePassive", "TentacleActive", "Ssh", "OfflineDrop"];
        machines.contains(&self.style) || self.is_kubernetes_agent()
    }
}
