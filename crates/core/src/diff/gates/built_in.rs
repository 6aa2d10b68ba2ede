//! `built-in-worker-in-use`: nothing may need the built-in worker when it is switched off.

use super::{GateInput, way_past};
use crate::{
    desired::Gate,
    finding::Finding,
    live::{HiddenData, by_cause, may_need_built_in_worker, needs_built_in_worker},
    plan::ChangeKind,
    text::count,
};

/// Steps that would resolve to the built-in worker, here and in other spaces; and what could not be seen.
pub(super) fn in_use(outcome: &GateInput) -> Vec<Finding> {
    let off = |kind: &ChangeKind| matches!(kind, ChangeKind::SetBuiltInWorker { enabled: false });
    let Some(change) = outcome.changes.iter().find(|change| off(&change.kind)) else {
        return Vec::new();
    };
    let mut users = needs_built_in_worker(outcome.after);
    users.extend(outcome.matched.live.other_spaces.iter().flat_map(|space| {
        space.on_built_in_worker.iter().map(|step| format!("space {:?}: {step}", space.space))
    }));
    let gate = Gate::BuiltInWorkerInUse;
    let in_use = (!users.is_empty()).then(|| {
        let message =
            format!("{} would still need the built-in worker", count(users.len(), "step"));
        let finding = outcome.refuse(gate, change.cause.location.clone(), message)?;
        let finding = finding.about(change.address.clone()).notes(users);
        Some(finding.help(format!("place these steps in a pool first; {}", way_past(gate))))
    });
    let perhaps = may_need_built_in_worker(outcome.after);
    let perhaps = (!perhaps.is_empty()).then(|| {
        let steps = count(perhaps.len(), "step");
        let message =
            format!("nobody can tell whether {steps} would still need the built-in worker");
        let finding = outcome.warn(gate, change.cause.location.clone(), message)?;
        let finding = finding.about(change.address.clone()).notes(perhaps);
        Some(finding.help("`poolwright explain PROJECT STEP` says why; look at these by hand"))
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
    let unseen = by_cause(gaps).into_iter();
    let unseen: Vec<_> = unseen.map(|(what, why)| format!("{what}: {why}")).collect();
    let unseen = (!unseen.is_empty()).then(|| {
        let message = "steps that could not be seen may still need the built-in worker".to_owned();
        let finding = outcome.warn(gate, change.cause.location.clone(), message)?;
        let finding = finding.about(change.address.clone()).notes(unseen);
        Some(finding.help("look at these by hand before the switch"))
    });
    [in_use, perhaps, unseen].into_iter().flatten().flatten().collect()
}
