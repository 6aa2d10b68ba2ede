//! Applies a plan: every change once, in order, and concurrently if possible.
//!
//! A plan leaves no choices open. The only decision here is what to do if the server has changed since the plan:
//! nothing is written, and the change fails. Steps can wait until the workers in their new pool are healthy
//! ([`HealthWait`]). Progress is reported as events, which an [`ApplyListener`] stores before the next request
//! goes out. Never: a file, a clock, or output to the user.

mod health;
pub mod journal;
mod late;
mod schedule;
mod write;
mod writer;

pub use health::HealthWait;
pub use journal::{ApplyListener, StoreError};
pub use late::{LateChecks, LateReader};

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
use health::{format_duration, watch::HealthWatch};
use schedule::{NextAction, Schedule};
use std::{fmt, path::PathBuf, time::Duration};
use tokio::{sync::watch, time::Instant};
use write::ChangeWriter;
use writer::Writer;

/// How to apply a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApplyOptions {
    /// The maximum number of concurrent writes; at least one.
    pub parallelism: usize,
    /// The workers that steps wait for before they move; empty for no wait.
    pub wait: HealthWait,
    /// When the run ends: after this, nothing is begun. `None` for no limit.
    pub deadline: Option<Deadline>,
    /// The folder of the locks by which applies on this machine take turns to commit; `None` for no turns.
    pub turns: Option<PathBuf>,
}

/// The end of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// When it is.
    pub at: Instant,
    /// The limit that it comes from, for messages.
    pub limit: Duration,
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
        /// Whether the change may have been made in part. If neither, nothing was written.
        partial: bool,
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
        /// Whether nothing at all was begun any more.
        is_halted: bool,
    },
}

/// Why an apply begins nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// The user or the system asked for it.
    Interrupted,
    /// What is done cannot be recorded any more.
    ReceiptLost,
    /// The run has taken this long, which is its limit.
    TimeIsUp(Duration),
    /// The server has not answered for this long.
    ServerGone(Duration),
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rounded = |time: &Duration| format_duration(Duration::from_secs(time.as_secs()));
        match self {
            Self::Interrupted => f.write_str("interrupted"),
            Self::ReceiptLost => f.write_str("the receipt cannot be written"),
            Self::TimeIsUp(limit) => write!(f, "the time limit of {} is over", rounded(limit)),
            Self::ServerGone(time) => {
                write!(f, "the server has not answered for {}", rounded(time))
            }
        }
    }
}

/// Applies the plan, and returns the outcome of each change, in the order of the plan.
///
/// What a write relies on is asked again right before it, if `late` says what that is.
///
/// Every event is passed to `listener`, which has stored it before the next request that changes something is
/// sent. Once there is a reason to stop, the
/// deadline is over or the server is gone, running writes are finished, and nothing else is started.
///
/// # Errors
///
/// None: a failure is the outcome of its change.
pub async fn apply_plan(
    approved: &ApprovedPlan,
    connection: &Connection,
    options: &ApplyOptions,
    late: Option<&LateChecks<'_>>,
    mut stop: watch::Receiver<Option<StopReason>>,
    listener: &dyn ApplyListener,
) -> Vec<ChangeOutcome> {
    let plan = approved.plan();
    let mut schedule = Schedule::new(&plan.changes, &options.wait.arrivals, options.parallelism);
    let mut outcomes = vec![ChangeOutcome::Skipped; plan.changes.len()];
    let send_event = |event: ApplyEvent| listener.note_event(event);
    let until = options.deadline.map(|deadline| deadline.at);
    let writer = Writer::new(connection, &plan.header.space.id, until, listener);
    let writes = ChangeWriter::new(writer, plan, late, listener, options.turns.as_deref());
    let watch = HealthWatch::new(&writes, listener, &options.wait, &plan.changes);
    let mut under_way = FuturesUnordered::new();
    let (mut checks, mut open_checks) = (SelectAll::new(), 0);
    let mut stopped = *stop.borrow();
    loop {
        stopped = stopped.or_else(|| find_stop_reason(connection, options.deadline));
        if stopped.is_some() && open_checks > 0 {
            // No more steps move, so no worker has to be healthy.
            open_checks = 0;
            checks.clear();
        }
        while let Some(next) = schedule.next_work(stopped) {
            match next {
                NextAction::Skip { index, because } => {
                    let is_halted = stopped.is_some();
                    send_event(ApplyEvent::Skipped { index, because, is_halted });
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
            reason = wait_for_stop(&mut stop), if stopped.is_none() => stopped = Some(reason),
            () = wait_for_deadline(options.deadline), if stopped.is_none() => {}
            else => break,
        }
    }
    drop(checks);
    drop(under_way);
    outcomes
}

/// Returns why nothing more is begun; `None` if the run goes on.
fn find_stop_reason(connection: &Connection, deadline: Option<Deadline>) -> Option<StopReason> {
    if let Some(deadline) = deadline.filter(|deadline| deadline.at <= Instant::now()) {
        return Some(StopReason::TimeIsUp(deadline.limit));
    }
    connection.outage_over_limit().map(StopReason::ServerGone)
}

/// Completes at the deadline; never, if there is none.
async fn wait_for_deadline(deadline: Option<Deadline>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.at).await,
        None => std::future::pending().await,
    }
}

/// Completes once there is a reason to stop; never, if the sender is gone.
async fn wait_for_stop(stop: &mut watch::Receiver<Option<StopReason>>) -> StopReason {
    let reason = stop.wait_for(Option::is_some).await.ok().and_then(|reason| *reason);
    match reason {
        Some(reason) => reason,
        None => std::future::pending().await,
    }
}
