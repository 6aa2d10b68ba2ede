//! Workers: their registration, their pools, and how they are reached.
//!
//! The sandbox connects to none of them; what a Tentacle would report is made up, and always the same.

use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    context::RequestContext,
    document::{
        endpoint::{endpoint_thumbprint, endpoint_uri},
        links,
        machine::{self, OBSERVED},
    },
    json::{bool_field, json_field, text_field, text_list},
    kind::{POOLS, WORKERS},
    page::ListFilter,
    request::HttpVerb,
    resource::{endpoint, machines},
    store::{self, StoredDocument},
    work,
};
use serde_json::{Value, json};
use std::time::Duration;

/// Routes that only workers have.
pub(crate) fn route_workers(call: &RequestContext<'_>, path: &[&str]) -> Option<HandlerResult> {
    Some(match (call.verb(), path) {
        (HttpVerb::Get, []) => {
            worker_filter(call).page_answer(call.db, &call.space_path("workers"))
        }
        (HttpVerb::Get, ["all"]) => Ok(worker_filter(call).array_answer()),
        (HttpVerb::Get, ["v2"]) => list_with_counts(call),
        (HttpVerb::Get, ["discover"]) => endpoint::discover_machine(call),
        (HttpVerb::Get, ["operatingsystem", "names", "all"]) => {
            machines::distinct_values(call, &WORKERS, "OperatingSystem")
        }
        (HttpVerb::Get, ["operatingsystem", "shells", "all"]) => {
            machines::distinct_values(call, &WORKERS, "ShellName")
        }
        (HttpVerb::Get, [id, "connection"]) => machines::connection_status(call, &WORKERS, id),
        (HttpVerb::Post, []) => create(call),
        (HttpVerb::Put, [id]) => update(call, id),
        (HttpVerb::Delete, [id]) => delete(call, id),
        _ => return None,
    })
}

/// A filter by the parameters of the request.
pub(super) fn worker_filter<'a>(call: &RequestContext<'a>) -> ListFilter<'a> {
    let mut filter = machines::machine_filter(call, &WORKERS);
    filter.add_array_parameters(&[("workerpoolids", "$.WorkerPoolIds")]);
    filter
}

fn list_with_counts(call: &RequestContext<'_>) -> HandlerResult {
    let mut counts = json!({});
    if call.person.has_permission(WORKERS.view) {
        for worker in store::list_documents(call.db, &WORKERS, &call.space)? {
            let worker = worker.parse_body()?;
            let count = &mut counts[text_field(&worker, "HealthStatus")];
            *count = json!(count.as_u64().unwrap_or_default() + 1);
        }
    }
    let page = worker_filter(call).page_text(call.db, &call.space_path("workers"), WORKERS.take)?;
    Ok(SandboxResponse::from_json(format!(
        r#"{{"WorkerCountPerHealthStatus":{counts},"Workers":{page}}}"#
    )))
}

fn create(call: &RequestContext<'_>) -> HandlerResult {
    call.person.require_permission(WORKERS.edit)?;
    let body = call.request.body_object()?;
    let name = call.require_name(&WORKERS, &body, "")?;
    let id = store::next_id(call.db, &WORKERS)?;
    let worker = build_worker(call, &body, &name, &machine::unchecked_machine(&id))?;
    store::save_document(call.db, &StoredDocument::new(&WORKERS, &worker))?;
    if !bool_field(&body, "SkipInitialHealthCheck") && !bool_field(&worker, "IsDisabled") {
        work::queue_check(call.db, &id, call.now, Duration::ZERO)?;
    }
    Ok(SandboxResponse::created(&worker))
}

fn update(call: &RequestContext<'_>, id: &str) -> HandlerResult {
    call.person.require_permission(WORKERS.edit)?;
    let old = call.find_document(&WORKERS, id)?.parse_body()?;
    let body = call.body_of(text_field(&old, "Id"))?;
    let name = call.require_name(&WORKERS, &body, text_field(&old, "Id"))?;
    let worker = build_worker(call, &body, &name, &old)?;
    store::save_document(call.db, &StoredDocument::new(&WORKERS, &worker))?;
    Ok(SandboxResponse::from_document(&worker))
}

fn delete(call: &RequestContext<'_>, id: &str) -> HandlerResult {
    call.person.require_permission(WORKERS.edit)?;
    let worker = call.find_document(&WORKERS, id)?;
    if let Some(task) = work::lease_holder(call.db, &worker.id)? {
        return Err(ErrorResponse::bad_request(format!(
            "This worker cannot be deleted as it is currently leased by the task {task}. \n\
             Please wait until that task has completed, or cancel it."
        )));
    }
    store::delete_document(call.db, &worker.id)?;
    Ok(SandboxResponse::empty_object())
}

/// The worker of a body, with the observed fields of `old`.
fn build_worker(
    call: &RequestContext<'_>,
    body: &Value,
    name: &str,
    old: &Value,
) -> HandlerResult<Value> {
    let id = text_field(old, "Id");
    let observed_field = |name: &str| json_field(old, name).clone();
    let endpoint =
        endpoint::build_endpoint(call, json_field(body, "Endpoint"), json_field(old, "Endpoint"))?;
    let mut worker = json!({
        "Id": id,
        "SpaceId": call.space,
        "Name": name,
        "Slug": call.unique_slug(&WORKERS, body, old)?,
        "WorkerPoolIds": check_pool_ids(call, body)?,
        "Thumbprint": endpoint_thumbprint(&endpoint),
        "Uri": endpoint_uri(&endpoint),
        "IsDisabled": bool_field(body, "IsDisabled"),
        "MachinePolicyId": machines::find_policy_id(call, body)?,
    });
    for name in OBSERVED {
        worker[name] = observed_field(name);
    }
    worker["Endpoint"] = endpoint;
    worker["Links"] = links::document_links(&WORKERS, &call.space, id, &worker);
    Ok(worker)
}

/// The ids of a worker's pools, each once, as the pools spell them.
fn check_pool_ids(call: &RequestContext<'_>, body: &Value) -> HandlerResult<Vec<String>> {
    let mut ids: Vec<String> = Vec::new();
    for id in text_list(body, "WorkerPoolIds") {
        let pool = call.require_reference(&POOLS, &id)?;
        if !bool_field(&pool.parse_body()?, "CanAddWorkers") {
            return Err(ErrorResponse::bad_request(format!(
                "Worker Pools '{}' do not support adding workers directly",
                pool.name
            )));
        }
        if !ids.contains(&pool.id) {
            ids.push(pool.id);
        }
    }
    if ids.is_empty() {
        return Err(ErrorResponse::bad_request(
            "Please select at least one worker pool for this worker.",
        ));
    }
    Ok(ids)
}
