//! What a plan relies on besides the fields that it changes.

use crate::{
    live::RunLocation,
    model::{Execution, Id, Pool, Process, StepAction},
};

use serde::{Deserialize, Serialize};

/// A fact that must still hold when the plan is applied, with the value that the plan was made for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "SavedExpectation", into = "SavedExpectation")]
pub struct Expectation {
    /// The fact.
    pub fact: Fact,
    /// The value when the plan was made.
    pub expected: FactValue,
}

/// A fact that a plan can rely on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// A fact about an action of a process.
    Step(Id<Process>, Id<StepAction>, StepFact),
    /// The users of a pool. Losing some is fine.
    #[serde(rename = "users_of_pool")]
    PoolUsers(Id<Pool>),
    /// The best worker of a pool. A better one is fine.
    #[serde(rename = "enabled_worker_in")]
    PoolWorkers(Id<Pool>),
    /// The steps that run on the built-in worker and that the plan does not move. Losing some is fine.
    #[serde(rename = "users_of_built_in_worker")]
    BuiltInWorkerUsers,
    /// The space's default pool.
    DefaultPool,
    /// The order of all pools.
    PoolOrder,
}

/// A fact about a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepFact {
    /// Where the step runs.
    Runs,
    /// The step's name and type.
    #[serde(rename = "step")]
    Identity,
}

/// The value of a [`Fact`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FactValue {
    /// The subject of the fact does not exist.
    Absent,
    /// Where a step runs, and whether it has other actions.
    Runs(RunLocation, bool),
    /// A step's name and type.
    Identity(String, String),
    /// Users, in words.
    Users(Vec<String>),
    /// The workers of a dynamic pool, which are created on demand.
    DynamicWorkers,
    /// A static pool has no enabled worker.
    NoEnabledWorker,
    /// A static pool has an enabled worker, but no healthy one.
    EnabledWorker,
    /// A static pool has a healthy worker.
    HealthyWorker,
    /// One pool.
    Pool(Id<Pool>),
    /// Pools, in their order.
    Pools(Vec<Id<Pool>>),
    /// A value of a saved plan that this version cannot read. It never holds.
    Unrecognized(String),
}

/// The word for a subject that does not exist.
pub(crate) const ABSENT: &str = "absent";

impl Fact {
    /// Describes the subject of the fact; `pool_name` returns the name of a pool.
    pub fn describe(&self, pool_name: impl Fn(&Id<Pool>) -> String) -> String {
        match self {
            Self::Step(_, _, StepFact::Runs) => "run location".to_owned(),
            Self::Step(_, _, StepFact::Identity) => "step".to_owned(),
            Self::PoolUsers(_) | Self::BuiltInWorkerUsers => "a new user of it".to_owned(),
            Self::PoolWorkers(pool) => format!("pool {}", pool_name(pool)),
            Self::DefaultPool => "the default pool".to_owned(),
            Self::PoolOrder => "the order of the pools".to_owned(),
        }
    }

    /// Parses words that [`FactValue::describe`] writes; returns `None` for any others.
    fn read_value(&self, words: &str) -> Option<FactValue> {
        let split = |at: char| words.split(at).filter(|part| !part.is_empty());
        Some(match self {
            Self::PoolUsers(_) | Self::BuiltInWorkerUsers => {
                FactValue::Users(split('\n').map(str::to_owned).collect())
            }
            Self::PoolOrder => FactValue::Pools(split(' ').map(Id::new).collect()),
            _ if words == ABSENT => FactValue::Absent,
            Self::DefaultPool => FactValue::Pool(Id::new(words)),
            Self::Step(_, _, StepFact::Runs) => find_words(words, FactValue::all_runs())?,
            Self::Step(_, _, StepFact::Identity) => {
                let (name, action_type) = words.strip_suffix(')')?.rsplit_once(" (")?;
                FactValue::Identity(serde_json::from_str(name).ok()?, action_type.to_owned())
            }
            Self::PoolWorkers(_) => find_words(words, FactValue::WORKERS.into_iter())?,
        })
    }
}

impl FactValue {
    const WORKERS: [Self; 4] =
        [Self::DynamicWorkers, Self::NoEnabledWorker, Self::EnabledWorker, Self::HealthyWorker];

    /// Returns whether a plan that was made for this value can be applied if the value is `now`.
    pub fn allows(&self, now: &Self) -> bool {
        match (self, now) {
            (Self::Unrecognized(_), _) => false,
            (Self::Users(then), Self::Users(now)) => now.iter().all(|user| then.contains(user)),
            (Self::NoEnabledWorker, Self::EnabledWorker | Self::HealthyWorker)
            | (Self::EnabledWorker, Self::HealthyWorker) => true,
            _ => self == now,
        }
    }

    /// Describes the value; `pool_name` returns the name of a pool.
    pub fn describe(&self, pool_name: impl Fn(&Id<Pool>) -> String) -> String {
        match self {
            Self::Absent => ABSENT.to_owned(),
            Self::Runs(location, has_siblings) => {
                let siblings = if *has_siblings { ", of several actions" } else { "" };
                let location = match location {
                    RunLocation::InServer => "inside the server",
                    RunLocation::OnTargets => "on its targets",
                    RunLocation::OnWorker(Execution::Once) => "on a worker, once",
                    RunLocation::OnWorker(Execution::PerTarget) => "on a worker, per-target",
                    RunLocation::OnWorker(Execution::OnTargets) => "on a worker, on-targets",
                    RunLocation::Unknown => "nobody knows where",
                };
                format!("{location}{siblings}")
            }
            // Quoted as in JSON, so that it can be parsed.
            Self::Identity(name, action_type) => {
                format!("{} ({action_type})", serde_json::json!(name))
            }
            Self::Users(users) => users.join("\n"),
            Self::DynamicWorkers => "dynamic".to_owned(),
            Self::NoEnabledWorker => "without an enabled worker".to_owned(),
            Self::EnabledWorker => "with an enabled worker".to_owned(),
            Self::HealthyWorker => "with a healthy worker".to_owned(),
            Self::Pool(pool) => pool_name(pool),
            Self::Pools(pools) => pools.iter().map(pool_name).collect::<Vec<_>>().join(" "),
            Self::Unrecognized(words) => words.clone(),
        }
    }

    fn all_runs() -> impl Iterator<Item = Self> {
        let executions = [Execution::Once, Execution::PerTarget, Execution::OnTargets];
        let locations = [RunLocation::InServer, RunLocation::OnTargets, RunLocation::Unknown];
        let locations = locations.into_iter().chain(executions.map(RunLocation::OnWorker));
        locations.flat_map(|location| [false, true].map(|siblings| Self::Runs(location, siblings)))
    }
}

fn find_words(words: &str, mut values: impl Iterator<Item = FactValue>) -> Option<FactValue> {
    values.find(|value| value.describe(|pool| pool.as_str().to_owned()) == words)
}

/// An [`Expectation`] as saved in `plan.json`: its value in words, with the ids of pools.
#[derive(Serialize, Deserialize)]
struct SavedExpectation {
    subject: Fact,
    seen: String,
}

impl From<Expectation> for SavedExpectation {
    fn from(Expectation { fact, expected }: Expectation) -> Self {
        Self { subject: fact, seen: expected.describe(|pool| pool.as_str().to_owned()) }
    }
}

impl From<SavedExpectation> for Expectation {
    fn from(SavedExpectation { subject, seen }: SavedExpectation) -> Self {
        let expected = subject.read_value(&seen).unwrap_or(FactValue::Unrecognized(seen));
        Self { fact: subject, expected }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(subject: &Value, seen: &str) -> serde_json::Result<Expectation> {
        serde_json::from_value(json!({ "subject": subject, "seen": seen }))
    }

    #[test]
    fn an_unrecognized_value_is_kept_verbatim() {
        for (subject, seen) in [
            (json!({ "step": ["p", "a", "runs"] }), "OnWorker(Once), of several"),
            (json!({ "step": ["p", "a", "step"] }), "a step without a type"),
            (json!({ "enabled_worker_in": "WorkerPools-2" }), "with two heads"),
        ] {
            let expectation = read(&subject, seen).unwrap();
            assert_eq!(expectation.expected, FactValue::Unrecognized(seen.to_owned()));
            assert!(!expectation.expected.allows(&expectation.expected));
            let saved = serde_json::to_value(expectation).unwrap();
            assert_eq!(saved, json!({ "subject": subject, "seen": seen }));
        }
    }

    #[test]
    fn an_unknown_fact_is_refused() {
        assert!(read(&json!({ "step": ["p", "a", "colour"] }), "red").is_err());
        assert!(read(&json!("weather"), "fair").is_err());
    }
}
