//! `built-in-worker-in-use`: nothing may need the built-in worker when it is switched off.

use super::{GateInput, bypass_help};
use crate::{
    desired::Gate,
    finding::Finding,
    live::{HiddenData, group_by_cause, steps_maybe_built_in, steps_on_built_in},
    plan::ChangeKind,
    text::pluralize,
};

/// Steps that would resolve to the built-in worker, here and in other spaces; and what could not be seen.
pub(super) fn built_in_in_use(outcome: &GateInput) -> Vec<Finding> {
    let off = |kind: &ChangeKind| matches!(kind, ChangeKind::SetBuiltInWorker { enabled: false });
    let Some(change) = outcome.changes.iter().find(|change| off(&change.kind)) else {
        return Vec::new();
    };
    let mut users = steps_on_built_in(outcome.after);
    users.extend(outcome.matched.live.other_spaces.iter().flat_map(|space| {
        space.on_built_in_worker.iter().map(|step| format!("space {:?}: {step}", space.space))
    }));
    let gate = Gate::BuiltInWorkerInUse;
    let in_use = (!users.is_empty()).then(|| {
        let message =
            format!("{} would still need the built-in worker", pluralize(users.len(), "step"));
        let finding = outcome.gate_finding(gate, change.cause.location.clone(), message)?;
        let finding = finding.with_address(change.address.clone()).with_notes(users);
        Some(finding.with_help(format!("place these steps in a pool first; {}", bypass_help(gate))))
    });
    let perhaps = steps_maybe_built_in(outcome.after);
    let perhaps = (!perhaps.is_empty()).then(|| {
        let steps = pluralize(perhaps.len(), "step");
        let message =
            format!("nobody can tell whether {steps} would still need the built-in worker");
        let finding = outcome.gate_warning(gate, change.cause.location.clone(), message)?;
        let finding = finding.with_address(change.address.clone()).with_notes(perhaps);
        Some(finding.with_help("`poolwright explain PROJECT STEP` says why; look at these by hand"))
    });
    let gaps = outcome.matched.live.unread.iter();
    let gaps = gaps.filter(|gap| {
        matches!(
            gap.hidden,
            HiddenData::Steps
                | HiddenData::StepsInGit
                | HiddenData::OtherSpaceSteps
                | HiddenData::Templates
                | HiddenData::PoolReferences
                | HiddenData::Targets
                | HiddenData::Snapshots
        )
    });
    let unseen = group_by_cause(gaps).into_iter();
    let unseen: Vec<_> = unseen.map(|(what, why)| format!("{what}: {why}")).collect();
    let unseen = (!unseen.is_empty()).then(|| {
        let message = "steps that could not be seen may still need the built-in worker".to_owned();
        let finding = outcome.gate_warning(gate, change.cause.location.clone(), message)?;
        let finding = finding.with_address(change.address.clone()).with_notes(unseen);
        Some(finding.with_help("look at these by hand before the switch"))
    });
    [in_use, perhaps, unseen].into_iter().flatten().flatten().collect()
}
