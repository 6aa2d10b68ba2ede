//! Plans changes to workers: create, update, move, replace.

use super::{
    endpoint::ResolvedEndpoint, listed::WorkerList, matched::Matched, pools::spelling_change,
};
use crate::{
    desired::{Declared, DesiredEndpoint, DesiredWorker},
    finding::{Code, Finding},
    live::{LiveServer, LiveWorker, MachinePolicy},
    model::{Address, Linked, LiveEndpoint, Name, PoolHandle},
    plan::{
        Change, ChangeKind, Delta, NewWorker, RestoredWorker, WorkerEdit, final_worker_slug,
        interim_worker_name,
    },
    text::quote_argument,
};

use std::collections::HashMap;

/// Plans creates, updates and replacements, in the file's order.
///
/// `is_deleted` is true for live workers that the plan deletes.
pub(super) fn plan_worker_changes(
    matched: &Matched,
    is_deleted: impl Fn(&LiveWorker) -> bool,
    findings: &mut Vec<Finding>,
) -> Vec<Change> {
    let mut changes = Vec::new();
    let taken = live_endpoints(matched, is_deleted);
    for (key, declared) in &matched.desired.workers {
        let address = Address::Worker(key.clone());
        match worker_change(matched, declared, matched.live_worker(key)) {
            Ok(kind) => {
                let taken =
                    kind.as_ref().and_then(|kind| same_endpoint_error(declared, kind, &taken));
                findings.extend(taken.map(|finding| finding.with_address(address.clone())));
                changes.extend(kind.map(|kind| Change::declared(address, kind, &declared.span)));
            }
            Err(errors) => {
                findings.extend(errors.into_iter().map(|it| it.with_address(address.clone())));
            }
        }
    }
    changes
}

/// Returns the live workers that keep their endpoints, by endpoint.
fn live_endpoints<'a>(
    matched: &Matched<'a>,
    is_deleted: impl Fn(&LiveWorker) -> bool,
) -> HashMap<String, &'a Name> {
    let keeps_endpoint = |worker: &&LiveWorker| {
        let key = matched.worker_key(&worker.id);
        let declared = key.and_then(|key| matched.desired.workers.get(key));
        !is_deleted(worker) && declared.is_none_or(|it| it.endpoint.address().is_none())
    };
    let workers = matched.live.workers.iter().filter(keeps_endpoint);
    workers.filter_map(|worker| Some((worker.endpoint.address()?, &worker.name))).collect()
}

/// Returns an error if a change gives a worker the endpoint of a live one.
fn same_endpoint_error(
    declared: &Declared<DesiredWorker>,
    kind: &ChangeKind,
    taken: &HashMap<String, &Name>,
) -> Option<Finding> {
    let address = match kind {
        ChangeKind::CreateWorker(new) | ChangeKind::ReplaceWorker { new, .. } => {
            new.endpoint.address()
        }
        ChangeKind::UpdateWorker { edits, .. } => edits.iter().find_map(|edit| match edit {
            WorkerEdit::Endpoint(delta) => delta.after().address(),
            _ => None,
        }),
        _ => None,
    }?;
    // A worker that an interrupted apply left beside the one that it replaces is this worker.
    let interim = Name::new(interim_worker_name(declared.name.as_str()));
    let is_other = |owner: &&&Name| ***owner != declared.name && ***owner != interim;
    let owner = taken.get(&address).filter(is_other)?;
    let message =
        format!("worker `{}` would have the endpoint of `{owner}`, `{address}`", declared.name);
    let help = format!(
        "add `renamed_from = \"{owner}\"` if it is the same machine, or remove `{owner}` with `[[removed]]`"
    );
    Some(
        Finding::error(Code::SameEndpoint, declared.endpoint.span.clone(), message).with_help(help),
    )
}

/// Plans which undeclared live workers leave a pool whose members are exact.
///
/// `deleted` is true for workers that the plan deletes anyway.
pub(super) fn plan_leavers(
    matched: &Matched,
    deleted: impl Fn(&LiveWorker) -> bool,
    findings: &mut Vec<Finding>,
) -> Vec<Change> {
    let exact = |id: &_| {
        let key = matched.pool_key(id)?;
        matched.desired.pools.get(key).filter(|pool| pool.has_exact_members())
    };
    let mut changes = Vec::new();
    for worker in &matched.live.workers {
        let Some(pool) = worker.pools.iter().find_map(exact) else { continue };
        if matched.worker_key(&worker.id).is_some() || deleted(worker) {
            continue;
        }
        let kept = worker.pools.iter().filter(|id| exact(id).is_none());
        let kept: Vec<_> = kept.map(|id| matched.pool_handle_by_id(id)).collect();
        let address = Address::Worker(worker.name.to_string());
        if kept.is_empty() {
            let message = format!("worker `{}` would be left without any pool", worker.name);
            findings.push(
                Finding::error(Code::WorkerWithoutPool, pool.span.clone(), message)
                    .with_label("the pool's members are exact, and the file does not put the worker into it")
                    .with_help("declare the worker, list it under `[[removed]]`, or add \"workers\" to `prune`")
                    .with_address(address),
            );
            continue;
        }
        let before = worker.pools.iter().map(|id| matched.pool_handle_by_id(id)).collect();
        let edits = Delta::if_different(before, kept).map(WorkerEdit::Pools).into_iter().collect();
        let why = format!("the file does not put it into `{}`, whose members are exact", pool.name);
        let kind = ChangeKind::UpdateWorker { id: worker.id.clone(), edits };
        let mut change = Change::declared(address, kind, &pool.span);
        change.cause.why = Some(why);
        changes.push(change);
    }
    changes
}

fn worker_change(
    matched: &Matched,
    declared: &Declared<DesiredWorker>,
    live: Option<&LiveWorker>,
) -> Result<Option<ChangeKind>, Vec<Finding>> {
    let endpoint = matched.resolve_endpoint(&declared.endpoint, live.map(|it| &it.endpoint));
    let pools = resolve_pools(matched, declared);
    let policy = match &declared.policy {
        None => Ok(None),
        Some(wanted) => matched.resolve_listed(WorkerList::Policies, wanted).map(Some),
    };
    let (endpoint, pools, policy) = match (endpoint, pools, policy) {
        (Ok(endpoint), Ok(pools), Ok(policy)) => (endpoint, pools, policy),
        (endpoint, pools, policy) => {
            let lists = [endpoint.err(), pools.err(), policy.err().map(|error| vec![error])];
            return Err(lists.into_iter().flatten().flatten().collect());
        }
    };
    match (live, endpoint) {
        (None, ResolvedEndpoint::Unregistered | ResolvedEndpoint::Unchanged) => {
            Err(vec![not_registered_warning(matched, declared, &pools)])
        }
        (Some(live), ResolvedEndpoint::Unregistered) => {
            Err(vec![cannot_replace_error(declared, live)])
        }
        (None, ResolvedEndpoint::Whole(endpoint)) => {
            if policy.is_none() {
                let what = "the default machine policy";
                let listed = matched.check_listed(WorkerList::Policies, what, &declared.span);
                listed.map_err(|finding| vec![finding])?;
            }
            let disabled = declared.disabled.unwrap_or_default();
            let (name, restored) = (declared.name.to_string(), RestoredWorker::default());
            let new = NewWorker { name, endpoint, pools, policy, disabled, restored };
            Ok(Some(ChangeKind::CreateWorker(new)))
        }
        (Some(live), ResolvedEndpoint::Whole(endpoint))
            if endpoint.kind() != live.endpoint.kind() =>
        {
            let new = NewWorker {
                name: declared.name.to_string(),
                endpoint,
                pools,
                policy: policy.or_else(|| Some(live.policy.clone())),
                disabled: declared.disabled.unwrap_or(live.disabled),
                restored: RestoredWorker::default(),
            };
            Ok(Some(ChangeKind::ReplaceWorker {
                id: live.id.clone(),
                name: live.name.to_string(),
                kind: live.endpoint.kind().to_owned(),
                old: Some(Box::new(replaced_worker(matched, live))),
                new,
            }))
        }
        (Some(live), endpoint) => {
            let edits =
                worker_edits(matched, declared, live, ResolvedWorker { endpoint, pools, policy });
            Ok((!edits.is_empty()).then(|| ChangeKind::UpdateWorker { id: live.id.clone(), edits }))
        }
    }
}

/// Returns a worker that is replaced, for display.
fn replaced_worker(matched: &Matched, live: &LiveWorker) -> NewWorker<LiveEndpoint> {
    NewWorker {
        name: live.name.to_string(),
        endpoint: live.endpoint.clone(),
        pools: live.pools.iter().map(|id| matched.pool_handle_by_id(id)).collect(),
        policy: Some(live.policy.clone()),
        disabled: live.disabled,
        restored: RestoredWorker::default(),
    }
}

/// The references of a declared worker, resolved.
struct ResolvedWorker {
    endpoint: ResolvedEndpoint,
    pools: Vec<PoolHandle>,
    policy: Option<Linked<MachinePolicy>>,
}

fn worker_edits(
    matched: &Matched,
    declared: &DesiredWorker,
    live: &LiveWorker,
    wanted: ResolvedWorker,
) -> Vec<WorkerEdit> {
    // Destructured by name, so that a new field cannot be forgotten here.
    let DesiredWorker {
        name,
        disabled,
        renamed_from: _,
        endpoint: _,
        pools: _,
        policy: _,
        protect: _,
    } = declared;
    let ResolvedWorker { endpoint, pools, policy } = wanted;

    let slug = slug_delta(matched, live, name).map(WorkerEdit::Slug);
    let name = spelling_change(&live.name, name).map(WorkerEdit::Name);
    let endpoint = match endpoint {
        ResolvedEndpoint::Whole(endpoint) => Delta::if_different(live.endpoint.clone(), endpoint),
        ResolvedEndpoint::Unregistered | ResolvedEndpoint::Unchanged => None,
    };
    let endpoint = endpoint.map(|delta| WorkerEdit::Endpoint(Box::new(delta)));
    let pools = membership_delta(matched, live, pools).map(WorkerEdit::Pools);
    let policy =
        policy.and_then(|it| Delta::if_different(live.policy.clone(), it)).map(WorkerEdit::Policy);
    let disabled =
        disabled.and_then(|it| Delta::if_different(live.disabled, it)).map(WorkerEdit::Disabled);
    [name, slug, endpoint, pools, policy, disabled].into_iter().flatten().collect()
}

/// Returns the change of the slug of a worker whose replacement of another one was interrupted: a server keeps the slug
/// of a worker that is renamed.
fn slug_delta(matched: &Matched, live: &LiveWorker, name: &Name) -> Option<Delta<String>> {
    if live.name != Name::new(interim_worker_name(name.as_str())) {
        return None;
    }
    let slug = final_worker_slug(&live.slug)?;
    let is_taken = matched.live.workers.iter().any(|other| other.slug == slug);
    Delta::if_different(live.slug.clone(), slug.to_owned()).filter(|_| !is_taken)
}

/// Returns the change of a worker's pools: those that stay keep their order, and new ones follow.
fn membership_delta(
    matched: &Matched,
    live: &LiveWorker,
    wanted: Vec<PoolHandle>,
) -> Option<Delta<Vec<PoolHandle>>> {
    let before: Vec<_> = live.pools.iter().map(|id| matched.pool_handle_by_id(id)).collect();
    let mut after: Vec<_> = before.iter().filter(|it| wanted.contains(it)).cloned().collect();
    let new: Vec<_> = wanted.into_iter().filter(|it| !after.contains(it)).collect();
    after.extend(new);
    Delta::if_different(before, after)
}

fn resolve_pools(
    matched: &Matched,
    declared: &Declared<DesiredWorker>,
) -> Result<Vec<PoolHandle>, Vec<Finding>> {
    let (mut pools, mut findings): (Vec<PoolHandle>, _) = (Vec::new(), Vec::new());
    for wanted in &declared.pools {
        match matched.resolve_pool(wanted) {
            Ok(pool) if matched.is_dynamic_pool(&pool) => findings.push(
                Finding::error(
                    Code::DynamicPoolMember,
                    wanted.span.clone(),
                    format!("`{}` is a dynamic pool: it makes its own workers", pool.address()),
                )
                .with_help("list static pools only"),
            ),
            Ok(pool) if pools.contains(&pool) => {}
            Ok(pool) => pools.push(pool),
            Err(finding) => findings.push(finding),
        }
    }
    if findings.is_empty() { Ok(pools) } else { Err(findings) }
}

/// Returns the command that installs a Kubernetes worker, with every argument quoted.
fn helm_command(name: &str, server: &LiveServer, pools: &[String]) -> String {
    // Helm takes a comma, a brace and a backslash in a value as its own.
    let escape = |value: &str| {
        let special = |c: char| matches!(c, ',' | '{' | '}' | '\\');
        value.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
    };
    let set = |key: &str, value: String| {
        format!("--set {}", quote_argument(&format!("agent.{key}={value}")))
    };
    let pools: Vec<String> = pools.iter().map(|pool| escape(pool)).collect();
    let arguments = [
        set("worker.enabled", "true".to_owned()),
        set("name", escape(name)),
        set("serverUrl", escape(&server.url)),
        set("space", escape(&server.space.name)),
        set("worker.initial.workerPools", format!("{{{}}}", pools.join(","))),
    ];
    format!(
        "install the worker's Helm chart in the cluster: `helm upgrade --install {} … \
         oci://registry-1.docker.io/octopusdeploy/kubernetes-agent`",
        arguments.join(" ")
    )
}

/// Returns the command that registers a Tentacle, with every argument quoted.
fn tentacle_command(name: &str, server: &LiveServer, pools: &[String]) -> String {
    let pools = pools.iter().map(|pool| format!("--workerpool {}", quote_argument(pool)));
    format!(
        "run on the machine: `Tentacle register-worker --server {} --space {} --name {} \
         --comms-style TentacleActive {}`",
        quote_argument(&server.url),
        quote_argument(&server.space.name),
        quote_argument(name),
        pools.collect::<Vec<_>>().join(" "),
    )
}

/// Returns the warning about a worker that has to register itself, with the command to run there.
fn not_registered_warning(
    matched: &Matched,
    declared: &Declared<DesiredWorker>,
    pools: &[PoolHandle],
) -> Finding {
    let server = &matched.live.server;
    let names: Vec<_> = pools.iter().map(|pool| pool_name(matched, pool)).collect();
    let command = match &declared.endpoint.value {
        DesiredEndpoint::Kubernetes { .. } => helm_command(declared.name.as_str(), server, &names),
        _ => tentacle_command(declared.name.as_str(), server, &names),
    };
    let message = format!("worker `{}` has not registered itself yet", declared.name);
    let finding = Finding::warning(Code::NotRegistered, declared.span.clone(), message);
    let note = "once it is registered, its pools, policy and `disabled` are managed; with `subscription` \
                and `thumbprint`, poolwright could create it";
    finding.with_notes([note]).with_help(command)
}

fn pool_name(matched: &Matched, pool: &PoolHandle) -> String {
    let new = match pool.address() {
        Address::Pool(key) => matched.desired.pools.get(key).map(|it| it.name.to_string()),
        _ => None,
    };
    let live = pool.id().and_then(|id| matched.live.find_pool(id)).map(|it| it.name.to_string());
    new.or(live).unwrap_or_else(|| pool.address().to_string())
}

fn cannot_replace_error(declared: &Declared<DesiredWorker>, live: &LiveWorker) -> Finding {
    let kind = declared.endpoint.kind();
    let message = format!(
        "worker `{}` is a {} worker on the server, and a {kind} worker registers itself",
        declared.name,
        live.endpoint.kind(),
    );
    Finding::error(Code::WorkerKindChange, declared.endpoint.span.clone(), message).with_help(
        format!("set `subscription` and `thumbprint` to replace it with a {kind} worker"),
    )
}
