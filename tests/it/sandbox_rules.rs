//! What the sandbox refuses, and what it makes of what it accepts: one rule of the API in each test.

use crate::sandbox::{Bench, PROCESS, names, pool, worker};
use octopus_sandbox::Seed;
use serde_json::json;

#[tokio::test]
async fn the_default_pool_moves_and_is_never_missing() {
    let bench = Bench::new(Seed::Empty).await;
    let id = bench.pool("SQL").await;
    let path = format!("/api/Spaces-1/workerpools/{id}");
    let old = "/api/Spaces-1/workerpools/WorkerPools-1";
    insta::assert_snapshot!(bench.refused("DELETE", old, json!(null)).await, @"400: You cannot delete your default worker pool.");
    insta::assert_snapshot!(bench.refused("PUT", old, json!({ "Name": "Default Worker Pool", "IsDefault": false })).await, @"400: There must be a default worker pool. Please make another worker pool the default instead.");
    let (status, pool) =
        bench.send("PUT", &path, json!({ "Name": " SQL ", "IsDefault": true })).await;
    assert_eq!((status, &pool["IsDefault"], &pool["Name"]), (200, &json!(true), &json!("SQL")));
    assert_eq!(bench.get(old).await["IsDefault"], false);
    assert_eq!(bench.send("DELETE", old, json!(null)).await.0, 200);
}

#[tokio::test]
async fn the_server_normalizes_a_saved_pool() {
    let bench = Bench::new(Seed::Empty).await;
    let id = bench.pool("Linux build").await;
    let body = json!({
        "Name": "Linux", "IsDefault": false, "WorkerPoolType": "DynamicWorkerPool", "SortOrder": 7,
        "CanAddWorkers": false, "Links": null, "Unknown": 1,
    });
    bench.send("PUT", &format!("/api/Spaces-1/workerpools/{id}"), body).await;
    let pool = bench.get(&format!("/api/Spaces-1/workerpools/{id}")).await;
    insta::assert_snapshot!(pool.to_string(), @r#"{"Id":"WorkerPools-3","SpaceId":"Spaces-1","Name":"Linux","Slug":"linux-build","Description":"","IsDefault":false,"WorkerPoolType":"StaticWorkerPool","SortOrder":1,"CanAddWorkers":true,"Links":{"Self":"/api/Spaces-1/workerpools/WorkerPools-3","Workers":"/api/Spaces-1/workerpools/WorkerPools-3/workers{?skip,take,partialName,isDisabled,healthStatuses,commStyles,shellNames}","Web":"/app#/Spaces-1/infrastructure/workerpools/WorkerPools-3"}}"#);
}

#[tokio::test]
async fn names_are_unique_ignoring_case() {
    let bench = Bench::new(Seed::Empty).await;
    let again =
        bench.refused("POST", "/api/Spaces-1/workerpools", pool("default worker POOL")).await;
    insta::assert_snapshot!(again, @"400: A worker pool with this name already exists. Please choose a different name.");
    let elsewhere = bench.send("POST", "/api/Spaces-2/workerpools", pool("SQL")).await;
    assert_eq!(elsewhere.0, 201);
    bench.pool("SQL").await;
}

#[tokio::test]
async fn an_id_is_never_assigned_twice() {
    let bench = Bench::new(Seed::Empty).await;
    let id = bench.pool("SQL").await;
    bench.send("DELETE", &format!("/api/Spaces-1/workerpools/{id}"), json!(null)).await;
    assert_ne!(bench.pool("SQL").await, id);
}

#[tokio::test]
async fn dynamic_pools_exist_only_on_octopus_cloud() {
    let mut body = pool("Hosted");
    body["WorkerPoolType"] = json!("DynamicWorkerPool");
    body["WorkerType"] = json!("UbuntuDefault");
    let bench = Bench::new(Seed::Empty).await;
    let refused = bench.refused("POST", "/api/Spaces-1/workerpools", body.clone()).await;
    insta::assert_snapshot!(refused, @"400: Dynamic worker pools are not supported on this instance. They are available on Octopus Cloud.");
    let bench = Bench::new(Seed::Cloud).await;
    let (status, made) = bench.send("POST", "/api/Spaces-1/workerpools", body).await;
    assert_eq!((status, &made["CanAddWorkers"]), (201, &json!(false)));
    let into =
        bench.refused("POST", "/api/Spaces-1/workers", worker("w", &["WorkerPools-1"])).await;
    insta::assert_snapshot!(into, @"400: Worker Pools 'Hosted Windows' do not support adding workers directly");
}

#[tokio::test]
async fn sorting_pools_requires_all_their_ids() {
    let bench = Bench::new(Seed::Empty).await;
    let id = bench.pool("SQL").await;
    let path = "/api/Spaces-1/workerpools/sortorder";
    let some = bench.refused("PUT", path, json!([id])).await;
    insta::assert_snapshot!(some, @"400: Please provide the ids of all worker pools of the space, each once.");
    assert_eq!(bench.send("PUT", path, json!([id, "WorkerPools-1"])).await.0, 200);
    let all = bench.get("/api/Spaces-1/workerpools/all").await;
    assert_eq!(names(&all), "SQL, Default Worker Pool");
}

#[tokio::test]
async fn a_pool_in_use_cannot_be_deleted() {
    let bench = Bench::new(Seed::Chapter).await;
    let id = bench.pool("SQL").await;
    let path = format!("/api/Spaces-1/workerpools/{id}");
    let (_, made) = bench.send("POST", "/api/Spaces-1/workers", worker("w1", &[&id])).await;
    insta::assert_snapshot!(bench.refused("DELETE", &path, json!(null)).await, @r"
    400: The worker pool 'SQL' cannot be deleted as it still has 1 worker(s), such as 'w1'. 
    Please move or delete them first.
    ");
    bench.send("DELETE", made["Links"]["Self"].as_str().unwrap(), json!(null)).await;
    let mut process = bench.get(PROCESS).await;
    process["Steps"][2]["Actions"][0]["WorkerPoolId"] = json!(id);
    assert_eq!(bench.send("PUT", PROCESS, process).await.0, 200);
    insta::assert_snapshot!(bench.refused("DELETE", &path, json!(null)).await, @r"
    400: The worker pool 'SQL' cannot be deleted as it is currently referenced by the step 'Deploy to AKS' of the deployment process 'deploymentprocess-Projects-1'. 
    Please choose another worker pool for that step first.
    ");
}

#[tokio::test]
async fn a_new_worker_is_unknown_and_then_healthy() {
    let bench = Bench::new(Seed::Empty).await;
    let id = bench.pool("SQL").await;
    let (status, made) = bench.send("POST", "/api/Spaces-1/workers", worker("w1", &[&id])).await;
    assert_eq!(status, 201);
    assert_eq!(made["HealthStatus"], "Unknown");
    assert_eq!(
        made["StatusSummary"],
        "This machine was recently added. Please perform a health check."
    );
    assert_eq!(made["Uri"], "https://db-worker-01:10933/");
    assert_eq!(made["Endpoint"]["Uri"], "https://db-worker-01:10933");
    assert_eq!(made["Thumbprint"], made["Endpoint"]["Thumbprint"]);
    assert_eq!(made["MachinePolicyId"], "MachinePolicies-1");
    let path = made["Links"]["Self"].as_str().unwrap();
    assert_eq!(bench.get(path).await["HealthStatus"], "Healthy");

    let mut unchecked = worker("w2", &[&id]);
    unchecked["SkipInitialHealthCheck"] = json!(true);
    let (_, made) = bench.send("POST", "/api/Spaces-1/workers", unchecked).await;
    let path = made["Links"]["Self"].as_str().unwrap();
    assert_eq!(bench.get(path).await["HealthStatus"], "Unknown");
    let arguments = json!({ "RestrictedTo": "Workers", "WorkerpoolId": id });
    let task = json!({ "Name": "Health", "Description": "Check", "Arguments": arguments });
    let (status, task) = bench.send("POST", "/api/Spaces-1/tasks", task).await;
    assert_eq!((status, &task["State"]), (201, &json!("Success")));
    assert_eq!(bench.get(path).await["HealthStatus"], "Healthy");
}

#[tokio::test]
async fn a_worker_needs_a_pool_and_a_way_to_reach_it() {
    let bench = Bench::new(Seed::Empty).await;
    let id = bench.pool("SQL").await;
    let path = "/api/Spaces-1/workers";
    insta::assert_snapshot!(bench.refused("POST", path, worker("w", &[])).await, @"400: Please select at least one worker pool for this worker.");
    insta::assert_snapshot!(bench.refused("POST", path, worker("w", &["WorkerPools-99"])).await, @"400: The worker pool 'WorkerPools-99' does not exist.");
    let mut body = worker("w", &[&id]);
    body["Endpoint"]["Thumbprint"] = json!("");
    insta::assert_snapshot!(bench.refused("POST", path, body.clone()).await, @"400: Please provide a thumbprint for this machine.");
    body["Endpoint"] = json!({ "CommunicationStyle": "Ssh", "Host": "db", "AccountId": "Accounts-9", "Fingerprint": "SHA256:x" });
    insta::assert_snapshot!(bench.refused("POST", path, body.clone()).await, @"400: The account 'Accounts-9' does not exist.");
    body["Endpoint"]["CommunicationStyle"] = json!("None");
    insta::assert_snapshot!(bench.refused("POST", path, body).await, @"400: A worker cannot have the endpoint 'None'.");
}

#[tokio::test]
async fn the_default_policy_cannot_be_deleted() {
    let bench = Bench::new(Seed::Empty).await;
    let path = "/api/Spaces-1/machinepolicies/MachinePolicies-1";
    insta::assert_snapshot!(bench.refused("DELETE", path, json!(null)).await, @"400: You cannot delete your default machine policy.");
}

#[tokio::test]
async fn a_secret_is_never_returned() {
    let bench = Bench::new(Seed::Empty).await;
    let key = json!({ "HasValue": true, "NewValue": "LS0tLS1CRUdJTi" });
    let account = json!({ "AccountType": "SshKeyPair", "Name": "deploy-key", "Username": "octopus", "PrivateKeyFile": key });
    let (status, made) = bench.send("POST", "/api/Spaces-1/accounts", account).await;
    assert_eq!(status, 201);
    assert_eq!(made["PrivateKeyFile"], json!({ "HasValue": true, "NewValue": null, "Hint": null }));
    let nested =
        json!({ "Name": "nested", "Details": { "AccountType": "SshKeyPair", "Username": "o" } });
    let (_, made) = bench.send("POST", "/api/Spaces-1/accounts", nested).await;
    assert_eq!(made["AccountType"], "SshKeyPair");
}

#[tokio::test]
async fn omitted_features_are_switched_off() {
    let bench = Bench::new(Seed::Empty).await;
    let path = "/api/featuresconfiguration";
    let mut features = bench.get(path).await;
    assert_eq!(features["IsBuiltInWorkerEnabled"], true);
    features["IsBuiltInWorkerEnabled"] = json!(false);
    let (status, saved) = bench.send("PUT", path, features.clone()).await;
    assert_eq!((status, &saved), (200, &features));
    let (_, saved) = bench.send("PUT", path, json!({ "IsBuiltInWorkerEnabled": true })).await;
    assert_eq!(saved["IsCommunityActionTemplatesEnabled"], false);
}

#[tokio::test]
async fn a_task_names_its_space_in_its_body() {
    let bench = Bench::new(Seed::Empty).await;
    let arguments = json!({ "WorkerPoolId": "WorkerPools-2" });
    let task = json!({ "Name": "Health", "SpaceId": "Spaces-2", "Arguments": arguments });
    let (status, made) = bench.send("POST", "/api/tasks", task).await;
    assert_eq!((status, &made["SpaceId"]), (201, &json!("Spaces-2")));
    let path = format!("/api/tasks/{}", made["Id"].as_str().unwrap());
    assert_eq!(bench.get(&path).await["IsCompleted"], true);
    assert_eq!(bench.get(&format!("{path}/details")).await["Task"], made);
}
