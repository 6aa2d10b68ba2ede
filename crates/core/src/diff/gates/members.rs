//! `empty-pool`, `unhealthy-pool` and `default-pool-member`: the workers of a pool when steps run in it.

use super::{GateInput, bypass_help, gate_finding, gate_warning, note_uses};
use crate::{
    desired::Gate,
    diff::{after::planned_pool_id, arrivals::destination_pools},
    finding::{CountUnit, CountedMessage, Finding, FindingLocation, Level, Note, Subject},
    live::{
        Case, Decider, Health, Live, LivePool, LiveProcess, LiveWorker, UnreadSubject,
        built_in_worker_pool, describe_parts, steps_in_pool, steps_maybe_in_pool,
        steps_without_pool,
    },
    model::{Address, Id, Pool, PoolKind, Process},
    plan::{Change, ChangeKind},
    text::pluralize,
};

use indexmap::IndexMap;
use std::collections::{HashMap, HashSet};

/// Checks that each pool that the plan sends steps to, or takes workers from, has the workers that it needs.
pub(super) fn check_pool_workers(input: &GateInput) -> Vec<Finding> {
    let arrivals = arriving_changes(input);
    let pools = input.after.pools.iter().filter(|pool| pool.kind == PoolKind::Static);
    let mut findings: Vec<Finding> =
        pools.flat_map(|pool| pool_findings(input, pool, arrivals.get(&pool.id))).collect();
    findings.extend(unread_steps_warning(input));
    findings
}

/// Returns the changes that send steps to each pool, except for cases that a variable decides: `variables` handles
/// those.
fn arriving_changes<'a>(input: &GateInput<'a>) -> IndexMap<Id<Pool>, Vec<&'a Change>> {
    let processes = input.after.processes.iter().map(|process| (&process.id, process));
    let processes: HashMap<&Id<Process>, &LiveProcess> = processes.collect();
    let mut arrivals: IndexMap<Id<Pool>, Vec<&Change>> = IndexMap::new();
    for change in input.changes {
        for pool in destination_pools(change, input.after, &processes, is_without_variable) {
            arrivals.entry(pool).or_default().push(change);
        }
    }
    arrivals
}

/// True unless a variable decides the case; `variables` handles those.
fn is_without_variable(case: &Case) -> bool {
    !matches!(case.decided_by, Decider::Variable(..))
}

/// Returns a warning about steps that could not be read, if the plan empties a pool or switches the default pool.
fn unread_steps_warning(input: &GateInput) -> Option<Finding> {
    let live = input.matched.live;
    let emptied = live.pools.iter().find(|pool| {
        let losses = PoolLosses::compare_states(input, &pool.id);
        let exists = input.after.find_pool(&pool.id).is_some();
        exists && (losses.emptied || losses.lost_healthy) && !uses_built_in(input, &pool.id)
    });
    // A dynamic pool gets workers when they are needed.
    let is_idle = |id: &Id<Pool>| {
        let is_static = input.after.find_pool(id).is_some_and(|pool| pool.kind == PoolKind::Static);
        is_static
            && MemberCounts::count_workers(input.after, id).healthy == 0
            && !uses_built_in(input, id)
    };
    let switch = input.changes.iter().find(|change| match &change.kind {
        ChangeKind::SetDefaultPool { to, .. } => is_idle(&planned_pool_id(to)),
        _ => false,
    });
    if emptied.is_none() && switch.is_none() {
        return None;
    }
    let notes = describe_parts(live.unread_by(UnreadSubject::AffectedSteps));
    if notes.is_empty() {
        return None;
    }
    let subject = match emptied {
        Some(pool) => format!("in `{}`", input.matched.pool_address(pool)),
        None => "in the default pool".to_owned(),
    };
    let at = switch.map_or(FindingLocation::Nowhere, |change| change.cause.location.clone());
    let message = format!("steps that could not be read may still run {subject}");
    let finding = gate_warning(Gate::EmptyPool, at, message);
    Some(finding.with_notes(notes).with_help("check these by hand first"))
}

/// Whether the built-in worker serves a pool after the plan.
fn uses_built_in(input: &GateInput, pool: &Id<Pool>) -> bool {
    built_in_worker_pool(input.after).is_some_and(|served| served.id == *pool)
        && input.after.server.built_in_worker != Some(false)
}

/// The workers that a pool loses by the plan.
#[derive(Clone, Copy)]
struct PoolLosses {
    /// The pool loses its last enabled worker.
    emptied: bool,
    /// The pool loses its last healthy worker.
    lost_healthy: bool,
}

impl PoolLosses {
    fn compare_states(input: &GateInput, pool: &Id<Pool>) -> Self {
        let before = MemberCounts::count_workers(input.matched.live, pool);
        let after = MemberCounts::count_workers(input.after, pool);
        Self {
            emptied: after.enabled == 0 && before.enabled > 0,
            lost_healthy: after.healthy == 0 && before.healthy > 0,
        }
    }
}

/// The enabled members of a pool, counted by health.
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
    input: &GateInput,
    pool: &LivePool,
    arrivals: Option<&Vec<&Change>>,
) -> Vec<Finding> {
    let before = MemberCounts::count_workers(input.matched.live, &pool.id);
    let members = MemberCounts::count_workers(input.after, &pool.id);
    let address = input.matched.planned_pool_address(pool);
    let (declared, wanted) = match &address {
        Address::Pool(key) => (
            input.matched.desired.pools.get(key),
            input.settings.declared_pool(key).and_then(|it| it.min_healthy),
        ),
        _ => (None, None),
    };
    let counts_differ =
        wanted.is_some() && (members.healthy, members.enabled) != (before.healthy, before.enabled);
    let PoolLosses { emptied, lost_healthy } = PoolLosses::compare_states(input, &pool.id);
    if uses_built_in(input, &pool.id) {
        return Vec::new();
    }
    let switches = |change: &&Change| matches!(change.kind, ChangeKind::SetDefaultPool { .. });
    let switched = arrivals.into_iter().flatten().any(switches);
    let is_short = wanted.is_some_and(|it| members.healthy < it as usize);
    // The pool was the default pool, and its steps ran on the built-in worker.
    let live = input.matched.live;
    let lost_built_in = built_in_worker_pool(live).is_some_and(|served| served.id == pool.id)
        && live.server.built_in_worker != Some(false)
        && input.after.server.built_in_worker != Some(false);
    let worse = counts_differ || is_short || lost_built_in || emptied || lost_healthy || switched;
    let mut affected = Vec::new();
    if worse {
        affected = note_uses(steps_in_pool(input.after, &pool.id));
    }
    if affected.is_empty() {
        let arrivals = arrivals.map(Vec::as_slice).unwrap_or_default();
        affected = arriving_steps(input, pool, arrivals);
    }
    let perhaps = if worse { steps_maybe_in_pool(input.after, &pool.id) } else { Vec::new() };
    let at = match arrivals.and_then(|it| it.first()) {
        Some(change) => change.cause.location.clone(),
        None => {
            declared.map_or(FindingLocation::Nowhere, |it| FindingLocation::Source(it.span.clone()))
        }
    };
    let has_arrivals = arrivals.is_some();
    let shortage = PoolShortage { required: wanted, members, has_arrivals };
    let certain = (!affected.is_empty()).then(|| {
        let (finding, lack) = shortage.shortage_finding(at.clone())?;
        let finding = finding.with_address(address.clone());
        Some(if switched {
            let message = format!("steps that name no pool would run in `{address}`, {lack}");
            Finding { message, ..finding.with_notes(affected) }
        } else {
            let message = CountedMessage::steps(format!(" would run in `{address}`, {lack}"));
            finding.with_counted_notes(message, affected)
        })
    });
    let doubtful = (!perhaps.is_empty()).then(|| {
        let (finding, lack) = shortage.shortage_finding(at)?;
        let after = format!(" would run in `{address}`, {lack}");
        let message = CountedMessage::new("cannot tell whether ", CountUnit::STEPS, after);
        let finding = Finding { level: Level::Warn, ..finding };
        Some(finding.with_address(address.clone()).with_counted_notes(message, note_uses(perhaps)))
    });
    certain.flatten().into_iter().chain(doubtful.flatten()).collect()
}

/// The workers that a pool with steps may lack.
struct PoolShortage {
    /// How many healthy workers the pool needs.
    required: Option<u32>,
    members: MemberCounts,
    /// Whether the plan sends steps to the pool; those can wait.
    has_arrivals: bool,
}

impl PoolShortage {
    /// Returns a finding without a message, and what the pool lacks; `None` if it lacks nothing.
    fn shortage_finding(&self, at: FindingLocation) -> Option<(Finding, String)> {
        let members = &self.members;
        if members.enabled == 0 {
            let bypass = bypass_help(Gate::EmptyPool);
            let finding = gate_finding(Gate::EmptyPool, at, "")
                .with_help(format!("give the pool an enabled worker; {bypass}"));
            return Some((finding, "which would have no enabled worker".to_owned()));
        }
        let gate = Gate::UnhealthyPool;
        match self.required {
            Some(min) if members.healthy < min as usize => {
                let healthy = pluralize(members.healthy, "healthy worker");
                let finding = gate_finding(gate, at, "")
                    .with_help(unhealthy_help(members, self.has_arrivals));
                Some((finding, format!("which would have {healthy} of the {min} it needs")))
            }
            _ if members.healthy > 0 => None,
            _ if members.unknown > 0 => {
                let finding = gate_warning(gate, at, "").with_help(if self.has_arrivals {
                    format!("place the steps in a second run; {WAITS}")
                } else {
                    "run a health check on its workers".to_owned()
                });
                Some((finding, "whose workers have had no health check yet".to_owned()))
            }
            _ => {
                let finding = gate_finding(gate, at, "")
                    .with_help(unhealthy_help(members, self.has_arrivals));
                Some((finding, "which would have no healthy worker".to_owned()))
            }
        }
    }
}

/// Returns the steps that changes send to a pool. A value or target that no step uses sends none.
fn arriving_steps(input: &GateInput, pool: &LivePool, arrivals: &[&Change]) -> Vec<Note> {
    let chooses = |change: &&&Change| {
        matches!(change.kind, ChangeKind::SetValue { .. } | ChangeKind::SetTargetPool { .. })
    };
    let (indirect, direct): (Vec<&&Change>, Vec<&&Change>) = arrivals.iter().partition(chooses);
    let mut all: Vec<Note> = direct.iter().map(|it| Note::from(&it.address)).collect();
    if !indirect.is_empty() {
        let before = steps_in_pool(input.matched.live, &pool.id);
        let before: HashSet<&str> = before.iter().map(|it| it.what.as_str()).collect();
        let new = steps_in_pool(input.after, &pool.id).into_iter();
        all.extend(note_uses(new.filter(|it| !before.contains(it.what.as_str()))));
        let mut seen = HashSet::new();
        all.retain(|it| seen.insert(it.to_string()));
    }
    all
}

/// The line of help that names the option which checks workers and waits for them.
const WAITS: &str = "`apply --wait-healthy 5m` checks its workers and waits for them";

/// Returns the help for a pool without enough healthy workers; arriving steps can wait, others already run there.
fn unhealthy_help(members: &MemberCounts, has_arrivals: bool) -> String {
    let first = match members.unknown {
        0 => "repair a worker, or run a health check if one has been repaired",
        _ => "run a health check on its workers first",
    };
    let waits = if has_arrivals { format!("; {WAITS}") } else { String::new() };
    format!("{first}{waits}; {}", bypass_help(Gate::UnhealthyPool))
}

/// Returns a finding if a default pool with workers replaces one without: every step that names no pool leaves the
/// built-in worker.
fn new_default_finding(input: &GateInput) -> Option<Finding> {
    let switches = |change: &&Change| matches!(change.kind, ChangeKind::SetDefaultPool { .. });
    let change = input.changes.iter().find(switches)?;
    let pool = input.after.default_pool()?;
    let is_off = input.matched.live.server.built_in_worker == Some(false);
    if is_off || input.after.pool_members(&pool.id).next().is_none() {
        return None;
    }
    let steps = steps_without_pool(input.after);
    if steps.is_empty() {
        return None;
    }
    let after = format!(" that name no pool move from the built-in worker to `{}`", change.address);
    let gate = Gate::DefaultPoolMember;
    let finding = gate_finding(gate, change.cause.location.clone(), "")
        .with_counted_notes(CountedMessage::steps(after), note_uses(steps));
    let help = format!("place these steps in pools of their own first; {}", bypass_help(gate));
    Some(finding.with_address(change.address.clone()).with_help(help))
}

/// Returns a warning if the default pool loses its last worker: its steps then run on the built-in worker.
fn fallback_warning(input: &GateInput) -> Option<Finding> {
    let pool = built_in_worker_pool(input.after)?;
    let live = input.matched.live;
    let had_work =
        live.default_pool()?.id == pool.id && live.pool_members(&pool.id).next().is_some();
    if !had_work || input.after.server.built_in_worker == Some(false) {
        return None;
    }
    let steps = steps_in_pool(input.after, &pool.id);
    if steps.is_empty() {
        return None;
    }
    let after = format!(
        " in the default pool `{}`, which loses its last worker, would run on the built-in worker",
        input.matched.pool_address(pool)
    );
    let finding = gate_warning(Gate::DefaultPoolMember, FindingLocation::Nowhere, "")
        .with_counted_notes(CountedMessage::steps(after), note_uses(steps));
    Some(finding.with_address(input.matched.pool_address(pool)))
}

/// Returns findings about workers put into a default pool that has none: the built-in worker then gets no more
/// work.
pub(super) fn check_default_pool(input: &GateInput) -> Vec<Finding> {
    let live = input.matched.live;
    let Some(pool) = built_in_worker_pool(live) else {
        return fallback_warning(input).into_iter().collect();
    };
    // If the built-in worker is already off, moving steps away from it does no harm.
    if live.server.built_in_worker == Some(false) {
        return Vec::new();
    }
    // Another pool becomes the default pool, so workers in this one no longer matter.
    if input.after.default_pool().is_none_or(|default_pool| default_pool.id != pool.id) {
        return new_default_finding(input).into_iter().collect();
    }
    let notes = note_default_pool(input.after, pool);
    if notes.is_empty() {
        return Vec::new();
    }
    let joins = |change: &&Change| match &change.kind {
        ChangeKind::CreateWorker(new) | ChangeKind::ReplaceWorker { new, .. } => {
            new.pools.iter().any(|handle| handle.id() == Some(&pool.id))
        }
        ChangeKind::UpdateWorker { id, .. } => {
            let worker = input.after.workers.iter().find(|worker| worker.id == *id);
            worker.is_some_and(|it| it.pools.contains(&pool.id))
        }
        _ => false,
    };
    let change = input.changes.iter().find(joins);
    let at = change.map_or(FindingLocation::Nowhere, |change| change.cause.location.clone());
    let message = format!(
        "`{}` is the default pool and has no worker: its first worker takes every step that names \
         no pool away from the built-in worker",
        input.matched.pool_address(pool)
    );
    let gate = Gate::DefaultPoolMember;
    let finding = gate_finding(gate, at, message)
        .with_address(input.matched.pool_address(pool))
        .with_notes(notes)
        .with_help(format!("put the worker into a pool of its own; {}", bypass_help(gate)));
    vec![finding]
}

/// Returns notes about the workers of a pool and the steps that they take from the built-in worker. Each step is
/// about all of the workers: it moves whichever of them is the first.
fn note_default_pool(after: &Live, pool: &LivePool) -> Vec<Note> {
    let members = after.pool_members(&pool.id);
    let workers: Vec<String> = members.map(|worker| worker.name.to_string()).collect();
    let steps = steps_in_pool(after, &pool.id);
    let note_worker = |name: &String| {
        let text = format!("worker {name:?}");
        if steps.is_empty() { Note::at(text, Address::Worker(name.clone())) } else { text.into() }
    };
    let mut notes: Vec<Note> = workers.iter().map(note_worker).collect();
    if !workers.is_empty() {
        notes.extend(steps.into_iter().map(|step| {
            let workers = workers.clone();
            Note::about(step.what, Subject { address: step.address, workers, ..Subject::default() })
        }));
    }
    notes
}
