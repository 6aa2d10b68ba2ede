//! Shortens a list of rules: removes what decides nothing, and joins rules that differ in one facet.
//!
//! Never: moving a step.

use super::{
    catalog::{RuleTerm, StepCatalog},
    fold::FoldedRule,
};
use std::collections::BTreeSet;

/// Up to how many rules are compared with each other.
const MAX_RULES: usize = 128;

/// Returns shorter rules that place every step in the same place.
pub(super) fn shorten_rules(catalog: &StepCatalog, rules: Vec<FoldedRule>) -> Vec<FoldedRule> {
    let mut rules = rules;
    prune_unused(catalog, &mut rules);
    if rules.len() > MAX_RULES {
        return rules;
    }
    let mut at = 0;
    while at < rules.len() {
        match (at + 1..rules.len()).find_map(|other| join_two_rules(catalog, &rules, at, other)) {
            Some(shorter) => rules = shorter,
            None => at += 1,
        }
    }
    prune_unused(catalog, &mut rules);
    rules
}

/// Returns the index of the rule that decides each step.
fn deciding_rules(catalog: &StepCatalog, rules: &[FoldedRule]) -> Vec<Option<usize>> {
    let mut deciders = vec![None; catalog.steps.len()];
    for (at, rule) in rules.iter().enumerate().rev() {
        for step in &rule.reach {
            deciders.get_mut(*step).into_iter().for_each(|index| *index = Some(at));
        }
    }
    deciders
}

/// Returns whether no step moves.
fn preserves_places(catalog: &StepCatalog, rules: &[FoldedRule]) -> bool {
    let is_right = |(step, decider): (usize, Option<usize>)| {
        let rule = decider.and_then(|it| rules.get(it));
        rule.is_none_or(|rule| {
            rule.place.is_none() || rule.place == catalog.place.get(step).copied()
        })
    };
    deciding_rules(catalog, rules).into_iter().enumerate().all(is_right)
}

/// Removes rules, and names in them, that decide no step.
fn prune_unused(catalog: &StepCatalog, rules: &mut Vec<FoldedRule>) {
    let deciders = deciding_rules(catalog, rules);
    let mut decided: Vec<Vec<usize>> = vec![Vec::new(); rules.len()];
    for (step, decider) in deciders.into_iter().enumerate() {
        decider.and_then(|it| decided.get_mut(it)).into_iter().for_each(|it| it.push(step));
    }
    let mut by_rule = decided.iter();
    rules.retain_mut(|rule| {
        let decided = by_rule.next().map_or(&[][..], Vec::as_slice);
        for (facet, names) in &mut rule.terms {
            names.retain(|name| {
                let named = catalog.facet_name(*facet, *name);
                let has =
                    |step: &usize| named.is_some_and(|it| it.steps.binary_search(step).is_ok());
                decided.iter().any(has)
            });
        }
        if rule.place.is_some() {
            rule.reach = catalog.matching_steps(&rule.terms);
        }
        // A rule that leaves a step unchanged stays: the step may not be in the catalog.
        rule.place.is_none() || !decided.is_empty()
    });
}

/// Returns the rules with two of them joined, if that moves no step.
fn join_two_rules(
    catalog: &StepCatalog,
    rules: &[FoldedRule],
    at: usize,
    other: usize,
) -> Option<Vec<FoldedRule>> {
    let (one, two) = (rules.get(at)?, rules.get(other)?);
    let terms = union_terms(&one.terms, &two.terms)?;
    (one.place.is_some() && one.place == two.place).then_some(())?;
    let both = FoldedRule { place: one.place, reach: catalog.matching_steps(&terms), terms };
    let orders = [(at, other), (other, at)].into_iter().map(|(stays, goes)| {
        let mut rules = rules.to_vec();
        rules.get_mut(stays).into_iter().for_each(|rule| *rule = both.clone());
        rules.remove(goes);
        rules
    });
    orders.into_iter().find(|rules| preserves_places(catalog, rules))
}

/// Joins the terms of two rules, or returns `None` if they differ in more than one facet.
fn union_terms(one: &[RuleTerm], other: &[RuleTerm]) -> Option<Vec<RuleTerm>> {
    let same =
        one.len() == other.len() && one.iter().zip(other).all(|(one, other)| one.0 == other.0);
    let differ = one.iter().zip(other).filter(|(one, other)| one != other).count();
    (same && differ <= 1 && !one.is_empty()).then(|| {
        let merge_names = |(one, other): (&RuleTerm, &RuleTerm)| {
            let names: BTreeSet<usize> = one.1.iter().chain(&other.1).copied().collect();
            (one.0, names.into_iter().collect())
        };
        one.iter().zip(other).map(merge_names).collect()
    })
}
