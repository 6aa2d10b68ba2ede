//! The states of a task, and what its document says in each.

use crate::{
    document::{links, node::ID},
    json::text_field,
    kind::TASKS,
    time::format_time,
};
use jiff::Timestamp;
use serde_json::{Value, json};

/// How a task ends.
#[derive(Clone, Debug)]
pub(crate) enum TaskOutcome {
    Success,
    Failed(String),
    Canceled,
    TimedOut,
}

/// A task to queue.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewTask<'a> {
    /// Its id.
    pub(crate) id: &'a str,
    /// The space that it is in.
    pub(crate) space: &'a str,
    /// `Deploy`, `Health` and the like.
    pub(crate) name: &'a str,
    /// What it does, for people.
    pub(crate) description: &'a str,
    /// What it works on.
    pub(crate) arguments: &'a Value,
}

/// The document of a task that is queued for a point in time.
pub(crate) fn queued_task(new: &NewTask<'_>, at: Timestamp) -> Value {
    let NewTask { id, space, name, description, arguments } = *new;
    let mut task = json!({
        "Id": id,
        "SpaceId": space,
        "Name": name,
        "Description": description,
        "Arguments": arguments,
        "State": "Queued",
        "Completed": "Queued...",
        "QueueTime": format_time(at),
        "QueueTimeExpiry": null,
        "StartTime": null,
        "LastUpdatedTime": format_time(at),
        "CompletedTime": null,
        "ServerNode": null,
        "Duration": "",
        "ErrorMessage": "",
        "HasBeenPickedUpByProcessor": false,
        "IsCompleted": false,
        "FinishedSuccessfully": false,
        "HasPendingInterruptions": false,
        "HasPendingPreconditions": false,
        "HasWarningsOrErrors": false,
        "CanRerun": false,
        "EstimatedRemainingQueueDurationSeconds": 0,
    });
    task["Links"] = links::document_links(&TASKS, space, id, &task);
    task
}

/// The task as it runs.
pub(super) fn started_task(mut task: Value, at: Timestamp) -> Value {
    task["State"] = json!("Executing");
    task["Completed"] = json!("Executing...");
    task["StartTime"] = json!(format_time(at));
    task["LastUpdatedTime"] = json!(format_time(at));
    task["ServerNode"] = json!(ID);
    task["HasBeenPickedUpByProcessor"] = json!(true);
    task
}

/// The task when it is over.
pub(super) fn ended_task(mut task: Value, at: Timestamp, outcome: &TaskOutcome) -> Value {
    let (state, error) = match outcome {
        TaskOutcome::Success => ("Success", ""),
        TaskOutcome::Failed(why) => ("Failed", why.as_str()),
        TaskOutcome::Canceled => ("Canceled", "This task was canceled before it completed."),
        TaskOutcome::TimedOut => ("TimedOut", "This task timed out before it was started."),
    };
    let start: Option<Timestamp> = text_field(&task, "StartTime").parse().ok();
    let seconds = start.map_or(0, |start| at.duration_since(start).as_secs().max(1));
    let plural = if seconds == 1 { "" } else { "s" };
    // Deployments and runs are repeated from their own pages.
    let again = !matches!(text_field(&task, "Name"), "Deploy" | "RunbookRun");
    task["State"] = json!(state);
    task["Completed"] = json!(at.strftime("%A, %d %B %Y %-I:%M:%S %p +00:00").to_string());
    task["CompletedTime"] = json!(format_time(at));
    task["LastUpdatedTime"] = json!(format_time(at));
    task["Duration"] = json!(format!("{seconds} second{plural}"));
    task["ErrorMessage"] = json!(error);
    task["IsCompleted"] = json!(true);
    task["FinishedSuccessfully"] = json!(state == "Success");
    task["HasWarningsOrErrors"] = json!(matches!(outcome, TaskOutcome::Failed(_)));
    task["CanRerun"] = json!(again);
    task
}
