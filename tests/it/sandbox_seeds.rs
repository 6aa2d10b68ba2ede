//! The first documents of a new sandbox.

use crate::sandbox::{Bench, names};
use octopus_sandbox::Seed;
use serde_json::{Value, json};
use std::fmt::Write as _;

#[tokio::test]
async fn an_empty_space_has_what_every_space_has() {
    let bench = Bench::new(Seed::Empty).await;
    let mut found = String::new();
    for space in ["Spaces-1", "Spaces-2"] {
        for kind in ["workerpools", "machinepolicies", "projectgroups", "lifecycles", "feeds"] {
            let list = bench.get(&format!("/api/{space}/{kind}/all")).await;
            _ = writeln!(found, "{space} {kind}: {}", names(&list));
        }
        assert_eq!(bench.get(&format!("/api/{space}/workers/all")).await, json!([]));
    }
    insta::assert_snapshot!(found, @r"
    Spaces-1 workerpools: Default Worker Pool
    Spaces-1 machinepolicies: Default Machine Policy
    Spaces-1 projectgroups: Default Project Group
    Spaces-1 lifecycles: Default Lifecycle
    Spaces-1 feeds: Octopus Server (built-in)
    Spaces-2 workerpools: Default Worker Pool
    Spaces-2 machinepolicies: Default Machine Policy
    Spaces-2 projectgroups: Default Project Group
    Spaces-2 lifecycles: Default Lifecycle
    Spaces-2 feeds: Octopus Server (built-in)
    ");
}

#[tokio::test]
async fn the_cloud_has_dynamic_pools_and_no_built_in_worker() {
    let bench = Bench::new(Seed::Cloud).await;
    let pools = bench.get("/api/workerpools/all").await;
    assert_eq!(names(&pools), "Hosted Windows, Hosted Ubuntu, Windows 2022, Ubuntu 22.04");
    assert_eq!(pools[0]["IsDefault"], true);
    assert_eq!(bench.get("/api/Spaces-2/workerpools").await["TotalResults"], 2);
    assert_eq!(bench.get("/api/featuresconfiguration").await["IsBuiltInWorkerEnabled"], false);
    let types = bench.get("/api/workerpools/dynamicworkertypes").await;
    assert_eq!(types["WorkerTypes"][2]["Type"], "WindowsDefault");
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "the story is as long as it is")]
async fn no_step_in_the_chapter_seed_names_a_pool() {
    let bench = Bench::new(Seed::Chapter).await;
    let mut story = String::new();
    for project in bench.get("/api/projects/all").await.as_array().unwrap() {
        let name = project["Name"].as_str().unwrap();
        let process = bench.get(project["Links"]["DeploymentProcess"].as_str().unwrap()).await;
        _ = write!(story, "{name}\n{}", steps(&process));
        let runbooks = format!("/api/projects/{}/runbooks", project["Slug"].as_str().unwrap());
        for runbook in bench.get(&runbooks).await["Items"].as_array().unwrap() {
            let process = bench.get(runbook["Links"]["RunbookProcesses"].as_str().unwrap()).await;
            let runbook = runbook["Name"].as_str().unwrap();
            _ = write!(story, "{name} / {runbook}\n{}", steps(&process));
        }
    }
    insta::assert_snapshot!(story, @r#"
    Billing
      Back up database: Script, on server true, roles "", pool ""
      Migrate database: Script, on server false, roles "database-server", pool ""
      Deploy ARM template: AzureResourceGroup, on server true, roles "", pool ""
      Deploy web app: AzureWebApp, on server true, roles "web-app", pool ""
      Notify the team: Script, on server true, roles "", pool ""
    Billing / Refresh test data
      Back up database: Script, on server true, roles "", pool ""
      Restore and anonymise: Script, on server False, roles "database-server", pool ""
      Notify the team: Script, on server true, roles "", pool ""
    Catalogue
      Deploy to AKS: KubernetesDeployRawYaml, on server true, roles "aks", pool null
      Rebuild search index: KubernetesRunScript, on server true, roles "aks", pool null
      Notify the team: Script, on server true, roles "", pool null
    Catalogue / Restart
      Restart the pods: KubernetesRunScript, on server true, roles "aks", pool null
    Data Warehouse
      Back up database: Script, on server true, roles "", pool null
      Migrate database: Script, on server false, roles "database-server", pool null
      Load warehouse / Stop agent jobs: Script, on server false, roles "database-server", pool null
      Load warehouse / Deploy SSIS packages: TentaclePackage, on server -, roles "database-server", pool null
      Load warehouse / Start agent jobs: Script, on server false, roles "database-server", pool null
      Load warehouse / Tell the analysts: Script, on server true, roles "database-server", pool null
      Notify the team: Script, on server true, roles "", pool null
    Data Warehouse / Refresh test data
      Back up database: Script, on server true, roles "", pool null
      Restore and anonymise: Script, on server False, roles "database-server", pool null
      Notify the team: Script, on server true, roles "", pool null
    Identity
      Migrate database: Script, on server false, roles "database-server", pool absent
      Upgrade Helm release: HelmChartUpgrade, on server true, roles "aks", pool absent
      Notify the team: Script, on server true, roles "", pool absent
    Identity / Restart
      Restart the pods: KubernetesRunScript, on server true, roles "aks", pool absent
    Identity / Rotate certificates
      Rotate certificates: AzurePowerShell, on server true, roles "", pool absent
    Infrastructure
      Plan Terraform: TerraformPlan, on server true, roles "", pool null
      Approve: Manual, on server true, roles "", pool null
      Apply Terraform: TerraformApply, on server true, roles "", pool null
      Deploy ARM template: AzureResourceGroup, on server true, roles "", pool null
      Notify the team: Script, on server true, roles "", pool null
    Infrastructure / Rotate certificates
      Rotate certificates: AzurePowerShell, on server true, roles "", pool null
    Legacy Intranet
      Migrate database: Script, on server false, roles "database-server", pool absent
      Deploy package: TentaclePackage, on server -, roles "intranet-server", pool absent
      Warm up pages: Script, on server false, roles "intranet-server", pool absent
      Send release notes: Email, on server true, roles "", pool absent
    Legacy Intranet / Restart
      Restart the service: Script, on server false, roles "intranet-server", pool absent
    Mobile API
      Approve: Manual, on server true, roles "", pool ""
      Deploy to AKS: KubernetesDeployRawYaml, on server true, roles "aks", pool ""
      Run smoke tests: Script, on server True, roles "", pool ""
      Notify the team: Script, on server true, roles "", pool ""
    Web Store
      Approve: Manual, on server true, roles "", pool null
      Migrate database: Script, on server false, roles "database-server", pool null
      Deploy to AKS: KubernetesDeployRawYaml, on server true, roles "aks", pool null
      Deploy web app: AzureWebApp, on server true, roles "web-app", pool null
      Swap slots: AzurePowerShell, on server true, roles "", pool null
      Notify the team: Script, on server true, roles "", pool null
      Send release notes: Email, on server true, roles "", pool null
    Web Store / Refresh test data
      Back up database: Script, on server true, roles "", pool null
      Restore and anonymise: Script, on server False, roles "database-server", pool null
      Notify the team: Script, on server true, roles "", pool null
    Web Store / Restart
      Restart the app: AzurePowerShell, on server true, roles "", pool null
      Notify the team: Script, on server true, roles "", pool null
    "#);
}

/// One line for each action: its name and type, where it runs, and how its empty pool is written.
fn steps(process: &Value) -> String {
    let mut lines = String::new();
    for step in process["Steps"].as_array().unwrap() {
        let roles = step["Properties"]["Octopus.Action.TargetRoles"].as_str().unwrap_or("");
        for action in step["Actions"].as_array().unwrap() {
            let pool = action.get("WorkerPoolId");
            assert!(pool.is_none_or(|pool| pool.is_null() || pool == ""), "{action}");
            let on_server = action["Properties"]["Octopus.Action.RunOnServer"].as_str();
            let pool = pool.map_or("absent".to_owned(), Value::to_string);
            let (name, kind) =
                (action["Name"].as_str().unwrap(), action["ActionType"].as_str().unwrap());
            let parent = if step["Name"] == name {
                String::new()
            } else {
                format!("{} / ", step["Name"].as_str().unwrap())
            };
            let kind = kind.trim_start_matches("Octopus.");
            let on_server = on_server.unwrap_or("-");
            _ = writeln!(
                lines,
                "  {parent}{name}: {kind}, on server {on_server}, roles {roles:?}, pool {pool}"
            );
        }
    }
    lines
}

#[tokio::test]
async fn a_seed_is_the_same_at_each_start() {
    let large = Seed::Large { projects: 12, steps: 10, workers: 5 };
    for (seed, processes) in [(Seed::Chapter, 8), (large, 12)] {
        let (one, two) = (Bench::new(seed.clone()).await, Bench::new(seed).await);
        let path = "/api/Spaces-1/deploymentprocesses?take=100";
        let (_, first) = one.text("GET", path, "").await;
        assert_eq!(first, two.text("GET", path, "").await.1);
        let page: Value = serde_json::from_str(&first).unwrap();
        assert_eq!(page["TotalResults"], processes);
    }
}

#[tokio::test]
async fn a_large_process_is_as_long_as_a_real_one() {
    let bench = Bench::new(Seed::Large { projects: 1, steps: 10, workers: 0 }).await;
    let (_, text) = bench.text("GET", "/api/projects/Projects-1/deploymentprocesses", "").await;
    assert!((30_000..45_000).contains(&text.len()), "{}", text.len());
}

#[tokio::test]
async fn every_user_can_list_their_own_permissions() {
    let mut bench = Bench::new(Seed::Empty).await;
    bench.key = octopus_sandbox::NO_WORKERS_KEY;
    let me = bench.get("/api/users/me").await;
    let permissions = bench.get(me["Links"]["Permissions"].as_str().unwrap()).await;
    assert_eq!(permissions["SpacePermissions"]["WorkerView"], json!(null));
    assert_eq!(permissions["SpacePermissions"]["ProcessEdit"][1]["SpaceId"], "Spaces-2");
    let spaces = bench.get(me["Links"]["Spaces"].as_str().unwrap()).await;
    assert_eq!(names(&spaces), "Default, Operations");
}

/// The seeds by name, the large one small.
fn seeds() -> [(&'static str, Seed); 5] {
    let large = Seed::Large { projects: 3, steps: 4, workers: 2 };
    [
        ("empty", Seed::Empty),
        ("chapter", Seed::Chapter),
        ("acme", Seed::Acme),
        ("cloud", Seed::Cloud),
        ("large", large),
    ]
}

#[tokio::test]
async fn every_seed_answers_every_list_with_the_same_ids_at_each_start() {
    for (name, seed) in seeds() {
        let (one, two) = (Bench::new(seed.clone()).await, Bench::new(seed).await);
        for space in one.get("/api/spaces/all").await.as_array().unwrap() {
            let space = space["Id"].as_str().unwrap();
            let root = one.get(&format!("/api/{space}")).await;
            let links = root["Links"].to_string().to_lowercase();
            let missing: Vec<&str> = LISTS.into_iter().filter(|it| !links.contains(it)).collect();
            assert_eq!(missing, [""; 0], "{name}");
            same_lists(&one, &two, space).await;
        }
    }
}

/// Every list of a space is a page and a bare array, of the same ids on both servers. Processes have pages
/// alone.
async fn same_lists(one: &Bench, two: &Bench, space: &str) {
    for kind in LISTS {
        let path = format!("/api/{space}/{kind}");
        assert!(one.get(&path).await["Items"].is_array(), "{path}");
        let (all, list) = match kind.contains("processes") {
            true => (format!("{path}?take=1000"), "/Items"),
            false => (format!("{path}/all"), ""),
        };
        let (first, second) = (one.get(&all).await, two.get(&all).await);
        let [first, second] = [&first, &second].map(|it| it.pointer(list).unwrap());
        assert_eq!(ids(first), ids(second), "{all}");
    }
}

const LISTS: [&str; 19] = [
    "workerpools",
    "workers",
    "machinepolicies",
    "proxies",
    "accounts",
    "projectgroups",
    "projects",
    "deploymentprocesses",
    "runbooks",
    "runbookprocesses",
    "variables",
    "libraryvariablesets",
    "environments",
    "machines",
    "feeds",
    "lifecycles",
    "actiontemplates",
    "tenants",
    "tagsets",
];

fn ids(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|value| value["Id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_cloud_seed_has_steps_on_an_image_near_its_end_of_life() {
    let bench = Bench::new(Seed::Cloud).await;
    let types = bench.get("/api/workerpools/dynamicworkertypes").await;
    let ends: Vec<&str> = types["WorkerTypes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|value| value["EndOfLifeDateUtc"] == "2026-10-13T00:00:00.000+00:00")
        .map(|value| value["Type"].as_str().unwrap())
        .collect();
    assert_eq!(ends, ["Ubuntu2204", "Windows2022"]);
    let pools = bench.get("/api/workerpools/all").await;
    let old = pools.as_array().unwrap().iter().find(|value| value["WorkerType"] == "Windows2022");
    let old = old.unwrap()["Id"].as_str().unwrap();
    let mut within = Vec::new();
    for list in ["deploymentprocesses", "runbookProcesses"] {
        let all = bench.get(&format!("/api/Spaces-1/{list}?take=100")).await;
        for process in all["Items"].as_array().unwrap() {
            let steps = process["Steps"].as_array().unwrap();
            within.extend(
                steps.iter().filter(|step| step["Actions"][0]["WorkerPoolId"] == old).cloned(),
            );
        }
    }
    let within = Value::Array(within);
    assert_eq!(
        names(&within),
        "Deploy ARM template, Smoke test, Sign the assemblies, Rebuild the index"
    );
}

#[tokio::test]
async fn the_larger_company_has_a_bit_of_everything() {
    let bench = Bench::new(Seed::Acme).await;
    assert_eq!(names(&bench.get("/api/spaces/all").await), "Default, Operations, Research");
    let mut told = String::new();
    for worker in bench.get("/api/Spaces-1/workers/all").await.as_array().unwrap() {
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let (name, health) = (text(&worker["Name"]), text(&worker["HealthStatus"]));
        let style = text(&worker["Endpoint"]["CommunicationStyle"]);
        let disabled = if worker["IsDisabled"] == true { ", disabled" } else { "" };
        _ = writeln!(told, "{name}: {style}, {health}{disabled}");
    }
    for project in bench.get("/api/Spaces-1/projects/all").await.as_array().unwrap() {
        let settings = &project["PersistenceSettings"];
        if project["IsVersionControlled"] == true {
            let (name, state) = (project["Name"].as_str().unwrap(), &settings["ConversionState"]);
            _ = writeln!(
                told,
                "{name}: variables in Git {}, runbooks in Git {}, default branch protected {}",
                state["VariablesAreInGit"],
                state["RunbooksAreInGit"],
                settings["ProtectedDefaultBranch"],
            );
        }
        assert!(project["ProjectGroupId"].as_str().is_some());
        let group = project["Links"]["ProjectGroup"].as_str().unwrap();
        assert_eq!(bench.get(group).await["SpaceId"], "Spaces-1", "{project}");
    }
    insta::assert_snapshot!(told, @"
    k8s-agent: KubernetesTentacle, HasWarnings
    linux-01: Ssh, Healthy
    linux-02: Ssh, Unavailable
    windows-01: TentaclePassive, Healthy
    windows-02: TentacleActive, Healthy, disabled
    windows-03: TentaclePassive, Unhealthy
    Checkout: variables in Git false, runbooks in Git false, default branch protected false
    Invoices: variables in Git false, runbooks in Git true, default branch protected false
    Lost and found: variables in Git false, runbooks in Git false, default branch protected false
    Payments: variables in Git true, runbooks in Git true, default branch protected true
    ");
}
