//! Whether the workers of a pool are fit for its steps.
//!
//! What a server says of a worker is what its last check found, which may be long ago. So a check is
//! started, and a worker counts as healthy once that is over, or where it was not before. Never: a request
//! or a clock; those are [`watch`]'s.

pub(super) mod watch;

use super::ApplyEvent;
use crate::octopus::wire;
use poolwright_core::plan::Arrival;

use std::{collections::BTreeSet, time::Duration};

/// How many workers are named where their pool is not fit.
const NAMED: usize = 5;

/// The pools whose workers have to be healthy before steps come to them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HealthWait {
    /// How long is waited for all of them together.
    pub limit: Duration,
    /// The pools, and the changes that wait.
    pub arrivals: Vec<Arrival>,
}

/// How a health check is going.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CheckProgress {
    /// It has not ended.
    UnderWay,
    /// It has ended, and what is said of the workers is what it found.
    Over,
    /// It has ended before its time: nothing is known by it.
    Inconclusive,
}

impl CheckProgress {
    /// # Source
    ///
    /// `api.md` 2.13 has the states. `Failed` is taken for the end of a check that found somebody unhealthy,
    /// and a state of a later server that is none of these for one on the way.
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
    /// In the server's word.
    health: String,
}

impl EligibleWorker {
    fn is_healthy(&self) -> bool {
        ["Healthy", "HasWarnings"].iter().any(|it| it.eq_ignore_ascii_case(&self.health))
    }
}

/// The workers of a pool, and what is known of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct PoolHealth {
    members: Vec<EligibleWorker>,
    /// How the check is going; none where none was started.
    course: Option<CheckProgress>,
    /// Those that were healthy when the check began.
    before: BTreeSet<String>,
}

impl PoolHealth {
    /// The enabled workers of a pool, without those that the plan deletes in the end.
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
        Self { members, course: None, before: BTreeSet::new() }
    }

    /// Whether what is said of a worker may be from before the check.
    fn is_outdated(&self, member: &EligibleWorker) -> bool {
        match self.course {
            None => true,
            Some(CheckProgress::Over) => false,
            Some(CheckProgress::UnderWay | CheckProgress::Inconclusive) => {
                self.before.contains(&member.id)
            }
        }
    }

    /// How many are known to be healthy.
    fn healthy_count(&self) -> usize {
        self.members
            .iter()
            .filter(|member| member.is_healthy() && !self.is_outdated(member))
            .count()
    }

    fn has_enough_healthy(&self, arrival: &Arrival) -> bool {
        arrival.healthy as usize <= self.healthy_count()
    }

    fn healthy_ids(&self) -> BTreeSet<String> {
        self.members.iter().filter(|it| it.is_healthy()).map(|it| it.id.clone()).collect()
    }

    fn member_ids(&self) -> Vec<&str> {
        self.members.iter().map(|it| it.id.as_str()).collect()
    }

    /// The workers as an event.
    fn look_event(&self, arrival: &Arrival) -> ApplyEvent {
        ApplyEvent::WorkersChecked {
            pool: arrival.pool.address().clone(),
            workers: self.members.len(),
            healthy: self.healthy_count(),
            ready: self.has_enough_healthy(arrival),
        }
    }

    /// Why the steps of a pool did not move, once so much time is over.
    fn describe_failure(&self, arrival: &Arrival, limit: Duration) -> String {
        let (pool, limit) = (arrival.pool.address(), format_duration(limit));
        let head = match (self.members.is_empty(), arrival.healthy) {
            (true, _) => return format!("{pool} has no enabled worker after {limit}"),
            (false, 1) => format!("no worker of {pool} is healthy after {limit}"),
            (false, needed) => {
                let healthy = self.healthy_count();
                format!(
                    "{pool} has {healthy} of the {needed} healthy workers that it needs after {limit}"
                )
            }
        };
        let describe_member = |worker: &EligibleWorker| match worker.is_healthy()
            && self.is_outdated(worker)
        {
            true => format!("{} was {}, and its check has not ended", worker.name, worker.health),
            false => format!("{} is {}", worker.name, worker.health),
        };
        let mut told: Vec<String> = self.members.iter().take(NAMED).map(describe_member).collect();
        match self.members.len().saturating_sub(NAMED) {
            0 => {}
            more => told.push(format!("and {more} more")),
        }
        format!("{head}: {}", told.join(", "))
    }
}

/// A time as a user writes it: `90s`, `5m`, `1h`.
fn format_duration(time: Duration) -> String {
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

    fn muster(all: &[(&str, &str)], before: &[&str], state: Option<&str>) -> PoolHealth {
        let before = before.iter().map(|text| (*text).to_owned()).collect();
        let leaving = BTreeSet::from(["leaves".to_owned()]);
        PoolHealth {
            course: state.map(CheckProgress::from_state),
            before,
            ..PoolHealth::from_workers(&workers(all), "P", &leaving)
        }
    }

    #[test]
    fn a_worker_is_healthy_once_a_check_has_said_so() {
        let healthy =
            |before: &[&str], state| muster(&[("a", "Healthy")], before, state).healthy_count();
        assert_eq!(healthy(&["a"], None), 0);
        assert_eq!(
            ["Queued", "Executing", "Cancelling"].map(|item| healthy(&["a"], Some(item))),
            [0; 3]
        );
        assert_eq!(["Success", "Failed"].map(|item| healthy(&["a"], Some(item))), [1; 2]);
        // A check that was cut short has said nothing.
        assert_eq!(["Canceled", "TimedOut"].map(|item| healthy(&["a"], Some(item))), [0; 2]);
        // One that was not healthy when the check began is news.
        assert_eq!(["Queued", "TimedOut"].map(|item| healthy(&[], Some(item))), [1; 2]);
    }

    #[test]
    fn who_gets_no_work_or_leaves_does_not_count() {
        let all = [
            ("-off", "Healthy"),
            ("leaves", "Healthy"),
            ("w", "HasWarnings"),
            ("u", "Unavailable"),
        ];
        let found = muster(&all, &[], Some("Success"));
        assert_eq!((found.member_ids(), found.healthy_count()), (vec!["w", "u"], 1));
        assert!(found.has_enough_healthy(&arrival(1)) && !found.has_enough_healthy(&arrival(2)));
        assert_eq!(PoolHealth::from_workers(&workers(&all), "Q", &BTreeSet::new()).members, []);
    }

    #[test]
    fn what_was_waited_for_in_vain_is_told_worker_by_worker() {
        let told = |all: &[(&str, &str)], needed, seconds| {
            muster(all, &["a"], Some("Executing"))
                .describe_failure(&arrival(needed), Duration::from_secs(seconds))
        };
        insta::assert_snapshot!(told(&[], 1, 90), @"pools.sql has no enabled worker after 90s");
        insta::assert_snapshot!(told(&[("b", "Unavailable"), ("c", "")], 1, 300), @"no worker of pools.sql is healthy after 5m: b is Unavailable, c is Unknown");
        insta::assert_snapshot!(told(&[("a", "Healthy"), ("b", "Healthy")], 2, 3600), @"pools.sql has 1 of the 2 healthy workers that it needs after 1h: a was Healthy, and its check has not ended, b is Healthy");
        let many: Vec<String> = (0..7).map(|n| format!("w-{n}")).collect();
        let many: Vec<(&str, &str)> = many.iter().map(|it| (it.as_str(), "Unknown")).collect();
        insta::assert_snapshot!(told(&many, 1, 5), @"no worker of pools.sql is healthy after 5s: w-0 is Unknown, w-1 is Unknown, w-2 is Unknown, w-3 is Unknown, w-4 is Unknown, and 2 more");
    }
}
