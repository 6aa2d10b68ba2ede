//! The one node of the server.

use crate::{
    kind::NODES,
    store::{self, StoredDocument},
};
use rusqlite::Connection;
use serde_json::json;

/// The id of the only node.
pub(crate) const ID: &str = "OctopusServerNodes-sandbox";

/// Creates the node of a new store.
pub(crate) fn create_node(db: &Connection, tasks_at_once: u32) -> rusqlite::Result<()> {
    if store::find_document(db, &NODES, "", ID)?.is_some() {
        return Ok(());
    }
    let node = json!({
        "Id": ID,
        "Name": "sandbox",
        "MaxConcurrentTasks": tasks_at_once.max(1),
        "IsInMaintenanceMode": false,
        "Links": { "Self": format!("/api/octopusservernodes/{ID}") },
    });
    store::save_document(db, &StoredDocument::new(&NODES, &node))
}
