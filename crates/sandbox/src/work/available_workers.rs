//! What a space has for steps to run on, read from its documents.

use crate::{
    answer::HandlerResult,
    document::features,
    json::{bool_field, text_field, text_list},
    kind::{FEATURES, POOLS, WORKERS},
    place::{AvailableWorkers, PlacementPool, PlacementWorker},
    store,
    work::lease,
};
use rusqlite::Connection;
use serde_json::Value;

/// Reads the workers and pools of a space.
pub(crate) fn read_available_workers(
    db: &Connection,
    space: &str,
) -> HandlerResult<AvailableWorkers> {
    let features = store::find_document(db, &FEATURES, "", FEATURES.prefix)?;
    let features = features.map(|it| it.parse_body()).transpose()?.unwrap_or_default();
    let leases = lease::list_in_space(db, space)?;
    let mut available = AvailableWorkers {
        built_in: bool_field(&features, "IsBuiltInWorkerEnabled")
            && !features::is_cloud_instance(db)?,
        ..AvailableWorkers::default()
    };
    for pool in store::list_documents(db, &POOLS, space)? {
        let document = pool.parse_body()?;
        let is_dynamic = text_field(&document, "WorkerPoolType") == "DynamicWorkerPool";
        available.pools.push(PlacementPool {
            is_default: bool_field(&document, "IsDefault"),
            image: is_dynamic.then(|| text_field(&document, "WorkerType").to_owned()),
            id: pool.id,
            name: pool.name,
            slug: pool.slug,
        });
    }
    for worker in store::list_documents(db, &WORKERS, space)? {
        let document = worker.parse_body()?;
        let healthy = matches!(text_field(&document, "HealthStatus"), "Healthy" | "HasWarnings");
        let held: Vec<&Value> =
            leases.iter().filter(|lease| text_field(lease, "WorkerId") == worker.id).collect();
        available.workers.push(PlacementWorker {
            pools: text_list(&document, "WorkerPoolIds"),
            is_ready: healthy && !bool_field(&document, "IsDisabled"),
            leases: held.len(),
            is_taken: held.iter().any(|it| bool_field(it, "Exclusive")),
            id: worker.id,
            name: worker.name,
        });
    }
    Ok(available)
}
