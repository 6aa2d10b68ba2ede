//! The law of rollback, over every file and server that the laws of `diff` generate: a rollback
//! restores the server to its state before the apply.
//!
//! Everything that a file can declare is then equal, by names. The exceptions are the ids and the
//! health of objects that were deleted or replaced; the order of pools, if none was written; and a
//! branch that was created for a commit, which is kept.

mod fields;
mod indirect_pools;

use super::plan_rollback;
use crate::{
    desired::{Declared, Desired, PlacementVerdict},
    diff::{
        laws::{any_desired, any_live, is_possible, plan},
        plan_from_changes, simulate_changes,
    },
    finding::{Code, Span},
    live::{DirectoryEntry, Live, LivePool, LiveStep, LiveWorker},
    model::{Container, Id, LiveEndpoint, Name, Place, Pool, PoolKind, Process},
    plan::{
        Change, ChangeKind, CommonField, EndpointField, Field, Plan, PoolField, ServerField,
        SpaceField, StepField, ValueEdit, WorkerField, WrittenField, check_soundness,
    },
    receipt::{ChangeOutcome, Receipt},
};

use proptest::{collection::vec, option, prelude::*, sample::Index};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    slice::from_ref,
};

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, max_global_rejects: 100_000, ..ProptestConfig::default() })]

    #[test]
    fn a_rollback_restores_the_former_state(
        desired in any_desired(), live in any_live(),
        containers in (vec(0..3_usize, 4), vec(0..3_usize, 4)),
        cut in option::of(any::<Index>()), lost in option::of(any::<bool>()),
    ) {
        let (desired, live) = contained(desired, live, containers);
        let plan = plan(&desired, &live);
        prop_assume!(may_be_applied(&plan));
        let done = cut.map_or(plan.changes.len(), |cut| cut.index(plan.changes.len() + 1));
        let (receipt, done) = applied(&plan, &live, done, lost);

        let way = way(&receipt, &done, &plan);
        prop_assert_eq!(check_soundness(&way), Ok(()));
        prop_assert!(is_spelled(&way), "{:#?}", way.changes);
        let excuses: Vec<_> = way.findings.iter().filter(|it| is_excuse(it.code)).collect();
        prop_assert!(excuses.is_empty(), "{:#?}", excuses);
        let (undone, restored) = applied(&way, &done, way.changes.len(), None);
        prop_assert_eq!(seen(&restored, &live), seen(&live, &live));
        prop_assert_eq!(order(&restored, &live, &receipt), order(&live, &restored, &receipt));

        // A second rollback is empty, and the apply can be repeated.
        let again = self::way(&receipt, &restored, &plan);
        prop_assert!(again.changes.is_empty(), "{:#?}", again.changes);
        let there = self::way(&undone, &restored, &plan);
        prop_assert_eq!(check_soundness(&there), Ok(()));
        let (_, there) = applied(&there, &restored, there.changes.len(), None);
        prop_assert_eq!(seen(&there, &live), seen(&done, &live));
    }
}

/// Returns the file and the server with containers, by number, for rules and steps in turn; 0 is
/// none.
fn contained(
    mut desired: Desired,
    mut live: Live,
    (wanted, there): (Vec<usize>, Vec<usize>),
) -> (Desired, Live) {
    let container = |at: usize| {
        let feed = format!("Feeds-{at}");
        (0 < at).then(|| Container::from_image(format!("image:{at}"), feed))
    };
    for (rule, at) in desired.rules.iter_mut().zip(wanted) {
        if let PlacementVerdict::Place(target) = &mut rule.value.verdict {
            target.container =
                container(at).map(|it| Declared { value: Some(it), span: Span::default() });
        }
    }
    let steps = live.processes.iter_mut().flat_map(|it| &mut it.steps);
    for (step, at) in steps.zip(there.into_iter().cycle()) {
        step.container = container(at);
    }
    let feed = |at| DirectoryEntry {
        id: format!("Feeds-{at}"),
        name: Name::new(format!("feed {at}")),
        slug: String::new(),
        default: false,
    };
    live.directory.feeds = (1..3).map(feed).collect();
    (desired, live)
}

/// Whether the server would accept every change: no pool that is in use is deleted.
fn may_be_applied(plan: &Plan) -> bool {
    is_possible(plan) && plan.findings.iter().all(|finding| finding.code != Code::PoolInUse)
}

/// Whether a finding says that something is left unchanged. These servers are never edited, so none
/// may.
fn is_excuse(code: Code) -> bool {
    [Code::EditedSince, Code::NotUndone, Code::PoolInUse].contains(&code)
}

fn way(receipt: &Receipt, live: &Live, plan: &Plan) -> Plan {
    let (changes, findings) = plan_rollback(receipt, live);
    plan_from_changes(changes, findings, live, plan.header.clone())
}

/// Returns the receipt of an apply that ended after the given number of changes, and the server at
/// that time. The response to the next change may have been lost, whether or not the change was
/// made.
fn applied(plan: &Plan, live: &Live, done: usize, lost: Option<bool>) -> (Receipt, Live) {
    let mut receipt =
        Receipt::start_recording(&plan.header, &plan.changes, String::new(), String::new());
    let named = |pool: &LivePool| (pool.id.as_str().to_owned(), pool.name.to_string());
    receipt.pools = live.pools.iter().map(named).collect();
    let mut now = live.clone();
    for (at, (change, entry)) in plan.changes.iter().zip(&mut receipt.entries).enumerate() {
        let is_lost = at == done && lost.is_some();
        if done <= at && !is_lost {
            break;
        }
        let then = simulate_changes(&now, std::slice::from_ref(change));
        let written = written(change, &now, &then);
        entry.record_request(&written);
        if !is_lost {
            entry.record_success(made(change, &then).as_deref(), &written);
        }
        if !is_lost || lost == Some(true) {
            now = then;
        }
    }
    (receipt, now)
}

/// Returns the id of the object that a change created.
fn made(change: &Change, then: &Live) -> Option<String> {
    match &change.kind {
        ChangeKind::CreatePool(new) => Some(new_pool(then, &new.name).id.as_str().to_owned()),
        ChangeKind::CreateWorker(new) | ChangeKind::ReplaceWorker { new, .. } => {
            Some(new_worker(then, &new.name).id.as_str().to_owned())
        }
        _ => None,
    }
}

/// Returns the last pool with this name.
fn new_pool<'l>(then: &'l Live, name: &str) -> &'l LivePool {
    then.pools.iter().rev().find(|pool| pool.name.as_str() == name).unwrap()
}

/// Returns the last worker with this name.
fn new_worker<'l>(then: &'l Live, name: &str) -> &'l LiveWorker {
    then.workers.iter().rev().find(|worker| worker.name.as_str() == name).unwrap()
}

/// Returns what an apply records of one change: the fields that differ, in the server's spelling.
fn written(change: &Change, now: &Live, then: &Live) -> Vec<WrittenField> {
    let pool = |live: &Live, id: &Id<Pool>| of_pool(live.find_pool(id).unwrap());
    let worker = |live: &Live, id: &str| {
        of_worker(live.workers.iter().find(|other| other.id.as_str() == id).unwrap())
    };
    match &change.kind {
        ChangeKind::CreatePool(new) => differing(Vec::new(), of_pool(new_pool(then, &new.name))),
        ChangeKind::CreateWorker(new) => {
            differing(Vec::new(), of_worker(new_worker(then, &new.name)))
        }
        ChangeKind::UpdatePool { id, .. } => differing(pool(now, id), pool(then, id)),
        ChangeKind::DeletePool { id, .. } => differing(pool(now, id), Vec::new()),
        ChangeKind::UpdateWorker { id, .. } => {
            differing(worker(now, id.as_str()), worker(then, id.as_str()))
        }
        ChangeKind::DeleteWorker { id, .. } => differing(worker(now, id.as_str()), Vec::new()),
        ChangeKind::ReplaceWorker { id, new, .. } => {
            // Two writes in one entry: the old worker is deleted, and one with the same name is
            // created.
            let mut written = differing(worker(now, id.as_str()), Vec::new());
            let made = differing(Vec::new(), of_worker(new_worker(then, &new.name)));
            WrittenField::merge_into(&mut written, &made);
            written
        }
        ChangeKind::SetDefaultPool { .. } => {
            let default = |live: &Live| live.default_pool().map(|pool| json!(pool.id.as_str()));
            vec![written_field(SpaceField::DefaultPool, default(now), default(then))]
        }
        ChangeKind::SortPools { .. } => {
            let ids =
                |live: &Live| live.pools.iter().map(|other| json!(other.id.as_str())).collect();
            vec![written_field(SpaceField::PoolOrder, Some(ids(now)), Some(ids(then)))]
        }
        ChangeKind::SetBuiltInWorker { enabled: on } => {
            vec![written_field(ServerField::BuiltInWorker, Some(json!(!on)), Some(json!(on)))]
        }
        ChangeKind::PlaceStep { .. } => {
            differing(step(change, now).unwrap(), step(change, then).unwrap())
        }
        ChangeKind::SetValue { set, git, edit, .. } => {
            indirect_pools::of_value((set, git.as_ref()), edit, now, then)
        }
        ChangeKind::SetTargetPool { id, .. } => indirect_pools::of_target(id, now, then),
    }
}

/// Returns the fields of a change's step; on a branch that does not exist yet, those on its base.
fn step(change: &Change, live: &Live) -> Option<Fields> {
    let ChangeKind::PlaceStep { process, git, action, .. } = &change.kind else { return None };
    let base = git.as_ref().and_then(|git| git.base_document()).map(|base| base.process_id());
    let find = |id: &Id<Process>| live.processes.iter().find(|other| other.id == *id);
    let process = find(process).or_else(|| find(base.as_ref()?))?;
    process.steps.iter().find(|other| other.id == *action).map(of_step)
}

fn written_field(
    path: impl Into<Field>,
    before: Option<Value>,
    after: Option<Value>,
) -> WrittenField {
    let before_text = before.as_ref().map(escaped);
    WrittenField { before_text, ..WrittenField::new(path, before, after) }
}

/// Returns a value in the spelling of a server that escapes every letter.
fn escaped(value: &Value) -> String {
    let Value::String(text) = value else { return value.to_string() };
    let letters = text.encode_utf16().map(|utf16| format!("\\u{utf16:04x}"));
    format!("\"{}\"", letters.collect::<String>())
}

/// Whether each restored field has its original spelling, unless the id of its pool has changed.
fn is_spelled(way: &Plan) -> bool {
    let fields = way.changes.iter().flat_map(|change| match &change.kind {
        ChangeKind::PlaceStep { edits, .. } => edits.restored_fields(),
        ChangeKind::SetValue { edit: ValueEdit::Change { restored: exactly, .. }, .. }
        | ChangeKind::SetTargetPool { restored: exactly, .. } => {
            exactly.as_deref().map_or(Default::default(), from_ref)
        }
        _ => &[],
    });
    let mut fields = fields.filter(|it| it.after_text.is_some());
    fields.all(|field| {
        field.before_text.is_none() && field.after_text == field.after.as_ref().map(escaped)
    })
}

type Fields = Vec<(Field, Value)>;

/// Returns the fields that differ before and after; a field that is not listed is absent.
fn differing(before: Fields, after: Fields) -> Vec<WrittenField> {
    let find = |fields: &Fields, field: Field| {
        fields.iter().find(|(other, _)| *other == field).map(|(_, value)| value.clone())
    };
    let both = before.iter().chain(&after).map(|(field, _)| (field.to_string(), *field));
    let fields: BTreeMap<String, Field> = both.collect();
    let written = |field: Field| written_field(field, find(&before, field), find(&after, field));
    fields.into_values().map(written).filter(|other| other.before != other.after).collect()
}

fn of_pool(pool: &LivePool) -> Fields {
    let mut fields = vec![
        (CommonField::Name.into(), json!(pool.name.as_str())),
        (CommonField::Slug.into(), json!(pool.slug)),
        (PoolField::Description.into(), json!(pool.description)),
    ];
    match &pool.kind {
        PoolKind::Static => fields.push((PoolField::Type.into(), json!("StaticWorkerPool"))),
        PoolKind::Dynamic { image } => {
            fields.push((PoolField::Type.into(), json!("DynamicWorkerPool")));
            fields.push((PoolField::Image.into(), json!(image)));
        }
    }
    fields
}

fn of_worker(worker: &LiveWorker) -> Fields {
    let pools: Vec<&str> = worker.pools.iter().map(Id::as_str).collect();
    let (style, uri, thumbprint) = match &worker.endpoint {
        LiveEndpoint::Listening { url, thumbprint, .. } => ("TentaclePassive", url, thumbprint),
        LiveEndpoint::Polling { subscription, thumbprint } => {
            ("TentacleActive", subscription, thumbprint)
        }
        other => panic!("{other:?}"),
    };
    vec![
        (CommonField::Name.into(), json!(worker.name.as_str())),
        (WorkerField::Pools.into(), json!(pools)),
        (WorkerField::Policy.into(), json!(worker.policy.id.as_str())),
        (WorkerField::Disabled.into(), json!(worker.disabled)),
        (EndpointField::Style.into(), json!(style)),
        (EndpointField::Uri.into(), json!(uri)),
        (EndpointField::Thumbprint.into(), json!(thumbprint)),
    ]
}

/// Returns a step's fields. An empty field is absent in one step, and `null` in the next.
fn of_step(step: &LiveStep) -> Fields {
    let (pool, variable) = match &step.place {
        Place::Pool(id) => (json!(id.as_str()), json!(null)),
        Place::Variable(name) => (json!(null), json!(name)),
        Place::DefaultPool => (json!(null), json!(null)),
    };
    let mut fields = vec![
        (StepField::Pool.into(), pool),
        (StepField::Variable.into(), variable),
        (StepField::TargetRoles.into(), json!(step.target_roles)),
    ];
    let container = step.container.as_ref();
    fields.push((StepField::Feed.into(), json!(container.map(|it| &it.feed))));
    fields.push((StepField::Image.into(), json!(container.map(|it| &it.image))));
    if let Some(on) = step.run_on_server {
        fields.push((StepField::RunOnServer.into(), json!(on.to_string())));
    }
    if step.id.as_str().ends_with(['0', '2']) {
        fields.retain(|(_, value)| !value.is_null());
    }
    fields
}

/// Returns everything of a server that a file can declare, by names; only the processes of `first`.
fn seen(live: &Live, first: &Live) -> BTreeSet<String> {
    let name =
        |id: &Id<Pool>| live.find_pool(id).map_or(id.as_str(), |it| it.name.as_str()).to_owned();
    let pools = live.pools.iter().map(|pool| {
        format!(
            "pool {} {:?} {:?} {:?} default: {}",
            pool.name.as_str(),
            pool.slug,
            pool.description,
            pool.kind,
            pool.default
        )
    });
    let workers = live.workers.iter().map(|worker| {
        let (pools, policy) =
            (worker.pools.iter().map(name).collect::<BTreeSet<_>>(), &worker.policy.id);
        format!(
            "worker {} {:?} {pools:?} {policy:?} disabled: {}",
            worker.name.as_str(),
            worker.endpoint,
            worker.disabled
        )
    });
    let known = |id| first.processes.iter().any(|process| process.id == id);
    let processes = live.processes.iter().filter(|it| known(it.id.clone()));
    let steps = processes.flat_map(|process| {
        process.steps.iter().map(move |candidate| {
            let place = match &candidate.place {
                Place::Pool(id) => format!("pool {}", name(id)),
                other => format!("{other:?}"),
            };
            let (process, step) = (process.id.as_str(), candidate.id.as_str());
            let (switch, tags, container) =
                (candidate.run_on_server, &candidate.target_roles, &candidate.container);
            format!("step {process} {step} {place} {switch:?} {tags:?} {container:?}")
        })
    });
    let switch = format!("built-in worker: {:?}", live.server.built_in_worker);
    pools.chain(workers).chain(steps).chain([switch]).collect()
}

/// Returns the names of the pools in order: all pools if the order was written, otherwise those
/// that stayed.
fn order<'a>(live: &'a Live, other: &Live, receipt: &Receipt) -> Vec<&'a str> {
    let mut written = receipt.entries.iter().filter(|entry| entry.outcome == ChangeOutcome::Done);
    let sorted = written
        .any(|entry| entry.written.iter().any(|field| field.field == SpaceField::PoolOrder.into()));
    let pools = live.pools.iter().filter(|pool| sorted || other.find_pool(&pool.id).is_some());
    pools.map(|it| it.name.as_str()).collect()
}
