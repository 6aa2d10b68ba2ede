//! Deployments of releases: tasks that run what the release has frozen.
//!
//! Where each step runs is decided when the task starts.

use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    context::RequestContext,
    document::links,
    json::{json_field, text_field},
    kind::{DEPLOYMENTS, PROJECTS, RELEASES},
    permission,
    request::HttpVerb,
    resource::{
        executions::{self, NewExecution},
        find,
    },
    store::{self, StoredDocument},
};
use serde_json::{Value, json};

/// Routes that only deployments have.
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
    let path = format!("releases/{}/deployments", release.id);
    call.page_where(&DEPLOYMENTS, "json_extract(body, '$.ReleaseId') =", &release.id, &path)
}

fn create_deployment(call: &RequestContext<'_>, body: &Value) -> HandlerResult<Value> {
    call.person.require_permission(permission::for_action("Create", DEPLOYMENTS.edit))?;
    let release = call.require_reference(&RELEASES, text_field(body, "ReleaseId"))?;
    let environment = find::find_environment(call, text_field(body, "EnvironmentId"))?;
    let release = release.parse_body()?;
    let project = call.find_document(&PROJECTS, text_field(&release, "ProjectId"))?;
    let id = store::next_id(call.db, &DEPLOYMENTS)?;
    let version = text_field(&release, "Version");
    let execution = NewExecution {
        id: &id,
        task: "Deploy",
        description: format!("Deploy {} release {version} to {}", project.name, environment.name),
        arguments: json!({ "DeploymentId": id, "EnvironmentId": environment.id }),
        project: &project.id,
        environment: &environment,
    };
    let mut deployment = executions::start_execution(call, &execution, body)?;
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

/// The request of command-line tools: a release by its version, and environments by name.
fn deploy_by_name(call: &RequestContext<'_>) -> HandlerResult {
    let body = call.request.body_object()?;
    let project = find::find_project_by_name(call, text_field(&body, "ProjectName"))?;
    let version = text_field(&body, "ReleaseVersion");
    let release = find::find_by_version(call, &project.id, version)?
        .ok_or_else(|| ErrorResponse::unknown_reference(RELEASES.noun, version))?;
    let tasks = executions::for_each_environment(&body, "DeploymentId", |asked| {
        asked["ReleaseId"] = json!(release.id);
        create_deployment(call, asked)
    })?;
    Ok(SandboxResponse::created(&json!({ "DeploymentServerTasks": tasks })))
}
