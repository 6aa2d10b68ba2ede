//! What a space has for steps to run on, read from its documents.
//!
//! Never: a decision of where one runs.

use super::lease;
use crate::{
    answer::HandlerResult,
    kind::{FEATURES, POOLS, WORKERS},
    place::{AvailableWorkers, PlacementPool, PlacementWorker},
    resource::{flag, list, pools, text},
    store,
};
use rusqlite::Connection;
use serde_json::Value;

/// What a space has for steps to run on, as it is now.
pub(super) fn ground(db: &Connection, space: &str) -> HandlerResult<AvailableWorkers> {
    let features = store::find(db, &FEATURES, "", FEATURES.prefix)?;
    let features = features.map(|it| it.value()).transpose()?.unwrap_or_default();
    let leases = lease::of_space(db, space)?;
    let mut ground = AvailableWorkers {
        built_in: flag(&features, "IsBuiltInWorkerEnabled") && !pools::is_cloud(db)?,
        ..AvailableWorkers::default()
    };
    for pool in store::all(db, &POOLS, space)? {
        let document = pool.value()?;
        let is_dynamic = text(&document, "WorkerPoolType") == "DynamicWorkerPool";
        ground.pools.push(PlacementPool {
            is_default: flag(&document, "IsDefault"),
            image: is_dynamic.then(|| text(&document, "WorkerType").to_owned()),
            id: pool.id,
            name: pool.name,
            slug: pool.slug,
        });
    }
    for worker in store::all(db, &WORKERS, space)? {
        let document = worker.value()?;
        let healthy = matches!(text(&document, "HealthStatus"), "Healthy" | "HasWarnings");
        let held: Vec<&Value> =
            leases.iter().filter(|it| text(it, "WorkerId") == worker.id).collect();
        ground.workers.push(PlacementWorker {
            pools: list(&document, "WorkerPoolIds"),
            is_ready: healthy && !flag(&document, "IsDisabled"),
            leases: held.len(),
            is_taken: held.iter().any(|it| flag(it, "Exclusive")),
            id: worker.id,
            name: worker.name,
        });
    }
    Ok(ground)
}
