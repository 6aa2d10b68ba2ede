//! `built-in-worker-in-use`: no step may need the built-in worker when it is switched off.

use super::{GateInput, bypass_help, gate_finding, gate_warning, note_uses};
use crate::{
    desired::Gate,
    finding::{CountUnit, CountedMessage, Finding, Note, Subject},
    live::{
        OtherSpace, PoolUse, UnreadSubject, describe_parts, steps_maybe_built_in, steps_on_built_in,
    },
    plan::ChangeKind,
};

/// Returns findings about steps that would resolve to the built-in worker, in this space and others, and about
/// parts that could not be read.
pub(super) fn built_in_in_use(input: &GateInput) -> Vec<Finding> {
    let off = |kind: &ChangeKind| matches!(kind, ChangeKind::SetBuiltInWorker { enabled: false });
    let Some(change) = input.changes.iter().find(|change| off(&change.kind)) else {
        return Vec::new();
    };
    let mut users = note_uses(steps_on_built_in(input.after));
    users.extend(input.matched.live.other_spaces.iter().flat_map(note_other_space));
    let gate = Gate::BuiltInWorkerInUse;
    let at = || change.cause.location.clone();
    let in_use = (!users.is_empty()).then(|| {
        let message = CountedMessage::steps(" would still need the built-in worker");
        let finding = gate_finding(gate, at(), "").with_counted_notes(message, users);
        finding.with_help(format!("place these steps in a pool first; {}", bypass_help(gate)))
    });
    let perhaps = note_uses(steps_maybe_built_in(input.after));
    let perhaps = (!perhaps.is_empty()).then(|| {
        let message = CountedMessage::new(
            "cannot tell whether ",
            CountUnit::STEPS,
            " would still need the built-in worker",
        );
        gate_warning(gate, at(), "")
            .with_counted_notes(message, perhaps)
            .with_help("`poolwright explain PROJECT STEP` says why; check these steps by hand")
    });
    let unread = describe_parts(input.matched.live.unread_by(UnreadSubject::BuiltInUses));
    let unread = (!unread.is_empty()).then(|| {
        let message = "steps that could not be read may still need the built-in worker";
        gate_warning(gate, at(), message)
            .with_notes(unread)
            .with_help("check these by hand before the switch")
    });
    let findings = [in_use, perhaps, unread].into_iter().flatten();
    findings.map(|finding| finding.with_address(change.address.clone())).collect()
}

/// Returns notes about the steps of another space that need the built-in worker.
fn note_other_space(other: &OtherSpace) -> impl Iterator<Item = Note> + '_ {
    other.on_built_in_worker.iter().map(|PoolUse { what, address, project, .. }| {
        let subject = Subject {
            address: address.clone(),
            project: project.as_ref().map(ToString::to_string),
            space: Some(other.space.clone()),
            ..Subject::default()
        };
        Note::about(format!("space {:?}: {what}", other.space), subject)
    })
}
