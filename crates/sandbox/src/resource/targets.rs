//! Deployment targets: machines and cloud services, some of which name a pool of their own.
//!
//! Never: a connection to one. What a machine would say is made up, and always the same.

use super::{RequestContext, endpoint, field, flag, health, links, list, tasks, text, workers};
use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    kind::{ENVIRONMENTS, POOLS, TARGETS},
    permission,
    request::HttpVerb,
    store::{self, StoredDocument},
};
use serde_json::{Value, json};

/// Answers what is special about targets.
pub(crate) fn route(call: &RequestContext<'_>, path: &[&str]) -> Option<HandlerResult> {
    Some(match (call.verb(), path) {
        (HttpVerb::Get, []) => filter(call).page(call.db, &call.at("machines")),
        (HttpVerb::Get, ["all"]) => Ok(filter(call).array()),
        (HttpVerb::Get, ["discover"]) => endpoint::discover(call),
        (HttpVerb::Get, ["operatingsystem", "names", "all"]) => {
            workers::known(call, &TARGETS, "OperatingSystem")
        }
        (HttpVerb::Get, ["operatingsystem", "shells", "all"]) => {
            workers::known(call, &TARGETS, "ShellName")
        }
        (HttpVerb::Get, [id, "connection"]) => health::connection(call, &TARGETS, id),
        (HttpVerb::Get, [id, "tasks"]) => {
            call.find(&TARGETS, id).and_then(|target| tasks::of_machine(call, &target.id))
        }
        (HttpVerb::Post, []) => create(call),
        (HttpVerb::Put, [id]) => update(call, id),
        _ => return None,
    })
}

/// The targets that the request's parameters ask for; none for who may not see any.
pub(super) fn filter<'a>(call: &RequestContext<'a>) -> crate::page::ListFilter<'a> {
    let mut filter = workers::machines(call, &TARGETS);
    for (parameter, path) in [
        ("roles", "$.Roles"),
        ("environmentids", "$.EnvironmentIds"),
        ("tenantids", "$.TenantIds"),
        ("tenanttags", "$.TenantTags"),
    ] {
        if let Some(values) = call.request.list(parameter) {
            filter.and_any_within(path, &values);
        }
    }
    filter
}

fn create(call: &RequestContext<'_>) -> HandlerResult {
    call.person.needs(permission::to("Create", TARGETS.edit))?;
    let body = call.request.document()?;
    let name = call.name(&TARGETS, &body, "")?;
    let id = store::next_id(call.db, &TARGETS)?;
    let target = written(call, &body, &name, &health::unknown(&id))?;
    store::save(call.db, &StoredDocument::new(&TARGETS, &target))?;
    if !flag(&body, "SkipInitialHealthCheck") {
        health::queue_check(call.db, &id)?;
    }
    Ok(SandboxResponse::created(&target))
}

fn update(call: &RequestContext<'_>, id: &str) -> HandlerResult {
    call.person.needs(TARGETS.edit)?;
    let old = call.find(&TARGETS, id)?.value()?;
    let body = call.request.document()?;
    let name = call.name(&TARGETS, &body, text(&old, "Id"))?;
    let target = written(call, &body, &name, &old)?;
    store::save(call.db, &StoredDocument::new(&TARGETS, &target))?;
    Ok(SandboxResponse::of(&target))
}

/// The target that a body asks for; what was observed of it is taken from `old`.
fn written(
    call: &RequestContext<'_>,
    body: &Value,
    name: &str,
    old: &Value,
) -> HandlerResult<Value> {
    let id = text(old, "Id");
    let endpoint = reached(call, field(body, "Endpoint"))?;
    let participation = match text(body, "TenantedDeploymentParticipation") {
        "" => "Untenanted",
        participation => participation,
    };
    let mut target = json!({
        "Id": id,
        "SpaceId": call.space,
        "Name": name,
        "Slug": call.slug(&TARGETS, body, old)?,
        "EnvironmentIds": environments(call, body)?,
        "Roles": roles(body)?,
        "TenantedDeploymentParticipation": participation,
        "TenantIds": list(body, "TenantIds"),
        "TenantTags": list(body, "TenantTags"),
        "Thumbprint": endpoint::thumbprint(&endpoint),
        "Uri": endpoint::uri(&endpoint),
        "IsDisabled": flag(body, "IsDisabled"),
        "MachinePolicyId": workers::policy(call, body)?,
    });
    // A target that was planted lacks some of it.
    for name in health::OBSERVED.into_iter().filter(|name| !field(old, name).is_null()) {
        target[name] = field(old, name).clone();
    }
    target["Endpoint"] = endpoint;
    target["Links"] = links::of(&TARGETS, &call.space, id, &target);
    Ok(target)
}

fn environments(call: &RequestContext<'_>, body: &Value) -> HandlerResult<Vec<String>> {
    let mut ids = Vec::new();
    for id in list(body, "EnvironmentIds") {
        let environment = store::find(call.db, &ENVIRONMENTS, &call.space, &id)?;
        let unknown = || ErrorResponse::rule(format!("The environment '{id}' does not exist."));
        ids.push(environment.ok_or_else(unknown)?.id);
    }
    if ids.is_empty() {
        return Err(ErrorResponse::rule(
            "Please select at least one environment for this machine.",
        ));
    }
    Ok(ids)
}

fn roles(body: &Value) -> HandlerResult<Vec<String>> {
    let mut roles: Vec<String> = Vec::new();
    for role in list(body, "Roles") {
        let role = role.trim().to_owned();
        if !role.is_empty() && !roles.iter().any(|it| it.eq_ignore_ascii_case(&role)) {
            roles.push(role);
        }
    }
    if roles.is_empty() {
        return Err(ErrorResponse::rule("Please select at least one target tag for this machine."));
    }
    Ok(roles)
}

/// The endpoint that a body asks for. What a style of endpoint needs is not checked, but for the pool.
fn reached(call: &RequestContext<'_>, body: &Value) -> HandlerResult<Value> {
    if text(body, "CommunicationStyle").is_empty() {
        return Err(ErrorResponse::rule("Please provide an endpoint for this machine."));
    }
    let mut endpoint = body.clone();
    let pool = text(body, "DefaultWorkerPoolId").to_owned();
    if !pool.is_empty() {
        let found = store::find(call.db, &POOLS, &call.space, &pool)?;
        let unknown = || ErrorResponse::rule(format!("The worker pool '{pool}' does not exist."));
        endpoint["DefaultWorkerPoolId"] = json!(found.ok_or_else(unknown)?.id);
    }
    super::plain::forget_secrets(&mut endpoint);
    Ok(endpoint)
}
