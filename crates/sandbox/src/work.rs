//! Simulated work: tasks that take their time and their workers, and leave a log.
//!
//! No thread runs in the background. What is due is done at the beginning of the next request, in the order in
//! which it became due, so that a client finds everything as if it had happened in its own time. No script
//! is run, and no machine is touched.

mod available_workers;
mod checks;
mod lease;
mod log;
mod plan;
mod queue;
mod scope;
mod script;
mod stage;
mod state;

pub(crate) use available_workers::read_available_workers;
pub(crate) use checks::{check_all, queue_check};
pub(crate) use lease::lease_holder;
pub(crate) use log::{raw_log, task_details};
pub(crate) use queue::{
    end_task, is_task_pending, is_work_due, run_due_work, running_count, schedule_task, tasks_ahead,
};
pub(crate) use scope::values_in_environments;
pub(crate) use state::{NewTask, TaskOutcome, queued_task};
