//! Carries a plan out: every change once, in order, side by side where nothing speaks against it.
//!
//! A plan leaves nothing to choose, so nothing is decided here but what to do when the server is not as
//! the plan saw it: then nothing is written, and the change has failed. Where the user wants it, steps wait
//! until the workers that they come to are healthy ([`HealthWait`]). What happens is told as events, of which
//! [`journal`] makes a receipt. Never: a file, a clock, or a word to the user.

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

/// How a plan is carried out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApplyOptions {
    /// How many objects are written side by side; at least one is.
    pub parallelism: usize,
    /// What steps wait for before they move; nothing where there is nothing in it.
    pub wait: HealthWait,
}

/// What happens, as it happens. `index` is the change's place in the plan, counted from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApplyEvent {
    /// The object is looked at; nothing was sent that changes it.
    Started {
        /// Which change.
        index: usize,
    },
    /// A request that changes these fields is about to be sent. Told again where it is sent again.
    Writing {
        /// Which change.
        index: usize,
        /// What the request changes, with what was there.
        written: Vec<WrittenField>,
    },
    /// The server is as the change wants it.
    Done {
        /// Which change.
        index: usize,
        /// The id of what was created, or was there already.
        id: Option<String>,
        /// What was changed; empty where nothing had to be.
        written: Vec<WrittenField>,
    },
    /// The server is not as the change wants it, or it is not known.
    Failed {
        /// Which change.
        index: usize,
        /// Why.
        error: String,
        /// Whether the change may have been made all the same.
        unknown: bool,
    },
    /// The workers of a pool were looked at, since steps wait for them.
    WorkersChecked {
        /// The pool.
        pool: Address,
        /// How many of its workers are enabled.
        workers: usize,
        /// How many of these are known to be healthy.
        healthy: usize,
        /// Whether that is enough, and the steps move.
        ready: bool,
    },
    /// Nothing was sent.
    Skipped {
        /// Which change.
        index: usize,
        /// Why: `waits for pools.sql`, `interrupted`.
        because: String,
    },
}

/// Carries the plan out, and returns what became of each change, in the order of the plan.
///
/// Every event is told to `listen` before the next request of its change is sent. Once `stop` is true,
/// what is under way is finished, and nothing else is begun.
///
/// # Errors
///
/// None: what goes wrong is an outcome of the change that it happens to.
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
        // A listener that panicked once has a broken mind, and it alone can tell.
        let mut listen = listener.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        listen(event);
    };
    let writes = ChangeWriter::new(connection, plan, &send_event);
    let watch = HealthWatch::new(&writes, &send_event, &options.wait, &plan.changes);
    let mut under_way = FuturesUnordered::new();
    let (mut looks, mut looked_at) = (SelectAll::new(), 0);
    let mut stopped = *stop.borrow();
    loop {
        while let Some(next) = schedule.next_work(stopped) {
            match next {
                NextAction::Skip { index, because } => {
                    send_event(ApplyEvent::Skipped { index, because })
                }
                NextAction::Start(unit) => under_way.push(writes.write_unit(unit)),
                NextAction::CheckHealth(places) => {
                    looked_at += places.len();
                    looks.push(watch.watch_pools(places));
                }
            }
        }
        if under_way.is_empty() && looked_at == 0 {
            break;
        }
        tokio::select! {
            Some(ended) = under_way.next() => for (index, outcome) in ended {
                schedule.finish_change(index, outcome == ChangeOutcome::Done);
                if let Some(item) = outcomes.get_mut(index) {
                    *item = outcome;
                }
            },
            Some((place, result)) = looks.next() => {
                looked_at -= 1;
                schedule.finish_look(place, result);
            },
            () = wait_for_stop(&mut stop), if !stopped => {
                // Nothing moves any more for which workers would have to be healthy.
                (stopped, looked_at) = (true, 0);
                looks.clear();
            },
            else => break,
        }
    }
    drop(looks);
    drop(under_way);
    outcomes
}

/// Ready once somebody asks to stop; never, where nobody can any more.
async fn wait_for_stop(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}
