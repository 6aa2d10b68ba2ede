//! A cloud instance in the months before an image ends: dynamic pools, one of them pinned to it.
//!
//! Never: a worker; cloud instances lease theirs.
//!
//! # Source
//!
//! `api.md` 2.1: Windows 2022 cannot be had from 13 October 2026 on, and `WindowsDefault` is the newer
//! one from 8 September on.

use super::{
    estate::variable,
    garden::{self, SpaceSeeder},
    steps::{self, EmptyPoolSpelling, script, step},
};
use crate::kind::POOLS;
use rusqlite::Result;
use serde_json::{Value, json};

/// Plants pools by image, and projects whose steps are in them.
pub(super) fn plant(garden: &mut SpaceSeeder<'_>) -> Result<()> {
    let mut pool = |order: u8, name, image| {
        let mut pool = dynamic(name, image, false);
        pool["SortOrder"] = json!(order);
        garden.plant(&POOLS, pool)
    };
    let windows = pool(2, "Windows 2022", "Windows2022")?;
    let ubuntu = pool(3, "Ubuntu 22.04", "Ubuntu2204")?;
    let script = |name, syntax| {
        step(name, "Octopus.Script", EmptyPoolSpelling::Null, script(syntax, "echo done", "true"))
    };
    let mut project = |name, steps, set| {
        let project = json!({
            "Name": name, "ProjectGroupId": "ProjectGroups-1", "LifecycleId": "Lifecycles-1",
        });
        garden.project(project, steps, set)
    };
    project(
        "Storefront",
        vec![
            within(steps::deploy_arm_template(EmptyPoolSpelling::Null), &windows),
            within(script("Smoke test", "PowerShell"), &windows),
            steps::notify(EmptyPoolSpelling::Null),
        ],
        Vec::new(),
    )?;
    let reports = project(
        "Reports",
        vec![
            within(script("Sign the assemblies", "PowerShell"), &windows),
            within(script("Publish the pages", "Bash"), &ubuntu),
        ],
        Vec::new(),
    )?;
    let mut check = script("Check the licences", "PowerShell");
    check["Actions"][0]["WorkerPoolVariable"] = json!("Checks.WorkerPool");
    let pool = variable("Checks.WorkerPool", "WorkerPool", &json!(windows));
    project("Compliance", vec![check], vec![pool])?;
    let nightly = vec![within(script("Rebuild the index", "PowerShell"), &windows)];
    garden.runbook(&reports, "Nightly", nightly)
}

fn within(mut step: Value, pool: &str) -> Value {
    step["Actions"][0]["WorkerPoolId"] = json!(pool);
    step
}

/// A dynamic pool of an image.
pub(super) fn dynamic(name: &str, image: &str, default: bool) -> Value {
    let mut pool = garden::pool(name, "", default);
    pool["WorkerPoolType"] = json!("DynamicWorkerPool");
    pool["CanAddWorkers"] = json!(false);
    pool["WorkerType"] = json!(image);
    pool
}
