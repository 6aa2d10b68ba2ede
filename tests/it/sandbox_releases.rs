//! Releases and snapshots of runbooks: what they freeze, and how they are run and found.

use crate::{
    sandbox::PROCESS,
    sandbox_tasks::{company, deploy, id, log, made, over, script, staffed},
};
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn a_release_freezes_the_process_and_the_variables() {
    let bench = company(Duration::ZERO).await;
    let project = "Projects-1";
    let release = |version: &str| json!({ "ProjectId": project, "Version": version });
    let first = made(&bench, "/api/releases", release("1.0.0")).await;
    let frozen = first["ProjectDeploymentProcessSnapshotId"].as_str().unwrap().to_owned();
    assert!(frozen.starts_with("deploymentprocess-Projects-1-s-1-"), "{frozen}");
    let set = first["ProjectVariableSetSnapshotId"].as_str().unwrap();
    assert!(set.starts_with("variableset-Projects-1-s-"), "{set}");

    let path = format!("/api/deploymentprocesses/{frozen}");
    let snapshot = bench.get(&path).await;
    let live = bench.get(PROCESS).await;
    assert_eq!((&snapshot["Steps"], &snapshot["Id"]), (&live["Steps"], &json!(frozen)));
    assert_eq!((&live["LastSnapshotId"], &live["Version"]), (&json!(frozen), &json!(1)));
    assert_eq!(
        bench.refused("PUT", &path, snapshot.clone()).await,
        "400: You cannot modify this deployment process because it is frozen. You'll need to create a new deployment process instead."
    );

    // Only what has changed is frozen again.
    let second = made(&bench, "/api/releases", release("1.0.1")).await;
    assert_eq!(second["ProjectDeploymentProcessSnapshotId"], json!(frozen));
    assert_eq!(bench.send("PUT", PROCESS, live).await.0, 200);
    let third = made(&bench, "/api/releases", release("1.0.2")).await;
    let newer = third["ProjectDeploymentProcessSnapshotId"].as_str().unwrap();
    assert!(newer.starts_with("deploymentprocess-Projects-1-s-2-"), "{newer}");
    assert_eq!(bench.get(&path).await, snapshot);

    let all = bench.get("/api/deploymentprocesses?take=1000").await;
    let ids: Vec<&str> =
        all["Items"].as_array().unwrap().iter().filter_map(|value| value["Id"].as_str()).collect();
    assert!(ids.contains(&newer) && ids.contains(&"deploymentprocess-Projects-1"));
    let sets = bench.get("/api/variables/all").await;
    assert!(
        sets.as_array().unwrap().iter().all(|item| !item["Id"].as_str().unwrap().contains("-s-"))
    );
}

#[tokio::test]
async fn releases_and_deployments_are_listed_newest_first() {
    let bench = company(Duration::ZERO).await;
    for (project, version) in
        [("Projects-1", "1.0.0"), ("Projects-2", "7"), ("Projects-1", "1.0.1")]
    {
        let release =
            made(&bench, "/api/releases", json!({ "ProjectId": project, "Version": version }))
                .await;
        deploy(&bench, &release, 1).await;
    }
    let count = async |path: &str| bench.get(path).await["TotalResults"].as_i64().unwrap();
    let releases = bench.get("/api/projects/Projects-1/releases").await;
    assert_eq!(releases["TotalResults"], 2);
    assert_eq!(releases["Items"][0]["Version"], "1.0.1");
    assert_eq!(bench.get("/api/projects/Projects-1/releases/1.0.0").await["Id"], "Releases-1");
    for (path, wanted) in [
        ("/api/releases", 3),
        ("/api/releases/Releases-1/deployments", 1),
        ("/api/deployments?projects=Projects-1", 2),
        ("/api/deployments?environments=Environments-2", 0),
        ("/api/deployments?taskState=Success", 3),
        ("/api/deployments?taskState=Queued&projects=Projects-1", 0),
        ("/api/tasks?project=Projects-2", 1),
        ("/api/tasks?environment=Environments-1&name=deploy,runbookrun", 3),
    ] {
        assert_eq!(count(path).await, wanted, "{path}");
    }
    let again = json!({ "ProjectId": "Projects-1", "Version": "1.0.1" });
    let refused = bench.refused("POST", "/api/releases", again).await;
    assert!(refused.starts_with("400: Release version '1.0.1' already exists"), "{refused}");
    for (path, body, wanted) in [
        (
            "releases",
            json!({ "ProjectId": "Projects-1" }),
            "Please provide a version for this release.",
        ),
        (
            "releases",
            json!({ "ProjectId": "Projects-99" }),
            "The project 'Projects-99' does not exist.",
        ),
        ("deployments", json!({ "ReleaseId": "no" }), "The release 'no' does not exist."),
        ("deployments", json!({ "ReleaseId": "Releases-1" }), "The environment '' does not exist."),
    ] {
        assert_eq!(
            bench.refused("POST", &format!("/api/{path}"), body).await,
            format!("400: {wanted}")
        );
    }
}

#[tokio::test]
async fn command_line_tools_release_and_deploy_by_name() {
    let bench = company(Duration::ZERO).await;
    let release = json!({ "spaceId": "Spaces-1", "projectName": "Web Store" });
    let answer = made(&bench, "/api/Spaces-1/releases/create/v1", release).await;
    assert_eq!(answer, json!({ "ReleaseId": "Releases-1", "ReleaseVersion": "0.0.1" }));
    let again = json!({ "projectName": "web-store", "ignoreIfAlreadyExists": true, "releaseVersion": "0.0.1" });
    assert_eq!(made(&bench, "/api/Spaces-1/releases/create/v1", again).await, answer);
    let next =
        made(&bench, "/api/Spaces-1/releases/create/v1", json!({ "projectName": "Web Store" }))
            .await;
    assert_eq!(next["ReleaseVersion"], "0.0.2");
    let deployment = json!({
        "projectName": "Web Store", "releaseVersion": "0.0.1", "environmentNames": ["Test", "production"],
    });
    let made = made(&bench, "/api/Spaces-1/deployments/create/untenanted/v1", deployment).await;
    let tasks = made["DeploymentServerTasks"].as_array().unwrap();
    assert_eq!(tasks.len(), 2);
    assert_eq!(
        tasks[0],
        json!({ "DeploymentId": "Deployments-1", "ServerTaskId": "ServerTasks-1" })
    );
}

#[tokio::test]
async fn a_runbook_runs_its_published_snapshot_despite_later_changes() {
    let bench = company(Duration::ZERO).await;
    let linux = staffed(&bench, "Linux", "db-01").await;
    let runbook = bench.get("/api/runbooks/all").await[0].clone();
    let run = json!({ "RunbookId": runbook["Id"], "EnvironmentId": "Environments-1" });
    let refused = bench.refused("POST", "/api/runbookRuns", run.clone()).await;
    assert!(refused.starts_with("400: Runbook has no published snapshot."), "{refused}");

    let path = runbook["Links"]["RunbookProcesses"].as_str().unwrap();
    let mut process = bench.get(path).await;
    process["Steps"] = json!([{ "Name": "Clean", "Actions": [script("Clean", &linux)] }]);
    assert_eq!(bench.send("PUT", path, process.clone()).await.0, 200);
    let snapshot =
        json!({ "ProjectId": runbook["ProjectId"], "RunbookId": runbook["Id"], "Name": "First" });
    let snapshot = made(&bench, "/api/runbookSnapshots?publish=true", snapshot).await;
    let frozen = snapshot["FrozenRunbookProcessId"].as_str().unwrap();
    assert!(frozen.starts_with(&format!("RunbookProcess-{}-s-", id(&runbook))), "{frozen}");
    process = bench.get(path).await;
    process["Steps"] = json!([{ "Name": "Nothing", "Actions": [] }]);
    assert_eq!(bench.send("PUT", path, process).await.0, 200);

    let run = made(&bench, "/api/runbookRuns", run).await;
    assert_eq!(run["RunbookSnapshotId"], snapshot["Id"]);
    let task = run["TaskId"].as_str().unwrap();
    assert_eq!(over(&bench, task).await["Name"], "RunbookRun");
    let log = log(&bench, task).await;
    assert!(log.contains("> Leased worker db-01 from pool Linux"), "{log}");
    let of_runbook = format!("/api/runbooks/{}/runbookRuns", id(&runbook));
    assert_eq!(bench.get(&of_runbook).await["TotalResults"], 1);
    assert_eq!(bench.get(&format!("/api/tasks?runbook={}", id(&runbook))).await["TotalResults"], 1);
}

#[tokio::test]
async fn a_deployment_appears_in_the_audit_log() {
    let bench = company(Duration::ZERO).await;
    let release =
        made(&bench, "/api/releases", json!({ "ProjectId": "Projects-1", "Version": "1.2" })).await;
    let task = deploy(&bench, &release, 1).await;
    over(&bench, &task).await;
    let events = bench.get("/api/events").await;
    let line = |event: &Value| {
        format!("{}: {} ({})", event["Category"], event["Message"], event["Username"])
            .replace('"', "")
    };
    let lines: Vec<String> = events["Items"].as_array().unwrap().iter().map(line).collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    DeploymentSucceeded: Deploy Web Store release 1.2 to Development succeeded (system)
    DeploymentStarted: Deploy Web Store release 1.2 to Development was started (system)
    Created: Deployment Deploy to Development was created (admin)
    DeploymentQueued: Deploy Web Store release 1.2 to Development was queued (admin)
    Created: Release 1.2 was created (admin)
    ");
}

#[tokio::test]
async fn templates_provide_what_clients_need_before_creating() {
    let bench = company(Duration::ZERO).await;
    let runbook = id(&bench.get("/api/runbooks/all").await[0]);
    let release = json!({ "ProjectId": "Projects-1", "Version": "3.1" });
    made(&bench, "/api/releases", release).await;
    for (path, pointer, wanted) in [
        ("projects/Projects-1/deploymentprocesses/template", "/NextVersionIncrement", "3.2"),
        (
            "deploymentprocesses/deploymentprocess-Projects-2/template",
            "/NextVersionIncrement",
            "0.0.1",
        ),
        ("deploymentprocesses/deploymentprocess-Projects-1/template", "/LastReleaseVersion", "3.1"),
        (
            &format!("runbooks/{runbook}/runbookSnapshotTemplate"),
            "/NextNameIncrement",
            "Snapshot 1",
        ),
        (
            &format!("runbookProcesses/RunbookProcess-{runbook}/runbookSnapshotTemplate"),
            "/RunbookId",
            &runbook,
        ),
        (&format!("runbooks/{runbook}/runbookRunTemplate"), "/PromoteTo/2/Name", "Production"),
        ("releases/Releases-1/deployments/template", "/PromoteTo/0/Name", "Development"),
        (&format!("runbooks/{runbook}/environments"), "/1/Name", "Test"),
    ] {
        let template = bench.get(&format!("/api/Spaces-1/{path}")).await;
        assert_eq!(template.pointer(pointer), Some(&json!(wanted)), "{path}");
    }
}

#[tokio::test]
async fn a_published_runbook_is_run_on_several_environments_at_once() {
    let bench = company(Duration::ZERO).await;
    let runbook = bench.get("/api/runbooks/all").await[0].clone();
    let snapshot =
        json!({ "ProjectId": runbook["ProjectId"], "RunbookId": runbook["Id"], "Name": "First" });
    made(&bench, "/api/runbookSnapshots?publish=true", snapshot).await;
    let body = json!({ "EnvironmentIds": ["Environments-1", "Environments-2"] });
    let runs = made(&bench, &format!("/api/runbooks/{}/run", id(&runbook)), body).await;
    assert_eq!(runs.as_array().unwrap().len(), 2);
    let project = runbook["ProjectId"].as_str().unwrap();
    let named = bench.get(&format!("/api/projects/{project}/runbookSnapshots/First")).await;
    assert_eq!(runs[1]["RunbookSnapshotId"], named["Id"]);
    let listed = bench.get(&format!("/api/projects/{project}/runbookSnapshots")).await;
    assert_eq!(listed["TotalResults"], 1);
}
