//! What is deployed where: the newest deployment of each project to each environment.
//!
//! # Source
//!
//! `OctopusDeploy/go-octopusdeploy`, `pkg/dashboard/dashboard.go`; its own test accepts no other field.

use crate::{
    answer::{HandlerResult, SandboxResponse},
    context::RequestContext,
    json::{bool_field, text_field},
    kind::{DEPLOYMENTS, DocumentKind, ENVIRONMENTS, GROUPS, PROJECTS, RELEASES, TASKS, TENANTS},
    store::{self, StoredDocument},
    text::contains_id,
};
use serde_json::{Value, json};
use std::collections::HashMap;

/// The fields of a dashboard's item that are those of its task.
const FROM_TASK: [&str; 9] = [
    "State",
    "IsCompleted",
    "HasPendingInterruptions",
    "HasWarningsOrErrors",
    "ErrorMessage",
    "Duration",
    "QueueTime",
    "StartTime",
    "CompletedTime",
];

/// `…/dashboard` and `…/dashboard/dynamic`.
pub(crate) fn answer_dashboard(call: &RequestContext<'_>, is_dynamic: bool) -> HandlerResult {
    call.person.require_permission(DEPLOYMENTS.view)?;
    let request = call.request;
    let projects = request.list_parameter(if is_dynamic { "projects" } else { "projectid" });
    let environments = request.list_parameter("environments").filter(|_| is_dynamic);
    let tenants = request.list_parameter("selectedtenants").filter(|_| !is_dynamic);
    let with_previous = is_dynamic && request.flag_parameter("includeprevious") == Some(true);
    let is_wanted = |deployment: &Value| {
        [(&projects, "ProjectId"), (&environments, "EnvironmentId"), (&tenants, "TenantId")]
            .iter()
            .all(|(ids, field)| {
                ids.as_ref().is_none_or(|ids| contains_id(ids, text_field(deployment, field)))
            })
    };
    let mut seen: HashMap<[String; 3], usize> = HashMap::new();
    let mut items = Vec::new();
    for deployment in store::list_documents(call.db, &DEPLOYMENTS, &call.space)? {
        let deployment = deployment.parse_body()?;
        let cell = ["ProjectId", "EnvironmentId", "TenantId"]
            .map(|field| text_field(&deployment, field).to_owned());
        let before = seen.entry(cell).or_default();
        *before += 1;
        let is_shown = *before == 1 || *before == 2 && with_previous;
        if is_shown && is_wanted(&deployment) {
            items.push(dashboard_item(call, &deployment, *before == 1)?);
        }
    }
    let is_filtered = projects.is_some() || environments.is_some() || tenants.is_some();
    Ok(SandboxResponse::from_document(&json!({
        "Id": null,
        "Projects": references(call, &PROJECTS, project_reference)?,
        "ProjectGroups": references(call, &GROUPS, group_reference)?,
        "Environments": references(call, &ENVIRONMENTS, environment_reference)?,
        "Tenants": references(call, &TENANTS, tenant_reference)?,
        "Items": items,
        "ProjectLimit": null,
        "IsFiltered": is_filtered,
        "Links": {},
    })))
}

/// A deployment as dashboards show it.
pub(super) fn dashboard_item(
    call: &RequestContext<'_>,
    deployment: &Value,
    is_current: bool,
) -> HandlerResult<Value> {
    let find = |kind, field: &str| -> HandlerResult<Value> {
        let id = text_field(deployment, field);
        let found = store::find_document(call.db, kind, &call.space, id)?;
        Ok(found.map(|it| it.parse_body()).transpose()?.unwrap_or_default())
    };
    let (task, release) = (find(&TASKS, "TaskId")?, find(&RELEASES, "ReleaseId")?);
    let mut item = json!({
        "Id": deployment["Id"],
        "ProjectId": deployment["ProjectId"],
        "EnvironmentId": deployment["EnvironmentId"],
        "ReleaseId": deployment["ReleaseId"],
        "ReleaseVersion": release["Version"],
        "DeploymentId": deployment["Id"],
        "TaskId": deployment["TaskId"],
        "TenantId": deployment["TenantId"],
        "ChannelId": deployment["ChannelId"],
        "Created": deployment["Created"],
        "HasPendingPreconditions": false,
        "PendingInterruptionTypes": [],
        "PendingPreconditionTypes": [],
        "IsCurrent": is_current,
        "IsPrevious": !is_current,
        "Links": {
            "Self": deployment["Links"]["Self"],
            "Release": deployment["Links"]["Release"],
            "Task": deployment["Links"]["Task"],
        },
    });
    for name in FROM_TASK {
        item[name] = task[name].clone();
    }
    Ok(item)
}

/// The documents of a kind that the caller may view, as a dashboard shows them.
fn references(
    call: &RequestContext<'_>,
    kind: &'static DocumentKind,
    reference: impl Fn(&StoredDocument, &Value) -> Value,
) -> HandlerResult<Vec<Value>> {
    if !call.person.has_permission(kind.view) {
        return Ok(Vec::new());
    }
    let documents = store::list_documents(call.db, kind, &call.space)?;
    let shown = documents.iter().map(|it| Ok(reference(it, &it.parse_body()?)));
    shown.collect()
}

fn project_reference(stored: &StoredDocument, project: &Value) -> Value {
    json!({
        "Id": stored.id,
        "Name": stored.name,
        "Slug": stored.slug,
        "ProjectGroupId": project["ProjectGroupId"],
        "EnvironmentIds": [],
        "TenantedDeploymentMode": project["TenantedDeploymentMode"],
        "CanPerformUntenantedDeployment": project["TenantedDeploymentMode"] != "Tenanted",
        "IsDisabled": bool_field(project, "IsDisabled"),
        "Links": { "Self": project["Links"]["Self"] },
    })
}

fn group_reference(stored: &StoredDocument, group: &Value) -> Value {
    json!({
        "Id": stored.id,
        "Name": stored.name,
        "EnvironmentIds": group["EnvironmentIds"],
        "Links": { "Self": group["Links"]["Self"] },
    })
}

fn environment_reference(stored: &StoredDocument, environment: &Value) -> Value {
    json!({
        "Id": stored.id,
        "Name": stored.name,
        "Links": { "Self": environment["Links"]["Self"] },
    })
}

fn tenant_reference(stored: &StoredDocument, tenant: &Value) -> Value {
    json!({
        "Id": stored.id,
        "Name": stored.name,
        "TenantTags": tenant["TenantTags"],
        "ProjectEnvironments": tenant["ProjectEnvironments"],
        "IsDisabled": bool_field(tenant, "IsDisabled"),
        "Links": { "Self": tenant["Links"]["Self"] },
    })
}
