//! Server tasks, which are over as soon as they are asked for.
//!
//! A `Health` task checks the workers that it names. Never: any other work, or a log of it.

use super::{Call, field, health, links, list, now, text};
use crate::sandbox::{
    answer::{Answer, Refusal, Result},
    kind::{POOLS, SPACES, TASKS, WORKERS},
    request::Verb,
    store::{self, Document},
};
use serde_json::{Value, json};

/// Answers what is special about tasks.
pub(in crate::sandbox) fn route(call: &Call<'_>, path: &[&str]) -> Option<Result> {
    Some(match (call.verb(), path) {
        (Verb::Post, []) => create(call),
        (Verb::Get, ["tasktypes"]) => Ok(Answer::of(&json!([
            { "Id": "Health", "Name": "Health" },
            { "Id": "Upgrade", "Name": "Upgrade" },
            { "Id": "AdHocScript", "Name": "AdHocScript" },
        ]))),
        (Verb::Get, ["all"]) => return None,
        (Verb::Get, [id]) => find(call, id).map(|task| Answer::text(task.body)),
        (Verb::Get, [id, "details"]) => details(call, id),
        _ => return None,
    })
}

fn create(call: &Call<'_>) -> Result {
    call.who.needs(TASKS.edit)?;
    let body = call.request.document()?;
    // `/api/tasks` names the space of a task in its body.
    let space = store::find(call.db, &SPACES, "", text(&body, "SpaceId"))?;
    let space = space.map_or_else(|| call.space.clone(), |space| space.id);
    let call = &Call { space, ..*call };
    let name = text(&body, "Name");
    if name.is_empty() {
        return Err(Refusal::rule("Please provide a name for this task."));
    }
    if name == "Health" {
        health::check_all(call.db, &checked(call, field(&body, "Arguments"))?)?;
    }
    let id = store::next_id(call.db, &TASKS)?;
    let time = now();
    let mut task = json!({
        "Id": id,
        "SpaceId": call.space,
        "Name": name,
        "Description": text(&body, "Description"),
        "Arguments": field(&body, "Arguments"),
        "State": "Success",
        "Completed": "now",
        "QueueTime": time,
        "QueueTimeExpiry": null,
        "StartTime": time,
        "LastUpdatedTime": time,
        "CompletedTime": time,
        "ServerNode": "sandbox",
        "Duration": "1 second",
        "ErrorMessage": "",
        "HasBeenPickedUpByProcessor": true,
        "IsCompleted": true,
        "FinishedSuccessfully": true,
        "HasPendingInterruptions": false,
        "HasWarningsOrErrors": false,
        "CanRerun": false,
    });
    task["Links"] = links::of(&TASKS, &call.space, &id, &task);
    let number = id.rsplit('-').next().and_then(|number| number.parse().ok());
    let document = Document { rank: number.unwrap_or_default(), ..Document::new(&TASKS, &task) };
    store::save(call.db, &document)?;
    Ok(Answer::created(&task))
}

/// The ids of the workers that a health check is for.
fn checked(call: &Call<'_>, arguments: &Value) -> Result<Vec<String>> {
    let restricted = text(arguments, "RestrictedTo");
    let machines = list(arguments, "MachineIds");
    if !machines.is_empty() {
        return Ok(machines);
    }
    if restricted == "DeploymentTargets" {
        return Ok(Vec::new());
    }
    let pool = text(arguments, "WorkerPoolId");
    if !pool.is_empty() && !call.has(&POOLS, pool)? {
        return Err(Refusal::rule(format!("The worker pool '{pool}' does not exist.")));
    }
    let mut ids = Vec::new();
    for worker in store::all(call.db, &WORKERS, &call.space)? {
        let pools = list(&worker.value()?, "WorkerPoolIds");
        if pool.is_empty() || pools.iter().any(|it| it.eq_ignore_ascii_case(pool)) {
            ids.push(worker.id);
        }
    }
    Ok(ids)
}

/// A task of any space, because `/api/tasks/{id}` does not say which.
fn find(call: &Call<'_>, id: &str) -> Result<Document> {
    call.who.needs(TASKS.view)?;
    let found = store::select(call.db, &TASKS, "id = ?2", [TASKS.prefix, id])?;
    found.into_iter().next().ok_or_else(Refusal::missing)
}

fn details(call: &Call<'_>, id: &str) -> Result {
    let task = find(call, id)?.value()?;
    Ok(Answer::of(&json!({
        "Id": null,
        "Task": task,
        "ActivityLogs": [],
        "PhysicalLogSize": 0,
        "Progress": { "ProgressPercentage": 100, "EstimatedTimeRemaining": "" },
        "Links": { "Self": call.at(&format!("tasks/{id}/details")) },
    })))
}
