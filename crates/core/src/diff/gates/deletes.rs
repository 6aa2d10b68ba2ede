//! `pool-in-use`, `too-many-deletes` and `protected`: limits on deletes.

use super::{GateInput, bypass_help};
use crate::{
    desired::{Gate, MaxDeletes},
    finding::{Finding, FindingLocation, Level},
    live::{HiddenData, Live, LivePool, describe_pool_users, group_by_cause},
    plan::{Change, ChangeAction, ChangeKind},
    text::pluralize,
};

/// Returns findings about pools that the plan deletes and that are still in use.
pub(super) fn pool_in_use(input: &GateInput) -> Vec<Finding> {
    let gate = Gate::PoolInUse;
    let mut findings = Vec::new();
    let mut deleted = Vec::new();
    let deletes = |change: &Change| matches!(change.kind, ChangeKind::DeletePool { .. });
    if !input.changes.iter().any(deletes) {
        return findings;
    }
    let with_deleted = with_deleted_pools(input);
    for change in input.changes {
        let ChangeKind::DeletePool { id, name } = &change.kind else { continue };
        deleted.push(change);
        let users = describe_pool_users(&with_deleted, id);
        if users.is_empty() {
            continue;
        }
        let message =
            format!("pool `{name}` would be deleted while {} it", describe_users(users.len()));
        // The server refuses to delete a pool with members, whatever the file allows.
        let has_members = input.after.pool_members(id).next().is_some();
        let at = change.cause.location.clone();
        let help = "move them to another pool first, or keep the pool";
        let (finding, help) = if has_members {
            (Some(Finding::new(gate.code(), Level::Deny, at, message)), help.to_owned())
        } else {
            let finding = input.gate_finding(gate, at, message);
            (finding, format!("{help}; {}", bypass_help(gate)))
        };
        findings.extend(finding.map(|finding| {
            finding.with_address(change.address.clone()).with_notes(users).with_help(help)
        }));
    }
    findings.extend(deleted.first().and_then(|change| unread_users(input, change)));
    findings
}

/// Returns the state after the plan with the deleted pools still in it, since a slug in a plain property only
/// counts as a reference if such a pool exists.
fn with_deleted_pools(input: &GateInput) -> Live {
    let mut live = input.after.clone();
    let before = input.matched.live.pools.iter();
    let deleted = before.filter(|pool| input.after.find_pool(&pool.id).is_none());
    live.pools.extend(deleted.map(|pool| LivePool { default: false, ..pool.clone() }));
    live
}

fn describe_users(n: usize) -> String {
    match n {
        1 => "something still uses".to_owned(),
        n => format!("{n} things still use"),
    }
}

fn unread_users(input: &GateInput, change: &Change) -> Option<Finding> {
    let parts = input.matched.live.unread.iter().filter(|part| {
        matches!(
            part.hidden,
            HiddenData::Steps
                | HiddenData::StepsInGit
                | HiddenData::Templates
                | HiddenData::PoolReferences
                | HiddenData::Targets
                | HiddenData::Snapshots
        )
    });
    let notes = group_by_cause(parts).into_iter();
    let notes: Vec<_> = notes.map(|(what, why)| format!("{what}: {why}")).collect();
    if notes.is_empty() {
        return None;
    }
    let message =
        "parts that could not be read may still use a pool that would be deleted".to_owned();
    let finding = input.gate_warning(Gate::PoolInUse, change.cause.location.clone(), message)?;
    Some(finding.with_notes(notes).with_help("check these by hand first"))
}

/// Returns a finding if the plan has more deletes and replacements than the file allows.
pub(super) fn too_many_deletes(input: &GateInput) -> Vec<Finding> {
    let Some(max) = input.settings.max_deletes else { return Vec::new() };
    let live = input.matched.live;
    let all = live.pools.len() + live.workers.len();
    let (limit, shown_limit) = match max {
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
    let deletes: Vec<_> = input.changes.iter().filter(deletes).collect();
    if deletes.len() <= limit {
        return Vec::new();
    }
    let message = format!(
        "the plan has {}, and `max_deletes` is {shown_limit}",
        pluralize(deletes.len(), "delete")
    );
    let notes = deletes.iter().map(|change| change.address.to_string()).collect();
    let declared = input.matched.desired.policy.max_deletes.as_ref();
    let at =
        declared.map_or(FindingLocation::Nowhere, |max| FindingLocation::Source(max.span.clone()));
    let finding = input.gate_finding(Gate::TooManyDeletes, at, message);
    let finding = finding.map(|finding| {
        finding
            .with_notes(notes)
            .with_help("check each of them, then raise `max_deletes` for this run")
    });
    finding.into_iter().collect()
}

/// Returns findings about deletes and replacements of objects that the file protects.
pub(super) fn protected_deletes(input: &GateInput) -> Vec<Finding> {
    let deletes = |change: &&Change| {
        matches!(change.kind.action(), ChangeAction::Delete | ChangeAction::Replace)
    };
    let found = input.changes.iter().filter(deletes);
    let found = found.filter(|change| input.settings.is_protected(&change.address));
    let findings = found.filter_map(|change| {
        let message = format!(
            "`{}` is protected and would be {}d",
            change.address,
            change.kind.action().as_str()
        );
        let finding =
            input.gate_finding(Gate::Protected, change.cause.location.clone(), message)?;
        let finding = finding.with_address(change.address.clone());
        Some(finding.with_help("remove `protect` in a separate change if this is intended"))
    });
    findings.collect()
}
