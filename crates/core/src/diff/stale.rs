//! Whether the server is still as a plan expects it: what the plan changes, and what it relies on beside.
//!
//! Edits of anything else do not matter. Never: judging whether the plan would still be a good one.

mod observer;

use crate::{
    live::{Live, LiveProcess, LiveVariableSet},
    model::{
        Address, Container, Endpoint, Execution, Id, Linked, Place, Pool, PoolHandle, Process,
        VariableSet, VariableValue,
    },
    plan::{
        Change, ChangeKind, Expectation, ExpectationSubject, Feed, Plan, PlannedCommit,
        PlannedValueScope, PoolEdit, StepEdit, ValueEdit, WorkerEdit,
    },
};

use observer::Observer;
pub(super) use observer::{ENABLED, HEALTHY};
use std::collections::BTreeSet;

/// Something that is no longer as a plan expects it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaleExpectation {
    /// What it is about; none for what has no address.
    pub address: Option<Address>,
    /// Which field or fact.
    pub field: String,
    /// What the plan expects.
    pub expected: String,
    /// What is there.
    pub found: String,
}

/// What a plan expects and `live` no longer has; empty where the plan may be carried out.
pub fn find_stale(plan: &Plan, live: &Live) -> Vec<StaleExpectation> {
    let observer = Observer::new(live);
    let changes = plan.changes.iter();
    let own = changes.flat_map(|change| {
        change_expectations(change).into_iter().map(|rely| (Some(&change.address), rely))
    });
    let beside = plan
        .expectations
        .iter()
        .map(|expectation| (subject_address(plan, &expectation.subject), expectation.clone()));
    let all = own.chain(beside);
    all.filter_map(|(address, rely)| observer.check_expectation(address, &rely)).collect()
}

/// What `changes` rely on beside the fields that they change, as it is in `live`.
pub(super) fn plan_expectations(changes: &[Change], live: &Live) -> Vec<Expectation> {
    let mut subjects = BTreeSet::new();
    for change in changes {
        subjects.extend(expectation_subjects(change));
    }
    let observer = Observer::new(live);
    let rely = |subject| Expectation { expected: observer.observe_fact(&subject), subject };
    subjects.into_iter().map(rely).collect()
}

/// What a change relies on and does not change.
fn expectation_subjects(change: &Change) -> Vec<ExpectationSubject> {
    let has_worker = |pool: &PoolHandle| {
        pool.id().map(|id| ExpectationSubject::EnabledWorker(id.as_str().to_owned()))
    };
    match &change.kind {
        // The server never deletes a default pool.
        ChangeKind::DeletePool { id, .. } => {
            vec![
                ExpectationSubject::PoolUsers(id.as_str().to_owned()),
                ExpectationSubject::DefaultPool,
            ]
        }
        ChangeKind::PlaceStep { process, git, action, edits, .. } => {
            let process = source_process(process, git.as_ref());
            let step = ExpectationSubject::Step(
                process.as_str().into(),
                action.as_str().into(),
                "runs".into(),
            );
            let places = edits.iter().filter_map(|edit| match edit {
                StepEdit::Place(place) => Some(place.after()),
                StepEdit::Execution { .. } | StepEdit::Container(_) => None,
            });
            let pools = places.filter_map(|place| match place {
                Place::Pool(pool) => has_worker(pool),
                Place::DefaultPool => Some(ExpectationSubject::DefaultPool),
                Place::Variable(_) => None,
            });
            let named = ExpectationSubject::Step(
                process.as_str().into(),
                action.as_str().into(),
                "step".into(),
            );
            [step, named].into_iter().chain(pools).collect()
        }
        ChangeKind::SetValue { edit, .. } => {
            edit.pool_after().and_then(has_worker).into_iter().collect()
        }
        ChangeKind::SetTargetPool { pool, .. } => match pool.after() {
            Some(pool) => has_worker(pool).into_iter().collect(),
            None => vec![ExpectationSubject::DefaultPool],
        },
        ChangeKind::SetDefaultPool { to, .. } => {
            has_worker(to).into_iter().chain([ExpectationSubject::DefaultPool]).collect()
        }
        ChangeKind::SortPools { .. } => vec![ExpectationSubject::PoolOrder],
        ChangeKind::SetBuiltInWorker { enabled: false } => {
            vec![ExpectationSubject::BuiltInWorkerUsers]
        }
        ChangeKind::CreatePool(_)
        | ChangeKind::UpdatePool { .. }
        | ChangeKind::CreateWorker(_)
        | ChangeKind::UpdateWorker { .. }
        | ChangeKind::ReplaceWorker { .. }
        | ChangeKind::DeleteWorker { .. }
        | ChangeKind::SetBuiltInWorker { enabled: true } => Vec::new(),
    }
}

/// What a change's own payload says of the state before it.
fn change_expectations(change: &Change) -> Vec<Expectation> {
    let rely = |subject, field_before| Expectation { subject, expected: field_before };
    match &change.kind {
        ChangeKind::CreatePool(new) => {
            vec![rely(ExpectationSubject::PoolName(new.name.clone()), ABSENT.into())]
        }
        ChangeKind::CreateWorker(new) => {
            vec![rely(ExpectationSubject::WorkerName(new.name.clone()), ABSENT.into())]
        }
        ChangeKind::UpdatePool { id, edits } => {
            let seen = |edit: &PoolEdit| match edit {
                PoolEdit::Name(delta) => ("name", delta.before().clone()),
                PoolEdit::Description(delta) => ("description", delta.before().clone()),
                PoolEdit::Image(delta) => ("image", delta.before().clone()),
            };
            let seen = edits.iter().map(seen);
            seen.map(|(field, seen)| {
                rely(ExpectationSubject::Pool(id.as_str().into(), field.into()), seen)
            })
            .collect()
        }
        ChangeKind::UpdateWorker { id, edits } => {
            let seen = edits.iter().map(worker_before);
            seen.map(|(field, seen)| {
                rely(ExpectationSubject::Worker(id.as_str().into(), field.into()), seen)
            })
            .collect()
        }
        ChangeKind::ReplaceWorker { id, kind, .. } => {
            vec![rely(ExpectationSubject::Worker(id.as_str().into(), "kind".into()), kind.clone())]
        }
        ChangeKind::DeleteWorker { id, name } => {
            vec![rely(ExpectationSubject::Worker(id.as_str().into(), "name".into()), name.clone())]
        }
        ChangeKind::DeletePool { id, name } => {
            vec![rely(ExpectationSubject::Pool(id.as_str().into(), "name".into()), name.clone())]
        }
        ChangeKind::PlaceStep { process, git, action, edits, .. } => {
            let process = source_process(process, git.as_ref());
            let subject = |field: &str| {
                ExpectationSubject::Step(
                    process.as_str().into(),
                    action.as_str().into(),
                    field.into(),
                )
            };
            let seen = edits.iter().map(step_before);
            seen.map(|(field, seen)| rely(subject(field), seen)).collect()
        }
        ChangeKind::SetValue { set, git, name, edit } => {
            vec![value_before(&source_variable_set(set, git.as_ref()), name, edit)]
        }
        ChangeKind::SetTargetPool { id, pool, .. } => {
            let seen = pool.before().as_ref().map_or(NO_POOL, |it| it.id().map_or("", Id::as_str));
            vec![rely(ExpectationSubject::TargetPool(id.as_str().into()), seen.to_owned())]
        }
        ChangeKind::SetBuiltInWorker { enabled: on } => {
            vec![rely(ExpectationSubject::BuiltInWorker, (!on).to_string())]
        }
        ChangeKind::SetDefaultPool { .. } | ChangeKind::SortPools { .. } => Vec::new(),
    }
}

/// The process that a change was planned from: on a branch that is yet to be made, that of its base.
fn source_process(process: &Id<Process>, git: Option<&PlannedCommit>) -> Id<Process> {
    match git {
        Some(PlannedCommit { project, document, base: Some(base), .. }) => {
            LiveProcess::id_on_branch(project, document, base)
        }
        _ => process.clone(),
    }
}

/// The set of variables that a change was planned from.
fn source_variable_set(set: &Id<VariableSet>, git: Option<&PlannedCommit>) -> Id<VariableSet> {
    match git {
        Some(PlannedCommit { project, document, base: Some(base), .. }) => {
            LiveVariableSet::id_on_branch(project, document, base)
        }
        _ => set.clone(),
    }
}

const ABSENT: &str = "absent";
/// What is seen of a value or of a target that names no pool.
const NO_POOL: &str = "none";

fn value_before(set: &Id<VariableSet>, name: &str, edit: &ValueEdit) -> Expectation {
    let value =
        |id: &Id<VariableValue>| ExpectationSubject::Value(set.as_str().into(), id.as_str().into());
    let pool = |handle: Option<&PoolHandle>| {
        handle.map_or(NO_POOL, |it| it.id().map_or("", Id::as_str)).to_owned()
    };
    let named = |scope: &PlannedValueScope| {
        ExpectationSubject::ScopedValue(set.as_str().into(), name.to_owned(), scope.describe())
    };
    match edit {
        ValueEdit::Add { scope, .. } => {
            Expectation { subject: named(scope), expected: ABSENT.to_owned() }
        }
        ValueEdit::Change { id, scope, .. } | ValueEdit::Remove { id, scope, .. } => {
            let subject = scope.as_ref().map_or_else(|| value(id), named);
            Expectation { subject, expected: pool(edit.pool_before()) }
        }
    }
}

fn worker_before(edit: &WorkerEdit) -> (&'static str, String) {
    match edit {
        WorkerEdit::Name(delta) => ("name", delta.before().clone()),
        WorkerEdit::Endpoint(delta) => ("endpoint", endpoint_fact(delta.before())),
        WorkerEdit::Pools(delta) => {
            ("pools", join_pool_ids(delta.before().iter().filter_map(PoolHandle::id)))
        }
        WorkerEdit::Policy(delta) => ("policy", delta.before().id.as_str().to_owned()),
        WorkerEdit::Disabled(delta) => ("disabled", delta.before().to_string()),
    }
}

fn step_before(edit: &StepEdit) -> (&'static str, String) {
    match edit {
        StepEdit::Place(delta) => ("pool", place_fact(delta.before(), |pool| pool.id())),
        StepEdit::Execution { execution, target_roles, .. } => {
            ("execution", execution_fact(*execution.before(), target_roles))
        }
        StepEdit::Container(delta) => {
            let before = delta.before().as_ref();
            ("container", container_fact(before, |feed: &Linked<Feed>| feed.id.as_str()))
        }
    }
}

/// An endpoint as text: what it points at counts by its id, and not by its name.
fn endpoint_fact(endpoint: &Endpoint) -> String {
    let id = |proxy: &Option<Linked<_>>| proxy.as_ref().map(|it| it.id.as_str().to_owned());
    match endpoint {
        Endpoint::Listening { url, thumbprint, proxy } => {
            format!("listening {url} {thumbprint} {:?}", id(proxy))
        }
        Endpoint::Ssh { host, port, account, fingerprint, platform, proxy } => {
            let account = account.id.as_str();
            format!("ssh {account}@{host}:{port} {fingerprint} {platform:?} {:?}", id(proxy))
        }
        other => format!("{other:?}"),
    }
}

fn join_pool_ids<'a>(ids: impl Iterator<Item = &'a Id<Pool>>) -> String {
    let ids: BTreeSet<_> = ids.map(Id::as_str).collect();
    ids.into_iter().collect::<Vec<_>>().join(" ")
}

fn place_fact<P>(place: &Place<P>, id: impl Fn(&P) -> Option<&Id<Pool>>) -> String {
    match place {
        Place::Pool(pool) => id(pool).map_or("", Id::as_str).to_owned(),
        Place::Variable(name) => format!("variable {name}"),
        Place::DefaultPool => "default".to_owned(),
    }
}

fn execution_fact(execution: Execution, target_roles: &str) -> String {
    format!("{} [{}]", execution.as_str(), target_roles.trim())
}

fn container_fact<F>(container: Option<&Container<F>>, feed: impl Fn(&F) -> &str) -> String {
    container
        .map_or("none".to_owned(), |other| format!("{} from {}", other.image, feed(&other.feed)))
}

/// What a subject is, in words.
fn describe_subject(subject: &ExpectationSubject) -> String {
    match subject {
        ExpectationSubject::PoolName(name) => format!("a pool named {name:?}"),
        ExpectationSubject::WorkerName(name) => format!("a worker named {name:?}"),
        ExpectationSubject::Pool(_, field)
        | ExpectationSubject::Worker(_, field)
        | ExpectationSubject::Step(_, _, field) => field.clone(),
        ExpectationSubject::Value(..) | ExpectationSubject::TargetPool(_) => "pool".to_owned(),
        ExpectationSubject::ScopedValue(_, name, scope) => match scope.is_empty() {
            true => format!("a value of {name:?} without a scope"),
            false => format!("a value of {name:?} for {scope}"),
        },
        ExpectationSubject::PoolUsers(_) => "a new user of it".to_owned(),
        ExpectationSubject::EnabledWorker(id) => format!("pool {id}"),
        ExpectationSubject::BuiltInWorker => "the built-in worker".to_owned(),
        ExpectationSubject::BuiltInWorkerUsers => "a new user of it".to_owned(),
        ExpectationSubject::DefaultPool => "the default pool".to_owned(),
        ExpectationSubject::PoolOrder => "the order of the pools".to_owned(),
    }
}

/// The address that a subject is about, as the plan knows it.
fn subject_address<'a>(plan: &'a Plan, subject: &ExpectationSubject) -> Option<&'a Address> {
    let about = |change: &&Change| match (subject, &change.kind) {
        (
            ExpectationSubject::Step(process, action, _),
            ChangeKind::PlaceStep { process: p, git, action: a, .. },
        ) => process == source_process(p, git.as_ref()).as_str() && action == a.as_str(),
        (ExpectationSubject::PoolUsers(pool), ChangeKind::DeletePool { id, .. }) => {
            pool == id.as_str()
        }
        (ExpectationSubject::BuiltInWorkerUsers, ChangeKind::SetBuiltInWorker { .. })
        | (ExpectationSubject::PoolOrder, ChangeKind::SortPools { .. }) => true,
        _ => false,
    };
    plan.changes.iter().find(about).map(|change| &change.address)
}
