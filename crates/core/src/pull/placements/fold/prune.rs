//! What a list of rules decides: steps that it would move, and rules and names that it can do without.

use super::{super::catalog::StepCatalog, FoldedRule, deciding_rules};
use std::collections::HashSet;

/// Returns the steps that the rules would move.
pub(in crate::pull::placements) fn misplaced_steps(
    catalog: &StepCatalog,
    rules: &[FoldedRule],
) -> Vec<usize> {
    let deciders = deciding_rules(catalog.steps.len(), rules).into_iter().enumerate();
    let is_wrong = |(step, decider): &(usize, Option<usize>)| {
        let rule = decider.and_then(|at| rules.get(at));
        rule.is_some_and(|rule| catalog.place.get(*step) != Some(&rule.place))
    };
    deciders.filter(is_wrong).map(|(step, _)| step).collect()
}

/// Removes rules, and names in them, that decide no step. `taken` are the steps that rules before these decide.
pub(in crate::pull::placements) fn prune_unused(
    catalog: &StepCatalog,
    rules: &mut Vec<FoldedRule>,
    taken: impl Fn(usize) -> bool,
) {
    let mut decided: Vec<Vec<usize>> = vec![Vec::new(); rules.len()];
    for (step, decider) in deciding_rules(catalog.steps.len(), rules).into_iter().enumerate() {
        if let Some(steps) = decider.and_then(|at| decided.get_mut(at)).filter(|_| !taken(step)) {
            steps.push(step);
        }
    }
    let mut by_rule = decided.into_iter();
    rules.retain_mut(|rule| {
        let decided = by_rule.next().unwrap_or_default();
        for (facet, names) in &mut rule.terms {
            let used: HashSet<usize> = decided
                .iter()
                .flat_map(|step| catalog.step_name_numbers(*facet, *step).iter().copied())
                .collect();
            names.retain(|name| used.contains(name));
        }
        !decided.is_empty()
    });
}
