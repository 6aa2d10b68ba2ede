//! The pools and the workers of the larger company: a worker of every kind, and of every health.
//!
//! Never: what is in a pool by a step's or a variable's choice.

use crate::{
    kind::{POLICIES, POOLS, PROXIES, WORKERS},
    resource::{health, policies},
    seed::garden::{self, SpaceSeeder},
};
use rusqlite::Result;
use serde_json::{Value, json};

/// The ids of the pools.
#[derive(Debug)]
pub(super) struct AcmePools {
    /// Where SSH and Kubernetes workers are.
    pub(super) linux: String,
    /// Where Tentacles are.
    pub(super) windows: String,
}

/// Linux, Windows, and one that nobody is in, beside the default one.
pub(super) fn pools(garden: &mut SpaceSeeder<'_>) -> Result<AcmePools> {
    let mut plant = |order: u8, name, description| {
        let mut pool = garden::pool(name, description, false);
        pool["SortOrder"] = json!(order);
        garden.plant(&POOLS, pool)
    };
    let pools = AcmePools {
        linux: plant(1, "Linux", "Bash, kubectl, helm, Azure CLI")?,
        windows: plant(2, "Windows", "PowerShell, sqlcmd")?,
    };
    plant(3, "Forgotten", "nobody knows what for")?;
    Ok(pools)
}

/// The workers, with a policy and a proxy that one of them has.
pub(super) fn workers(garden: &mut SpaceSeeder<'_>, pools: &AcmePools) -> Result<()> {
    let secret = json!({ "HasValue": false, "NewValue": null, "Hint": null });
    let proxy = garden.plant(
        &PROXIES,
        json!({
            "Name": "Branch office",
            "Host": "proxy.branch.acme.example",
            "Port": 8080,
            "ProxyType": "HTTP",
            "Username": "",
            "Password": secret,
        }),
    )?;
    let mut nightly = policies::defaults();
    nightly["Name"] = json!("Nightly checks");
    let nightly = garden.plant(&POLICIES, nightly)?;
    let mut worker = |name, pools: Value, endpoint, own: Value| {
        garden.plant(&WORKERS, worker(name, pools, endpoint, &own)).map(drop)
    };
    let (linux, windows) = (&pools.linux, &pools.windows);
    worker("linux-01", json!([linux]), ssh("linux-01", 22, None), json!({}))?;
    let own = json!({ "HealthStatus": "Unavailable", "MachinePolicyId": nightly });
    worker("linux-02", json!([linux]), ssh("linux-02", 2222, Some(&proxy)), own)?;
    let own = json!({ "HealthStatus": "HasWarnings" });
    worker("k8s-agent", json!([linux, windows]), kubernetes(), own)?;
    worker("windows-01", json!([windows]), listening("windows-01", 0x1a), json!({}))?;
    worker("windows-02", json!([windows]), polling(), json!({ "IsDisabled": true }))?;
    let own = json!({ "HealthStatus": "Unhealthy" });
    worker("windows-03", json!([windows]), listening("windows-03", 0x3d), own)
}

fn worker(name: &str, pools: Value, endpoint: Value, own: &Value) -> Value {
    let mut worker = json!({
        "Name": name,
        "WorkerPoolIds": pools,
        "Thumbprint": endpoint["Thumbprint"],
        "Uri": endpoint["Uri"],
        "IsDisabled": false,
        "MachinePolicyId": "MachinePolicies-1",
        "IsInProcess": false,
        "Endpoint": endpoint,
    });
    health::check(&mut worker);
    // The usual words for a check tell its time, and a seed is the same at each start.
    worker["StatusSummary"] = json!("This machine was checked when the sandbox was seeded.");
    if worker["Endpoint"]["CommunicationStyle"] == "Ssh" {
        worker["Uri"] = Value::Null;
    }
    for (name, value) in own.as_object().into_iter().flatten() {
        worker[name.as_str()] = value.clone();
    }
    worker
}

/// The thumbprint of a machine.
fn print(byte: u8) -> String {
    format!("{byte:02X}").repeat(20)
}

fn listening(host: &str, byte: u8) -> Value {
    json!({
        "CommunicationStyle": "TentaclePassive",
        "Uri": format!("https://{host}.acme.example:10933/"),
        "Thumbprint": print(byte),
        "ProxyId": null,
    })
}

fn polling() -> Value {
    json!({
        "CommunicationStyle": "TentacleActive",
        "Uri": "poll://abcdefghijklmnopqrst/",
        "Thumbprint": print(0x2c),
    })
}

fn ssh(host: &str, port: u16, proxy: Option<&String>) -> Value {
    let host = format!("{host}.acme.example");
    json!({
        "CommunicationStyle": "Ssh",
        "AccountId": "Accounts-1",
        "Uri": format!("ssh://{host}:{port}/"),
        "Host": host,
        "Port": port,
        "Fingerprint": "SHA256:jdvAfEyVwm1YNrYcPWkL7HT1Et5MSpSgpQgVtFaYTCA",
        "DotNetCorePlatform": "linux-x64",
        "ProxyId": proxy,
    })
}

fn kubernetes() -> Value {
    json!({
        "CommunicationStyle": "KubernetesTentacle",
        "TentacleEndpointConfiguration": {
            "CommunicationMode": "Polling",
            "Uri": "poll://ih8pbyo8vxqjv0kbwwzc/",
            "Thumbprint": print(0x4b),
        },
        "UpgradeLocked": false,
        "DefaultNamespace": null,
    })
}
