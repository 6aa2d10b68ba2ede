//! What the sandbox keeps of a process, what it changes, and which writes it refuses.

use crate::sandbox::{Bench, PROCESS};
use octopus_sandbox::{SandboxOptions, Seed};
use serde_json::{Value, json};

#[tokio::test]
async fn a_process_is_returned_as_it_was_sent() {
    // Unknown fields are in no contract.
    let bench = Bench::unwatched(SandboxOptions::default()).await;
    let body = r#"{"Zeta":[1.0,1e3,123456789012345678901234567890,-0.0,"é\u00e9"],"Version":1,"Steps":[{"Slug":"one","Name":"One","Id":"a","Odd":{"b":1,"a":2.50},"Actions":[{"WorkerPoolId":"","Name":"One","Slug":"one","Properties":{"z":"1","a":"2"},"Id":"b","ActionType":"Octopus.Script","New":1E-7}]}],"Id":"DeploymentProcess-Projects-1"}"#;
    let (status, text) = bench.text("PUT", PROCESS, body).await;
    assert_eq!(status, 200, "{text}");
    let kept = body
        .replace("\"Version\":1", "\"Version\":2")
        .replace(",\"Id\":\"DeploymentProcess-Projects-1\"}", "");
    let rest = text.strip_prefix(&kept).unwrap_or_else(|| panic!("{text}"));
    insta::assert_snapshot!(rest, @r#","Id":"deploymentprocess-Projects-1","SpaceId":"Spaces-1","ProjectId":"Projects-1","LastSnapshotId":null,"Links":{"Self":"/api/Spaces-1/projects/Projects-1/deploymentprocesses","Project":"/api/Spaces-1/projects/Projects-1","Template":"/api/Spaces-1/projects/Projects-1/deploymentprocesses/template{?channel,releaseId}","Validation":"/api/Spaces-1/projects/Projects-1/deploymentprocesses/validate"}}"#);
    assert_eq!(bench.text("GET", PROCESS, "").await.1, text);
}

#[tokio::test]
async fn saving_what_was_read_changes_only_the_version() {
    let bench = Bench::new(Seed::Chapter).await;
    let all = bench.get("/api/Spaces-1/deploymentprocesses?take=1000").await;
    let runbooks = bench.get("/api/Spaces-1/runbookProcesses?take=1000").await;
    let lists = [&all["Items"], &runbooks["Items"]];
    let processes: Vec<&Value> = lists.iter().flat_map(|it| it.as_array().unwrap()).collect();
    assert_eq!(processes.len(), 8 + 9);
    for process in processes {
        let path = process["Links"]["Self"].as_str().unwrap();
        let (_, read) = bench.text("GET", path, "").await;
        let (status, written) = bench.text("PUT", path, &read).await;
        assert_eq!(status, 200, "{written}");
        assert_eq!(written, read.replace("\"Version\":1,", "\"Version\":2,"), "{path}");
    }
}

#[tokio::test]
async fn a_stale_version_is_refused() {
    let bench = Bench::new(Seed::Chapter).await;
    let process = bench.get(PROCESS).await;
    bench.send("PUT", PROCESS, process.clone()).await;
    insta::assert_snapshot!(bench.refused("PUT", PROCESS, process).await, @"400: Changes to this deployment process could not be saved, because another user has made changes to the deployment process between when you started editing and when you saved your changes. Please reload or open a new tab to make your changes.");
    let path = "/api/Spaces-1/projects/Projects-1/runbookProcesses/RunbookProcess-Runbooks-1";
    let mut process = bench.get(path).await;
    process["Version"] = json!(7);
    insta::assert_snapshot!(bench.refused("PUT", path, process).await, @"400: Changes to this process could not be saved, because another user has made changes to the process between when you started editing and when you saved your changes. Please reload or open a new tab to make your changes.");
    let path = "/api/Spaces-1/variables/variableset-Projects-1";
    let mut variables = bench.get(path).await;
    variables["Version"] = json!(7);
    insta::assert_snapshot!(bench.refused("PUT", path, variables).await, @"400: Changes to these variables could not be saved, because another user has made changes to these variables between when you started editing and when you saved your changes. Please reload or open a new tab to make your changes.");
}

#[tokio::test]
async fn a_process_that_breaks_rules_is_refused_with_a_line_for_each() {
    let bench = Bench::new(Seed::Chapter).await;
    let step = |name: &str, action: Value| json!({ "Name": name, "Actions": [action] });
    let steps = json!([
        step("One", json!({ "WorkerPoolId": "WorkerPools-1", "WorkerPoolVariable": "x" })),
        step("ONE", json!({ "WorkerPoolId": "WorkerPools-2" })),
    ]);
    let refused = bench.refused("PUT", PROCESS, json!({ "Version": 1, "Steps": steps })).await;
    insta::assert_snapshot!(refused.replace(" | ", "\n"), @"
    400: A step can't have both a worker pool id and a worker pool variable
    The step name 'ONE' is used more than once. Step names must be unique, ignoring case.
    The worker pool 'WorkerPools-2' of the step 'ONE' does not exist.
    ");
}

#[tokio::test]
async fn saving_a_process_without_steps_empties_it() {
    let bench = Bench::new(Seed::Chapter).await;
    let runbook = "/api/Spaces-1/runbookProcesses/RunbookProcess-Runbooks-1";
    for path in [PROCESS, runbook] {
        for body in [json!({ "Version": 1 }), json!({ "Version": 2, "Steps": null })] {
            let (status, process) = bench.send("PUT", path, body).await;
            assert_eq!((status, &process["Steps"]), (200, &json!([])), "{path}");
        }
        assert_eq!(bench.get(path).await["Steps"], json!([]), "{path}");
    }
}

#[tokio::test]
async fn a_new_step_is_completed() {
    let bench = Bench::new(Seed::Chapter).await;
    let action =
        json!({ "Name": "Helm", "ActionType": "Octopus.HelmChartUpgrade", "Properties": {} });
    let step =
        json!({ "Name": "Upgrade all!", "StartTrigger": "StartWithPrevious", "Actions": [action] });
    let (_, process) = bench.send("PUT", PROCESS, json!({ "Version": 1, "Steps": [step] })).await;
    let step = &process["Steps"][0];
    assert_eq!(
        (&step["Slug"], &step["StartTrigger"]),
        (&json!("upgrade-all"), &json!("StartAfterPrevious"))
    );
    assert_eq!(step["Id"].as_str().unwrap().len(), 36);
    insta::assert_snapshot!(step["Actions"][0]["Properties"].to_string(), @r#"{"Octopus.Action.RunOnServer":"true","OctopusUseBundledTooling":"False"}"#);
}
