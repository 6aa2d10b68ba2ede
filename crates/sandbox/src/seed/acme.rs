//! A larger company: three spaces, and a bit of everything that points at a pool.
//!
//! Its first space is the chapter's, with pools, workers and projects in Git beside. Never: what only
//! one test needs.

mod fleet;
mod repositories;
mod templates;

use super::{
    chapter,
    estate::{SeedInventory, variable},
    garden::SpaceSeeder,
    steps::{self, EmptyPoolSpelling, step},
};
use crate::kind::{GROUPS, LIBRARY, TARGETS, TENANTS};
use fleet::AcmePools;
use rusqlite::{Connection, Result};
use serde_json::{Value, json};

/// Plants the company in its spaces.
pub(super) fn plant(db: &Connection, spaces: &[String]) -> Result<()> {
    let [first, others @ ..] = spaces else { return Ok(()) };
    let mut garden = SpaceSeeder::new(db, first);
    let estate = chapter::plant(&mut garden)?;
    let pools = fleet::pools(&mut garden)?;
    fleet::workers(&mut garden, &pools)?;
    by_variable(&mut garden, &estate, &pools)?;
    templates::plant(db)?;
    by_template(&mut garden, &estate)?;
    by_target(&mut garden, &estate, &pools)?;
    repositories::plant(&mut garden, &estate, &pools.linux, &pools.windows)?;
    for (space, project) in others.iter().zip(["Server maintenance", "Model training"]) {
        let mut garden = SpaceSeeder::new(db, space);
        let group = garden.plant(
            &GROUPS,
            json!({ "Name": "All", "Description": "", "EnvironmentIds": [], "RetentionPolicyId": null }),
        )?;
        let steps = vec![
            steps::back_up_database(EmptyPoolSpelling::Null),
            steps::approve(EmptyPoolSpelling::Null),
        ];
        garden.project(json!({ "Name": project, "ProjectGroupId": group }), steps, Vec::new())?;
    }
    Ok(())
}

/// A variable of a library that is another pool in each environment, a project that takes its pool from
/// it, and tenants.
fn by_variable(
    garden: &mut SpaceSeeder<'_>,
    estate: &SeedInventory,
    pools: &AcmePools,
) -> Result<()> {
    let scoped = |pool: &str, environments: &[String]| {
        let mut variable = variable("Deploy.WorkerPool", "WorkerPool", &json!(pool));
        variable["Scope"] = json!({ "Environment": environments });
        variable
    };
    let id = "LibraryVariableSets-2";
    let library = garden.plant(
        &LIBRARY,
        json!({
            "Name": "Worker pools",
            "Description": "Where deployments run",
            "ContentType": "Variables",
            "VariableSetId": format!("variableset-{id}"),
            "Templates": [],
        }),
    )?;
    let (early, late) = estate.environments.split_at(2);
    garden.variables(&library, vec![scoped(&pools.linux, early), scoped(&pools.windows, late)])?;
    let mut deploy = steps::deploy_arm_template(EmptyPoolSpelling::Null);
    deploy["Actions"][0]["WorkerPoolVariable"] = json!("Deploy.WorkerPool");
    let project = json!({
        "Name": "Landing zone",
        "ProjectGroupId": estate.groups[2],
        "LifecycleId": "Lifecycles-1",
        "IncludedLibraryVariableSetIds": [library],
        "TenantedDeploymentMode": "TenantedOrUntenanted",
        "Templates": [chosen_by_tenants(&pools.linux)],
    });
    let mut cleanse = steps::notify(EmptyPoolSpelling::Null);
    cleanse["Name"] = json!("Cleanse for tenant");
    cleanse["Actions"][0]["Name"] = json!("Cleanse for tenant");
    cleanse["Actions"][0]["WorkerPoolVariable"] = json!("Tenant.WorkerPool");
    let id = garden.project(project, vec![deploy, cleanse], Vec::new())?;
    for (name, pool) in [("Contoso", Some(&pools.windows)), ("Fabrikam", None)] {
        let tenant = garden.plant(
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
            late.iter().map(|it| (it.clone(), json!({ TENANTS_CHOOSE: pool }))).collect();
        garden.tenant_values(&tenant, &json!({ &id: values }))?;
    }
    Ok(())
}

/// The id of the template by which each tenant chooses its pool.
const TENANTS_CHOOSE: &str = "2f6ac5a2-0f4e-4b0b-9d0a-6a3c6ad5b3a1";

/// A variable of a project whose value each tenant gives for itself.
fn chosen_by_tenants(pool: &str) -> Value {
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
fn by_template(garden: &mut SpaceSeeder<'_>, estate: &SeedInventory) -> Result<()> {
    let mut usage = step(
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
        "Name": "Search", "ProjectGroupId": estate.groups[0], "LifecycleId": "Lifecycles-1",
    });
    garden
        .project(project, vec![usage, steps::notify(EmptyPoolSpelling::Null)], Vec::new())
        .map(drop)
}

/// A web app whose steps run in its own pool, unless they name one.
fn by_target(
    garden: &mut SpaceSeeder<'_>,
    estate: &SeedInventory,
    pools: &AcmePools,
) -> Result<()> {
    let endpoint = json!({
        "CommunicationStyle": "AzureWebApp",
        "AccountId": estate.azure,
        "ResourceGroupName": "rg-search-production",
        "WebAppName": "search",
        "WebAppSlotName": null,
        "DefaultWorkerPoolId": pools.windows,
    });
    garden
        .plant(
            &TARGETS,
            json!({
                "Name": "search-app",
                "EnvironmentIds": estate.environments[2..],
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
