//! The first documents of a new store.
//!
//! A seed is planted once, in one transaction. The same seed gives the same documents, ids included.

mod acme;
mod chapter;
mod cloud;
mod inventory;
mod large;
mod seeder;
mod steps;

use crate::{
    document::{features, policy, space},
    error::SandboxError,
    kind::{FEATURES, FEEDS, GROUPS, LIFECYCLES, POLICIES, POOLS, SPACES},
    options::Seed,
    seed::seeder::SpaceSeeder,
    state,
    store::{self, StoredDocument},
};
use rusqlite::Connection;
use serde_json::{Value, json};

/// Plants a seed in a store that has no data. Returns whether it had none.
pub(crate) fn seed_store(db: &Connection, seed: &Seed) -> Result<bool, SandboxError> {
    let transaction = db.unchecked_transaction()?;
    let has_data = !store::list_documents(&transaction, &SPACES, "")?.is_empty();
    match seed {
        Seed::State(_) if has_data => return Err(SandboxError::HasData),
        _ if has_data => return Ok(false),
        Seed::State(text) => {
            state::read(&transaction, text)?;
            transaction.commit()?;
            return Ok(true);
        }
        _ => {}
    }
    let is_cloud = *seed == Seed::Cloud;
    let mut switches = StoredDocument::new(&FEATURES, &features::initial_document(!is_cloud));
    if is_cloud {
        features::CLOUD.clone_into(&mut switches.slug);
    }
    store::save_document(&transaction, &switches)?;
    let mut spaces = vec!["Default", "Operations"];
    spaces.extend((*seed == Seed::Acme).then_some("Research"));
    let mut ids = Vec::new();
    for name in spaces {
        let default = name == "Default";
        let id = store::next_id(&transaction, &SPACES)?;
        let space = space::new_space(&id, name, &name.to_lowercase(), default);
        store::save_document(&transaction, &StoredDocument::new(&SPACES, &space))?;
        seed_space(&transaction, &id)?;
        ids.push(id);
    }
    let mut seeder = SpaceSeeder::new(&transaction, "Spaces-1");
    match seed {
        Seed::Empty | Seed::State(_) => {}
        Seed::Cloud => cloud::seed_cloud_projects(&mut seeder)?,
        Seed::Acme => acme::seed_company(&transaction, &ids)?,
        Seed::Chapter => drop(chapter::seed_projects(&mut seeder)?),
        Seed::Large { projects, steps, workers } => {
            large::seed_many_projects(&mut seeder, *projects, *steps, *workers)?;
        }
    }
    transaction.commit()?;
    Ok(true)
}

/// Adds what every space has to a new one.
pub(crate) fn seed_space(db: &Connection, space: &str) -> rusqlite::Result<()> {
    let is_cloud = features::is_cloud_instance(db)?;
    let mut seeder = SpaceSeeder::new(db, space);
    for (index, pool) in default_pools(is_cloud).into_iter().enumerate() {
        let mut pool = pool;
        pool["SortOrder"] = json!(index);
        seeder.insert_document(&POOLS, pool)?;
    }
    let mut policy = policy::default_policy();
    policy["Name"] = json!("Default Machine Policy");
    policy["IsDefault"] = json!(true);
    seeder.insert_document(&POLICIES, policy)?;
    seeder.insert_document(&GROUPS, json!({
        "Name": "Default Project Group", "Description": "", "EnvironmentIds": [], "RetentionPolicyId": null,
    }))?;
    let keep = json!({ "Unit": "Items", "QuantityToKeep": 0, "ShouldKeepForever": true });
    seeder.insert_document(
        &LIFECYCLES,
        json!({
            "Name": "Default Lifecycle",
            "Description": "",
            "Phases": [],
            "ReleaseRetentionPolicy": keep,
            "TentacleRetentionPolicy": keep,
        }),
    )?;
    seeder.insert_document(
        &FEEDS,
        json!({
            "Name": "Octopus Server (built-in)",
            "FeedType": "BuiltIn",
            "PackageAcquisitionLocationOptions": ["Server", "ExecutionTarget"],
            "DeleteUnreleasedPackagesAfterDays": null,
        }),
    )?;
    Ok(())
}

fn default_pools(is_cloud: bool) -> Vec<Value> {
    if !is_cloud {
        return vec![seeder::static_pool("Default Worker Pool", "", true)];
    }
    vec![
        cloud::dynamic_pool("Hosted Windows", "WindowsDefault", true),
        cloud::dynamic_pool("Hosted Ubuntu", "UbuntuDefault", false),
    ]
}
