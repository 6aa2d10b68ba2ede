//! A plan just before its first write: whatever its changes and the server determine is derived again.
//!
//! A plan that was saved is text that somebody may have edited. Its changes are compared with the server
//! ([`find_stale`]), and everything else that people are shown or that protects them is computed here and not read:
//! the gates, the order, the needs of pools, the counts, the server's version. Never: a change that the plan does
//! not have.

use super::{
    GateInput, arrivals,
    branches::unreachable_finding,
    consequences, downgrade_to_warning,
    gates::{self, is_gate_code},
    keeps_pool,
    matched::Matched,
    order,
    stale::{StaleExpectation, find_stale},
};
use crate::{
    desired::AcceptDate,
    diff::after::simulate_changes,
    finding::{Code, Finding, FindingLocation, Level},
    live::{BranchRole, HiddenData, Live, LiveBranch, VariableStore},
    model::{Address, Name},
    plan::{Change, ChangeKind, Plan, PlanHeader, PlanOrigin, SettleContext},
};

use std::collections::{BTreeMap, HashMap, HashSet};

/// Derives a plan again from its changes and the server. `requested` is what its file or receipt asks for now, if that
/// is known: the plan must not have any other change. On `today` depends what is still accepted.
///
/// # Errors
///
/// Returns everything about the server, or about what is requested, that is not as the plan expects.
pub fn recheck_plan(
    plan: &Plan,
    live: &Live,
    requested: Option<&[Change]>,
    today: AcceptDate,
) -> Result<Plan, Vec<StaleExpectation>> {
    let mut stale = find_stale(plan, live);
    if stale.is_empty() {
        stale.extend(requested.into_iter().flat_map(|requested| unrequested(plan, requested)));
    }
    if !stale.is_empty() {
        return Err(stale);
    }
    let mut changes = plan.changes.clone();
    let after = simulate_changes(live, &changes);
    order::order_changes(&mut changes, live, &after);
    let desired = plan.gates.pools_as_desired();
    let matched = Matched::new(&desired, live, &mut Vec::new());
    let input =
        GateInput { settings: &plan.gates, matched: &matched, changes: &changes, after: &after };
    let gate_findings = gates::check_gates(&input).into_iter().chain(protected_branches(&input));
    let gate_findings = gate_findings.chain(unreachable_repositories(plan, live));
    let gate_findings = gate_findings.map(|finding| match plan.header.origin {
        PlanOrigin::Files => finding,
        PlanOrigin::Rollback if deletes_used_pool(&finding, &changes) => finding,
        PlanOrigin::Rollback => downgrade_to_warning(finding),
    });
    let findings = merge_findings(&plan.findings, gate_findings.collect());
    // What a gate accepted is derived with it.
    let accepted = plan.accepted.iter().filter(|it| !is_gate_code(it.finding.code)).cloned();
    let requirements = arrivals::pool_needs(&matched, &plan.gates, &changes, &after);
    let consequences = consequences::find_consequences(&matched, &changes, &after);
    let header = PlanHeader {
        server_version: live.server.version.clone(),
        space: live.server.space.clone(),
        ..plan.header.clone()
    };
    let rechecked = Plan {
        changes,
        findings,
        accepted: accepted.collect(),
        expectations: plan.expectations.clone(),
        requirements,
        consequences,
        gates: plan.gates.clone(),
        ..Plan::empty(header)
    };
    let context =
        SettleContext { today, space: Some(&live.server.space), places: &[], is_whole: false };
    Ok(rechecked.settle_findings(&context))
}

/// Returns the changes that the file or the receipt of a plan does not ask for in the same way.
fn unrequested(plan: &Plan, requested: &[Change]) -> Vec<StaleExpectation> {
    let mut by_address: HashMap<&Address, Vec<&ChangeKind>> = HashMap::new();
    for change in requested {
        by_address.entry(&change.address).or_default().push(&change.kind);
    }
    let is_requested = |change: &&Change| {
        by_address.get(&change.address).is_some_and(|kinds| kinds.contains(&&change.kind))
    };
    let source = match plan.header.origin {
        PlanOrigin::Files => "files",
        PlanOrigin::Rollback => "receipt",
    };
    let others = plan.changes.iter().filter(|change| !is_requested(change));
    let stale = others.map(|change| StaleExpectation {
        address: Some(change.address.clone()),
        field: "the change".to_owned(),
        expected: "it".to_owned(),
        found: format!("not what the {source} ask for"),
    });
    stale.collect()
}

/// Whether a finding reports a pool that is deleted while something uses it. Not even a rollback does that.
fn deletes_used_pool(finding: &Finding, changes: &[Change]) -> bool {
    let deletes = |change: &Change| {
        matches!(change.kind, ChangeKind::DeletePool { .. })
            && finding.address.as_deref() == Some(&change.address)
    };
    keeps_pool(finding) && changes.iter().any(deletes)
}

/// Returns a finding for each protected branch that the plan commits to, since the server refuses that.
fn protected_branches(input: &GateInput) -> Vec<Finding> {
    let live = input.matched.live;
    let mut by_branch: BTreeMap<String, Vec<&Change>> = BTreeMap::new();
    for change in input.changes {
        let Some(commit) = change.kind.git_commit().filter(|commit| commit.base.is_none()) else {
            continue;
        };
        let mut processes = live.processes.iter().filter_map(|process| process.git.as_ref());
        let mut sets = live.indirect.sets.iter().filter_map(|set| match &set.store {
            VariableStore::Branch(branch) => Some(branch),
            _ => None,
        });
        let is_target = |branch: &&LiveBranch| branch.at == commit.at;
        let branch = processes.find(is_target).or_else(|| sets.find(is_target));
        let role = branch.map(|branch| &branch.role);
        if matches!(role, Some(BranchRole::Protected | BranchRole::ProtectedWithoutStandIn)) {
            by_branch.entry(commit.at.name.clone()).or_default().push(change);
        }
    }
    let findings = by_branch.into_iter().filter_map(|(branch, changes)| {
        let first = changes.first()?;
        let message = format!("branch `{branch}` is protected");
        let finding =
            Finding::new(Code::ProtectedBranch, Level::Deny, first.cause.location.clone(), message);
        Some(finding.with_notes(changes.iter().map(|change| &change.address)))
    });
    findings.collect()
}

/// Returns a finding about the projects of a plan whose repositories cannot be read: the plan may lack changes.
fn unreachable_repositories(plan: &Plan, live: &Live) -> Option<Finding> {
    let needed: HashSet<Name> = plan.gates.repositories.iter().map(Name::new).collect();
    let parts = live.unread.iter().filter(|part| part.hidden == HiddenData::StepsInGit);
    let parts = parts.filter_map(|part| Some((part.project.as_ref()?, &part.why)));
    let sets = live.indirect.sets.iter().filter_map(|set| match &set.store {
        VariableStore::SupersededByGit { unread: Some(why) } => Some((set.owner.name(), why)),
        _ => None,
    });
    let unread: BTreeMap<&Name, &String> =
        sets.chain(parts).filter(|(project, _)| needed.contains(project)).collect();
    let finding = || {
        let unread = unread.iter().map(|(project, why)| (*project, *why));
        unreachable_finding(unread, FindingLocation::Nowhere)
    };
    (!unread.is_empty()).then(finding)
}

/// Replaces the findings of gates by those that the gates have now. A finding that is still the same keeps its place,
/// in the plan and in the file.
fn merge_findings(saved: &[Finding], mut derived: Vec<Finding>) -> Vec<Finding> {
    // The plan may report these itself, in more words.
    let is_reported = |finding: &Finding| {
        matches!(finding.code, Code::ProtectedBranch | Code::UnreachableRepository)
            && saved.iter().any(|it| it.code == finding.code && it.level == finding.level)
    };
    derived.retain(|finding| !is_reported(finding));
    let mut findings = Vec::with_capacity(saved.len() + derived.len());
    for finding in saved {
        if !is_gate_code(finding.code) {
            findings.push(finding.clone());
            continue;
        }
        let same = |it: &Finding| it.code == finding.code && it.message == finding.message;
        if let Some(at) = derived.iter().position(same) {
            let location = finding.location.clone();
            findings.push(Finding { location, ..derived.remove(at) });
        }
    }
    findings.extend(derived);
    findings
}
