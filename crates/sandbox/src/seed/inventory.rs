//! What the chapter's company has besides projects: environments, feeds, accounts, targets.

use crate::{
    document::{endpoint::complete_endpoint, machine},
    kind::{ACCOUNTS, ENVIRONMENTS, FEEDS, GROUPS, LIBRARY, PROXIES, TARGETS},
    seed::seeder::SpaceSeeder,
};
use rusqlite::Result;
use serde_json::{Value, json};

/// The ids that the projects refer to.
#[derive(Debug)]
pub(super) struct SeedInventory {
    /// Development, Test, Production.
    pub(super) environments: Vec<String>,
    /// Applications, Data, Platform.
    pub(super) groups: Vec<String>,
    /// The account of Azure steps.
    pub(super) azure: String,
    /// The Docker feed.
    pub(super) docker: String,
    /// The library variable set.
    pub(super) notifications: String,
}

pub(super) fn seed_inventory(seeder: &mut SpaceSeeder<'_>) -> Result<SeedInventory> {
    let mut environments = Vec::new();
    for (rank, name) in ["Development", "Test", "Production"].into_iter().enumerate() {
        environments.push(seeder.insert_document(
            &ENVIRONMENTS,
            json!({
                "Name": name,
                "Description": "",
                "SortOrder": rank,
                "UseGuidedFailure": name == "Production",
                "AllowDynamicInfrastructure": name != "Production",
                "ExtensionSettings": [],
            }),
        )?);
    }
    let mut groups = Vec::new();
    for (name, description) in [
        ("Applications", "What customers see"),
        ("Data", "What is behind it"),
        ("Platform", "What it all runs on"),
    ] {
        groups.push(seeder.insert_document(&GROUPS, json!({
            "Name": name, "Description": description, "EnvironmentIds": [], "RetentionPolicyId": null,
        }))?);
    }
    let (docker, _charts) = seed_feeds(seeder)?;
    let azure = seed_accounts(seeder)?;
    let notifications = seed_notifications(seeder)?;
    seed_targets(seeder, &environments)?;
    Ok(SeedInventory { environments, groups, azure, docker, notifications })
}

fn seed_feeds(seeder: &mut SpaceSeeder<'_>) -> Result<(String, String)> {
    let feed = |name: &str, kind: &str, uri: &str| {
        json!({
            "Name": name,
            "FeedType": kind,
            "FeedUri": uri,
            "Username": null,
            "Password": secret_value(false),
            "PackageAcquisitionLocationOptions": ["ExecutionTarget", "NotAcquired"],
        })
    };
    let mut docker = feed("Docker Hub", "Docker", "https://index.docker.io");
    docker["ApiVersion"] = json!("v1");
    let docker = seeder.insert_document(&FEEDS, docker)?;
    let charts = feed("Charts", "Helm", "https://charts.example.com/stable");
    Ok((docker, seeder.insert_document(&FEEDS, charts)?))
}

fn seed_accounts(seeder: &mut SpaceSeeder<'_>) -> Result<String> {
    let account = |name: &str, kind: &str| {
        json!({
            "Name": name,
            "Description": "",
            "AccountType": kind,
            "EnvironmentIds": [],
            "TenantedDeploymentParticipation": "Untenanted",
            "TenantIds": [],
            "TenantTags": [],
        })
    };
    let mut ssh = account("db-ssh", "SshKeyPair");
    ssh["Username"] = json!("octopus");
    ssh["PrivateKeyFile"] = secret_value(true);
    ssh["PrivateKeyPassphrase"] = secret_value(false);
    seeder.insert_document(&ACCOUNTS, ssh)?;
    seeder.insert_document(
        &PROXIES,
        json!({
            "Name": "DMZ proxy",
            "Host": "proxy.dmz.example.com",
            "Port": 3128,
            "ProxyType": "HTTP",
            "Username": "",
            "Password": secret_value(false),
        }),
    )?;
    let mut azure = account("Azure", "AzureServicePrincipal");
    azure["SubscriptionNumber"] = json!("1f3e5d7c-9b8a-4c6d-8e0f-2a4b6c8d0e1f");
    azure["ClientId"] = json!("6b1c8a52-07a3-4c59-9b9c-3f0f3c4a5b6d");
    azure["TenantId"] = json!("9f8e7d6c-5b4a-4392-8170-6f5e4d3c2b1a");
    azure["Password"] = secret_value(true);
    seeder.insert_document(&ACCOUNTS, azure)
}

fn secret_value(is_set: bool) -> Value {
    json!({ "HasValue": is_set, "NewValue": null, "Hint": null })
}

fn seed_notifications(seeder: &mut SpaceSeeder<'_>) -> Result<String> {
    let id = "LibraryVariableSets-1";
    seeder.insert_document(
        &LIBRARY,
        json!({
            "Name": "Notifications",
            "Description": "Where news go",
            "ContentType": "Variables",
            "VariableSetId": format!("variableset-{id}"),
            "Templates": [],
        }),
    )?;
    let mut webhook = unscoped_variable("Slack.Webhook", "Sensitive", &Value::Null);
    webhook["IsSensitive"] = json!(true);
    seeder.insert_variables(
        id,
        vec![unscoped_variable("Slack.Channel", "String", &json!("#releases")), webhook],
    )?;
    Ok(id.to_owned())
}

/// A variable without a scope.
pub(super) fn unscoped_variable(name: &str, kind: &str, value: &Value) -> Value {
    json!({
        "Id": null,
        "Name": name,
        "Value": value,
        "Description": null,
        "Scope": {},
        "IsEditable": true,
        "Prompt": null,
        "Type": kind,
        "IsSensitive": false,
    })
}

fn seed_targets(seeder: &mut SpaceSeeder<'_>, environments: &[String]) -> Result<()> {
    // A dozen Tentacles that only talk to a SQL Server; the chapter replaces them by workers.
    for (environment, short, count) in [(0, "dev", 2), (1, "test", 4), (2, "prod", 6)] {
        for number in 1..=count {
            let name = format!("sql-{short}-{number:02}");
            let environment = &environments[environment..=environment];
            insert_target(seeder, &name, environment, "database-server", tentacle_endpoint(&name))?;
        }
    }
    insert_target(
        seeder,
        "intranet-01",
        &environments[2..],
        "intranet-server",
        tentacle_endpoint("intranet-01"),
    )?;
    insert_target(
        seeder,
        "aks-production",
        environments,
        "aks",
        json!({
            "CommunicationStyle": "Kubernetes",
            "ClusterUrl": "https://aks-production-dns-1a2b3c4d.hcp.westeurope.azmk8s.io",
            "SkipTlsVerification": "False",
            "Namespace": "default",
            "DefaultWorkerPoolId": null,
            "Authentication": {
                "AuthenticationType": "KubernetesAzure",
                "AccountId": "Accounts-2",
                "ClusterName": "aks-production",
                "ClusterResourceGroup": "rg-platform-production",
            },
            "Container": { "Image": null, "FeedId": null },
        }),
    )?;
    insert_target(
        seeder,
        "web-store-app",
        environments,
        "web-app",
        json!({
            "CommunicationStyle": "AzureWebApp",
            "AccountId": "Accounts-2",
            "ResourceGroupName": "rg-web-store-production",
            "WebAppName": "web-store",
            "WebAppSlotName": null,
            "DefaultWorkerPoolId": null,
        }),
    )
}

fn tentacle_endpoint(name: &str) -> Value {
    let sum = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let thumbprint = format!("{sum:016X}{:016X}{:08X}", sum.rotate_left(23), sum as u32);
    json!({
        "CommunicationStyle": "TentaclePassive",
        "Uri": format!("https://{name}.corp.example.com:10933/"),
        "Thumbprint": thumbprint,
        "ProxyId": null,
    })
}

fn insert_target(
    seeder: &mut SpaceSeeder<'_>,
    name: &str,
    environments: &[String],
    role: &str,
    mut endpoint: Value,
) -> Result<()> {
    complete_endpoint(&mut endpoint, &Value::Null);
    let mut target = json!({
        "Name": name,
        "EnvironmentIds": environments,
        "Roles": [role],
        "TenantedDeploymentParticipation": "Untenanted",
        "TenantIds": [],
        "TenantTags": [],
        "Thumbprint": endpoint["Thumbprint"],
        "Uri": endpoint["Uri"],
        "IsDisabled": false,
        "MachinePolicyId": "MachinePolicies-1",
        "Endpoint": endpoint,
    });
    machine::check_machine(&mut target);
    seeder.insert_document(&TARGETS, target).map(drop)
}
