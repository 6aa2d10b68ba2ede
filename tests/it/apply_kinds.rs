//! Every kind of change, carried out against the sandbox.

use crate::{
    apply_room::{
        action, change, create_pool, create_worker, difference, new_worker, place, run, sql, text,
    },
    sandbox::{Bench, PROCESS, names, worker},
};
use octopus_sandbox::{Fault, FaultKind, SandboxOptions, Seed};
use poolwright_core::{
    model::{
        Address, Container, Endpoint, Execution, Id, KubernetesLink, Linked, Place, PoolHandle,
    },
    plan::{Change, ChangeKind, Delta, NewWorker, PoolEdit, StepEdit, WorkerEdit},
    receipt::ChangeOutcome,
};

use serde_json::{Value, json};

const THUMBPRINT: &str = "8A7E6157A34158EDA1B5127CB027B2A267760A4F";

fn existing(id: &str, key: &str) -> PoolHandle {
    PoolHandle::Existing { id: Id::new(id), address: Address::Pool(key.into()) }
}

fn default_pool() -> PoolHandle {
    existing("WorkerPools-1", "default")
}

fn of_worker(kind: ChangeKind) -> Change {
    change(Address::Worker("db-01".into()), kind, &[])
}

/// A worker in the default pool.
async fn planted(bench: &Bench) -> String {
    let body = worker("db-01", &["WorkerPools-1"]);
    let (status, worker) = bench.send("POST", "/api/Spaces-1/workers", body).await;
    assert_eq!(status, 201, "{worker}");
    worker["Id"].as_str().unwrap().to_owned()
}

fn listening(url: &str) -> Endpoint {
    let thumbprint = "0E80575D3BD8D30854802A4E8340A2E23AE961FD".parse().unwrap();
    Endpoint::Listening { url: url.parse().unwrap(), thumbprint, proxy: None }
}

#[tokio::test]
async fn a_worker_is_edited_field_by_field() {
    let bench = Bench::new(Seed::Chapter).await;
    let id = planted(&bench).await;
    let path = format!("/api/Spaces-1/workers/{id}");
    let before = text(&bench, &path).await;
    let pools =
        Delta::if_different(vec![default_pool()], vec![PoolHandle::New(sql()), default_pool()]);
    let endpoint = Delta::if_different(
        (&listening("https://db-worker-01:10933")).into(),
        listening("https://db-02:10933"),
    );
    let edits = vec![
        WorkerEdit::Name(Delta::if_different("db-01".into(), "db-02".into()).unwrap()),
        WorkerEdit::Pools(pools.unwrap()),
        WorkerEdit::Disabled(Delta::if_different(false, true).unwrap()),
        WorkerEdit::Endpoint(Box::new(endpoint.unwrap())),
    ];
    let update = of_worker(ChangeKind::UpdateWorker { id: Id::new(&id), edits });
    let ran = run(&bench, vec![create_pool(), update]).await;
    assert_eq!(ran.errors(), "");
    insta::assert_snapshot!(difference(&before, &text(&bench, &path).await), @r#"
    -"Name":"db-01",
    +"Name":"db-02",
    -"WorkerPoolIds":["WorkerPools-1"],
    +"WorkerPoolIds":["WorkerPools-3",
    +"WorkerPools-1"],
    -"Uri":"https://db-worker-01:10933/",
    -"IsDisabled":false,
    +"Uri":"https://db-02:10933/",
    +"IsDisabled":true,
    -"Uri":"https://db-worker-01:10933",
    +"Uri":"https://db-02:10933",
    "#);
}

#[tokio::test]
async fn a_worker_of_another_kind_replaces_the_old_one() {
    let bench = Bench::new(Seed::Chapter).await;
    let id = planted(&bench).await;
    let link = KubernetesLink::Polling("poll://ih8pbyo8vxqjv0kbwwzc/".parse().unwrap());
    let endpoint = Endpoint::Kubernetes {
        link,
        thumbprint: THUMBPRINT.parse().unwrap(),
        namespace: String::new(),
    };
    let new =
        NewWorker { name: "db-01".into(), endpoint, pools: vec![default_pool()], ..new_worker() };
    let (id, name, kind) = (Id::new(id), "db-01".to_owned(), "listening".to_owned());
    let ran =
        run(&bench, vec![of_worker(ChangeKind::ReplaceWorker { id, name, kind, old: None, new })])
            .await;
    assert_eq!(ran.errors(), "");
    let workers = bench.get("/api/workers/all").await;
    assert_eq!(names(&workers), "db-01");
    assert_eq!(
        workers[0]["Endpoint"]["TentacleEndpointConfiguration"]["CommunicationMode"],
        "Polling"
    );
    let entry = &ran.receipt.entries[0];
    assert_eq!(entry.id.as_deref(), workers[0]["Id"].as_str());
    let written: Vec<String> = entry
        .written
        .iter()
        .map(|field| format!("{}: {:?} -> {:?}", field.field, field.before, field.after))
        .collect();
    insta::assert_snapshot!(written.join("\n"), @r#"
    Name: Some(String("db-01")) -> Some(String("db-01"))
    Slug: Some(String("db-01")) -> Some(String("db-01"))
    WorkerPoolIds: Some(Array [String("WorkerPools-1")]) -> Some(Array [String("WorkerPools-1")])
    MachinePolicyId: Some(String("MachinePolicies-1")) -> Some(String("MachinePolicies-1"))
    IsDisabled: Some(Bool(false)) -> Some(Bool(false))
    Endpoint.CommunicationStyle: Some(String("TentaclePassive")) -> Some(String("KubernetesTentacle"))
    Endpoint.Uri: Some(String("https://db-worker-01:10933")) -> None
    Endpoint.Thumbprint: Some(String("0E80575D3BD8D30854802A4E8340A2E23AE961FD")) -> None
    Endpoint.ProxyId: Some(Null) -> None
    Endpoint.TentacleVersionDetails.UpgradeLocked: Some(Bool(false)) -> None
    Endpoint.TentacleEndpointConfiguration.CommunicationMode: None -> Some(String("Polling"))
    Endpoint.TentacleEndpointConfiguration.Uri: None -> Some(String("poll://ih8pbyo8vxqjv0kbwwzc/"))
    Endpoint.TentacleEndpointConfiguration.Thumbprint: None -> Some(String("8A7E6157A34158EDA1B5127CB027B2A267760A4F"))
    Endpoint.DefaultNamespace: None -> Some(Null)
    "#);
}

#[tokio::test]
async fn the_old_worker_stays_until_its_replacement_exists() {
    for (refused, left) in [
        ("POST /api/Spaces-1/workers", "db-01"),
        ("DELETE", "db-01, db-01 (replacement)"),
        ("PUT", "db-01 (replacement)"),
    ] {
        let fault = FaultKind::Status { code: 403, retry_after: None };
        let nth = if refused.starts_with("POST") { 2 } else { 1 };
        let faults = vec![Fault { nth, requests: Some(refused.into()), fault }];
        let options = SandboxOptions { seed: Seed::Chapter, faults, ..Default::default() };
        let bench = Bench::with(options).await;
        let id = Id::new(planted(&bench).await);
        let new = NewWorker { name: "db-01".into(), pools: vec![default_pool()], ..new_worker() };
        let (name, kind) = ("db-01".to_owned(), "listening".to_owned());
        let ran = run(
            &bench,
            vec![of_worker(ChangeKind::ReplaceWorker { id, name, kind, old: None, new })],
        )
        .await;
        let told = ran.errors();
        assert!(told.contains("the server returned 403: Forbidden"), "{told}");
        let goes_on = told.contains("; the next `apply` goes on from there");
        assert_eq!(goes_on, left.contains("replacement"), "{told}");
        assert_eq!(names(&bench.get("/api/workers/all").await), left);
    }
}

#[tokio::test]
async fn a_pool_becomes_default_and_first_and_another_is_deleted() {
    let bench = Bench::new(Seed::Chapter).await;
    let old = bench.pool("Old").await;
    let worker = planted(&bench).await;
    let (new, sorted) = (PoolHandle::New(sql()), existing(&old, "old"));
    let rename = PoolEdit::Name(
        Delta::if_different("Default Worker Pool".into(), "General".into()).unwrap(),
    );
    let of = |key: &str| Address::Pool(key.into());
    let changes = vec![
        create_pool(),
        change(
            of("default"),
            ChangeKind::UpdatePool { id: Id::new("WorkerPools-1"), edits: vec![rename] },
            &[],
        ),
        change(
            Address::PoolOrder,
            ChangeKind::SortPools {
                before: vec![default_pool(), sorted.clone()],
                order: vec![new.clone(), sorted, default_pool()],
            },
            &[sql()],
        ),
        change(sql(), ChangeKind::SetDefaultPool { from: Some(default_pool()), to: new }, &[]),
        of_worker(ChangeKind::DeleteWorker { id: Id::new(worker), name: "db-01".into() }),
        change(of("Old"), ChangeKind::DeletePool { id: Id::new(old), name: "Old".into() }, &[]),
        change(Address::BuiltInWorker, ChangeKind::SetBuiltInWorker { enabled: false }, &[sql()]),
    ];
    let features = text(&bench, "/api/featuresconfiguration").await;
    let ran = run(&bench, changes.clone()).await;
    assert_eq!(ran.errors(), "");
    let pools = bench.get("/api/workerpools/all").await;
    assert_eq!(names(&pools), "SQL, General");
    assert_eq!((&pools[0]["IsDefault"], &pools[1]["IsDefault"]), (&json!(true), &json!(false)));
    assert_eq!(names(&bench.get("/api/workers/all").await), "");
    let now = text(&bench, "/api/featuresconfiguration").await;
    insta::assert_snapshot!(difference(&features, &now), @r#"
    -"IsBuiltInWorkerEnabled":true,
    +"IsBuiltInWorkerEnabled":false,
    "#);
    let again = run(&bench, changes).await;
    assert_eq!(again.outcomes, [ChangeOutcome::Done; 7], "{}", again.errors());
    let requests = bench.sandbox.recent_requests();
    let last_write = requests.iter().rposition(|it| !it.starts_with("GET"));
    assert!(requests.len() - last_write.unwrap() > 7, "written twice");
}

#[tokio::test]
async fn a_pool_renamed_by_someone_else_is_not_deleted() {
    let bench = Bench::new(Seed::Chapter).await;
    let id = Id::new(bench.pool("Theirs").await);
    let kind = ChangeKind::DeletePool { id, name: "Old".into() };
    let ran = run(&bench, vec![change(Address::Pool("Old".into()), kind, &[])]).await;
    insta::assert_snapshot!(ran.errors(), @"pools.Old: its name is `Theirs`, the plan expected `Old`");
    assert_eq!(names(&bench.get("/api/workerpools/all").await), "Default Worker Pool, Theirs");
}

#[tokio::test]
async fn a_step_gets_a_variable_and_a_container_and_runs_once() {
    let bench = Bench::new(Seed::Chapter).await;
    let roles = "web";
    let mut steps = bench.get(PROCESS).await;
    for step in steps["Steps"].as_array_mut().unwrap() {
        if step["Name"] == "Notify the team" {
            step["Properties"]["Octopus.Action.TargetRoles"] = json!(roles);
            step["Actions"][0]["WorkerPoolId"] = json!("WorkerPools-1");
        }
    }
    bench.send("PUT", PROCESS, steps).await;
    let before = text(&bench, PROCESS).await;
    let container = Container::from_image("worker:1", Linked::new("Feeds-1", "Docker"));
    let edits = vec![
        StepEdit::Place(
            Delta::if_different(Place::Pool(default_pool()), Place::Variable("Pool".into()))
                .unwrap(),
        ),
        StepEdit::Execution {
            execution: Delta::if_different(Execution::PerTarget, Execution::Once).unwrap(),
            restored: None,
            target_roles: roles.into(),
        },
        StepEdit::Container(Delta::if_different(None, Some(container)).unwrap()),
    ];
    let ran = run(&bench, vec![place(&bench, "Notify the team", edits).await]).await;
    assert_eq!(ran.errors(), "");
    insta::assert_snapshot!(difference(&before, &text(&bench, PROCESS).await), @r#"
    -"Version":2,
    +"Version":3,
    -"Properties":{"Octopus.Action.TargetRoles":"web"},
    +"Properties":{"Octopus.Action.TargetRoles":""},
    -"WorkerPoolId":"WorkerPools-1",
    -"Container":{"Image":null,
    -"FeedId":null,
    +"WorkerPoolId":null,
    +"Container":{"Image":"worker:1",
    +"FeedId":"Feeds-1",
    -"WorkerPoolVariable":null,
    +"WorkerPoolVariable":"Pool",
    -"Octopus.Action.RunOnServer":"true"},
    +"Octopus.Action.RunOnServer":"true",
    +"OctopusUseBundledTooling":"False"},
    "#);
    let back = StepEdit::Place(
        Delta::if_different(Place::Variable("Pool".into()), Place::DefaultPool).unwrap(),
    );
    run(&bench, vec![place(&bench, "Notify the team", vec![back]).await]).await;
    let process: Value = bench.get(PROCESS).await;
    let step = action(&process, "Notify the team");
    assert_eq!((&step["WorkerPoolId"], &step["WorkerPoolVariable"]), (&json!(null), &json!(null)));
}

#[tokio::test]
async fn faults_duplicate_no_change_of_any_kind() {
    let misfortunes = [FaultKind::DropAfter, FaultKind::DropBefore, FaultKind::Html(503)];
    let puts = [1, 2, 3].map(|nth| ("PUT /api", nth));
    let others = [("DELETE /api", 1), ("POST /api", 1), ("POST /api", 2)];
    for (on, nth) in puts.into_iter().chain(others) {
        for what in misfortunes.clone() {
            survives(Fault { nth, requests: Some(on.into()), fault: what }).await;
        }
    }
}

/// Carries out a plan of every kind but a step while something goes wrong.
async fn survives(fault: Fault) {
    let about = format!("{fault:?}");
    let options = SandboxOptions { seed: Seed::Chapter, faults: vec![fault], ..Default::default() };
    let bench = Bench::with(options).await;
    let new = PoolHandle::New(sql());
    let order = vec![new.clone(), default_pool()];
    let sort = ChangeKind::SortPools { before: vec![default_pool()], order };
    let default = ChangeKind::SetDefaultPool { from: Some(default_pool()), to: new };
    let name = "Default Worker Pool".to_owned();
    let delete = ChangeKind::DeletePool { id: Id::new("WorkerPools-1"), name };
    let off = ChangeKind::SetBuiltInWorker { enabled: false };
    let changes = vec![
        create_pool(),
        change(Address::PoolOrder, sort, &[sql()]),
        create_worker(),
        change(sql(), default, &[]),
        change(Address::Pool("default".into()), delete, &[]),
        change(Address::BuiltInWorker, off, &[]),
    ];
    let ran = run(&bench, changes).await;
    assert_eq!(ran.errors(), "", "{about}");
    assert_eq!(names(&bench.get("/api/workerpools/all").await), "SQL", "{about}");
    assert_eq!(names(&bench.get("/api/workers/all").await), "sql-01", "{about}");
}
