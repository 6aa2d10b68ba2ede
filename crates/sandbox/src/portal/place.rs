//! Where a step would run if it ran now, for display.
//!
//! A variable has its value in each environment; an expression in it is not evaluated.
//!
//! # Source
//!
//! `api.md` 3.3 (run-time rules), 3.4 (how the portal's choices are stored).

use crate::{
    json::{json_field, text_field},
    place::{self, AvailableWorkers, PlacementPool, PlacementTarget, StepRunner, StepToPlace},
};
use serde_json::Value;

/// Where a step runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PortalPlace {
    /// In a pool, by its place in the list of pools.
    Pool(usize),
    /// In the pools that a variable names, by their places in the list: one or more.
    Variable { name: String, pools: Vec<usize> },
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

/// Where an action of a step runs in a space. `values` are those of its pool variable, if it has one.
pub(super) fn locate_action(
    step: &Value,
    action: &Value,
    available: &AvailableWorkers,
    values: &[String],
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
            locate_variable(&step, available, values)
        }
        StepRunner::Worker => match available.pool_for_step(&step) {
            Err(_) => PortalPlace::Nowhere("no such pool"),
            Ok(pool) => without_workers(available, pool)
                .unwrap_or_else(|| PortalPlace::Pool(pool_index(available, pool))),
        },
    }
}

/// Where the steps of the default pool run while it is empty.
fn without_workers(available: &AvailableWorkers, pool: &PlacementPool) -> Option<PortalPlace> {
    let is_empty = pool.is_default && available.is_empty_pool(pool);
    is_empty.then_some(if available.built_in {
        PortalPlace::BuiltIn
    } else {
        PortalPlace::Nowhere("no built-in worker")
    })
}

/// The place of a pool in the list.
fn pool_index(available: &AvailableWorkers, pool: &PlacementPool) -> usize {
    available.pools.iter().position(|other| other.id == pool.id).unwrap_or_default()
}

/// Where a step runs whose pool a variable names.
fn locate_variable(
    step: &StepToPlace<'_>,
    available: &AvailableWorkers,
    values: &[String],
) -> PortalPlace {
    if values.is_empty() {
        return PortalPlace::Nowhere("its variable has no value");
    }
    let mut pools = Vec::new();
    for value in values {
        let step = StepToPlace { value: Some(value), ..*step };
        match available.pool_for_step(&step) {
            Err(_) => return PortalPlace::Nowhere("its variable names no pool"),
            Ok(pool) => pools.push(pool_index(available, pool)),
        }
    }
    pools.sort_unstable();
    pools.dedup();
    let only = if let [index] = pools.as_slice() { available.pools.get(*index) } else { None };
    if let Some(place) = only.and_then(|pool| without_workers(available, pool)) {
        return place;
    }
    PortalPlace::Variable { name: step.variable.to_owned(), pools }
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
    fn a_steps_place_follows_from_its_fields_and_the_pools() {
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
                PortalPlace::Variable { name: "Pool".into(), pools: vec![0, 1] },
                PortalPlace::Variable { name: "Pool".into(), pools: vec![0, 1] },
            ),
        ] {
            let action = &step["Actions"][0];
            let values = ["workerpools-2", "WorkerPools-1"].map(str::to_owned);
            assert_eq!(locate_action(&step, action, &empty, &values), on_empty, "{step}");
            assert_eq!(locate_action(&step, action, &staffed, &values), on_staffed, "{step}");
        }
        let nowhere = step(script, "", "true", json!(null), "");
        assert_eq!(
            locate_action(
                &nowhere,
                &nowhere["Actions"][0],
                &AvailableWorkers { built_in: false, ..empty },
                &[],
            ),
            PortalPlace::Nowhere("no built-in worker")
        );
    }

    #[test]
    fn a_variable_without_a_pool_resolves_to_nowhere() {
        let staffed = available(true);
        let chosen = step("Octopus.Script", "", "true", json!(null), "Pool");
        for (values, why) in
            [(&[][..], "its variable has no value"), (&["gone"], "its variable names no pool")]
        {
            let values: Vec<String> = values.iter().map(|it: &&str| (*it).to_owned()).collect();
            let found = locate_action(&chosen, &chosen["Actions"][0], &staffed, &values);
            assert_eq!(found, PortalPlace::Nowhere(why));
        }
        let default = ["WorkerPools-1".to_owned()];
        let found = locate_action(&chosen, &chosen["Actions"][0], &available(false), &default);
        assert_eq!(found, PortalPlace::BuiltIn);
    }
}
