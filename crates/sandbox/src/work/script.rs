//! Tasks that people start themselves: scripts, and upgrades of Tentacles.

use crate::{
    answer::HandlerResult,
    json::{json_field, text_field, text_list},
    kind::TARGETS,
    place::{AvailableWorkers, PlacementPool, PlacementWorker},
    store,
    text::contains_id,
    work::{
        available_workers::read_available_workers,
        checks,
        stage::{StagePart, TaskPlan, TaskStage, new_hold},
    },
};
use rusqlite::Connection;
use serde_json::Value;

/// Plans a task that runs no process.
pub(super) fn plan_adhoc_task(db: &Connection, task: &Value) -> HandlerResult<TaskPlan> {
    let space = text_field(task, "SpaceId");
    let arguments = json_field(task, "Arguments");
    let available = read_available_workers(db, space)?;
    Ok(match text_field(task, "Name") {
        "AdHocScript" => match text_field(arguments, "TargetType") {
            "Workers" | "WorkerPools" => plan_on_workers(arguments, &available),
            "OctopusServer" => plan_on_server(&available),
            _ => plan_on_targets(db, space, arguments)?,
        },
        "Upgrade" => plan_upgrade(arguments, &available),
        name => TaskPlan::Run(vec![new_stage(name, vec![part_without_hold("Octopus Server")])]),
    })
}

fn new_stage(title: &str, parts: Vec<StagePart>) -> TaskStage {
    TaskStage { title: title.to_owned(), parts }
}

fn part_without_hold(machine: &str) -> StagePart {
    StagePart { machine: machine.to_owned(), hold: None, lines: Vec::new() }
}

/// The workers that a task names, each with the pool by which it is named, or its first one.
fn requested_workers<'a>(
    arguments: &Value,
    available: &'a AvailableWorkers,
) -> Vec<(&'a PlacementWorker, &'a PlacementPool)> {
    let ids = [text_list(arguments, "WorkerIds"), text_list(arguments, "MachineIds")].concat();
    let mut pools = text_list(arguments, "WorkerPoolIds");
    pools.extend(
        [text_field(arguments, "WorkerPoolId").to_owned()].into_iter().filter(|it| !it.is_empty()),
    );
    let mut workers: Vec<(&PlacementWorker, &PlacementPool)> = Vec::new();
    for pool in &available.pools {
        let is_requested = |worker: &PlacementWorker| {
            if pools.is_empty() {
                ids.is_empty() || contains_id(&ids, &worker.id)
            } else {
                contains_id(&pools, &pool.id)
            }
        };
        for worker in available.pool_members(pool).filter(|it| is_requested(it)) {
            if !workers.iter().any(|(other, _)| other.id == worker.id) {
                workers.push((worker, pool));
            }
        }
    }
    workers
}

fn plan_on_workers(arguments: &Value, available: &AvailableWorkers) -> TaskPlan {
    let named = requested_workers(arguments, available);
    let ready: Vec<_> = named.into_iter().filter(|(worker, _)| worker.is_ready).collect();
    if ready.is_empty() {
        return TaskPlan::Fail("There is no healthy worker to run the script on.".to_owned());
    }
    if ready.iter().any(|(worker, _)| worker.is_taken) {
        return TaskPlan::Wait;
    }
    let parts = ready.into_iter().map(|(worker, pool)| StagePart {
        hold: Some(new_hold(worker, pool, false)),
        ..part_without_hold(&format!("Worker {}", worker.name))
    });
    TaskPlan::Run(vec![new_stage("Run script", parts.collect())])
}

fn plan_on_server(available: &AvailableWorkers) -> TaskPlan {
    if available.built_in {
        TaskPlan::Run(vec![new_stage("Run script", vec![part_without_hold("Octopus Server")])])
    } else {
        TaskPlan::Fail("The built-in worker is disabled.".to_owned())
    }
}

fn plan_on_targets(db: &Connection, space: &str, arguments: &Value) -> HandlerResult<TaskPlan> {
    let [ids, environments, roles] =
        ["MachineIds", "EnvironmentIds", "TargetRoles"].map(|name| text_list(arguments, name));
    let mut parts = Vec::new();
    for target in store::list_documents(db, &TARGETS, space)? {
        let document = target.parse_body()?;
        let lists_any = |name: &str, wanted: &[String]| {
            wanted.is_empty() || text_list(&document, name).iter().any(|it| wanted.contains(it))
        };
        let is_named = ids.is_empty() || ids.contains(&target.id);
        if is_named && lists_any("EnvironmentIds", &environments) && lists_any("Roles", &roles) {
            parts.push(part_without_hold(&target.name));
        }
    }
    Ok(if parts.is_empty() {
        TaskPlan::Fail("There is no deployment target to run the script on.".to_owned())
    } else {
        TaskPlan::Run(vec![new_stage("Run script", parts)])
    })
}

/// Plans an upgrade, which holds its workers exclusively, and so waits until all of them are free.
fn plan_upgrade(arguments: &Value, available: &AvailableWorkers) -> TaskPlan {
    let named = match text_field(arguments, "RestrictedTo") {
        "DeploymentTargets" => Vec::new(),
        _ => requested_workers(arguments, available),
    };
    if named.iter().any(|(worker, _)| worker.leases > 0) {
        return TaskPlan::Wait;
    }
    let parts = named.into_iter().map(|(worker, pool)| StagePart {
        hold: Some(new_hold(worker, pool, true)),
        ..part_without_hold(&format!("Worker {}", worker.name))
    });
    TaskPlan::Run(vec![new_stage("Upgrade Tentacle", parts.collect())])
}

/// Applies the effects of a successful task: an upgraded machine has been checked.
pub(super) fn apply_effects(db: &Connection, task: &Value) -> HandlerResult<()> {
    if text_field(task, "Name") != "Upgrade" {
        return Ok(());
    }
    let available = read_available_workers(db, text_field(task, "SpaceId"))?;
    let named = requested_workers(json_field(task, "Arguments"), &available);
    let ids: Vec<String> = named.iter().map(|(worker, _)| worker.id.clone()).collect();
    checks::check_all(db, &ids)
}
