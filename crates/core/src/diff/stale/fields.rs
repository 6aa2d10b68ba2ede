//! The fields that a plan changes: whether they still are what the plan says that they were.

use super::{NONE, StaleExpectation, observer::Observer, source_process, source_variable_set};
use crate::{
    live::{LiveStep, LiveWorker, MachinePolicy, RunLocation, classify_step},
    model::{
        Container, Execution, Id, Linked, LiveEndpoint, Name, Place, Pool, PoolHandle, PoolKind,
        VariableSet, Worker,
    },
    plan::{
        ABSENT, Change, ChangeKind, NewWorker, PoolEdit, StepEdit, ValueEdit, WorkerEdit,
        endpoint_fields,
    },
};

use std::collections::BTreeSet;

/// The fields that a change is about and that are no longer as its payload says.
pub(super) fn stale_fields(change: &Change, observer: &Observer) -> Vec<StaleExpectation> {
    let checked = match &change.kind {
        ChangeKind::CreatePool(new) => {
            let name = Name::new(&new.name);
            let exists = observer.live.pools.iter().any(|pool| pool.name == name);
            vec![compare_absent(format!("a pool named {:?}", new.name), exists)]
        }
        ChangeKind::CreateWorker(new) => {
            let name = Name::new(&new.name);
            let exists = observer.live.workers.iter().any(|worker| worker.name == name);
            vec![compare_absent(format!("a worker named {:?}", new.name), exists)]
        }
        ChangeKind::UpdatePool { id, edits } => {
            edits.iter().map(|edit| compare_pool(observer, id, edit)).collect()
        }
        ChangeKind::DeletePool { id, name } => {
            let found = observer.find_pool(id).map(|pool| pool.name.as_str());
            vec![compare_text("name", name, found)]
        }
        ChangeKind::UpdateWorker { id, edits } => {
            edits.iter().map(|edit| compare_worker(observer, id, edit)).collect()
        }
        ChangeKind::ReplaceWorker { id, name, kind, old, .. } => {
            let worker = observer.find_worker(id);
            let shown = old.iter().flat_map(|old| compare_replaced(observer, old, worker));
            let found = worker.map(|worker| worker.endpoint.kind());
            let name = compare_text("name", name, worker.map(|worker| worker.name.as_str()));
            [name, compare_text("kind", kind, found)].into_iter().chain(shown).collect()
        }
        ChangeKind::DeleteWorker { id, name } => {
            let found = observer.find_worker(id).map(|worker| worker.name.as_str());
            vec![compare_text("name", name, found)]
        }
        ChangeKind::PlaceStep { process, git, action, edits, .. } => {
            let step = observer.find_step(&source_process(process, git.as_ref()), action);
            edits.iter().map(|edit| compare_step(observer, step, edit)).collect()
        }
        ChangeKind::SetValue { set, git, name, edit } => {
            vec![compare_value(observer, &source_variable_set(set, git.as_ref()), name, edit)]
        }
        ChangeKind::SetTargetPool { id, pool, .. } => {
            let mut targets = observer.live.indirect.targets.iter();
            let target = targets.find(|target| target.id == *id);
            let found = target.map(|target| target.pool.as_ref());
            vec![compare_holder(observer, "pool".to_owned(), Some(pool.before().as_ref()), found)]
        }
        ChangeKind::SetBuiltInWorker { enabled } => {
            let found = observer.live.server.built_in_worker.unwrap_or(true);
            let describe = |on| if on { "on".to_owned() } else { "off".to_owned() };
            vec![compare("the built-in worker", Some(!enabled), Some(found), describe)]
        }
        ChangeKind::SetDefaultPool { from, .. } => {
            vec![compare_default_pool(observer, from.as_ref())]
        }
        ChangeKind::SortPools { before, .. } => vec![compare_pool_order(observer, before)],
    };
    let address = Some(change.address.clone());
    let stale = checked.into_iter().flatten();
    stale.map(|stale| StaleExpectation { address: address.clone(), ..stale }).collect()
}

fn compare_default_pool(
    observer: &Observer,
    from: Option<&PoolHandle>,
) -> Option<StaleExpectation> {
    let found = observer.live.default_pool().map(|pool| &pool.id);
    let expected = from.and_then(PoolHandle::id);
    compare("the default pool", expected, found, |pool| observer.pool_name(pool))
}

fn compare_pool_order(observer: &Observer, before: &[PoolHandle]) -> Option<StaleExpectation> {
    let expected: Vec<_> = before.iter().filter_map(PoolHandle::id).collect();
    let found = observer.live.pools.iter().map(|pool| &pool.id).collect();
    compare("the order of the pools", Some(expected), Some(found), |pools| {
        let names = pools.into_iter().map(|pool| observer.pool_name(pool));
        names.collect::<Vec<_>>().join(" ")
    })
}

/// How two values of a field differ, each none where the field is not there; none where they do not.
fn compare<T: PartialEq>(
    field: impl Into<String>,
    expected: Option<T>,
    found: Option<T>,
    describe: impl Fn(T) -> String,
) -> Option<StaleExpectation> {
    if expected == found {
        return None;
    }
    let describe = |value: Option<T>, none: &str| value.map_or_else(|| none.to_owned(), &describe);
    let (expected, found) = (describe(expected, NONE), describe(found, ABSENT));
    Some(StaleExpectation { address: None, field: field.into(), expected, found })
}

fn compare_text(field: &str, expected: &str, found: Option<&str>) -> Option<StaleExpectation> {
    compare(field, Some(expected), found, str::to_owned)
}

fn compare_absent(what: String, exists: bool) -> Option<StaleExpectation> {
    compare(what, None, exists.then_some(()), |()| "there".to_owned())
}

fn compare_pool(observer: &Observer, id: &Id<Pool>, edit: &PoolEdit) -> Option<StaleExpectation> {
    let pool = observer.find_pool(id);
    match edit {
        PoolEdit::Name(delta) => {
            compare_text("name", delta.before(), pool.map(|pool| pool.name.as_str()))
        }
        PoolEdit::Slug(delta) => {
            compare_text("slug", delta.before(), pool.map(|pool| pool.slug.as_str()))
        }
        PoolEdit::Description(delta) => {
            compare_text("description", delta.before(), pool.map(|pool| pool.description.as_str()))
        }
        PoolEdit::Image(delta) => {
            let image = pool.and_then(|pool| match &pool.kind {
                PoolKind::Dynamic { image } => Some(image.as_str()),
                PoolKind::Static => None,
            });
            compare_text("image", delta.before(), image)
        }
    }
}

fn compare_worker(
    observer: &Observer,
    id: &Id<Worker>,
    edit: &WorkerEdit,
) -> Option<StaleExpectation> {
    let worker = observer.find_worker(id);
    match edit {
        WorkerEdit::Name(delta) => {
            compare_text("name", delta.before(), worker.map(|worker| worker.name.as_str()))
        }
        WorkerEdit::Slug(delta) => {
            compare_text("slug", delta.before(), worker.map(|worker| worker.slug.as_str()))
        }
        WorkerEdit::Endpoint(delta) => compare_endpoint(delta.before(), worker),
        WorkerEdit::Pools(delta) => {
            let expected: BTreeSet<_> = delta.before().iter().filter_map(PoolHandle::id).collect();
            let found = worker.map(|worker| worker.pools.iter().collect());
            compare("pools", Some(expected), found, |pools: BTreeSet<&Id<Pool>>| {
                let names = pools.into_iter().map(|pool| observer.pool_name(pool));
                names.collect::<Vec<_>>().join(" ")
            })
        }
        WorkerEdit::Policy(delta) => compare_policy(delta.before(), worker),
        WorkerEdit::Disabled(delta) => {
            let found = worker.map(|worker| worker.disabled);
            compare("disabled", Some(*delta.before()), found, |disabled| disabled.to_string())
        }
    }
}

/// Compares a worker that is replaced with what the plan shows of it.
fn compare_replaced(
    observer: &Observer,
    old: &NewWorker<LiveEndpoint>,
    worker: Option<&LiveWorker>,
) -> Vec<Option<StaleExpectation>> {
    let NewWorker { name, endpoint, pools, policy, disabled, restored: _ } = old;
    let pools: Vec<_> = pools.iter().filter_map(PoolHandle::id).collect();
    let found = worker.map(|worker| worker.pools.iter().collect());
    let describe_pools = |pools: Vec<&Id<Pool>>| {
        let names = pools.into_iter().map(|pool| observer.pool_name(pool));
        names.collect::<Vec<_>>().join(" ")
    };
    vec![
        compare_text("name", name, worker.map(|worker| worker.name.as_str())),
        compare_endpoint(endpoint, worker),
        compare("pools", Some(pools), found, describe_pools),
        policy.as_ref().and_then(|policy| compare_policy(policy, worker)),
        compare("disabled", Some(*disabled), worker.map(|worker| worker.disabled), |disabled| {
            disabled.to_string()
        }),
    ]
}

/// Compares an endpoint in what it does and in what is shown of it: the names of what it links to.
fn compare_endpoint(
    expected: &LiveEndpoint,
    worker: Option<&LiveWorker>,
) -> Option<StaleExpectation> {
    let both = |endpoint| (endpoint, endpoint_fields(endpoint));
    let found = worker.map(|worker| both(&worker.endpoint));
    compare("endpoint", Some(both(expected)), found, |(endpoint, _)| describe_endpoint(endpoint))
}

/// Compares a policy by its id and by its name.
fn compare_policy(
    expected: &Linked<MachinePolicy>,
    worker: Option<&LiveWorker>,
) -> Option<StaleExpectation> {
    let both = |policy: &'_ Linked<MachinePolicy>| (policy.id.clone(), policy.name.clone());
    let found = worker.map(|worker| both(&worker.policy));
    compare("policy", Some(both(expected)), found, |(_, name)| name)
}

fn compare_step(
    observer: &Observer,
    step: Option<&LiveStep>,
    edit: &StepEdit,
) -> Option<StaleExpectation> {
    match edit {
        StepEdit::Place(delta) => {
            let found = step.map(|step| match &step.place {
                Place::Pool(id) => Place::Pool(observer.pool_handle(id)),
                Place::Variable(name) => Place::Variable(name.clone()),
                Place::DefaultPool => Place::DefaultPool,
            });
            compare("pool", Some(delta.before().clone()), found, |place| match place {
                Place::Pool(pool) => observer.describe_pool(&pool),
                Place::Variable(name) => format!("variable {name}"),
                Place::DefaultPool => "default".to_owned(),
            })
        }
        StepEdit::Execution { execution, target_roles, .. } => {
            let expected = (*execution.before(), target_roles.trim());
            let found = step.map(|step| match classify_step(step) {
                RunLocation::OnWorker(execution) => (execution, step.target_roles.trim()),
                _ => (Execution::OnTargets, step.target_roles.trim()),
            });
            compare("execution", Some(expected), found, |(execution, roles)| {
                format!("{} [{roles}]", execution.as_str())
            })
        }
        StepEdit::Container(delta) => {
            let found = step.map(|step| {
                step.container.as_ref().map(|it| it.map_feed(|feed| Linked::new(feed, feed)))
            });
            compare("container", Some(delta.before().clone()), found, |container| {
                container.map_or("none".to_owned(), |container| {
                    let Container { image, feed, dockerfile, git_url } = container;
                    let texts = [image, feed.id.as_str().to_owned(), dockerfile, git_url];
                    let texts: Vec<String> =
                        texts.into_iter().filter(|it| !it.is_empty()).collect();
                    texts.join(" from ")
                })
            })
        }
    }
}

fn compare_value(
    observer: &Observer,
    set: &Id<VariableSet>,
    name: &str,
    edit: &ValueEdit,
) -> Option<StaleExpectation> {
    let (id, scope, expected) = match edit {
        ValueEdit::Add { scope, .. } => (None, Some(scope), None),
        ValueEdit::Change { id, scope, .. } | ValueEdit::Remove { id, scope, .. } => {
            (Some(id), scope.as_ref(), Some(edit.pool_before()))
        }
    };
    let scope = scope.map(|scope| scope.describe());
    let wanted = Name::new(name);
    let mut values = observer.live.indirect.variables.iter().filter(|value| value.set == *set);
    // Where a value is stored in Git, its id is but its place.
    let value = values.find(|value| match &scope {
        Some(scope) => value.name == wanted && value.scope.describe() == *scope,
        None => Some(&value.id) == id,
    });
    let field = match scope.as_deref() {
        None => "pool".to_owned(),
        Some("") => format!("a value of {name:?} without a scope"),
        Some(scope) => format!("a value of {name:?} for {scope}"),
    };
    compare_holder(observer, field, expected, value.map(|value| value.pool.as_ref()))
}

/// Compares the pool of a value or of a target.
fn compare_holder(
    observer: &Observer,
    field: String,
    expected: Option<Option<&PoolHandle>>,
    found: Option<Option<&Id<Pool>>>,
) -> Option<StaleExpectation> {
    let found = found.map(|pool| pool.map(|id| observer.pool_handle(id)));
    compare(field, expected.map(Option::<&_>::cloned), found, |pool| {
        pool.map_or("none".to_owned(), |pool| observer.describe_pool(&pool))
    })
}

fn describe_endpoint(endpoint: &LiveEndpoint) -> String {
    let fields = endpoint_fields(endpoint).into_iter().filter(|(_, value)| !value.is_null());
    let fields: Vec<_> = fields.map(|(path, value)| format!("{path} {value}")).collect();
    if fields.is_empty() { endpoint.kind().to_owned() } else { fields.join(", ") }
}
