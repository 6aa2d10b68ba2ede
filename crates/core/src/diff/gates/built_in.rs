//! `built-in-worker-in-use`: no step may need the built-in worker when it is switched off.

use super::{GateInput, bypass_help};
use crate::{
    desired::Gate,
    finding::Finding,
    live::{UnreadSubject, describe_parts, steps_maybe_built_in, steps_on_built_in},
    plan::ChangeKind,
    text::pluralize,
};

/// Returns findings about steps that would resolve to the built-in worker, in this space and others, and about
/// parts that could not be read.
pub(super) fn built_in_in_use(input: &GateInput) -> Vec<Finding> {
    let off = |kind: &ChangeKind| matches!(kind, ChangeKind::SetBuiltInWorker { enabled: false });
    let Some(change) = input.changes.iter().find(|change| off(&change.kind)) else {
        return Vec::new();
    };
    let mut users = steps_on_built_in(input.after);
    users.extend(input.matched.live.other_spaces.iter().flat_map(|space| {
        space.on_built_in_worker.iter().map(|step| format!("space {:?}: {step}", space.space))
    }));
    let gate = Gate::BuiltInWorkerInUse;
    let in_use = (!users.is_empty()).then(|| {
        let message =
            format!("{} would still need the built-in worker", pluralize(users.len(), "step"));
        let finding = input.gate_finding(gate, change.cause.location.clone(), message)?;
        let finding = finding.with_address(change.address.clone()).with_notes(users);
        Some(finding.with_help(format!("place these steps in a pool first; {}", bypass_help(gate))))
    });
    let perhaps = steps_maybe_built_in(input.after);
    let perhaps = (!perhaps.is_empty()).then(|| {
        let steps = pluralize(perhaps.len(), "step");
        let message = format!("cannot tell whether {steps} would still need the built-in worker");
        let finding = input.gate_warning(gate, change.cause.location.clone(), message)?;
        let finding = finding.with_address(change.address.clone()).with_notes(perhaps);
        Some(
            finding
                .with_help("`poolwright explain PROJECT STEP` says why; check these steps by hand"),
        )
    });
    let unread = describe_parts(input.matched.live.unread_by(UnreadSubject::BuiltInUses));
    let unread = (!unread.is_empty()).then(|| {
        let message = "steps that could not be read may still need the built-in worker".to_owned();
        let finding = input.gate_warning(gate, change.cause.location.clone(), message)?;
        let finding = finding.with_address(change.address.clone()).with_notes(unread);
        Some(finding.with_help("check these by hand before the switch"))
    });
    [in_use, perhaps, unread].into_iter().flatten().flatten().collect()
}
