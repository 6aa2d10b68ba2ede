//! No field of a plan is forgotten: each one goes back, or the rollback says that it does not.

use super::plan_rollback;
use crate::{
    diff::{laws::any_server, plan_from_changes},
    finding::{Code, Finding},
    live::{
        DirectoryEntry, Health, Live, LivePool, LiveProcess, LiveStep, LiveTarget, LiveWorker,
        ProcessOwner,
    },
    model::{Container, Id, KubernetesLink, Linked, LiveEndpoint, Name, Place, PoolKind, SSH_PORT},
    plan::{
        Change, ChangeAction, CommonField, EndpointField, Field, ObjectKind, PoolField,
        ServerField, SpaceField, StepField, TargetField, ValueField, WorkerField, WrittenField,
    },
    receipt::{ApplyStatus, ChangeOutcome, Receipt, ReceiptEntry, ReceiptServer},
};

use proptest::{
    strategy::{Strategy as _, ValueTree as _},
    test_runner::TestRunner,
};
use serde_json::{Value, json};

/// The object of an entry, as its address and its id.
type EntryObject = (ObjectKind, &'static str, &'static str);

const POOL: EntryObject = (ObjectKind::Pool, "pools.one", "WorkerPools-1");
const ORDER: EntryObject = (ObjectKind::Pool, "pools", "");
const LISTENING: EntryObject = (ObjectKind::Worker, "workers.listening", "Workers-listening");
const SSH: EntryObject = (ObjectKind::Worker, "workers.ssh", "Workers-ssh");
const AGENT: EntryObject = (ObjectKind::Worker, "workers.agent", "Workers-agent");
const STEP: EntryObject =
    (ObjectKind::Placement, r#"projects["Web Store"].deployment.steps["Build"]"#, "process-1");
const TARGET: EntryObject = (ObjectKind::Target, "targets.app", "Machines-1");
const SERVER: EntryObject = (ObjectKind::Server, "server.built_in_worker", "");

const THUMBPRINTS: [&str; 2] =
    ["8A7E6157A34158EDA1B5127CB027B2A267760A4F", "96BFFF4E6E7CB8B9A7C0A2E4F3D9E5E1A3A1D4C0"];

fn pool(id: &str, name: &str, image: &str) -> LivePool {
    LivePool {
        id: Id::new(id),
        name: Name::new(name),
        slug: name.to_lowercase(),
        description: "now".to_owned(),
        kind: PoolKind::Dynamic { image: image.to_owned() },
        default: id == "WorkerPools-1",
    }
}

fn worker(name: &str, endpoint: LiveEndpoint) -> LiveWorker {
    LiveWorker {
        id: Id::new(format!("Workers-{name}")),
        name: Name::new(name),
        slug: name.to_lowercase(),
        endpoint,
        pools: vec![Id::new("WorkerPools-1")],
        policy: Linked::new("MachinePolicies-1", "Default"),
        disabled: true,
        health: Health::Healthy,
    }
}

fn workers() -> Vec<LiveWorker> {
    let proxy = || Some(Linked::new("Proxies-1", "Proxies-1"));
    vec![
        worker(
            "listening",
            LiveEndpoint::Listening {
                url: "https://now:10933".into(),
                thumbprint: THUMBPRINTS[0].into(),
                proxy: proxy(),
            },
        ),
        worker(
            "ssh",
            LiveEndpoint::Ssh {
                host: "now".into(),
                port: SSH_PORT,
                account: Linked::new("Accounts-1", "Accounts-1"),
                fingerprint: "SHA256:now".into(),
                platform: Some("linux-x64".into()),
                proxy: proxy(),
            },
        ),
        worker(
            "agent",
            LiveEndpoint::Kubernetes {
                link: KubernetesLink::Listening("https://now:10933".into()),
                thumbprint: THUMBPRINTS[0].into(),
                namespace: "now".into(),
            },
        ),
    ]
}

/// A server on which each field has the value that `sample` says it has by now.
fn server() -> Live {
    let mut live = any_server().new_tree(&mut TestRunner::deterministic()).unwrap().current();
    let entry = |id: &str| DirectoryEntry {
        id: id.to_owned(),
        name: Name::new(id),
        slug: String::new(),
        default: id.ends_with('1'),
    };
    let entries = |kind: &str| [1, 2].map(|at| entry(&format!("{kind}-{at}"))).to_vec();
    live.directory.policies = entries("MachinePolicies");
    live.directory.accounts = entries("Accounts");
    live.directory.proxies = entries("Proxies");
    live.directory.feeds = entries("Feeds");
    live.server.built_in_worker = Some(false);
    live.pools = vec![pool("WorkerPools-1", "One", "now"), pool("WorkerPools-2", "Two", "now")];
    live.workers = workers();
    live.processes = vec![LiveProcess {
        id: Id::new("process-1"),
        owner: ProcessOwner {
            project: Name::new("Web Store"),
            group: Name::new("all"),
            runbook: None,
        },
        git: None,
        steps: vec![LiveStep {
            id: Id::new("action-1"),
            step: Name::new("Build"),
            action: Name::new("Build"),
            position: 0,
            names_both: false,
            has_siblings: false,
            action_type: "Octopus.Script".into(),
            place: Place::Pool(Id::new("WorkerPools-1")),
            run_on_server: Some(true),
            from_file: false,
            target_roles: "now".into(),
            container: Some(Container {
                dockerfile: "now".into(),
                git_url: "now".into(),
                ..Container::from_image("now", "Feeds-1")
            }),
            channels: Vec::new(),
            parameters: Vec::new(),
            disabled: false,
        }],
        templates: Vec::new(),
    }];
    live.indirect.targets = vec![LiveTarget {
        id: Id::new("Machines-1"),
        name: Name::new("app"),
        pool: Some(Id::new("WorkerPools-1")),
        ..live.indirect.targets[0].clone()
    }];
    live.unread.clear();
    live
}

/// Returns the object that has a field, with the value of the field before and after an apply; `None` for a field
/// of which no entry is ever about an edit.
fn sample(field: Field) -> Option<(EntryObject, Value, Value)> {
    let pools = json!(["WorkerPools-2", "WorkerPools-1"]);
    let order = json!(["WorkerPools-1", "WorkerPools-2"]);
    Some(match field {
        Field::Common(CommonField::Name) => (POOL, json!("ONE"), json!("One")),
        Field::Common(CommonField::Slug) => (POOL, json!("was"), json!("one")),
        Field::Pool(PoolField::Description) => (POOL, json!("was"), json!("now")),
        Field::Pool(PoolField::Type) => {
            (POOL, json!("StaticWorkerPool"), json!("DynamicWorkerPool"))
        }
        Field::Pool(PoolField::Image) => (POOL, json!("was"), json!("now")),
        Field::Space(SpaceField::DefaultPool) => {
            (POOL, json!("WorkerPools-2"), json!("WorkerPools-1"))
        }
        Field::Space(SpaceField::PoolOrder) => (ORDER, pools, order),
        // It is how the default pool is written, and recorded as that.
        Field::Space(SpaceField::IsDefault) => return None,
        Field::Worker(WorkerField::Pools) => {
            (LISTENING, json!(["WorkerPools-2"]), json!(["WorkerPools-1"]))
        }
        Field::Worker(WorkerField::Policy) => {
            (LISTENING, json!("MachinePolicies-2"), json!("MachinePolicies-1"))
        }
        Field::Worker(WorkerField::Disabled) => (LISTENING, json!(false), json!(true)),
        Field::Endpoint(field) => sample_endpoint(field)?,
        Field::Step(field) => sample_step(field)?,
        // The laws of indirect pools are about these.
        Field::Value(ValueField::Whole | ValueField::Pool) => return None,
        Field::Target(TargetField::Pool) => {
            (TARGET, json!("WorkerPools-2"), json!("WorkerPools-1"))
        }
        Field::Server(ServerField::BuiltInWorker) => (SERVER, json!(true), json!(false)),
    })
}

fn sample_endpoint(field: EndpointField) -> Option<(EntryObject, Value, Value)> {
    use EndpointField as F;
    Some(match field {
        // The style of a worker never changes.
        F::Style => return None,
        F::Uri => (LISTENING, json!("https://was:10933"), json!("https://now:10933")),
        F::Thumbprint => (LISTENING, json!(THUMBPRINTS[1]), json!(THUMBPRINTS[0])),
        F::Proxy => (SSH, json!("Proxies-2"), json!("Proxies-1")),
        F::Account => (SSH, json!("Accounts-2"), json!("Accounts-1")),
        F::Host => (SSH, json!("was"), json!("now")),
        F::Port => (SSH, json!(2222), json!(22)),
        F::Fingerprint => (SSH, json!("SHA256:was"), json!("SHA256:now")),
        F::Platform => (SSH, json!("linux-arm64"), json!("linux-x64")),
        F::Namespace => (AGENT, json!("was"), json!("now")),
        F::AgentMode => (AGENT, json!("Polling"), json!("Listening")),
        F::AgentUri => (AGENT, json!("https://was:10933"), json!("https://now:10933")),
        F::AgentThumbprint => (AGENT, json!(THUMBPRINTS[1]), json!(THUMBPRINTS[0])),
        F::UpgradeLocked => (LISTENING, json!(true), json!(false)),
        F::AgentUpgradeLocked => (AGENT, json!(true), json!(false)),
        F::AgentProxy => (AGENT, json!("Proxies-2"), json!("Proxies-1")),
    })
}

fn sample_step(field: StepField) -> Option<(EntryObject, Value, Value)> {
    // All that the container of `server` has, since a part that the apply did not write was edited later.
    let container = |image: &str| json!({ "Image": image, "FeedId": "Feeds-1", "Dockerfile": "now", "GitUrl": "now" });
    Some(match field {
        StepField::Pool => (STEP, json!("WorkerPools-2"), json!("WorkerPools-1")),
        // It and the pool are one place.
        StepField::Variable => return None,
        StepField::RunOnServer => (STEP, json!("false"), json!("true")),
        StepField::TargetRoles | StepField::ActionTargetRoles => (STEP, json!("was"), json!("now")),
        StepField::Container => (STEP, container("was"), container("now")),
        StepField::Image | StepField::Dockerfile | StepField::GitUrl => {
            (STEP, json!("was"), json!("now"))
        }
        StepField::Feed => (STEP, json!("Feeds-2"), json!("Feeds-1")),
        // The server changes it with the container only.
        StepField::BundledTooling => return None,
    })
}

fn entry(object: EntryObject, action: ChangeAction, written: Vec<WrittenField>) -> ReceiptEntry {
    let (kind, address, id) = object;
    ReceiptEntry {
        address: address.parse().unwrap(),
        kind,
        action,
        id: Some(id.to_owned()).filter(|id| !id.is_empty()),
        step_id: (kind == ObjectKind::Placement).then(|| "action-1".to_owned()),
        project_id: None,
        base: None,
        outcome: ChangeOutcome::Done,
        error: None,
        started: None,
        ended: None,
        written,
    }
}

/// Returns the changes that undo an entry, and the findings about it.
fn undo(entry: ReceiptEntry, live: &Live) -> (Vec<Change>, Vec<Finding>) {
    let pools = live.pools.iter().map(|pool| (pool.id.as_str().into(), pool.name.to_string()));
    let receipt = Receipt {
        format_version: String::new(),
        status: ApplyStatus::Done,
        tool: String::new(),
        server: ReceiptServer {
            url: String::new(),
            version: String::new(),
            space_id: String::new(),
            space: String::new(),
        },
        config: String::new(),
        origin: Default::default(),
        run: Default::default(),
        started: String::new(),
        ended: None,
        pools: pools.collect(),
        entries: vec![entry],
        unread: Vec::new(),
    };
    let (changes, mut findings) = plan_rollback(&receipt, live);
    findings.retain(|finding| finding.code != Code::FilesStillAsk);
    (changes, findings)
}

#[test]
fn every_edited_field_is_restored_or_reported() {
    let live = server();
    for field in Field::all() {
        let Some((object, before, after)) = sample(field) else { continue };
        let written = vec![WrittenField::new(field, Some(before), Some(after))];
        let (changes, findings) = undo(entry(object, ChangeAction::Update, written), &live);
        assert!(!changes.is_empty() || !findings.is_empty(), "`{field}` is forgotten");
        // What is left as it is has been edited since in none of these.
        let is_edited = |finding: &Finding| finding.code == Code::EditedSince;
        assert!(!findings.iter().any(is_edited), "{field}: {findings:#?}");
    }
}

#[test]
fn every_field_of_a_deleted_object_is_restored_or_reported() {
    let mut live = server();
    live.workers.clear();
    let gone = LivePool { default: true, ..live.pools.remove(0) };
    live.pools[0].default = true;
    live.pools.push(LivePool { id: Id::new("WorkerPools-3"), name: Name::new("Three"), ..gone });
    for (object, style) in [
        (POOL, "DynamicWorkerPool"),
        (LISTENING, "TentaclePassive"),
        (SSH, "Ssh"),
        (AGENT, "KubernetesTentacle"),
    ] {
        let fields = deleted_fields(object, style);
        let result = |fields: Vec<(Field, Value)>| {
            let written = fields.into_iter();
            let written = written.map(|(field, value)| WrittenField::new(field, Some(value), None));
            format!("{:#?}", undo(entry(object, ChangeAction::Delete, written.collect()), &live))
        };
        let whole = result(fields.clone());
        for at in 0..fields.len() {
            let mut without = fields.clone();
            let (field, _) = without.remove(at);
            assert_ne!(result(without), whole, "`{field}` of a deleted {style} is forgotten");
        }
    }
}

/// Returns the fields of a deleted object, with values that are not those of a new one.
fn deleted_fields(object: EntryObject, style: &str) -> Vec<(Field, Value)> {
    let value = |field: Field| match field {
        Field::Common(CommonField::Name) => {
            Some(json!(object.1.split('.').next_back().unwrap_or_default()))
        }
        Field::Pool(PoolField::Type) | Field::Endpoint(EndpointField::Style) => Some(json!(style)),
        Field::Worker(WorkerField::Disabled) => Some(json!(true)),
        Field::Worker(WorkerField::Pools) => Some(json!(["WorkerPools-2"])),
        Field::Common(_) | Field::Pool(_) | Field::Worker(_) => {
            sample(field).map(|(_, before, _)| before)
        }
        Field::Endpoint(field) => {
            let (of, before, after) = sample_endpoint(field)?;
            let is_mode = field == EndpointField::AgentMode;
            // Both Tentacles and SSH have a proxy.
            let has = of == object || (field == EndpointField::Proxy && object == LISTENING);
            has.then_some(if is_mode { after } else { before })
        }
        _ => None,
    };
    let is_pool = object == POOL;
    let fits = |field: &Field| match field {
        Field::Common(_) => true,
        Field::Pool(_) => is_pool,
        Field::Worker(_) | Field::Endpoint(_) => !is_pool,
        _ => false,
    };
    Field::all().filter(fits).filter_map(|field| Some((field, value(field)?))).collect()
}

#[test]
fn a_rollback_of_a_sample_can_be_planned() {
    let live = server();
    let (object, before, after) = sample(PoolField::Description.into()).unwrap();
    let written = vec![WrittenField::new(PoolField::Description, Some(before), Some(after))];
    let (changes, findings) = undo(entry(object, ChangeAction::Update, written), &live);
    let header = crate::plan::sample::plan(Vec::new(), Vec::new()).header;
    let plan = plan_from_changes(changes, findings, &live, header);
    assert_eq!(plan.changes[0].address.to_string(), "pools.One");
}
