//! What deployments and runbook runs have in common.

use crate::{
    answer::HandlerResult,
    context::RequestContext,
    json::{json_field, text_list},
    kind::TARGETS,
    page::ListFilter,
    resource::tasks,
    store::StoredDocument,
    time::current_time,
};
use serde_json::{Value, json};

/// A deployment or a runbook run to start.
#[derive(Debug)]
pub(crate) struct NewExecution<'a> {
    /// Its id.
    pub(crate) id: &'a str,
    /// The name of its task.
    pub(crate) task: &'static str,
    /// The description of the task.
    pub(crate) description: String,
    /// The arguments of the task.
    pub(crate) arguments: Value,
    /// The id of the project.
    pub(crate) project: &'a str,
    /// The environment.
    pub(crate) environment: &'a StoredDocument,
}

/// Queues the task of an execution, and returns the fields that deployments and runs have in common.
pub(crate) fn start_execution(
    call: &RequestContext<'_>,
    execution: &NewExecution<'_>,
    body: &Value,
) -> HandlerResult<Value> {
    let NewExecution { id, task, description, arguments, project, environment } = execution;
    for list in ["SpecificMachineIds", "ExcludedMachineIds"] {
        for machine in text_list(body, list) {
            call.require_reference(&TARGETS, &machine)?;
        }
    }
    let when = json!({
        "QueueTime": json_field(body, "QueueTime"),
        "QueueTimeExpiry": json_field(body, "QueueTimeExpiry"),
        "ProjectId": project,
    });
    let task = tasks::queue_task(call, task, description, arguments, &when)?;
    Ok(json!({
        "Id": id,
        "SpaceId": call.space,
        "EnvironmentId": environment.id,
        "TenantId": null,
        "TaskId": task["Id"],
        "Comments": json_field(body, "Comments"),
        "Created": current_time(),
        "DeployedBy": call.person.username,
        "DeployedById": call.person.id,
        "DeployedToMachineIds": [],
        "ExcludedMachineIds": text_list(body, "ExcludedMachineIds"),
        "SpecificMachineIds": text_list(body, "SpecificMachineIds"),
        "SkipActions": text_list(body, "SkipActions"),
        "FailureEncountered": false,
        "ForcePackageDownload": json_field(body, "ForcePackageDownload") == true,
        "FormValues": if json_field(body, "FormValues").is_object() { json_field(body, "FormValues").clone() } else { json!({}) },
        "QueueTime": json_field(body, "QueueTime"),
        "QueueTimeExpiry": json_field(body, "QueueTimeExpiry"),
        "UseGuidedFailure": json_field(body, "UseGuidedFailure") == true,
    }))
}

/// Starts what a command-line tool asks for: one execution in each of the environments that it names. Returns
/// their ids, each under `id_field` beside that of its task.
pub(crate) fn for_each_environment(
    body: &Value,
    id_field: &str,
    start: impl Fn(&mut Value) -> HandlerResult<Value>,
) -> HandlerResult<Vec<Value>> {
    let mut started = Vec::new();
    for environment in text_list(body, "EnvironmentNames") {
        let mut asked = json!({
            "EnvironmentId": environment,
            "QueueTime": json_field(body, "RunAt"),
            "QueueTimeExpiry": json_field(body, "NoRunAfter"),
        });
        let execution = start(&mut asked)?;
        started.push(json!({ id_field: execution["Id"], "ServerTaskId": execution["TaskId"] }));
    }
    Ok(started)
}

/// The parameters of lists of deployments and runs.
pub(crate) fn add_list_filters(call: &RequestContext<'_>, filter: &mut ListFilter<'_>) {
    filter.add_parameters(&[
        ("projects", "json_extract(body, '$.ProjectId')"),
        ("environments", "json_extract(body, '$.EnvironmentId')"),
        ("tenants", "json_extract(body, '$.TenantId')"),
        ("channels", "json_extract(body, '$.ChannelId')"),
        ("runbooks", "json_extract(body, '$.RunbookId')"),
    ]);
    if let Some(state) = call.request.parameter("taskstate") {
        filter.add_condition(
            "? = (select json_extract(task.body, '$.State') from document task
                where task.id = json_extract(document.body, '$.TaskId'))",
            state,
        );
    }
}
