//! Deployments: where each step runs, the workers that it holds, and how it fails.

use crate::{
    sandbox::{Bench, worker},
    sandbox_tasks::{
        LONG, company, deploy, id, leases, log, made, over, released, script, staffed, state, tell,
        write,
    },
    workbench::Workbench,
};
use octopus_sandbox::{Pace, SandboxOptions, Seed};
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn a_deployment_leases_its_workers_and_releases_them() {
    let bench = company(LONG).await;
    let linux = staffed(&bench, "Linux", "db-01").await;
    let release =
        released(&bench, vec![script("Migrate", &linux), script("Warm up", "")], vec![]).await;
    let task = deploy(&bench, &release, 1).await;

    let taken = leases(&bench).await;
    assert_eq!(taken.len(), 1);
    let mut lease = taken[0].clone();
    assert!(lease["TakenAt"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
    lease["TakenAt"] = json!("now");
    assert_eq!(
        lease,
        json!({
            "Id": "WorkerTaskLeases-1", "Name": format!("db-01 for {task}"), "SpaceId": "Spaces-1",
            "WorkerId": "Workers-1", "WorkerPoolId": linux, "ServerTaskId": task,
            "Exclusive": false, "TakenAt": "now",
        })
    );
    assert_eq!(state(&bench, &task).await, "Executing");
    let refused = bench.refused("DELETE", "/api/workers/Workers-1", Value::Null).await;
    assert!(refused.starts_with("400: This worker cannot be deleted"), "{refused}");

    let done = over(&bench, &task).await;
    assert_eq!((&done["State"], &done["FinishedSuccessfully"]), (&json!("Success"), &json!(true)));
    assert_eq!(done["Description"], "Deploy Shop release 1.0.0 to Development");
    assert_eq!(leases(&bench).await, [Value::Null; 0]);
    assert_eq!(bench.send("DELETE", "/api/workers/Workers-1", Value::Null).await.0, 200);
    insta::assert_snapshot!(log(&bench, &task).await, @r"
    Success: Deploy Shop release 1.0.0 to Development
      > The task completed successfully
      Success: Step 1: Migrate
        Success: Worker db-01
          > Leased worker db-01 from pool Linux (lease WorkerTaskLeases-1)
      Success: Step 2: Warm up
        Success: Octopus Server
          > The default worker pool has no workers; using the built-in worker
    ");
}

#[tokio::test]
async fn the_log_of_a_task_is_also_plain_text() {
    let bench = company(Duration::ZERO).await;
    let linux = staffed(&bench, "Linux", "db-01").await;
    let release = released(&bench, vec![script("Migrate", &linux)], vec![]).await;
    let task = over(&bench, &deploy(&bench, &release, 1).await).await;
    let path = task["Links"]["Raw"].as_str().unwrap();
    let answer = bench.request("GET", path).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/plain; charset=utf-8");
    let text = answer.text().await.unwrap();
    assert!(
        text.contains("Leased worker db-01 from pool Linux (lease WorkerTaskLeases-1)"),
        "{text}"
    );
    assert!(text.contains("== Success: Deploy Shop release 1.0.0 to Development =="), "{text}");
}

/// An action for each way to choose where a step runs; `linux` is a pool.
fn actions(linux: &str) -> Vec<Value> {
    let action = |name: &str, kind: &str, roles: &str, pool: &str| json!({ "Name": name, "ActionType": kind, "Roles": roles, "WorkerPoolId": pool });
    let mut by_variable = script("By variable", "");
    by_variable["WorkerPoolVariable"] = json!("Pool");
    let mut elsewhere = script("In production", linux);
    elsewhere["Environments"] = json!(["Environments-3"]);
    let mut disabled = script("Disabled", linux);
    disabled["IsDisabled"] = json!(true);
    vec![
        script("Explicit", linux),
        by_variable,
        script("Default", ""),
        action("On targets", "Octopus.Script", "database-server", ""),
        action("For the app", "Octopus.AzureWebApp", "web-app", ""),
        action("For the app, explicit", "Octopus.AzureWebApp", "web-app", linux),
        action("Ask", "Octopus.Manual", "", ""),
        action("Nobody", "Octopus.Script", "no-such-tag", ""),
        json!({
            "Name": "By template",
            "ActionType": "Octopus.ProcessTemplate",
            "Properties": {
                "Octopus.Action.ProcessTemplate.Reference.Slug": "migrate",
                "Where": "linux",
            },
        }),
        elsewhere,
        disabled,
    ]
}

#[tokio::test]
async fn each_step_runs_where_the_rules_say() {
    let bench = company(Duration::ZERO).await;
    let linux = staffed(&bench, "Linux", "db-01").await;
    let azure = staffed(&bench, "Azure", "az-01").await;
    let mut app = bench.get("/api/machines?name=web-store-app").await["Items"][0].clone();
    app["Endpoint"]["DefaultWorkerPoolId"] = json!(azure);
    let path = format!("/api/machines/{}", id(&app));
    assert_eq!(bench.send("PUT", &path, app).await.0, 200);

    let variable = |value: &str, scope: Value| json!({ "Name": "Pool", "Type": "WorkerPool", "Value": value, "Scope": scope });
    let variables = vec![
        variable("WorkerPools-1", json!({ "Environment": ["Environments-2"] })),
        variable(&azure, json!({ "Environment": ["Environments-1"] })),
    ];
    let release = released(&bench, actions(&linux), variables).await;
    let task = deploy(&bench, &release, 1).await;
    over(&bench, &task).await;
    insta::assert_snapshot!(log(&bench, &task).await, @r"
    Success: Deploy Shop release 1.0.0 to Development
      > The task completed successfully
      Success: Step 1: Explicit
        Success: Worker db-01
          > Leased worker db-01 from pool Linux (lease WorkerTaskLeases-1)
      Success: Step 2: By variable
        Success: Worker az-01
          > Leased worker az-01 from pool Azure (lease WorkerTaskLeases-2)
      Success: Step 3: Default
        Success: Octopus Server
          > The default worker pool has no workers; using the built-in worker
      Success: Step 4: On targets
        Success: sql-dev-01
        Success: sql-dev-02
      Success: Step 5: For the app
        Success: Worker az-01 on behalf of web-store-app
          > Leased worker az-01 from pool Azure (lease WorkerTaskLeases-2)
      Success: Step 6: For the app, explicit
        Success: Worker db-01 on behalf of web-store-app
          > Leased worker db-01 from pool Linux (lease WorkerTaskLeases-1)
      Success: Step 7: Ask
        Success: Octopus Server
      Skipped: Step 8: Nobody
        > No deployment targets were found for this step, so it was skipped.
      Success: Step 9: By template
        Success: Worker db-01
          > Leased worker db-01 from pool Linux (lease WorkerTaskLeases-1)
    ");
}

#[tokio::test]
async fn a_deployment_without_workers_fails_as_on_a_real_server() {
    let bench = company(Duration::ZERO).await;
    let (empty, ill) = (bench.pool("Empty").await, bench.pool("Ill").await);
    let mut new = worker("sick-01", &[&ill]);
    new["SkipInitialHealthCheck"] = json!(true);
    made(&bench, "/api/workers", new).await;
    let release = released(&bench, vec![script("Migrate", &empty)], vec![]).await;
    let project = release["ProjectId"].as_str().unwrap();
    let mut by_variable = script("Migrate", "");
    by_variable["WorkerPoolVariable"] = json!("Pool");
    let mut lines = Vec::new();
    for (number, action) in
        [script("Migrate", &ill), by_variable, script("Migrate", "")].into_iter().enumerate()
    {
        lines.push(failure(&bench, project, number, action).await);
    }
    let task = over(&bench, &deploy(&bench, &release, 1).await).await;
    lines.push(task["ErrorMessage"].as_str().unwrap().to_owned());

    let features = json!({ "IsBuiltInWorkerEnabled": false });
    assert_eq!(bench.send("PUT", "/api/featuresconfiguration", features).await.0, 200);
    lines.push(failure(&bench, project, 8, script("Migrate", "")).await);
    // As on the real server, a pool that only a release names can be deleted.
    assert_eq!(
        bench.send("DELETE", &format!("/api/workerpools/{empty}"), Value::Null).await.0,
        200
    );
    let task = over(&bench, &deploy(&bench, &release, 1).await).await;
    lines.push(task["ErrorMessage"].as_str().unwrap().to_owned());
    assert_eq!((&task["State"], &task["HasWarningsOrErrors"]), (&json!("Failed"), &json!(true)));
    let of_task =
        format!("/api/deployments/{}", task["Arguments"]["DeploymentId"].as_str().unwrap());
    assert_eq!(bench.get(&of_task).await["FailureEncountered"], true);
    assert_eq!(leases(&bench).await, [Value::Null; 0]);
    insta::assert_snapshot!(lines.join("\n"), @r"
    There is no healthy worker in the worker pool 'Ill' to run the step 'Migrate' on.
    No variable named `Pool` was in scope and set to value for `Migrate` so could not determine which worker pool to use.
    Success
    This should not happen! Worker must not be null at the current stage of the execution.
    The step 'Migrate' needs the built-in worker, because the default worker pool 'Default Worker Pool' has no workers, and the built-in worker is disabled.
    EntityNotFoundException: The worker pool 'WorkerPools-3' was not found.
    ");
}

/// Why a deployment of a new release of this process fails, or `Success`.
async fn failure(bench: &Bench, project: &str, number: usize, action: Value) -> String {
    write(bench, project, vec![action]).await;
    let body = json!({ "ProjectId": project, "Version": format!("2.0.{number}") });
    let release = made(bench, "/api/releases", body).await;
    let task = over(bench, &deploy(bench, &release, 1).await).await;
    match task["ErrorMessage"].as_str().unwrap() {
        "" => task["State"].as_str().unwrap().to_owned(),
        error => error.to_owned(),
    }
}

#[tokio::test]
async fn a_cloud_instance_creates_workers_on_demand() {
    let pace = Pace { work: LONG, ..Pace::default() };
    let bench =
        Bench::with(SandboxOptions { seed: Seed::Cloud, pace, ..SandboxOptions::default() }).await;
    made(&bench, "/api/environments", json!({ "Name": "Production" })).await;
    let release =
        released(&bench, vec![script("Migrate", ""), script("Warm up", "WorkerPools-2")], vec![])
            .await;
    let task = deploy(&bench, &release, 1).await;
    assert_eq!(leases(&bench).await.len(), 2);
    let log = log(&bench, &task).await;
    assert!(
        log.contains("> Leased worker windowsdefault-servertasks-1 from pool Hosted Windows"),
        "{log}"
    );
}

#[test]
fn steps_run_where_poolwright_places_them() {
    let workbench = Workbench::chapter(
        r#"
        version = 1
        [pools.linux]
        name = "Linux"
        [workers.w-01]
        pools = ["linux"]
        polling = { subscription = "poll://ih8pbyo8vxqjv0kbwwzc/", thumbprint = "8A7E6157A34158EDA1B5127CB027B2A267760A4F" }
        [[placements]]
        process = "any"
        pool = "linux"
        "#,
    );
    let log = || {
        let number = workbench.count("POST /api/releases");
        let release = json!({ "ProjectId": "Projects-1", "Version": format!("1.0.{number}") });
        let release = workbench.send("POST", "/api/releases", release);
        let body = json!({ "ReleaseId": release["Id"], "EnvironmentId": "Environments-3" });
        let deployment = workbench.send("POST", "/api/deployments", body);
        let task = deployment["TaskId"].as_str().unwrap();
        let mut text = String::new();
        tell(
            &workbench.get(&format!("/api/tasks/{task}/details"))["ActivityLogs"][0],
            0,
            &mut text,
        );
        text
    };
    let before = log();
    assert!(before.contains("built-in worker") && !before.contains("Leased"), "{before}");
    workbench.apply();
    let after = log();
    // Two steps for cloud targets, and two on workers; the others run on targets and in the server.
    assert_eq!(after.matches("Leased worker w-01 from pool Linux").count(), 4, "{after}");
    assert!(!after.contains("built-in worker"), "{after}");
}
