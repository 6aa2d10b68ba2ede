//! Deployment targets: machines and cloud services, some of which name a pool of their own.
//!
//! The sandbox connects to none of them; what a machine would report is made up, and always the same.

use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    context::RequestContext,
    document::{
        endpoint::{complete_endpoint, endpoint_thumbprint, endpoint_uri},
        links,
        machine::{self, OBSERVED},
    },
    json::{self, bool_field, json_field, text_field, text_list},
    kind::{ACCOUNTS, ENVIRONMENTS, POOLS, TARGETS},
    page::ListFilter,
    permission,
    request::HttpVerb,
    resource::{
        endpoint::{self, WORKER_STYLES},
        machines, tasks,
    },
    store::{self, StoredDocument},
    text::contains_id,
    work,
};
use serde_json::{Value, json};

/// Routes that only targets have.
pub(crate) fn route_targets(call: &RequestContext<'_>, path: &[&str]) -> Option<HandlerResult> {
    Some(match (call.verb(), path) {
        (HttpVerb::Get, []) => {
            target_filter(call).page_answer(call.db, &call.space_path("machines"))
        }
        (HttpVerb::Get, ["all"]) => Ok(target_filter(call).array_answer()),
        (HttpVerb::Get, ["discover"]) => endpoint::discover_machine(call),
        (HttpVerb::Get, ["operatingsystem", "names", "all"]) => {
            machines::distinct_values(call, &TARGETS, "OperatingSystem")
        }
        (HttpVerb::Get, ["operatingsystem", "shells", "all"]) => {
            machines::distinct_values(call, &TARGETS, "ShellName")
        }
        (HttpVerb::Get, [id, "connection"]) => machines::connection_status(call, &TARGETS, id),
        (HttpVerb::Get, [id, "tasks"]) => call
            .find_document(&TARGETS, id)
            .and_then(|target| tasks::list_for_machine(call, &target.id)),
        (HttpVerb::Post, []) => create(call),
        (HttpVerb::Put, [id]) => update(call, id),
        _ => return None,
    })
}

/// A filter by the parameters of the request.
pub(super) fn target_filter<'a>(call: &RequestContext<'a>) -> ListFilter<'a> {
    let mut filter = machines::machine_filter(call, &TARGETS);
    filter.add_array_parameters(&[
        ("roles", "$.Roles"),
        ("environmentids", "$.EnvironmentIds"),
        ("tenantids", "$.TenantIds"),
        ("tenanttags", "$.TenantTags"),
    ]);
    filter
}

fn create(call: &RequestContext<'_>) -> HandlerResult {
    call.person.require_permission(permission::for_action("Create", TARGETS.edit))?;
    let body = call.request.body_object()?;
    let name = call.require_name(&TARGETS, &body, "")?;
    let id = store::next_id(call.db, &TARGETS)?;
    let target = build_target(call, &body, &name, &machine::unchecked_machine(&id))?;
    store::save_document(call.db, &StoredDocument::new(&TARGETS, &target))?;
    let style = text_field(json_field(&target, "Endpoint"), "CommunicationStyle");
    let is_checked = !bool_field(&target, "IsDisabled") && !UNCHECKED_STYLES.contains(&style);
    if is_checked && !bool_field(&body, "SkipInitialHealthCheck") {
        work::queue_check(call.db, &id, call.now, call.pace.work)?;
    }
    Ok(SandboxResponse::created(&target))
}

fn update(call: &RequestContext<'_>, id: &str) -> HandlerResult {
    call.person.require_permission(TARGETS.edit)?;
    let old = call.find_document(&TARGETS, id)?.parse_body()?;
    let body = call.body_of(text_field(&old, "Id"))?;
    let name = call.require_name(&TARGETS, &body, text_field(&old, "Id"))?;
    let target = build_target(call, &body, &name, &old)?;
    store::save_document(call.db, &StoredDocument::new(&TARGETS, &target))?;
    Ok(SandboxResponse::from_document(&target))
}

/// The target of a body, with the observed fields of `old`.
fn build_target(
    call: &RequestContext<'_>,
    body: &Value,
    name: &str,
    old: &Value,
) -> HandlerResult<Value> {
    let id = text_field(old, "Id");
    let endpoint =
        target_endpoint(call, json_field(body, "Endpoint"), json_field(old, "Endpoint"))?;
    let participation = match text_field(body, "TenantedDeploymentParticipation") {
        "" => "Untenanted",
        participation => participation,
    };
    let mut target = json!({
        "Id": id,
        "SpaceId": call.space,
        "Name": name,
        "Slug": call.unique_slug(&TARGETS, body, old)?,
        "EnvironmentIds": check_environments(call, body)?,
        "Roles": check_roles(body)?,
        "TenantedDeploymentParticipation": participation,
        "TenantIds": text_list(body, "TenantIds"),
        "TenantTags": text_list(body, "TenantTags"),
        "Thumbprint": endpoint_thumbprint(&endpoint),
        "Uri": endpoint_uri(&endpoint),
        "IsDisabled": bool_field(body, "IsDisabled"),
        "MachinePolicyId": machines::find_policy_id(call, body)?,
    });
    // A target from a seed lacks some of these.
    for name in OBSERVED.into_iter().filter(|name| !json_field(old, name).is_null()) {
        target[name] = json_field(old, name).clone();
    }
    target["Endpoint"] = endpoint;
    target["Links"] = links::document_links(&TARGETS, &call.space, id, &target);
    Ok(target)
}

fn check_environments(call: &RequestContext<'_>, body: &Value) -> HandlerResult<Vec<String>> {
    let mut ids = Vec::new();
    for id in text_list(body, "EnvironmentIds") {
        ids.push(call.require_reference(&ENVIRONMENTS, &id)?.id);
    }
    if ids.is_empty() {
        return Err(ErrorResponse::bad_request(
            "Please select at least one environment for this machine.",
        ));
    }
    Ok(ids)
}

fn check_roles(body: &Value) -> HandlerResult<Vec<String>> {
    let mut roles: Vec<String> = Vec::new();
    for role in text_list(body, "Roles") {
        let role = role.trim().to_owned();
        if !role.is_empty() && !contains_id(&roles, &role) {
            roles.push(role);
        }
    }
    if roles.is_empty() {
        return Err(ErrorResponse::bad_request(
            "Please select at least one target tag for this machine.",
        ));
    }
    Ok(roles)
}

/// The styles of targets that have no health: nothing is there to connect to.
const UNCHECKED_STYLES: [&str; 2] = ["None", "OfflineDrop"];

/// The styles that only targets have.
const OTHER_STYLES: [&str; 9] = [
    "None",
    "OfflineDrop",
    "AzureWebApp",
    "Ftp",
    "AzureCloudService",
    "AzureServiceFabricCluster",
    "Kubernetes",
    "StepPackage",
    "AwsEcsCluster",
];

/// The endpoint of a body, with the read-only fields of `old`. Of a style that only targets have, the pool and the
/// account are checked.
fn target_endpoint(call: &RequestContext<'_>, body: &Value, old: &Value) -> HandlerResult<Value> {
    let style = text_field(body, "CommunicationStyle");
    let mut endpoint = if WORKER_STYLES.contains(&style) || style.is_empty() {
        endpoint::build_endpoint(call, body, old)?
    } else if OTHER_STYLES.contains(&style) {
        let mut endpoint = body.clone();
        complete_endpoint(&mut endpoint, old);
        endpoint
    } else {
        let text = format!("A deployment target cannot have the endpoint '{style}'.");
        return Err(ErrorResponse::bad_request(text));
    };
    for (name, kind) in [("DefaultWorkerPoolId", &POOLS), ("AccountId", &ACCOUNTS)] {
        let id = text_field(&endpoint, name).to_owned();
        if !id.is_empty() {
            endpoint[name] = json!(call.require_reference(kind, &id)?.id);
        }
    }
    json::forget_secrets(&mut endpoint);
    Ok(endpoint)
}
