//! The pools and workers of the larger company: a worker of every kind, and of every health.

use crate::{
    document::{
        endpoint::{complete_endpoint, endpoint_thumbprint, endpoint_uri},
        machine, policy,
    },
    kind::{POLICIES, POOLS, PROXIES, WORKERS},
    seed::seeder::{self, SpaceSeeder},
};
use rusqlite::Result;
use serde_json::{Value, json};

/// The ids of the pools.
#[derive(Debug)]
pub(super) struct AcmePools {
    /// The pool of SSH and Kubernetes workers.
    pub(super) linux: String,
    /// The pool of Tentacles.
    pub(super) windows: String,
}

/// Adds the pools Linux, Windows and an empty one to the default one.
pub(super) fn seed_pools(seeder: &mut SpaceSeeder<'_>) -> Result<AcmePools> {
    let mut insert_pool = |order: u8, name, description| {
        let mut pool = seeder::static_pool(name, description, false);
        pool["SortOrder"] = json!(order);
        seeder.insert_document(&POOLS, pool)
    };
    let pools = AcmePools {
        linux: insert_pool(1, "Linux", "Bash, kubectl, helm, Azure CLI")?,
        windows: insert_pool(2, "Windows", "PowerShell, sqlcmd")?,
    };
    insert_pool(3, "Forgotten", "nobody knows what for")?;
    Ok(pools)
}

/// Adds the workers, and the policy and the proxy of one of them.
pub(super) fn seed_workers(seeder: &mut SpaceSeeder<'_>, pools: &AcmePools) -> Result<()> {
    let secret = json!({ "HasValue": false, "NewValue": null, "Hint": null });
    let proxy = seeder.insert_document(
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
    let mut nightly = policy::default_policy();
    nightly["Name"] = json!("Nightly checks");
    let nightly = seeder.insert_document(&POLICIES, nightly)?;
    let mut insert_worker = |name, pools: Value, endpoint, own: Value| {
        seeder.insert_document(&WORKERS, worker_document(name, pools, endpoint, &own)).map(drop)
    };
    let (linux, windows) = (&pools.linux, &pools.windows);
    insert_worker("linux-01", json!([linux]), ssh_endpoint("linux-01", 22, None), json!({}))?;
    let own = json!({ "HealthStatus": "Unavailable", "MachinePolicyId": nightly });
    insert_worker("linux-02", json!([linux]), ssh_endpoint("linux-02", 2222, Some(&proxy)), own)?;
    let own = json!({ "HealthStatus": "HasWarnings" });
    insert_worker("k8s-agent", json!([linux, windows]), kubernetes_endpoint(), own)?;
    insert_worker(
        "windows-01",
        json!([windows]),
        listening_endpoint("windows-01", 0x1a),
        json!({}),
    )?;
    insert_worker(
        "windows-02",
        json!([windows]),
        polling_endpoint(),
        json!({ "IsDisabled": true }),
    )?;
    let own = json!({ "HealthStatus": "Unhealthy" });
    insert_worker("windows-03", json!([windows]), listening_endpoint("windows-03", 0x3d), own)
}

fn worker_document(name: &str, pools: Value, mut endpoint: Value, own: &Value) -> Value {
    complete_endpoint(&mut endpoint, &Value::Null);
    let mut worker = json!({
        "Name": name,
        "WorkerPoolIds": pools,
        "Thumbprint": endpoint_thumbprint(&endpoint),
        "Uri": endpoint_uri(&endpoint),
        "IsDisabled": false,
        "MachinePolicyId": "MachinePolicies-1",
        "IsInProcess": false,
        "Endpoint": endpoint,
    });
    machine::check_machine(&mut worker);
    // The usual summary of a check has its time, but a seed is the same at each start.
    worker["StatusSummary"] = json!("This machine was checked when the sandbox was seeded.");
    for (name, value) in own.as_object().into_iter().flatten() {
        worker[name.as_str()] = value.clone();
    }
    worker
}

/// The thumbprint of a machine.
fn fake_thumbprint(byte: u8) -> String {
    format!("{byte:02X}").repeat(20)
}

fn listening_endpoint(host: &str, byte: u8) -> Value {
    json!({
        "CommunicationStyle": "TentaclePassive",
        "Uri": format!("https://{host}.acme.example:10933/"),
        "Thumbprint": fake_thumbprint(byte),
        "ProxyId": null,
    })
}

fn polling_endpoint() -> Value {
    json!({
        "CommunicationStyle": "TentacleActive",
        "Uri": "poll://abcdefghijklmnopqrst/",
        "Thumbprint": fake_thumbprint(0x2c),
    })
}

fn ssh_endpoint(host: &str, port: u16, proxy: Option<&String>) -> Value {
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

fn kubernetes_endpoint() -> Value {
    json!({
        "CommunicationStyle": "KubernetesTentacle",
        "TentacleEndpointConfiguration": {
            "CommunicationMode": "Polling",
            "Uri": "poll://ih8pbyo8vxqjv0kbwwzc/",
            "Thumbprint": fake_thumbprint(0x4b),
        },
        "UpgradeLocked": false,
        "DefaultNamespace": null,
    })
}
