//! Steps that name a pool though they run on their targets: it means nothing, and is told and not mended.
//!
//! # Source
//!
//! `api.md` 3.4: a pool beside a `RunOnServer` of false is meaningless and may linger.

use super::goal::StepReach;
use crate::{
    finding::{Code, Finding, Span},
    live::LiveStep,
    model::{Address, Place},
    text::pluralize,
};

/// Steps whose pool lingers where a rule says another one, and the rule that is about the first of them.
#[derive(Debug, Default)]
pub(super) struct LingeringPools {
    span: Option<Span>,
    steps: Vec<Address>,
}

impl LingeringPools {
    /// Whether a step has a pool or a variable that means nothing.
    pub(super) fn has_unused_pool(step: &LiveStep, reach: StepReach) -> bool {
        matches!(reach, StepReach::Targets | StepReach::OnlyTargets)
            && step.place != Place::DefaultPool
    }

    /// Notes a step, where there is one, with the place of the rule that is about it.
    pub(super) fn note_lingering(&mut self, found: Option<(&Span, Address)>) {
        let Some((rule, step)) = found else { return };
        self.span.get_or_insert_with(|| rule.clone());
        self.steps.push(step);
    }

    /// All of them as one finding.
    pub(super) fn into_warning(self) -> Option<Finding> {
        let verb = if self.steps.len() == 1 { "names" } else { "name" };
        let steps = pluralize(self.steps.len(), "step");
        let message = format!(
            "{steps} on deployment targets {verb} a pool that means nothing, and not the rule's"
        );
        let finding = Finding::warning(Code::LingeringPool, self.span?, message);
        let finding = finding.with_notes(self.steps.iter().map(Address::to_string).collect());
        Some(
            finding.with_help(
                "clear it in Octopus, or say `execution` to move these steps to a worker",
            ),
        )
    }
}
