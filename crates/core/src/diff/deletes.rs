//! Plans deletes: objects that `[[removed]]` names, and undeclared ones that `prune` finds.

use super::{
    matched::Matched, misspelling::misspelt_name, names::NameCatalog, reference::ReferentKind,
};
use crate::{
    desired::{Declared, DesiredPlacement, DesiredPoolRef, DesiredRemoval, PlacementVerdict},
    finding::{Code, Finding, FindingLocation, Level, Span},
    live::{LivePool, LiveWorker, UnreadSubject},
    model::{Address, Name, Place},
    plan::{Cause, Change, ChangeKind},
};

use std::collections::HashSet;

/// Plans deletes: workers first, then pools, each in the order of the server.
pub(super) fn plan_deletes(matched: &Matched, findings: &mut Vec<Finding>) -> Vec<Change> {
    let removed = |name: &Name, is: fn(&DesiredRemoval) -> Option<&Name>| {
        matched.desired.removed.iter().find(|removal| is(removal) == Some(name))
    };
    let mut changes = Vec::new();
    for worker in &matched.live.workers {
        let removal = removed(&worker.name, DesiredRemoval::worker_name);
        let prune = matched.desired.policy.prune_workers.as_ref();
        let declared = matched.worker_key(&worker.id).is_some();
        let Some(cause) = delete_cause(removal, prune.filter(|_| !declared), &worker.name) else {
            continue;
        };
        match (removal, declared) {
            (Some(removal), true) => {
                findings.push(contradiction_error("worker", removal, &worker.name))
            }
            _ => changes.push(delete_worker(worker, cause)),
        }
    }
    for pool in &matched.live.pools {
        let removal = removed(&pool.name, DesiredRemoval::pool_name);
        let prune = matched.desired.policy.prune_pools.as_ref();
        let declared = matched.pool_key(&pool.id).is_some();
        let stays_default = pool.default && super::pools::plan_default_switch(matched).is_none();
        let Some(cause) =
            delete_cause(removal, prune.filter(|_| !declared && !stays_default), &pool.name)
        else {
            continue;
        };
        match (removal, declared) {
            (Some(removal), true) => {
                findings.push(contradiction_error("pool", removal, &pool.name))
            }
            (Some(removal), false) if stays_default => {
                findings.push(default_pool_error(removal, pool))
            }
            _ => changes.push(delete_pool(pool, cause)),
        }
    }
    findings.extend(ambiguous_removals(matched));
    findings.extend(misspelt_removals(matched));
    findings.extend(idle_protection(matched));
    findings.extend(needed_pool_errors(matched, &changes));
    changes
}

/// Returns errors for pools that the plan deletes although the file puts workers or steps into them.
fn needed_pool_errors(matched: &Matched, deletes: &[Change]) -> Vec<Finding> {
    let deleted: HashSet<&str> =
        deletes.iter().filter_map(|change| change.kind.object_id()).collect();
    if deleted.is_empty() {
        return Vec::new();
    }
    let workers = matched.desired.workers.values().flat_map(|worker| &worker.pools);
    let places = matched.desired.rules.iter().filter_map(|rule| match &rule.verdict {
        PlacementVerdict::Place(DesiredPlacement { place: Place::Pool(pool), .. }) => Some(pool),
        PlacementVerdict::Place(_) | PlacementVerdict::Leave => None,
    });
    let doomed = workers.chain(places).filter(|pool| {
        let id = matched.resolve_pool(pool).ok().and_then(|it| it.id().cloned());
        id.is_some_and(|id| deleted.contains(id.as_str()))
    });
    doomed
        .map(|pool| {
            let message = "this pool is used in the file and would be deleted";
            let finding = Finding::error(Code::NeededAndRemoved, pool.span.clone(), message);
            let finding = match removal_span(matched, pool) {
                Some(removal) => finding.with_other_place(removal, "removed here"),
                None => finding,
            };
            finding.with_help("declare the pool under `[pools]`, or refer to another one")
        })
        .collect()
}

/// Returns where the file removes a pool, or prunes all that it does not declare.
fn removal_span(matched: &Matched, pool: &Declared<DesiredPoolRef>) -> Option<Span> {
    let id = matched.resolve_pool(pool).ok()?.id().cloned()?;
    let live = matched.live.find_pool(&id)?;
    let mut removed = matched.desired.removed.iter();
    let entry = removed.find(|removal| removal.pool_name() == Some(&live.name));
    entry.map(|it| it.span.clone()).or_else(|| matched.desired.policy.prune_pools.clone())
}

/// Returns warnings about names to remove that nothing has, although something undeclared has a similar one.
///
/// A name that is merely gone gets no warning, and names that differ in their numbers are not similar.
fn misspelt_removals(matched: &Matched) -> Vec<Finding> {
    let live = matched.live;
    let pools = live.pools.iter().filter(|pool| matched.pool_key(&pool.id).is_none());
    let pools: Vec<&str> = pools.map(|pool| pool.name.as_str()).collect();
    let workers = live.workers.iter().filter(|it| matched.worker_key(&it.id).is_none());
    let workers: Vec<&str> = workers.map(|worker| worker.name.as_str()).collect();
    let warning = |removal: &Declared<DesiredRemoval>| {
        let (noun, name, all, candidates) = match &removal.value {
            DesiredRemoval::Pool(name) => {
                let exists = live.pools.iter().any(|pool| pool.name == *name);
                ("pool", name, exists, &pools)
            }
            DesiredRemoval::Worker(name) => {
                let exists = live.workers.iter().any(|worker| worker.name == *name);
                ("worker", name, exists, &workers)
            }
        };
        let near = misspelt_name(name.as_str(), candidates).filter(|_| !all)?;
        let message = format!("there is no {noun} `{name}` to remove");
        let finding = Finding::warning(Code::IdleRemoval, removal.span.clone(), message);
        Some(finding.with_help(format!("a {noun} with a similar name exists: `{near}`")))
    };
    matched.desired.removed.iter().filter_map(warning).collect()
}

/// Returns findings about names in `protect` that nothing has.
fn idle_protection(matched: &Matched) -> Vec<Finding> {
    let Some(protect) = &matched.desired.policy.protect else { return Vec::new() };
    let pools = matched.live.pools.iter().map(|pool| pool.name.as_str());
    let names = pools.chain(matched.live.workers.iter().map(|worker| worker.name.as_str()));
    let known =
        NameCatalog::new(matched, ReferentKind::Protected, names, UnreadSubject::PoolMembers);
    let mut findings = known.check_words(protect);
    if let [only] = protect.value.included()
        && only.exact_name().is_none()
        && !known.has_match(only)
    {
        let message = format!("no pool or worker matches `{}`", only.as_str());
        findings.push(Finding::warning(Code::IdleProtect, protect.span.clone(), message));
    }
    // What no longer exists needs no protection.
    findings.into_iter().map(|finding| Finding { level: Level::Warn, ..finding }).collect()
}

fn delete_cause(
    removal: Option<&Declared<DesiredRemoval>>,
    prune: Option<&Span>,
    name: &Name,
) -> Option<Cause> {
    let (at, why) = match (removal, prune) {
        (Some(removal), _) => (&removal.span, None),
        (None, Some(prune)) => {
            (prune, Some(format!("`{name}` is not declared, so `prune` deletes it")))
        }
        (None, None) => return None,
    };
    Some(Cause { location: FindingLocation::Source(at.clone()), why, ..Cause::default() })
}

fn delete_worker(worker: &LiveWorker, cause: Cause) -> Change {
    Change {
        address: Address::Worker(worker.name.to_string()),
        kind: ChangeKind::DeleteWorker { id: worker.id.clone(), name: worker.name.to_string() },
        cause,
        after: Vec::new(),
    }
}

fn delete_pool(pool: &LivePool, cause: Cause) -> Change {
    Change {
        address: Address::Pool(pool.name.to_string()),
        kind: ChangeKind::DeletePool { id: pool.id.clone(), name: pool.name.to_string() },
        cause,
        after: Vec::new(),
    }
}

fn contradiction_error(noun: &str, removal: &Declared<DesiredRemoval>, name: &Name) -> Finding {
    let message = format!("{noun} `{name}` is both declared and removed");
    Finding::error(Code::DeclaredAndRemoved, removal.span.clone(), message)
        .with_label("the file also declares it, by this name or by `renamed_from`")
        .with_help("keep one of the two")
}

fn default_pool_error(removal: &Declared<DesiredRemoval>, pool: &LivePool) -> Finding {
    let message = format!("pool `{}` is the default pool, and a space always has one", pool.name);
    Finding::error(Code::NoDefaultPool, removal.span.clone(), message)
        .with_help("make another pool the default first with `default = true`")
}

/// Returns errors for names to remove that several live objects have: nothing is deleted on a guess.
fn ambiguous_removals(matched: &Matched) -> Vec<Finding> {
    let count = |removal: &DesiredRemoval| match removal {
        DesiredRemoval::Pool(name) => {
            matched.live.pools.iter().filter(|pool| pool.name == *name).count()
        }
        DesiredRemoval::Worker(name) => {
            matched.live.workers.iter().filter(|worker| worker.name == *name).count()
        }
    };
    let removed = matched.desired.removed.iter().filter(|removal| count(removal) > 1);
    removed
        .map(|removed| {
            let message = format!("{} objects on the server have this name", count(removed));
            Finding::error(Code::AmbiguousName, removed.span.clone(), message)
                .with_help("names are compared ignoring case: rename all but one of them first")
        })
        .collect()
}
