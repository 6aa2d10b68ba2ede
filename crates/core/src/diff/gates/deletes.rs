//! `pool-in-use`, `too-many-deletes` and `protected`: what may be deleted, and how much of it.

use super::{GateInput, bypass_help};
use crate::{
    desired::{Gate, MaxDeletes},
    finding::{Finding, FindingLocation, Level},
    live::{HiddenData, Live, LivePool, describe_pool_users, group_by_cause},
    model::Address,
    plan::{Change, ChangeAction, ChangeKind},
    text::pluralize,
};

/// Pools that the plan deletes and that something still points at.
pub(super) fn pool_in_use(outcome: &GateInput) -> Vec<Finding> {
    let gate = Gate::PoolInUse;
    let mut findings = Vec::new();
    let mut deleted = Vec::new();
    let deletes = |change: &Change| matches!(change.kind, ChangeKind::DeletePool { .. });
    if !outcome.changes.iter().any(deletes) {
        return findings;
    }
    let with_deleted = with_deleted_pools(outcome);
    for change in outcome.changes {
        let ChangeKind::DeletePool { id, name } = &change.kind else { continue };
        deleted.push(change);
        let users = describe_pool_users(&with_deleted, id);
        if users.is_empty() {
            continue;
        }
        let message =
            format!("pool `{name}` would be deleted while {} it", describe_users(users.len()));
        // A server deletes no pool that has members, whatever a file allows.
        let has_members = outcome.after.pool_members(id).next().is_some();
        let (finding, help) = match has_members {
            true => {
                let at = change.cause.location.clone();
                let finding = Finding::new(gate.code(), Level::Deny, at, message);
                (Some(finding), "move these away first, or keep the pool".to_owned())
            }
            false => (
                outcome.gate_finding(gate, change.cause.location.clone(), message),
                format!("move these away first, or keep the pool; {}", bypass_help(gate)),
            ),
        };
        let about = |other: Finding| {
            other.with_address(change.address.clone()).with_notes(users).with_help(help)
        };
        findings.extend(finding.map(about));
    }
    findings.extend(deleted.first().and_then(|change| unread_users(outcome, change)));
    findings
}

/// The state after the plan, still with the pools that it deletes: a slug in a plain property is one's only
/// where there is such a pool.
fn with_deleted_pools(outcome: &GateInput) -> Live {
    let mut live = outcome.after.clone();
    let before = outcome.matched.live.pools.iter();
    let deleted = before.filter(|pool| outcome.after.find_pool(&pool.id).is_none());
    live.pools.extend(deleted.map(|pool| LivePool { default: false, ..pool.clone() }));
    live
}

fn describe_users(n: usize) -> String {
    match n {
        1 => "something still uses".to_owned(),
        n => format!("{n} things still use"),
    }
}

fn unread_users(outcome: &GateInput, change: &Change) -> Option<Finding> {
    let gaps = outcome.matched.live.unread.iter();
    let gaps = gaps.filter(|gap| {
        matches!(
            gap.hidden,
            HiddenData::Steps
                | HiddenData::StepsInGit
                | HiddenData::Templates
                | HiddenData::PoolReferences
                | HiddenData::Targets
                | HiddenData::Snapshots
        )
    });
    let notes = group_by_cause(gaps).into_iter();
    let notes: Vec<_> = notes.map(|(what, why)| format!("{what}: {why}")).collect();
    if notes.is_empty() {
        return None;
    }
    let message = "what could not be seen may still use a pool that would be deleted".to_owned();
    let finding = outcome.gate_warning(Gate::PoolInUse, change.cause.location.clone(), message)?;
    Some(finding.with_notes(notes).with_help("look at these by hand first"))
}

/// More deletes and replacements than the file allows.
pub(super) fn too_many_deletes(outcome: &GateInput) -> Vec<Finding> {
    let Some(max) = &outcome.matched.desired.policy.max_deletes else { return Vec::new() };
    let live = outcome.matched.live;
    let all = live.pools.len() + live.workers.len();
    let (limit, said) = match max.value {
        MaxDeletes::Count(limit) => (limit, limit.to_string()),
        MaxDeletes::Percent(percent) => {
            let limit = all * usize::from(percent) / 100;
            (limit, format!("{limit} ({percent}% of {all} pools and workers)"))
        }
    };
    // `max_deletes` is about pools and workers.
    let deletes = |change: &&Change| {
        matches!(change.kind.action(), ChangeAction::Delete | ChangeAction::Replace)
            && !matches!(change.kind, ChangeKind::SetValue { .. })
    };
    let deletes: Vec<_> = outcome.changes.iter().filter(deletes).collect();
    if deletes.len() <= limit {
        return Vec::new();
    }
    let message =
        format!("the plan has {}, and `max_deletes` is {said}", pluralize(deletes.len(), "delete"));
    let notes = deletes.iter().map(|change| change.address.to_string()).collect();
    let finding = outcome.gate_finding(
        Gate::TooManyDeletes,
        FindingLocation::Source(max.span.clone()),
        message,
    );
    let finding = finding.map(|finding| {
        finding
            .with_notes(notes)
            .with_help("look at each of them, then raise `max_deletes` for this one run")
    });
    finding.into_iter().collect()
}

/// Deletes and replacements of what the file protects.
pub(super) fn protected_deletes(outcome: &GateInput) -> Vec<Finding> {
    let desired = outcome.matched.desired;
    let is_protected = |change: &&Change| match &change.address {
        Address::Worker(key) => desired.workers.get(key).is_some_and(|it| it.protect),
        Address::Pool(key) => desired.pools.get(key).is_some_and(|it| it.protect),
        Address::BuiltInWorker
        | Address::PoolOrder
        | Address::Variable { .. }
        | Address::Target(_)
        | Address::Step { .. } => false,
    };
    let deletes = |change: &&Change| {
        matches!(change.kind.action(), ChangeAction::Delete | ChangeAction::Replace)
    };
    let found = outcome.changes.iter().filter(deletes).filter(is_protected);
    let findings = found.filter_map(|change| {
        let message = format!(
            "`{}` is protected and would be {}d",
            change.address,
            change.kind.action().as_str()
        );
        let finding =
            outcome.gate_finding(Gate::Protected, change.cause.location.clone(), message)?;
        let finding = finding.with_address(change.address.clone());
        Some(finding.with_help("remove `protect` in a change of its own, if it is meant"))
    });
    findings.collect()
}
