//! The facts that a plan can rely on, as a server's state has them.

use super::{NONE, StaleExpectation};
use crate::{
    live::{
        self, Live, LivePool, LiveProcess, LiveStep, LiveWorker, classify_step, describe_pool_users,
    },
    model::{Address, Id, Pool, PoolHandle, PoolKind, Process, StepAction, Worker},
    plan::{Expectation, Fact, FactValue, StepFact},
};

use std::collections::HashMap;

/// Looks things up in a server's state.
pub(super) struct Observer<'a> {
    pub(super) live: &'a Live,
    pools: HashMap<&'a Id<Pool>, &'a LivePool>,
    workers: HashMap<&'a Id<Worker>, &'a LiveWorker>,
    processes: HashMap<&'a Id<Process>, &'a LiveProcess>,
    steps: HashMap<(&'a Id<Process>, &'a Id<StepAction>), &'a LiveStep>,
}

impl<'a> Observer<'a> {
    pub(super) fn new(live: &'a Live) -> Self {
        let steps = live.processes.iter().flat_map(|process| {
            process.steps.iter().map(move |step| ((&process.id, &step.id), step))
        });
        Self {
            live,
            pools: live.pools.iter().map(|pool| (&pool.id, pool)).collect(),
            workers: live.workers.iter().map(|worker| (&worker.id, worker)).collect(),
            processes: live.processes.iter().map(|process| (&process.id, process)).collect(),
            steps: steps.collect(),
        }
    }

    pub(super) fn find_pool(&self, id: &Id<Pool>) -> Option<&'a LivePool> {
        self.pools.get(id).copied()
    }

    pub(super) fn find_worker(&self, id: &Id<Worker>) -> Option<&'a LiveWorker> {
        self.workers.get(id).copied()
    }

    pub(super) fn find_process(&self, id: &Id<Process>) -> Option<&'a LiveProcess> {
        self.processes.get(id).copied()
    }

    pub(super) fn find_step(
        &self,
        process: &Id<Process>,
        action: &Id<StepAction>,
    ) -> Option<&'a LiveStep> {
        self.steps.get(&(process, action)).copied()
    }

    /// A live pool, as a plan refers to it.
    pub(super) fn pool_handle(&self, id: &Id<Pool>) -> PoolHandle {
        PoolHandle::Existing { id: id.clone(), address: Address::Pool(self.pool_name(id)) }
    }

    /// A pool for people: its name, or its id where it is gone.
    pub(super) fn pool_name(&self, id: &Id<Pool>) -> String {
        self.find_pool(id).map_or_else(|| id.as_str().to_owned(), |pool| format!("{:?}", pool.name))
    }

    /// A pool of a plan for people; by its address where it is yet to be created.
    pub(super) fn describe_pool(&self, pool: &PoolHandle) -> String {
        pool.id().map_or_else(|| pool.address().to_string(), |id| self.pool_name(id))
    }

    /// A fact with the value that it has.
    pub(super) fn expect_fact(&self, fact: Fact) -> Expectation {
        Expectation { expected: self.observe_fact(&fact), fact }
    }

    /// How a fact differs from what a plan states of it; none where the plan may rely on it. A plan that does not
    /// state it cannot.
    pub(super) fn check_fact(
        &self,
        fact: &Fact,
        stated: Option<&FactValue>,
        address: Option<&Address>,
    ) -> Option<StaleExpectation> {
        let found = self.observe_fact(fact);
        if stated.is_some_and(|stated| stated.allows(&found)) {
            return None;
        }
        let describe = |value: &FactValue| value.describe(|pool| self.pool_name(pool));
        let (expected, found) = match (stated, &found) {
            (None, found) => ("something that it does not state".to_owned(), describe(found)),
            // Of many users only the new ones are worth showing.
            (Some(FactValue::Users(then)), FactValue::Users(now)) => {
                let new = now.iter().filter(|user| !then.contains(user)).cloned();
                (NONE.to_owned(), new.collect::<Vec<_>>().join(", "))
            }
            (Some(FactValue::Absent), found) => (NONE.to_owned(), describe(found)),
            (Some(stated), found) => (describe(stated), describe(found)),
        };
        let field = fact.describe(|pool| self.pool_name(pool));
        Some(StaleExpectation { address: address.cloned(), field, expected, found })
    }

    fn observe_fact(&self, fact: &Fact) -> FactValue {
        match fact {
            Fact::Step(process, action, fact) => match (self.find_step(process, action), fact) {
                (None, _) => FactValue::Absent,
                (Some(step), StepFact::Runs) => {
                    FactValue::Runs(classify_step(step), step.has_siblings)
                }
                (Some(step), StepFact::Identity) => {
                    FactValue::Identity(step.display_name().to_string(), step.action_type.clone())
                }
            },
            Fact::PoolUsers(pool) => split_lines(describe_pool_users(self.live, pool)),
            Fact::PoolWorkers(pool) => self.best_worker(pool),
            Fact::BuiltInWorkerUsers => split_lines(live::describe_built_in_users(self.live)),
            Fact::DefaultPool => {
                let pool = self.live.default_pool().map(|pool| pool.id.clone());
                pool.map_or(FactValue::Absent, FactValue::Pool)
            }
            Fact::PoolOrder => {
                FactValue::Pools(self.live.pools.iter().map(|pool| pool.id.clone()).collect())
            }
        }
    }

    fn best_worker(&self, id: &Id<Pool>) -> FactValue {
        let members = || self.live.pool_members(id).filter(|worker| !worker.disabled);
        match self.find_pool(id) {
            None => FactValue::Absent,
            Some(pool) if pool.kind != PoolKind::Static => FactValue::DynamicWorkers,
            Some(_) if members().any(|it| it.health.can_take_work()) => FactValue::HealthyWorker,
            Some(_) if members().next().is_some() => FactValue::EnabledWorker,
            Some(_) => FactValue::NoEnabledWorker,
        }
    }
}

/// Users one a line, as a saved plan has them, whatever their names are.
pub(in crate::diff) fn split_lines(users: Vec<String>) -> FactValue {
    let lines = users.iter().flat_map(|user| user.split('\n'));
    FactValue::Users(lines.map(str::to_owned).collect())
}
