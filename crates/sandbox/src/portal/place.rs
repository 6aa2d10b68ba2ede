//! Where a step would run if it ran now, in words for people.
//!
//! Never: a decision that a task relies on, and no variable's value.
//!
//! # Source
//!
//! `api.md` 3.3 (run-time rules), 3.4 (how the portal's choices are stored).

use crate::{
    json::{json_field, text_field},
    place::{self, PlacementTarget, StepRunner, StepToPlace},
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
    /// On its deployment targets, of these roles.
    Targets(String),
    /// Inside the server's process.
    Server,
    /// Nowhere, for this reason.
    Nowhere(&'static str),
}

/// A pool, as far as places need it.
#[derive(Clone, Debug)]
pub(super) struct PoolOccupancy {
    /// Its id.
    pub(super) id: String,
    /// Whether steps that name no pool run here.
    pub(super) is_default: bool,
    /// Whether somebody is there, or will be made when needed.
    pub(super) has_workers: bool,
}

/// A machine that stands for the targets that a step's roles will find.
const SOME_TARGET: PlacementTarget<'_> = PlacementTarget { style: "TentaclePassive", pool: "" };

/// Where an action of a step runs, with these pools and the built-in worker switched on or off.
pub(super) fn locate_action(
    step: &Value,
    action: &Value,
    pools: &[PoolOccupancy],
    built_in: bool,
) -> PortalPlace {
    let property =
        |part: &Value, name: &str| text_field(json_field(part, "Properties"), name).to_owned();
    let roles = property(step, "Octopus.Action.TargetRoles");
    let (pool, variable) =
        (text_field(action, "WorkerPoolId"), text_field(action, "WorkerPoolVariable"));
    let step = StepToPlace {
        action: text_field(action, "ActionType"),
        on_server: property(action, "Octopus.Action.RunOnServer").eq_ignore_ascii_case("true"),
        target: (!roles.is_empty()).then_some(SOME_TARGET),
        ..place::StepToPlace::default()
    };
    match place::find_runner(&step) {
        StepRunner::Server => PortalPlace::Server,
        StepRunner::Target => PortalPlace::Targets(roles),
        StepRunner::NoTarget => PortalPlace::Nowhere("no targets"),
        StepRunner::Worker if !pool.is_empty() => {
            let found = pools.iter().position(|it| it.id.eq_ignore_ascii_case(pool));
            found.map_or(PortalPlace::Nowhere("no such pool"), PortalPlace::Pool)
        }
        StepRunner::Worker if !variable.is_empty() => PortalPlace::Variable(variable.to_owned()),
        StepRunner::Worker => match pools.iter().position(|it| it.is_default) {
            Some(default) if pools.get(default).is_some_and(|it| it.has_workers) => {
                PortalPlace::Pool(default)
            }
            _ if built_in => PortalPlace::BuiltIn,
            _ => PortalPlace::Nowhere("no built-in worker"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_step_runs_where_its_fields_and_the_pools_say() {
        let pool = |id: &str, is_default, has_workers| PoolOccupancy {
            id: id.to_owned(),
            is_default,
            has_workers,
        };
        let empty = [pool("WorkerPools-1", true, false), pool("WorkerPools-2", false, false)];
        let manned = [pool("WorkerPools-1", true, true), pool("WorkerPools-2", false, true)];
        let step = |kind: &str, roles: &str, on_server: &str, pool: Value, variable: &str| {
            json!({
                "Properties": { "Octopus.Action.TargetRoles": roles },
                "Actions": [{
                    "ActionType": kind, "WorkerPoolId": pool, "WorkerPoolVariable": variable,
                    "Properties": { "Octopus.Action.RunOnServer": on_server },
                }],
            })
        };
        let script = "Octopus.Script";
        for (step, on_empty, on_manned) in [
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
            assert_eq!(locate_action(&step, &step["Actions"][0], &empty, true), on_empty, "{step}");
            assert_eq!(
                locate_action(&step, &step["Actions"][0], &manned, false),
                on_manned,
                "{step}"
            );
        }
        let nowhere = step(script, "", "true", json!(null), "");
        assert_eq!(
            locate_action(&nowhere, &nowhere["Actions"][0], &empty, false),
            PortalPlace::Nowhere("no built-in worker")
        );
    }
}
