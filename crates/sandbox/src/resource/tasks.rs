//! Server tasks: created, listed, inspected, canceled, run again.
//!
//! A `Health` task is over at once; how long another task takes and which workers it holds is in `work`.

use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    context::RequestContext,
    json::{json_field, text_field, text_list},
    kind::{DocumentKind, KindName, POOLS, SPACES, TARGETS, TASKS, WORKERS},
    page::ListFilter,
    request::HttpVerb,
    spaces::Spaces,
    store::{self, StoredDocument},
    text::contains_id,
    time,
    work::{self, NewTask, TaskOutcome},
};
use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

/// The tasks that clients may create.
const TYPES: [(&str, &str); 10] = [
    ("Health", "Check the health of machines"),
    ("AdHocScript", "Run a script"),
    ("Upgrade", "Upgrade Tentacles"),
    ("UpdateCalamari", "Update Calamari"),
    ("Backup", "Back up the database"),
    ("Retention", "Apply retention policies"),
    ("SyncCommunityActionTemplates", "Synchronize community step templates"),
    ("SystemIntegrityCheck", "Check system integrity"),
    ("TestAzureAccount", "Test an Azure account"),
    ("TestEmail", "Send a test email"),
];

/// Routes that only tasks have. The space of the call is empty if the path names none.
pub(crate) fn route_tasks(call: &RequestContext<'_>, path: &[&str]) -> Option<HandlerResult> {
    Some(match (call.verb(), path) {
        (HttpVerb::Post, []) => create(call),
        (HttpVerb::Get, []) => {
            task_filter(call).and_then(|filter| filter.page_answer(call.db, &tasks_path(call, "")))
        }
        (HttpVerb::Get, ["all"]) => task_filter(call).map(|filter| filter.array_answer()),
        (HttpVerb::Get, ["tasktypes"]) => Ok(task_types()),
        (HttpVerb::Get, [id]) => {
            find_task(call, id).map(|task| SandboxResponse::from_json(task.body))
        }
        (HttpVerb::Get, [id, "details"]) => {
            answer_task(call, id, |task| work::task_details(call.db, task))
        }
        (HttpVerb::Get, [id, "raw"]) => answer_task(call, id, |task| work::raw_log(call.db, task)),
        (HttpVerb::Get, [id, "queued-behind"]) => queued_behind(call, id),
        (HttpVerb::Post, [id, "cancel"]) => cancel_task(call, id),
        (HttpVerb::Post, [id, "state"]) => set_state(call, id),
        (HttpVerb::Post, ["rerun", id] | [id, "rerun"]) => rerun_task(call, id),
        (_, [] | [_]) => Err(ErrorResponse::method_not_allowed()),
        _ => Err(ErrorResponse::not_found()),
    })
}

fn tasks_path(call: &RequestContext<'_>, below: &str) -> String {
    let tasks =
        if call.space.is_empty() { "/api/tasks".to_owned() } else { call.space_path("tasks") };
    format!("{tasks}{below}")
}

fn task_types() -> SandboxResponse {
    let type_item = |(id, name): &(&str, &str)| json!({ "Id": id, "Name": name, "Links": {} });
    SandboxResponse::from_document(&Value::Array(TYPES.iter().map(type_item).collect()))
}

fn task_filter<'a>(call: &RequestContext<'a>) -> HandlerResult<ListFilter<'a>> {
    let mut filter = ListFilter::without_name(&TASKS, call.request).shown_to(call.person);
    if call.space.is_empty() {
        filter.limit_to_spaces();
    } else {
        filter.add_condition("space =", &call.space);
    }
    filter.add_parameters(&[
        ("name", "name"),
        ("states", "json_extract(body, '$.State')"),
        ("node", "json_extract(body, '$.ServerNode')"),
        ("project", "json_extract(body, '$.ProjectId')"),
        ("environment", "json_extract(body, '$.Arguments.EnvironmentId')"),
        ("runbook", "json_extract(body, '$.Arguments.RunbookId')"),
        ("tenant", "json_extract(body, '$.Arguments.TenantId')"),
    ]);
    for (parameter, expression) in [
        ("active", "json_extract(body, '$.State') in ('Queued', 'Executing', 'Cancelling')"),
        ("running", "json_extract(body, '$.State') in ('Executing', 'Cancelling')"),
        ("haspendinginterruptions", "json_extract(body, '$.HasPendingInterruptions')"),
        ("haswarningsorerrors", "json_extract(body, '$.HasWarningsOrErrors')"),
    ] {
        filter.add_flag_parameter(parameter, expression);
    }
    if let Some(part) = call.request.parameter("description") {
        filter
            .add_condition("instr(lower(json_extract(body, '$.Description')), lower(?)) > 0", part);
    }
    add_date_filters(call, &mut filter)?;
    Ok(filter)
}

/// `fromQueueDate`, `toStartDate` and the like.
fn add_date_filters(call: &RequestContext<'_>, filter: &mut ListFilter<'_>) -> HandlerResult<()> {
    for name in ["Queue", "Start", "Completed"] {
        for (bound, comparison) in [("from", ">="), ("to", "<=")] {
            let parameter = format!("{bound}{name}Date");
            let field = if name == "Completed" { "CompletedTime" } else { &format!("{name}Time") };
            if let Some(time) = call.request.parameter(&parameter) {
                let time = time::parse_time(&parameter, time)?;
                filter
                    .add_condition(&format!("json_extract(body, '$.{field}') {comparison}"), &time);
            }
        }
    }
    Ok(())
}

/// A task of the call's space, or of any space if the call has none.
fn find_task(call: &RequestContext<'_>, id: &str) -> HandlerResult<StoredDocument> {
    call.person.require_permission(TASKS.view)?;
    let found = store::select_documents(call.db, &TASKS, "id = ?2", [TASKS.prefix, id])?;
    let is_in_space =
        |document: &StoredDocument| call.space.is_empty() || document.space == call.space;
    found.into_iter().find(is_in_space).ok_or_else(ErrorResponse::not_found)
}

fn answer_task(
    call: &RequestContext<'_>,
    id: &str,
    answer: impl Fn(&Value) -> HandlerResult,
) -> HandlerResult {
    answer(&find_task(call, id)?.parse_body()?)
}

fn create(call: &RequestContext<'_>) -> HandlerResult {
    call.person.require_permission(TASKS.edit)?;
    let body = call.request.body_object()?;
    let (name, description) = (text_field(&body, "Name").trim(), text_field(&body, "Description"));
    if name.is_empty() {
        return Err(ErrorResponse::bad_request("Please provide a name for this task."));
    }
    let Some((name, usual)) = TYPES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))
    else {
        return Err(ErrorResponse::bad_request(format!(
            "'{name}' is not a task that can be queued."
        )));
    };
    let call = &call_in_space(call, text_field(&body, "SpaceId"))?;
    let arguments = json_field(&body, "Arguments");
    check_arguments(call, arguments)?;
    let description = if description.is_empty() { usual } else { description };
    let task = queue_task(call, name, description, arguments, &body)?;
    Ok(SandboxResponse::created(&task))
}

/// A call in the space that the body of `/api/tasks` names, or in the default one.
fn call_in_space<'a>(call: &RequestContext<'a>, named: &str) -> HandlerResult<RequestContext<'a>> {
    if !call.space.is_empty() {
        return Ok(RequestContext { space: call.space.clone(), ..*call });
    }
    let spaces = Spaces::read(call.db)?;
    let space = if named.is_empty() { spaces.default_id() } else { spaces.find_by_id(named) };
    let space = space.ok_or_else(|| ErrorResponse::unknown_reference(SPACES.noun, named))?;
    Ok(RequestContext { space: space.to_owned(), ..*call })
}

/// Refuses arguments that name missing pools or workers.
fn check_arguments(call: &RequestContext<'_>, arguments: &Value) -> HandlerResult<()> {
    let mut pools = text_list(arguments, "WorkerPoolIds");
    pools.push(text_field(arguments, "WorkerPoolId").to_owned());
    for pool in pools.iter().filter(|id| !id.is_empty()) {
        call.require_reference(&POOLS, pool)?;
    }
    for worker in text_list(arguments, "WorkerIds") {
        call.require_reference(&WORKERS, &worker)?;
    }
    Ok(())
}

/// Queues a task for the time in `asked`. A health check is done at once.
pub(super) fn queue_task(
    call: &RequestContext<'_>,
    name: &str,
    description: &str,
    arguments: &Value,
    asked: &Value,
) -> HandlerResult<Value> {
    let now = call.now;
    let at: Timestamp = text_field(asked, "QueueTime").parse().unwrap_or(now).max(now);
    let id = store::next_id(call.db, &TASKS)?;
    let mut task = work::queued_task(
        &NewTask { space: &call.space, id: &id, name, description, arguments },
        at,
    );
    task["QueueTimeExpiry"] = json_field(asked, "QueueTimeExpiry").clone();
    task["ProjectId"] = json_field(asked, "ProjectId").clone();
    store::save_document(call.db, &StoredDocument::with_id_rank(&TASKS, &task))?;
    if name != "Health" {
        work::schedule_task(call.db, &id, at)?;
        return Ok(task);
    }
    work::check_all(call.db, &machines_to_check(call, arguments)?)?;
    work::end_task(call.db, &id, now, &TaskOutcome::Success)?;
    Ok(call.find_document(&TASKS, &id)?.parse_body()?)
}

/// The ids of the machines that a health check covers.
fn machines_to_check(call: &RequestContext<'_>, arguments: &Value) -> HandlerResult<Vec<String>> {
    let machines = text_list(arguments, "MachineIds");
    if !machines.is_empty() {
        return Ok(machines);
    }
    let (pool, environment) =
        (text_field(arguments, "WorkerPoolId"), text_field(arguments, "EnvironmentId"));
    let mut ids = Vec::new();
    // A pool stands for workers only, and an environment for targets.
    let (workers, targets) = match text_field(arguments, "RestrictedTo") {
        "Workers" => (true, false),
        "DeploymentTargets" => (false, true),
        _ => (environment.is_empty() || !pool.is_empty(), pool.is_empty()),
    };
    if workers {
        ids.extend(machines_listing(call, &WORKERS, "WorkerPoolIds", pool)?);
    }
    if targets {
        ids.extend(machines_listing(call, &TARGETS, "EnvironmentIds", environment)?);
    }
    Ok(ids)
}

/// The machines that have `wanted` in a list, or all if it is empty.
fn machines_listing(
    call: &RequestContext<'_>,
    kind: &'static DocumentKind,
    field: &str,
    wanted: &str,
) -> HandlerResult<Vec<String>> {
    let mut ids = Vec::new();
    for machine in store::list_documents(call.db, kind, &call.space)? {
        let named = text_list(&machine.parse_body()?, field);
        if wanted.is_empty() || contains_id(&named, wanted) {
            ids.push(machine.id);
        }
    }
    Ok(ids)
}

fn queued_behind(call: &RequestContext<'_>, id: &str) -> HandlerResult {
    let task = find_task(call, id)?;
    let mut filter = ListFilter::all_spaces(&TASKS, call.request);
    filter.add_any_of("id", &work::tasks_ahead(call.db, &task.id)?);
    filter.page_answer(call.db, &tasks_path(call, &format!("/{}/queued-behind", task.id)))
}

fn cancel_task(call: &RequestContext<'_>, id: &str) -> HandlerResult {
    call.person.require_permission("TaskCancel")?;
    let task = find_task(call, id)?;
    if work::is_task_pending(call.db, &task.id)? {
        work::end_task(call.db, &task.id, call.now, &TaskOutcome::Canceled)?;
    }
    Ok(SandboxResponse::from_json(find_task(call, id)?.body))
}

/// Changes the outcome of a task that is over.
fn set_state(call: &RequestContext<'_>, id: &str) -> HandlerResult {
    call.person.require_permission("TaskEdit")?;
    let task = find_task(call, id)?;
    let body = call.request.body_object()?;
    let (state, reason) = (text_field(&body, "State"), text_field(&body, "Reason"));
    if reason.is_empty() {
        return Err(ErrorResponse::bad_request("No reason was provided."));
    }
    let outcome = match state {
        "Canceled" => TaskOutcome::Canceled,
        "Failed" => TaskOutcome::Failed(reason.to_owned()),
        "Success" => TaskOutcome::Success,
        "" => return Err(ErrorResponse::bad_request("No state was provided.")),
        _ => {
            return Err(ErrorResponse::bad_request(format!(
                "The task can not be put into the state {state}. Valid states are: Canceled, Failed, Success."
            )));
        }
    };
    if text_field(&task.parse_body()?, "State") == state {
        return Err(ErrorResponse::bad_request(format!(
            "The task is already in the state {state}."
        )));
    }
    if work::is_task_pending(call.db, &task.id)? {
        return Err(ErrorResponse::bad_request(
            "The task state can not be changed to the selected state. It can only be changed out of \
             the states: Canceled, Failed, Success.",
        ));
    }
    work::end_task(call.db, &task.id, call.now, &outcome)?;
    Ok(SandboxResponse::from_json(find_task(call, id)?.body))
}

fn rerun_task(call: &RequestContext<'_>, id: &str) -> HandlerResult {
    call.person.require_permission(TASKS.edit)?;
    let task = find_task(call, id)?;
    let old = task.parse_body()?;
    if old["CanRerun"] != true {
        return Err(ErrorResponse::bad_request("This task cannot be re-run."));
    }
    let call = RequestContext { space: task.space, ..*call };
    let (name, description) = (text_field(&old, "Name"), text_field(&old, "Description"));
    let new = queue_task(&call, name, description, &old["Arguments"], &json!({}))?;
    Ok(SandboxResponse { status: StatusCode::OK, ..SandboxResponse::from_document(&new) })
}

/// `…/machines/{id}/tasks`: the tasks that involved a machine.
pub(super) fn list_for_machine(call: &RequestContext<'_>, machine: &str) -> HandlerResult {
    let mut filter = task_filter(call)?;
    filter.add_array_any_of("$.Arguments.MachineIds", &[machine.to_owned()]);
    filter.page_answer(call.db, &call.space_path(&format!("machines/{machine}/tasks")))
}

/// Cancels the task of a deployment or a run that is being deleted.
pub(super) fn cancel_owned_task(
    call: &RequestContext<'_>,
    owner: &StoredDocument,
) -> HandlerResult<()> {
    let is_run = matches!(owner.kind.name, KindName::Runs | KindName::Deployments);
    let task = text_field(&owner.parse_body()?, "TaskId").to_owned();
    if is_run && work::is_task_pending(call.db, &task)? {
        work::end_task(call.db, &task, call.now, &TaskOutcome::Canceled)?;
    }
    Ok(())
}
