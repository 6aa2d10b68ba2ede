//! Plans carried out against the sandbox: what is written, what is not, and what a bad day changes.

use crate::{
    client::connect,
    sandbox::{Bench, PROCESS, names},
};
use octopus_sandbox::{ADMIN_KEY, Fault, FaultKind, SandboxOptions, Seed};
use poolwright_client::{
    apply::{
        self, ApplyEvent, ApplyListener, Deadline, StopReason, StoreError, apply_plan, journal,
    },
    octopus::{Connection, ConnectionOptions, Credentials, Secret, TrustedServer},
};
use poolwright_core::{
    model::{
        Address, Endpoint, Execution, Id, Linked, Place, PoolHandle, PoolKind, ProcessKind,
        ProcessName,
    },
    plan::{
        ApprovedPlan, Cause, Change, ChangeKind, Delta, NewPool, NewWorker, Plan, PlanHeader,
        PlanOrigin, PoolEdit, StepEdit,
    },
    receipt::{ApplyStatus, ChangeOutcome, Receipt},
    scope::ReadScope,
};

use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use std::{sync::Mutex, time::Duration};
use tokio::{sync::watch, time::Instant};

/// What an apply came to.
pub(crate) struct Ran {
    pub(crate) outcomes: Vec<ChangeOutcome>,
    events: Vec<ApplyEvent>,
    pub(crate) receipt: Receipt,
}

impl Ran {
    pub(crate) fn errors(&self) -> String {
        let entries = self.receipt.entries.iter();
        let errors = entries
            .filter_map(|entry| Some(format!("{}: {}", entry.address, entry.error.as_ref()?)));
        errors.collect::<Vec<_>>().join("\n")
    }
}

fn approved(changes: Vec<Change>) -> ApprovedPlan {
    let header = PlanHeader {
        url: "sandbox:".into(),
        server_version: "2026.2.9314".into(),
        space: Linked::new("Spaces-1", "Default"),
        files: Vec::new(),
        digest: "sha256:0".into(),
        scope: ReadScope::default(),
        origin: PlanOrigin::Files,
        stamp: Default::default(),
    };
    let (findings, relies, needs) = (Vec::new(), Vec::new(), Vec::new());
    Plan {
        header,
        changes,
        findings,
        accepted: Vec::new(),
        expectations: relies,
        requirements: needs,
        consequences: Default::default(),
        gates: Default::default(),
        comparison: None,
        drift: None,
    }
    .approve()
    .unwrap()
}

pub(crate) async fn run(bench: &Bench, changes: Vec<Change>) -> Ran {
    let (_keep, stop) = watch::channel(None);
    run_until(bench, changes, stop, |_| {}).await
}

async fn run_until(
    bench: &Bench,
    changes: Vec<Change>,
    stop: watch::Receiver<Option<StopReason>>,
    seen: impl Fn(&ApplyEvent) + Send + Sync,
) -> Ran {
    let approved = approved(changes);
    let connection = connect(bench.sandbox.url(), bench.key);
    let mut receipt =
        journal::begin_receipt(&approved, "poolwright".into(), "2026-11-23T14:51:07Z".into());
    let mut lines = receipt.to_journal_start();
    let listener = Listener { seen, events: Mutex::default() };
    let options = apply::ApplyOptions { parallelism: 4, ..apply::ApplyOptions::default() };
    let outcomes = sent(apply_plan(&approved, &connection, &options, None, stop, &listener)).await;
    let events = listener.events.into_inner().unwrap();
    for event in events.iter().cloned().filter_map(journal::journal_event) {
        lines.push_str(&receipt.record_event(event, None));
    }
    assert_eq!(Receipt::read(&lines).unwrap(), receipt, "{lines}");
    receipt.end_recording("2026-11-23T14:51:09Z".into());
    let told: Vec<ChangeOutcome> = receipt.entries.iter().map(|it| it.outcome).collect();
    assert_eq!(told, outcomes);
    let schema = serde_json::from_str(include_str!("../../schema/receipt.schema.json")).unwrap();
    let document = serde_json::from_str(&receipt.to_json_text()).unwrap();
    jsonschema::validator_for(&schema).unwrap().validate(&document).unwrap();
    Ran { outcomes, events, receipt }
}

/// Looks at each event, and keeps it.
struct Listener<F> {
    seen: F,
    events: Mutex<Vec<ApplyEvent>>,
}

impl<F: Fn(&ApplyEvent) + Send + Sync> ApplyListener for Listener<F> {
    fn note_event(&self, event: ApplyEvent) {
        (self.seen)(&event);
        self.events.lock().unwrap().push(event);
    }

    fn wait_until_stored(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }
}

/// What a task of its own may run.
fn sent<T: Send>(future: T) -> T {
    future
}

pub(crate) fn change(address: Address, kind: ChangeKind, after: &[Address]) -> Change {
    let cause = Cause::default();
    Change { address, kind, cause, after: after.to_vec() }
}

pub(crate) fn sql() -> Address {
    Address::Pool("sql".into())
}

pub(crate) fn create_pool() -> Change {
    let new = NewPool {
        name: "SQL".into(),
        slug: None,
        description: "Database".into(),
        kind: PoolKind::Static,
    };
    change(sql(), ChangeKind::CreatePool(new), &[])
}

pub(crate) fn new_worker() -> NewWorker {
    let endpoint = Endpoint::Listening {
        url: "https://sql-01.acme.example:10933".parse().unwrap(),
        thumbprint: "8A7E6157A34158EDA1B5127CB027B2A267760A4F".parse().unwrap(),
        proxy: None,
    };
    NewWorker {
        name: "sql-01".into(),
        endpoint,
        pools: vec![PoolHandle::New(sql())],
        policy: None,
        disabled: false,
        restored: Default::default(),
    }
}

pub(crate) fn create_worker() -> Change {
    change(Address::Worker("sql-01".into()), ChangeKind::CreateWorker(new_worker()), &[sql()])
}

/// The action of this name in the process of "Web Store".
pub(crate) fn action<'a>(process: &'a Value, name: &str) -> &'a Value {
    let mut actions = process["Steps"].as_array().unwrap().iter().map(|value| &value["Actions"][0]);
    actions.find(|value| value["Name"] == name).unwrap()
}

pub(crate) async fn place(bench: &Bench, name: &str, edits: Vec<StepEdit>) -> Change {
    let process = bench.get(PROCESS).await;
    let address = Address::Step {
        project: "Web Store".into(),
        branch: None,
        process: ProcessName::Deployment,
        step: name.into(),
    };
    let kind = ChangeKind::PlaceStep {
        git: None,
        process: Id::new("deploymentprocess-Projects-1"),
        kind: ProcessKind::Deployment,
        action: Id::new(action(&process, name)["Id"].as_str().unwrap()),
        edits: edits.into(),
    };
    change(address, kind, &[sql()])
}

fn to_sql() -> StepEdit {
    StepEdit::Place(
        Delta::if_different(Place::DefaultPool, Place::Pool(PoolHandle::New(sql()))).unwrap(),
    )
}

/// Pool, worker, and two steps of one process.
async fn plan(bench: &Bench) -> Vec<Change> {
    let once = StepEdit::Execution {
        execution: Delta::if_different(Execution::OnTargets, Execution::PerTarget).unwrap(),
        restored: None,
        target_roles: roles(bench, "Migrate database").await,
    };
    vec![
        create_pool(),
        create_worker(),
        place(bench, "Deploy web app", vec![to_sql()]).await,
        place(bench, "Migrate database", vec![once, to_sql()]).await,
    ]
}

async fn roles(bench: &Bench, step: &str) -> String {
    let process = bench.get(PROCESS).await;
    let mut steps = process["Steps"].as_array().unwrap().iter();
    let step = steps.find(|value| value["Name"] == step).unwrap();
    step["Properties"]["Octopus.Action.TargetRoles"].as_str().unwrap_or_default().to_owned()
}

/// The fields that differ, byte by byte, with `-` and `+` before them.
pub(crate) fn difference(before: &str, after: &str) -> String {
    let [before, after] = [before, after].map(|text| text.replace(",\"", ",\n\""));
    let diff = similar::TextDiff::from_lines(&before, &after);
    let changed =
        diff.iter_all_changes().filter(|change| change.tag() != similar::ChangeTag::Equal);
    changed.map(|changed| format!("{}{}", changed.tag(), changed.value())).collect()
}

pub(crate) async fn text(bench: &Bench, path: &str) -> String {
    bench.text("GET", path, "").await.1
}

#[tokio::test]
async fn writing_a_pool_a_worker_and_two_steps_changes_no_other_field() {
    let bench = Bench::new(Seed::Chapter).await;
    let before = text(&bench, PROCESS).await;
    let ran = run(&bench, plan(&bench).await).await;
    assert_eq!(ran.errors(), "");
    assert_eq!(ran.receipt.status, ApplyStatus::Done);
    insta::assert_snapshot!(difference(&before, &text(&bench, PROCESS).await));
    assert_eq!(names(&bench.get("/api/workerpools/all").await), "Default Worker Pool, SQL");
    let worker = &bench.get("/api/Spaces-1/workers/all").await[0];
    assert_eq!(worker["WorkerPoolIds"], json!([ran.receipt.entries[0].id]));
    assert_eq!(worker["MachinePolicyId"], "MachinePolicies-1");
    let puts = bench.sandbox.recent_requests().into_iter().filter(|it| it.starts_with("PUT"));
    assert_eq!(puts.count(), 1);
    insta::assert_snapshot!(masked(&ran.receipt, &before));
}

/// The receipt without the ids of steps, which are made by chance.
fn masked(receipt: &Receipt, process: &str) -> String {
    let process: Value = serde_json::from_str(process).unwrap();
    let names = ["Deploy web app", "Migrate database"];
    names.iter().fold(receipt.to_json_text(), |text, name| {
        text.replace(action(&process, name)["Id"].as_str().unwrap(), &format!("id of {name}"))
    })
}

/// Whether all of [`plan`] is there, and nothing twice.
async fn assert_all_there(bench: &Bench, ran: &Ran, about: &str) {
    assert_eq!(ran.errors(), "", "{about}");
    assert_eq!(names(&bench.get("/api/workerpools/all").await), "Default Worker Pool, SQL");
    assert_eq!(names(&bench.get("/api/workers/all").await), "sql-01", "{about}");
    let process = bench.get(PROCESS).await;
    for step in ["Deploy web app", "Migrate database"] {
        assert_eq!(action(&process, step)["WorkerPoolId"], json!(ran.receipt.entries[0].id));
    }
    assert!(ran.receipt.entries.iter().all(|it| !it.written.is_empty()), "{about}");
}

#[tokio::test]
async fn faults_delay_writes_but_duplicate_nothing() {
    let unavailable = FaultKind::Status { code: 503, retry_after: None };
    let busy = FaultKind::Status { code: 429, retry_after: Some(0) };
    let writes = ["POST /api/Spaces-1/workerpools", "POST /api/Spaces-1/workers", "PUT /api/"];
    for on in writes {
        for what in [
            FaultKind::DropBefore,
            FaultKind::DropAfter,
            FaultKind::Truncate,
            FaultKind::Html(502),
            unavailable.clone(),
            busy.clone(),
            FaultKind::Edit,
        ] {
            let about = format!("{what:?} at {on}");
            let bench = Bench::failing(on, what).await;
            let ran = run(&bench, plan(&bench).await).await;
            assert_all_there(&bench, &ran, &about).await;
        }
    }
}

#[tokio::test]
async fn a_contested_process_is_written_or_abandoned_after_five_attempts() {
    for (edits, done) in [(4, true), (5, false)] {
        let edit = |nth| Fault { nth, requests: Some("PUT /api".into()), fault: FaultKind::Edit };
        let faults = (1..=edits).map(edit).collect();
        let bench =
            Bench::with(SandboxOptions { seed: Seed::Chapter, faults, ..Default::default() }).await;
        let ran = run(&bench, plan(&bench).await).await;
        let wanted = if done { ChangeOutcome::Done } else { ChangeOutcome::Failed };
        assert_eq!(ran.outcomes, [ChangeOutcome::Done, ChangeOutcome::Done, wanted, wanted]);
        let puts = bench.sandbox.recent_requests().into_iter().filter(|it| it.starts_with("PUT"));
        assert_eq!(puts.count(), 5);
    }
}

#[tokio::test]
async fn a_response_that_never_comes_leaves_the_outcome_unknown() {
    let lost =
        |nth| Fault { nth, requests: Some("POST /api".into()), fault: FaultKind::DropBefore };
    let faults = vec![lost(1), lost(2)];
    let bench =
        Bench::with(SandboxOptions { seed: Seed::Chapter, faults, ..Default::default() }).await;
    let ran = run(&bench, plan(&bench).await).await;
    let skipped = ChangeOutcome::Skipped;
    assert_eq!(ran.outcomes, [ChangeOutcome::Unknown, skipped, skipped, skipped]);
    assert_eq!(ran.receipt.status, ApplyStatus::Partial);
    assert!(ran.errors().ends_with(
        r#"projects["Web Store"].deployment.steps["Migrate database"]: waits for pools.sql"#
    ));
}

#[tokio::test]
async fn applying_a_plan_twice_writes_nothing_the_second_time() {
    let bench = Bench::new(Seed::Chapter).await;
    let again = plan(&bench).await;
    run(&bench, plan(&bench).await).await;
    let process = text(&bench, PROCESS).await;
    let ran = run(&bench, again).await;
    assert_eq!(ran.errors(), "");
    assert!(ran.receipt.entries.iter().all(|it| it.written.is_empty()));
    assert!(!ran.events.iter().any(|event| matches!(event, ApplyEvent::Writing { .. })));
    assert_eq!(text(&bench, PROCESS).await, process);
}

#[tokio::test]
async fn changes_by_someone_else_are_left_alone() {
    let bench = Bench::new(Seed::Chapter).await;
    let mut changes = plan(&bench).await;
    let mut process = bench.get(PROCESS).await;
    for step in process["Steps"].as_array_mut().unwrap() {
        if step["Name"] == "Deploy web app" {
            step["Actions"][0]["WorkerPoolVariable"] = json!("Theirs");
        }
    }
    bench.send("PUT", PROCESS, process).await;
    let edits =
        vec![PoolEdit::Description(Delta::if_different("old".into(), "new".into()).unwrap())];
    let kind = ChangeKind::UpdatePool { id: Id::new("WorkerPools-1"), edits };
    changes.insert(0, change(Address::Pool("default".into()), kind, &[]));
    let pool = text(&bench, "/api/workerpools/WorkerPools-1").await;
    let ran = run(&bench, changes).await;
    insta::assert_snapshot!(ran.errors(), @r#"
    pools.default: `Description` is empty, but the plan expected `old`
    projects["Web Store"].deployment.steps["Deploy web app"]: `pool` is `variable Theirs`, but the plan expected `default`
    "#);
    assert_eq!(
        ran.outcomes,
        [
            ChangeOutcome::Failed,
            ChangeOutcome::Done,
            ChangeOutcome::Done,
            ChangeOutcome::Failed,
            ChangeOutcome::Done
        ]
    );
    assert_eq!(text(&bench, "/api/workerpools/WorkerPools-1").await, pool);
}

#[tokio::test]
async fn an_existing_object_is_adopted_only_if_it_matches() {
    let bench = Bench::new(Seed::Chapter).await;
    let id = bench.pool("sql").await;
    let ran = run(&bench, vec![create_pool()]).await;
    insta::assert_snapshot!(ran.errors(), @"pools.sql: `SQL` already exists, and its `Description` is `x`, but the plan expected `Database`");
    let mut pool = bench.get(&format!("/api/workerpools/{id}")).await;
    pool["Description"] = json!("Database");
    bench.send("PUT", &format!("/api/workerpools/{id}"), pool).await;
    let ran = run(&bench, vec![create_pool()]).await;
    assert_eq!(
        (ran.outcomes, ran.receipt.entries[0].id.as_ref()),
        (vec![ChangeOutcome::Done], Some(&id))
    );
}

#[tokio::test]
async fn a_stop_finishes_running_changes_and_starts_none() {
    let bench = Bench::new(Seed::Chapter).await;
    let (asks, stop) = watch::channel(None);
    let ran = run_until(&bench, plan(&bench).await, stop, |event| {
        if matches!(event, ApplyEvent::Writing { index: 0, .. }) {
            asks.send(Some(StopReason::Interrupted)).unwrap();
        }
    })
    .await;
    let skipped = ChangeOutcome::Skipped;
    assert_eq!(ran.outcomes, [ChangeOutcome::Done, skipped, skipped, skipped]);
    insta::assert_snapshot!(ran.errors(), @r#"
    workers.sql-01: interrupted
    projects["Web Store"].deployment.steps["Deploy web app"]: interrupted
    projects["Web Store"].deployment.steps["Migrate database"]: interrupted
    "#);
}

fn create_pools(count: usize) -> Vec<Change> {
    let pool = |at: usize| {
        let name = format!("pool-{at}");
        let new = NewPool {
            name: name.clone(),
            description: String::new(),
            slug: None,
            kind: PoolKind::Static,
        };
        change(Address::Pool(name), ChangeKind::CreatePool(new), &[])
    };
    (0..count).map(pool).collect()
}

/// Applies changes with these options over a connection; the errors, and how many of each kind.
async fn apply_to(
    connection: &Connection,
    changes: Vec<Change>,
    deadline: Option<Deadline>,
) -> Vec<String> {
    let (_keep, stop) = watch::channel(None);
    let listener = Listener { seen: |_: &ApplyEvent| {}, events: Mutex::default() };
    let options =
        apply::ApplyOptions { parallelism: 2, deadline, ..apply::ApplyOptions::default() };
    apply_plan(&approved(changes), connection, &options, None, stop, &listener).await;
    let describe = |event: ApplyEvent| match event {
        ApplyEvent::Skipped { because, is_halted, .. } => {
            Some(format!("skipped {is_halted}: {because}"))
        }
        ApplyEvent::Failed { error, unknown, .. } => Some(format!("failed {unknown}: {error}")),
        _ => None,
    };
    listener.events.into_inner().unwrap().into_iter().filter_map(describe).collect()
}

#[tokio::test]
async fn no_change_starts_after_the_time_limit() {
    let bench = Bench::new(Seed::Empty).await;
    let connection = connect(bench.sandbox.url(), bench.key);
    let deadline = Some(Deadline { at: Instant::now(), limit: Duration::from_secs(90) });
    let told = apply_to(&connection, create_pools(3), deadline).await;
    assert_eq!(told, ["skipped true: the time limit of 90s is over"; 3]);
    assert_eq!(bench.sandbox.recent_requests(), [""; 0]);
}

#[tokio::test]
async fn a_write_is_not_retried_past_the_time_limit() {
    let busy = FaultKind::Status { code: 503, retry_after: Some(5) };
    let bench = Bench::failing("POST /api/Spaces-1/workerpools", busy).await;
    let connection = connect(bench.sandbox.url(), bench.key);
    let deadline =
        Deadline { at: Instant::now() + Duration::from_secs(4), limit: Duration::from_secs(4) };
    let told = apply_to(&connection, create_pools(1), Some(deadline)).await;
    assert_eq!(told.len(), 1, "{told:?}");
    let posts = bench.sandbox.recent_requests().into_iter().filter(|it| it.starts_with("POST"));
    assert!(posts.count() <= 1);
}

#[tokio::test]
async fn an_unreachable_server_costs_the_retry_limit_of_one_write() {
    let key = Credentials::ApiKey(Secret::from(ADMIN_KEY.to_owned()));
    let mut options =
        ConnectionOptions::new(TrustedServer::named_by_user("http://127.0.0.1:9"), key);
    options.retry_limit = Duration::from_secs(1);
    let connection = Connection::open(options).unwrap();
    let told = apply_to(&connection, create_pools(60), None).await;
    assert_eq!(told.len(), 60);
    let skipped =
        told.iter().filter(|it| it.starts_with("skipped true: the server has not answered for"));
    assert!(skipped.count() > 40, "{told:?}");
}

#[tokio::test]
async fn a_write_waits_for_a_starting_server_as_long_as_a_read() {
    let starting = FaultKind::Status { code: 503, retry_after: None };
    let faults = (1..=4).map(|nth| Fault {
        nth,
        requests: Some("POST /api/Spaces-1/workerpools".into()),
        fault: starting.clone(),
    });
    let options =
        SandboxOptions { seed: Seed::Empty, faults: faults.collect(), ..Default::default() };
    let bench = Bench::with(options).await;
    let mut options = ConnectionOptions::new(
        TrustedServer::named_by_user(bench.sandbox.url()),
        Credentials::ApiKey(Secret::from(bench.key.to_owned())),
    );
    options.retry_limit = Duration::from_secs(600);
    let connection = Connection::open(options).unwrap();
    assert_eq!(apply_to(&connection, create_pools(1), None).await, [""; 0]);
    assert!(names(&bench.get("/api/workerpools/all").await).contains("pool-0"));
}
