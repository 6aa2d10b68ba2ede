//! Server tasks: asked for, listed, looked into, canceled, done again.
//!
//! A `Health` task is over as soon as it is asked for; what else a task does takes its time in `work`.
//! Never: how long that is, or which workers it takes.

use super::{RequestContext, events, field, health, list, text};
use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    kind::{DEPLOYMENTS, DocumentKind, POOLS, RUNS, SPACES, TARGETS, TASKS, WORKERS},
    page::ListFilter,
    request::HttpVerb,
    store::{self, StoredDocument},
    work::{self, TaskOutcome},
};
use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

/// What people may ask for by themselves.
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

/// Answers what is special about tasks; the space is empty where the path names none.
pub(crate) fn route(call: &RequestContext<'_>, path: &[&str]) -> Option<HandlerResult> {
    Some(match (call.verb(), path) {
        (HttpVerb::Post, []) => create(call),
        (HttpVerb::Get, []) => {
            filter(call).and_then(|filter| filter.page(call.db, &here(call, "")))
        }
        (HttpVerb::Get, ["all"]) => filter(call).map(|filter| filter.array()),
        (HttpVerb::Get, ["tasktypes"]) => Ok(types()),
        (HttpVerb::Get, [id]) => find(call, id).map(|task| SandboxResponse::text(task.body)),
        (HttpVerb::Get, [id, "details"]) => at(call, id, |task| work::details(call.db, task)),
        (HttpVerb::Get, [id, "raw"]) => at(call, id, |task| work::raw(call.db, task)),
        (HttpVerb::Get, [id, "queued-behind"]) => queued_behind(call, id),
        (HttpVerb::Post, [id, "cancel"]) => cancel(call, id),
        (HttpVerb::Post, [id, "state"]) => set_state(call, id),
        (HttpVerb::Post, ["rerun", id] | [id, "rerun"]) => rerun(call, id),
        (_, [] | [_]) => Err(ErrorResponse::method()),
        _ => Err(ErrorResponse::missing()),
    })
}

fn here(call: &RequestContext<'_>, below: &str) -> String {
    let tasks = if call.space.is_empty() { "/api/tasks".to_owned() } else { call.at("tasks") };
    format!("{tasks}{below}")
}

fn types() -> SandboxResponse {
    let one = |(id, name): &(&str, &str)| json!({ "Id": id, "Name": name, "Links": {} });
    SandboxResponse::of(&Value::Array(TYPES.iter().map(one).collect()))
}

fn filter<'a>(call: &RequestContext<'a>) -> HandlerResult<ListFilter<'a>> {
    let mut filter = ListFilter::nameless(&TASKS, call.request);
    if call.space.is_empty() {
        filter.of_spaces(call.request);
    } else {
        filter.and("space =", &call.space);
    }
    if !call.person.may(TASKS.view) {
        filter.and("id =", "");
    }
    let argument = |name: &str| format!("json_extract(body, '$.Arguments.{name}')");
    for (parameter, expression) in [
        ("name", "name".to_owned()),
        ("states", "json_extract(body, '$.State')".to_owned()),
        ("node", "json_extract(body, '$.ServerNode')".to_owned()),
        ("project", "json_extract(body, '$.ProjectId')".to_owned()),
        ("environment", argument("EnvironmentId")),
        ("runbook", argument("RunbookId")),
        ("tenant", argument("TenantId")),
    ] {
        if let Some(values) = call.request.list(parameter) {
            filter.and_any(&expression, &values);
        }
    }
    for (parameter, states) in [
        ("active", "('Queued', 'Executing', 'Cancelling')"),
        ("running", "('Executing', 'Cancelling')"),
    ] {
        if let Some(yes) = call.request.parameter(parameter) {
            let is = if yes.eq_ignore_ascii_case("true") { "1" } else { "0" };
            filter.and(&format!("cast(json_extract(body, '$.State') in {states} as text) ="), is);
        }
    }
    for (parameter, name) in [
        ("haspendinginterruptions", "HasPendingInterruptions"),
        ("haswarningsorerrors", "HasWarningsOrErrors"),
    ] {
        if let Some(yes) = call.request.parameter(parameter) {
            let is = if yes.eq_ignore_ascii_case("true") { "1" } else { "0" };
            filter.and(&format!("cast(json_extract(body, '$.{name}') as text) ="), is);
        }
    }
    if let Some(part) = call.request.parameter("description") {
        filter.and("instr(lower(json_extract(body, '$.Description')), lower(?)) > 0", part);
    }
    dates(call, &mut filter)?;
    Ok(filter)
}

/// `fromQueueDate`, `toStartDate` and the like.
fn dates(call: &RequestContext<'_>, filter: &mut ListFilter<'_>) -> HandlerResult<()> {
    for name in ["Queue", "Start", "Completed"] {
        for (way, comparison) in [("from", ">="), ("to", "<=")] {
            let parameter = format!("{way}{name}Date");
            let field = if name == "Completed" { "CompletedTime" } else { &format!("{name}Time") };
            if let Some(time) = call.request.parameter(&parameter) {
                let time = events::time(&parameter, time)?;
                filter.and(&format!("json_extract(body, '$.{field}') {comparison}"), &time);
            }
        }
    }
    Ok(())
}

/// A task of this call's space, or of any where that has none.
fn find(call: &RequestContext<'_>, id: &str) -> HandlerResult<StoredDocument> {
    call.person.needs(TASKS.view)?;
    let found = store::select(call.db, &TASKS, "id = ?2", [TASKS.prefix, id])?;
    let here = |it: &StoredDocument| call.space.is_empty() || it.space == call.space;
    found.into_iter().find(here).ok_or_else(ErrorResponse::missing)
}

fn at(
    call: &RequestContext<'_>,
    id: &str,
    answer: impl Fn(&Value) -> HandlerResult,
) -> HandlerResult {
    answer(&find(call, id)?.value()?)
}

fn create(call: &RequestContext<'_>) -> HandlerResult {
    call.person.needs(TASKS.edit)?;
    let body = call.request.document()?;
    let (name, description) = (text(&body, "Name").trim(), text(&body, "Description"));
    if name.is_empty() {
        return Err(ErrorResponse::rule("Please provide a name for this task."));
    }
    let Some((name, usual)) = TYPES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))
    else {
        return Err(ErrorResponse::rule(format!("'{name}' is not a task that can be queued.")));
    };
    let call = &in_its_space(call, text(&body, "SpaceId"))?;
    let arguments = field(&body, "Arguments");
    check(call, arguments)?;
    let description = if description.is_empty() { usual } else { description };
    let task = queue(call, (name, description), arguments, &body)?;
    Ok(SandboxResponse::created(&task))
}

/// `/api/tasks` names the space of a task in its body, and else it is the default one.
fn in_its_space<'a>(call: &RequestContext<'a>, named: &str) -> HandlerResult<RequestContext<'a>> {
    if !call.space.is_empty() {
        return Ok(RequestContext { space: call.space.clone(), ..*call });
    }
    let spaces = store::all(call.db, &SPACES, "")?;
    let is_default = |it: &&StoredDocument| it.body.contains("\"IsDefault\":true");
    let space = match named {
        "" => spaces.iter().find(is_default),
        id => spaces.iter().find(|it| it.id.eq_ignore_ascii_case(id)),
    };
    let unknown = || ErrorResponse::rule(format!("The space '{named}' does not exist."));
    Ok(RequestContext { space: space.ok_or_else(unknown)?.id.clone(), ..*call })
}

/// Refuses arguments that name what is not there.
fn check(call: &RequestContext<'_>, arguments: &Value) -> HandlerResult<()> {
    let mut pools = list(arguments, "WorkerPoolIds");
    pools.push(text(arguments, "WorkerPoolId").to_owned());
    for pool in pools.iter().filter(|it| !it.is_empty()) {
        if !call.has(&POOLS, pool)? {
            return Err(ErrorResponse::rule(format!("The worker pool '{pool}' does not exist.")));
        }
    }
    for worker in list(arguments, "WorkerIds") {
        if !call.has(&WORKERS, &worker)? {
            return Err(ErrorResponse::rule(format!("The worker '{worker}' does not exist.")));
        }
    }
    Ok(())
}

/// Puts a task into the queue, as `asked` says when; a health check is done on the spot.
pub(super) fn queue(
    call: &RequestContext<'_>,
    (name, description): (&str, &str),
    arguments: &Value,
    asked: &Value,
) -> HandlerResult<Value> {
    let now = Timestamp::now();
    let at: Timestamp = text(asked, "QueueTime").parse().unwrap_or(now).max(now);
    let id = store::next_id(call.db, &TASKS)?;
    let mut task = work::queued((&call.space, &id), (name, description), arguments, at);
    task["QueueTimeExpiry"] = field(asked, "QueueTimeExpiry").clone();
    task["ProjectId"] = field(asked, "ProjectId").clone();
    store::save(call.db, &StoredDocument::numbered(&TASKS, &task))?;
    if name != "Health" {
        work::queue(call.db, &id, at)?;
        return Ok(task);
    }
    health::check_all(call.db, &checked(call, arguments)?)?;
    work::end(call.db, &id, now, &TaskOutcome::Success)?;
    Ok(call.find(&TASKS, &id)?.value()?)
}

/// The ids of the machines that a health check is for.
fn checked(call: &RequestContext<'_>, arguments: &Value) -> HandlerResult<Vec<String>> {
    let machines = list(arguments, "MachineIds");
    if !machines.is_empty() {
        return Ok(machines);
    }
    let (pool, environment) = (text(arguments, "WorkerPoolId"), text(arguments, "EnvironmentId"));
    let mut ids = Vec::new();
    // Who names a pool means workers alone, and who names an environment means targets.
    let (workers, targets) = match text(arguments, "RestrictedTo") {
        "Workers" => (true, false),
        "DeploymentTargets" => (false, true),
        _ => (environment.is_empty() || !pool.is_empty(), pool.is_empty()),
    };
    if workers {
        ids.extend(within(call, &WORKERS, "WorkerPoolIds", pool)?);
    }
    if targets {
        ids.extend(within(call, &TARGETS, "EnvironmentIds", environment)?);
    }
    Ok(ids)
}

/// The machines that name `wanted` in a list; all where that is empty.
fn within(
    call: &RequestContext<'_>,
    kind: &'static DocumentKind,
    field: &str,
    wanted: &str,
) -> HandlerResult<Vec<String>> {
    let mut ids = Vec::new();
    for machine in store::all(call.db, kind, &call.space)? {
        let named = list(&machine.value()?, field);
        if wanted.is_empty() || named.iter().any(|it| it.eq_ignore_ascii_case(wanted)) {
            ids.push(machine.id);
        }
    }
    Ok(ids)
}

fn queued_behind(call: &RequestContext<'_>, id: &str) -> HandlerResult {
    let task = find(call, id)?;
    let mut filter = ListFilter::everywhere(&TASKS, call.request);
    filter.and_any("id", &work::before(call.db, &task.id)?);
    filter.page(call.db, &here(call, &format!("/{}/queued-behind", task.id)))
}

fn cancel(call: &RequestContext<'_>, id: &str) -> HandlerResult {
    call.person.needs("TaskCancel")?;
    let task = find(call, id)?;
    if work::is_pending(call.db, &task.id)? {
        work::end(call.db, &task.id, Timestamp::now(), &TaskOutcome::Canceled)?;
    }
    Ok(SandboxResponse::text(find(call, id)?.body))
}

/// Says of a task that is over that it has ended otherwise.
fn set_state(call: &RequestContext<'_>, id: &str) -> HandlerResult {
    call.person.needs("TaskEdit")?;
    let task = find(call, id)?;
    let body = call.request.document()?;
    let (state, reason) = (text(&body, "State"), text(&body, "Reason"));
    if reason.is_empty() {
        return Err(ErrorResponse::rule("No reason was provided."));
    }
    let outcome = match state {
        "Canceled" => TaskOutcome::Canceled,
        "Failed" => TaskOutcome::Failed(reason.to_owned()),
        "Success" => TaskOutcome::Success,
        "" => return Err(ErrorResponse::rule("No state was provided.")),
        _ => {
            return Err(ErrorResponse::rule(format!(
                "The task can not be put into the state {state}. Valid states are: Canceled, Failed, Success."
            )));
        }
    };
    if text(&task.value()?, "State") == state {
        return Err(ErrorResponse::rule(format!("The task is already in the state {state}.")));
    }
    if work::is_pending(call.db, &task.id)? {
        return Err(ErrorResponse::rule(
            "The task state can not be changed to the selected state. It can only be changed out of \
             the states: Canceled, Failed, Success.",
        ));
    }
    work::end(call.db, &task.id, Timestamp::now(), &outcome)?;
    Ok(SandboxResponse::text(find(call, id)?.body))
}

fn rerun(call: &RequestContext<'_>, id: &str) -> HandlerResult {
    call.person.needs(TASKS.edit)?;
    let task = find(call, id)?;
    let old = task.value()?;
    if old["CanRerun"] != true {
        return Err(ErrorResponse::rule("This task cannot be re-run."));
    }
    let call = RequestContext { space: task.space, ..*call };
    let (name, description) = (text(&old, "Name"), text(&old, "Description"));
    let new = queue(&call, (name, description), &old["Arguments"], &json!({}))?;
    Ok(SandboxResponse { status: StatusCode::OK, ..SandboxResponse::of(&new) })
}

/// `…/machines/{id}/tasks`: the tasks that had to do with a machine.
pub(super) fn of_machine(call: &RequestContext<'_>, machine: &str) -> HandlerResult {
    let mut filter = filter(call)?;
    filter.and_any_within("$.Arguments.MachineIds", &[machine.to_owned()]);
    filter.page(call.db, &call.at(&format!("machines/{machine}/tasks")))
}

/// Deletes the task of a deployment or a run that goes, which ends it if it has not ended.
pub(super) fn forget(call: &RequestContext<'_>, owner: &StoredDocument) -> HandlerResult<()> {
    let is_run = owner.kind.path == RUNS.path || owner.kind.path == DEPLOYMENTS.path;
    let task = text(&owner.value()?, "TaskId").to_owned();
    if is_run && work::is_pending(call.db, &task)? {
        work::end(call.db, &task, Timestamp::now(), &TaskOutcome::Canceled)?;
    }
    Ok(())
}
