//! `pool-in-use`, `too-many-deletes` and `protected`: limits on deletes.

use super::{GateInput, bypass_help, gate_finding, gate_warning, note_uses};
use crate::{
    desired::{Gate, MaxDeletes},
    finding::{CountUnit, CountedMessage, Finding, FindingLocation, Note},
    live::{Live, LivePool, PoolUse, UnreadSubject, breaking_uses, describe_parts},
    plan::{Change, ChangeAction, ChangeKind},
};

/// The percentage of all pools and workers that a plan with `prune` may delete if the file sets no limit.
const PRUNE_PERCENT: u8 = 10;

/// Returns findings about pools that the plan deletes and that are still in use.
///
/// Users that make the server itself refuse the deletion get a finding of their own, which no setting lowers.
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
        let uses = breaking_uses(&with_deleted, id).into_iter();
        let (held, rest): (Vec<PoolUse>, Vec<PoolUse>) = uses.partition(|it| it.is_held);
        let help = "move them to another pool first, or keep the pool";
        let find = |uses: Vec<PoolUse>, after: &str| {
            let before = format!("pool `{name}` would be deleted while ");
            let message = CountedMessage::new(before, USERS, format!(" it{after}"));
            gate_finding(gate, change.cause.location.clone(), "")
                .with_address(change.address.clone())
                .with_counted_notes(message, note_uses(uses))
        };
        if !held.is_empty() {
            let finding = find(held, ", which the server refuses").with_help(help);
            findings.push(Finding { is_fixed: true, ..finding });
        }
        if !rest.is_empty() {
            findings.push(find(rest, "").with_help(format!("{help}; {}", bypass_help(gate))));
        }
    }
    findings.extend(deleted.first().and_then(|change| unread_users(input, change)));
    findings
}

/// The words for a number of users.
const USERS: CountUnit = CountUnit { one: "something still uses", many: "things still use" };

/// Returns the state after the plan with the deleted pools still in it, since a slug in a plain property only
/// counts as a reference if such a pool exists.
fn with_deleted_pools(input: &GateInput) -> Live {
    let mut live = input.after.clone();
    let before = input.matched.live.pools.iter();
    let deleted = before.filter(|pool| input.after.find_pool(&pool.id).is_none());
    live.pools.extend(deleted.map(|pool| LivePool { default: false, ..pool.clone() }));
    live
}

fn unread_users(input: &GateInput, change: &Change) -> Option<Finding> {
    let notes = describe_parts(input.matched.live.unread_by(UnreadSubject::PoolUses));
    if notes.is_empty() {
        return None;
    }
    let message = "parts that could not be read may still use a pool that would be deleted";
    let finding = gate_warning(Gate::PoolInUse, change.cause.location.clone(), message);
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
    let message = CountedMessage::new(
        "the plan has ",
        DELETES,
        format!(", and `max_deletes` is {shown_limit}"),
    );
    let message = message.tolerate(limit);
    let notes = deletes.iter().map(|change| Note::from(&change.address)).collect();
    let policy = &input.matched.desired.policy;
    let declared = policy.max_deletes.as_ref().map(|max| &max.span).or(policy.prune_span());
    let at = declared.map_or(FindingLocation::Nowhere, |at| FindingLocation::Source(at.clone()));
    let finding = gate_finding(Gate::TooManyDeletes, at, "").with_counted_notes(message, notes);
    let help = "check each of them, then raise `max_deletes` under `[manage]` for this run";
    vec![finding.with_help(help)]
}

/// The words for a number of deletes.
const DELETES: CountUnit = CountUnit { one: "1 delete", many: "deletes" };

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
    let findings = found.map(|change| {
        let message = format!(
            "`{}` is protected and would be {}d",
            change.address,
            change.kind.action().as_str()
        );
        gate_finding(Gate::Protected, change.cause.location.clone(), message)
            .with_address(change.address.clone())
            .with_help("remove `protect` in a separate change if this is intended")
    });
    findings.collect()
}
