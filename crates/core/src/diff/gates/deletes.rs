//! `pool-in-use`, `too-many-deletes` and `protected`: limits on deletes.

use super::{GateInput, bypass_help};
use crate::{
    desired::{Gate, MaxDeletes},
    finding::{Finding, FindingLocation, Level},
    live::{Live, LivePool, PoolUse, UnreadSubject, breaking_uses, describe_parts},
    plan::{Change, ChangeAction, ChangeKind},
    text::pluralize,
};

/// The percentage of all pools and workers that a plan with `prune` may delete if the file sets no limit.
const PRUNE_PERCENT: u8 = 10;

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
        let users = PoolUsers::split(input, breaking_uses(&with_deleted, id));
        let at = || change.cause.location.clone();
        let describe = |users: &[String]| {
            format!("pool `{name}` would be deleted while {} it", describe_users(users.len()))
        };
        let help = "move them to another pool first, or keep the pool";
        if !users.refused.is_empty() {
            let why = if users.rest_is_allowed { ", which the server refuses" } else { "" };
            let message = format!("{}{why}", describe(&users.refused));
            let finding = Finding::new(gate.code(), Level::Deny, at(), message).with_help(help);
            findings.push(finding.with_address(change.address.clone()).with_notes(users.refused));
        }
        if !users.rest.is_empty() {
            let finding = input.gate_finding(gate, at(), describe(&users.rest));
            findings.extend(finding.map(|finding| {
                let help = format!("{help}; {}", bypass_help(gate));
                let finding = finding.with_address(change.address.clone());
                finding.with_notes(users.rest).with_help(help)
            }));
        }
    }
    findings.extend(deleted.first().and_then(|change| unread_users(input, change)));
    findings
}

/// The users of a pool that the plan deletes.
struct PoolUsers {
    /// Users because of which the plan is refused whatever the file allows, since the server refuses the delete.
    /// If the gate denies anyway, these are all users.
    refused: Vec<String>,
    /// The others.
    rest: Vec<String>,
    /// Whether the file lets the gate pass.
    rest_is_allowed: bool,
}

impl PoolUsers {
    fn split(input: &GateInput, uses: Vec<PoolUse>) -> Self {
        let level = input.settings.gate_level(Gate::PoolInUse);
        let rest_is_allowed = level != Some(Level::Deny);
        let any_held = uses.iter().any(|it| it.is_held);
        let (refused, rest): (Vec<PoolUse>, Vec<PoolUse>) =
            uses.into_iter().partition(|it| it.is_held || any_held && !rest_is_allowed);
        let [refused, rest] =
            [refused, rest].map(|uses| uses.into_iter().map(|it| it.what).collect());
        Self { refused, rest, rest_is_allowed }
    }
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
    let notes = describe_parts(input.matched.live.unread_by(UnreadSubject::PoolUses));
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
    let settings = input.settings;
    let live = input.matched.live;
    let all = live.pools.len() + live.workers.len();
    let percentage = |percent: u8| all * usize::from(percent) / 100;
    let (limit, shown_limit) = match settings.max_deletes {
        Some(MaxDeletes::Count(limit)) => (limit, limit.to_string()),
        Some(MaxDeletes::Percent(percent)) => {
            let limit = percentage(percent);
            (limit, format!("{limit} ({percent}% of {all} pools and workers)"))
        }
        None if settings.prunes => {
            let limit = percentage(PRUNE_PERCENT).max(1);
            (limit, format!("{limit} by default ({PRUNE_PERCENT}% of {all} pools and workers)"))
        }
        None => return Vec::new(),
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
    let policy = &input.matched.desired.policy;
    let declared = policy.max_deletes.as_ref().map(|max| &max.span).or(policy.prune_span());
    let at = declared.map_or(FindingLocation::Nowhere, |at| FindingLocation::Source(at.clone()));
    let finding = input.gate_finding(Gate::TooManyDeletes, at, message);
    let finding = finding.map(|finding| {
        finding
            .with_notes(notes)
            .with_help("check each of them, then raise `max_deletes` under `[manage]` for this run")
    });
    finding.into_iter().collect()
}

/// Returns findings about deletes and replacements of objects that the file protects.
pub(super) fn protected_deletes(input: &GateInput) -> Vec<Finding> {
    let is_protected = |change: &&Change| match &change.kind {
        ChangeKind::DeletePool { name, .. }
        | ChangeKind::DeleteWorker { name, .. }
        | ChangeKind::ReplaceWorker { name, .. } => {
            input.settings.is_protected(&change.address) || input.settings.protects_name(name)
        }
        _ => false,
    };
    let found = input.changes.iter().filter(is_protected);
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
