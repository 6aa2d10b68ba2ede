//! What a deployment or a run would execute: its steps, and the targets of each.
//!
//! # Source
//!
//! `OctopusDeploy/go-octopusdeploy`, `pkg/deployments/deployment_preview.go`; the paths, `uritemplates/links.go`.

use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    context::RequestContext,
    json::{array_items, bool_field, json_field, text_field, text_list},
    kind::{PROCESSES, RELEASES, RUNBOOK_PROCESSES, RUNBOOKS, SNAPSHOTS, TARGETS},
    request::HttpVerb,
    resource::find,
    store::{self, StoredDocument},
    text::contains_id,
};
use rusqlite::params;
use serde_json::{Value, json};

/// The role that targets must have for a step.
const ROLES: &str = "Octopus.Action.TargetRoles";

/// Routes of previews below a release, a runbook or a snapshot.
pub(crate) fn route_previews(
    call: &RequestContext<'_>,
    first: &str,
    path: &[&str],
) -> Option<HandlerResult> {
    let is_read = call.verb() == HttpVerb::Get;
    Some(match (first, path) {
        ("releases", [id, "deployments", "preview", environment]) if is_read => {
            preview_one(call, first, id, environment)
        }
        ("runbooks" | "runbooksnapshots", [id, "runbookruns", "preview", environment])
            if is_read =>
        {
            preview_one(call, first, id, environment)
        }
        ("releases", [id, "deployments", "previews"])
        | ("runbooks" | "runbooksnapshots", [id, "runbookruns", "previews"])
            if call.verb() == HttpVerb::Post =>
        {
            preview_several(call, first, id)
        }
        _ => return None,
    })
}

fn preview_one(
    call: &RequestContext<'_>,
    first: &str,
    id: &str,
    environment: &str,
) -> HandlerResult {
    let process = frozen_process(call, first, id)?;
    let environment = find::find_environment(call, environment)?;
    let preview = build_preview(call, &process, &environment)?;
    Ok(SandboxResponse::from_document(&preview))
}

/// One preview for each environment that the body names.
fn preview_several(call: &RequestContext<'_>, first: &str, id: &str) -> HandlerResult {
    let process = frozen_process(call, first, id)?;
    let body = call.request.body_object()?;
    let mut previews = Vec::new();
    for asked in array_items(&body, "DeploymentPreviews") {
        let environment = find::find_environment(call, text_field(asked, "EnvironmentId"))?;
        previews.push(build_preview(call, &process, &environment)?);
    }
    Ok(SandboxResponse::from_document(&json!(previews)))
}

/// The process that a release or a snapshot has frozen, or that of a runbook as it is now.
fn frozen_process(call: &RequestContext<'_>, first: &str, id: &str) -> HandlerResult<Value> {
    let (owner, kind, field) = match first {
        "releases" => (&RELEASES, &PROCESSES, "ProjectDeploymentProcessSnapshotId"),
        "runbooks" => (&RUNBOOKS, &RUNBOOK_PROCESSES, "RunbookProcessId"),
        "runbooksnapshots" => (&SNAPSHOTS, &RUNBOOK_PROCESSES, "FrozenRunbookProcessId"),
        _ => return Err(ErrorResponse::not_found()),
    };
    call.person.require_permission(owner.view)?;
    let document = call.find_document(owner, id)?.parse_body()?;
    Ok(call.find_document(kind, text_field(&document, field))?.parse_body()?)
}

fn build_preview(
    call: &RequestContext<'_>,
    process: &Value,
    environment: &StoredDocument,
) -> HandlerResult<Value> {
    let with_disabled = call.request.flag_parameter("includedisabledsteps") == Some(true);
    let mut steps = Vec::new();
    for (index, step) in array_items(process, "Steps").iter().enumerate() {
        let roles = text_field(json_field(step, "Properties"), ROLES);
        let roles: Vec<&str> =
            roles.split(',').map(str::trim).filter(|role| !role.is_empty()).collect();
        let actions = array_items(step, "Actions");
        for (place, action) in actions.iter().enumerate() {
            if is_left_out(action, environment)
                || bool_field(action, "IsDisabled") && !with_disabled
            {
                continue;
            }
            let number = match actions {
                [_] => format!("{}", index + 1),
                _ => format!("{}.{}", index + 1, place + 1),
            };
            steps.push(step_preview(call, action, &number, &roles, environment)?);
        }
    }
    let guided = bool_field(&environment.parse_body()?, "UseGuidedFailure");
    Ok(json!({
        "Id": null,
        "Changes": [],
        "ChangesMarkdown": "",
        "Form": { "Values": {}, "Elements": [] },
        "StepsToExecute": steps,
        "UseGuidedFailureModeByDefault": guided,
        "Links": {},
    }))
}

/// Whether an action does not run in an environment.
fn is_left_out(action: &Value, environment: &StoredDocument) -> bool {
    let only = text_list(action, "Environments");
    (!only.is_empty() && !contains_id(&only, &environment.id))
        || contains_id(&text_list(action, "ExcludedEnvironments"), &environment.id)
}

fn step_preview(
    call: &RequestContext<'_>,
    action: &Value,
    number: &str,
    roles: &[&str],
    environment: &StoredDocument,
) -> HandlerResult<Value> {
    let machines =
        if roles.is_empty() { Vec::new() } else { targets_with_roles(call, roles, environment)? };
    let names: Vec<&str> = machines.iter().map(|it| text_field(it, "Name")).collect();
    let shown: Vec<Value> = machines
        .iter()
        .map(|it| {
            json!({
                "Id": it["Id"],
                "Name": it["Name"],
                "HasLatestCalamari": it["HasLatestCalamari"],
                "HealthStatus": it["HealthStatus"],
            })
        })
        .collect();
    Ok(json!({
        "ActionId": action["Id"],
        "ActionName": action["Name"],
        "ActionNumber": number,
        "Roles": roles,
        "MachineNames": names,
        "Machines": shown,
        "CanBeSkipped": !bool_field(action, "IsRequired"),
        "IsDisabled": bool_field(action, "IsDisabled"),
        "HasNoApplicableMachines": !roles.is_empty() && machines.is_empty(),
        "UnavailableMachines": [],
        "ExcludedMachines": [],
    }))
}

/// The enabled targets of an environment that have one of these roles.
fn targets_with_roles(
    call: &RequestContext<'_>,
    roles: &[&str],
    environment: &StoredDocument,
) -> HandlerResult<Vec<Value>> {
    let condition = "space = ?2 and exists
        (select 1 from json_each(body, '$.EnvironmentIds') it where it.value = ?3)";
    let values = params![TARGETS.prefix, call.space, environment.id];
    let mut found = Vec::new();
    for target in store::select_documents(call.db, &TARGETS, condition, values)? {
        let target = target.parse_body()?;
        let has_role = text_list(&target, "Roles").iter().any(|role| contains_id(roles, role));
        if has_role && !bool_field(&target, "IsDisabled") {
            found.push(target);
        }
    }
    Ok(found)
}
