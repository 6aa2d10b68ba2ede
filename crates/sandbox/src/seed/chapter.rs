//! The chapter's company: eight projects, every step of them on the built-in worker or a target.
//!
//! Each project was written by another kind of client, so an empty pool is there in all three
//! spellings. Never: a worker, or a pool beside the default one.

use super::{
    estate::{self, SeedInventory, variable},
    garden::SpaceSeeder,
    steps::{self, EmptyPoolSpelling, action, on, parent, script, step},
};
use rusqlite::Result;
use serde_json::{Value, json};

/// Plants the company, and tells what it has beside projects.
pub(super) fn plant(garden: &mut SpaceSeeder<'_>) -> Result<SeedInventory> {
    let estate = estate::plant(garden)?;
    applications(garden, &estate)?;
    data(garden, &estate)?;
    platform(garden, &estate)?;
    Ok(estate)
}

fn applications(garden: &mut SpaceSeeder<'_>, estate: &SeedInventory) -> Result<()> {
    let group = &estate.groups[0];
    let empty = EmptyPoolSpelling::Null;
    let mut approve = steps::approve(empty);
    approve["Actions"][0]["Environments"] = json!(&estate.environments[2..]);
    let id = garden.project(
        project("Web Store", group, estate),
        vec![
            approve,
            steps::migrate_database(empty),
            steps::deploy_to_aks(empty),
            steps::deploy_web_app("WebStore.Web", empty),
            steps::swap_slots(empty),
            steps::notify(empty),
            steps::send_release_notes(empty),
        ],
        variables(estate, "web-store"),
    )?;
    garden.runbook(&id, "Restart", vec![restart_app(empty), steps::notify(empty)])?;
    garden.runbook(&id, "Refresh test data", refresh_test_data(empty))?;

    let empty = EmptyPoolSpelling::Absent;
    let id = garden.project(
        project("Identity", group, estate),
        vec![
            steps::migrate_database(empty),
            steps::upgrade_helm_release(empty),
            steps::notify(empty),
        ],
        variables(estate, "identity"),
    )?;
    garden.runbook(&id, "Rotate certificates", vec![rotate_certificates(empty)])?;
    garden.runbook(&id, "Restart", vec![restart_pods(empty)])?;

    let empty = EmptyPoolSpelling::Null;
    let id = garden.project(
        project("Catalogue", group, estate),
        vec![steps::deploy_to_aks(empty), rebuild_index(empty), steps::notify(empty)],
        variables(estate, "catalogue"),
    )?;
    garden.runbook(&id, "Restart", vec![restart_pods(empty)])?;

    let empty = EmptyPoolSpelling::Text;
    garden.project(
        project("Mobile API", group, estate),
        vec![
            steps::approve(empty),
            steps::deploy_to_aks(empty),
            smoke_tests(empty, &estate.docker),
            steps::notify(empty),
        ],
        variables(estate, "mobile-api"),
    )?;
    Ok(())
}

fn data(garden: &mut SpaceSeeder<'_>, estate: &SeedInventory) -> Result<()> {
    let group = &estate.groups[1];
    let empty = EmptyPoolSpelling::Text;
    let id = garden.project(
        project("Billing", group, estate),
        vec![
            steps::back_up_database(empty),
            steps::migrate_database(empty),
            steps::deploy_arm_template(empty),
            steps::deploy_web_app("Billing.Web", empty),
            steps::notify(empty),
        ],
        variables(estate, "billing"),
    )?;
    garden.runbook(&id, "Refresh test data", refresh_test_data(empty))?;

    let empty = EmptyPoolSpelling::Null;
    let id = garden.project(
        project("Data Warehouse", group, estate),
        vec![
            steps::back_up_database(empty),
            steps::migrate_database(empty),
            load_warehouse(empty),
            steps::notify(empty),
        ],
        variables(estate, "warehouse"),
    )?;
    garden.runbook(&id, "Refresh test data", refresh_test_data(empty))
}

fn platform(garden: &mut SpaceSeeder<'_>, estate: &SeedInventory) -> Result<()> {
    let group = &estate.groups[2];
    let empty = EmptyPoolSpelling::Null;
    let mut plan = steps::terraform("Plan Terraform", "Octopus.TerraformPlan", empty);
    plan["Actions"][0]["WorkerPoolVariable"] = json!("Terraform.WorkerPool");
    let mut set = variables(estate, "platform");
    set.push(variable("Terraform.WorkerPool", "WorkerPool", &json!("WorkerPools-1")));
    let id = garden.project(
        project("Infrastructure", group, estate),
        vec![
            plan,
            steps::approve(empty),
            steps::terraform("Apply Terraform", "Octopus.TerraformApply", empty),
            steps::deploy_arm_template(empty),
            steps::notify(empty),
        ],
        set,
    )?;
    garden.runbook(&id, "Rotate certificates", vec![rotate_certificates(empty)])?;

    let empty = EmptyPoolSpelling::Absent;
    let package = steps::deploy_package("Deploy package", "LegacyIntranet.Web", empty);
    let id = garden.project(
        project("Legacy Intranet", group, estate),
        vec![
            steps::migrate_database(empty),
            on(package, "intranet-server"),
            on(warm_up(empty), "intranet-server"),
            steps::send_release_notes(empty),
        ],
        variables(estate, "intranet"),
    )?;
    garden.runbook(&id, "Restart", vec![on(restart_service(empty), "intranet-server")])
}

fn project(name: &str, group: &str, estate: &SeedInventory) -> Value {
    json!({
        "Name": name,
        "ProjectGroupId": group,
        "LifecycleId": "Lifecycles-1",
        "IncludedLibraryVariableSetIds": [estate.notifications],
    })
}

fn variables(estate: &SeedInventory, database: &str) -> Vec<Value> {
    let text = |name: &str, value: &str| variable(name, "String", &json!(value));
    let mut server = text("Database.Server", "sql-prod.corp.example.com");
    server["Scope"] = json!({ "Environment": &estate.environments[2..] });
    vec![
        text("Database.Name", database),
        text("Database.Server", "sql-test.corp.example.com"),
        server,
        text("Replicas", "2"),
        variable("Azure.Account", "AzureAccount", &json!(estate.azure)),
    ]
}

fn restart_app(empty: EmptyPoolSpelling) -> Value {
    let body = "az webapp restart --resource-group \"rg-web-store-production\" --name web-store\n";
    steps::azure_script("Restart the app", body, empty)
}

fn kubectl(name: &str, body: &str, empty: EmptyPoolSpelling) -> Value {
    on(step(name, "Octopus.KubernetesRunScript", empty, script("Bash", body, "true")), "aks")
}

fn restart_pods(empty: EmptyPoolSpelling) -> Value {
    let body = "kubectl rollout restart deployment/\"#{Octopus.Project.Slug}\"\n\
                kubectl rollout status deployment/\"#{Octopus.Project.Slug}\" --timeout=180s\n";
    kubectl("Restart the pods", body, empty)
}

fn rebuild_index(empty: EmptyPoolSpelling) -> Value {
    let body = "kubectl create job \"reindex-#{Octopus.Release.Number}\" --from=cronjob/reindex\n";
    kubectl("Rebuild search index", body, empty)
}

fn rotate_certificates(empty: EmptyPoolSpelling) -> Value {
    let body = "\
for name in $(az keyvault certificate list --vault-name kv-platform --query '[].name' -o tsv); do
  az keyvault certificate create --vault-name kv-platform --name \"$name\" --policy \"$(cat policy.json)\"
done
";
    steps::azure_script("Rotate certificates", body, empty)
}

fn refresh_test_data(empty: EmptyPoolSpelling) -> Vec<Value> {
    let body = "\
Invoke-Sqlcmd -ServerInstance \"#{Database.Server},1433\" -InputFile .\\anonymise.sql -QueryTimeout 7200
";
    let anonymise =
        step("Restore and anonymise", "Octopus.Script", empty, script("PowerShell", body, "False"));
    vec![steps::back_up_database(empty), on(anonymise, "database-server"), steps::notify(empty)]
}

fn smoke_tests(empty: EmptyPoolSpelling, docker: &str) -> Value {
    let body = "curl --fail --silent --show-error \"https://api.example.com/health\" | jq -e '.status == \"ok\"'\n";
    let mut properties = script("Bash", body, "True");
    properties["OctopusUseBundledTooling"] = json!("False");
    let mut step = step("Run smoke tests", "Octopus.Script", empty, properties);
    step["Actions"][0]["Container"] = json!({
        "Image": "octopusdeploy/worker-tools:6.4.0-ubuntu.22.04",
        "FeedId": docker,
        "GitUrl": null,
        "Dockerfile": null,
    });
    step
}

/// A rolling step: on the database servers one after the other, with one action that runs elsewhere.
fn load_warehouse(empty: EmptyPoolSpelling) -> Value {
    let on_target = |name: &str, body: &str| {
        action(name, "Octopus.Script", empty, script("PowerShell", body, "false"))
    };
    let mut package = steps::deploy_package("Deploy SSIS packages", "Warehouse.Packages", empty);
    let package = package["Actions"][0].take();
    let tell = "Write-Host \"#{Octopus.Machine.Name} is loaded\"\n";
    let mut step = parent(
        "Load warehouse",
        "database-server",
        vec![
            on_target("Stop agent jobs", "Get-Service SQLSERVERAGENT | Stop-Service -Force\n"),
            package,
            on_target("Start agent jobs", "Get-Service SQLSERVERAGENT | Start-Service\n"),
            action(
                "Tell the analysts",
                "Octopus.Script",
                empty,
                script("PowerShell", tell, "true"),
            ),
        ],
    );
    step["Properties"]["Octopus.Action.MaxParallelism"] = json!("1");
    step
}

fn warm_up(empty: EmptyPoolSpelling) -> Value {
    let body = "Invoke-WebRequest -UseBasicParsing http://localhost/ | Out-Null\n";
    step("Warm up pages", "Octopus.Script", empty, script("PowerShell", body, "false"))
}

fn restart_service(empty: EmptyPoolSpelling) -> Value {
    let body = "Restart-Service W3SVC\n";
    step("Restart the service", "Octopus.Script", empty, script("PowerShell", body, "false"))
}
