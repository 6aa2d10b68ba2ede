//! The stages of a task, and the workers that they hold.

use crate::place::{PlacementPool, PlacementWorker};

/// What a task does when it is due.
pub(crate) enum TaskPlan {
    Run(Vec<TaskStage>),
    /// It waits for a worker that another task holds exclusively.
    Wait,
    /// It fails before anything has run.
    Fail(String),
}

/// A step of a process, or of a script.
#[derive(Debug)]
pub(crate) struct TaskStage {
    pub(crate) title: String,
    /// Where it runs; empty if it is skipped.
    pub(crate) parts: Vec<StagePart>,
}

/// A stage on one machine.
#[derive(Debug)]
pub(crate) struct StagePart {
    /// `Octopus Server`, or the name of the machine.
    pub(crate) machine: String,
    pub(crate) hold: Option<WorkerHold>,
    pub(crate) lines: Vec<String>,
}

/// A hold on a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WorkerHold {
    pub(crate) worker: String,
    pub(crate) worker_name: String,
    pub(crate) pool: String,
    pub(crate) pool_name: String,
    pub(crate) is_exclusive: bool,
}

/// Holds a worker of a pool.
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
