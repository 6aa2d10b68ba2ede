//! What a plan relies on, as it is in a server's state.

use super::{
    ABSENT, NO_POOL, StaleExpectation, container_fact, describe_subject, endpoint_fact,
    execution_fact, join_pool_ids, place_fact,
};
use crate::{
    live::{
        self, Live, LivePool, LiveProcess, LiveStep, LiveWorker, RunLocation, classify_step,
        describe_pool_users,
    },
    model::{Address, Execution, Id, Name, Pool, PoolKind},
    plan::{Expectation, ExpectationSubject},
};

use std::collections::{BTreeSet, HashMap};

const WORKERLESS: &str = "without an enabled worker";
/// What a pool has that whoever waits for its workers relies on.
pub(in crate::diff) const ENABLED: &str = "with an enabled worker";
pub(in crate::diff) const HEALTHY: &str = "with a healthy worker";
/// What a pool may have, the least first.
const WORKERS: [&str; 3] = [WORKERLESS, ENABLED, HEALTHY];

/// Looks things up in a server's state.
pub(super) struct Observer<'a> {
    live: &'a Live,
    pools: HashMap<&'a str, &'a LivePool>,
    workers: HashMap<&'a str, &'a LiveWorker>,
    steps: HashMap<(&'a str, &'a str), (&'a LiveProcess, &'a LiveStep)>,
}

impl<'a> Observer<'a> {
    pub(super) fn new(live: &'a Live) -> Self {
        let steps = live.processes.iter().flat_map(|process| {
            process
                .steps
                .iter()
                .map(move |step| ((process.id.as_str(), step.id.as_str()), (process, step)))
        });
        Self {
            live,
            pools: live.pools.iter().map(|pool| (pool.id.as_str(), pool)).collect(),
            workers: live.workers.iter().map(|worker| (worker.id.as_str(), worker)).collect(),
            steps: steps.collect(),
        }
    }

    pub(super) fn check_expectation(
        &self,
        address: Option<&Address>,
        rely: &Expectation,
    ) -> Option<StaleExpectation> {
        let found = self.observe_fact(&rely.subject);
        let (same, expected, found) = match rely.subject {
            // One user less is no danger, and of many only the new ones are worth telling.
            ExpectationSubject::PoolUsers(_) | ExpectationSubject::BuiltInWorkerUsers => {
                let seen: BTreeSet<_> = rely.expected.lines().collect();
                let new: Vec<_> = found.lines().filter(|user| !seen.contains(user)).collect();
                (new.is_empty(), "none".to_owned(), new.join(", "))
            }
            // Better workers than a plan has seen are no danger.
            ExpectationSubject::EnabledWorker(_) => {
                let rank = |seen: &str| WORKERS.iter().position(|text| *text == seen);
                let same = match (rank(&rely.expected), rank(&found)) {
                    (Some(then), Some(now)) => then <= now,
                    _ => found == rely.expected,
                };
                (same, rely.expected.clone(), found)
            }
            ExpectationSubject::PoolName(_)
            | ExpectationSubject::WorkerName(_)
            | ExpectationSubject::Pool(..)
            | ExpectationSubject::Worker(..)
            | ExpectationSubject::Step(..)
            | ExpectationSubject::Value(..)
            | ExpectationSubject::ScopedValue(..)
            | ExpectationSubject::TargetPool(_)
            | ExpectationSubject::BuiltInWorker
            | ExpectationSubject::DefaultPool
            | ExpectationSubject::PoolOrder => {
                (found == rely.expected, self.render_fact(&rely.expected), self.render_fact(&found))
            }
        };
        let what = self.render_fact(&describe_subject(&rely.subject));
        (!same).then(|| StaleExpectation {
            address: address.cloned(),
            field: what,
            expected,
            found,
        })
    }

    /// A fact as text; two texts of one subject are equal where the fact is the same.
    pub(super) fn observe_fact(&self, subject: &ExpectationSubject) -> String {
        let gone = || ABSENT.to_owned();
        let there = |there: bool| if there { "there".to_owned() } else { ABSENT.to_owned() };
        match subject {
            ExpectationSubject::PoolName(name) => {
                let name = Name::new(name);
                there(self.live.pools.iter().any(|pool| pool.name == name))
            }
            ExpectationSubject::WorkerName(name) => {
                let name = Name::new(name);
                there(self.live.workers.iter().any(|worker| worker.name == name))
            }
            ExpectationSubject::Pool(id, field) => {
                self.pools.get(id.as_str()).map_or_else(gone, |pool| pool_field(pool, field))
            }
            ExpectationSubject::Worker(id, field) => {
                let worker = self.workers.get(id.as_str());
                worker.map_or_else(gone, |worker| worker_field(worker, field))
            }
            ExpectationSubject::Step(process, action, field) => {
                let step = self.steps.get(&(process.as_str(), action.as_str()));
                step.map_or_else(gone, |(_, step)| step_field(step, field))
            }
            ExpectationSubject::Value(set, id) => {
                let mut values = self.live.indirect.variables.iter();
                let value =
                    values.find(|value| value.set.as_str() == set && value.id.as_str() == id);
                value.map_or_else(gone, |it| pool_or_none(it.pool.as_ref()))
            }
            ExpectationSubject::ScopedValue(set, name, scope) => {
                let name = Name::new(name);
                let mut values = self.live.indirect.variables.iter();
                let value = values.find(|variable| {
                    variable.set.as_str() == set
                        && variable.name == name
                        && variable.scope.describe() == *scope
                });
                value.map_or_else(gone, |it| pool_or_none(it.pool.as_ref()))
            }
            ExpectationSubject::TargetPool(id) => {
                let target =
                    self.live.indirect.targets.iter().find(|target| target.id.as_str() == id);
                target.map_or_else(gone, |it| pool_or_none(it.pool.as_ref()))
            }
            ExpectationSubject::PoolUsers(id) => {
                describe_pool_users(self.live, &Id::new(id)).join("\n")
            }
            ExpectationSubject::EnabledWorker(id) => self.enabled_worker_in(&Id::new(id)),
            ExpectationSubject::BuiltInWorker => {
                self.live.server.built_in_worker.unwrap_or(true).to_string()
            }
            ExpectationSubject::BuiltInWorkerUsers => {
                let mut users = live::steps_on_built_in(self.live);
                let elsewhere = self.live.other_spaces.iter();
                users.extend(elsewhere.flat_map(|it| it.on_built_in_worker.iter().cloned()));
                users.join("\n")
            }
            ExpectationSubject::DefaultPool => {
                self.live.default_pool().map_or_else(gone, |it| it.id.as_str().to_owned())
            }
            ExpectationSubject::PoolOrder => {
                self.live.pools.iter().map(|it| it.id.as_str()).collect::<Vec<_>>().join(" ")
            }
        }
    }

    /// The best worker that a pool has.
    fn enabled_worker_in(&self, id: &Id<Pool>) -> String {
        let members = || self.live.pool_members(id).filter(|worker| !worker.disabled);
        let seen = match self.live.find_pool(id) {
            None => ABSENT,
            Some(pool) if pool.kind != PoolKind::Static => "dynamic",
            Some(_) if members().any(|it| it.health.can_take_work()) => HEALTHY,
            Some(_) if members().next().is_some() => ENABLED,
            Some(_) => WORKERLESS,
        };
        seen.to_owned()
    }

    /// A fact for people: ids of pools by their names.
    fn render_fact(&self, fact: &str) -> String {
        let name = |word: &str| self.pools.get(word).map(|pool| format!("{:?}", pool.name));
        let words = fact.split(' ').map(|word| name(word).unwrap_or_else(|| word.to_owned()));
        words.collect::<Vec<_>>().join(" ")
    }
}

fn pool_or_none(pool: Option<&Id<Pool>>) -> String {
    pool.map_or(NO_POOL, Id::as_str).to_owned()
}

fn pool_field(pool: &LivePool, field: &str) -> String {
    match (field, &pool.kind) {
        ("name", _) => pool.name.to_string(),
        ("description", _) => pool.description.clone(),
        ("image", PoolKind::Dynamic { image }) => image.clone(),
        _ => ABSENT.to_owned(),
    }
}

fn worker_field(worker: &LiveWorker, field: &str) -> String {
    match field {
        "name" => worker.name.to_string(),
        "kind" => worker.endpoint.kind().to_owned(),
        "endpoint" => endpoint_fact(&worker.endpoint),
        "pools" => join_pool_ids(worker.pools.iter()),
        "policy" => worker.policy.id.as_str().to_owned(),
        "disabled" => worker.disabled.to_string(),
        _ => ABSENT.to_owned(),
    }
}

fn step_field(step: &LiveStep, field: &str) -> String {
    match field {
        "pool" => place_fact(&step.place, |id| Some(id)),
        "container" => container_fact(step.container.as_ref(), String::as_str),
        "execution" => {
            let execution = match classify_step(step) {
                RunLocation::OnWorker(execution) => execution,
                _ => Execution::OnTargets,
            };
            execution_fact(execution, &step.target_roles)
        }
        "step" => format!("{:?} ({})", step.display_name().as_str(), step.action_type),
        "runs" => {
            let place = match classify_step(step) {
                RunLocation::InServer => "inside the server".to_owned(),
                RunLocation::OnTargets => "on its targets".to_owned(),
                RunLocation::OnWorker(execution) => format!("on a worker, {}", execution.as_str()),
                RunLocation::Unknown => "nobody knows where".to_owned(),
            };
            format!("{place}{}", if step.has_siblings { ", of several actions" } else { "" })
        }
        _ => ABSENT.to_owned(),
    }
}
