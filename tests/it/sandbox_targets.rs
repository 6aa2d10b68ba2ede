//! Deployment targets, and the pools that some of them name.

use crate::sandbox_tasks::{LONG, company, id, made};
use serde_json::{Value, json};

/// A cluster with these fields changed.
fn target(change: &Value) -> Value {
    let mut target = json!({
        "Name": "cluster",
        "EnvironmentIds": ["Environments-1"],
        "Roles": ["k8s", "K8S "],
        "Endpoint": {
            "CommunicationStyle": "Kubernetes", "ClusterUrl": "https://k8s.example", "DefaultWorkerPoolId": "",
        },
    });
    for (name, value) in change.as_object().unwrap() {
        target[name] = value.clone();
    }
    target
}

#[tokio::test]
async fn a_target_has_environments_and_tags_and_an_endpoint() {
    let bench = company(LONG).await;
    let gone = json!({ "CommunicationStyle": "None", "DefaultWorkerPoolId": "WorkerPools-99" });
    for (change, wanted) in [
        (json!({ "Name": "" }), "Please provide a name for this deployment target."),
        (
            json!({ "Name": "SQL-dev-01" }),
            "A deployment target with this name already exists. Please choose a different name.",
        ),
        (
            json!({ "EnvironmentIds": [] }),
            "Please select at least one environment for this machine.",
        ),
        (json!({ "EnvironmentIds": ["no"] }), "The environment 'no' does not exist."),
        (json!({ "Roles": [" "] }), "Please select at least one target tag for this machine."),
        (json!({ "Endpoint": null }), "Please provide an endpoint for this machine."),
        (json!({ "Endpoint": gone }), "The worker pool 'WorkerPools-99' does not exist."),
    ] {
        let refused = bench.refused("POST", "/api/machines", target(&change)).await;
        assert_eq!(refused, format!("400: {wanted}"));
    }
}

#[tokio::test]
async fn a_target_may_name_a_pool_and_is_checked_and_found() {
    let bench = company(LONG).await;
    let linux = bench.pool("Linux").await;
    let endpoint =
        json!({ "CommunicationStyle": "Kubernetes", "DefaultWorkerPoolId": linux.to_lowercase() });
    let new = made(&bench, "/api/machines", target(&json!({ "Endpoint": endpoint }))).await;
    assert_eq!((&new["HealthStatus"], &new["Roles"]), (&json!("Unknown"), &json!(["k8s"])));
    assert_eq!(new["Endpoint"]["DefaultWorkerPoolId"], json!(linux));
    let path = format!("/api/machines/{}", id(&new));
    // The work of this company takes long, and the first check of a target is part of it.
    assert_eq!(bench.get(&path).await["HealthStatus"], "Unknown");
    let check = json!({
        "Name": "Health", "Description": "Check it", "Arguments": { "MachineIds": [id(&new)] },
    });
    made(&bench, "/api/tasks", check).await;
    let mut seen = bench.get(&path).await;
    assert_eq!(seen["HealthStatus"], "Healthy");
    seen["IsDisabled"] = json!(true);
    assert_eq!(bench.send("PUT", &path, seen).await.0, 200);
    for (query, wanted) in [
        ("roles=k8s", 1),
        ("isDisabled=true", 1),
        ("environmentIds=Environments-1&commStyles=Kubernetes", 2),
    ] {
        let found = bench.get(&format!("/api/machines?{query}")).await;
        assert_eq!(found["TotalResults"], wanted, "{query}");
    }
    bench.get(&format!("{path}/connection")).await;
    assert_eq!(bench.get(&format!("{path}/tasks")).await["TotalResults"], 1);
    assert_eq!(bench.send("DELETE", &path, Value::Null).await.0, 200);
    assert_eq!(bench.send("GET", &path, Value::Null).await.0, 404);
}
