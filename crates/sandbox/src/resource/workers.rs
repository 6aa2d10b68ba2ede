//! Workers: who is registered, in which pools, and how they are reached.
//!
//! Never: a connection to a machine. What a Tentacle would say is made up, and always the same.

use super::{RequestContext, endpoint, field, flag, health, links, list, text};
use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    kind::{DocumentKind, POLICIES, POOLS, WORKERS},
    page::ListFilter,
    request::HttpVerb,
    store::{self, StoredDocument},
    work,
};
use serde_json::{Value, json};

/// Answers what is special about workers.
pub(crate) fn route(call: &RequestContext<'_>, path: &[&str]) -> Option<HandlerResult> {
    Some(match (call.verb(), path) {
        (HttpVerb::Get, []) => filter(call).page(call.db, &call.at("workers")),
        (HttpVerb::Get, ["all"]) => Ok(filter(call).array()),
        (HttpVerb::Get, ["v2"]) => with_counts(call),
        (HttpVerb::Get, ["discover"]) => endpoint::discover(call),
        (HttpVerb::Get, ["operatingsystem", "names", "all"]) => {
            known(call, &WORKERS, "OperatingSystem")
        }
        (HttpVerb::Get, ["operatingsystem", "shells", "all"]) => known(call, &WORKERS, "ShellName"),
        (HttpVerb::Get, [id, "connection"]) => health::connection(call, &WORKERS, id),
        (HttpVerb::Post, []) => create(call),
        (HttpVerb::Put, [id]) => update(call, id),
        (HttpVerb::Delete, [id]) => delete(call, id),
        _ => return None,
    })
}

/// The workers that the request's parameters ask for; none for who may not see any.
pub(super) fn filter<'a>(call: &RequestContext<'a>) -> ListFilter<'a> {
    let mut filter = machines(call, &WORKERS);
    if let Some(pools) = call.request.list("workerpoolids") {
        filter.and_any_within("$.WorkerPoolIds", &pools);
    }
    filter
}

/// The workers or targets of the parameters that both have.
pub(super) fn machines<'a>(
    call: &RequestContext<'a>,
    kind: &'static DocumentKind,
) -> ListFilter<'a> {
    let mut filter = ListFilter::new(kind, &call.space, call.request);
    if !call.person.may(kind.view) {
        filter.and("id =", "");
    }
    for (parameter, expression) in [
        ("healthstatuses", "json_extract(body, '$.HealthStatus')"),
        ("commstyles", "json_extract(body, '$.Endpoint.CommunicationStyle')"),
        ("thumbprint", "json_extract(body, '$.Thumbprint')"),
        ("shellnames", "json_extract(body, '$.ShellName')"),
        ("operatingsystemnames", "json_extract(body, '$.OperatingSystem')"),
    ] {
        if let Some(values) = call.request.list(parameter) {
            filter.and_any(expression, &values);
        }
    }
    if let Some(disabled) = call.request.parameter("isdisabled") {
        let disabled = if disabled.eq_ignore_ascii_case("true") { "1" } else { "0" };
        filter.and("cast(json_extract(body, '$.IsDisabled') as text) =", disabled);
    }
    filter
}

fn with_counts(call: &RequestContext<'_>) -> HandlerResult {
    let mut counts = json!({});
    if call.person.may(WORKERS.view) {
        for worker in store::all(call.db, &WORKERS, &call.space)? {
            let worker = worker.value()?;
            let count = &mut counts[text(&worker, "HealthStatus")];
            *count = json!(count.as_u64().unwrap_or_default() + 1);
        }
    }
    let page = filter(call).page_text(call.db, &call.at("workers"), WORKERS.take)?;
    Ok(SandboxResponse::text(format!(
        r#"{{"WorkerCountPerHealthStatus":{counts},"Workers":{page}}}"#
    )))
}

/// The different values of a field, over all workers or targets.
pub(super) fn known(
    call: &RequestContext<'_>,
    kind: &'static DocumentKind,
    name: &str,
) -> HandlerResult {
    let workers = match call.person.may(kind.view) {
        true => store::all(call.db, kind, &call.space)?,
        false => Vec::new(),
    };
    let mut values: Vec<Value> = Vec::new();
    for worker in workers {
        let value = field(&worker.value()?, name).clone();
        if value != "Unknown" && !values.contains(&value) {
            values.push(value);
        }
    }
    values.sort_by_key(ToString::to_string);
    Ok(SandboxResponse::of(&json!(values)))
}

fn create(call: &RequestContext<'_>) -> HandlerResult {
    call.person.needs(WORKERS.edit)?;
    let body = call.request.document()?;
    let name = call.name(&WORKERS, &body, "")?;
    let id = store::next_id(call.db, &WORKERS)?;
    let worker = written(call, &body, &name, &health::unknown(&id))?;
    store::save(call.db, &StoredDocument::new(&WORKERS, &worker))?;
    if !flag(&body, "SkipInitialHealthCheck") {
        health::queue_check(call.db, &id)?;
    }
    Ok(SandboxResponse::created(&worker))
}

fn update(call: &RequestContext<'_>, id: &str) -> HandlerResult {
    call.person.needs(WORKERS.edit)?;
    let old = call.find(&WORKERS, id)?.value()?;
    let body = call.request.document()?;
    let name = call.name(&WORKERS, &body, text(&old, "Id"))?;
    let worker = written(call, &body, &name, &old)?;
    store::save(call.db, &StoredDocument::new(&WORKERS, &worker))?;
    Ok(SandboxResponse::of(&worker))
}

fn delete(call: &RequestContext<'_>, id: &str) -> HandlerResult {
    call.person.needs(WORKERS.edit)?;
    let worker = call.find(&WORKERS, id)?;
    if let Some(task) = work::lease_of_worker(call.db, &worker.id)? {
        return Err(ErrorResponse::rule(format!(
            "This worker cannot be deleted as it is currently leased by the task {task}. \n\
             Please wait until that task has completed, or cancel it."
        )));
    }
    store::delete(call.db, &worker.id)?;
    Ok(SandboxResponse::done())
}

/// The worker that a body asks for; what was observed of it is taken from `old`.
fn written(
    call: &RequestContext<'_>,
    body: &Value,
    name: &str,
    old: &Value,
) -> HandlerResult<Value> {
    let id = text(old, "Id");
    let seen = |name: &str| field(old, name).clone();
    let endpoint = endpoint::written(call, field(body, "Endpoint"), field(old, "Endpoint"))?;
    let mut worker = json!({
        "Id": id,
        "SpaceId": call.space,
        "Name": name,
        "Slug": call.slug(&WORKERS, body, old)?,
        "WorkerPoolIds": pools(call, body)?,
        "Thumbprint": endpoint::thumbprint(&endpoint),
        "Uri": endpoint::uri(&endpoint),
        "IsDisabled": flag(body, "IsDisabled"),
        "MachinePolicyId": policy(call, body)?,
    });
    for name in health::OBSERVED {
        worker[name] = seen(name);
    }
    worker["Endpoint"] = endpoint;
    worker["Links"] = links::of(&WORKERS, &call.space, id, &worker);
    Ok(worker)
}

/// The ids of a worker's pools, each once and as the pools spell them.
fn pools(call: &RequestContext<'_>, body: &Value) -> HandlerResult<Vec<String>> {
    let mut ids: Vec<String> = Vec::new();
    for id in list(body, "WorkerPoolIds") {
        let Some(pool) = store::find(call.db, &POOLS, &call.space, &id)? else {
            return Err(ErrorResponse::rule(format!("The worker pool '{id}' does not exist.")));
        };
        if !flag(&pool.value()?, "CanAddWorkers") {
            return Err(ErrorResponse::rule(format!(
                "Worker Pools '{}' do not support adding workers directly",
                pool.name
            )));
        }
        if !ids.contains(&pool.id) {
            ids.push(pool.id);
        }
    }
    if ids.is_empty() {
        return Err(ErrorResponse::rule("Please select at least one worker pool for this worker."));
    }
    Ok(ids)
}

/// The id of a machine's policy: the one asked for, else the default.
pub(super) fn policy(call: &RequestContext<'_>, body: &Value) -> HandlerResult<String> {
    let id = text(body, "MachinePolicyId");
    if !id.is_empty() {
        let policy = store::find(call.db, &POLICIES, &call.space, id)?;
        let unknown = || ErrorResponse::rule(format!("The machine policy '{id}' does not exist."));
        return policy.map(|it| it.id).ok_or_else(unknown);
    }
    for policy in store::all(call.db, &POLICIES, &call.space)? {
        if flag(&policy.value()?, "IsDefault") {
            return Ok(policy.id);
        }
    }
    Ok(String::new())
}
