//! `Desired` × `Live` → `Plan`.
//!
//! Pure: no I/O, no clock, and no order that is not in the input. Its central law, tested in `laws`: planning
//! again after a plan has been applied gives an empty plan.

mod after;
mod arrivals;
mod branches;
mod built_in;
mod compare;
mod condition;
mod consequences;
mod deletes;
mod endpoint;
mod gates;
mod goal;
mod late;
mod ledger;
mod lingering_pools;
mod listed;
mod matched;
mod misspelling;
mod names;
mod order;
mod placements;
mod pools;
mod recheck;
mod reference;
mod refusals;
mod rules;
mod snapshots;
mod stale;
mod target_pools;
mod targets;
mod values;
mod waves;
mod workers;

#[cfg(test)]
pub(crate) mod laws;
#[cfg(test)]
mod tests;

pub use after::simulate_changes;
pub use arrivals::{find_arrivals, relax_unhealthy_gate};
pub use compare::compare_with_base;
pub use late::{AllowedUsers, LateExpectation, LateExpectations, WorkerState, best_level};
pub use ledger::rules_about_unread;
pub use placements::deciding_rules;
pub use recheck::recheck_plan;
pub use snapshots::frozen_warnings;
pub use stale::{StaleExpectation, find_applied, find_stale};
pub use targets::TargetFilter;

use crate::{
    desired::Desired,
    finding::{Code, Finding, FindingLocation, Level, Note},
    live::{Live, LivePool, LiveWorker, UnreadSubject, built_in_worker_pool, describe_parts},
    model::Address,
    plan::{Change, ChangeKind, Consequences, GateSettings, OwnPlace, Plan, PlanHeader},
};

use branches::BranchTracker;
use gates::GateInput;
use matched::Matched;
use std::collections::HashSet;

/// Plans the changes that bring the server to the state that the file declares.
///
/// A finding of level [`Level::Error`] means that the file and the server do not fit together. The changes are
/// then incomplete, and such a plan is never approved.
pub fn plan_changes(desired: &Desired, live: &Live, header: PlanHeader) -> Plan {
    plan_for_targets(desired, live, header, &TargetFilter::default(), None)
}

/// Plans like [`plan_changes`], narrowed to `targets` and what they depend on, and to the waves up to `wave`.
/// Gates check the remaining changes.
pub fn plan_for_targets(
    desired: &Desired,
    live: &Live,
    header: PlanHeader,
    targets: &TargetFilter,
    wave: Option<&str>,
) -> Plan {
    let mut findings = Vec::new();
    let matched = Matched::new(desired, live, &mut findings);
    findings.extend(waves::lint_waves(&matched));
    let mut branches = BranchTracker::new(&matched);
    let mut changes = plan_whole_file(&matched, &mut branches, &mut findings);
    let whole = simulate_changes(live, &changes);
    order::order_changes(&mut changes, live, &whole);

    let mut gates = GateSettings::from_desired(desired);
    let (mut requirements, mut consequences) = (Vec::new(), Consequences::default());
    if findings.iter().all(|finding| finding.level != Level::Error) {
        findings.extend(wave.and_then(|it| waves::hold_back_waves(&matched, it, &mut changes)));
        findings.extend(targets.narrow_changes(&matched, &mut changes));
        branches.retain_in_scope(&changes, targets, waves::due_projects(desired, live, wave));
        let narrowed = simulate_changes(live, &changes);
        let input =
            GateInput { settings: &gates, matched: &matched, changes: &changes, after: &narrowed };
        findings.extend(gates::check_gates(&input));
        // Whether the rules settle depends on all of them, narrowed or not.
        findings.extend(unsettled_finding(desired, &whole));
        requirements = arrivals::pool_needs(&matched, &gates, &changes, &narrowed);
        consequences = consequences::find_consequences(&matched, &changes, &narrowed);
        let uncounted = affects_every_step(live, &narrowed, &changes)
            .then(|| consequences::uncounted_warning(live, &findings));
        findings.extend(uncounted.flatten());
    }
    gates.repositories = branches.needed_repositories();
    findings.extend(branches.branch_findings());
    dedup_findings(&mut findings);
    let findings = gates.apply_levels(findings);
    let expectations = stale::plan_expectations(&changes, live);
    Plan {
        changes,
        findings,
        expectations,
        requirements,
        consequences,
        gates,
        ..Plan::empty(header)
    }
}

/// Plans everything that the file declares, in no particular order yet.
fn plan_whole_file<'a>(
    matched: &'a Matched<'a>,
    branches: &mut BranchTracker<'a>,
    findings: &mut Vec<Finding>,
) -> Vec<Change> {
    let mut changes = plan_infrastructure(matched, findings);
    changes.extend(values::plan_value_changes(matched, branches, findings));
    changes.extend(target_pools::plan_target_pools(matched, findings));
    findings.extend(unread_indirect_pools(matched));
    let without_steps = simulate_changes(matched.live, &changes);
    changes.extend(placements::plan_placements(matched, branches, &without_steps, findings));
    changes
}

/// Plans changes that no file declares, such as a rollback: orders them and runs them through the gates.
///
/// Gates only warn here, since the server has been in the planned state before. A pool that is still in use is
/// not deleted; everything else is carried out.
pub fn plan_from_changes(
    mut changes: Vec<Change>,
    mut findings: Vec<Finding>,
    live: &Live,
    header: PlanHeader,
) -> Plan {
    let desired = Desired::default();
    let matched = Matched::new(&desired, live, &mut findings);
    name_live_pools(&mut changes, live);
    let done = simulate_changes(live, &changes);
    let gates = GateSettings::default();
    let input = GateInput { settings: &gates, matched: &matched, changes: &changes, after: &done };
    let gate_findings = gates::check_gates(&input);
    let used = |change: &Change| {
        matches!(change.kind, ChangeKind::DeletePool { .. })
            && gate_findings
                .iter()
                .any(|it| keeps_pool(it) && it.address.as_deref() == Some(&change.address))
    };
    changes.retain(|change| !used(change));
    findings.extend(gate_findings.into_iter().map(downgrade_to_warning));
    let done = simulate_changes(live, &changes);
    order::order_changes(&mut changes, live, &done);
    let expectations = stale::plan_expectations(&changes, live);
    let requirements = arrivals::pool_needs(&matched, &gates, &changes, &done);
    let consequences = consequences::find_consequences(&matched, &changes, &done);
    Plan {
        changes,
        findings,
        expectations,
        requirements,
        consequences,
        gates,
        ..Plan::empty(header)
    }
}

/// Adds what the program runs on to a plan, and the findings about it.
pub fn guard_own_place(mut plan: Plan, own: &OwnPlace, live: &Live) -> Plan {
    plan.gates.own.extend(own);
    let desired = plan.gates.pools_as_desired();
    let matched = Matched::new(&desired, live, &mut Vec::new());
    let after = simulate_changes(live, &plan.changes);
    let input = GateInput {
        settings: &plan.gates,
        matched: &matched,
        changes: &plan.changes,
        after: &after,
    };
    let findings = plan.gates.apply_levels(gates::check_own_place(&input));
    plan.findings.extend(findings);
    plan
}

/// Gives each change to a live pool the address that the server's name of the pool makes. A file's keys mean nothing
/// where no file declares them.
pub fn name_live_pools(changes: &mut [Change], live: &Live) {
    let desired = Desired::default();
    let matched = Matched::new(&desired, live, &mut Vec::new());
    for change in changes {
        let (ChangeKind::UpdatePool { id, .. } | ChangeKind::DeletePool { id, .. }) = &change.kind
        else {
            continue;
        };
        if let Some(pool) = live.find_pool(id) {
            change.address = matched.pool_address(pool);
        }
    }
}

/// Whether a finding reports a pool that is in use. Findings about unread parts have no address and keep no pool.
fn keeps_pool(finding: &Finding) -> bool {
    finding.code == Code::PoolInUse && finding.address.is_some()
}

/// Turns a gate's finding into a warning, for plans without a file that could set the gate's level.
///
/// What the program runs on is taken away by no plan, not even by one that goes back.
fn downgrade_to_warning(finding: Finding) -> Finding {
    if finding.code == Code::OwnWorker {
        return finding;
    }
    let (kept, help) = if keeps_pool(&finding) {
        (": it is kept", Some("delete the pool by hand once nothing uses it".to_owned()))
    } else {
        ("", None)
    };
    let message = format!("{}{kept}", finding.message);
    Finding { level: Level::Warn, message, help, ..finding }
}

/// Returns a warning about variables and targets that could not be read, if the file sets any or has rules about the
/// steps that they place.
fn unread_indirect_pools(matched: &Matched) -> Option<Finding> {
    let desired = matched.desired;
    let message = if desired.sets_indirect_pools() {
        "some variables or targets could not be read and are left out of the plan"
    } else if desired.rules.iter().any(|rule| rule.select.depends_on_built_in()) {
        "some variables or targets could not be read, so rules about `server` leave the steps that they place"
    } else {
        return None;
    };
    let notes = describe_parts(matched.live.unread_by(UnreadSubject::IndirectPools));
    (!notes.is_empty()).then(|| {
        Finding::new(Code::UnseenChoosers, Level::Warn, FindingLocation::Nowhere, message)
            .with_notes(notes)
    })
}

/// Whether a plan affects where steps run that it does not change itself: a pool loses its last enabled worker,
/// the default pool gets its first, another pool becomes the default, or a variable or target leads to another
/// pool. Such a plan is only right if every step was read.
pub fn concerns_every_step(live: &Live, plan: &Plan) -> bool {
    affects_every_step(live, &simulate_changes(live, &plan.changes), &plan.changes)
}

/// Whether `changes` affect where steps run that they do not name. `done` is the server after them.
fn affects_every_step(live: &Live, done: &Live, changes: &[Change]) -> bool {
    let has_worker =
        |live: &Live, pool: &LivePool| live.pool_members(&pool.id).any(|it| !it.disabled);
    let has_healthy = |live: &Live, pool: &LivePool| {
        live.pool_members(&pool.id).any(|member| !member.disabled && member.health.can_take_work())
    };
    let switches = |change: &Change| {
        matches!(
            change.kind,
            ChangeKind::SetDefaultPool { .. }
                | ChangeKind::SetValue { .. }
                | ChangeKind::SetTargetPool { .. }
        )
    };
    // The default pool gets its first worker, or loses its last one.
    let fallback = |live: &Live| built_in_worker_pool(live).map(|pool| pool.id.clone());
    changes.iter().any(switches)
        || fallback(live) != fallback(done)
        || live.pools.iter().any(|pool| {
            has_worker(live, pool) && !has_worker(done, pool)
                || has_healthy(live, pool) && !has_healthy(done, pool)
        })
}

/// Keeps each finding once, since all workers of a range share their mistakes.
fn dedup_findings(findings: &mut Vec<Finding>) {
    let mut seen = HashSet::new();
    findings.retain(|finding| {
        seen.insert((finding.code, finding.location.clone(), finding.message.clone()))
    });
}

/// Plans the changes to pools, workers and the built-in worker.
fn plan_infrastructure(matched: &Matched, findings: &mut Vec<Finding>) -> Vec<Change> {
    let deletes = deletes::plan_deletes(matched, findings);
    let deleted: HashSet<&str> =
        deletes.iter().filter_map(|change| change.kind.object_id()).collect();

    let mut changes = pools::plan_pool_changes(matched, findings);
    changes.extend(pools::plan_pool_order(matched, &deleted));
    let is_deleted = |worker: &LiveWorker| deleted.contains(worker.id.as_str());
    changes.extend(workers::plan_worker_changes(matched, is_deleted, findings));
    changes.extend(workers::plan_leavers(matched, is_deleted, findings));
    changes.extend(pools::plan_default_switch(matched));
    changes.extend(plan_built_in_worker(matched));
    changes.extend(deletes);
    changes
}

/// Plans the built-in worker's switch, if the file and the server differ.
fn plan_built_in_worker(matched: &Matched) -> Option<Change> {
    let wanted = matched.desired.built_in_worker.as_ref()?;
    if matched.live.server.built_in_worker? == wanted.value {
        return None;
    }
    let kind = ChangeKind::SetBuiltInWorker { enabled: wanted.value };
    Some(Change::declared(Address::BuiltInWorker, kind, &wanted.span))
}

/// Returns an error if the rules would move steps again after the plan, so that no plan would ever be empty.
fn unsettled_finding(desired: &Desired, done: &Live) -> Option<Finding> {
    let mut errors = Vec::new();
    let matched = Matched::new(desired, done, &mut errors);
    let mut branches = BranchTracker::new(&matched);
    let mut again = placements::plan_placements(&matched, &mut branches, done, &mut errors);
    again.extend(values::plan_value_changes(&matched, &mut branches, &mut errors));
    again.extend(target_pools::plan_target_pools(&matched, &mut errors));
    errors.extend(branches.branch_findings());
    errors.retain(|finding| finding.level == Level::Error);
    let moves = again.first().map(|change| change.cause.location.clone());
    let at = moves.or_else(|| errors.first().map(|finding| finding.location.clone()))?;
    let mut steps: Vec<Note> = again.iter().map(|change| Note::from(&change.address)).collect();
    steps.extend(errors.into_iter().flat_map(|finding| finding.notes));
    let message = "the rules would never settle: after this plan, they would move steps again";
    Some(
        Finding::new(Code::UnsettledRules, Level::Error, at, message)
            .with_label("this rule would move them next")
            .with_notes(steps)
            .with_help("make sure that no rule moves steps to a place that another rule's `currently` selects"),
    )
}
