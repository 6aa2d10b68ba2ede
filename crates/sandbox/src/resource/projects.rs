//! Projects and runbooks, and what comes and goes with them: processes and variable sets.
//!
//! Never: what a project has in Git; that is in `versioned`.

use super::{RequestContext, processes, tasks, text, variables};
use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    kind::{
        BRANCHES, CHANNELS, COMMITS, DEPLOYMENTS, GROUPS, LIFECYCLES, PROCESSES, PROJECTS,
        RELEASES, RUNBOOK_PROCESSES, RUNBOOKS, RUNS, SNAPSHOTS, TAGS, VARIABLES,
    },
    page::ListFilter,
    request::HttpVerb,
    store::{self, StoredDocument},
};
use rusqlite::{Connection, params};
use serde_json::{Value, json};

/// The project of this id or slug, or 404.
pub(crate) fn find(call: &RequestContext<'_>, id: &str) -> HandlerResult<StoredDocument> {
    call.person.needs(PROJECTS.view)?;
    let by_id = store::find(call.db, &PROJECTS, &call.space, id)?;
    let project = match by_id {
        Some(project) => Some(project),
        None => store::find_slug(call.db, &PROJECTS, &call.space, id)?,
    };
    project.ok_or_else(ErrorResponse::missing)
}

/// `…/projects/{id}/summary`: whether there is anything to run.
pub(crate) fn summary(call: &RequestContext<'_>, project: &StoredDocument) -> HandlerResult {
    let process = format!("{}-{}", PROCESSES.prefix, project.id);
    let process = store::find(call.db, &PROCESSES, &call.space, &process)?;
    let process = process.map(|it| it.value()).transpose()?.unwrap_or_default();
    let values = params![RUNBOOKS.prefix, call.space, project.id];
    let runbooks = store::select(call.db, &RUNBOOKS, "space = ?2 and owner = ?3", values)?;
    Ok(SandboxResponse::of(&json!({
        "HasDeploymentProcess": process["Steps"].as_array().is_some_and(|it| !it.is_empty()),
        "HasRunbooks": !runbooks.is_empty(),
    })))
}

/// `…/projects/{id}/runbooks`.
pub(crate) fn runbooks(
    call: &RequestContext<'_>,
    project: &StoredDocument,
    path: &[&str],
) -> HandlerResult {
    let mut filter = ListFilter::new(&RUNBOOKS, &call.space, call.request);
    filter.and("owner =", &project.id);
    if !call.person.may(RUNBOOKS.view) {
        filter.and("id =", "");
    }
    match (call.verb(), path) {
        (HttpVerb::Get, []) => {
            filter.page(call.db, &call.at(&format!("projects/{}/runbooks", project.id)))
        }
        (HttpVerb::Get, ["all"]) => Ok(filter.array()),
        (HttpVerb::Get, [_]) => super::plain::route(call, RUNBOOKS.path, path),
        (HttpVerb::Post, []) => super::plain::route(call, RUNBOOKS.path, path),
        _ => Err(ErrorResponse::missing()),
    }
}

/// What a project says that is told nothing.
pub(super) fn defaults(call: &RequestContext<'_>, id: &str) -> HandlerResult<Value> {
    let first = |kind| -> HandlerResult<Option<String>> {
        Ok(store::all(call.db, kind, &call.space)?.first().map(|it| it.id.clone()))
    };
    let mut project = project(id);
    project["ProjectGroupId"] = json!(first(&GROUPS)?);
    project["LifecycleId"] = json!(first(&LIFECYCLES)?);
    Ok(project)
}

/// Where a project keeps what it is made of is not changed by saving it: the database is left by
/// `git/convert` alone, and Git never.
pub(super) fn stay(project: &mut Value, old: &Value) {
    let in_git = old["IsVersionControlled"] == true;
    let is_said = project["PersistenceSettings"]["Type"] == "VersionControlled";
    project["IsVersionControlled"] = json!(in_git);
    if in_git && !is_said {
        project["PersistenceSettings"] = old["PersistenceSettings"].clone();
    } else if !in_git {
        project["PersistenceSettings"] = json!({ "Type": "Database" });
    }
}

/// The fields of a project that nobody chooses.
pub(crate) fn project(id: &str) -> Value {
    json!({
        "Description": "",
        "IsDisabled": false,
        "IsVersionControlled": false,
        "PersistenceSettings": { "Type": "Database" },
        "DeploymentProcessId": format!("{}-{id}", PROCESSES.prefix),
        "VariableSetId": format!("{}-{id}", VARIABLES.prefix),
        "IncludedLibraryVariableSetIds": [],
        "ClonedFromProjectId": null,
        "DiscreteChannelRelease": false,
        "AutoCreateRelease": false,
        "DefaultGuidedFailureMode": "EnvironmentDefault",
        "TenantedDeploymentMode": "Untenanted",
        "ProjectConnectivityPolicy": {
            "SkipMachineBehavior": "None",
            "TargetRoles": [],
            "AllowDeploymentsToNoTargets": false,
            "ExcludeUnhealthyTargets": false,
        },
        "VersioningStrategy": {
            "Template": "#{Octopus.Version.LastMajor}.#{Octopus.Version.LastMinor}.#{Octopus.Version.NextPatch}",
            "DonorPackage": null,
        },
        "Templates": [],
        "ExtensionSettings": [],
    })
}

/// The fields of a runbook that nobody chooses.
pub(crate) fn runbook_defaults(id: &str) -> Value {
    json!({
        "Description": "",
        "RunbookProcessId": format!("{}-{id}", RUNBOOK_PROCESSES.prefix),
        "PublishedRunbookSnapshotId": null,
        "MultiTenancyMode": "Untenanted",
        "EnvironmentScope": "All",
        "Environments": [],
        "DefaultGuidedFailureMode": "EnvironmentDefault",
        "RunRetentionPolicy": { "QuantityToKeep": 100, "ShouldKeepForever": false },
        "ConnectivityPolicy": {
            "SkipMachineBehavior": "None",
            "TargetRoles": [],
            "AllowDeploymentsToNoTargets": true,
            "ExcludeUnhealthyTargets": false,
        },
        "ForcePackageDownload": false,
        "RunbookTags": [],
    })
}

/// Makes what a new project comes with.
pub(super) fn made(call: &RequestContext<'_>, project: &Value) -> HandlerResult<()> {
    let id = text(project, "Id");
    store::save(call.db, &processes::empty(&call.space, id, None))?;
    store::save(call.db, &variables::empty(&call.space, id))?;
    Ok(())
}

/// Makes what a new runbook comes with.
pub(super) fn runbook_made(call: &RequestContext<'_>, runbook: &Value) -> HandlerResult<()> {
    let project = text(runbook, "ProjectId");
    if !call.has(&PROJECTS, project)? {
        return Err(ErrorResponse::rule(format!("The project '{project}' does not exist.")));
    }
    let process = processes::empty(&call.space, project, Some(text(runbook, "Id")));
    Ok(store::save(call.db, &process)?)
}

/// Deletes what goes with a project or a runbook.
pub(super) fn delete_what_belongs(
    call: &RequestContext<'_>,
    owner: &StoredDocument,
) -> HandlerResult<()> {
    for kind in [&DEPLOYMENTS, &RUNS] {
        for run in store::select(call.db, kind, "owner = ?2", params![kind.prefix, owner.id])? {
            tasks::forget(call, &run)?;
        }
    }
    let owned = [&PROCESSES, &VARIABLES, &RUNBOOK_PROCESSES, &CHANNELS, &RELEASES, &DEPLOYMENTS];
    for kind in owned.into_iter().chain([&SNAPSHOTS, &RUNS, &BRANCHES, &TAGS, &COMMITS]) {
        delete_owned(call.db, kind, &owner.id)?;
    }
    for runbook in
        store::select(call.db, &RUNBOOKS, "owner = ?2", params![RUNBOOKS.prefix, owner.id])?
    {
        delete_what_belongs(call, &runbook)?;
        store::delete(call.db, &runbook.id)?;
    }
    Ok(())
}

fn delete_owned(
    db: &Connection,
    kind: &'static crate::kind::DocumentKind,
    owner: &str,
) -> HandlerResult<()> {
    for document in store::select(db, kind, "owner = ?2", params![kind.prefix, owner])? {
        store::delete(db, &document.id)?;
    }
    Ok(())
}
