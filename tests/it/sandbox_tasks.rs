//! Tasks: queued, under way with the workers they hold, over, canceled, done again.

use crate::sandbox::{Bench, worker};
use octopus_sandbox::{NO_WORKERS_KEY, Pace, READER_KEY, SandboxOptions, StoreLocation};
use serde_json::{Value, json};
use std::{fmt::Write as _, time::Duration};

pub(crate) const LONG: Duration = Duration::from_secs(3600);

/// The chapter's company, with work that takes this long.
pub(crate) async fn company(work: Duration) -> Bench {
    let pace = Pace { work, ..Pace::default() };
    Bench::with(SandboxOptions { pace, ..SandboxOptions::default() }).await
}

pub(crate) fn id(document: &Value) -> String {
    document["Id"].as_str().unwrap().to_owned()
}

pub(crate) async fn made(bench: &Bench, path: &str, body: Value) -> Value {
    let (status, made) = bench.send("POST", path, body).await;
    assert_eq!(status, 201, "{path}: {made}");
    made
}

/// A new pool with a worker that has been checked.
pub(crate) async fn staffed(bench: &Bench, name: &str, worker_name: &str) -> String {
    let id = bench.pool(name).await;
    made(bench, "/api/workers", worker(worker_name, &[&id])).await;
    id
}

/// A project with these actions, each in a step of its own, and a release of it.
pub(crate) async fn released(bench: &Bench, actions: Vec<Value>, variables: Vec<Value>) -> Value {
    let project = id(&made(bench, "/api/projects", json!({ "Name": "Shop" })).await);
    write(bench, &project, actions).await;
    let path = format!("/api/projects/{project}/variables");
    let mut set = bench.get(&path).await;
    set["Variables"] = json!(variables);
    assert_eq!(bench.send("PUT", &path, set).await.0, 200);
    made(bench, "/api/releases", json!({ "ProjectId": project, "Version": "1.0.0" })).await
}

pub(crate) async fn write(bench: &Bench, project: &str, actions: Vec<Value>) {
    let path = format!("/api/projects/{project}/deploymentprocesses");
    let mut process = bench.get(&path).await;
    let step = |mut action: Value| {
        let roles = action.as_object_mut().and_then(|it| it.remove("Roles"));
        json!({
            "Name": action["Name"],
            "Properties": { "Octopus.Action.TargetRoles": roles },
            "Actions": [action],
        })
    };
    process["Steps"] = actions.into_iter().map(step).collect();
    let (status, answer) = bench.send("PUT", &path, process).await;
    assert_eq!(status, 200, "{answer}");
}

/// A script on a worker of this pool.
pub(crate) fn script(name: &str, pool: &str) -> Value {
    json!({
        "Name": name,
        "ActionType": "Octopus.Script",
        "WorkerPoolId": pool,
        "Properties": { "Octopus.Action.RunOnServer": "true" },
    })
}

/// The task of a release's deployment to an environment of the chapter.
pub(crate) async fn deploy(bench: &Bench, release: &Value, environment: usize) -> String {
    let body = json!({
        "ReleaseId": release["Id"], "EnvironmentId": format!("Environments-{environment}"),
    });
    made(bench, "/api/deployments", body).await["TaskId"].as_str().unwrap().to_owned()
}

pub(crate) async fn state(bench: &Bench, task: &str) -> String {
    bench.get(&format!("/api/tasks/{task}")).await["State"].as_str().unwrap().to_owned()
}

/// Skips time until a task is over.
pub(crate) async fn over(bench: &Bench, task: &str) -> Value {
    let path = format!("/api/tasks/{task}");
    let mut document = bench.get(&path).await;
    // Each round ends the tasks that run, and starts the next ones of the queue.
    for _ in 0..10 {
        if document["IsCompleted"] == true {
            return document;
        }
        bench.sandbox.skip_time(LONG);
        document = bench.get(&path).await;
    }
    panic!("{task} is never over");
}

/// The tree of a task's log: one line for each activity with its status, and its messages below.
pub(crate) async fn log(bench: &Bench, task: &str) -> String {
    let details = bench.get(&format!("/api/tasks/{task}/details?verbose=true")).await;
    let mut text = String::new();
    tell(&details["ActivityLogs"][0], 0, &mut text);
    text
}

pub(crate) fn tell(node: &Value, depth: usize, text: &mut String) {
    let indent = "  ".repeat(depth);
    let said = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    _ = writeln!(text, "{indent}{}: {}", said(&node["Status"]), said(&node["Name"]));
    for line in node["LogElements"].as_array().unwrap() {
        _ = writeln!(text, "{indent}  > {}", said(&line["MessageText"]));
    }
    for child in node["Children"].as_array().unwrap() {
        tell(child, depth + 1, text);
    }
}

pub(crate) async fn leases(bench: &Bench) -> Vec<Value> {
    let page = bench.get("/api/Spaces-1/workertaskleases?skip=0&take=30").await;
    page["WorkerTaskLeases"]["Items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn tasks_above_the_cap_wait_for_their_turn() {
    let pace = Pace { work: LONG, tasks_at_once: 2, ..Pace::default() };
    let bench = Bench::with(SandboxOptions { pace, ..SandboxOptions::default() }).await;
    let linux = staffed(&bench, "Linux", "db-01").await;
    let release = released(&bench, vec![script("Migrate", &linux)], vec![]).await;
    let mut tasks = Vec::new();
    for environment in 1..=3 {
        tasks.push(deploy(&bench, &release, environment).await);
    }
    assert_eq!(leases(&bench).await.len(), 2);
    let states = async || {
        let mut states = Vec::new();
        for task in &tasks {
            states.push(state(&bench, task).await);
        }
        states.join(", ")
    };
    assert_eq!(states().await, "Executing, Executing, Queued");
    let behind = bench.get(&format!("/api/tasks/{}/queued-behind", tasks[2])).await;
    assert_eq!(behind["TotalResults"], 2);
    assert_eq!(bench.get("/api/tasks?states=Queued,Executing").await["TotalResults"], 3);
    assert_eq!(bench.get("/api/tasks?running=true").await["TotalResults"], 2);
    assert_eq!(bench.get("/api/tasks?active=false").await["TotalResults"], 0);

    let path = format!("/api/tasks/{}/cancel", tasks[0]);
    let (status, canceled) = bench.send("POST", &path, Value::Null).await;
    assert_eq!((status, &canceled["State"]), (200, &json!("Canceled")));
    assert_eq!(states().await, "Canceled, Executing, Executing");
    let held = leases(&bench).await;
    assert!(held.iter().all(|item| item["ServerTaskId"] != json!(tasks[0])), "{held:?}");

    let waiting = deploy(&bench, &release, 1).await;
    assert_eq!(state(&bench, &waiting).await, "Queued");
    let node = bench.get("/api/octopusservernodes/all").await[0].clone();
    assert_eq!(node["MaxConcurrentTasks"], 2);
    let path = node["Links"]["Self"].as_str().unwrap();
    let emptied = json!({ "Id": node["Id"], "MaxConcurrentTasks": 3, "IsInMaintenanceMode": true });
    assert_eq!(bench.send("PUT", path, emptied).await.0, 200);
    assert_eq!(state(&bench, &waiting).await, "Queued");
    let more = json!({ "Id": node["Id"], "IsInMaintenanceMode": false });
    assert_eq!(bench.send("PUT", path, more).await.0, 200);
    assert_eq!(state(&bench, &waiting).await, "Executing");
}

#[tokio::test]
async fn a_queued_task_starts_when_the_one_before_it_ends() {
    let pace = Pace { work: LONG, tasks_at_once: 1, ..Pace::default() };
    let bench = Bench::with(SandboxOptions { pace, ..SandboxOptions::default() }).await;
    let linux = staffed(&bench, "Linux", "db-01").await;
    let release = released(&bench, vec![script("Migrate", &linux)], vec![]).await;
    let (first, second) = (deploy(&bench, &release, 1).await, deploy(&bench, &release, 2).await);
    let (first, second) = (over(&bench, &first).await, over(&bench, &second).await);
    assert_eq!(first["CompletedTime"], second["StartTime"]);
    assert_ne!(second["StartTime"], second["CompletedTime"]);
    assert_eq!(leases(&bench).await, [Value::Null; 0]);
}

#[tokio::test]
async fn a_task_starts_after_the_canceled_one_that_made_room() {
    let pace = Pace { work: LONG, tasks_at_once: 1, ..Pace::default() };
    let bench = Bench::with(SandboxOptions { pace, ..SandboxOptions::default() }).await;
    let linux = staffed(&bench, "Linux", "db-01").await;
    let release = released(&bench, vec![script("Migrate", &linux)], vec![]).await;
    let node = bench.get("/api/octopusservernodes/all").await[0]["Links"]["Self"].clone();
    let (first, second) = (deploy(&bench, &release, 1).await, deploy(&bench, &release, 2).await);
    bench.send("POST", &format!("/api/tasks/{first}/cancel"), Value::Null).await;
    let (first, second) = (over(&bench, &first).await, over(&bench, &second).await);
    assert_eq!(first["State"], "Canceled");
    assert!(first["CompletedTime"].as_str() <= second["StartTime"].as_str(), "{first} {second}");
    assert_eq!(
        bench.refused("PUT", node.as_str().unwrap(), json!({ "MaxConcurrentTasks": 0 })).await,
        "400: The task cap must be at least 1."
    );
}

#[tokio::test]
async fn a_scheduled_task_waits_and_an_expired_one_times_out() {
    let bench = company(Duration::ZERO).await;
    let release =
        made(&bench, "/api/releases", json!({ "ProjectId": "Projects-1", "Version": "1" })).await;
    let mut body = json!({
        "ReleaseId": release["Id"], "EnvironmentId": "Environments-1", "QueueTime": "2199-01-01T00:00:00Z",
    });
    let later = made(&bench, "/api/deployments", body.clone()).await;
    assert_eq!(state(&bench, later["TaskId"].as_str().unwrap()).await, "Queued");
    body["QueueTime"] = Value::Null;
    body["QueueTimeExpiry"] = json!("2001-01-01T00:00:00Z");
    let late = made(&bench, "/api/deployments", body).await;
    assert_eq!(state(&bench, late["TaskId"].as_str().unwrap()).await, "TimedOut");
}

#[tokio::test]
async fn a_restart_loses_no_work() {
    let folder = tempfile::tempdir().unwrap();
    let open = async |work| {
        let store = StoreLocation::File(folder.path().join("sandbox.db"));
        let pace = Pace { work, ..Pace::default() };
        Bench::with(SandboxOptions { store, pace, ..SandboxOptions::default() }).await
    };
    let bench = open(LONG).await;
    let linux = staffed(&bench, "Linux", "db-01").await;
    let release = released(&bench, vec![script("Migrate", &linux)], vec![]).await;
    let task = deploy(&bench, &release, 1).await;
    assert_eq!(state(&bench, &task).await, "Executing");
    drop(bench);
    let bench = open(Duration::ZERO).await;
    assert_eq!(over(&bench, &task).await["State"], "Success");
    assert_eq!(leases(&bench).await, [Value::Null; 0]);
}

#[tokio::test]
async fn a_script_leases_the_workers_that_it_runs_on() {
    let bench = company(LONG).await;
    let linux = staffed(&bench, "Linux", "db-01").await;
    made(&bench, "/api/workers", worker("db-02", &[&linux])).await;
    let script = |arguments: Value| json!({ "Name": "AdHocScript", "Description": "Look", "Arguments": arguments });
    let body = script(
        json!({ "TargetType": "WorkerPools", "WorkerPoolIds": [linux], "ScriptBody": "ls", "Syntax": "Bash" }),
    );
    let task = id(&made(&bench, "/api/Spaces-1/tasks", body).await);
    assert_eq!(leases(&bench).await.len(), 2);
    insta::assert_snapshot!(log(&bench, &task).await, @r"
    Running: Look
      Running: Run script
        Running: Worker db-01
          > Leased worker db-01 from pool Linux (lease WorkerTaskLeases-1)
        Running: Worker db-02
          > Leased worker db-02 from pool Linux (lease WorkerTaskLeases-2)
    ");
    let of_nobody =
        script(json!({ "TargetType": "WorkerPools", "WorkerPoolIds": ["WorkerPools-1"] }));
    let task = id(&made(&bench, "/api/tasks", of_nobody).await);
    assert_eq!(
        over(&bench, &task).await["ErrorMessage"],
        "There is no healthy worker to run the script on."
    );
    let unknown =
        script(json!({ "TargetType": "WorkerPools", "WorkerPoolIds": ["WorkerPools-99"] }));
    assert_eq!(
        bench.refused("POST", "/api/tasks", unknown).await,
        "400: The worker pool 'WorkerPools-99' does not exist."
    );
}

#[tokio::test]
async fn an_upgrade_holds_a_worker_exclusively() {
    let bench = company(LONG).await;
    let linux = staffed(&bench, "Linux", "db-01").await;
    let release = released(&bench, vec![script("Migrate", &linux)], vec![]).await;
    let deployment = deploy(&bench, &release, 1).await;
    let upgrade = json!({
        "Name": "Upgrade", "Description": "Upgrade Tentacles",
        "Arguments": { "RestrictedTo": "Workers", "MachineIds": ["Workers-1"] },
    });
    let upgrade = id(&made(&bench, "/api/Spaces-1/tasks", upgrade).await);
    // It waits for the deployment to release the worker, and the next deployment waits for it.
    assert_eq!(state(&bench, &upgrade).await, "Queued");
    bench.send("POST", &format!("/api/tasks/{deployment}/cancel"), Value::Null).await;
    assert_eq!(state(&bench, &upgrade).await, "Executing");
    let held = leases(&bench).await;
    assert_eq!((held.len(), &held[0]["Exclusive"]), (1, &json!(true)));
    let next = deploy(&bench, &release, 1).await;
    assert_eq!(state(&bench, &next).await, "Queued");
    bench.send("POST", &format!("/api/tasks/{upgrade}/cancel"), Value::Null).await;
    assert_eq!(state(&bench, &next).await, "Executing");
}

#[tokio::test]
async fn a_task_can_be_rerun_unless_it_is_a_deployment() {
    let bench = company(Duration::ZERO).await;
    let health = json!({ "Name": "Health", "Description": "Check", "Arguments": {} });
    let first = made(&bench, "/api/tasks", health).await;
    let (status, second) =
        bench.send("POST", first["Links"]["Rerun"].as_str().unwrap(), Value::Null).await;
    assert_eq!(
        (status, &second["State"], &second["Description"]),
        (200, &json!("Success"), &json!("Check"))
    );
    assert_ne!(second["Id"], first["Id"]);
    let release =
        made(&bench, "/api/releases", json!({ "ProjectId": "Projects-1", "Version": "1" })).await;
    let task = deploy(&bench, &release, 1).await;
    over(&bench, &task).await;
    let refused = bench.refused("POST", &format!("/api/tasks/rerun/{task}"), Value::Null).await;
    assert_eq!(refused, "400: This task cannot be re-run.");
}

#[tokio::test]
async fn the_state_of_a_finished_task_can_be_corrected() {
    let bench = company(LONG).await;
    let health = json!({ "Name": "Health", "Description": "Check", "Arguments": {} });
    let task = id(&made(&bench, "/api/tasks", health).await);
    let path = format!("/api/tasks/{task}/state");
    for (body, wanted) in [
        (json!({ "State": "Failed" }), "No reason was provided."),
        (json!({ "Reason": "x" }), "No state was provided."),
        (json!({ "Reason": "x", "State": "Success" }), "The task is already in the state Success."),
    ] {
        assert_eq!(bench.refused("POST", &path, body).await, format!("400: {wanted}"));
    }
    let body = json!({ "Reason": "It did not work.", "State": "Failed" });
    let (status, task) = bench.send("POST", &path, body).await;
    assert_eq!(
        (status, &task["State"], &task["ErrorMessage"]),
        (200, &json!("Failed"), &json!("It did not work."))
    );
}

#[tokio::test]
async fn tasks_need_their_permissions() {
    let mut bench = company(LONG).await;
    let linux = staffed(&bench, "Linux", "db-01").await;
    let release = released(&bench, vec![script("Migrate", &linux)], vec![]).await;
    let task = deploy(&bench, &release, 1).await;
    let body = json!({ "ReleaseId": release["Id"], "EnvironmentId": "Environments-1" });
    let cancel = format!("/api/tasks/{task}/cancel");
    for (key, path, body, permission) in [
        ("API-SANDBOXWITHOUTDEPLOYMENTCREATE", "/api/deployments", &body, "DeploymentCreate"),
        ("API-SANDBOXWITHOUTRELEASECREATE", "/api/releases", &body, "ReleaseCreate"),
        ("API-SANDBOXWITHOUTTASKCREATE", "/api/tasks", &body, "TaskCreate"),
        ("API-SANDBOXWITHOUTTASKCANCEL", &cancel, &body, "TaskCancel"),
        ("API-SANDBOXWITHOUTRUNBOOKRUNCREATE", "/api/runbookRuns", &body, "RunbookRunCreate"),
        (READER_KEY, &cancel, &body, "TaskCancel"),
    ] {
        bench.key = key;
        let (status, answer) = bench.send("POST", path, body.clone()).await;
        let message = answer["ErrorMessage"].as_str().unwrap();
        assert_eq!(
            (status, message.ends_with(&format!("Missing permission: {permission}"))),
            (403, true)
        );
    }
    bench.key = "API-SANDBOXWITHOUTDEPLOYMENTDELETE";
    let (status, _) = bench.send("DELETE", "/api/deployments/Deployments-1", Value::Null).await;
    assert_eq!(status, 403);
    bench.key = NO_WORKERS_KEY;
    assert_eq!(leases(&bench).await, [Value::Null; 0]);
    bench.key = "API-SANDBOXWITHOUTTASKVIEW";
    assert_eq!(bench.get("/api/tasks").await["TotalResults"], 0);
}
