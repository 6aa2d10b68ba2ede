//! Deployments of releases, which are tasks that run what the release has frozen.
//!
//! Never: a place of a step; that is found when the task starts.

use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    context::RequestContext,
    document::links,
    json::{json_field, text_field, text_list},
    kind::{DEPLOYMENTS, PROJECTS, RELEASES},
    page::ListFilter,
    permission,
    request::HttpVerb,
    resource::{executions, find, tasks},
    store::{self, StoredDocument},
};
use serde_json::{Value, json};

/// Answers what is special about deployments.
pub(crate) fn route_deployments(call: &RequestContext<'_>, path: &[&str]) -> Option<HandlerResult> {
    Some(match (call.verb(), path) {
        (HttpVerb::Post, []) => call.request.body_object().and_then(|body| {
            create_deployment(call, &body).map(|deployment| SandboxResponse::created(&deployment))
        }),
        (HttpVerb::Post, ["create", "untenanted", "v1"]) => deploy_by_name(call),
        (HttpVerb::Put, [_]) => Err(ErrorResponse::method_not_allowed()),
        _ => return None,
    })
}

/// `…/releases/{id}/deployments`.
pub(super) fn list_for_release(
    call: &RequestContext<'_>,
    release: &StoredDocument,
) -> HandlerResult {
    let mut filter = ListFilter::new(&DEPLOYMENTS, &call.space, call.request);
    filter.add_condition("json_extract(body, '$.ReleaseId') =", &release.id);
    if !call.person.has_permission(DEPLOYMENTS.view) {
        filter.add_condition("id =", "");
    }
    filter.page_answer(call.db, &call.space_path(&format!("releases/{}/deployments", release.id)))
}

fn create_deployment(call: &RequestContext<'_>, body: &Value) -> HandlerResult<Value> {
    call.person.require_permission(permission::for_action("Create", DEPLOYMENTS.edit))?;
    let named = text_field(body, "ReleaseId");
    let Some(release) = store::find_document(call.db, &RELEASES, &call.space, named)? else {
        return Err(ErrorResponse::bad_request(format!("The release '{named}' does not exist.")));
    };
    let environment = find::find_environment(call, text_field(body, "EnvironmentId"))?;
    let release = release.parse_body()?;
    let project = call.find_document(&PROJECTS, text_field(&release, "ProjectId"))?;
    let id = store::next_id(call.db, &DEPLOYMENTS)?;
    let arguments = json!({ "DeploymentId": id, "EnvironmentId": environment.id });
    let version = text_field(&release, "Version");
    let description = format!("Deploy {} release {version} to {}", project.name, environment.name);
    let when = json!({
        "QueueTime": json_field(body, "QueueTime"),
        "QueueTimeExpiry": json_field(body, "QueueTimeExpiry"),
        "ProjectId": project.id,
    });
    let task = tasks::queue_task(call, ("Deploy", &description), &arguments, &when)?;
    let mut deployment = executions::execution_fields(call, &id, (&task, &environment), body);
    deployment["ReleaseId"] = release["Id"].clone();
    deployment["ProjectId"] = json!(project.id);
    deployment["ChannelId"] = release["ChannelId"].clone();
    deployment["DeploymentProcessId"] = release["ProjectDeploymentProcessSnapshotId"].clone();
    deployment["ManifestVariableSetId"] = release["ProjectVariableSetSnapshotId"].clone();
    deployment["Name"] = json!(format!("Deploy to {}", environment.name));
    deployment["Changes"] = json!([]);
    deployment["ForcePackageRedeployment"] =
        json!(json_field(body, "ForcePackageRedeployment") == true);
    deployment["Links"] = links::document_links(&DEPLOYMENTS, &call.space, &id, &deployment);
    store::save_document(call.db, &StoredDocument::with_id_rank(&DEPLOYMENTS, &deployment))?;
    Ok(deployment)
}

/// What the command-line tools send: a release by its version, to environments by their names.
fn deploy_by_name(call: &RequestContext<'_>) -> HandlerResult {
    let body = call.request.body_object()?;
    let project = find::find_project_by_name(call, text_field(&body, "ProjectName"))?;
    let version = text_field(&body, "ReleaseVersion");
    let unknown_release =
        || ErrorResponse::bad_request(format!("The release '{version}' does not exist."));
    let release = find::find_by_version(call, &project.id, version)?.ok_or_else(unknown_release)?;
    let mut made = Vec::new();
    for environment in text_list(&body, "EnvironmentNames") {
        let asked = json!({
            "ReleaseId": release.id,
            "EnvironmentId": environment,
            "QueueTime": json_field(&body, "RunAt"),
            "QueueTimeExpiry": json_field(&body, "NoRunAfter"),
        });
        let deployment = create_deployment(call, &asked)?;
        made.push(
            json!({ "DeploymentId": deployment["Id"], "ServerTaskId": deployment["TaskId"] }),
        );
    }
    Ok(SandboxResponse::created(&json!({ "DeploymentServerTasks": made })))
}
