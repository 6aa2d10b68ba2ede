//! Tasks that people ask for by themselves: scripts, and upgrades of Tentacles.
//!
//! Never: a process.

use super::{
    ground::ground,
    plan::{StagePart, TaskPlan, TaskStage, hold},
};
use crate::{
    answer::HandlerResult,
    kind::TARGETS,
    place::{AvailableWorkers, PlacementPool, PlacementWorker},
    resource::{field, health, list, text},
    store,
};
use rusqlite::Connection;
use serde_json::Value;

/// What a task that runs no process is to do.
pub(super) fn of(db: &Connection, task: &Value) -> HandlerResult<TaskPlan> {
    let space = text(task, "SpaceId");
    let arguments = field(task, "Arguments");
    let ground = ground(db, space)?;
    Ok(match text(task, "Name") {
        "AdHocScript" => match text(arguments, "TargetType") {
            "Workers" | "WorkerPools" => on_workers(arguments, &ground),
            "OctopusServer" => on_the_server(&ground),
            _ => on_targets(db, space, arguments)?,
        },
        "Upgrade" => upgrade(arguments, &ground),
        name => TaskPlan::Run(vec![stage(name, vec![part("Octopus Server")])]),
    })
}

fn stage(title: &str, parts: Vec<StagePart>) -> TaskStage {
    TaskStage { title: title.to_owned(), parts }
}

fn part(who: &str) -> StagePart {
    StagePart { machine: who.to_owned(), hold: None, lines: Vec::new() }
}

/// The workers that a task names, each with the pool that it is named by, or its first.
fn named<'a>(
    arguments: &Value,
    ground: &'a AvailableWorkers,
) -> Vec<(&'a PlacementWorker, &'a PlacementPool)> {
    let ids = [list(arguments, "WorkerIds"), list(arguments, "MachineIds")].concat();
    let mut pools = list(arguments, "WorkerPoolIds");
    pools.extend(
        [text(arguments, "WorkerPoolId").to_owned()].into_iter().filter(|it| !it.is_empty()),
    );
    let has = |ids: &[String], id: &str| ids.iter().any(|it| it.eq_ignore_ascii_case(id));
    let mut workers: Vec<(&PlacementWorker, &PlacementPool)> = Vec::new();
    for pool in &ground.pools {
        let wanted = |worker: &PlacementWorker| match pools.is_empty() {
            true => ids.is_empty() || has(&ids, &worker.id),
            false => has(&pools, &pool.id),
        };
        for worker in ground.members(pool).filter(|it| wanted(it)) {
            if !workers.iter().any(|(other, _)| other.id == worker.id) {
                workers.push((worker, pool));
            }
        }
    }
    workers
}

fn on_workers(arguments: &Value, ground: &AvailableWorkers) -> TaskPlan {
    let named = named(arguments, ground);
    let ready: Vec<_> = named.into_iter().filter(|(worker, _)| worker.is_ready).collect();
    if ready.is_empty() {
        return TaskPlan::Fail("There is no healthy worker to run the script on.".to_owned());
    }
    if ready.iter().any(|(worker, _)| worker.is_taken) {
        return TaskPlan::Wait;
    }
    let parts = ready.into_iter().map(|(worker, pool)| StagePart {
        hold: Some(hold(worker, pool, false)),
        ..part(&format!("Worker {}", worker.name))
    });
    TaskPlan::Run(vec![stage("Run script", parts.collect())])
}

fn on_the_server(ground: &AvailableWorkers) -> TaskPlan {
    match ground.built_in {
        true => TaskPlan::Run(vec![stage("Run script", vec![part("Octopus Server")])]),
        false => TaskPlan::Fail("The built-in worker is disabled.".to_owned()),
    }
}

fn on_targets(db: &Connection, space: &str, arguments: &Value) -> HandlerResult<TaskPlan> {
    let [ids, environments, roles] =
        ["MachineIds", "EnvironmentIds", "TargetRoles"].map(|name| list(arguments, name));
    let mut parts = Vec::new();
    for target in store::all(db, &TARGETS, space)? {
        let document = target.value()?;
        let has = |name: &str, wanted: &[String]| {
            wanted.is_empty() || list(&document, name).iter().any(|it| wanted.contains(it))
        };
        let is_named = ids.is_empty() || ids.contains(&target.id);
        if is_named && has("EnvironmentIds", &environments) && has("Roles", &roles) {
            parts.push(part(&target.name));
        }
    }
    Ok(match parts.is_empty() {
        true => TaskPlan::Fail("There is no deployment target to run the script on.".to_owned()),
        false => TaskPlan::Run(vec![stage("Run script", parts)]),
    })
}

/// An upgrade has its workers for itself, so it waits until nobody else has one of them.
fn upgrade(arguments: &Value, ground: &AvailableWorkers) -> TaskPlan {
    let named = match text(arguments, "RestrictedTo") {
        "DeploymentTargets" => Vec::new(),
        _ => named(arguments, ground),
    };
    if named.iter().any(|(worker, _)| worker.leases > 0) {
        return TaskPlan::Wait;
    }
    let parts = named.into_iter().map(|(worker, pool)| StagePart {
        hold: Some(hold(worker, pool, true)),
        ..part(&format!("Worker {}", worker.name))
    });
    TaskPlan::Run(vec![stage("Upgrade Tentacle", parts.collect())])
}

/// What a task that succeeds leaves behind: an upgraded machine has been seen.
pub(super) fn take_effect(db: &Connection, task: &Value) -> HandlerResult<()> {
    if text(task, "Name") != "Upgrade" {
        return Ok(());
    }
    let ground = ground(db, text(task, "SpaceId"))?;
    let named = named(field(task, "Arguments"), &ground);
    let ids: Vec<String> = named.iter().map(|(worker, _)| worker.id.clone()).collect();
    health::check_all(db, &ids)
}
