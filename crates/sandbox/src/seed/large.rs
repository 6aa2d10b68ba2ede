//! A generated inventory of any size, for measurements: the chapter's steps, longer, over and over.
//!
//! Half of the steps are in pools, as in a company that is half way through a move.

use crate::{
    document::machine,
    kind::{ENVIRONMENTS, GROUPS, POOLS, WORKERS},
    seed::{
        seeder::{self, SpaceSeeder},
        steps::{self, EmptyPoolSpelling},
    },
    text,
};
use rusqlite::Result;
use serde_json::{Value, json};
use std::fmt::Write as _;

const POOLS_OF_WORKERS: [&str; 4] = ["Kubernetes", "Azure", "Database", "General"];

/// Plants a number of projects, steps in each, and workers.
pub(super) fn seed_many_projects(
    seeder: &mut SpaceSeeder<'_>,
    projects: usize,
    steps: usize,
    workers: usize,
) -> Result<()> {
    for (rank, name) in ["Development", "Test", "Production"].into_iter().enumerate() {
        seeder.insert_document(&ENVIRONMENTS, json!({ "Name": name, "SortOrder": rank }))?;
    }
    let mut pools = Vec::new();
    for (index, name) in POOLS_OF_WORKERS.into_iter().enumerate() {
        let mut pool = seeder::static_pool(name, "", false);
        pool["SortOrder"] = json!(index + 1);
        pools.push(seeder.insert_document(&POOLS, pool)?);
    }
    for number in 0..workers {
        insert_worker(seeder, number, &pools)?;
    }
    let mut group = String::new();
    for number in 0..projects {
        if number % 100 == 0 {
            group = seeder.insert_document(
                &GROUPS,
                json!({ "Name": format!("Group {:02}", number / 100) }),
            )?;
        }
        let fields = json!({
            "Name": format!("Project {:04}", number + 1),
            "ProjectGroupId": group,
            "LifecycleId": "Lifecycles-1",
        });
        let steps = (0..steps).map(|index| step_at_index(number, index, &pools)).collect();
        seeder.insert_project(fields, steps, Vec::new())?;
    }
    Ok(())
}

fn insert_worker(seeder: &mut SpaceSeeder<'_>, number: usize, pools: &[String]) -> Result<()> {
    let at = number % pools.len();
    let kind = POOLS_OF_WORKERS[at].to_lowercase();
    let name = format!("{kind}-worker-{:03}", number / pools.len() + 1);
    let thumbprint = format!("{:040X}", 0x1f3a_5b7c_9d2e_4f60_u64 + number as u64);
    let uri = format!("https://{name}.corp.example.com:10933/");
    let mut worker = json!({
        "Name": name,
        "WorkerPoolIds": [pools[at]],
        "Thumbprint": thumbprint,
        "Uri": uri,
        "IsDisabled": false,
        "MachinePolicyId": "MachinePolicies-1",
        "IsInProcess": false,
        "Endpoint": {
            "CommunicationStyle": "TentaclePassive",
            "Uri": uri,
            "Thumbprint": thumbprint,
            "ProxyId": null,
            "TentacleVersionDetails": {
                "UpgradeLocked": false,
                "Version": null,
                "UpgradeSuggested": false,
                "UpgradeRequired": false,
                "UpgradeAvailable": false,
            },
            "CertificateSignatureAlgorithm": null,
            "Id": null,
            "Links": {},
        },
    });
    machine::check_machine(&mut worker);
    seeder.insert_document(&WORKERS, worker).map(drop)
}

/// The step at an index in the project of a number.
fn step_at_index(project: usize, index: usize, pools: &[String]) -> Value {
    let empty =
        [EmptyPoolSpelling::Null, EmptyPoolSpelling::Text, EmptyPoolSpelling::Absent][project % 3];
    let (mut step, pool) = match index % 8 {
        0 => (steps::approval_step(empty), None),
        1 => (steps::back_up_database(empty), Some(2)),
        2 => (steps::migrate_database(empty), None),
        3 => (steps::deploy_arm_template(empty), Some(1)),
        4 => (steps::deploy_to_aks(empty), Some(0)),
        5 => (steps::upgrade_helm_release(empty), Some(0)),
        6 => (steps::swap_slots(empty), Some(1)),
        _ => (steps::notify_team(empty), Some(3)),
    };
    if index >= 8 {
        step = rename_step(step, index / 8 + 1);
    }
    if let (Some(pool), true) = (pool, (project + index).is_multiple_of(2)) {
        step["Actions"][0]["WorkerPoolId"] = json!(pools[pool]);
    }
    pad_to_size(&mut step, project, index);
    step
}

/// Renames a step that its process already has.
fn rename_step(mut step: Value, time: usize) -> Value {
    let name = format!("{} {time}", step["Name"].as_str().unwrap_or_default());
    let slug = text::slugify(&name);
    for part in ["", "/Actions/0"] {
        if let Some(part) = step.pointer_mut(part) {
            part["Name"] = json!(name);
            part["Slug"] = json!(slug);
        }
    }
    step
}

/// Pads a step to the three or four kilobytes of real ones.
fn pad_to_size(step: &mut Value, project: usize, index: usize) {
    let missing = 3_400_usize.saturating_sub(step.to_string().len());
    let mut notes = String::new();
    let mut line = 0;
    while notes.len() < missing {
        line += 1;
        _ = writeln!(
            notes,
            "# {line:02}: checked with the team of project {project} before step {index}; see \"runbook\" \\\\wiki\\ops"
        );
    }
    step["Actions"][0]["Properties"]["Octopus.Action.CustomScripts.PostDeploy.ps1"] = json!(notes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_step_is_as_long_as_a_real_one() {
        let pools = ["a", "b", "c", "d"].map(str::to_owned);
        for index in 0..20 {
            let length = step_at_index(7, index, &pools).to_string().len();
            assert!((3_000..4_500).contains(&length), "{index}: {length}");
        }
    }
}
