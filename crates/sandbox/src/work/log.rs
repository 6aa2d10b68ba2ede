//! The log of a task: a tree of activities, and the same as plain text.

use crate::{
    answer::{HandlerResult, SandboxResponse},
    json::text_field,
    kind::LOGS,
    store::{self, StoredDocument},
    time::format_time,
    work::{
        lease::WorkerLeases,
        stage::{StagePart, TaskStage},
        state::TaskOutcome,
    },
};
use jiff::Timestamp;
use rusqlite::Connection;
use serde_json::{Value, json};
use std::fmt::Write as _;

fn document_id(task: &str) -> String {
    format!("{}-{task}", LOGS.prefix)
}

/// Logs the stages of a task, and the workers that it has leased.
pub(super) fn begin_log(
    db: &Connection,
    task: &Value,
    stages: &[TaskStage],
    leases: &WorkerLeases,
    at: Timestamp,
) -> HandlerResult<()> {
    let task_id = text_field(task, "Id");
    let mut root = new_node(task_id, text_field(task, "Description"), at);
    for (index, stage) in stages.iter().enumerate() {
        let path = format!("{task_id}/{index}");
        let mut branch = new_node(&path, &stage.title, at);
        for (place, part) in stage.parts.iter().enumerate() {
            let mut leaf = new_node(&format!("{path}/{place}"), &part.machine, at);
            leaf["LogElements"] = part_lines(part, leases, at);
            push_item(&mut branch["Children"], leaf);
        }
        if stage.parts.is_empty() {
            branch["Status"] = json!("Skipped");
            let why = "No deployment targets were found for this step, so it was skipped.";
            push_item(&mut branch["LogElements"], build_line("Info", why, at));
        }
        push_item(&mut root["Children"], branch);
    }
    write_root(db, task_id, &root)
}

fn part_lines(part: &StagePart, leases: &WorkerLeases, at: Timestamp) -> Value {
    let lease = part.hold.as_ref().and_then(|hold| leases.iter().find(|(held, _)| held == hold));
    let leased = lease.map(|(hold, id)| {
        format!("Leased worker {} from pool {} (lease {id})", hold.worker_name, hold.pool_name)
    });
    let lines = part.lines.iter().cloned();
    leased.into_iter().chain(lines).map(|text| build_line("Info", &text, at)).collect()
}

/// Logs how a task ended.
pub(super) fn finish_log(
    db: &Connection,
    task: &str,
    at: Timestamp,
    outcome: &TaskOutcome,
) -> HandlerResult<()> {
    let mut root = read_root(db, task)?;
    if root.is_null() {
        root = new_node(task, "", at);
    }
    let (status, category, message) = match outcome {
        TaskOutcome::Success => ("Success", "Info", "The task completed successfully"),
        TaskOutcome::Failed(why) => ("Failed", "Fatal", why.as_str()),
        TaskOutcome::Canceled => ("Canceled", "Info", "The task was canceled"),
        TaskOutcome::TimedOut => ("Failed", "Error", "The task timed out in the queue"),
    };
    close_node(&mut root, status, at);
    push_item(&mut root["LogElements"], build_line(category, message, at));
    write_root(db, task, &root)
}

fn close_node(node: &mut Value, status: &str, at: Timestamp) {
    if node["Status"] == "Running" {
        node["Status"] = json!(status);
    }
    node["Ended"] = json!(format_time(at));
    node["ProgressPercentage"] = json!(100);
    let children = node["Children"].as_array_mut();
    children.into_iter().flatten().for_each(|child| close_node(child, status, at));
}

fn new_node(id: &str, name: &str, at: Timestamp) -> Value {
    json!({
        "Id": id,
        "Name": name,
        "Started": format_time(at),
        "Ended": null,
        "Status": "Running",
        "Children": [],
        "ShowAtSummaryLevel": true,
        "LogElements": [],
        "ProgressPercentage": 0,
        "ProgressMessage": "",
    })
}

fn build_line(category: &str, text: &str, at: Timestamp) -> Value {
    json!({ "Category": category, "OccurredAt": format_time(at), "MessageText": text, "Detail": null })
}

fn push_item(list: &mut Value, item: Value) {
    if let Some(list) = list.as_array_mut() {
        list.push(item);
    }
}

fn read_root(db: &Connection, task: &str) -> HandlerResult<Value> {
    let found = store::select_documents(db, &LOGS, "id = ?2", [LOGS.prefix, &document_id(task)])?;
    Ok(found.first().map(StoredDocument::parse_body).transpose()?.unwrap_or_default())
}

fn write_root(db: &Connection, task: &str, root: &Value) -> HandlerResult<()> {
    let document = StoredDocument {
        id: document_id(task),
        owner: task.to_owned(),
        name: String::new(),
        ..StoredDocument::new(&LOGS, root)
    };
    Ok(store::save_document(db, &document)?)
}

/// `GET …/tasks/{id}/details`.
pub(crate) fn task_details(db: &Connection, task: &Value) -> HandlerResult {
    let root = read_root(db, text_field(task, "Id"))?;
    let done = task["IsCompleted"] == true;
    let logs = if root.is_null() { json!([]) } else { json!([root]) };
    Ok(SandboxResponse::from_document(&json!({
        "Id": null,
        "Task": task,
        "ActivityLogs": logs,
        "PhysicalLogSize": logs.to_string().len(),
        "Progress": {
            "ProgressPercentage": if done { 100 } else { 0 },
            "EstimatedTimeRemaining": "",
        },
        "Links": { "Self": text_field(&task["Links"], "Details") },
    })))
}

/// `GET …/tasks/{id}/raw`.
pub(crate) fn raw_log(db: &Connection, task: &Value) -> HandlerResult {
    let mut log = format!("Task ID: {}\n", text_field(task, "Id"));
    let root = read_root(db, text_field(task, "Id"))?;
    _ = writeln!(log, "Task status: {}", text_field(task, "State"));
    for (label, name) in [
        ("Task queued: ", "QueueTime"),
        ("Task started:", "StartTime"),
        ("Task ended:  ", "CompletedTime"),
    ] {
        _ = writeln!(log, "{label} {}", text_field(task, name));
    }
    log.push('\n');
    append_node(&root, 0, &mut log);
    Ok(SandboxResponse::from_plain_text(log))
}

fn append_node(node: &Value, depth: usize, log: &mut String) {
    let indent = "  ".repeat(depth);
    if node.is_object() {
        _ = writeln!(
            log,
            "{indent}== {}: {} ==",
            text_field(node, "Status"),
            text_field(node, "Name")
        );
    }
    let array_field = |name: &str| node[name].as_array().cloned().unwrap_or_default();
    for line in array_field("LogElements") {
        let [at, category, message] =
            ["OccurredAt", "Category", "MessageText"].map(|it| text_field(&line, it));
        _ = writeln!(log, "{indent}{} {category:<8} | {message}", at.get(11..19).unwrap_or(at));
    }
    for child in array_field("Children") {
        append_node(&child, depth + 1, log);
    }
}
