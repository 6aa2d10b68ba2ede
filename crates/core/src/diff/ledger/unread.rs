//! Rules that may be about steps that could not be read.

use crate::{
    desired::{Declared, Desired, PlacementRule},
    live::{Live, UnreadPart, UnreadSubject},
    model::Name,
};

/// Returns the rules that may be about steps that could not be read: names in them may exist without having been
/// seen.
pub fn rules_about_unread<'a>(
    desired: &'a Desired,
    live: &Live,
) -> Vec<&'a Declared<PlacementRule>> {
    desired.rules.iter().filter(|rule| may_be_about_parts(rule, live, |_| true)).collect()
}

/// Whether a rule may be about steps that could not be read. What the file leaves out is reported as such.
pub(super) fn may_be_about_unread(rule: &PlacementRule, live: &Live) -> bool {
    may_be_about_parts(rule, live, |part| !part.is_left_out)
}

fn may_be_about_parts(
    rule: &PlacementRule,
    live: &Live,
    counts: impl Fn(&UnreadPart) -> bool,
) -> bool {
    if !live.unread_by(UnreadSubject::RuleSteps).any(counts) {
        return false;
    }
    let is_read = |name: &str| {
        let project = Name::new(name);
        let mut deployments = live.processes.iter().filter(|it| it.owner.runbook.is_none());
        deployments.any(|deployment| deployment.owner.project == project)
    };
    // A runbook may be unread even if the deployment process of its project was read.
    let named = rule.select.project.as_ref().filter(|it| it.is_exact());
    rule.select.processes.has_runbooks() || named.is_none_or(|it| !it.exact_names().all(is_read))
}
