//! The workers that tasks hold.
//!
//! Leases are shared: any number of tasks may hold one worker. Only the upgrade of a Tentacle holds one
//! exclusively.
//!
//! # Source
//!
//! `api.md` 2.15.

use crate::{
    answer::HandlerResult,
    json::text_field,
    kind::LEASES,
    store::{self, StoredDocument},
    time::format_time,
    work::stage::{TaskStage, WorkerHold},
};
use jiff::Timestamp;
use rusqlite::Connection;
use serde_json::{Value, json};

/// The workers that a task holds, and the ids of their leases.
pub(super) type WorkerLeases = Vec<(WorkerHold, String)>;

/// Leases the workers of a task's stages, once for each pool.
pub(super) fn take_leases(
    db: &Connection,
    space: &str,
    task: &str,
    stages: &[TaskStage],
    at: Timestamp,
) -> HandlerResult<WorkerLeases> {
    let mut leases = WorkerLeases::new();
    let holds = stages.iter().flat_map(|it| &it.parts).filter_map(|it| it.hold.as_ref());
    for hold in holds {
        if leases.iter().any(|(held, _)| held == hold) {
            continue;
        }
        let id = store::next_id(db, &LEASES)?;
        let lease = json!({
            "Id": id,
            "Name": format!("{} for {task}", hold.worker_name),
            "SpaceId": space,
            "WorkerId": hold.worker,
            "WorkerPoolId": hold.pool,
            "ServerTaskId": task,
            "Exclusive": hold.is_exclusive,
            "TakenAt": format_time(at),
        });
        store::save_document(db, &StoredDocument::with_id_rank(&LEASES, &lease))?;
        leases.push((hold.clone(), id));
    }
    Ok(leases)
}

/// Releases everything that a task holds.
pub(super) fn release_leases(db: &Connection, task: &str) -> HandlerResult<()> {
    let of_task = "json_extract(body, '$.ServerTaskId') = ?2 collate nocase";
    for lease in store::select_documents(db, &LEASES, of_task, [LEASES.prefix, task])? {
        store::delete_document(db, &lease.id)?;
    }
    Ok(())
}

/// Every lease of a space.
pub(super) fn list_in_space(db: &Connection, space: &str) -> HandlerResult<Vec<Value>> {
    let leases = store::list_documents(db, &LEASES, space)?;
    Ok(leases.iter().map(StoredDocument::parse_body).collect::<serde_json::Result<_>>()?)
}

/// The id of the first task that holds a worker.
pub(crate) fn lease_holder(db: &Connection, worker: &str) -> HandlerResult<Option<String>> {
    let leases = store::select_documents(db, &LEASES, "owner = ?2", [LEASES.prefix, worker])?;
    let lease = leases.first().map(StoredDocument::parse_body).transpose()?;
    Ok(lease.map(|lease| text_field(&lease, "ServerTaskId").to_owned()))
}
