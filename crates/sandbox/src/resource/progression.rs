//! How far releases have come: the environments of a lifecycle, and what was deployed to them.
//!
//! Lifecycles are not in force here, so every environment of a phase is open to every release.
//!
//! # Source
//!
//! `OctopusDeploy/go-octopusdeploy`, `pkg/projects/progression.go` and `pkg/releases/progression.go`.

use crate::{
    answer::{HandlerResult, SandboxResponse},
    context::RequestContext,
    json::{array_items, text_field, text_list},
    kind::{CHANNELS, DEPLOYMENTS, ENVIRONMENTS, LIFECYCLES, PROJECTS, RELEASES, TASKS},
    resource::{channels, dashboard, defects},
    store::{self, StoredDocument},
};
use rusqlite::params;
use serde_json::{Map, Value, json};

/// How many releases the progression of a project shows.
const RELEASES_SHOWN: usize = 30;

/// `…/projects/{id}/progression`.
pub(crate) fn project_progression(
    call: &RequestContext<'_>,
    project: &StoredDocument,
) -> HandlerResult {
    call.person.require_permission(RELEASES.view)?;
    let own_lifecycle = text_field(&project.parse_body()?, "LifecycleId").to_owned();
    let (mut by_lifecycle, mut by_channel) = (Map::new(), Map::new());
    let mut all: Vec<Value> = Vec::new();
    for channel in channels::project_channels(call, &project.id)? {
        let lifecycle = text_field(&channel.parse_body()?, "LifecycleId").to_owned();
        let lifecycle = if lifecycle.is_empty() { own_lifecycle.clone() } else { lifecycle };
        let environments = environment_references(call, &lifecycle)?;
        all.extend(environments.iter().filter(|it| !all.contains(it)).cloned().collect::<Vec<_>>());
        by_channel.insert(channel.id, json!(environments));
        by_lifecycle.insert(lifecycle, json!(environments));
    }
    let condition = "space = ?2 and owner = ?3";
    let values = params![RELEASES.prefix, call.space, project.id];
    let releases = store::select_documents(call.db, &RELEASES, condition, values)?;
    let releases: Vec<Value> = releases
        .iter()
        .take(RELEASES_SHOWN)
        .map(|release| release_entry(call, release, &by_channel))
        .collect::<HandlerResult<_>>()?;
    Ok(SandboxResponse::from_document(&json!({
        "Id": null,
        "LifecycleEnvironments": by_lifecycle,
        "Environments": all,
        "ChannelEnvironments": by_channel,
        "Releases": releases,
        "Links": { "Self": call.space_path(&format!("projects/{}/progression", project.id)) },
    })))
}

/// A release with its deployments by environment.
fn release_entry(
    call: &RequestContext<'_>,
    release: &StoredDocument,
    by_channel: &Map<String, Value>,
) -> HandlerResult<Value> {
    let document = release.parse_body()?;
    let channel = text_field(&document, "ChannelId").to_owned();
    let mut deployments: Map<String, Value> = Map::new();
    for deployment in release_deployments(call, &release.id)? {
        let environment = text_field(&deployment, "EnvironmentId").to_owned();
        let is_current = !deployments.contains_key(&environment);
        let mut item = dashboard::dashboard_item(call, &deployment, is_current)?;
        item["DeploymentEnvironmentId"] = json!(environment);
        let items = deployments.entry(environment).or_insert_with(|| json!([]));
        items.as_array_mut().into_iter().for_each(|items| items.push(item.clone()));
    }
    let environments = by_channel.get(&channel).and_then(Value::as_array);
    let environments = environments.into_iter().flatten().map(|it| text_field(it, "Id"));
    let next: Vec<&str> = environments.filter(|id| !deployments.contains_key(*id)).collect();
    let channel = store::find_document(call.db, &CHANNELS, &call.space, &channel)?;
    Ok(json!({
        "Release": document,
        "Channel": channel.map(|it| it.parse_body()).transpose()?,
        "Deployments": deployments,
        "NextDeployments": next,
        "HasUnresolvedDefect": defects::has_open_defect(call, &release.id)?,
        "ReleaseRetentionPeriod": null,
        "TentacleRetentionPeriod": null,
    }))
}

/// `…/releases/{id}/progression`: the phases of the release's lifecycle.
pub(crate) fn release_progression(
    call: &RequestContext<'_>,
    release: &StoredDocument,
) -> HandlerResult {
    call.person.require_permission(RELEASES.view)?;
    let document = release.parse_body()?;
    let deployments = release_deployments(call, &release.id)?;
    let mut phases = Vec::new();
    let mut next: Vec<String> = Vec::new();
    for mut phase in lifecycle_phases(call, &release_lifecycle(call, &document)?)? {
        let targets = phase_environments(&phase);
        let is_here = |it: &&Value| targets.contains(&text_field(it, "EnvironmentId").to_owned());
        let here: Vec<&Value> = deployments.iter().filter(is_here).collect();
        let is_open = |id: &&String| !here.iter().any(|it| text_field(it, "EnvironmentId") == **id);
        next.extend(targets.iter().filter(is_open).cloned());
        phase["Id"] = Value::Null;
        phase["Blocked"] = json!(false);
        phase["Progress"] = json!(if here.is_empty() { "Pending" } else { "Complete" });
        phase["Deployments"] =
            here.iter().map(|it| phase_deployment(call, it)).collect::<HandlerResult<_>>()?;
        phases.push(phase);
    }
    Ok(SandboxResponse::from_document(&json!({
        "Id": null,
        "Phases": phases,
        "NextDeployments": next,
        "NextDeploymentsMinimumRequired": 0,
        "HasUnresolvedDefect": defects::has_open_defect(call, &release.id)?,
        "Links": { "Self": call.space_path(&format!("releases/{}/progression", release.id)) },
    })))
}

fn phase_deployment(call: &RequestContext<'_>, deployment: &Value) -> HandlerResult<Value> {
    let task =
        store::find_document(call.db, &TASKS, &call.space, text_field(deployment, "TaskId"))?;
    Ok(json!({
        "Task": task.map(|it| it.parse_body()).transpose()?,
        "Deployment": deployment,
    }))
}

/// The id of the lifecycle of a release: its channel's, or its project's.
fn release_lifecycle(call: &RequestContext<'_>, release: &Value) -> HandlerResult<String> {
    for (kind, field) in [(&CHANNELS, "ChannelId"), (&PROJECTS, "ProjectId")] {
        let found = store::find_document(call.db, kind, &call.space, text_field(release, field))?;
        if let Some(found) = found {
            let document = found.parse_body()?;
            let lifecycle = text_field(&document, "LifecycleId");
            if !lifecycle.is_empty() {
                return Ok(lifecycle.to_owned());
            }
        }
    }
    Ok(String::new())
}

/// The phases of a lifecycle. One without phases has one for each environment, in their order.
pub(super) fn lifecycle_phases(
    call: &RequestContext<'_>,
    lifecycle: &str,
) -> HandlerResult<Vec<Value>> {
    let found = store::find_document(call.db, &LIFECYCLES, &call.space, lifecycle)?;
    let document = found.map(|it| it.parse_body()).transpose()?.unwrap_or_default();
    let phases = array_items(&document, "Phases");
    if !phases.is_empty() {
        return Ok(phases.to_vec());
    }
    let environments = store::list_documents(call.db, &ENVIRONMENTS, &call.space)?;
    let own_phase = |environment: &StoredDocument| {
        json!({
            "Id": null,
            "Name": environment.name,
            "AutomaticDeploymentTargets": [],
            "OptionalDeploymentTargets": [environment.id],
            "MinimumEnvironmentsBeforePromotion": 0,
            "IsOptionalPhase": false,
            "IsPriorityPhase": false,
            "ReleaseRetentionPolicy": null,
            "TentacleRetentionPolicy": null,
        })
    };
    Ok(environments.iter().map(own_phase).collect())
}

/// The ids of the environments of a phase.
fn phase_environments(phase: &Value) -> Vec<String> {
    let mut ids = text_list(phase, "AutomaticDeploymentTargets");
    ids.extend(text_list(phase, "OptionalDeploymentTargets"));
    ids
}

/// The environments of a lifecycle, each with its name.
fn environment_references(call: &RequestContext<'_>, lifecycle: &str) -> HandlerResult<Vec<Value>> {
    let mut references = Vec::new();
    for phase in lifecycle_phases(call, lifecycle)? {
        for id in phase_environments(&phase) {
            if let Some(found) = store::find_document(call.db, &ENVIRONMENTS, &call.space, &id)? {
                references.push(json!({ "Id": found.id, "Name": found.name }));
            }
        }
    }
    Ok(references)
}

/// The deployments of a release, newest first.
fn release_deployments(call: &RequestContext<'_>, release: &str) -> HandlerResult<Vec<Value>> {
    let condition = "space = ?2 and json_extract(body, '$.ReleaseId') = ?3";
    let values = params![DEPLOYMENTS.prefix, call.space, release];
    let found = store::select_documents(call.db, &DEPLOYMENTS, condition, values)?;
    Ok(found.iter().map(StoredDocument::parse_body).collect::<serde_json::Result<_>>()?)
}
