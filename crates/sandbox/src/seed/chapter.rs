//! A company of eight projects, all of whose steps run on the built-in worker or on targets.
//!
//! Each project was written by another kind of client, so an empty pool occurs in all three spellings.

use crate::seed::{
    inventory::{self, SeedInventory, unscoped_variable},
    seeder::SpaceSeeder,
    steps::{
        self, EmptyPoolSpelling, build_action, multi_action_step, script_properties,
        set_target_role, single_action_step,
    },
};
use rusqlite::Result;
use serde_json::{Value, json};

/// Plants the company, and returns what it has besides projects.
pub(super) fn seed_projects(seeder: &mut SpaceSeeder<'_>) -> Result<SeedInventory> {
    let inventory = inventory::seed_inventory(seeder)?;
    seed_applications(seeder, &inventory)?;
    seed_data_projects(seeder, &inventory)?;
    seed_platform(seeder, &inventory)?;
    Ok(inventory)
}

fn seed_applications(seeder: &mut SpaceSeeder<'_>, inventory: &SeedInventory) -> Result<()> {
    let group = &inventory.groups[0];
    let empty = EmptyPoolSpelling::Null;
    let mut approve = steps::approval_step(empty);
    approve["Actions"][0]["Environments"] = json!(&inventory.environments[2..]);
    let id = seeder.insert_project(
        project_in_group("Web Store", group, inventory),
        vec![
            approve,
            steps::migrate_database(empty),
            steps::deploy_to_aks(empty),
            steps::deploy_web_app("WebStore.Web", empty),
            steps::swap_slots(empty),
            steps::notify_team(empty),
            steps::send_release_notes(empty),
        ],
        project_variables(inventory, "web-store"),
    )?;
    seeder.insert_runbook(&id, "Restart", vec![restart_app(empty), steps::notify_team(empty)])?;
    seeder.insert_runbook(&id, "Refresh test data", refresh_test_data(empty))?;

    let empty = EmptyPoolSpelling::Absent;
    let id = seeder.insert_project(
        project_in_group("Identity", group, inventory),
        vec![
            steps::migrate_database(empty),
            steps::upgrade_helm_release(empty),
            steps::notify_team(empty),
        ],
        project_variables(inventory, "identity"),
    )?;
    seeder.insert_runbook(&id, "Rotate certificates", vec![rotate_certificates(empty)])?;
    seeder.insert_runbook(&id, "Restart", vec![restart_pods(empty)])?;

    let empty = EmptyPoolSpelling::Null;
    let id = seeder.insert_project(
        project_in_group("Catalogue", group, inventory),
        vec![steps::deploy_to_aks(empty), rebuild_index(empty), steps::notify_team(empty)],
        project_variables(inventory, "catalogue"),
    )?;
    seeder.insert_runbook(&id, "Restart", vec![restart_pods(empty)])?;

    let empty = EmptyPoolSpelling::Text;
    seeder.insert_project(
        project_in_group("Mobile API", group, inventory),
        vec![
            steps::approval_step(empty),
            steps::deploy_to_aks(empty),
            smoke_tests(empty, &inventory.docker),
            steps::notify_team(empty),
        ],
        project_variables(inventory, "mobile-api"),
    )?;
    Ok(())
}

fn seed_data_projects(seeder: &mut SpaceSeeder<'_>, inventory: &SeedInventory) -> Result<()> {
    let group = &inventory.groups[1];
    let empty = EmptyPoolSpelling::Text;
    let id = seeder.insert_project(
        project_in_group("Billing", group, inventory),
        vec![
            steps::back_up_database(empty),
            steps::migrate_database(empty),
            steps::deploy_arm_template(empty),
            steps::deploy_web_app("Billing.Web", empty),
            steps::notify_team(empty),
        ],
        project_variables(inventory, "billing"),
    )?;
    seeder.insert_runbook(&id, "Refresh test data", refresh_test_data(empty))?;

    let empty = EmptyPoolSpelling::Null;
    let id = seeder.insert_project(
        project_in_group("Data Warehouse", group, inventory),
        vec![
            steps::back_up_database(empty),
            steps::migrate_database(empty),
            load_warehouse(empty),
            steps::notify_team(empty),
        ],
        project_variables(inventory, "warehouse"),
    )?;
    seeder.insert_runbook(&id, "Refresh test data", refresh_test_data(empty))
}

fn seed_platform(seeder: &mut SpaceSeeder<'_>, inventory: &SeedInventory) -> Result<()> {
    let group = &inventory.groups[2];
    let empty = EmptyPoolSpelling::Null;
    let mut plan = steps::terraform_step("Plan Terraform", "Octopus.TerraformPlan", empty);
    plan["Actions"][0]["WorkerPoolVariable"] = json!("Terraform.WorkerPool");
    let mut set = project_variables(inventory, "platform");
    set.push(unscoped_variable("Terraform.WorkerPool", "WorkerPool", &json!("WorkerPools-1")));
    let id = seeder.insert_project(
        project_in_group("Infrastructure", group, inventory),
        vec![
            plan,
            steps::approval_step(empty),
            steps::terraform_step("Apply Terraform", "Octopus.TerraformApply", empty),
            steps::deploy_arm_template(empty),
            steps::notify_team(empty),
        ],
        set,
    )?;
    seeder.insert_runbook(&id, "Rotate certificates", vec![rotate_certificates(empty)])?;

    let empty = EmptyPoolSpelling::Absent;
    let package = steps::deploy_package("Deploy package", "LegacyIntranet.Web", empty);
    let id = seeder.insert_project(
        project_in_group("Legacy Intranet", group, inventory),
        vec![
            steps::migrate_database(empty),
            set_target_role(package, "intranet-server"),
            set_target_role(warm_up_pages(empty), "intranet-server"),
            steps::send_release_notes(empty),
        ],
        project_variables(inventory, "intranet"),
    )?;
    seeder.insert_runbook(
        &id,
        "Restart",
        vec![set_target_role(restart_service(empty), "intranet-server")],
    )
}

fn project_in_group(name: &str, group: &str, inventory: &SeedInventory) -> Value {
    json!({
        "Name": name,
        "ProjectGroupId": group,
        "LifecycleId": "Lifecycles-1",
        "IncludedLibraryVariableSetIds": [inventory.notifications],
    })
}

fn project_variables(inventory: &SeedInventory, database: &str) -> Vec<Value> {
    let text_variable = |name: &str, value: &str| unscoped_variable(name, "String", &json!(value));
    let mut server = text_variable("Database.Server", "sql-prod.corp.example.com");
    server["Scope"] = json!({ "Environment": &inventory.environments[2..] });
    vec![
        text_variable("Database.Name", database),
        text_variable("Database.Server", "sql-test.corp.example.com"),
        server,
        text_variable("Replicas", "2"),
        unscoped_variable("Azure.Account", "AzureAccount", &json!(inventory.azure)),
    ]
}

fn restart_app(empty: EmptyPoolSpelling) -> Value {
    let body = "az webapp restart --resource-group \"rg-web-store-production\" --name web-store\n";
    steps::azure_script("Restart the app", body, empty)
}

fn kubectl_step(name: &str, body: &str, empty: EmptyPoolSpelling) -> Value {
    set_target_role(
        single_action_step(
            name,
            "Octopus.KubernetesRunScript",
            empty,
            script_properties("Bash", body, "true"),
        ),
        "aks",
    )
}

fn restart_pods(empty: EmptyPoolSpelling) -> Value {
    let body = "kubectl rollout restart deployment/\"#{Octopus.Project.Slug}\"\n\
                kubectl rollout status deployment/\"#{Octopus.Project.Slug}\" --timeout=180s\n";
    kubectl_step("Restart the pods", body, empty)
}

fn rebuild_index(empty: EmptyPoolSpelling) -> Value {
    let body = "kubectl create job \"reindex-#{Octopus.Release.Number}\" --from=cronjob/reindex\n";
    kubectl_step("Rebuild search index", body, empty)
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
    let anonymise = single_action_step(
        "Restore and anonymise",
        "Octopus.Script",
        empty,
        script_properties("PowerShell", body, "False"),
    );
    vec![
        steps::back_up_database(empty),
        set_target_role(anonymise, "database-server"),
        steps::notify_team(empty),
    ]
}

fn smoke_tests(empty: EmptyPoolSpelling, docker: &str) -> Value {
    let body = "curl --fail --silent --show-error \"https://api.example.com/health\" | jq -e '.status == \"ok\"'\n";
    let mut properties = script_properties("Bash", body, "True");
    properties["OctopusUseBundledTooling"] = json!("False");
    let mut step = single_action_step("Run smoke tests", "Octopus.Script", empty, properties);
    step["Actions"][0]["Container"] = json!({
        "Image": "octopusdeploy/worker-tools:6.4.0-ubuntu.22.04",
        "FeedId": docker,
        "GitUrl": null,
        "Dockerfile": null,
    });
    step
}

/// A rolling step on the database servers, with one action that runs on a worker.
fn load_warehouse(empty: EmptyPoolSpelling) -> Value {
    let on_target = |name: &str, body: &str| {
        build_action(name, "Octopus.Script", empty, script_properties("PowerShell", body, "false"))
    };
    let mut package = steps::deploy_package("Deploy SSIS packages", "Warehouse.Packages", empty);
    let package = package["Actions"][0].take();
    let tell = "Write-Host \"#{Octopus.Machine.Name} is loaded\"\n";
    let mut step = multi_action_step(
        "Load warehouse",
        "database-server",
        vec![
            on_target("Stop agent jobs", "Get-Service SQLSERVERAGENT | Stop-Service -Force\n"),
            package,
            on_target("Start agent jobs", "Get-Service SQLSERVERAGENT | Start-Service\n"),
            build_action(
                "Tell the analysts",
                "Octopus.Script",
                empty,
                script_properties("PowerShell", tell, "true"),
            ),
        ],
    );
    step["Properties"]["Octopus.Action.MaxParallelism"] = json!("1");
    step
}

fn warm_up_pages(empty: EmptyPoolSpelling) -> Value {
    let body = "Invoke-WebRequest -UseBasicParsing http://localhost/ | Out-Null\n";
    single_action_step(
        "Warm up pages",
        "Octopus.Script",
        empty,
        script_properties("PowerShell", body, "false"),
    )
}

fn restart_service(empty: EmptyPoolSpelling) -> Value {
    let body = "Restart-Service W3SVC\n";
    single_action_step(
        "Restart the service",
        "Octopus.Script",
        empty,
        script_properties("PowerShell", body, "false"),
    )
}
