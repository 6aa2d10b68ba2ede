//! Projects in Git: what is stored there, what is protected, and a repository that nobody reaches.
//!
//! Never: a step that no project of the database could have.

use crate::resource::slug;
use crate::seed::{
    estate::{SeedInventory, variable},
    garden::SpaceSeeder,
    steps::{self, EmptyPoolSpelling, script, step},
};
use rusqlite::Result;
use serde_json::{Value, json};

/// Plants the projects. `linux` and `windows` are ids of pools.
pub(super) fn plant(
    garden: &mut SpaceSeeder<'_>,
    estate: &SeedInventory,
    linux: &str,
    windows: &str,
) -> Result<()> {
    let in_git = |name: &str, own: Value| project(name, own, estate);
    // All but the process is in the database; branches differ in the pool of one step.
    let own = json!({ "ProtectedBranchNamePatterns": ["release/*"] });
    let id = garden.git_project(
        in_git("Checkout", own),
        vec![variable("Build.WorkerPool", "WorkerPool", &json!(linux))],
        vec![
            ("main", vec![shop(json!(linux))]),
            ("develop", vec![shop(json!(windows))]),
            ("release/1.0", vec![shop(Value::Null)]),
        ],
    )?;
    garden.runbook(
        &id,
        "Empty the carts",
        vec![steps::back_up_database(EmptyPoolSpelling::Null)],
    )?;
    let repository = garden.repository(&id);
    if let Some((_, commit)) = repository.find("release/1.0")? {
        repository.tag("v1.0.0", &commit.hash)?;
    }
    // All is in Git, and who changes it makes a branch first.
    let own = json!({
        "ProtectedDefaultBranch": true,
        "ConversionState": { "VariablesAreInGit": true, "RunbooksAreInGit": true },
    });
    let restart = || (Some("Restart"), vec![steps::back_up_database(EmptyPoolSpelling::Text)]);
    garden.git_project(
        in_git("Payments", own),
        vec![variable("Build.WorkerPool", "WorkerPool", &json!(windows))],
        vec![
            ("main", vec![shop(Value::Null), restart()]),
            ("trial", vec![shop(json!(linux)), restart()]),
        ],
    )?;
    let own =
        json!({ "ConversionState": { "VariablesAreInGit": false, "RunbooksAreInGit": true } });
    garden.git_project(
        in_git("Invoices", own),
        Vec::new(),
        vec![("main", vec![shop(json!(linux)), restart()])],
    )?;
    // No host is ever named `.invalid`.
    let own = json!({ "Url": "https://git.acme.invalid/lost.git" });
    let lost = vec![("main", vec![shop(Value::Null)])];
    garden.git_project(in_git("Lost and found", own), Vec::new(), lost)?;
    Ok(())
}

/// A deployment process whose first step is in a pool.
fn shop(pool: Value) -> (Option<&'static str>, Vec<Value>) {
    let properties = script("Bash", "docker build .", "true");
    let mut build = step("Build the image", "Octopus.Script", EmptyPoolSpelling::Null, properties);
    build["Actions"][0]["WorkerPoolId"] = pool;
    let migrate = steps::migrate_database(EmptyPoolSpelling::Null);
    let deploy = steps::deploy_to_aks(EmptyPoolSpelling::Null);
    (None, vec![build, migrate, deploy, steps::notify(EmptyPoolSpelling::Null)])
}

/// A project in Git, with the settings that are its own.
fn project(name: &str, own: Value, estate: &SeedInventory) -> Value {
    let mut settings = json!({
        "Type": "VersionControlled",
        "Url": format!("https://git.acme.example/{}.git", slug(name)),
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
        "ProjectGroupId": estate.groups[0],
        "LifecycleId": "Lifecycles-1",
        "PersistenceSettings": settings,
    })
}
