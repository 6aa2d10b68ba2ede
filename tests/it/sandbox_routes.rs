//! What is served below a project, a release and a space, and what is not.

use crate::sandbox::Bench;
use octopus_sandbox::Seed;
use serde_json::{Value, json};

const PROJECT: &str = "/api/Spaces-1/projects/Projects-1";

async fn made(bench: &Bench, path: &str, body: Value) -> Value {
    let (status, document) = bench.send("POST", path, body).await;
    assert_eq!(status, 201, "{path}: {document}");
    document
}

#[tokio::test]
async fn unknown_routes_and_resources_are_not_found() {
    let bench = Bench::new(Seed::Acme).await;
    made(&bench, "/api/Spaces-1/releases", json!({ "ProjectId": "Projects-1", "Version": "1.0" }))
        .await;
    for path in [
        format!("{PROJECT}/no-such-route"),
        format!("{PROJECT}/main"),
        format!("{PROJECT}/releases/9.9.9"),
        format!("{PROJECT}/channels/Channels-999"),
        format!("{PROJECT}/triggers/ProjectTriggers-999"),
        format!("{PROJECT}/runbooks/Runbooks-999/runbookSnapshots"),
        format!("{PROJECT}/progression/more"),
        format!("{PROJECT}/channels/Channels-1/no-such-route"),
        "/api/Spaces-1/releases/Releases-1/no-such-route".to_owned(),
        "/api/Spaces-1/releases/Releases-1/defects/no-such-route".to_owned(),
        "/api/Spaces-1/lifecycles/Lifecycles-1/no-such-route".to_owned(),
        "/api/Spaces-1/environments/Environments-1/no-such-route".to_owned(),
        "/api/Spaces-1/machines/Machines-1/no-such-route".to_owned(),
        "/api/Spaces-1/workers/Workers-1/no-such-route".to_owned(),
        "/api/Spaces-1/workerpools/WorkerPools-1/no-such-route".to_owned(),
        "/api/Spaces-1/runbooks/Runbooks-1/no-such-route".to_owned(),
        "/api/Spaces-1/tenants/Tenants-1/no-such-route".to_owned(),
        "/api/Spaces-1/no-such-route".to_owned(),
        "/api/no-such-route".to_owned(),
    ] {
        let (status, body) = bench.send("GET", &path, Value::Null).await;
        assert_eq!(status, 404, "{path}: {body}");
        assert_eq!(body["Errors"], Value::Null, "{path}");
    }
}

#[tokio::test]
async fn a_git_ref_resolves_to_the_project_and_a_reserved_word_to_a_list() {
    let bench = Bench::new(Seed::Acme).await;
    let all = bench.get("/api/Spaces-1/projects/all").await;
    let mut found = 0;
    for project in all.as_array().unwrap().iter().filter(|it| it["IsVersionControlled"] == true) {
        let path = project["Links"]["Self"].as_str().unwrap();
        let branch = project["PersistenceSettings"]["DefaultBranch"].as_str().unwrap();
        for name in ["channels", "releases", "triggers", "summary", "progression"] {
            let answer = bench.get(&format!("{path}/{name}")).await;
            assert_eq!(answer["PersistenceSettings"], Value::Null, "{path}/{name}");
        }
        let (status, answer) = bench.send("GET", &format!("{path}/{branch}"), Value::Null).await;
        if status == 400 {
            continue;
        }
        found += 1;
        assert_eq!((status, &answer["Id"]), (200, &project["Id"]), "{path}");
        assert_eq!(bench.send("GET", &format!("{path}/no-such-branch"), Value::Null).await.0, 404);
        let base = json!({ "NewBranchName": "channels", "BaseGitRef": branch });
        assert_eq!(bench.send("POST", &format!("{path}/git/branches/v2"), base).await.0, 200);
        assert!(bench.get(&format!("{path}/channels")).await["Items"].is_array());
        let whole = format!("{path}/refs%2Fheads%2Fchannels/deploymentprocesses");
        assert!(bench.get(&whole).await["Steps"].is_array());
        let settings = bench.get(&format!("{path}/{branch}/deploymentsettings")).await;
        assert_eq!(settings["ProjectId"], project["Id"]);
    }
    assert!(found > 0);
}

#[tokio::test]
async fn a_project_has_channels_of_its_own_and_one_default() {
    let bench = Bench::new(Seed::Chapter).await;
    let channels = bench.get(&format!("{PROJECT}/channels")).await;
    assert_eq!(
        (&channels["TotalResults"], &channels["Items"][0]["Name"]),
        (&json!(1), &json!("Default"))
    );
    let first = channels["Items"][0]["Id"].as_str().unwrap().to_owned();
    let body = json!({ "Name": "Hotfix", "ProjectId": "Projects-1", "IsDefault": true });
    let hotfix = made(&bench, &format!("{PROJECT}/channels"), body.clone()).await;
    assert_eq!(bench.get(&format!("{PROJECT}/channels/{first}")).await["IsDefault"], false);
    let taken = bench.refused("POST", "/api/Spaces-1/channels", body).await;
    assert_eq!(
        taken,
        "400: A channel with this name already exists. Please choose a different name."
    );
    let elsewhere = json!({ "Name": "Hotfix", "ProjectId": "Projects-2" });
    made(&bench, "/api/Spaces-1/channels", elsewhere).await;
    let path = hotfix["Links"]["Self"].as_str().unwrap();
    let refused = bench.refused("DELETE", path, Value::Null).await;
    assert_eq!(refused, "400: You cannot delete your default channel.");

    let release = json!({ "ProjectId": "Projects-1", "Version": "1.0.0" });
    let release = made(&bench, "/api/Spaces-1/releases", release).await;
    assert_eq!(release["ChannelId"], hotfix["Id"]);
    for path in [format!("{path}/releases"), format!("{PROJECT}/releases?searchByVersion=0.0")] {
        assert_eq!(bench.get(&path).await["Items"][0]["Id"], release["Id"], "{path}");
    }
    assert_eq!(bench.get(&format!("{PROJECT}/channels/{first}/releases")).await["TotalResults"], 0);
    let project = bench.get("/api/Spaces-1/projects/Projects-2").await;
    let links = &project["Links"];
    assert_eq!(
        links["Channels"],
        "/api/Spaces-1/projects/Projects-2/channels{/id}{?skip,take,partialName}"
    );
}

#[tokio::test]
async fn every_project_of_every_seed_has_a_default_channel() {
    let large = Seed::Large { projects: 3, steps: 1, workers: 4 };
    for seed in [Seed::Empty, Seed::Chapter, Seed::Acme, Seed::Cloud, large] {
        let bench = Bench::new(seed.clone()).await;
        for space in bench.get("/api/spaces/all").await.as_array().unwrap() {
            every_project_has_a_default_channel(&bench, space["Id"].as_str().unwrap()).await;
        }
    }
}

async fn every_project_has_a_default_channel(bench: &Bench, space: &str) {
    for project in bench.get(&format!("/api/{space}/projects/all")).await.as_array().unwrap() {
        let path = format!("/api/{space}/projects/{}/channels", project["Id"].as_str().unwrap());
        let channel = &bench.get(&path).await["Items"][0];
        assert_eq!(channel["Name"], "Default", "{path}");
        assert_eq!(channel["IsDefault"], true, "{path}");
    }
}

#[tokio::test]
async fn a_project_reports_the_progress_of_its_releases() {
    let bench = Bench::new(Seed::Chapter).await;
    let release = json!({ "ProjectId": "Projects-1", "Version": "1.0.0" });
    let release = made(&bench, "/api/Spaces-1/releases", release).await;
    let deployment = json!({ "ReleaseId": release["Id"], "EnvironmentId": "Environments-2" });
    let deployment = made(&bench, "/api/Spaces-1/deployments", deployment).await;
    let progression = bench.get(&format!("{PROJECT}/progression")).await;
    let entry = &progression["Releases"][0];
    assert_eq!(entry["Deployments"]["Environments-2"][0]["DeploymentId"], deployment["Id"]);
    assert_eq!(entry["NextDeployments"], json!(["Environments-1", "Environments-3"]));
    assert_eq!(entry["HasUnresolvedDefect"], false);

    let path = release["Links"]["Self"].as_str().unwrap();
    made(&bench, &format!("{path}/defects"), json!({ "Description": "It burns" })).await;
    assert_eq!(bench.get(&format!("{path}/defects")).await["Items"][0]["Status"], "Unresolved");
    let of_release = bench.get(&format!("{path}/progression")).await;
    assert_eq!(
        (&of_release["HasUnresolvedDefect"], &of_release["Phases"][1]["Progress"]),
        (&json!(true), &json!("Complete"))
    );
    assert_eq!(bench.send("POST", &format!("{path}/defects/resolve"), json!({})).await.0, 200);
    assert_eq!(bench.get(&format!("{path}/progression")).await["HasUnresolvedDefect"], false);
    let board = bench.get("/api/Spaces-1/dashboard").await;
    assert_eq!(board["Items"][0]["ReleaseVersion"], "1.0.0");

    let preview = bench.get(&format!("{path}/deployments/preview/Environments-2")).await;
    assert!(!preview["StepsToExecute"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn the_settings_of_a_project_are_its_own_fields() {
    let bench = Bench::new(Seed::Chapter).await;
    let path = format!("{PROJECT}/deploymentsettings");
    let mut settings = bench.get(&path).await;
    settings["DefaultGuidedFailureMode"] = json!("On");
    assert_eq!(bench.send("PUT", &path, settings.clone()).await.0, 200);
    assert_eq!(bench.get(PROJECT).await["DefaultGuidedFailureMode"], "On");
    settings["Id"] = json!("deploymentsettings-Projects-2");
    assert!(bench.refused("PUT", &path, settings).await.starts_with("400: The id in the request"));
}

#[tokio::test]
async fn the_snapshots_of_a_runbook_are_found_below_it() {
    let bench = Bench::new(Seed::Chapter).await;
    let snapshot = json!({ "RunbookId": "Runbooks-1", "Name": "First" });
    let snapshot = made(&bench, "/api/Spaces-1/runbookSnapshots?publish=true", snapshot).await;
    let runbook = bench.get("/api/Spaces-1/runbooks/Runbooks-1").await;
    let project = runbook["Links"]["Project"].as_str().unwrap();
    for path in [
        "/api/Spaces-1/runbooks/Runbooks-1/runbookSnapshots".to_owned(),
        format!("{project}/runbooks/Runbooks-1/runbookSnapshots"),
        format!("{project}/runbookSnapshots"),
    ] {
        assert_eq!(bench.get(&path).await["Items"][0]["Id"], snapshot["Id"], "{path}");
        assert_eq!(bench.get(&format!("{path}/First")).await["Id"], snapshot["Id"], "{path}");
    }
    let environments = bench.get(&format!("{project}/runbooks/Runbooks-1/environments")).await;
    assert_eq!(environments.as_array().unwrap().len(), 3);
    let preview = format!("{project}/runbooks/Runbooks-1/runbookRuns/preview/Environments-1");
    assert!(bench.get(&preview).await["StepsToExecute"].is_array());
    let other = "/api/Spaces-1/projects/Projects-6/runbooks/Runbooks-1/runbookSnapshots";
    assert_eq!(bench.send("GET", other, Value::Null).await.0, 404);
}

#[tokio::test]
async fn a_space_is_renamed_and_deleted_once_its_queue_is_stopped() {
    let bench = Bench::new(Seed::Empty).await;
    let path = "/api/spaces/Spaces-2";
    let mut space = bench.get(path).await;
    space["Name"] = json!("Default");
    let taken = bench.refused("PUT", path, space.clone()).await;
    assert_eq!(
        taken,
        "400: A space with this name already exists. Please choose a different name."
    );
    space["Name"] = json!("Back office");
    assert_eq!(bench.send("PUT", path, space.clone()).await.1["Slug"], "operations");
    assert!(bench.refused("DELETE", path, Value::Null).await.starts_with("400: The task queue"));
    space["TaskQueueStopped"] = json!(true);
    assert_eq!(bench.send("PUT", path, space).await.0, 200);
    assert_eq!(bench.send("DELETE", path, Value::Null).await.0, 200);
    assert_eq!(bench.send("GET", "/api/Spaces-2/workerpools", Value::Null).await.0, 404);
    let refused = bench.refused("DELETE", "/api/spaces/Spaces-1", Value::Null).await;
    assert_eq!(refused, "400: You cannot delete your default space.");
}
