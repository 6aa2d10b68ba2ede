//! Projects in Git: with different parts in Git, with protected branches, and with an unreachable repository.

use crate::{
    seed::{
        inventory::{SeedInventory, unscoped_variable},
        seeder::SpaceSeeder,
        steps::{self, EmptyPoolSpelling, script_properties, single_action_step},
    },
    text::slugify,
};
use rusqlite::Result;
use serde_json::{Value, json};

/// Plants the projects. `linux` and `windows` are ids of pools.
pub(super) fn seed_git_projects(
    seeder: &mut SpaceSeeder<'_>,
    inventory: &SeedInventory,
    linux: &str,
    windows: &str,
) -> Result<()> {
    let company_project = |name: &str, own: Value| git_project(name, own, inventory);
    // Only the process is in Git; the branches differ in the pool of one step.
    let own = json!({ "ProtectedBranchNamePatterns": ["release/*"] });
    let id = seeder.insert_git_project(
        company_project("Checkout", own),
        vec![unscoped_variable("Build.WorkerPool", "WorkerPool", &json!(linux))],
        vec![
            ("main", vec![shop_process(json!(linux))]),
            ("develop", vec![shop_process(json!(windows))]),
            ("release/1.0", vec![shop_process(Value::Null)]),
        ],
    )?;
    seeder.insert_runbook(
        &id,
        "Empty the carts",
        vec![steps::back_up_database(EmptyPoolSpelling::Null)],
    )?;
    let repository = seeder.repository(&id);
    if let Some((_, commit)) = repository.find_ref("release/1.0")? {
        repository.create_tag("v1.0.0", &commit.hash)?;
    }
    // Everything is in Git, and the default branch is protected.
    let own = json!({
        "ProtectedDefaultBranch": true,
        "ConversionState": { "VariablesAreInGit": true, "RunbooksAreInGit": true },
    });
    let restart_runbook =
        || (Some("Restart"), vec![steps::back_up_database(EmptyPoolSpelling::Text)]);
    seeder.insert_git_project(
        company_project("Payments", own),
        vec![unscoped_variable("Build.WorkerPool", "WorkerPool", &json!(windows))],
        vec![
            ("main", vec![shop_process(Value::Null), restart_runbook()]),
            ("trial", vec![shop_process(json!(linux)), restart_runbook()]),
        ],
    )?;
    let own =
        json!({ "ConversionState": { "VariablesAreInGit": false, "RunbooksAreInGit": true } });
    seeder.insert_git_project(
        company_project("Invoices", own),
        Vec::new(),
        vec![("main", vec![shop_process(json!(linux)), restart_runbook()])],
    )?;
    // No host is ever named `.invalid`.
    let own = json!({ "Url": "https://git.acme.invalid/lost.git" });
    let lost = vec![("main", vec![shop_process(Value::Null)])];
    seeder.insert_git_project(company_project("Lost and found", own), Vec::new(), lost)?;
    Ok(())
}

/// A deployment process whose first step is in a pool.
fn shop_process(pool: Value) -> (Option<&'static str>, Vec<Value>) {
    let properties = script_properties("Bash", "docker build .", "true");
    let mut build = single_action_step(
        "Build the image",
        "Octopus.Script",
        EmptyPoolSpelling::Null,
        properties,
    );
    build["Actions"][0]["WorkerPoolId"] = pool;
    let migrate = steps::migrate_database(EmptyPoolSpelling::Null);
    let deploy = steps::deploy_to_aks(EmptyPoolSpelling::Null);
    (None, vec![build, migrate, deploy, steps::notify_team(EmptyPoolSpelling::Null)])
}

/// A project in Git, with the settings that are its own.
fn git_project(name: &str, own: Value, inventory: &SeedInventory) -> Value {
    let mut settings = json!({
        "Type": "VersionControlled",
        "Url": format!("https://git.acme.example/{}.git", slugify(name)),
        "DefaultBranch": "main",
        "BasePath": ".octopus",
        "Credentials": { "Type": "Anonymous" },
        "ProtectedDefaultBranch": false,
        "ProtectedBranchNamePatterns": [],
        "SerializationFormat": "Ocl",
        "ConversionState": { "VariablesAreInGit": false, "RunbooksAreInGit": false },
    });
    for (key, value) in own.as_object().into_iter().flatten() {
        settings[key.as_str()] = value.clone();
    }
    json!({
        "Name": name,
        "ProjectGroupId": inventory.groups[0],
        "LifecycleId": "Lifecycles-1",
        "PersistenceSettings": settings,
    })
}
