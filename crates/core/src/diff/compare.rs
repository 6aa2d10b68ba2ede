//! Plan × the plan of its base → what the files bring, what was pending before, and what is undone.
//!
//! Both plans are for the same state of the server. A change is the same in both if it writes the same, wherever its
//! files ask for it. Never: a change of what the plan writes.

use crate::{
    finding::{ChangeOrigin, Code, Finding},
    model::{Address, Name},
    plan::{
        ActionCounts, BaseComparison, Change, ChangeKind, DeclaredPool, MovedStep, PendingChange,
        Plan, UndoneFinding,
    },
};

use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// Compares a plan with that of its base, `None` if the base cannot be planned: then everything is brought.
///
/// `described` names the base.
pub fn compare_with_base(plan: Plan, base: Option<&Plan>, described: BaseComparison) -> Plan {
    let Plan { mut changes, mut findings, mut consequences, .. } = plan;
    let keys = base.map(|base| renamed_keys(&plan.gates.pools, &base.gates.pools));
    let keys = keys.unwrap_or_default();
    let (base_changes, base_findings) =
        base.map_or((&[][..], &[][..]), |base| (&base.changes, &base.findings));
    let undone = compare_changes(&mut changes, base_changes, &keys);
    let undone_findings = compare_findings(&mut findings, base_findings, &described.base);
    let base_steps = base.map(|base| &base.consequences);
    compare_steps(&mut consequences.affected, base_steps.map(|it| &*it.affected));
    compare_steps(&mut consequences.onto_server, base_steps.map(|it| &*it.onto_server));
    compare_steps(&mut consequences.stopped, base_steps.map(|it| &*it.stopped));
    let count_origin = |origin| {
        let of_origin = changes.iter().filter(|change| change.cause.origin == Some(origin));
        ActionCounts::count(of_origin.map(|change| change.kind.action()))
    };
    let comparison = BaseComparison {
        brought: count_origin(ChangeOrigin::Brought),
        pending: count_origin(ChangeOrigin::Pending),
        undone,
        undone_findings,
        ..described
    };
    Plan { changes, findings, consequences, comparison: Some(comparison), ..plan }
}

/// The keys of the base's pools that the plan's files declare under another key.
type RenamedKeys<'a> = HashMap<&'a str, &'a str>;

fn renamed_keys<'a>(pools: &'a [DeclaredPool], base_pools: &'a [DeclaredPool]) -> RenamedKeys<'a> {
    let by_name: HashMap<Name, &str> =
        pools.iter().map(|pool| (Name::new(&pool.name), pool.key.as_str())).collect();
    let renamed = base_pools.iter().filter_map(|pool| {
        let key = *by_name.get(&Name::new(&pool.name))?;
        (key != pool.key).then_some((pool.key.as_str(), key))
    });
    renamed.collect()
}

/// Marks each change, and returns those of the base that are not in the plan.
fn compare_changes(
    changes: &mut [Change],
    base: &[Change],
    keys: &RenamedKeys,
) -> Vec<PendingChange> {
    let mut by_slot: HashMap<ChangeSlot, Vec<usize>> = HashMap::new();
    for (at, change) in base.iter().enumerate() {
        by_slot.entry(ChangeSlot::new(change, keys)).or_default().push(at);
    }
    let mut matched = HashSet::new();
    let in_slot = |change: &Change| {
        let slot = ChangeSlot::new(change, &RenamedKeys::new());
        let found = by_slot.get(&slot).into_iter().flatten();
        found.filter_map(|at| Some((*at, base.get(*at)?))).collect::<Vec<_>>()
    };
    for change in &mut *changes {
        let is_same = |other: &Change| writes_same(&change.kind, &other.kind, keys);
        let mut pending = in_slot(change).into_iter();
        let same = pending.find(|(at, other)| !matched.contains(at) && is_same(other));
        matched.extend(same.map(|(at, _)| at));
        let origin = if same.is_some() { ChangeOrigin::Pending } else { ChangeOrigin::Brought };
        change.cause.origin = Some(origin);
    }
    let brought = changes.iter_mut().filter(|it| it.cause.origin == Some(ChangeOrigin::Brought));
    for change in brought {
        let other = in_slot(change).into_iter().find(|(at, _)| !matched.contains(at));
        if let Some((at, other)) = other {
            matched.insert(at);
            change.cause.instead_of = Some(Box::new(pending_change(other)));
        }
    }
    let undone = base.iter().enumerate().filter(|(at, _)| !matched.contains(at));
    undone.map(|(_, change)| pending_change(change)).collect()
}

/// Returns a change of the base as it is shown.
fn pending_change(change: &Change) -> PendingChange {
    PendingChange {
        address: change.address.clone(),
        kind: change.kind.object_kind(),
        action: change.kind.action(),
        fields: change.kind.field_diffs(),
        rule: change.cause.rule.clone(),
    }
}

/// What a change decides: two changes of one slot cannot both be in a plan.
#[derive(PartialEq, Eq, Hash)]
struct ChangeSlot {
    address: Address,
    /// The default pool's own settings are another decision.
    is_default: bool,
}

impl ChangeSlot {
    fn new(change: &Change, keys: &RenamedKeys) -> Self {
        let address = match &change.address {
            Address::Pool(key) => Address::Pool(new_key(key, keys)),
            other => other.clone(),
        };
        // Whichever pool becomes the default, there is one default.
        if let ChangeKind::SetDefaultPool { .. } = change.kind {
            return Self { address: Address::Pool(String::new()), is_default: true };
        }
        Self { address, is_default: false }
    }
}

fn new_key(key: &str, keys: &RenamedKeys) -> String {
    (*keys.get(key).unwrap_or(&key)).to_owned()
}

/// Whether two changes write the same, if the base's keys are the plan's.
fn writes_same(kind: &ChangeKind, base: &ChangeKind, keys: &RenamedKeys) -> bool {
    if keys.is_empty() {
        return kind == base;
    }
    let to_value = |kind: &ChangeKind| serde_json::to_value(kind).unwrap_or_default();
    let (mut kind, mut base) = (to_value(kind), to_value(base));
    rename_handles(&mut kind, &RenamedKeys::new());
    rename_handles(&mut base, keys);
    kind == base
}

/// Leaves of the pools in a write what tells them apart: the ids, and the new keys of those without one.
fn rename_handles(value: &mut Value, keys: &RenamedKeys) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| rename_handles(item, keys)),
        Value::Object(fields) => {
            if let Some(Value::String(text)) = fields.get_mut("new")
                && let Ok(Address::Pool(key)) = text.parse()
            {
                *text = Address::Pool(new_key(&key, keys)).to_string();
            }
            if let Some(Value::Object(pool)) = fields.get_mut("existing") {
                pool.remove("address");
            }
            fields.values_mut().for_each(|field| rename_handles(field, keys));
        }
        _ => {}
    }
}

/// Marks each finding, and returns those of the base that the plan does not have.
fn compare_findings(findings: &mut [Finding], base: &[Finding], name: &str) -> Vec<UndoneFinding> {
    let mut matched = HashSet::new();
    for finding in findings {
        let same = base.iter().enumerate().find(|(at, other)| {
            !matched.contains(at) && reports_same(finding, other) && finding.level <= other.level
        });
        finding.origin = Some(match same {
            Some((at, _)) => {
                matched.insert(at);
                finding
                    .notes
                    .insert(0, format!("already pending: `{name}` has the same finding").into());
                ChangeOrigin::Pending
            }
            None => ChangeOrigin::Brought,
        });
    }
    // That a target matches nothing concerns the command line, and not the files.
    let undone = base
        .iter()
        .enumerate()
        .filter(|(at, finding)| !matched.contains(at) && finding.code != Code::IdleTarget);
    undone.map(|(_, finding)| UndoneFinding::from_finding(finding)).collect()
}

/// Whether two findings report the same, wherever in their files.
fn reports_same(finding: &Finding, other: &Finding) -> bool {
    let Finding { code, message, address, notes, .. } = finding;
    (code, message, address, notes) == (&other.code, &other.message, &other.address, &other.notes)
}

/// Marks the steps that move although no change names them, or that come to run on the server.
fn compare_steps(steps: &mut [MovedStep], base: Option<&[MovedStep]>) {
    let known: HashMap<&Address, &MovedStep> =
        base.into_iter().flatten().map(|step| (&step.address, step)).collect();
    for step in steps {
        let same = known
            .get(&step.address)
            .is_some_and(|other| (&other.before, &other.after) == (&step.before, &step.after));
        step.origin = Some(if same { ChangeOrigin::Pending } else { ChangeOrigin::Brought });
    }
}
