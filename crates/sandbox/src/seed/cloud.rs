//! A cloud instance in the months before an image is retired: dynamic pools, one of them pinned to that image.
//!
//! # Source
//!
//! `api.md` 2.1: Windows 2022 ends on 13 October 2026, and `WindowsDefault` means the newer image from
//! 8 September.

use crate::{
    kind::POOLS,
    seed::{
        inventory::unscoped_variable,
        seeder::{self, SpaceSeeder},
        steps::{self, EmptyPoolSpelling, script_properties, single_action_step},
    },
};
use rusqlite::Result;
use serde_json::{Value, json};

/// Plants pools by image, and projects whose steps are in them.
pub(super) fn seed_cloud_projects(seeder: &mut SpaceSeeder<'_>) -> Result<()> {
    let mut insert_pool = |order: u8, name, image| {
        let mut pool = dynamic_pool(name, image, false);
        pool["SortOrder"] = json!(order);
        seeder.insert_document(&POOLS, pool)
    };
    let windows = insert_pool(2, "Windows 2022", "Windows2022")?;
    let ubuntu = insert_pool(3, "Ubuntu 22.04", "Ubuntu2204")?;
    let script_step = |name, syntax| {
        single_action_step(
            name,
            "Octopus.Script",
            EmptyPoolSpelling::Null,
            script_properties(syntax, "echo done", "true"),
        )
    };
    let mut insert_project = |name, steps, set| {
        let project = json!({
            "Name": name, "ProjectGroupId": "ProjectGroups-1", "LifecycleId": "Lifecycles-1",
        });
        seeder.insert_project(project, steps, set)
    };
    insert_project(
        "Storefront",
        vec![
            place_in_pool(steps::deploy_arm_template(EmptyPoolSpelling::Null), &windows),
            place_in_pool(script_step("Smoke test", "PowerShell"), &windows),
            steps::notify_team(EmptyPoolSpelling::Null),
        ],
        Vec::new(),
    )?;
    let reports = insert_project(
        "Reports",
        vec![
            place_in_pool(script_step("Sign the assemblies", "PowerShell"), &windows),
            place_in_pool(script_step("Publish the pages", "Bash"), &ubuntu),
        ],
        Vec::new(),
    )?;
    let mut check = script_step("Check the licences", "PowerShell");
    check["Actions"][0]["WorkerPoolVariable"] = json!("Checks.WorkerPool");
    let pool = unscoped_variable("Checks.WorkerPool", "WorkerPool", &json!(windows));
    insert_project("Compliance", vec![check], vec![pool])?;
    let nightly = vec![place_in_pool(script_step("Rebuild the index", "PowerShell"), &windows)];
    seeder.insert_runbook(&reports, "Nightly", nightly)
}

fn place_in_pool(mut step: Value, pool: &str) -> Value {
    step["Actions"][0]["WorkerPoolId"] = json!(pool);
    step
}

/// A dynamic pool of an image.
pub(super) fn dynamic_pool(name: &str, image: &str, default: bool) -> Value {
    let mut pool = seeder::static_pool(name, "", default);
    pool["WorkerPoolType"] = json!("DynamicWorkerPool");
    pool["CanAddWorkers"] = json!(false);
    pool["WorkerType"] = json!(image);
    pool
}
