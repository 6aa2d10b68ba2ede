//! Plans for tests: one that has a change of every kind, and the pieces to build others.
//!
//! Not part of the program.

use super::{
    Cause, Change, ChangeKind, Consequences, DefaultPool, Delta, ExecutionPlace, Expectation, Fact,
    FactValue, MovedStep, NewPool, NewWorker, PlaceContents, PlaceTally, Plan, PlanHeader,
    PlanOrigin, PlannedValueScope, PoolEdit, PoolRequirement, RestoredWorker, StepEdit, StepFact,
    StepFlow, ValueEdit, WorkerEdit,
};
use crate::{
    finding::{Code, Finding, FindingLocation, Level, Source, SourceId, Sources, Span},
    live::RunLocation,
    model::{
        Address, Container, Endpoint, Execution, Id, KubernetesLink, Linked, LiveEndpoint, Place,
        PoolHandle, PoolKind, ProcessKind, ProcessName,
    },
    scope::ReadScope,
};

/// The file that these plans are made from.
pub(crate) const FILE: &str = r#"[server]
built_in_worker = false

[pools.database]
name = "Database Worker Pool"

[pools.azure]
name = "Azure Worker Pool"
description = "az"

[workers.db-01]
pools = ["database"]

[[placements]]
label = "every database step runs in the database pool"
step = "*database*"
pool = "database"
"#;

pub(crate) fn sources() -> Sources {
    Sources(vec![Source::new("workers.toml", FILE)])
}

/// Returns the span of `text` in [`FILE`].
pub(crate) fn at(text: &str) -> Span {
    let start = FILE.find(text).unwrap();
    Span { source: SourceId(0), bytes: start..start + text.len() }
}

pub(crate) fn header() -> PlanHeader {
    PlanHeader {
        url: "https://octopus.acme.example".into(),
        server_version: "2026.2.9314".into(),
        space: Linked::new("Spaces-1", "Default"),
        files: vec!["workers.toml".into()],
        digest: "sha256:0f".into(),
        scope: ReadScope { workers: true, deployments: true, ..ReadScope::default() },
        origin: PlanOrigin::Files,
        stamp: Default::default(),
    }
}

pub(crate) fn plan(changes: Vec<Change>, findings: Vec<Finding>) -> Plan {
    Plan { changes, findings, ..Plan::empty(header()) }
}

pub(crate) fn declared(text: &str) -> Cause {
    Cause { location: FindingLocation::Source(at(text)), ..Cause::default() }
}

pub(crate) fn change(address: &str, kind: ChangeKind, cause: Cause) -> Change {
    Change { address: address.parse().unwrap(), kind, cause, after: Vec::new() }
}

pub(crate) fn pool(id: &str, key: &str) -> PoolHandle {
    PoolHandle::Existing { id: Id::new(id), address: Address::Pool(key.into()) }
}

pub(crate) fn new_pool(key: &str) -> PoolHandle {
    PoolHandle::New(Address::Pool(key.into()))
}

pub(crate) fn create_pool(name: &str, description: &str) -> ChangeKind {
    let (name, description) = (name.into(), description.into());
    ChangeKind::CreatePool(NewPool { name, slug: None, description, kind: PoolKind::Static })
}

pub(crate) fn update_pool(edits: impl IntoIterator<Item = PoolEdit>) -> ChangeKind {
    let edits = edits.into_iter().collect();
    ChangeKind::UpdatePool { id: Id::new("WorkerPools-7"), edits }
}

pub(crate) fn delta<T: PartialEq>(before: impl Into<T>, after: impl Into<T>) -> Delta<T> {
    Delta::if_different(before.into(), after.into()).unwrap()
}

pub(crate) fn endpoint_delta(before: &Endpoint, after: Endpoint) -> Delta<Endpoint, LiveEndpoint> {
    Delta::if_different(before.into(), after).unwrap()
}

pub(crate) fn listening(thumbprint: &str) -> Endpoint {
    Endpoint::Listening {
        url: "https://db-01.acme.example:10933".parse().unwrap(),
        thumbprint: thumbprint.repeat(20).parse().unwrap(),
        proxy: None,
    }
}

fn ssh() -> Endpoint {
    Endpoint::Ssh {
        host: "db-02.acme.example".into(),
        port: 22,
        account: Linked::new("Accounts-4", "db-ssh"),
        fingerprint: "SHA256:abc".into(),
        platform: Some("linux-x64".into()),
        proxy: Some(Linked::new("Proxies-1", "DMZ")),
    }
}

fn kubernetes() -> Endpoint {
    Endpoint::Kubernetes {
        link: KubernetesLink::Polling("poll://ih8pbyo8vxqjv0kbwwzc/".parse().unwrap()),
        thumbprint: "96".repeat(20).parse().unwrap(),
        namespace: String::new(),
    }
}

pub(crate) fn new_worker<E>(name: &str, endpoint: E) -> NewWorker<E> {
    let pools = vec![new_pool("database"), pool("WorkerPools-2", "azure")];
    NewWorker {
        name: name.into(),
        endpoint,
        pools,
        policy: None,
        disabled: false,
        restored: RestoredWorker::default(),
    }
}

/// Returns a step of a project's deployment process that moves to the new database pool.
pub(crate) fn placement(project: &str, step: &str, before: Place<PoolHandle>) -> Change {
    let address = Address::Step {
        project: project.into(),
        branch: None,
        process: ProcessName::Deployment,
        step: step.into(),
    };
    let kind = ChangeKind::PlaceStep {
        git: None,
        process: Id::new(format!("deploymentprocess-{project}")),
        kind: ProcessKind::Deployment,
        action: Id::new(format!("{project}-{step}")),
        edits: vec![StepEdit::Place(delta(before, Place::Pool(new_pool("database"))))].into(),
    };
    let rule = Some("every database step runs in the database pool".into());
    let cause = Cause { rule, ..declared("[[placements]]") };
    Change { address, kind, cause, after: vec![Address::Pool("database".into())] }
}

/// Returns a plan with a change of every kind and every edit, and findings of every shape.
pub(crate) fn everything() -> Plan {
    let changes = [server(), pools(), workers(), choosers(), placements(), endings()].concat();
    let findings = vec![
        Finding::new(
            Code::EmptyPool,
            Level::Deny,
            FindingLocation::Source(at("[pools.database]")),
            "2 steps wait",
        )
        .with_address(Address::Pool("database".into()))
        .with_label("no worker")
        .with_notes(["one", "two"])
        .with_help("declare a worker"),
        Finding::new(
            Code::UnseenSteps,
            Level::Warn,
            FindingLocation::Nowhere,
            "the processes of `Ops` cannot be read",
        ),
    ];
    let step = |fact| Fact::Step(Id::new("p"), Id::new("a"), fact);
    let runs = FactValue::Runs(RunLocation::OnWorker(Execution::Once), true);
    let identity = FactValue::Identity("Say \"hi\" (twice)".into(), "Octopus.Script".into());
    let pools = vec![Id::new("WorkerPools-2"), Id::new("WorkerPools-7")];
    let users = FactValue::Users(vec!["a".into(), "b".into()]);
    let healthy = FactValue::HealthyWorker;
    let facts = [
        (step(StepFact::Runs), runs),
        (step(StepFact::Runs), FactValue::Absent),
        (step(StepFact::Identity), identity),
        (Fact::PoolUsers(Id::new("WorkerPools-7")), users),
        (Fact::PoolWorkers(Id::new("WorkerPools-2")), healthy),
        (Fact::BuiltInWorkerUsers, FactValue::Users(Vec::new())),
        (Fact::DefaultPool, FactValue::Pool(Id::new("WorkerPools-2"))),
        (Fact::PoolOrder, FactValue::Pools(pools)),
    ];
    let facts = facts.map(|(fact, expected)| Expectation { fact, expected }).into();
    let needs = vec![
        PoolRequirement { pool: new_pool("database"), healthy: 2 },
        PoolRequirement { pool: pool("WorkerPools-2", "azure"), healthy: 1 },
    ];
    Plan {
        expectations: facts,
        requirements: needs,
        consequences: consequences(),
        ..plan(changes, findings)
    }
}

/// Steps that come to run elsewhere, in a runbook and on the server among others.
fn consequences() -> Consequences {
    let place = |pool: &str| ExecutionPlace::Pool(Address::Pool(pool.into()));
    let moved = |address: &str, before: ExecutionPlace, after: ExecutionPlace| MovedStep {
        address: address.parse().unwrap(),
        before: vec![before],
        after: vec![after],
        origin: None,
    };
    let build = "projects.Ops.deployment.steps[\"Build \u{1b}[2J*all*\"]";
    Consequences {
        affected: vec![
            moved("projects.Ops.deployment.steps.Smoke", place("azure"), place("database")),
            moved(
                "projects.Ops.runbooks.Restart.steps.Drain",
                place("azure"),
                ExecutionPlace::Nowhere,
            ),
            moved("projects.Shop.deployment.steps.Notify", place("azure"), ExecutionPlace::Server),
        ],
        stopped: Vec::new(),
        onto_server: vec![moved(build, place("azure"), ExecutionPlace::Server)],
        default_before: Some(DefaultPool { pool: Address::Pool("azure".into()), on_server: false }),
        default_after: Some(DefaultPool {
            pool: Address::Pool("database".into()),
            on_server: true,
        }),
        places: tallies(),
        flows: flows(),
    }
}

fn pool_place(key: &str) -> ExecutionPlace {
    ExecutionPlace::Pool(Address::Pool(key.into()))
}

fn tallies() -> Vec<PlaceTally> {
    let contents = |workers: &[&str], steps| {
        let workers = workers.iter().map(|name| (*name).to_owned()).collect();
        Some(PlaceContents { workers, steps })
    };
    let tally =
        |place, name: &str, before, after| PlaceTally { place, name: name.into(), before, after };
    vec![
        tally(
            pool_place("azure"),
            "Azure Worker Pool",
            contents(&["az-01"], 4),
            contents(&["az-01"], 0),
        ),
        tally(pool_place("database"), "Database Worker Pool", None, contents(&["db-01"], 1)),
        tally(ExecutionPlace::Server, "", contents(&[], 0), contents(&[], 2)),
        tally(ExecutionPlace::Nowhere, "", contents(&[], 0), contents(&[], 1)),
    ]
}

fn flows() -> Vec<StepFlow> {
    let flow = |to, steps| StepFlow { from: pool_place("azure"), to, steps, projects: 1 };
    vec![
        flow(pool_place("database"), 1),
        flow(ExecutionPlace::Server, 2),
        flow(ExecutionPlace::Nowhere, 1),
    ]
}

fn server() -> Vec<Change> {
    let off = ChangeKind::SetBuiltInWorker { enabled: false };
    vec![change("server.built_in_worker", off, declared("built_in_worker"))]
}

fn pools() -> Vec<Change> {
    let hosted = ChangeKind::CreatePool(NewPool {
        name: "Hosted Ubuntu".into(),
        slug: None,
        description: "two\nlines".into(),
        kind: PoolKind::Dynamic { image: "UbuntuDefault".into() },
    });
    let edits = update_pool([
        PoolEdit::Name(delta("Azure", "Azure Worker Pool")),
        PoolEdit::Description(delta("", "az")),
        PoolEdit::Image(delta("UbuntuDefault", "Ubuntu2404")),
    ]);
    let (azure, database) = (pool("WorkerPools-2", "azure"), new_pool("database"));
    let default = ChangeKind::SetDefaultPool { from: Some(azure.clone()), to: database.clone() };
    let sort = ChangeKind::SortPools {
        before: vec![azure.clone(), database.clone()],
        order: vec![database, azure],
    };
    vec![
        change(
            "pools.database",
            create_pool("Database Worker Pool", ""),
            declared("[pools.database]"),
        ),
        change("pools.ubuntu", hosted, declared("[pools.azure]")),
        change("pools.azure", edits, declared("[pools.azure]")),
        change("pools.database", default, declared("[pools.database]")),
        change("pools", sort, Cause::default()),
    ]
}

fn workers() -> Vec<Change> {
    let new = NewWorker {
        policy: Some(Linked::new("MachinePolicies-1", "Nightly")),
        disabled: true,
        ..new_worker("db-02", ssh())
    };
    let polling = Endpoint::Polling {
        subscription: "poll://ih8pbyo8vxqjv0kbwwzc/".parse().unwrap(),
        thumbprint: "8A".repeat(20).parse().unwrap(),
    };
    let update = ChangeKind::UpdateWorker {
        id: Id::new("Workers-1"),
        edits: vec![
            WorkerEdit::Name(delta("DB-01", "db-01")),
            WorkerEdit::Slug(delta("db-01-replacement", "db-01")),
            WorkerEdit::Endpoint(Box::new(endpoint_delta(&listening("8A"), listening("96")))),
            WorkerEdit::Pools(delta([pool("WorkerPools-2", "azure")], [new_pool("database")])),
            WorkerEdit::Policy(delta(
                Linked::new("MachinePolicies-1", "Default Machine Policy"),
                Linked::new("MachinePolicies-2", "Nightly"),
            )),
            WorkerEdit::Disabled(delta(false, true)),
        ],
    };
    let replace = ChangeKind::ReplaceWorker {
        id: Id::new("Workers-3"),
        name: "db-03".into(),
        kind: "polling".into(),
        old: Some(Box::new(new_worker(
            "db-03",
            LiveEndpoint::Polling {
                subscription: "poll://db-03/".into(),
                thumbprint: "96".repeat(20),
            },
        ))),
        new: new_worker("db-03", listening("8A")),
    };
    let at = || declared("[workers.db-01]");
    vec![
        change("workers.db-02", ChangeKind::CreateWorker(new), at()),
        change("workers.k8s", ChangeKind::CreateWorker(new_worker("k8s", kubernetes())), at()),
        change("workers.p", ChangeKind::CreateWorker(new_worker("p", polling)), at()),
        change("workers.db-01", update, at()),
        change("workers.db-03", replace, at()),
    ]
}

fn choosers() -> Vec<Change> {
    let value = |edit| ChangeKind::SetValue {
        set: Id::new("variableset-Projects-1"),
        git: None,
        name: "Worker.Pool".into(),
        edit,
    };
    let azure = || pool("WorkerPools-2", "azure");
    let scope = PlannedValueScope {
        environments: vec![Linked::new("Environments-1", "Production")],
        channels: vec![Linked::new("Channels-1", "Hotfix")],
        tenant_tags: vec!["Region/Europe".into()],
    };
    let add = ValueEdit::Add { scope, pool: new_pool("database"), restored: None };
    let change_value = ValueEdit::Change {
        id: Id::new("v1"),
        scope: None,
        pool: delta(None, Some(new_pool("database"))),
        restored: None,
    };
    let remove = ValueEdit::Remove { id: Id::new("v2"), scope: None, pool: Some(azure()) };
    let target = ChangeKind::SetTargetPool {
        id: Id::new("Machines-1"),
        pool: delta(Some(azure()), Some(new_pool("database"))),
        restored: None,
    };
    let at = || declared("[pools.azure]");
    let scoped = r#"projects["Web Store"].variables["Worker.Pool"]["environment Production; channel Hotfix; tenant tag Region/Europe"]"#;
    vec![
        change(scoped, value(add), at()),
        change(r#"projects["Web Store"].variables["Worker.Pool"]"#, value(change_value), at()),
        change(r#"library_sets["Shared"].variables["Worker.Pool"]"#, value(remove), at()),
        change("targets.web-app", target, at()),
    ]
}

fn placements() -> Vec<Change> {
    let container = Container::from_image("acme/az:2", Linked::new("Feeds-1", "Docker Hub"));
    let runbook = ChangeKind::PlaceStep {
        git: None,
        process: Id::new("RunbookProcess-Runbooks-9"),
        kind: ProcessKind::Runbook,
        action: Id::new("a1"),
        edits: vec![
            StepEdit::Place(delta(Place::DefaultPool, Place::Variable("Worker.Pool".to_owned()))),
            StepEdit::Execution {
                execution: delta(Execution::OnTargets, Execution::Once),
                target_roles: "web-server".into(),
                restored: None,
            },
            StepEdit::Container(delta(None, Some(container))),
        ]
        .into(),
    };
    let runbook = change(
        r#"projects["Web Store"].runbooks["Restart"].steps["Drain"]"#,
        runbook,
        declared("[[placements]]"),
    );
    vec![placement("Web Store", "Migrate database", Place::DefaultPool), runbook]
}

fn endings() -> Vec<Change> {
    let pruned = |what: &str| Cause {
        why: Some(format!("`{what}` is not declared, and pools are pruned")),
        ..Cause::default()
    };
    let worker = ChangeKind::DeleteWorker { id: Id::new("Workers-9"), name: "db-09".into() };
    let pool = ChangeKind::DeletePool { id: Id::new("WorkerPools-9"), name: "Old Pool".into() };
    vec![
        change("workers.db-09", worker, pruned("db-09")),
        change(r#"pools["Old Pool"]"#, pool, pruned("Old Pool")),
    ]
}
