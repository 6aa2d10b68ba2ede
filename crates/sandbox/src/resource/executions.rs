//! What deployments and runbook runs have in common.

use crate::{
    context::RequestContext,
    json::{json_field, text_list},
    page::ListFilter,
    store::StoredDocument,
    time::current_time,
};
use serde_json::{Value, json};

/// What a deployment and a run of a runbook say alike.
pub(crate) fn execution_fields(
    call: &RequestContext<'_>,
    id: &str,
    (task, environment): (&Value, &StoredDocument),
    body: &Value,
) -> Value {
    json!({
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
    })
}

/// The parameters of lists of deployments and runs.
pub(crate) fn add_list_filters(call: &RequestContext<'_>, filter: &mut ListFilter<'_>) {
    for (parameter, name) in [
        ("projects", "ProjectId"),
        ("environments", "EnvironmentId"),
        ("tenants", "TenantId"),
        ("channels", "ChannelId"),
        ("runbooks", "RunbookId"),
    ] {
        if let Some(values) = call.request.list_parameter(parameter) {
            filter.add_any_of(&format!("json_extract(body, '$.{name}')"), &values);
        }
    }
    if let Some(state) = call.request.parameter("taskstate") {
        filter.add_condition(
            "? = (select json_extract(task.body, '$.State') from document task
                where task.id = json_extract(document.body, '$.TaskId'))",
            state,
        );
    }
}
