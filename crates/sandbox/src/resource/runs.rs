//! Snapshots of runbooks, and their runs.
//!
//! A run executes the published snapshot unless it names another.

use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    context::RequestContext,
    document::links,
    json::{json_field, text_field, text_list},
    kind::{PROJECTS, RUNBOOK_PROCESSES, RUNBOOKS, RUNS, SNAPSHOTS},
    permission,
    request::HttpVerb,
    resource::{
        executions::{self, NewExecution},
        find,
        snapshot::{self, FrozenVariables},
        templates,
    },
    store::{self, StoredDocument},
    time::current_time,
};
use serde_json::{Value, json};

/// Routes that only snapshots of runbooks have.
pub(crate) fn route_snapshots(call: &RequestContext<'_>, path: &[&str]) -> Option<HandlerResult> {
    match (call.verb(), path) {
        (HttpVerb::Post, []) => Some(create(call)),
        (HttpVerb::Get, [id, "runbookruns"]) => {
            Some(call.find_document(&SNAPSHOTS, id).and_then(|snapshot| {
                let path = format!("runbookSnapshots/{}/runbookRuns", snapshot.id);
                let field = "json_extract(body, '$.RunbookSnapshotId') =";
                call.page_where(&RUNS, field, &snapshot.id, &path)
            }))
        }
        (HttpVerb::Get, [id, "runbookruntemplate"]) => Some(
            call.find_document(&SNAPSHOTS, id)
                .and_then(|snapshot| templates::run_template(call, &snapshot.owner)),
        ),
        (HttpVerb::Post, [id, "snapshot-variables"]) => Some(snapshot_variables(call, id)),
        _ => None,
    }
}

/// Routes that only runs have.
pub(crate) fn route_runs(call: &RequestContext<'_>, path: &[&str]) -> Option<HandlerResult> {
    Some(match (call.verb(), path) {
        (HttpVerb::Post, []) => call
            .request
            .body_object()
            .and_then(|body| create_run(call, &body))
            .map(|run| SandboxResponse::created(&run)),
        (HttpVerb::Post, ["create", "v1"]) => run_by_name(call),
        (HttpVerb::Put, [_]) => Err(ErrorResponse::method_not_allowed()),
        _ => return None,
    })
}

/// `…/runbooks/{id}/runbookSnapshots` and `…/runbookRuns`.
pub(crate) fn route_runbook_runs(
    call: &RequestContext<'_>,
    path: &[&str],
) -> Option<HandlerResult> {
    let (id, kind) = match (call.verb(), path) {
        (HttpVerb::Get, [id, "runbooksnapshots", name]) => {
            return Some(get_by_name(call, "owner = ?2", id, name));
        }
        (HttpVerb::Get, [id, "runbooksnapshots"]) => (id, &SNAPSHOTS),
        (HttpVerb::Get, [id, "runbookruns"]) => (id, &RUNS),
        (HttpVerb::Post, [id, "run"]) => return Some(run_published(call, id)),
        _ => return None,
    };
    Some(call.find_document(&RUNBOOKS, id).and_then(|runbook| {
        let path = format!("runbooks/{}/{}", runbook.id, kind.link);
        call.page_where(kind, "owner =", &runbook.id, &path)
    }))
}

/// `…/projects/{id}/runbookSnapshots` and `…/runbookSnapshots/{name}`.
pub(crate) fn project_snapshots(
    call: &RequestContext<'_>,
    project: &StoredDocument,
    path: &[&str],
) -> HandlerResult {
    match (call.verb(), path) {
        (HttpVerb::Get, []) => {
            let path = format!("projects/{}/runbookSnapshots", project.id);
            call.page_where(&SNAPSHOTS, "json_extract(body, '$.ProjectId') =", &project.id, &path)
        }
        (HttpVerb::Get, [name]) => {
            get_by_name(call, "json_extract(body, '$.ProjectId') = ?2", &project.id, name)
        }
        _ => Err(ErrorResponse::not_found()),
    }
}

/// The snapshot of a name or id, below the owner for which a condition holds.
fn get_by_name(
    call: &RequestContext<'_>,
    of_owner: &str,
    owner: &str,
    name: &str,
) -> HandlerResult {
    call.person.require_permission(SNAPSHOTS.view)?;
    let condition = format!("{of_owner} and (name = ?3 or id = ?3)");
    let values = [SNAPSHOTS.prefix, owner, name];
    let found = store::select_documents(call.db, &SNAPSHOTS, &condition, values)?;
    let snapshot = found.into_iter().next().ok_or_else(ErrorResponse::not_found)?;
    Ok(SandboxResponse::from_json(snapshot.body))
}

/// Replaces the frozen variables of a snapshot by the current ones.
fn snapshot_variables(call: &RequestContext<'_>, id: &str) -> HandlerResult {
    call.person.require_permission(SNAPSHOTS.edit)?;
    let mut snapshot = call.find_document(&SNAPSHOTS, id)?.parse_body()?;
    let project = call.find_document(&PROJECTS, text_field(&snapshot, "ProjectId"))?;
    let FrozenVariables { set, libraries } = snapshot::freeze_variables(call, &project)?;
    snapshot["FrozenProjectVariableSetId"] = json!(set);
    snapshot["ProjectVariableSetSnapshotId"] = json!(set);
    snapshot["LibraryVariableSetSnapshotIds"] = json!(libraries);
    store::save_document(call.db, &StoredDocument::with_id_rank(&SNAPSHOTS, &snapshot))?;
    Ok(SandboxResponse::from_document(&snapshot))
}

/// Runs the published snapshot of a runbook on one environment or several.
fn run_published(call: &RequestContext<'_>, id: &str) -> HandlerResult {
    let mut body = call.request.body_object()?;
    body["RunbookId"] = json!(call.find_document(&RUNBOOKS, id)?.id);
    let mut environments = text_list(&body, "EnvironmentIds");
    environments.extend(json_field(&body, "EnvironmentId").as_str().map(str::to_owned));
    let mut runs = Vec::new();
    for environment in environments {
        body["EnvironmentId"] = json!(environment);
        runs.push(create_run(call, &body)?);
    }
    Ok(SandboxResponse::created(&json!(runs)))
}

fn create(call: &RequestContext<'_>) -> HandlerResult {
    call.person.require_permission("RunbookSnapshotCreate")?;
    let body = call.request.body_object()?;
    let runbook = call.require_reference(&RUNBOOKS, text_field(&body, "RunbookId"))?;
    let publish = call.request.flag_parameter("publish") == Some(true);
    let snapshot = build_snapshot(call, &runbook, &body)?;
    if publish {
        call.person.require_permission(RUNBOOKS.edit)?;
        let mut runbook = runbook.parse_body()?;
        runbook["PublishedRunbookSnapshotId"] = snapshot["Id"].clone();
        store::save_document(call.db, &StoredDocument::new(&RUNBOOKS, &runbook))?;
    }
    Ok(SandboxResponse::created(&snapshot))
}

/// A snapshot of the runbook as it is now.
fn build_snapshot(
    call: &RequestContext<'_>,
    runbook: &StoredDocument,
    body: &Value,
) -> HandlerResult<Value> {
    let project = call.find_document(&PROJECTS, &runbook.owner)?;
    let process = RUNBOOK_PROCESSES.id_for(&runbook.id);
    let process = snapshot::take_snapshot(call, &RUNBOOK_PROCESSES, &process)?;
    let FrozenVariables { set, libraries } = snapshot::freeze_variables(call, &project)?;
    let id = store::next_id(call.db, &SNAPSHOTS)?;
    let name = match text_field(body, "Name").trim() {
        "" => format!("Snapshot {id}"),
        name => name.to_owned(),
    };
    let mut snapshot = json!({
        "Id": id,
        "SpaceId": call.space,
        "ProjectId": project.id,
        "RunbookId": runbook.id,
        "Name": name,
        "Notes": json_field(body, "Notes"),
        "Assembled": current_time(),
        "FrozenRunbookProcessId": process,
        "FrozenProjectVariableSetId": set,
        "ProjectVariableSetSnapshotId": set,
        "LibraryVariableSetSnapshotIds": libraries,
        "SelectedPackages": json_field(body, "SelectedPackages").as_array().cloned().unwrap_or_default(),
        "SelectedGitResources": [],
    });
    snapshot["Links"] = links::document_links(&SNAPSHOTS, &call.space, &id, &snapshot);
    store::save_document(call.db, &StoredDocument::with_id_rank(&SNAPSHOTS, &snapshot))?;
    Ok(snapshot)
}

fn create_run(call: &RequestContext<'_>, body: &Value) -> HandlerResult<Value> {
    call.person.require_permission(permission::for_action("Create", RUNS.edit))?;
    let runbook = call.require_reference(&RUNBOOKS, text_field(body, "RunbookId"))?;
    let environment = find::find_environment(call, text_field(body, "EnvironmentId"))?;
    let document = runbook.parse_body()?;
    let chosen = [
        text_field(body, "RunbookSnapshotId"),
        text_field(&document, "PublishedRunbookSnapshotId"),
    ];
    let Some(chosen) = chosen.into_iter().find(|it| !it.is_empty()) else {
        return Err(ErrorResponse::bad_request("Runbook has no published snapshot."));
    };
    let snapshot = store::find_document(call.db, &SNAPSHOTS, &call.space, chosen)?;
    let snapshot = snapshot
        .filter(|snapshot| snapshot.owner.eq_ignore_ascii_case(&runbook.id))
        .ok_or_else(|| ErrorResponse::unknown_reference(SNAPSHOTS.noun, chosen))?;
    let snapshot = snapshot.parse_body()?;
    let id = store::next_id(call.db, &RUNS)?;
    let description = format!("Run {} on {}", runbook.name, environment.name);
    let execution = NewExecution {
        id: &id,
        task: "RunbookRun",
        description: description.clone(),
        arguments: json!({
            "RunbookRunId": id, "RunbookId": runbook.id, "EnvironmentId": environment.id,
        }),
        project: &runbook.owner,
        environment: &environment,
    };
    let mut run = executions::start_execution(call, &execution, body)?;
    run["RunbookId"] = json!(runbook.id);
    run["RunbookSnapshotId"] = snapshot["Id"].clone();
    run["ProjectId"] = json!(runbook.owner);
    run["FrozenRunbookProcessId"] = snapshot["FrozenRunbookProcessId"].clone();
    run["ManifestVariableSetId"] = snapshot["FrozenProjectVariableSetId"].clone();
    run["Name"] = json!(description);
    run["Links"] = links::document_links(&RUNS, &call.space, &id, &run);
    store::save_document(call.db, &StoredDocument::with_id_rank(&RUNS, &run))?;
    Ok(run)
}

/// The request of command-line tools: a runbook and environments by name.
fn run_by_name(call: &RequestContext<'_>) -> HandlerResult {
    let body = call.request.body_object()?;
    let project = find::find_project_by_name(call, text_field(&body, "ProjectName"))?;
    let named = [text_field(&body, "RunbookName"), text_field(&body, "RunbookId")];
    let named = named.into_iter().find(|it| !it.is_empty()).unwrap_or_default();
    let condition = "owner = ?2 and (name = ?3 or id = ?3 or slug = ?3)";
    let found = store::select_documents(
        call.db,
        &RUNBOOKS,
        condition,
        [RUNBOOKS.prefix, &project.id, named],
    )?;
    let unknown_runbook = || ErrorResponse::unknown_reference(RUNBOOKS.noun, named);
    let runbook = found.into_iter().next().ok_or_else(unknown_runbook)?;
    let snapshot = find::find_snapshot_id(call, &runbook, text_field(&body, "Snapshot"))?;
    let tasks = executions::for_each_environment(&body, "RunbookRunId", |asked| {
        asked["RunbookId"] = json!(runbook.id);
        asked["RunbookSnapshotId"] = json!(snapshot);
        create_run(call, asked)
    })?;
    Ok(SandboxResponse::created(&json!({ "RunbookRunServerTasks": tasks })))
}
