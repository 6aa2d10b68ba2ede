//! `empty-pool`, `unhealthy-pool` and `default-pool-member`: who is in a pool when steps come to it.

use super::{Outcome, way_past};
use crate::{
    desired::Gate,
    diff::arrivals::destination,
    finding::{At, Finding},
    live::{Health, Live, LivePool, LiveWorker, fallback_pool, is_on_worker, residents},
    model::{Address, Id, Place, Pool, PoolKind},
    plan::{Change, ChangeKind},
    text::count,
};
use indexmap::IndexMap;

/// Whether each pool that the plan gives work, or takes workers from, has the workers that it needs.
pub(super) fn enough(outcome: &Outcome) -> Vec<Finding> {
    let arrivals = arrivals(outcome);
    let pools = outcome.after.pools.iter().filter(|pool| pool.kind == PoolKind::Static);
    pools.filter_map(|pool| of_pool(outcome, pool, arrivals.get(&pool.id))).collect()
}

/// The changes that send steps to each pool.
fn arrivals<'a>(outcome: &Outcome<'a>) -> IndexMap<Id<Pool>, Vec<&'a Change>> {
    let mut arrivals: IndexMap<Id<Pool>, Vec<&Change>> = IndexMap::new();
    for change in outcome.changes {
        if let Some(pool) = destination(change, outcome.after) {
            arrivals.entry(pool).or_default().push(change);
        }
    }
    arrivals
}

/// How the members of a pool stand.
struct Muster {
    enabled: usize,
    healthy: usize,
    unknown: usize,
}

impl Muster {
    fn of(live: &Live, pool: &Id<Pool>) -> Self {
        let enabled: Vec<&LiveWorker> = live.members(pool).filter(|it| !it.disabled).collect();
        let of = |health| enabled.iter().filter(|it| it.health == health).count();
        Self { enabled: enabled.len(), healthy: of(Health::Healthy), unknown: of(Health::Unknown) }
    }
}

fn of_pool(outcome: &Outcome, pool: &LivePool, arrivals: Option<&Vec<&Change>>) -> Option<Finding> {
    let muster = Muster::of(outcome.after, &pool.id);
    let before = Muster::of(outcome.matched.live, &pool.id);
    let address = outcome.matched.pool_address_after(pool);
    let declared = match &address {
        Address::Pool(key) => outcome.matched.desired.pools.get(key),
        _ => None,
    };
    let wanted = declared.and_then(|it| it.min_healthy.as_ref());
    let fewer =
        wanted.is_some() && (muster.healthy, muster.enabled) != (before.healthy, before.enabled);
    let emptied = muster.enabled == 0 && 0 < before.enabled;
    let sickened = muster.healthy == 0 && 0 < before.healthy;
    let affected: Vec<String> = match arrivals {
        Some(arrivals) => arrivals.iter().map(|change| change.address.to_string()).collect(),
        None if fewer || emptied || sickened => residents(outcome.after, &pool.id),
        None => return None,
    };
    let steps = affected.len();
    let served = fallback_pool(outcome.after).is_some_and(|it| it.id == pool.id)
        && outcome.after.server.built_in_worker != Some(false);
    if steps == 0 || served {
        return None;
    }
    let at = match arrivals.and_then(|it| it.first()) {
        Some(change) => change.cause.at.clone(),
        None => declared.map_or(At::Nowhere, |it| At::Source(it.at.clone())),
    };
    let switches = |it: &&Change| matches!(it.kind, ChangeKind::SetDefaultPool { .. });
    let subject = match arrivals.into_iter().flatten().any(switches) {
        true => format!("steps that name no pool would run in `{address}`"),
        false => format!("{} would run in `{address}`", count(steps, "step")),
    };
    let help = unhealthy_help(&muster, arrivals.is_some());
    let finding = match wanted {
        _ if muster.enabled == 0 => outcome
            .refuse(Gate::EmptyPool, at, format!("{subject}, which would have no enabled worker"))?
            .help(format!("give the pool a worker that is enabled; {}", way_past(Gate::EmptyPool))),
        Some(min) if muster.healthy < min.value as usize => {
            let healthy = count(muster.healthy, "healthy worker");
            let message =
                format!("{subject}, which would have {healthy} of the {} that it needs", min.value);
            outcome.refuse(Gate::UnhealthyPool, at, message)?.help(help)
        }
        _ if 0 < muster.healthy => return None,
        _ if 0 < muster.unknown => outcome
            .warn(
                Gate::UnhealthyPool,
                at,
                format!("{subject}, whose workers have had no health check yet"),
            )?
            .help(format!("place the steps in a second run; {WAITS}")),
        _ => outcome
            .refuse(
                Gate::UnhealthyPool,
                at,
                format!("{subject}, which would have no healthy worker"),
            )?
            .help(help),
    };
    Some(finding.about(address).notes(affected))
}

/// The line of help that names what checks workers, and waits for them.
const WAITS: &str = "`apply --wait-healthy 5m` checks its workers and waits for them";

/// What to do about a pool without a healthy worker; steps that come to it can wait, others run there.
fn unhealthy_help(muster: &Muster, steps_come: bool) -> String {
    let first = match muster.unknown {
        0 => "repair a worker, or run a health check if it is repaired already",
        _ => "run a health check on its workers first",
    };
    let waits = if steps_come { format!("; {WAITS}") } else { String::new() };
    format!("{first}{waits}; {}", way_past(Gate::UnhealthyPool))
}

/// A default pool with workers in place of one without: every step that names no pool leaves the
/// built-in worker. The file says so in as many words, so that it is only told.
fn another_default(outcome: &Outcome) -> Option<Finding> {
    let switches = |it: &&Change| matches!(it.kind, ChangeKind::SetDefaultPool { .. });
    let change = outcome.changes.iter().find(switches)?;
    let pool = outcome.after.default_pool()?;
    let is_off = outcome.matched.live.server.built_in_worker == Some(false);
    if is_off || outcome.after.members(&pool.id).next().is_none() {
        return None;
    }
    let steps = count(unplaced(outcome.after), "step");
    let message =
        format!("{steps} that name no pool move from the built-in worker to `{}`", pool.name);
    let finding = outcome.warn(Gate::DefaultPoolMember, change.cause.at.clone(), message)?;
    Some(finding.about(change.address.clone()))
}

/// How many steps on a worker name no pool.
fn unplaced(live: &Live) -> usize {
    let steps = live.processes.iter().flat_map(|process| &process.steps);
    steps.filter(|step| step.place == Place::DefaultPool && is_on_worker(step)).count()
}

/// Workers that the plan puts into a default pool that has none: the built-in worker gets no more work.
pub(super) fn default_pool(outcome: &Outcome) -> Vec<Finding> {
    let live = outcome.matched.live;
    let Some(pool) = fallback_pool(live) else { return Vec::new() };
    // Another pool becomes the default one: what is put into this one matters no more.
    if outcome.after.default_pool().is_none_or(|it| it.id != pool.id) {
        return another_default(outcome).into_iter().collect();
    }
    let members = outcome.after.members(&pool.id).map(|it| &it.name);
    let names: Vec<_> = members.map(|name| format!("worker {name:?}")).collect();
    if names.is_empty() {
        return Vec::new();
    }
    let joins = |change: &&Change| match &change.kind {
        ChangeKind::CreateWorker(new) | ChangeKind::ReplaceWorker { new, .. } => {
            new.pools.iter().any(|it| it.id() == Some(&pool.id))
        }
        ChangeKind::UpdateWorker { id, .. } => {
            let worker = outcome.after.workers.iter().find(|it| it.id == *id);
            worker.is_some_and(|it| it.pools.contains(&pool.id))
        }
        _ => false,
    };
    let change = outcome.changes.iter().find(joins);
    let at = change.map_or(At::Nowhere, |change| change.cause.at.clone());
    let message = format!(
        "`{}` is the default pool and has no worker: the first one takes every step that names no \
         pool away from the built-in worker",
        pool.name
    );
    let finding = outcome.refuse(Gate::DefaultPoolMember, at, message).map(|finding| {
        let finding = finding.about(outcome.matched.pool_address(pool)).notes(names);
        finding.help(format!(
            "put the worker into a pool of its own; {}",
            way_past(Gate::DefaultPoolMember)
        ))
    });
    finding.into_iter().collect()
}
