//! Snapshots of runbooks, and the runs of those.
//!
//! A run is of the published snapshot unless it names another. Never: a run of the draft itself.

use super::{
    RequestContext, deployments, field, links, list, now, releases, snapshot, tasks, text,
};
use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    kind::{PROJECTS, RUNBOOK_PROCESSES, RUNBOOKS, RUNS, SNAPSHOTS},
    page::ListFilter,
    permission,
    request::HttpVerb,
    store::{self, StoredDocument},
};
use serde_json::{Value, json};

/// Answers what is special about snapshots of runbooks.
pub(crate) fn route_snapshots(call: &RequestContext<'_>, path: &[&str]) -> Option<HandlerResult> {
    match (call.verb(), path) {
        (HttpVerb::Post, []) => Some(create(call)),
        _ => None,
    }
}

/// Answers what is special about runs.
pub(crate) fn route(call: &RequestContext<'_>, path: &[&str]) -> Option<HandlerResult> {
    Some(match (call.verb(), path) {
        (HttpVerb::Post, []) => call
            .request
            .document()
            .and_then(|body| run(call, &body))
            .map(|run| SandboxResponse::created(&run)),
        (HttpVerb::Post, ["create", "v1"]) => run_by_name(call),
        (HttpVerb::Put, [_]) => Err(ErrorResponse::method()),
        _ => return None,
    })
}

/// `…/runbooks/{id}/runbookSnapshots` and `…/runbookRuns`; none for any other path.
pub(crate) fn of_runbook(call: &RequestContext<'_>, path: &[&str]) -> Option<HandlerResult> {
    let (id, kind) = match (call.verb(), path) {
        (HttpVerb::Get, [id, "runbooksnapshots"]) => (id, &SNAPSHOTS),
        (HttpVerb::Get, [id, "runbookruns"]) => (id, &RUNS),
        (HttpVerb::Post, [id, "run"]) => return Some(run_published(call, id)),
        _ => return None,
    };
    let listed = || {
        let runbook = call.find(&RUNBOOKS, id)?;
        let mut filter = ListFilter::new(kind, &call.space, call.request);
        filter.and("owner =", &runbook.id);
        if !call.person.may(kind.view) {
            filter.and("id =", "");
        }
        filter.page(call.db, &call.at(&format!("runbooks/{}/{}", runbook.id, kind.link)))
    };
    Some(listed())
}

/// `…/projects/{id}/runbookSnapshots` and `…/runbookSnapshots/{name}`.
pub(crate) fn of_project(
    call: &RequestContext<'_>,
    project: &StoredDocument,
    path: &[&str],
) -> HandlerResult {
    match (call.verb(), path) {
        (HttpVerb::Get, []) => {
            let mut filter = ListFilter::new(&SNAPSHOTS, &call.space, call.request);
            filter.and("json_extract(body, '$.ProjectId') =", &project.id);
            if !call.person.may(SNAPSHOTS.view) {
                filter.and("id =", "");
            }
            filter.page(call.db, &call.at(&format!("projects/{}/runbookSnapshots", project.id)))
        }
        (HttpVerb::Get, [name]) => {
            call.person.needs(SNAPSHOTS.view)?;
            let condition = "json_extract(body, '$.ProjectId') = ?2 and (name = ?3 or id = ?3)";
            let values = [SNAPSHOTS.prefix, &project.id, name];
            let found = store::select(call.db, &SNAPSHOTS, condition, values)?;
            let snapshot = found.into_iter().next().ok_or_else(ErrorResponse::missing)?;
            Ok(SandboxResponse::text(snapshot.body))
        }
        _ => Err(ErrorResponse::missing()),
    }
}

/// Runs the published snapshot of a runbook on one environment or several.
fn run_published(call: &RequestContext<'_>, id: &str) -> HandlerResult {
    let mut body = call.request.document()?;
    body["RunbookId"] = json!(call.find(&RUNBOOKS, id)?.id);
    let mut environments = list(&body, "EnvironmentIds");
    environments.extend(field(&body, "EnvironmentId").as_str().map(str::to_owned));
    let mut runs = Vec::new();
    for environment in environments {
        body["EnvironmentId"] = json!(environment);
        runs.push(run(call, &body)?);
    }
    Ok(SandboxResponse::created(&json!(runs)))
}

fn create(call: &RequestContext<'_>) -> HandlerResult {
    call.person.needs("RunbookSnapshotCreate")?;
    let body = call.request.document()?;
    let named = text(&body, "RunbookId");
    let Some(runbook) = store::find(call.db, &RUNBOOKS, &call.space, named)? else {
        return Err(ErrorResponse::rule(format!("The runbook '{named}' does not exist.")));
    };
    let publish =
        call.request.parameter("publish").is_some_and(|it| it.eq_ignore_ascii_case("true"));
    let snapshot = frozen(call, &runbook, &body)?;
    if publish {
        call.person.needs(RUNBOOKS.edit)?;
        let mut runbook = runbook.value()?;
        runbook["PublishedRunbookSnapshotId"] = snapshot["Id"].clone();
        store::save(call.db, &StoredDocument::new(&RUNBOOKS, &runbook))?;
    }
    Ok(SandboxResponse::created(&snapshot))
}

/// A snapshot of the runbook as it is now.
fn frozen(
    call: &RequestContext<'_>,
    runbook: &StoredDocument,
    body: &Value,
) -> HandlerResult<Value> {
    let project = call.find(&PROJECTS, &runbook.owner)?;
    let libraries = list(&project.value()?, "IncludedLibraryVariableSetIds");
    let process = format!("{}-{}", RUNBOOK_PROCESSES.prefix, runbook.id);
    let process = snapshot::of(call, &RUNBOOK_PROCESSES, &process)?;
    let (set, libraries) = snapshot::variables(call, &project.id, &libraries)?;
    let id = store::next_id(call.db, &SNAPSHOTS)?;
    let name = match text(body, "Name").trim() {
        "" => format!("Snapshot {id}"),
        name => name.to_owned(),
    };
    let mut snapshot = json!({
        "Id": id,
        "SpaceId": call.space,
        "ProjectId": project.id,
        "RunbookId": runbook.id,
        "Name": name,
        "Notes": field(body, "Notes"),
        "Assembled": now(),
        "FrozenRunbookProcessId": process,
        "FrozenProjectVariableSetId": set,
        "ProjectVariableSetSnapshotId": set,
        "LibraryVariableSetSnapshotIds": libraries,
        "SelectedPackages": field(body, "SelectedPackages").as_array().cloned().unwrap_or_default(),
        "SelectedGitResources": [],
    });
    snapshot["Links"] = links::of(&SNAPSHOTS, &call.space, &id, &snapshot);
    store::save(call.db, &StoredDocument::numbered(&SNAPSHOTS, &snapshot))?;
    Ok(snapshot)
}

fn run(call: &RequestContext<'_>, body: &Value) -> HandlerResult<Value> {
    call.person.needs(permission::to("Create", RUNS.edit))?;
    let named = text(body, "RunbookId");
    let Some(runbook) = store::find(call.db, &RUNBOOKS, &call.space, named)? else {
        return Err(ErrorResponse::rule(format!("The runbook '{named}' does not exist.")));
    };
    let environment = deployments::environment(call, text(body, "EnvironmentId"))?;
    let document = runbook.value()?;
    let chosen = [text(body, "RunbookSnapshotId"), text(&document, "PublishedRunbookSnapshotId")];
    let Some(chosen) = chosen.into_iter().find(|it| !it.is_empty()) else {
        return Err(ErrorResponse::rule("Runbook has no published snapshot."));
    };
    let snapshot = store::find(call.db, &SNAPSHOTS, &call.space, chosen)?;
    let Some(snapshot) = snapshot.filter(|it| it.owner.eq_ignore_ascii_case(&runbook.id)) else {
        return Err(ErrorResponse::rule(format!(
            "The runbook snapshot '{chosen}' does not exist."
        )));
    };
    let snapshot = snapshot.value()?;
    let id = store::next_id(call.db, &RUNS)?;
    let arguments = json!({
        "RunbookRunId": id, "RunbookId": runbook.id, "EnvironmentId": environment.id,
    });
    let description = format!("Run {} on {}", runbook.name, environment.name);
    let when = json!({
        "QueueTime": field(body, "QueueTime"),
        "QueueTimeExpiry": field(body, "QueueTimeExpiry"),
        "ProjectId": runbook.owner,
    });
    let task = tasks::queue(call, ("RunbookRun", &description), &arguments, &when)?;
    let mut run = deployments::started(call, &id, (&task, &environment), body);
    run["RunbookId"] = json!(runbook.id);
    run["RunbookSnapshotId"] = snapshot["Id"].clone();
    run["ProjectId"] = json!(runbook.owner);
    run["FrozenRunbookProcessId"] = snapshot["FrozenRunbookProcessId"].clone();
    run["ManifestVariableSetId"] = snapshot["FrozenProjectVariableSetId"].clone();
    run["Name"] = json!(description);
    run["Links"] = links::of(&RUNS, &call.space, &id, &run);
    store::save(call.db, &StoredDocument::numbered(&RUNS, &run))?;
    Ok(run)
}

/// What the command-line tools send: a runbook by its name, on environments by theirs.
fn run_by_name(call: &RequestContext<'_>) -> HandlerResult {
    let body = call.request.document()?;
    let project = releases::by_name(call, text(&body, "ProjectName"))?;
    let named = [text(&body, "RunbookName"), text(&body, "RunbookId")];
    let named = named.into_iter().find(|it| !it.is_empty()).unwrap_or_default();
    let condition = "owner = ?2 and (name = ?3 or id = ?3 or slug = ?3)";
    let found =
        store::select(call.db, &RUNBOOKS, condition, [RUNBOOKS.prefix, &project.id, named])?;
    let unknown = || ErrorResponse::rule(format!("The runbook '{named}' does not exist."));
    let runbook = found.into_iter().next().ok_or_else(unknown)?;
    let snapshot = snapshot_named(call, &runbook, text(&body, "Snapshot"))?;
    let mut made = Vec::new();
    for environment in list(&body, "EnvironmentNames") {
        let asked = json!({
            "RunbookId": runbook.id,
            "RunbookSnapshotId": snapshot,
            "EnvironmentId": environment,
            "QueueTime": field(&body, "RunAt"),
            "QueueTimeExpiry": field(&body, "NoRunAfter"),
        });
        let run = run(call, &asked)?;
        made.push(json!({ "RunbookRunId": run["Id"], "ServerTaskId": run["TaskId"] }));
    }
    Ok(SandboxResponse::created(&json!({ "RunbookRunServerTasks": made })))
}

fn snapshot_named(
    call: &RequestContext<'_>,
    runbook: &StoredDocument,
    named: &str,
) -> HandlerResult<String> {
    let condition = "owner = ?2 and (name = ?3 or id = ?3)";
    let values = [SNAPSHOTS.prefix, &runbook.id, named];
    let found = store::select(call.db, &SNAPSHOTS, condition, values)?;
    Ok(found.into_iter().next().map_or_else(|| named.to_owned(), |it| it.id))
}
