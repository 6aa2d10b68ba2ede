//! Starts health checks, and looks at the workers until they are fit or the time is over.
//!
//! All pools are looked at in one round, so that many of them ask for no more lists of workers than one.
//! Never: a change of the plan.

use super::{CheckProgress, HealthWait, PoolHealth};
use crate::{
    apply::{
        ApplyEvent,
        write::{ChangeWriter, EventSink},
    },
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

/// How long is waited between the first two rounds; twice as long each time.
const FIRST: Duration = Duration::from_millis(500);
/// How long is waited between two rounds at most.
const LONGEST: Duration = Duration::from_secs(5);
/// How long after a check that found too few another one is started.
const AGAIN: Duration = Duration::from_secs(30);
/// What a machine is given to answer, and a check at least to end: what the server's own clients give.
/// A shorter time would make a slow worker an unhealthy one.
const USUAL: Duration = Duration::from_secs(300);

/// What became of the look at this place: whether its steps may move, or why not.
pub(in crate::apply) type WaitOutcome = (usize, Result<(), String>);

/// Looks after the workers for which changes of a plan wait.
pub(in crate::apply) struct HealthWatch<'a> {
    writes: &'a ChangeWriter<'a>,
    events: EventSink<'a>,
    wait: &'a HealthWait,
    /// Workers that the plan deletes once the steps have moved.
    leaving: BTreeSet<String>,
}

impl<'a> HealthWatch<'a> {
    pub(in crate::apply) fn new(
        writes: &'a ChangeWriter<'a>,
        tell: EventSink<'a>,
        wait: &'a HealthWait,
        changes: &[Change],
    ) -> Self {
        let leaving = changes.iter().filter_map(|change| match &change.kind {
            ChangeKind::DeleteWorker { id, .. } => Some(id.as_str().to_owned()),
            _ => None,
        });
        Self { writes, events: tell, wait, leaving: leaving.collect() }
    }

    /// Looks at the pools at these places, and tells what became of each as soon as it is known.
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
        stream::unfold(round, HealthWatchRound::next_looked).boxed()
    }

    /// # Source
    ///
    /// `api.md` 2.13. A server that does not know `RestrictedTo` would check targets, so that the workers
    /// are named one by one as well.
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
            task.map_err(|error| format!("no health check of {address} can be started: {error}"))?;
        Ok(WorkerHealthCheck { task, before: pool.health.healthy_ids(), began: Instant::now() })
    }
}

/// A health check of a pool's workers.
struct WorkerHealthCheck {
    task: wire::TaskResource,
    /// The workers that were healthy when it began.
    before: BTreeSet<String>,
    began: Instant,
}

/// A pool that is not yet fit.
struct WaitingPool<'a> {
    place: usize,
    arrival: &'a Arrival,
    id: String,
    check: Option<WorkerHealthCheck>,
    health: PoolHealth,
    /// Why the last look saw nothing.
    trouble: Option<String>,
    /// What was told of it last.
    last_event: Option<ApplyEvent>,
}

impl<'a> WaitingPool<'a> {
    fn new(place: usize, arrival: &'a Arrival, id: String) -> Self {
        let trouble = Some("no list of them came in time".to_owned());
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

    fn check_course(&self) -> Option<CheckProgress> {
        self.check.as_ref().map(|check| CheckProgress::from_state(&check.task.state))
    }

    /// Whether it is time to start a check: there is somebody to check, and the last one has found too few.
    fn is_check_due(&self) -> bool {
        let again = self.check.as_ref().is_none_or(|check| {
            self.check_course() != Some(CheckProgress::UnderWay) && AGAIN <= check.began.elapsed()
        });
        again && !self.health.members.is_empty()
    }

    fn update_members(&mut self, workers: &[wire::WorkerResource], leaving: &BTreeSet<String>) {
        self.health = PoolHealth::from_workers(workers, &self.id, leaving);
        self.health.course = self.check_course();
        self.health.before = self.check.as_ref().map(|it| it.before.clone()).unwrap_or_default();
        self.trouble = None;
    }

    fn describe_failure(&self, limit: Duration) -> String {
        let unseen_message = |why: &String| {
            format!("the workers of {} cannot be seen: {why}", self.arrival.pool.address())
        };
        self.trouble
            .as_ref()
            .map_or_else(|| self.health.describe_failure(self.arrival, limit), unseen_message)
    }
}

/// Rounds through pools, until each is fit or the time is over.
struct HealthWatchRound<'a> {
    watch: &'a HealthWatch<'a>,
    open: Vec<WaitingPool<'a>>,
    ended: VecDeque<WaitOutcome>,
    deadline: Instant,
    pause: Duration,
}

impl HealthWatchRound<'_> {
    /// The next pool of which it is known what became of it.
    async fn next_looked(mut self) -> Option<(WaitOutcome, Self)> {
        loop {
            if let Some(looked) = self.ended.pop_front() {
                return Some((looked, self));
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

    /// One round, and a pause where nothing came of it.
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

    /// Asks how the checks go. It comes before the look at the workers, so that this is not older.
    async fn poll_checks(&mut self) {
        let reader = self.watch.writes.writer().space_reader();
        for pool in &mut self.open {
            let under_way = pool.check_course() == Some(CheckProgress::UnderWay);
            let Some(check) = pool.check.as_mut().filter(|_| under_way) else { continue };
            match reader.read_task(&check.task.id).await {
                Ok(task) => check.task = task,
                // Who may not look at tasks has to believe what is said of the workers.
                Err(error) if error.is_forbidden() || error.is_not_found() => {
                    check.task.state = "Success".to_owned();
                }
                Err(error) => tracing::debug!(%error, "cannot tell how a health check goes"),
            }
        }
    }

    /// Looks at each pool's workers, and lets go of those that are fit.
    fn judge_pools(&mut self, workers: &[wire::WorkerResource]) {
        for pool in &mut self.open {
            pool.update_members(workers, &self.watch.leaving);
            let event = pool.health.look_event(pool.arrival);
            if pool.last_event.as_ref() != Some(&event) {
                pool.last_event = Some(event.clone());
                (self.watch.events)(event);
            }
        }
        let is_pool_fit = |pool: &mut WaitingPool<'_>| pool.health.has_enough_healthy(pool.arrival);
        self.ended.extend(self.open.extract_if(.., is_pool_fit).map(|pool| (pool.place, Ok(()))));
    }

    /// Starts the checks that are due, and gives up pools of which nobody may start one. The time may be over
    /// at any of the requests, so that no pool is ever out of both lists.
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

/// A time as the API writes it: `00:05:00`.
fn format_timespan(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}
