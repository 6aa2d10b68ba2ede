//! Applies a plan: every change once, in order, and concurrently if possible.
//!
//! A plan leaves no choices open. The only decision here is what to do if the server has changed since the plan:
//! nothing is written, and the change fails. Steps can wait until the workers in their new pool are healthy
//! ([`HealthWait`]). Progress is reported as events, which [`journal`] records in a receipt. Never: a file, a
//! clock, or output to the user.

mod health;
pub mod journal;
mod schedule;
mod write;
mod writer;

pub use health::HealthWait;

use crate::octopus::Connection;
use poolwright_core::{
    model::Address,
    plan::ApprovedPlan,
    receipt::{ChangeOutcome, WrittenField},
};

use futures_util::{
    StreamExt,
    stream::{FuturesUnordered, SelectAll},
};
use health::watch::HealthWatch;
use schedule::{NextAction, Schedule};
use std::sync::Mutex;
use tokio::sync::watch;
use write::ChangeWriter;

/// How to apply a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApplyOptions {
    /// The maximum number of concurrent writes; at least one.
    pub parallelism: usize,
    /// The workers that steps wait for before they move; empty for no wait.
    pub wait: HealthWait,
}

/// The progress of an apply. `index` is the change's index in the plan, counted from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApplyEvent {
    /// The object is being read; nothing that changes it has been sent.
    Started {
        /// The change's index.
        index: usize,
    },
    /// A request that changes these fields is about to be sent. Repeated if the request is sent again.
    Writing {
        /// The change's index.
        index: usize,
        /// The changed fields, with their previous values.
        written: Vec<WrittenField>,
    },
    /// The server is in the state that the change requires.
    Done {
        /// The change's index.
        index: usize,
        /// The id of the object that was created, or already existed.
        id: Option<String>,
        /// The changed fields; empty if nothing had to change.
        written: Vec<WrittenField>,
    },
    /// The change failed, or its outcome is unknown.
    Failed {
        /// The change's index.
        index: usize,
        /// Why.
        error: String,
        /// Whether the change may have been made anyway.
        unknown: bool,
    },
    /// The workers of a pool that steps wait for were checked.
    WorkersChecked {
        /// The pool.
        pool: Address,
        /// The number of enabled workers.
        workers: usize,
        /// The number of enabled workers known to be healthy.
        healthy: usize,
        /// Whether these are enough, so that the steps move.
        ready: bool,
    },
    /// Nothing was sent.
    Skipped {
        /// The change's index.
        index: usize,
        /// Why: `waits for pools.sql`, `interrupted`.
        because: String,
    },
}

/// Applies the plan, and returns the outcome of each change, in the order of the plan.
///
/// Every event is passed to `listen` before the next request of its change is sent. Once `stop` is true,
/// running writes are finished, and nothing else is started.
///
/// # Errors
///
/// None: a failure is the outcome of its change.
pub async fn apply_plan(
    approved: &ApprovedPlan,
    connection: &Connection,
    options: &ApplyOptions,
    mut stop: watch::Receiver<bool>,
    listen: &mut (dyn FnMut(ApplyEvent) + Send),
) -> Vec<ChangeOutcome> {
    let plan = approved.plan();
    let mut schedule = Schedule::new(&plan.changes, &options.wait.arrivals, options.parallelism);
    let mut outcomes = vec![ChangeOutcome::Skipped; plan.changes.len()];
    let listener = Mutex::new(listen);
    let send_event = |event: ApplyEvent| {
        // If the listener panicked, it decides itself what to do about its state.
        let mut listen = listener.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        listen(event);
    };
    let writes = ChangeWriter::new(connection, plan, &send_event);
    let watch = HealthWatch::new(&writes, &send_event, &options.wait, &plan.changes);
    let mut under_way = FuturesUnordered::new();
    let (mut checks, mut open_checks) = (SelectAll::new(), 0);
    let mut stopped = *stop.borrow();
    loop {
        while let Some(next) = schedule.next_work(stopped) {
            match next {
                NextAction::Skip { index, because } => {
                    send_event(ApplyEvent::Skipped { index, because })
                }
                NextAction::Start(unit) => under_way.push(writes.write_unit(unit)),
                NextAction::CheckHealth(places) => {
                    open_checks += places.len();
                    checks.push(watch.watch_pools(places));
                }
            }
        }
        if under_way.is_empty() && open_checks == 0 {
            break;
        }
        tokio::select! {
            Some(ended) = under_way.next() => for (index, outcome) in ended {
                schedule.finish_change(index, outcome == ChangeOutcome::Done);
                if let Some(slot) = outcomes.get_mut(index) {
                    *slot = outcome;
                }
            },
            Some((place, result)) = checks.next() => {
                open_checks -= 1;
                schedule.finish_check(place, result);
            },
            () = wait_for_stop(&mut stop), if !stopped => {
                // No more steps move, so no worker has to be healthy.
                (stopped, open_checks) = (true, 0);
                checks.clear();
            },
            else => break,
        }
    }
    drop(checks);
    drop(under_way);
    outcomes
}

/// Completes once a stop is requested; never, if the sender is gone.
async fn wait_for_stop(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}
