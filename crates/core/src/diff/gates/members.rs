//! `empty-pool`, `unhealthy-pool` and `default-pool-member`: who is in a pool when steps come to it.

use super::{GateInput, bypass_help};
use crate::{
    desired::Gate,
    diff::{after::planned_pool_id, arrivals::destination_pools},
    finding::{Finding, FindingLocation, Level},
    live::{
        Case, Decider, Health, HiddenData, Live, LivePool, LiveProcess, LiveWorker,
        built_in_worker_pool, group_by_cause, steps_in_pool, steps_maybe_in_pool,
        steps_without_pool,
    },
    model::{Address, Id, Pool, PoolKind, Process},
    plan::{Change, ChangeKind},
    text::pluralize,
};

use indexmap::IndexMap;
use std::collections::{HashMap, HashSet};

/// Whether each pool that the plan gives work, or takes workers from, has the workers that it needs.
pub(super) fn check_pool_workers(outcome: &GateInput) -> Vec<Finding> {
    let arrivals = arriving_changes(outcome);
    let pools = outcome.after.pools.iter().filter(|pool| pool.kind == PoolKind::Static);
    let mut findings: Vec<Finding> =
        pools.flat_map(|pool| pool_findings(outcome, pool, arrivals.get(&pool.id))).collect();
    findings.extend(unread_steps_warning(outcome));
    findings
}

/// The changes that send steps to each pool: in any case, but for those of a variable, which `variables`
/// looks at.
fn arriving_changes<'a>(outcome: &GateInput<'a>) -> IndexMap<Id<Pool>, Vec<&'a Change>> {
    let processes = outcome.after.processes.iter().map(|process| (&process.id, process));
    let processes: HashMap<&Id<Process>, &LiveProcess> = processes.collect();
    let mut arrivals: IndexMap<Id<Pool>, Vec<&Change>> = IndexMap::new();
    for change in outcome.changes {
        for pool in destination_pools(change, outcome.after, &processes, is_without_variable) {
            arrivals.entry(pool).or_default().push(change);
        }
    }
    arrivals
}

/// Whether a case is none of a variable, which `variables` looks at.
fn is_without_variable(case: &Case) -> bool {
    !matches!(case.decided_by, Decider::Variable(..))
}

/// Steps that could not be seen, where the plan empties a pool or makes another one the default.
fn unread_steps_warning(outcome: &GateInput) -> Option<Finding> {
    let live = outcome.matched.live;
    let emptied = live.pools.iter().find(|pool| {
        let worse = PoolLosses::compare_states(outcome, &pool.id);
        let is_there = outcome.after.find_pool(&pool.id).is_some();
        is_there && (worse.emptied || worse.sickened) && !uses_built_in(outcome, &pool.id)
    });
    // A dynamic pool has its workers when they are needed.
    let is_idle = |id: &Id<Pool>| {
        let is_static =
            outcome.after.find_pool(id).is_some_and(|item| item.kind == PoolKind::Static);
        is_static
            && MemberCounts::count_workers(outcome.after, id).healthy == 0
            && !uses_built_in(outcome, id)
    };
    let switch = outcome.changes.iter().find(|change| match &change.kind {
        ChangeKind::SetDefaultPool { to, .. } => is_idle(&planned_pool_id(to)),
        _ => false,
    });
    if emptied.is_none() && switch.is_none() {
        return None;
    }
    let gaps = live
        .unread
        .iter()
        .filter(|gap| !matches!(gap.hidden, HiddenData::OtherSpaceSteps | HiddenData::Rules));
    let notes = group_by_cause(gaps).into_iter();
    let notes: Vec<_> = notes.map(|(what, why)| format!("{what}: {why}")).collect();
    if notes.is_empty() {
        return None;
    }
    let subject = match emptied {
        Some(pool) => format!("in `{}`", outcome.matched.pool_address(pool)),
        None => "in the default pool".to_owned(),
    };
    let at = switch.map_or(FindingLocation::Nowhere, |change| change.cause.location.clone());
    let message = format!("steps that could not be seen may still run {subject}");
    let finding = outcome.gate_warning(Gate::EmptyPool, at, message)?;
    Some(finding.with_notes(notes).with_help("look at these by hand first"))
}

/// Whether the built-in worker does the work of a pool after the plan.
fn uses_built_in(outcome: &GateInput, pool: &Id<Pool>) -> bool {
    built_in_worker_pool(outcome.after)
        .is_some_and(|built_in_worker_pool| built_in_worker_pool.id == *pool)
        && outcome.after.server.built_in_worker != Some(false)
}

/// How a pool is worse off after the plan.
#[derive(Clone, Copy)]
struct PoolLosses {
    /// It loses its last enabled worker.
    emptied: bool,
    /// It loses its last healthy one.
    sickened: bool,
}

impl PoolLosses {
    fn compare_states(outcome: &GateInput, pool: &Id<Pool>) -> Self {
        let before = MemberCounts::count_workers(outcome.matched.live, pool);
        let after = MemberCounts::count_workers(outcome.after, pool);
        Self {
            emptied: after.enabled == 0 && 0 < before.enabled,
            sickened: after.healthy == 0 && 0 < before.healthy,
        }
    }
}

/// How the members of a pool stand.
struct MemberCounts {
    enabled: usize,
    healthy: usize,
    unknown: usize,
}

impl MemberCounts {
    fn count_workers(live: &Live, pool: &Id<Pool>) -> Self {
        let enabled: Vec<&LiveWorker> = live.pool_members(pool).filter(|it| !it.disabled).collect();
        let count_where =
            |is: fn(Health) -> bool| enabled.iter().filter(|it| is(it.health)).count();
        let unknown = count_where(|health| health == Health::Unknown);
        Self { enabled: enabled.len(), healthy: count_where(Health::can_take_work), unknown }
    }
}

fn pool_findings(
    outcome: &GateInput,
    pool: &LivePool,
    arrivals: Option<&Vec<&Change>>,
) -> Vec<Finding> {
    let before = MemberCounts::count_workers(outcome.matched.live, &pool.id);
    let muster = MemberCounts::count_workers(outcome.after, &pool.id);
    let address = outcome.matched.planned_pool_address(pool);
    let declared = match &address {
        Address::Pool(key) => outcome.matched.desired.pools.get(key),
        _ => None,
    };
    let wanted = declared.and_then(|it| it.min_healthy());
    let fewer =
        wanted.is_some() && (muster.healthy, muster.enabled) != (before.healthy, before.enabled);
    let PoolLosses { emptied, sickened } = PoolLosses::compare_states(outcome, &pool.id);
    if uses_built_in(outcome, &pool.id) {
        return Vec::new();
    }
    let switches = |change: &&Change| matches!(change.kind, ChangeKind::SetDefaultPool { .. });
    let switched = arrivals.into_iter().flatten().any(switches);
    let worse = fewer || emptied || sickened || switched;
    let mut affected = match worse {
        true => steps_in_pool(outcome.after, &pool.id),
        false => Vec::new(),
    };
    if affected.is_empty() {
        let arrivals = arrivals.map(Vec::as_slice).unwrap_or_default();
        affected = arriving_steps(outcome, pool, arrivals);
    }
    let perhaps = match worse {
        true => steps_maybe_in_pool(outcome.after, &pool.id),
        false => Vec::new(),
    };
    let at = match arrivals.and_then(|it| it.first()) {
        Some(change) => change.cause.location.clone(),
        None => {
            declared.map_or(FindingLocation::Nowhere, |it| FindingLocation::Source(it.span.clone()))
        }
    };
    let subject = match switched {
        true => format!("steps that name no pool would run in `{address}`"),
        false => format!("{} would run in `{address}`", pluralize(affected.len(), "step")),
    };
    let steps_come = arrivals.is_some();
    let lacks = PoolShortage { required: wanted.map(|it| it.value), members: muster, steps_come };
    let certain = (!affected.is_empty()).then(|| {
        let finding = lacks.lack_finding(outcome, at.clone(), &subject)?;
        Some(finding.with_address(address.clone()).with_notes(affected))
    });
    let doubtful = (!perhaps.is_empty()).then(|| {
        let steps = pluralize(perhaps.len(), "step");
        let subject = format!("nobody can tell whether {steps} would run in `{address}`");
        let finding = lacks.lack_finding(outcome, at, &subject)?;
        let finding = Finding { level: Level::Warn, ..finding };
        Some(finding.with_address(address).with_notes(perhaps))
    });
    certain.flatten().into_iter().chain(doubtful.flatten()).collect()
}

/// What a pool that has work may lack.
struct PoolShortage {
    /// How many healthy workers it needs.
    required: Option<u32>,
    members: MemberCounts,
    /// Whether steps come to it, which can wait.
    steps_come: bool,
}

impl PoolShortage {
    /// What is wrong with the pool in which `subject`; none where nothing is.
    fn lack_finding(
        &self,
        outcome: &GateInput,
        at: FindingLocation,
        subject: &str,
    ) -> Option<Finding> {
        let muster = &self.members;
        if muster.enabled == 0 {
            let message = format!("{subject}, which would have no enabled worker");
            let finding = outcome.gate_finding(Gate::EmptyPool, at, message)?;
            let way = bypass_help(Gate::EmptyPool);
            return Some(
                finding.with_help(format!("give the pool a worker that is enabled; {way}")),
            );
        }
        let gate = Gate::UnhealthyPool;
        match self.required {
            Some(min) if muster.healthy < min as usize => {
                let healthy = pluralize(muster.healthy, "healthy worker");
                let message =
                    format!("{subject}, which would have {healthy} of the {min} that it needs");
                Some(
                    outcome
                        .gate_finding(gate, at, message)?
                        .with_help(unhealthy_help(muster, self.steps_come)),
                )
            }
            _ if 0 < muster.healthy => None,
            _ if 0 < muster.unknown => {
                let message = format!("{subject}, whose workers have had no health check yet");
                let finding = outcome.gate_warning(gate, at, message)?;
                Some(finding.with_help(match self.steps_come {
                    true => format!("place the steps in a second run; {WAITS}"),
                    false => "run a health check on its workers".to_owned(),
                }))
            }
            _ => {
                let message = format!("{subject}, which would have no healthy worker");
                Some(
                    outcome
                        .gate_finding(gate, at, message)?
                        .with_help(unhealthy_help(muster, self.steps_come)),
                )
            }
        }
    }
}

/// Who comes to a pool by these changes. A value or a target that nobody runs by brings nobody.
fn arriving_steps(outcome: &GateInput, pool: &LivePool, arrivals: &[&Change]) -> Vec<String> {
    let chooses = |change: &&&Change| {
        matches!(change.kind, ChangeKind::SetValue { .. } | ChangeKind::SetTargetPool { .. })
    };
    let (choosers, others): (Vec<&&Change>, Vec<&&Change>) = arrivals.iter().partition(chooses);
    let mut all: Vec<String> = others.iter().map(|it| it.address.to_string()).collect();
    if !choosers.is_empty() {
        let before = steps_in_pool(outcome.matched.live, &pool.id);
        let new = steps_in_pool(outcome.after, &pool.id).into_iter();
        all.extend(new.filter(|it| !before.contains(it)).collect::<Vec<_>>());
        let mut seen = HashSet::new();
        all.retain(|it| seen.insert(it.clone()));
    }
    all
}

/// The line of help that names what checks workers, and waits for them.
const WAITS: &str = "`apply --wait-healthy 5m` checks its workers and waits for them";

/// What to do about a pool without a healthy worker; steps that come to it can wait, others run there.
fn unhealthy_help(muster: &MemberCounts, steps_come: bool) -> String {
    let first = match muster.unknown {
        0 => "repair a worker, or run a health check if it is repaired already",
        _ => "run a health check on its workers first",
    };
    let waits = if steps_come { format!("; {WAITS}") } else { String::new() };
    format!("{first}{waits}; {}", bypass_help(Gate::UnhealthyPool))
}

/// A default pool with workers in place of one without: every step that names no pool leaves the
/// built-in worker. The file says so in as many words, so that it is only told.
fn new_default_warning(outcome: &GateInput) -> Option<Finding> {
    let switches = |change: &&Change| matches!(change.kind, ChangeKind::SetDefaultPool { .. });
    let change = outcome.changes.iter().find(switches)?;
    let pool = outcome.after.default_pool()?;
    let is_off = outcome.matched.live.server.built_in_worker == Some(false);
    if is_off || outcome.after.pool_members(&pool.id).next().is_none() {
        return None;
    }
    let steps = steps_without_pool(outcome.after);
    let message = format!(
        "{} that name no pool move from the built-in worker to `{}`",
        pluralize(steps.len(), "step"),
        pool.name
    );
    let finding =
        outcome.gate_warning(Gate::DefaultPoolMember, change.cause.location.clone(), message)?;
    Some(finding.with_address(change.address.clone()).with_notes(steps))
}

/// A default pool that loses its last worker: its steps come to the built-in worker, and go on.
fn fallback_warning(outcome: &GateInput) -> Option<Finding> {
    let pool = built_in_worker_pool(outcome.after)?;
    let live = outcome.matched.live;
    let had_work =
        live.default_pool()?.id == pool.id && live.pool_members(&pool.id).next().is_some();
    if !had_work || outcome.after.server.built_in_worker == Some(false) {
        return None;
    }
    let steps = steps_in_pool(outcome.after, &pool.id);
    if steps.is_empty() {
        return None;
    }
    let message = format!(
        "{} in the default pool `{}`, which loses its last worker, would run on the built-in worker",
        pluralize(steps.len(), "step"),
        pool.name
    );
    let finding =
        outcome.gate_warning(Gate::DefaultPoolMember, FindingLocation::Nowhere, message)?;
    Some(finding.with_address(outcome.matched.pool_address(pool)).with_notes(steps))
}

/// Workers that the plan puts into a default pool that has none: the built-in worker gets no more work.
pub(super) fn check_default_pool(outcome: &GateInput) -> Vec<Finding> {
    let live = outcome.matched.live;
    let Some(pool) = built_in_worker_pool(live) else {
        return fallback_warning(outcome).into_iter().collect();
    };
    // Where it is off already, whoever takes a step from it is welcome.
    if live.server.built_in_worker == Some(false) {
        return Vec::new();
    }
    // Another pool becomes the default one: what is put into this one matters no more.
    if outcome.after.default_pool().is_none_or(|default_pool| default_pool.id != pool.id) {
        return new_default_warning(outcome).into_iter().collect();
    }
    let members = outcome.after.pool_members(&pool.id).map(|it| &it.name);
    let mut notes: Vec<_> = members.map(|name| format!("worker {name:?}")).collect();
    if notes.is_empty() {
        return Vec::new();
    }
    notes.extend(steps_in_pool(outcome.after, &pool.id));
    let joins = |change: &&Change| match &change.kind {
        ChangeKind::CreateWorker(new) | ChangeKind::ReplaceWorker { new, .. } => {
            new.pools.iter().any(|handle| handle.id() == Some(&pool.id))
        }
        ChangeKind::UpdateWorker { id, .. } => {
            let worker = outcome.after.workers.iter().find(|worker| worker.id == *id);
            worker.is_some_and(|it| it.pools.contains(&pool.id))
        }
        _ => false,
    };
    let change = outcome.changes.iter().find(joins);
    let at = change.map_or(FindingLocation::Nowhere, |change| change.cause.location.clone());
    let message = format!(
        "`{}` is the default pool and has no worker: the first one takes every step that names no \
         pool away from the built-in worker",
        pool.name
    );
    let finding = outcome.gate_finding(Gate::DefaultPoolMember, at, message).map(|finding| {
        let finding = finding.with_address(outcome.matched.pool_address(pool)).with_notes(notes);
        finding.with_help(format!(
            "put the worker into a pool of its own; {}",
            bypass_help(Gate::DefaultPoolMember)
        ))
    });
    finding.into_iter().collect()
}
