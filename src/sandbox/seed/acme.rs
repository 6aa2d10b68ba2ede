//! A larger company: three spaces, and a bit of everything that points at a pool.
//!
//! Never: what only one test needs.

use super::{
    chapter,
    garden::{self, Garden},
    steps::{self, Empty, script, step},
};
use crate::sandbox::{
    kind::{GROUPS, POLICIES, POOLS, PROXIES, TENANTS, WORKERS},
    resource::{health, policies, slug},
};
use rusqlite::{Connection, Result};
use serde_json::{Value, json};

/// Plants the company: the chapter's in its first space, and more of it beside.
pub(super) fn plant(db: &Connection, spaces: &[String]) -> Result<()> {
    let [first, second, third] = spaces else { return Ok(()) };
    let mut garden = Garden::new(db, first);
    chapter::plant(&mut garden)?;
    let pools = pools(&mut garden)?;
    workers(&mut garden, &pools)?;
    templates(&mut garden)?;
    in_git(&mut garden, &pools)?;
    for (space, project) in [(second, "Server maintenance"), (third, "Model training")] {
        let mut garden = Garden::new(db, space);
        let group = garden.plant(
            &GROUPS,
            json!({
                "Name": "All", "Description": "", "EnvironmentIds": [], "RetentionPolicyId": null,
            }),
        )?;
        let steps = vec![steps::back_up_database(Empty::Null), steps::approve(Empty::Null)];
        garden.project(json!({ "Name": project, "ProjectGroupId": group }), steps, Vec::new())?;
    }
    Ok(())
}

/// Linux, Windows, and one that nobody is in.
fn pools(garden: &mut Garden<'_>) -> Result<Vec<String>> {
    let mut pools = Vec::new();
    let all = [
        ("Linux", "Bash, kubectl, helm, Azure CLI"),
        ("Windows", "PowerShell, sqlcmd"),
        ("Forgotten", "nobody knows what for"),
    ];
    for (at, (name, description)) in all.into_iter().enumerate() {
        let mut pool = garden::pool(name, description, false);
        pool["SortOrder"] = json!(at + 1);
        pools.push(garden.plant(&POOLS, pool)?);
    }
    Ok(pools)
}

/// A worker of every kind, of every health.
fn workers(garden: &mut Garden<'_>, pools: &[String]) -> Result<()> {
    let proxy = garden.plant(&PROXIES, json!({
        "Name": "Branch office", "Host": "proxy.branch.acme.example", "Port": 8080, "ProxyType": "HTTP",
        "Username": "", "Password": { "HasValue": false, "NewValue": null, "Hint": null },
    }))?;
    let mut policy = policies::defaults();
    policy["Name"] = json!("Nightly checks");
    let policy = garden.plant(&POLICIES, policy)?;
    let [linux, windows, ..] = pools else { return Ok(()) };
    let default = "MachinePolicies-1";
    let all = [
        ("linux-01", json!([linux]), default, "Healthy", false, ssh("linux-01", 22, Value::Null)),
        (
            "linux-02",
            json!([linux]),
            &policy,
            "Unavailable",
            false,
            ssh("linux-02", 2222, json!(proxy)),
        ),
        ("k8s-agent", json!([linux, windows]), default, "HasWarnings", false, agent()),
        ("windows-01", json!([windows]), default, "Healthy", false, listening("windows-01")),
        ("windows-02", json!([windows]), default, "Healthy", true, polling()),
    ];
    for (name, of, policy, health, disabled, endpoint) in all {
        let mut worker = json!({
            "Name": name, "WorkerPoolIds": of, "IsDisabled": disabled, "MachinePolicyId": policy,
            "IsInProcess": false, "Thumbprint": endpoint["Thumbprint"], "Uri": endpoint["Uri"],
            "Endpoint": endpoint,
        });
        health::check(&mut worker);
        worker["HealthStatus"] = json!(health);
        garden.plant(&WORKERS, worker)?;
    }
    Ok(())
}

fn thumbprint(byte: u8) -> String {
    format!("{byte:02X}").repeat(20)
}

fn ssh(name: &str, port: u16, proxy: Value) -> Value {
    json!({
        "CommunicationStyle": "Ssh",
        "AccountId": "Accounts-1",
        "Host": format!("{name}.acme.example"),
        "Port": port,
        "Fingerprint": "SHA256:jdvAfEyVwm1YNrYcPWkL7HT1Et5MSpSgpQgVtFaYTCA",
        "DotNetCorePlatform": "linux-x64",
        "ProxyId": proxy,
        "Uri": format!("ssh://{name}.acme.example:{port}/"),
    })
}

fn agent() -> Value {
    json!({
        "CommunicationStyle": "KubernetesTentacle",
        "TentacleEndpointConfiguration": {
            "CommunicationMode": "Polling",
            "Uri": "poll://ih8pbyo8vxqjv0kbwwzc/",
            "Thumbprint": thumbprint(0x4b),
        },
        "UpgradeLocked": false,
        "DefaultNamespace": null,
    })
}

fn listening(name: &str) -> Value {
    json!({
        "CommunicationStyle": "TentaclePassive",
        "Uri": format!("https://{name}.acme.example:10933/"),
        "Thumbprint": thumbprint(0x1a),
        "ProxyId": null,
    })
}

fn polling() -> Value {
    json!({
        "CommunicationStyle": "TentacleActive",
        "Uri": "poll://abcdefghijklmnopqrst/",
        "Thumbprint": thumbprint(0x2c),
    })
}

/// A project that uses a process template, whose pool is a slug in a plain property; and tenants.
fn templates(garden: &mut Garden<'_>) -> Result<()> {
    let mut usage = step(
        "Deploy by template",
        "Octopus.ProcessTemplate",
        Empty::Null,
        json!({
            "Octopus.Action.ProcessTemplate.Reference.Slug": "deploy-service",
            "Octopus.Action.ProcessTemplate.Reference.VersionMask": "1.X",
            "Worker pool": "linux",
            "Replicas": "3",
        }),
    );
    usage["Type"] = json!("ProcessTemplateUsage");
    let project = json!({ "Name": "Search", "ProjectGroupId": "ProjectGroups-2", "LifecycleId": "Lifecycles-1" });
    garden.project(project, vec![usage, steps::notify(Empty::Null)], Vec::new())?;
    for name in ["Contoso", "Fabrikam"] {
        garden.plant(&TENANTS, json!({
            "Name": name, "Description": "", "TenantTags": [], "ProjectEnvironments": {}, "IsDisabled": false,
        }))?;
    }
    Ok(())
}

/// Projects in Git: one that takes commits, one whose default branch is protected, one out of reach.
fn in_git(garden: &mut Garden<'_>, pools: &[String]) -> Result<()> {
    let build = |pool: Option<&String>| {
        let properties = script("Bash", "docker build .", "true");
        let mut step = step("Build the image", "Octopus.Script", Empty::Null, properties);
        step["Actions"][0]["WorkerPoolId"] = json!(pool);
        step
    };
    let shop = |pool: Option<&String>| {
        let (migrate, deploy) =
            (steps::migrate_database(Empty::Null), steps::deploy_to_aks(Empty::Null));
        (None, vec![build(pool), migrate, deploy, steps::notify(Empty::Null)])
    };
    let [linux, windows, ..] = pools else { return Ok(()) };
    let checkout = garden.git_project(
        project("Checkout", json!({ "ProtectedBranchNamePatterns": ["release/*"] })),
        vec![
            ("main", vec![shop(Some(linux))]),
            ("develop", vec![shop(Some(windows))]),
            ("release/1.0", vec![shop(None)]),
        ],
    )?;
    let repository = garden.repository(&checkout);
    if let Some((_, commit)) = repository.find("release/1.0")? {
        repository.tag("v1.0.0", &commit.hash)?;
    }
    let restart = || (Some("Restart"), vec![steps::back_up_database(Empty::Null)]);
    let payments = json!({
        "ProtectedDefaultBranch": true,
        "ConversionState": { "VariablesAreInGit": false, "RunbooksAreInGit": true },
    });
    garden.git_project(
        project("Payments", payments),
        vec![("main", vec![shop(None), restart()]), ("trial", vec![shop(Some(linux)), restart()])],
    )?;
    let lost = json!({ "Url": "https://git.acme.invalid/lost.git" });
    garden.git_project(project("Lost and found", lost), vec![("main", vec![shop(None)])])?;
    Ok(())
}

/// A project in Git, with the settings that are its own.
fn project(name: &str, own: Value) -> Value {
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
        "ProjectGroupId": "ProjectGroups-3",
        "LifecycleId": "Lifecycles-1",
        "PersistenceSettings": settings,
    })
}
