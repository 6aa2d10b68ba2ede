//! Projects and runbooks, and what comes and goes with them: processes and variable sets.
//!
//! What a project keeps in Git is in `versioned`.

use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    context::RequestContext,
    document::{channel, process, variable_set},
    json::text_field,
    kind::{
        BRANCHES, CHANNELS, COMMITS, DEFECTS, DEPLOYMENTS, DocumentKind, GROUPS, LIFECYCLES,
        PROCESSES, PROJECTS, RELEASES, RUNBOOK_PROCESSES, RUNBOOKS, RUNS, SNAPSHOTS, TAGS,
        TRIGGERS, VARIABLES,
    },
    request::HttpVerb,
    resource::tasks,
    store::{self, StoredDocument},
};
use rusqlite::{Connection, params};
use serde_json::{Value, json};

/// `…/projects/{id}/summary`: whether there is anything to run.
pub(crate) fn project_summary(
    call: &RequestContext<'_>,
    project: &StoredDocument,
) -> HandlerResult {
    let process = PROCESSES.id_for(&project.id);
    let process = store::find_document(call.db, &PROCESSES, &call.space, &process)?;
    let process = process.map(|it| it.parse_body()).transpose()?.unwrap_or_default();
    let values = params![RUNBOOKS.prefix, call.space, project.id];
    let runbooks =
        store::select_documents(call.db, &RUNBOOKS, "space = ?2 and owner = ?3", values)?;
    Ok(SandboxResponse::from_document(&json!({
        "HasDeploymentProcess": process["Steps"].as_array().is_some_and(|it| !it.is_empty()),
        "HasRunbooks": !runbooks.is_empty(),
    })))
}

/// `…/projects/{id}/runbooks`.
pub(crate) fn route_runbooks(
    call: &RequestContext<'_>,
    project: &StoredDocument,
    path: &[&str],
) -> Option<HandlerResult> {
    let mut filter = call.list_filter(&RUNBOOKS);
    filter.add_condition("owner =", &project.id);
    Some(match (call.verb(), path) {
        (HttpVerb::Get, []) => filter
            .page_answer(call.db, &call.space_path(&format!("projects/{}/runbooks", project.id))),
        (HttpVerb::Get, ["all"]) => Ok(filter.array_answer()),
        (_, [id, ..]) => match call.find_document(&RUNBOOKS, id) {
            Ok(runbook) if runbook.owner.eq_ignore_ascii_case(&project.id) => return None,
            Ok(_) => Err(ErrorResponse::not_found()),
            Err(refusal) => Err(refusal),
        },
        _ => return None,
    })
}

/// `…/projects/{id}/triggers`.
pub(crate) fn route_triggers(
    call: &RequestContext<'_>,
    project: &StoredDocument,
    path: &[&str],
) -> Option<HandlerResult> {
    let (HttpVerb::Get, []) = (call.verb(), path) else { return None };
    let path = format!("projects/{}/triggers", project.id);
    Some(call.page_where(&TRIGGERS, "owner =", &project.id, &path))
}

/// The group and the lifecycle of a project that names none.
pub(super) fn space_defaults(call: &RequestContext<'_>) -> HandlerResult<Value> {
    let first_id = |kind| -> HandlerResult<Option<String>> {
        Ok(store::list_documents(call.db, kind, &call.space)?.first().map(|it| it.id.clone()))
    };
    Ok(json!({ "ProjectGroupId": first_id(&GROUPS)?, "LifecycleId": first_id(&LIFECYCLES)? }))
}

/// Saving a project does not change where it is stored: only `git/convert` moves it out of the database, and
/// nothing moves it out of Git.
pub(super) fn keep_persistence(project: &mut Value, old: &Value) {
    let in_git = old["IsVersionControlled"] == true;
    let is_said = project["PersistenceSettings"]["Type"] == "VersionControlled";
    project["IsVersionControlled"] = json!(in_git);
    if in_git && !is_said {
        project["PersistenceSettings"] = old["PersistenceSettings"].clone();
    } else if !in_git {
        project["PersistenceSettings"] = json!({ "Type": "Database" });
    }
}

/// Creates the process and the variable set of a new project.
pub(super) fn create_project_parts(
    call: &RequestContext<'_>,
    project: &Value,
) -> HandlerResult<()> {
    let id = text_field(project, "Id");
    store::save_document(call.db, &process::empty_process(&call.space, id, None))?;
    store::save_document(call.db, &variable_set::empty_variables(&call.space, id))?;
    Ok(channel::add_default_channel(call.db, &call.space, id)?)
}

/// Creates the process of a new runbook.
pub(super) fn create_runbook_parts(
    call: &RequestContext<'_>,
    runbook: &Value,
) -> HandlerResult<()> {
    let project = text_field(runbook, "ProjectId");
    call.require_reference(&PROJECTS, project)?;
    let process = process::empty_process(&call.space, project, Some(text_field(runbook, "Id")));
    Ok(store::save_document(call.db, &process)?)
}

/// Deletes everything that belongs to a project or a runbook.
pub(super) fn delete_dependents(
    call: &RequestContext<'_>,
    owner: &StoredDocument,
) -> HandlerResult<()> {
    for kind in [&DEPLOYMENTS, &RUNS] {
        for run in
            store::select_documents(call.db, kind, "owner = ?2", params![kind.prefix, owner.id])?
        {
            tasks::cancel_owned_task(call, &run)?;
        }
    }
    let owned = [&PROCESSES, &VARIABLES, &RUNBOOK_PROCESSES, &CHANNELS, &RELEASES, &DEPLOYMENTS];
    let releases = params![RELEASES.prefix, owner.id];
    for release in store::select_documents(call.db, &RELEASES, "owner = ?2", releases)? {
        delete_owned(call.db, &DEFECTS, &release.id)?;
    }
    let in_git = [&SNAPSHOTS, &RUNS, &BRANCHES, &TAGS, &COMMITS, &TRIGGERS];
    for kind in owned.into_iter().chain(in_git) {
        delete_owned(call.db, kind, &owner.id)?;
    }
    for runbook in store::select_documents(
        call.db,
        &RUNBOOKS,
        "owner = ?2",
        params![RUNBOOKS.prefix, owner.id],
    )? {
        delete_dependents(call, &runbook)?;
        store::delete_document(call.db, &runbook.id)?;
    }
    Ok(())
}

pub(super) fn delete_owned(
    db: &Connection,
    kind: &'static DocumentKind,
    owner: &str,
) -> HandlerResult<()> {
    for document in store::select_documents(db, kind, "owner = ?2", params![kind.prefix, owner])? {
        store::delete_document(db, &document.id)?;
    }
    Ok(())
}
