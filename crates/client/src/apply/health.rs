//! Whether the workers of a pool are ready for its steps.
//!
//! The health that a server reports is the result of a worker's last check, which may be long ago. So a check is
//! started, and a worker counts as healthy once the check is over, or earlier if it was not healthy before.
//! Never: a request or a clock; those are in [`watch`].

pub(super) mod watch;

use super::ApplyEvent;
use crate::octopus::wire;
use poolwright_core::plan::Arrival;

use std::{collections::BTreeSet, time::Duration};

/// The number of workers to list if their pool is not ready.
const NAMED: usize = 5;

/// The pools whose workers must be healthy before steps move to them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HealthWait {
    /// How long to wait for all of them together.
    pub limit: Duration,
    /// The pools, and the changes that wait.
    pub arrivals: Vec<Arrival>,
}

/// The progress of a health check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CheckProgress {
    /// The check has not ended.
    UnderWay,
    /// The check has ended, and the reported health is its result.
    Over,
    /// The check was cut short and says nothing.
    Inconclusive,
}

impl CheckProgress {
    /// # Source
    ///
    /// `api.md` 2.13 has the states. `Failed` counts as the end of a check that found an unhealthy worker, and
    /// an unknown state of a newer server as under way.
    fn from_state(state: &str) -> Self {
        match state {
            "Success" | "Failed" => Self::Over,
            "Canceled" | "TimedOut" => Self::Inconclusive,
            _ => Self::UnderWay,
        }
    }
}

/// A worker that may get work.
#[derive(Clone, Debug, PartialEq, Eq)]
struct EligibleWorker {
    id: String,
    name: String,
    /// The status as spelled by the server.
    health: String,
}

impl EligibleWorker {
    fn is_healthy(&self) -> bool {
        ["Healthy", "HasWarnings"].iter().any(|it| it.eq_ignore_ascii_case(&self.health))
    }
}

/// The workers of a pool, and their known health.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct PoolHealth {
    members: Vec<EligibleWorker>,
    /// The progress of the check; `None` if none was started.
    progress: Option<CheckProgress>,
    /// The workers that were healthy when the check started.
    before: BTreeSet<String>,
}

impl PoolHealth {
    /// Returns the enabled workers of a pool, without those that the plan will delete.
    fn from_workers(
        workers: &[wire::WorkerResource],
        pool: &str,
        leaving: &BTreeSet<String>,
    ) -> Self {
        let is_staying = |worker: &&wire::WorkerResource| {
            !worker.is_disabled
                && !leaving.contains(&worker.id)
                && worker.worker_pool_ids.iter().any(|id| id == pool)
        };
        let member = |worker: &wire::WorkerResource| EligibleWorker {
            id: worker.id.clone(),
            name: worker.name.clone(),
            health: match worker.health_status.as_str() {
                "" => "Unknown".to_owned(),
                word => word.to_owned(),
            },
        };
        let members = workers.iter().filter(is_staying).map(member).collect();
        Self { members, progress: None, before: BTreeSet::new() }
    }

    /// Whether the reported health of a worker may be older than the check.
    fn is_outdated(&self, member: &EligibleWorker) -> bool {
        match self.progress {
            None => true,
            Some(CheckProgress::Over) => false,
            Some(CheckProgress::UnderWay | CheckProgress::Inconclusive) => {
                self.before.contains(&member.id)
            }
        }
    }

    /// Returns the number of workers known to be healthy.
    fn healthy_count(&self) -> usize {
        self.members
            .iter()
            .filter(|member| member.is_healthy() && !self.is_outdated(member))
            .count()
    }

    fn has_enough_healthy(&self, arrival: &Arrival) -> bool {
        self.healthy_count() >= arrival.healthy as usize
    }

    fn healthy_ids(&self) -> BTreeSet<String> {
        self.members.iter().filter(|it| it.is_healthy()).map(|it| it.id.clone()).collect()
    }

    fn member_ids(&self) -> Vec<&str> {
        self.members.iter().map(|it| it.id.as_str()).collect()
    }

    /// Returns the event that reports the workers.
    fn checked_event(&self, arrival: &Arrival) -> ApplyEvent {
        ApplyEvent::WorkersChecked {
            pool: arrival.pool.address().clone(),
            workers: self.members.len(),
            healthy: self.healthy_count(),
            ready: self.has_enough_healthy(arrival),
        }
    }

    /// Describes why the steps of a pool did not move within `limit`.
    fn describe_failure(&self, arrival: &Arrival, limit: Duration) -> String {
        let (pool, limit) = (arrival.pool.address(), format_duration(limit));
        if self.members.is_empty() {
            return format!("{pool} has no enabled workers after {limit}");
        }
        let head = match arrival.healthy {
            1 => format!("no worker in {pool} is healthy after {limit}"),
            needed => {
                let healthy = self.healthy_count();
                format!(
                    "{pool} has {healthy} of the {needed} required healthy workers after {limit}"
                )
            }
        };
        let describe_member = |worker: &EligibleWorker| {
            let EligibleWorker { name, health, .. } = worker;
            if worker.is_healthy() && self.is_outdated(worker) {
                format!("{name} was {health}, but its check has not ended")
            } else {
                format!("{name} is {health}")
            }
        };
        let mut parts: Vec<String> = self.members.iter().take(NAMED).map(describe_member).collect();
        match self.members.len().saturating_sub(NAMED) {
            0 => {}
            more => parts.push(format!("and {more} more")),
        }
        format!("{head}: {}", parts.join(", "))
    }
}

/// Formats a time as a user writes it: `90s`, `5m`, `1h`.
pub(super) fn format_duration(time: Duration) -> String {
    match time.as_secs() {
        seconds if seconds > 0 && seconds.is_multiple_of(3600) => format!("{}h", seconds / 3600),
        seconds if seconds > 0 && seconds.is_multiple_of(60) => format!("{}m", seconds / 60),
        seconds => format!("{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use poolwright_core::model::{Address, PoolHandle};
    use serde_json::json;

    fn arrival(healthy: u32) -> Arrival {
        Arrival { pool: PoolHandle::New(Address::Pool("sql".into())), healthy, changes: vec![0] }
    }

    /// The workers of pool `P` by name and health; `-` before a name is one that is disabled.
    fn workers(workers: &[(&str, &str)]) -> Vec<wire::WorkerResource> {
        let worker = |(name, health): &(&str, &str)| {
            let worker = json!({
                "Id": name.trim_start_matches('-'), "Name": name, "HealthStatus": health,
                "WorkerPoolIds": ["P"], "IsDisabled": name.starts_with('-'),
            });
            serde_json::from_value(worker).unwrap()
        };
        workers.iter().map(worker).collect()
    }

    fn pool_health(all: &[(&str, &str)], before: &[&str], state: Option<&str>) -> PoolHealth {
        let before = before.iter().map(|text| (*text).to_owned()).collect();
        let leaving = BTreeSet::from(["leaves".to_owned()]);
        PoolHealth {
            progress: state.map(CheckProgress::from_state),
            before,
            ..PoolHealth::from_workers(&workers(all), "P", &leaving)
        }
    }

    #[test]
    fn a_worker_is_healthy_once_a_check_has_confirmed_it() {
        let healthy = |before: &[&str], state| {
            pool_health(&[("a", "Healthy")], before, state).healthy_count()
        };
        assert_eq!(healthy(&["a"], None), 0);
        assert_eq!(
            ["Queued", "Executing", "Cancelling"].map(|state| healthy(&["a"], Some(state))),
            [0; 3]
        );
        assert_eq!(["Success", "Failed"].map(|state| healthy(&["a"], Some(state))), [1; 2]);
        // A check that was cut short says nothing.
        assert_eq!(["Canceled", "TimedOut"].map(|state| healthy(&["a"], Some(state))), [0; 2]);
        // One that was not healthy when the check began is news.
        assert_eq!(["Queued", "TimedOut"].map(|state| healthy(&[], Some(state))), [1; 2]);
    }

    #[test]
    fn disabled_and_leaving_workers_do_not_count() {
        let all = [
            ("-off", "Healthy"),
            ("leaves", "Healthy"),
            ("w", "HasWarnings"),
            ("u", "Unavailable"),
        ];
        let found = pool_health(&all, &[], Some("Success"));
        assert_eq!((found.member_ids(), found.healthy_count()), (vec!["w", "u"], 1));
        assert!(found.has_enough_healthy(&arrival(1)) && !found.has_enough_healthy(&arrival(2)));
        assert_eq!(PoolHealth::from_workers(&workers(&all), "Q", &BTreeSet::new()).members, []);
    }

    #[test]
    fn a_failed_wait_is_described_worker_by_worker() {
        let describe = |all: &[(&str, &str)], needed, seconds| {
            pool_health(all, &["a"], Some("Executing"))
                .describe_failure(&arrival(needed), Duration::from_secs(seconds))
        };
        insta::assert_snapshot!(describe(&[], 1, 90), @"pools.sql has no enabled workers after 90s");
        insta::assert_snapshot!(describe(&[("b", "Unavailable"), ("c", "")], 1, 300), @"no worker in pools.sql is healthy after 5m: b is Unavailable, c is Unknown");
        insta::assert_snapshot!(describe(&[("a", "Healthy"), ("b", "Healthy")], 2, 3600), @"pools.sql has 1 of the 2 required healthy workers after 1h: a was Healthy, but its check has not ended, b is Healthy");
        let many: Vec<String> = (0..7).map(|n| format!("w-{n}")).collect();
        let many: Vec<(&str, &str)> = many.iter().map(|it| (it.as_str(), "Unknown")).collect();
        insta::assert_snapshot!(describe(&many, 1, 5), @"no worker in pools.sql is healthy after 5s: w-0 is Unknown, w-1 is Unknown, w-2 is Unknown, w-3 is Unknown, w-4 is Unknown, and 2 more");
    }
}
