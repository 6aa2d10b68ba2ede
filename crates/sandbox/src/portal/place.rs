//! Where a step would run if it ran now, for display.
//!
//! No variable is evaluated.
//!
//! # Source
//!
//! `api.md` 3.3 (run-time rules), 3.4 (how the portal's choices are stored).

use crate::{
    json::{json_field, text_field},
    place::{self, AvailableWorkers, PlacementTarget, StepRunner, StepToPlace},
};
use serde_json::Value;

/// Where a step runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PortalPlace {
    /// In a pool, by its place in the list of pools.
    Pool(usize),
    /// In the pool that a variable names.
    Variable(String),
    /// On the built-in worker: the default pool is empty.
    BuiltIn,
    /// On its deployment targets, which have these roles.
    Targets(String),
    /// Inside the server's process.
    Server,
    /// Nowhere, for this reason.
    Nowhere(&'static str),
}

/// A stand-in for the targets that a step's roles will find.
const SOME_TARGET: PlacementTarget<'_> = PlacementTarget { style: "TentaclePassive", pool: "" };

/// Where an action of a step runs in a space.
pub(super) fn locate_action(
    step: &Value,
    action: &Value,
    available: &AvailableWorkers,
) -> PortalPlace {
    let property =
        |part: &Value, name: &str| text_field(json_field(part, "Properties"), name).to_owned();
    let roles = property(step, "Octopus.Action.TargetRoles");
    let step = StepToPlace {
        action: text_field(action, "ActionType"),
        on_server: property(action, "Octopus.Action.RunOnServer").eq_ignore_ascii_case("true"),
        pool: text_field(action, "WorkerPoolId"),
        variable: text_field(action, "WorkerPoolVariable"),
        target: (!roles.is_empty()).then_some(SOME_TARGET),
        ..StepToPlace::default()
    };
    match place::find_runner(&step) {
        StepRunner::Server => PortalPlace::Server,
        StepRunner::Target => PortalPlace::Targets(roles),
        StepRunner::NoTarget => PortalPlace::Nowhere("no targets"),
        StepRunner::Worker if step.pool.is_empty() && !step.variable.is_empty() => {
            PortalPlace::Variable(step.variable.to_owned())
        }
        StepRunner::Worker => match available.pool_for_step(&step) {
            Err(_) => PortalPlace::Nowhere("no such pool"),
            Ok(pool) if pool.is_default && available.is_empty_pool(pool) => {
                if available.built_in {
                    PortalPlace::BuiltIn
                } else {
                    PortalPlace::Nowhere("no built-in worker")
                }
            }
            Ok(pool) => {
                let index = available.pools.iter().position(|other| other.id == pool.id);
                PortalPlace::Pool(index.unwrap_or_default())
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::{PlacementPool, PlacementWorker};
    use serde_json::json;

    /// A default pool and another one, both empty or both with a worker.
    fn available(is_staffed: bool) -> AvailableWorkers {
        let pool = |id: &str, is_default| PlacementPool {
            id: id.to_owned(),
            is_default,
            ..PlacementPool::default()
        };
        let pools = ["WorkerPools-1", "WorkerPools-2"];
        let worker = PlacementWorker {
            pools: pools.map(str::to_owned).into(),
            ..PlacementWorker::default()
        };
        AvailableWorkers {
            pools: vec![pool(pools[0], true), pool(pools[1], false)],
            workers: is_staffed.then_some(worker).into_iter().collect(),
            built_in: !is_staffed,
        }
    }

    fn step(kind: &str, roles: &str, on_server: &str, pool: Value, variable: &str) -> Value {
        json!({
            "Properties": { "Octopus.Action.TargetRoles": roles },
            "Actions": [{
                "ActionType": kind, "WorkerPoolId": pool, "WorkerPoolVariable": variable,
                "Properties": { "Octopus.Action.RunOnServer": on_server },
            }],
        })
    }

    #[test]
    fn a_step_runs_where_its_fields_and_the_pools_say() {
        let (empty, staffed) = (available(false), available(true));
        let script = "Octopus.Script";
        for (step, on_empty, on_staffed) in [
            (
                step("Octopus.Manual", "", "", json!(null), ""),
                PortalPlace::Server,
                PortalPlace::Server,
            ),
            (step(script, "", "true", json!(null), ""), PortalPlace::BuiltIn, PortalPlace::Pool(0)),
            (
                step(script, "web", "True", json!(""), ""),
                PortalPlace::BuiltIn,
                PortalPlace::Pool(0),
            ),
            (
                step(script, "web", "false", json!(""), ""),
                PortalPlace::Targets("web".into()),
                PortalPlace::Targets("web".into()),
            ),
            (
                step("Octopus.HelmChartUpgrade", "k8s", "", json!(null), ""),
                PortalPlace::BuiltIn,
                PortalPlace::Pool(0),
            ),
            (
                step(script, "", "true", json!("workerpools-2"), ""),
                PortalPlace::Pool(1),
                PortalPlace::Pool(1),
            ),
            (
                step(script, "", "true", json!("WorkerPools-9"), ""),
                PortalPlace::Nowhere("no such pool"),
                PortalPlace::Nowhere("no such pool"),
            ),
            (
                step(script, "", "true", json!(null), "Pool"),
                PortalPlace::Variable("Pool".into()),
                PortalPlace::Variable("Pool".into()),
            ),
        ] {
            assert_eq!(locate_action(&step, &step["Actions"][0], &empty), on_empty, "{step}");
            assert_eq!(locate_action(&step, &step["Actions"][0], &staffed), on_staffed, "{step}");
        }
        let nowhere = step(script, "", "true", json!(null), "");
        assert_eq!(
            locate_action(
                &nowhere,
                &nowhere["Actions"][0],
                &AvailableWorkers { built_in: false, ..empty }
            ),
            PortalPlace::Nowhere("no built-in worker")
        );
    }
}
