//! What is read of a space, over real HTTP, and how often the server is asked.

use crate::{
    client::connect,
    sandbox::{Bench, worker},
};
use octopus_sandbox::{Fault, FaultKind, NO_WORKERS_KEY, SandboxOptions, Seed};
use poolwright_core::{
    desired::{
        Declared, Desired, DesiredPlacement, DesiredPool, DesiredPoolKind, DesiredPoolRef,
        PlacementRule, PlacementVerdict, SelectedProcesses, StepSelectors,
    },
    finding::Span,
    live::{Live, PoolUse, effective_cases},
    model::{Linked, Name, Place, PoolKind, Space},
    scope::ReadScope,
};
use poolwright_refresh::{RefreshError, find_space, refresh_live, refresh_missing};

use serde_json::json;
use std::fmt::Write as _;

async fn read(bench: &Bench, scope: &ReadScope) -> Result<Live, RefreshError> {
    let reader = connect(bench.sandbox.url(), bench.key).reader();
    let space: Linked<Space> = find_space(&reader, None).await.unwrap();
    refresh_live(&reader, &space, scope, "sandbox:").await
}

/// A scope as a saved plan has it.
fn parts(names: &[&str]) -> ReadScope {
    let parts = names.iter().map(|name| ((*name).to_owned(), json!(true))).collect();
    serde_json::from_value(serde_json::Value::Object(parts)).unwrap()
}

/// What a file can ask about, of one space and without Git.
fn everything() -> ReadScope {
    parts(&[
        "workers",
        "policies",
        "accounts",
        "proxies",
        "feeds",
        "images",
        "deployments",
        "runbooks",
        "pointers",
        "channels",
        "scope_names",
        "features",
    ])
}

fn switched_off() -> ReadScope {
    let built_in_worker = Some(declared(false));
    ReadScope::for_plan(&Desired { built_in_worker, ..Desired::default() })
}

fn declared<T>(value: T) -> Declared<T> {
    Declared { value, span: Span::default() }
}

/// Everything that was read, a line each; where a step would run stands behind it.
fn summary(live: &Live) -> String {
    let mut text = String::new();
    for pool in &live.pools {
        let kind = match &pool.kind {
            PoolKind::Static => "static",
            PoolKind::Dynamic { image } => image,
        };
        let default = if pool.default { " default" } else { "" };
        _ = writeln!(text, "pool {} {:?} {kind}{default}", pool.id.as_str(), pool.name);
    }
    for worker in &live.workers {
        let (policy, kind) = (&worker.policy.name, worker.endpoint.kind());
        _ = writeln!(text, "worker {:?} {kind} {:?} {policy}", worker.name, worker.health);
    }
    for project in &live.projects {
        _ = writeln!(text, "project {:?} in {:?}", project.name, project.group);
    }
    for process in &live.processes {
        _ = writeln!(text, "process {}", process.id.as_str());
        for step in &process.steps {
            let cases = effective_cases(process, step, live);
            let runs: Vec<_> = cases.iter().map(|case| format!("{:?}", case.place)).collect();
            let (address, runs) = (process.step_address(step), runs.join("; "));
            _ = writeln!(text, "  {address} {}: {runs}", step.action_type);
        }
    }
    let pointers = live
        .references
        .iter()
        .map(|reference| format!("{} -> {:?}", reference.what, reference.pool));
    let gaps = live.unread.iter().map(|part| format!("gap: {}: {}", part.what, part.why));
    let elsewhere = live
        .other_spaces
        .iter()
        .map(|space| format!("{}: {:?}", space.space, described(&space.on_built_in_worker)));
    for line in pointers.chain(elsewhere).chain(gaps) {
        _ = writeln!(text, "{line}");
    }
    text
}

#[tokio::test]
async fn refresh_reads_the_whole_company() {
    let bench = Bench::new(Seed::Chapter).await;
    let live = read(&bench, &everything()).await.unwrap();
    insta::assert_snapshot!(summary(&live));
    assert_eq!(
        (live.server.url.as_str(), live.server.version.as_str()),
        ("sandbox:", "2026.2.9314")
    );
    assert_eq!(live.server.built_in_worker, Some(true));
    assert!(live.directory.accounts.iter().all(|it| !it.id.is_empty()));
}

#[tokio::test]
async fn a_cloud_has_dynamic_pools_and_their_images() {
    let bench = Bench::new(Seed::Cloud).await;
    let live = read(&bench, &everything()).await.unwrap();
    insta::assert_snapshot!(summary(&live), @r#"
    pool WorkerPools-1 "Hosted Windows" WindowsDefault default
    pool WorkerPools-2 "Hosted Ubuntu" UbuntuDefault
    pool WorkerPools-5 "Windows 2022" Windows2022
    pool WorkerPools-6 "Ubuntu 22.04" Ubuntu2204
    project "Compliance" in "Default Project Group"
    project "Reports" in "Default Project Group"
    project "Storefront" in "Default Project Group"
    process deploymentprocess-Projects-3
      projects["Compliance"].deployment.steps["Check the licences"] Octopus.Script: Pool(WorkerPools-5)
    process deploymentprocess-Projects-2
      projects["Reports"].deployment.steps["Sign the assemblies"] Octopus.Script: Pool(WorkerPools-5)
      projects["Reports"].deployment.steps["Publish the pages"] Octopus.Script: Pool(WorkerPools-6)
    process deploymentprocess-Projects-1
      projects["Storefront"].deployment.steps["Deploy ARM template"] Octopus.AzureResourceGroup: Pool(WorkerPools-5)
      projects["Storefront"].deployment.steps["Smoke test"] Octopus.Script: Pool(WorkerPools-5)
      projects["Storefront"].deployment.steps["Notify the team"] Octopus.Script: Pool(WorkerPools-1)
    process RunbookProcess-Runbooks-1
      projects["Reports"].runbooks["Nightly"].steps["Rebuild the index"] Octopus.Script: Pool(WorkerPools-5)
    variable "Checks.WorkerPool" of project "Compliance" -> WorkerPools-5
    "#);
    assert!(live.directory.images.unwrap().contains(&"UbuntuDefault".to_owned()));
}

#[tokio::test]
async fn a_file_without_placements_reads_no_project() {
    let bench = Bench::new(Seed::Chapter).await;
    let sql = DesiredPool {
        name: Name::new("SQL"),
        renamed_from: Vec::new(),
        kind: DesiredPoolKind::default(),
        description: None,
        default: Some(declared(true)),
        slug: None,
        sort_order: None,
        protect: false,
    };
    let pools = [("sql".to_owned(), declared(sql))].into();
    let scope = ReadScope::for_plan(&Desired { pools, ..Desired::default() });
    read(&bench, &scope).await.unwrap();
    let mut asked = bench.sandbox.recent_requests();
    asked.sort();
    insta::assert_snapshot!(asked.join("\n"), @r"
    GET /api
    GET /api/Spaces-1/workerpools/all
    GET /api/Spaces-1/workers/all
    GET /api/featuresconfiguration
    GET /api/spaces/all
    GET /api/users/me/permissions
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_projects_take_few_requests() {
    let seed = Seed::Large { projects: 1000, steps: 10, workers: 500 };
    // Forty megabytes are sent as fast as they can be, and not looked at one by one.
    let bench = Bench::unwatched(SandboxOptions { seed, ..SandboxOptions::default() }).await;
    let target = DesiredPlacement {
        place: Place::Pool(declared(DesiredPoolRef::Live("Database".to_owned()))),
        execution: None,
        container: None,
    };
    let select = StepSelectors { processes: SelectedProcesses::Any, ..StepSelectors::default() };
    let rule = PlacementRule { label: None, select, verdict: PlacementVerdict::Place(target) };
    let rules = vec![declared(rule)];
    let live =
        read(&bench, &ReadScope::for_plan(&Desired { rules, ..Desired::default() })).await.unwrap();
    let steps: usize = live.processes.iter().map(|it| it.steps.len()).sum();
    assert_eq!((live.workers.len(), live.processes.len(), steps), (500, 1000, 10_000));
    assert_eq!(live.processes[999].owner.project, Name::new("Project 1000"));
    assert!(bench.sandbox.recent_requests().len() <= 20, "{:#?}", bench.sandbox.recent_requests());
    let before = bench.sandbox.recent_requests().len();
    read(&bench, &everything()).await.unwrap();
    assert!(bench.sandbox.recent_requests().len() - before <= 60);
}

/// A project of the space "Operations" whose one step names no pool.
async fn operations(bench: &Bench) {
    let project = json!({
        "Name": "Patching", "ProjectGroupId": "ProjectGroups-2", "LifecycleId": "Lifecycles-2",
    });
    let (status, project) = bench.send("POST", "/api/Spaces-2/projects", project).await;
    assert_eq!(status, 201, "{project}");
    let path =
        format!("/api/Spaces-2/projects/{}/deploymentprocesses", project["Id"].as_str().unwrap());
    let mut process = bench.get(&path).await;
    process["Steps"] = json!([{ "Name": "Patch", "Actions": [{
        "Name": "Patch", "ActionType": "Octopus.Script",
        "Properties": { "Octopus.Action.RunOnServer": "true" },
    }] }]);
    let (status, process) = bench.send("PUT", &path, process).await;
    assert_eq!(status, 200, "{process}");
}

#[tokio::test]
async fn the_built_in_worker_serves_other_spaces_too() {
    let bench = Bench::new(Seed::Empty).await;
    operations(&bench).await;
    let live = read(&bench, &switched_off()).await.unwrap();
    insta::assert_snapshot!(summary(&live), @r#"
    pool WorkerPools-1 "Default Worker Pool" static default
    Operations: ["projects[\"Patching\"].deployment.steps[\"Patch\"]"]
    "#);
    // A member of the default pool ends the fall-back, and then no process there is read.
    let member = worker("ops-01", &["WorkerPools-2"]);
    assert_eq!(bench.send("POST", "/api/Spaces-2/workers", member).await.0, 201);
    let before = bench.sandbox.recent_requests().len();
    let live = read(&bench, &switched_off()).await.unwrap();
    assert_eq!(described(&live.other_spaces[0].on_built_in_worker), [""; 0]);
    let asked = bench.sandbox.recent_requests();
    assert!(!asked[before..].iter().any(|it| it.contains("Spaces-2/projects")), "{asked:#?}");
}

#[tokio::test]
async fn a_space_that_refuses_access_is_unread_and_not_an_error() {
    let on = Some("GET /api/Spaces-2/workerpools".to_owned());
    let what = FaultKind::Status { code: 403, retry_after: None };
    let faults = vec![Fault { nth: 1, requests: on, fault: what }];
    let bench =
        Bench::with(SandboxOptions { seed: Seed::Empty, faults, ..SandboxOptions::default() })
            .await;
    let live = read(&bench, &switched_off()).await.unwrap();
    insta::assert_snapshot!(summary(&live), @r#"
    pool WorkerPools-1 "Default Worker Pool" static default
    Operations: []
    gap: the steps of space "Operations": the server returned 403: Forbidden
    "#);
}

#[tokio::test]
async fn a_hidden_worker_list_is_not_an_empty_list() {
    let mut bench = Bench::new(Seed::Chapter).await;
    bench.key = NO_WORKERS_KEY;
    let error = read(&bench, &everything()).await.unwrap_err();
    insta::assert_snapshot!(format!("{error}; {}", error.help().unwrap()), @"cannot read the workers of space `Default`: Missing permission: WorkerView; give the key's user a role with `WorkerView` in this space");
    let pools_alone = ReadScope::default();
    assert_eq!(read(&bench, &pools_alone).await.unwrap().pools.len(), 1);
}

#[tokio::test]
async fn an_unreadable_process_is_an_unread_part() {
    let refused = FaultKind::Status { code: 403, retry_after: None };
    let broken = FaultKind::Status { code: 500, retry_after: None };
    let on = |path: &str| Some(format!("GET /api/Spaces-1/{path}"));
    let faults = vec![
        Fault { nth: 1, requests: on("deploymentprocesses?"), fault: broken },
        Fault { nth: 3, requests: on("deploymentprocesses/"), fault: refused },
    ];
    let bench = Bench::with(SandboxOptions { faults, ..SandboxOptions::default() }).await;
    let scope = parts(&["deployments"]);
    let live = read(&bench, &scope).await.unwrap();
    assert_eq!((live.processes.len(), live.unread.len()), (7, 1));
    assert!(live.unread[0].why.starts_with("the server returned 403"), "{:?}", live.unread);
}

#[tokio::test]
async fn a_connection_that_breaks_for_good_ends_the_refresh() {
    let cut = |nth| Fault {
        nth,
        requests: Some("GET /api/Spaces-1/deploymentprocesses".to_owned()),
        fault: FaultKind::Status { code: 401, retry_after: None },
    };
    let bench =
        Bench::with(SandboxOptions { faults: vec![cut(1)], ..SandboxOptions::default() }).await;
    let scope = parts(&["deployments"]);
    let error = read(&bench, &scope).await.unwrap_err();
    insta::assert_snapshot!(error, @"cannot read the processes of space `Default`");
}

#[tokio::test]
async fn variables_and_targets_point_at_pools() {
    let bench = Bench::new(Seed::Chapter).await;
    let id = bench.pool("Kubernetes").await;
    let mut targets = bench.get("/api/Spaces-1/machines/all").await;
    let target = &mut targets[0];
    target["Endpoint"]["DefaultWorkerPoolId"] = json!(id);
    let path = format!("/api/Spaces-1/machines/{}", target["Id"].as_str().unwrap());
    assert_eq!(bench.send("PUT", &path, target.clone()).await.0, 200);
    let live = read(&bench, &parts(&["pointers"])).await.unwrap();
    insta::assert_snapshot!(summary(&live), @r#"
    pool WorkerPools-1 "Default Worker Pool" static default
    pool WorkerPools-3 "Kubernetes" static
    project "Billing" in "Data"
    project "Catalogue" in "Applications"
    project "Data Warehouse" in "Data"
    project "Identity" in "Applications"
    project "Infrastructure" in "Platform"
    project "Legacy Intranet" in "Platform"
    project "Mobile API" in "Applications"
    project "Web Store" in "Applications"
    variable "Terraform.WorkerPool" of project "Infrastructure" -> WorkerPools-1
    deployment target "aks-production" -> WorkerPools-3
    "#);
}

#[tokio::test]
async fn only_missing_parts_are_read_and_read_parts_are_kept() {
    let bench = Bench::new(Seed::Chapter).await;
    let reader = connect(bench.sandbox.url(), bench.key).reader();
    let first = parts(&["workers", "policies", "feeds"]);
    let wanted = first.widened();
    let live = read(&bench, &first).await.unwrap();
    let missing = wanted.missing_from(&first).unwrap();
    let completed = refresh_missing(&reader, live, &missing).await.unwrap();
    assert_eq!(completed, read(&bench, &wanted).await.unwrap());
}

/// The descriptions of what uses a pool.
fn described(uses: &[PoolUse]) -> Vec<&str> {
    uses.iter().map(|it| it.what.as_str()).collect()
}
