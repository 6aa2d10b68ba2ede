//! The one node of the server, and how many tasks it runs at once.

use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    context::RequestContext,
    document::node::ID,
    json::json_field,
    kind::NODES,
    options::VERSION,
    page::ListFilter,
    request::HttpVerb,
    store::{self, StoredDocument},
    time, work,
};
use serde_json::{Value, json};

/// `/api/octopusservernodes` and everything below.
pub(crate) fn route_nodes(call: &RequestContext<'_>, path: &[&str]) -> HandlerResult {
    let filter = || ListFilter::new(&NODES, "", call.request);
    match (call.verb(), path) {
        (HttpVerb::Get, []) => filter().page_answer(call.db, "/api/octopusservernodes"),
        (HttpVerb::Get, ["all"]) => Ok(filter().array_answer()),
        (HttpVerb::Get, ["ping"]) => Ok(SandboxResponse::from_document(&node_document(call, ID)?)),
        (HttpVerb::Get, ["summary"]) => {
            let mut node = node_document(call, ID)?;
            node["RunningTaskCount"] = json!(work::running_count(call.db)?);
            Ok(SandboxResponse::from_document(&json!({ "Nodes": [node], "Links": {} })))
        }
        (HttpVerb::Get, [id]) => {
            Ok(SandboxResponse::from_json(call.find_document(&NODES, id)?.body))
        }
        (HttpVerb::Get, [id, "details"]) => {
            let id = call.find_document(&NODES, id)?.id;
            let running = work::running_count(call.db)?;
            Ok(SandboxResponse::from_document(
                &json!({ "Id": id, "RunningTasks": running, "Links": {} }),
            ))
        }
        (HttpVerb::Put, [id]) => update(call, id),
        (_, [] | [_]) => Err(ErrorResponse::method_not_allowed()),
        _ => Err(ErrorResponse::not_found()),
    }
}

fn node_document(call: &RequestContext<'_>, id: &str) -> HandlerResult<Value> {
    let mut node = call.find_document(&NODES, id)?.parse_body()?;
    node["IsOffline"] = json!(false);
    node["LastSeen"] = json!(time::current_time());
    node["Version"] = json!(VERSION);
    Ok(node)
}

fn update(call: &RequestContext<'_>, id: &str) -> HandlerResult {
    call.person.require_permission(NODES.edit)?;
    let mut node = call.find_document(&NODES, id)?.parse_body()?;
    let body = call.request.body_object()?;
    if let Some(tasks) = json_field(&body, "MaxConcurrentTasks").as_u64() {
        if tasks == 0 {
            return Err(ErrorResponse::bad_request("The task cap must be at least 1."));
        }
        node["MaxConcurrentTasks"] = json!(tasks);
    }
    if let Some(maintenance) = json_field(&body, "IsInMaintenanceMode").as_bool() {
        node["IsInMaintenanceMode"] = json!(maintenance);
    }
    store::save_document(call.db, &StoredDocument::new(&NODES, &node))?;
    Ok(SandboxResponse::from_document(&node))
}
