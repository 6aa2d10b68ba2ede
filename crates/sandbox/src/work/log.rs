//! What a task has logged: a tree of activities, and the same as plain text.
//!
//! Never: output of a script, since none runs.

use super::{
    TaskOutcome,
    lease::WorkerLeases,
    plan::{StagePart, TaskStage},
};
use crate::{
    answer::{HandlerResult, SandboxResponse},
    kind::LOGS,
    resource::{shown, text},
    store::{self, StoredDocument},
};
use jiff::Timestamp;
use rusqlite::Connection;
use serde_json::{Value, json};
use std::fmt::Write as _;

fn id(task: &str) -> String {
    format!("{}-{task}", LOGS.prefix)
}

/// Writes down what a task sets out to do, and which workers it has got for it.
pub(super) fn begin(
    db: &Connection,
    task: &Value,
    (stages, leases): (&[TaskStage], &WorkerLeases),
    at: Timestamp,
) -> HandlerResult<()> {
    let task_id = text(task, "Id");
    let mut root = node(task_id, text(task, "Description"), at);
    for (index, stage) in stages.iter().enumerate() {
        let path = format!("{task_id}/{index}");
        let mut branch = node(&path, &stage.title, at);
        for (place, part) in stage.parts.iter().enumerate() {
            let mut leaf = node(&format!("{path}/{place}"), &part.machine, at);
            leaf["LogElements"] = lines(part, leases, at);
            add(&mut branch["Children"], leaf);
        }
        if stage.parts.is_empty() {
            branch["Status"] = json!("Skipped");
            let why = "No deployment targets were found for this step, so it was skipped.";
            add(&mut branch["LogElements"], line("Info", why, at));
        }
        add(&mut root["Children"], branch);
    }
    write(db, task_id, &root)
}

fn lines(part: &StagePart, leases: &WorkerLeases, at: Timestamp) -> Value {
    let lease = part.hold.as_ref().and_then(|hold| leases.iter().find(|(held, _)| held == hold));
    let leased = lease.map(|(hold, id)| {
        format!("Leased worker {} from pool {} (lease {id})", hold.worker_name, hold.pool_name)
    });
    let said = part.lines.iter().cloned();
    leased.into_iter().chain(said).map(|text| line("Info", &text, at)).collect()
}

/// Writes down how a task ended.
pub(super) fn end(
    db: &Connection,
    task: &str,
    at: Timestamp,
    outcome: &TaskOutcome,
) -> HandlerResult<()> {
    let mut root = read(db, task)?;
    if root.is_null() {
        root = node(task, "", at);
    }
    let (status, category, message) = match outcome {
        TaskOutcome::Success => ("Success", "Info", "The task completed successfully"),
        TaskOutcome::Failed(why) => ("Failed", "Fatal", why.as_str()),
        TaskOutcome::Canceled => ("Canceled", "Info", "The task was canceled"),
        TaskOutcome::TimedOut => ("Failed", "Error", "The task timed out in the queue"),
    };
    close(&mut root, status, at);
    add(&mut root["LogElements"], line(category, message, at));
    write(db, task, &root)
}

fn close(node: &mut Value, status: &str, at: Timestamp) {
    if node["Status"] == "Running" {
        node["Status"] = json!(status);
    }
    node["Ended"] = json!(shown(at));
    node["ProgressPercentage"] = json!(100);
    let children = node["Children"].as_array_mut();
    children.into_iter().flatten().for_each(|child| close(child, status, at));
}

fn node(id: &str, name: &str, at: Timestamp) -> Value {
    json!({
        "Id": id,
        "Name": name,
        "Started": shown(at),
        "Ended": null,
        "Status": "Running",
        "Children": [],
        "ShowAtSummaryLevel": true,
        "LogElements": [],
        "ProgressPercentage": 0,
        "ProgressMessage": "",
    })
}

fn line(category: &str, text: &str, at: Timestamp) -> Value {
    json!({ "Category": category, "OccurredAt": shown(at), "MessageText": text, "Detail": null })
}

fn add(list: &mut Value, item: Value) {
    if let Some(list) = list.as_array_mut() {
        list.push(item);
    }
}

fn read(db: &Connection, task: &str) -> HandlerResult<Value> {
    let found = store::select(db, &LOGS, "id = ?2", [LOGS.prefix, &id(task)])?;
    Ok(found.first().map(StoredDocument::value).transpose()?.unwrap_or_default())
}

fn write(db: &Connection, task: &str, root: &Value) -> HandlerResult<()> {
    let document = StoredDocument {
        id: id(task),
        owner: task.to_owned(),
        name: String::new(),
        ..StoredDocument::new(&LOGS, root)
    };
    Ok(store::save(db, &document)?)
}

/// `GET …/tasks/{id}/details`.
pub(crate) fn details(db: &Connection, task: &Value) -> HandlerResult {
    let root = read(db, text(task, "Id"))?;
    let done = task["IsCompleted"] == true;
    let logs = if root.is_null() { json!([]) } else { json!([root]) };
    Ok(SandboxResponse::of(&json!({
        "Id": null,
        "Task": task,
        "ActivityLogs": logs,
        "PhysicalLogSize": logs.to_string().len(),
        "Progress": {
            "ProgressPercentage": if done { 100 } else { 0 },
            "EstimatedTimeRemaining": "",
        },
        "Links": { "Self": text(&task["Links"], "Details") },
    })))
}

/// `GET …/tasks/{id}/raw`.
pub(crate) fn raw(db: &Connection, task: &Value) -> HandlerResult {
    let mut log = format!("Task ID: {}\n", text(task, "Id"));
    let root = read(db, text(task, "Id"))?;
    _ = writeln!(log, "Task status: {}", text(task, "State"));
    for (label, name) in [
        ("Task queued: ", "QueueTime"),
        ("Task started:", "StartTime"),
        ("Task ended:  ", "CompletedTime"),
    ] {
        _ = writeln!(log, "{label} {}", text(task, name));
    }
    log.push('\n');
    tell(&root, 0, &mut log);
    Ok(SandboxResponse::plain(log))
}

fn tell(node: &Value, depth: usize, log: &mut String) {
    let indent = "  ".repeat(depth);
    if node.is_object() {
        _ = writeln!(log, "{indent}== {}: {} ==", text(node, "Status"), text(node, "Name"));
    }
    let list = |name: &str| node[name].as_array().cloned().unwrap_or_default();
    for line in list("LogElements") {
        let [at, category, said] =
            ["OccurredAt", "Category", "MessageText"].map(|it| text(&line, it));
        _ = writeln!(log, "{indent}{} {category:<8} | {said}", at.get(11..19).unwrap_or(at));
    }
    for child in list("Children") {
        tell(&child, depth + 1, log);
    }
}
