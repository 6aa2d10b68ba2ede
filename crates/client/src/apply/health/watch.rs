//! Starts health checks, and polls the workers until they are ready or the time is up.
//!
//! Each round covers all pools, so that many pools need no more lists of workers than one does. Never: a change
//! of the plan.

use super::{CheckProgress, HealthWait, PoolHealth};
use crate::{
    apply::{ApplyEvent, ApplyListener, write::ChangeWriter},
    octopus::wire,
};
use poolwright_core::plan::{Arrival, Change, ChangeKind};

use futures_util::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use serde_json::json;
use std::{
    collections::{BTreeSet, VecDeque},
    time::Duration,
};
use tokio::time::{Instant, sleep, timeout_at};

/// The pause after the first round; doubled each time.
const FIRST: Duration = Duration::from_millis(500);
/// The longest pause between two rounds.
const LONGEST: Duration = Duration::from_secs(5);
/// The time between the starts of two checks of the same pool.
const AGAIN: Duration = Duration::from_secs(30);
/// The timeout of a machine, and the shortest timeout of a check, as in the server's own clients. A shorter one
/// would report a slow worker as unhealthy.
const USUAL: Duration = Duration::from_secs(300);

/// The index of an arrival, and whether its steps may move, or why not.
pub(in crate::apply) type WaitOutcome = (usize, Result<(), String>);

/// Watches the workers that changes of a plan wait for.
pub(in crate::apply) struct HealthWatch<'a> {
    writes: &'a ChangeWriter<'a>,
    listener: &'a dyn ApplyListener,
    wait: &'a HealthWait,
    /// The workers that the plan deletes once the steps have moved.
    leaving: BTreeSet<String>,
}

impl<'a> HealthWatch<'a> {
    pub(in crate::apply) fn new(
        writes: &'a ChangeWriter<'a>,
        listener: &'a dyn ApplyListener,
        wait: &'a HealthWait,
        changes: &[Change],
    ) -> Self {
        let leaving = changes.iter().filter_map(|change| match &change.kind {
            ChangeKind::DeleteWorker { id, .. } => Some(id.as_str().to_owned()),
            _ => None,
        });
        Self { writes, listener, wait, leaving: leaving.collect() }
    }

    /// Watches the pools of the arrivals at these indices, and yields each outcome as soon as it is known.
    pub(in crate::apply) fn watch_pools(
        &'a self,
        places: Vec<usize>,
    ) -> BoxStream<'a, WaitOutcome> {
        let mut round = HealthWatchRound {
            watch: self,
            open: Vec::new(),
            ended: VecDeque::new(),
            deadline: Instant::now() + self.wait.limit,
            pause: FIRST,
        };
        for place in places {
            let unknown_pool = || "the plan has no such pool".to_owned();
            let arrival = self.wait.arrivals.get(place).ok_or_else(unknown_pool);
            let pool =
                arrival.and_then(|arrival| Ok((arrival, self.writes.pool_id(&arrival.pool)?)));
            match pool {
                Ok((arrival, id)) => round.open.push(WaitingPool::new(place, arrival, id)),
                Err(why) => round.ended.push_back((place, Err(why))),
            }
        }
        stream::unfold(round, HealthWatchRound::next_outcome).boxed()
    }

    /// # Source
    ///
    /// `api.md` 2.13. A server that does not know `RestrictedTo` would check targets, so the workers are also
    /// listed one by one.
    async fn start_check(&self, pool: &WaitingPool<'_>) -> Result<WorkerHealthCheck, String> {
        let address = pool.arrival.pool.address();
        let body = json!({
            "Name": "Health",
            "Description": format!("Check the workers of {address} before steps come to it"),
            "SpaceId": self.writes.space_id().as_str(),
            "Arguments": {
                "Timeout": format_timespan(self.wait.limit.max(USUAL)),
                "MachineTimeout": format_timespan(USUAL),
                "RestrictedTo": "Workers",
                "WorkerpoolId": pool.id,
                "MachineIds": pool.health.member_ids(),
            },
        });
        let task = self.writes.writer().queue_task(&body).await;
        let task =
            task.map_err(|error| format!("cannot start a health check of {address}: {error}"))?;
        Ok(WorkerHealthCheck { task, before: pool.health.healthy_ids(), began: Instant::now() })
    }
}

/// A health check of a pool's workers.
struct WorkerHealthCheck {
    task: wire::TaskResource,
    /// The workers that were healthy when it started.
    before: BTreeSet<String>,
    began: Instant,
}

/// A pool that is not ready yet.
struct WaitingPool<'a> {
    place: usize,
    arrival: &'a Arrival,
    id: String,
    check: Option<WorkerHealthCheck>,
    health: PoolHealth,
    /// Why the last round could not read the workers.
    trouble: Option<String>,
    /// The last event that was sent for it.
    last_event: Option<ApplyEvent>,
}

impl<'a> WaitingPool<'a> {
    fn new(place: usize, arrival: &'a Arrival, id: String) -> Self {
        let trouble = Some("the list of workers did not arrive in time".to_owned());
        Self {
            place,
            arrival,
            id,
            check: None,
            health: PoolHealth::default(),
            trouble,
            last_event: None,
        }
    }

    fn check_progress(&self) -> Option<CheckProgress> {
        self.check.as_ref().map(|check| CheckProgress::from_state(&check.task.state))
    }

    /// Whether to start a check: the pool has workers, and any earlier check found too few healthy ones.
    fn is_check_due(&self) -> bool {
        let may_restart = self.check.as_ref().is_none_or(|check| {
            self.check_progress() != Some(CheckProgress::UnderWay) && check.began.elapsed() >= AGAIN
        });
        may_restart && !self.health.members.is_empty()
    }

    fn update_members(&mut self, workers: &[wire::WorkerResource], leaving: &BTreeSet<String>) {
        self.health = PoolHealth::from_workers(workers, &self.id, leaving);
        self.health.progress = self.check_progress();
        self.health.before = self.check.as_ref().map(|it| it.before.clone()).unwrap_or_default();
        self.trouble = None;
    }

    fn describe_failure(&self, limit: Duration) -> String {
        let unseen_message = |why: &String| {
            format!("cannot read the workers in {}: {why}", self.arrival.pool.address())
        };
        self.trouble
            .as_ref()
            .map_or_else(|| self.health.describe_failure(self.arrival, limit), unseen_message)
    }
}

/// Rounds over pools, until each is ready or the time is up.
struct HealthWatchRound<'a> {
    watch: &'a HealthWatch<'a>,
    open: Vec<WaitingPool<'a>>,
    ended: VecDeque<WaitOutcome>,
    deadline: Instant,
    pause: Duration,
}

impl HealthWatchRound<'_> {
    /// Returns the next outcome.
    async fn next_outcome(mut self) -> Option<(WaitOutcome, Self)> {
        loop {
            if let Some(outcome) = self.ended.pop_front() {
                return Some((outcome, self));
            }
            if self.open.is_empty() {
                return None;
            }
            if timeout_at(self.deadline, self.run_round()).await.is_err() {
                let limit = self.watch.wait.limit;
                let late =
                    self.open.drain(..).map(|pool| (pool.place, Err(pool.describe_failure(limit))));
                self.ended.extend(late);
            }
        }
    }

    /// Runs one round, with a pause if it had no outcome.
    async fn run_round(&mut self) {
        self.poll_checks().await;
        match self.watch.writes.writer().space_reader().list_workers().await {
            Ok(workers) => self.judge_pools(&workers),
            Err(error) => {
                let why = error.to_string();
                self.open.iter_mut().for_each(|pool| pool.trouble = Some(why.clone()));
            }
        }
        self.start_due_checks().await;
        if self.ended.is_empty() {
            sleep(self.pause).await;
            self.pause = LONGEST.min(self.pause * 2);
        }
    }

    /// Polls the checks. This comes before the workers are read, so that their health is not older.
    async fn poll_checks(&mut self) {
        let reader = self.watch.writes.writer().space_reader();
        for pool in &mut self.open {
            let under_way = pool.check_progress() == Some(CheckProgress::UnderWay);
            let Some(check) = pool.check.as_mut().filter(|_| under_way) else { continue };
            match reader.read_task(&check.task.id).await {
                Ok(task) => check.task = task,
                // Without permission to read tasks, the reported health must be trusted.
                Err(error) if error.is_forbidden() || error.is_not_found() => {
                    check.task.state = "Success".to_owned();
                }
                Err(error) => tracing::debug!(%error, "cannot read the state of a health check"),
            }
        }
    }

    /// Evaluates each pool's workers, and ends the wait for the pools that are ready.
    fn judge_pools(&mut self, workers: &[wire::WorkerResource]) {
        for pool in &mut self.open {
            pool.update_members(workers, &self.watch.leaving);
            let event = pool.health.checked_event(pool.arrival);
            if pool.last_event.as_ref() != Some(&event) {
                pool.last_event = Some(event.clone());
                self.watch.listener.note_event(event);
            }
        }
        let is_pool_fit = |pool: &mut WaitingPool<'_>| pool.health.has_enough_healthy(pool.arrival);
        self.ended.extend(self.open.extract_if(.., is_pool_fit).map(|pool| (pool.place, Ok(()))));
    }

    /// Starts the checks that are due, and gives up pools whose check cannot be started. The time may run out
    /// during any of the requests, so a pool must always be in one of the two lists.
    async fn start_due_checks(&mut self) {
        let mut at = 0;
        while let Some(pool) = self.open.get(at) {
            let begun =
                if pool.is_check_due() { Some(self.watch.start_check(pool).await) } else { None };
            if let Some(Err(why)) = begun {
                let pool = self.open.remove(at);
                self.ended.push_back((pool.place, Err(why)));
                continue;
            }
            if let (Some(Ok(check)), Some(pool)) = (begun, self.open.get_mut(at)) {
                pool.check = Some(check);
            }
            at += 1;
        }
    }
}

/// Formats a time for the API: `00:05:00`.
fn format_timespan(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}
