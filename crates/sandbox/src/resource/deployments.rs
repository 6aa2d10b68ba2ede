//! Deployments of releases, which are tasks that run what the release has frozen.
//!
//! Never: a place of a step; that is found when the task starts.

use super::{RequestContext, field, links, list, now, releases, tasks, text};
use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    kind::{DEPLOYMENTS, ENVIRONMENTS, PROJECTS, RELEASES},
    page::ListFilter,
    permission,
    request::HttpVerb,
    store::{self, StoredDocument},
};
use serde_json::{Value, json};

/// Answers what is special about deployments.
pub(crate) fn route(call: &RequestContext<'_>, path: &[&str]) -> Option<HandlerResult> {
    Some(match (call.verb(), path) {
        (HttpVerb::Post, []) => call.request.document().and_then(|body| {
            deploy(call, &body).map(|deployment| SandboxResponse::created(&deployment))
        }),
        (HttpVerb::Post, ["create", "untenanted", "v1"]) => deploy_by_name(call),
        (HttpVerb::Put, [_]) => Err(ErrorResponse::method()),
        _ => return None,
    })
}

/// `…/releases/{id}/deployments`.
pub(super) fn of_release(call: &RequestContext<'_>, release: &StoredDocument) -> HandlerResult {
    let mut filter = ListFilter::new(&DEPLOYMENTS, &call.space, call.request);
    filter.and("json_extract(body, '$.ReleaseId') =", &release.id);
    if !call.person.may(DEPLOYMENTS.view) {
        filter.and("id =", "");
    }
    filter.page(call.db, &call.at(&format!("releases/{}/deployments", release.id)))
}

fn deploy(call: &RequestContext<'_>, body: &Value) -> HandlerResult<Value> {
    call.person.needs(permission::to("Create", DEPLOYMENTS.edit))?;
    let named = text(body, "ReleaseId");
    let Some(release) = store::find(call.db, &RELEASES, &call.space, named)? else {
        return Err(ErrorResponse::rule(format!("The release '{named}' does not exist.")));
    };
    let environment = environment(call, text(body, "EnvironmentId"))?;
    let release = release.value()?;
    let project = call.find(&PROJECTS, text(&release, "ProjectId"))?;
    let id = store::next_id(call.db, &DEPLOYMENTS)?;
    let arguments = json!({ "DeploymentId": id, "EnvironmentId": environment.id });
    let version = text(&release, "Version");
    let description = format!("Deploy {} release {version} to {}", project.name, environment.name);
    let when = json!({
        "QueueTime": field(body, "QueueTime"),
        "QueueTimeExpiry": field(body, "QueueTimeExpiry"),
        "ProjectId": project.id,
    });
    let task = tasks::queue(call, ("Deploy", &description), &arguments, &when)?;
    let mut deployment = started(call, &id, (&task, &environment), body);
    deployment["ReleaseId"] = release["Id"].clone();
    deployment["ProjectId"] = json!(project.id);
    deployment["ChannelId"] = release["ChannelId"].clone();
    deployment["DeploymentProcessId"] = release["ProjectDeploymentProcessSnapshotId"].clone();
    deployment["ManifestVariableSetId"] = release["ProjectVariableSetSnapshotId"].clone();
    deployment["Name"] = json!(format!("Deploy to {}", environment.name));
    deployment["Changes"] = json!([]);
    deployment["ForcePackageRedeployment"] = json!(field(body, "ForcePackageRedeployment") == true);
    deployment["Links"] = links::of(&DEPLOYMENTS, &call.space, &id, &deployment);
    store::save(call.db, &StoredDocument::numbered(&DEPLOYMENTS, &deployment))?;
    Ok(deployment)
}

/// What a deployment and a run of a runbook say alike.
pub(super) fn started(
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
        "Comments": field(body, "Comments"),
        "Created": now(),
        "DeployedBy": call.person.username,
        "DeployedById": call.person.id,
        "DeployedToMachineIds": [],
        "ExcludedMachineIds": list(body, "ExcludedMachineIds"),
        "SpecificMachineIds": list(body, "SpecificMachineIds"),
        "SkipActions": list(body, "SkipActions"),
        "FailureEncountered": false,
        "ForcePackageDownload": field(body, "ForcePackageDownload") == true,
        "FormValues": if field(body, "FormValues").is_object() { field(body, "FormValues").clone() } else { json!({}) },
        "QueueTime": field(body, "QueueTime"),
        "QueueTimeExpiry": field(body, "QueueTimeExpiry"),
        "UseGuidedFailure": field(body, "UseGuidedFailure") == true,
    })
}

/// An environment by its id or its name.
pub(super) fn environment(call: &RequestContext<'_>, named: &str) -> HandlerResult<StoredDocument> {
    let condition = "space = ?2 and (id = ?3 or name = ?3)";
    let values = [ENVIRONMENTS.prefix, &call.space, named];
    let found = store::select(call.db, &ENVIRONMENTS, condition, values)?;
    let unknown = || ErrorResponse::rule(format!("The environment '{named}' does not exist."));
    found.into_iter().next().ok_or_else(unknown)
}

/// What the command-line tools send: a release by its version, to environments by their names.
fn deploy_by_name(call: &RequestContext<'_>) -> HandlerResult {
    let body = call.request.document()?;
    let project = releases::by_name(call, text(&body, "ProjectName"))?;
    let version = text(&body, "ReleaseVersion");
    let unknown = || ErrorResponse::rule(format!("The release '{version}' does not exist."));
    let release = releases::of_version(call, &project.id, version)?.ok_or_else(unknown)?;
    let mut made = Vec::new();
    for environment in list(&body, "EnvironmentNames") {
        let asked = json!({
            "ReleaseId": release.id,
            "EnvironmentId": environment,
            "QueueTime": field(&body, "RunAt"),
            "QueueTimeExpiry": field(&body, "NoRunAfter"),
        });
        let deployment = deploy(call, &asked)?;
        made.push(
            json!({ "DeploymentId": deployment["Id"], "ServerTaskId": deployment["TaskId"] }),
        );
    }
    Ok(SandboxResponse::created(&json!({ "DeploymentServerTasks": made })))
}

/// The parameters of lists of deployments and runs.
pub(super) fn narrowed(call: &RequestContext<'_>, filter: &mut ListFilter<'_>) {
    for (parameter, name) in [
        ("projects", "ProjectId"),
        ("environments", "EnvironmentId"),
        ("tenants", "TenantId"),
        ("channels", "ChannelId"),
        ("runbooks", "RunbookId"),
    ] {
        if let Some(values) = call.request.list(parameter) {
            filter.and_any(&format!("json_extract(body, '$.{name}')"), &values);
        }
    }
    if let Some(state) = call.request.parameter("taskstate") {
        filter.and(
            "? = (select json_extract(task.body, '$.State') from document task
                where task.id = json_extract(document.body, '$.TaskId'))",
            state,
        );
    }
}
