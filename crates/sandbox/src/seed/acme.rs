//! A larger company: three spaces, and an example of everything that can refer to a pool.
//!
//! Its first space is that of the chapter, with pools, workers and projects in Git added.

mod fleet;
mod repositories;
mod templates;

use crate::{
    document::endpoint::complete_endpoint,
    kind::{GROUPS, LIBRARY, TARGETS, TENANTS},
    seed::{
        acme::fleet::AcmePools,
        chapter,
        inventory::{SeedInventory, unscoped_variable},
        seeder::SpaceSeeder,
        steps::{self, EmptyPoolSpelling, single_action_step},
    },
};
use rusqlite::{Connection, Result};
use serde_json::{Value, json};

/// Plants the company in its spaces.
pub(super) fn seed_company(db: &Connection, spaces: &[String]) -> Result<()> {
    let [first, others @ ..] = spaces else { return Ok(()) };
    let mut seeder = SpaceSeeder::new(db, first);
    let inventory = chapter::seed_projects(&mut seeder)?;
    let pools = fleet::seed_pools(&mut seeder)?;
    fleet::seed_workers(&mut seeder, &pools)?;
    seed_variable_pools(&mut seeder, &inventory, &pools)?;
    templates::seed_template(db)?;
    seed_template_usage(&mut seeder, &inventory)?;
    seed_target_pools(&mut seeder, &inventory, &pools)?;
    repositories::seed_git_projects(&mut seeder, &inventory, &pools.linux, &pools.windows)?;
    for (space, project) in others.iter().zip(["Server maintenance", "Model training"]) {
        let mut seeder = SpaceSeeder::new(db, space);
        let group = seeder.insert_document(
            &GROUPS,
            json!({ "Name": "All", "Description": "", "EnvironmentIds": [], "RetentionPolicyId": null }),
        )?;
        let steps = vec![
            steps::back_up_database(EmptyPoolSpelling::Null),
            steps::approval_step(EmptyPoolSpelling::Null),
        ];
        seeder.insert_project(
            json!({ "Name": project, "ProjectGroupId": group }),
            steps,
            Vec::new(),
        )?;
    }
    Ok(())
}

/// A library variable that names a different pool in each environment, a project that uses it, and tenants.
fn seed_variable_pools(
    seeder: &mut SpaceSeeder<'_>,
    inventory: &SeedInventory,
    pools: &AcmePools,
) -> Result<()> {
    let scoped_variable = |pool: &str, environments: &[String]| {
        let mut variable = unscoped_variable("Deploy.WorkerPool", "WorkerPool", &json!(pool));
        variable["Scope"] = json!({ "Environment": environments });
        variable
    };
    let id = "LibraryVariableSets-2";
    let library = seeder.insert_document(
        &LIBRARY,
        json!({
            "Name": "Worker pools",
            "Description": "Where deployments run",
            "ContentType": "Variables",
            "VariableSetId": format!("variableset-{id}"),
            "Templates": [],
        }),
    )?;
    let (early, late) = inventory.environments.split_at(2);
    seeder.insert_variables(
        &library,
        vec![scoped_variable(&pools.linux, early), scoped_variable(&pools.windows, late)],
    )?;
    let mut deploy = steps::deploy_arm_template(EmptyPoolSpelling::Null);
    deploy["Actions"][0]["WorkerPoolVariable"] = json!("Deploy.WorkerPool");
    let project = json!({
        "Name": "Landing zone",
        "ProjectGroupId": inventory.groups[2],
        "LifecycleId": "Lifecycles-1",
        "IncludedLibraryVariableSetIds": [library],
        "TenantedDeploymentMode": "TenantedOrUntenanted",
        "Templates": [tenant_pool_variable(&pools.linux)],
    });
    let mut cleanse = steps::notify_team(EmptyPoolSpelling::Null);
    cleanse["Name"] = json!("Cleanse for tenant");
    cleanse["Actions"][0]["Name"] = json!("Cleanse for tenant");
    cleanse["Actions"][0]["WorkerPoolVariable"] = json!("Tenant.WorkerPool");
    let id = seeder.insert_project(project, vec![deploy, cleanse], Vec::new())?;
    for (name, pool) in [("Contoso", Some(&pools.windows)), ("Fabrikam", None)] {
        let tenant = seeder.insert_document(
            &TENANTS,
            json!({
                "Name": name,
                "Description": "",
                "TenantTags": [],
                "ProjectEnvironments": { &id: late },
                "IsDisabled": false,
            }),
        )?;
        let Some(pool) = pool else { continue };
        let values: serde_json::Map<_, _> =
            late.iter().map(|text| (text.clone(), json!({ TENANTS_CHOOSE: pool }))).collect();
        seeder.insert_tenant_values(&tenant, &json!({ &id: values }))?;
    }
    Ok(())
}

/// The id of the template by which each tenant chooses its pool.
const TENANTS_CHOOSE: &str = "2f6ac5a2-0f4e-4b0b-9d0a-6a3c6ad5b3a1";

/// A project variable whose value each tenant sets for itself.
fn tenant_pool_variable(pool: &str) -> Value {
    json!({
        "Id": TENANTS_CHOOSE,
        "Name": "Tenant.WorkerPool",
        "Label": "Worker pool",
        "HelpText": "Where this tenant's work runs",
        "DefaultValue": pool,
        "DisplaySettings": { "Octopus.ControlType": "WorkerPool" },
    })
}

/// A project that uses a process template, whose pool is a slug in a plain property.
fn seed_template_usage(seeder: &mut SpaceSeeder<'_>, inventory: &SeedInventory) -> Result<()> {
    let mut usage = single_action_step(
        "Deploy by template",
        "Octopus.ProcessTemplate",
        EmptyPoolSpelling::Null,
        json!({
            "Octopus.Action.ProcessTemplate.Reference.Slug": "deploy-service",
            "Octopus.Action.ProcessTemplate.Reference.VersionMask": "1.X",
            "Worker pool": "linux",
            "Replicas": "3",
        }),
    );
    usage["Type"] = json!("ProcessTemplateUsage");
    let project = json!({
        "Name": "Search", "ProjectGroupId": inventory.groups[0], "LifecycleId": "Lifecycles-1",
    });
    seeder
        .insert_project(
            project,
            vec![usage, steps::notify_team(EmptyPoolSpelling::Null)],
            Vec::new(),
        )
        .map(drop)
}

/// A web app whose steps run in its own pool, unless they name one.
fn seed_target_pools(
    seeder: &mut SpaceSeeder<'_>,
    inventory: &SeedInventory,
    pools: &AcmePools,
) -> Result<()> {
    let mut endpoint = json!({
        "CommunicationStyle": "AzureWebApp",
        "AccountId": inventory.azure,
        "ResourceGroupName": "rg-search-production",
        "WebAppName": "search",
        "WebAppSlotName": null,
        "DefaultWorkerPoolId": pools.windows,
    });
    complete_endpoint(&mut endpoint, &Value::Null);
    seeder
        .insert_document(
            &TARGETS,
            json!({
                "Name": "search-app",
                "EnvironmentIds": inventory.environments[2..],
                "Roles": ["search"],
                "TenantedDeploymentParticipation": "Untenanted",
                "TenantIds": [],
                "TenantTags": [],
                "Thumbprint": null,
                "Uri": null,
                "IsDisabled": false,
                "MachinePolicyId": "MachinePolicies-1",
                "HealthStatus": "Healthy",
                "Status": "Online",
                "Endpoint": endpoint,
            }),
        )
        .map(drop)
}
