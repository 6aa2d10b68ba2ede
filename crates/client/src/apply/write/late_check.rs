//! Asks again, right before a write, for what the write relies on.

use super::ChangeWriter;
use crate::octopus::{document::JsonDocument, wire};
use poolwright_core::{
    diff::{LateExpectation, WorkerState, best_level},
    live::LiveStep,
    model::PoolHandle,
    plan::FactValue,
    text::eq_ignoring_case,
};

use std::collections::HashMap;

impl ChangeWriter<'_> {
    /// Checks whether what a write relies on still holds.
    ///
    /// # Errors
    ///
    /// What does not hold, or cannot be read.
    pub(super) async fn check_late(&self, index: usize) -> Result<(), String> {
        let Some(late) = self.late_checks() else { return Ok(()) };
        let Some(expected) = late.expectations.get(index) else { return Ok(()) };
        if !expected.workers.is_empty() {
            self.check_workers(expected).await?;
        }
        if let Some(default_pool) = &expected.default_pool {
            self.check_default_pool(default_pool.as_str()).await?;
        }
        if let Some(users) = &expected.users {
            let live = self.late_reads().live.read(|| late.reader.read_live()).await?;
            users.check_users(&live)?;
        }
        Ok(())
    }

    /// Returns the steps of a process by their actions' ids, if they are to be compared with the plan.
    pub(super) fn expected_steps(&self, document: &JsonDocument) -> HashMap<String, LiveStep> {
        let Some(late) = self.late_checks() else { return HashMap::new() };
        let process = serde_json::from_str::<wire::ProcessResource>(&document.to_text());
        let steps = process.map(|process| late.reader.live_steps(process)).unwrap_or_default();
        steps.into_iter().map(|step| (step.id.as_str().to_owned(), step)).collect()
    }

    /// Checks that a step is what the plan was made for.
    pub(super) fn check_step(&self, index: usize, step: Option<&LiveStep>) -> Result<(), String> {
        let expected = self.late_checks().and_then(|late| late.expectations.get(index));
        expected.map_or(Ok(()), |expected| expected.check_step(step))
    }

    async fn check_workers(&self, expected: &LateExpectation) -> Result<(), String> {
        let read = || async {
            let workers = self.writer().space_reader().list_workers().await;
            workers.map_err(|error| format!("cannot read the workers: {}", error.with_help()))
        };
        let workers = self.late_reads().workers.read(read).await?;
        for (pool, level) in &expected.workers {
            let id = self.pool_id(pool)?;
            let members = workers.iter().filter(|worker| {
                let is_leaving =
                    expected.leaving.as_ref().is_some_and(|it| it.as_str() == worker.id);
                !is_leaving && worker.worker_pool_ids.iter().any(|pool| eq_ignoring_case(pool, &id))
            });
            let now = best_level(members.map(worker_state));
            if level.allows(&now) {
                continue;
            }
            let when = if expected.leaving.is_some() { " would be left" } else { " is" };
            return Err(describe_workers(pool, when, &now, level));
        }
        Ok(())
    }

    async fn check_default_pool(&self, expected: &str) -> Result<(), String> {
        let read = || async {
            let pools = self.writer().space_reader().list_worker_pools().await;
            pools.map_err(|error| format!("cannot read the worker pools: {}", error.with_help()))
        };
        let pools = self.late_reads().pools.read(read).await?;
        let now = pools.iter().find(|pool| pool.is_default);
        if now.is_some_and(|pool| eq_ignoring_case(&pool.id, expected)) {
            return Ok(());
        }
        let name = |id: &str| pools.iter().find(|pool| pool.id == id).map(|pool| pool.name.clone());
        let now = now.map_or_else(|| "gone".to_owned(), |pool| format!("`{}`", pool.name));
        let expected = name(expected).unwrap_or_else(|| expected.to_owned());
        Err(format!("the default pool is {now}, but the plan expected `{expected}`"))
    }
}

fn worker_state(worker: &wire::WorkerResource) -> WorkerState {
    let health = worker.health_status.as_str();
    let is_healthy = ["Healthy", "HasWarnings"].iter().any(|it| it.eq_ignore_ascii_case(health));
    WorkerState::new(!worker.is_disabled, is_healthy)
}

fn describe_workers(pool: &PoolHandle, when: &str, now: &FactValue, level: &FactValue) -> String {
    let describe = |value: &FactValue| value.describe(|pool| pool.as_str().to_owned());
    let (now, expected) = (describe(now), describe(level));
    format!("{}{when} {now}, but the plan expected it {expected}", pool.address())
}
