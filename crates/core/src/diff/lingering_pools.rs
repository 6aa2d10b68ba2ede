//! Steps that name a pool although they run on their targets: the pool has no effect and is reported, not changed.
//!
//! # Source
//!
//! `api.md` 3.4: a pool next to a `RunOnServer` of false is meaningless and may linger.

use super::goal::StepReach;
use crate::{
    finding::{Code, CountUnit, CountedMessage, Finding, Note, Span},
    live::LiveStep,
    model::{Address, Place},
};

/// The words for a number of steps that name something.
const STEPS_NAME: CountUnit = CountUnit {
    one: "1 step on deployment targets names",
    many: "steps on deployment targets name",
};

/// Steps with a lingering pool that is not their rule's, and where the first such rule is.
#[derive(Debug, Default)]
pub(super) struct LingeringPools {
    span: Option<Span>,
    steps: Vec<Address>,
}

impl LingeringPools {
    /// Whether a step has a pool or a variable without effect.
    pub(super) fn has_unused_pool(step: &LiveStep, reach: StepReach) -> bool {
        matches!(reach, StepReach::Targets | StepReach::OnlyTargets)
            && step.place != Place::DefaultPool
    }

    /// Notes a step, if there is one, with the span of its rule.
    pub(super) fn note_lingering(&mut self, found: Option<(&Span, Address)>) {
        let Some((rule_span, step)) = found else { return };
        self.span.get_or_insert_with(|| rule_span.clone());
        self.steps.push(step);
    }

    /// Returns one warning for all of the steps.
    pub(super) fn into_warning(self) -> Option<Finding> {
        let message =
            CountedMessage::new("", STEPS_NAME, " a pool that has no effect and is not the rule's");
        let notes = self.steps.iter().map(Note::from).collect();
        let finding = Finding::warning(Code::LingeringPool, self.span?, "")
            .with_counted_notes(message, notes);
        Some(finding.with_help(
            "clear the pool in Octopus, or set `execution` to move these steps to a worker",
        ))
    }
}
