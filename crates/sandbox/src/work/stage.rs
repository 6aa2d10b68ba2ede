//! What a task does: its stages, and the workers that they hold.

use crate::place::{PlacementPool, PlacementWorker};

/// What becomes of a task that is to start.
pub(crate) enum TaskPlan {
    Run(Vec<TaskStage>),
    /// Another task holds a worker for itself.
    Wait,
    /// It fails before anything has run.
    Fail(String),
}

/// A step of a process, or the one of a script.
#[derive(Debug)]
pub(crate) struct TaskStage {
    pub(crate) title: String,
    /// Where it runs; nowhere where it is skipped.
    pub(crate) parts: Vec<StagePart>,
}

/// A stage at one place.
#[derive(Debug)]
pub(crate) struct StagePart {
    /// `Octopus Server`, or the machine.
    pub(crate) machine: String,
    pub(crate) hold: Option<WorkerHold>,
    pub(crate) lines: Vec<String>,
}

/// A worker that is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WorkerHold {
    pub(crate) worker: String,
    pub(crate) worker_name: String,
    pub(crate) pool: String,
    pub(crate) pool_name: String,
    pub(crate) is_exclusive: bool,
}

/// A worker of a pool, held.
pub(crate) fn new_hold(
    worker: &PlacementWorker,
    pool: &PlacementPool,
    is_exclusive: bool,
) -> WorkerHold {
    WorkerHold {
        worker: worker.id.clone(),
        worker_name: worker.name.clone(),
        pool: pool.id.clone(),
        pool_name: pool.name.clone(),
        is_exclusive,
    }
}
