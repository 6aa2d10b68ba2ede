//! The nodes of the server, of which there is one, and how much it does at once.
//!
//! Never: a node added or taken away.

use super::{Call, field};
use crate::{
    VERSION,
    answer::{Answer, Refusal, Result},
    kind::NODES,
    page::Filter,
    request::Verb,
    store::{self, Document},
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
    store::save(db, &Document::new(&NODES, &node))
}

/// `/api/octopusservernodes` and what is below.
pub(crate) fn route(call: &Call<'_>, path: &[&str]) -> Result {
    let filter = || Filter::new(&NODES, "", call.request);
    match (call.verb(), path) {
        (Verb::Get, []) => filter().page(call.db, "/api/octopusservernodes"),
        (Verb::Get, ["all"]) => Ok(filter().array()),
        (Verb::Get, ["ping"]) => Ok(Answer::of(&seen(call, ID)?)),
        (Verb::Get, ["summary"]) => {
            let mut node = seen(call, ID)?;
            node["RunningTaskCount"] = json!(work::under_way(call.db)?);
            Ok(Answer::of(&json!({ "Nodes": [node], "Links": {} })))
        }
        (Verb::Get, [id]) => Ok(Answer::text(call.find(&NODES, id)?.body)),
        (Verb::Get, [id, "details"]) => {
            let id = call.find(&NODES, id)?.id;
            let running = work::under_way(call.db)?;
            Ok(Answer::of(&json!({ "Id": id, "RunningTasks": running, "Links": {} })))
        }
        (Verb::Put, [id]) => update(call, id),
        (_, [] | [_]) => Err(Refusal::method()),
        _ => Err(Refusal::missing()),
    }
}

fn seen(call: &Call<'_>, id: &str) -> Result<Value> {
    let mut node = call.find(&NODES, id)?.value()?;
    node["IsOffline"] = json!(false);
    node["LastSeen"] = json!(super::now());
    node["Version"] = json!(VERSION);
    Ok(node)
}

fn update(call: &Call<'_>, id: &str) -> Result {
    call.who.needs(NODES.edit)?;
    let mut node = call.find(&NODES, id)?.value()?;
    let body = call.request.document()?;
    if let Some(tasks) = field(&body, "MaxConcurrentTasks").as_u64() {
        if tasks == 0 {
            return Err(Refusal::rule("The task cap must be at least 1."));
        }
        node["MaxConcurrentTasks"] = json!(tasks);
    }
    if let Some(maintenance) = field(&body, "IsInMaintenanceMode").as_bool() {
        node["IsInMaintenanceMode"] = json!(maintenance);
    }
    store::save(call.db, &Document::new(&NODES, &node))?;
    Ok(Answer::of(&node))
}
