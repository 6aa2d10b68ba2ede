//! The nodes of the server, of which there is one, and how much it does at once.
//!
//! Never: a node added or taken away.

use super::{RequestContext, field};
use crate::{
    VERSION,
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    kind::NODES,
    page::ListFilter,
    request::HttpVerb,
    store::{self, StoredDocument},
    work,
};
use rusqlite::Connection;
use serde_json::{Value, json};

/// The id of the only node.
pub(crate) const ID: &str = "OctopusServerNodes-sandbox";

/// Makes the node of a new store.
pub(crate) fn plant(db: &Connection, tasks_at_once: u32) -> rusqlite::Result<()> {
    if store::find(db, &NODES, "", ID)?.is_some() {
        return Ok(());
    }
    let node = json!({
        "Id": ID,
        "Name": "sandbox",
        "MaxConcurrentTasks": tasks_at_once.max(1),
        "IsInMaintenanceMode": false,
        "Links": { "Self": format!("/api/octopusservernodes/{ID}") },
    });
    store::save(db, &StoredDocument::new(&NODES, &node))
}

/// `/api/octopusservernodes` and what is below.
pub(crate) fn route(call: &RequestContext<'_>, path: &[&str]) -> HandlerResult {
    let filter = || ListFilter::new(&NODES, "", call.request);
    match (call.verb(), path) {
        (HttpVerb::Get, []) => filter().page(call.db, "/api/octopusservernodes"),
        (HttpVerb::Get, ["all"]) => Ok(filter().array()),
        (HttpVerb::Get, ["ping"]) => Ok(SandboxResponse::of(&seen(call, ID)?)),
        (HttpVerb::Get, ["summary"]) => {
            let mut node = seen(call, ID)?;
            node["RunningTaskCount"] = json!(work::under_way(call.db)?);
            Ok(SandboxResponse::of(&json!({ "Nodes": [node], "Links": {} })))
        }
        (HttpVerb::Get, [id]) => Ok(SandboxResponse::text(call.find(&NODES, id)?.body)),
        (HttpVerb::Get, [id, "details"]) => {
            let id = call.find(&NODES, id)?.id;
            let running = work::under_way(call.db)?;
            Ok(SandboxResponse::of(&json!({ "Id": id, "RunningTasks": running, "Links": {} })))
        }
        (HttpVerb::Put, [id]) => update(call, id),
        (_, [] | [_]) => Err(ErrorResponse::method()),
        _ => Err(ErrorResponse::missing()),
    }
}

fn seen(call: &RequestContext<'_>, id: &str) -> HandlerResult<Value> {
    let mut node = call.find(&NODES, id)?.value()?;
    node["IsOffline"] = json!(false);
    node["LastSeen"] = json!(super::now());
    node["Version"] = json!(VERSION);
    Ok(node)
}

fn update(call: &RequestContext<'_>, id: &str) -> HandlerResult {
    call.person.needs(NODES.edit)?;
    let mut node = call.find(&NODES, id)?.value()?;
    let body = call.request.document()?;
    if let Some(tasks) = field(&body, "MaxConcurrentTasks").as_u64() {
        if tasks == 0 {
            return Err(ErrorResponse::rule("The task cap must be at least 1."));
        }
        node["MaxConcurrentTasks"] = json!(tasks);
    }
    if let Some(maintenance) = field(&body, "IsInMaintenanceMode").as_bool() {
        node["IsInMaintenanceMode"] = json!(maintenance);
    }
    store::save(call.db, &StoredDocument::new(&NODES, &node))?;
    Ok(SandboxResponse::of(&node))
}
