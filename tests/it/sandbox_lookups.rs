//! What clients look up before they write: links, scopes, names, tags; and runbooks kept in Git.

use crate::sandbox::Bench;
use octopus_sandbox::{READER_KEY, Seed};
use serde_json::{Value, json};

async fn id_of(bench: &Bench, kind: &str, name: &str) -> String {
    let all = bench.get(&format!("/api/Spaces-1/{kind}/all")).await;
    let found = all.as_array().unwrap().iter().find(|value| value["Name"] == name).unwrap();
    found["Id"].as_str().unwrap().to_owned()
}

fn names(values: &Value) -> Vec<&str> {
    values.as_array().unwrap().iter().map(|value| value["Name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn every_link_of_a_space_resolves() {
    let bench = Bench::new(Seed::Acme).await;
    let root = bench.get("/api/Spaces-1").await;
    for (name, link) in root["Links"].as_object().unwrap() {
        // Sort orders are write-only, discovery needs a host, and no variable is evaluated.
        let other = ["SortOrder", "Discover", "Web", "VariablePreview"];
        if other.iter().any(|it| name.contains(it)) {
            continue;
        }
        let link = link.as_str().unwrap();
        let (path, _) = link.split_once('{').unwrap_or((link, ""));
        let (status, answer) = bench.text("GET", path, "").await;
        assert_eq!(status, 200, "{name}: {answer}");
    }
}

#[tokio::test]
async fn a_variable_set_says_what_its_variables_can_be_scoped_to() {
    let mut bench = Bench::new(Seed::Acme).await;
    let project = id_of(&bench, "projects", "Web Store").await;
    let set = bench.get(&format!("/api/Spaces-1/variables/variableset-{project}")).await;
    let scopes = &set["ScopeValues"];
    let environments = bench.get("/api/Spaces-1/environments/all").await;
    assert_eq!(names(&scopes["Environments"]), names(&environments));
    let process = bench.get(&format!("/api/Spaces-1/projects/{project}/deploymentprocesses")).await;
    let action = &process["Steps"][0]["Actions"][0];
    assert_eq!(scopes["Actions"][0], json!({ "Id": action["Id"], "Name": action["Name"] }));
    assert_eq!(
        scopes["Processes"][0],
        json!({ "Id": project, "Name": "Web Store", "ProcessType": "Deployment" })
    );
    assert!(!scopes["Machines"].as_array().unwrap().is_empty());
    assert_eq!(bench.get(&format!("/api/projects/{project}/variables")).await, set);

    // Saving what was read only changes the version.
    let path = format!("/api/Spaces-1/variables/variableset-{project}");
    let (status, saved) = bench.send("PUT", &path, set.clone()).await;
    assert_eq!((status, &saved["ScopeValues"]), (200, scopes));
    bench.key = "API-SANDBOXWITHOUTMACHINEVIEW";
    let seen = bench.get(&path).await;
    assert_eq!(seen["ScopeValues"]["Machines"], json!([]));
    assert_eq!(seen["ScopeValues"]["Roles"], json!([]));
}

#[tokio::test]
async fn names_of_variables_and_tags_of_targets_are_listed_once() {
    let bench = Bench::new(Seed::Acme).await;
    let project = id_of(&bench, "projects", "Web Store").await;
    let told = bench.get(&format!("/api/Spaces-1/variables/names?project={project}")).await;
    let set = bench.get(&format!("/api/Spaces-1/variables/variableset-{project}")).await;
    for name in names(&set["Variables"]) {
        let count = told.as_array().unwrap().iter().filter(|value| *value == name).count();
        assert_eq!(count, 1, "{name} in {told}");
    }
    assert_eq!(bench.get("/api/variables/names").await, json!([]));
    let (status, _) = bench.text("GET", "/api/variables/names?project=Projects-999", "").await;
    assert_eq!(status, 404);

    let roles = bench.get("/api/spaces/default/MachineRoles/All").await;
    let roles = roles.as_array().unwrap();
    let machines = bench.get("/api/machines/all").await;
    let worn =
        machines.as_array().unwrap().iter().flat_map(|value| value["Roles"].as_array().unwrap());
    for role in worn {
        assert_eq!(roles.iter().filter(|other| *other == role).count(), 1, "{role}");
    }
}

#[tokio::test]
async fn environments_are_summarized_by_their_targets() {
    let bench = Bench::new(Seed::Acme).await;
    let summary = bench.get("/api/Spaces-1/environments/summary").await;
    let machines = bench.get("/api/Spaces-1/machines/all").await;
    assert_eq!(summary["TotalMachines"], json!(machines.as_array().unwrap().len()));
    for one in summary["EnvironmentSummaries"].as_array().unwrap() {
        let id = one["Environment"]["Id"].as_str().unwrap();
        let here = bench.get(&format!("/api/Spaces-1/environments/{id}/machines")).await;
        assert_eq!(one["TotalMachines"], here["TotalResults"], "{id}");
    }
}

#[tokio::test]
async fn a_runbook_in_git_is_created_changed_and_deleted_by_commits() {
    let mut bench = Bench::new(Seed::Acme).await;
    let project = id_of(&bench, "projects", "Payments").await;
    let at = |below: &str| format!("/api/Spaces-1/projects/{project}/trial/{below}");
    let asked =
        json!({ "Name": "Rotate keys", "Description": "monthly", "ChangeDescription": "keys" });
    let (status, made) = bench.send("POST", &at("runbooks/v2"), asked.clone()).await;
    assert_eq!((status, &made["Id"]), (201, &json!("rotate-keys")), "{made}");
    assert_eq!(made["Description"], "monthly");
    assert_eq!(bench.get(&at("runbooks/rotate-keys")).await, made);
    let process = made["RunbookProcessId"].as_str().unwrap();
    let process = bench.get(&at(&format!("runbookProcesses/{process}"))).await;
    assert_eq!((&process["RunbookId"], &process["Steps"]), (&made["Id"], &json!([])));
    let (status, again) = bench.send("POST", &at("runbooks/v2"), asked).await;
    assert_eq!(status, 400);
    assert!(again["Errors"][0].as_str().unwrap().contains("already exists"), "{again}");
    let (status, nameless) = bench.send("POST", &at("runbooks/v2"), json!({})).await;
    assert_eq!((status, nameless["Errors"].as_array().map(Vec::len)), (400, Some(1)));

    let renamed = json!({ "Name": "Rotate all keys", "Slug": "other" });
    let (status, renamed) = bench.send("PUT", &at("runbooks/Rotate-Keys"), renamed).await;
    assert_eq!((status, &renamed["Slug"]), (200, &json!("rotate-keys")), "{renamed}");
    let commits = bench.get(&format!("/api/Spaces-1/projects/{project}/git/commits")).await;
    assert!(commits.to_string().contains("keys"), "{commits}");

    bench.key = READER_KEY;
    let (status, _) = bench.text("DELETE", &at("runbooks/rotate-keys"), "").await;
    assert_eq!(status, 403);
    bench.key = octopus_sandbox::ADMIN_KEY;
    let (status, _) = bench.text("DELETE", &at("runbooks/rotate-keys"), "").await;
    assert_eq!(status, 200);
    for gone in ["runbooks/rotate-keys", "runbookProcesses/RunbookProcess-rotate-keys"] {
        let (status, _) = bench.text("GET", &at(gone), "").await;
        assert_eq!(status, 404, "{gone}");
    }
}
