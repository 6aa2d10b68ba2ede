//! A list of rules, made shorter: what decides nothing goes, and what says one thing twice says it once.
//!
//! Never: another place for a step.

use super::{
    catalog::{RuleTerm, StepCatalog},
    fold::FoldedRule,
};
use std::collections::BTreeSet;

/// Up to how many rules are held against each other.
const MAX_RULES: usize = 128;

/// The same decisions in fewer words.
pub(super) fn shorten_rules(book: &StepCatalog, rules: Vec<FoldedRule>) -> Vec<FoldedRule> {
    let mut rules = rules;
    prune_unused(book, &mut rules);
    if MAX_RULES < rules.len() {
        return rules;
    }
    let mut at = 0;
    while at < rules.len() {
        match (at + 1..rules.len()).find_map(|other| join_two_rules(book, &rules, at, other)) {
            Some(shorter) => rules = shorter,
            None => at += 1,
        }
    }
    prune_unused(book, &mut rules);
    rules
}

/// The rule that decides about each step.
fn deciding_rules(book: &StepCatalog, rules: &[FoldedRule]) -> Vec<Option<usize>> {
    let mut deciders = vec![None; book.steps.len()];
    for (at, rule) in rules.iter().enumerate().rev() {
        for step in &rule.reach {
            deciders.get_mut(*step).into_iter().for_each(|index| *index = Some(at));
        }
    }
    deciders
}

/// Whether every step is left where it is.
fn preserves_places(book: &StepCatalog, rules: &[FoldedRule]) -> bool {
    let is_right = |(step, decider): (usize, Option<usize>)| {
        let rule = decider.and_then(|it| rules.get(it));
        rule.is_none_or(|rule| rule.place.is_none() || rule.place == book.place.get(step).copied())
    };
    deciding_rules(book, rules).into_iter().enumerate().all(is_right)
}

/// Takes away rules, and names in them, that decide about no step.
fn prune_unused(book: &StepCatalog, rules: &mut Vec<FoldedRule>) {
    let deciders = deciding_rules(book, rules);
    let mut decided: Vec<Vec<usize>> = vec![Vec::new(); rules.len()];
    for (step, decider) in deciders.into_iter().enumerate() {
        decider.and_then(|it| decided.get_mut(it)).into_iter().for_each(|it| it.push(step));
    }
    let mut of_rule = decided.iter();
    rules.retain_mut(|rule| {
        let decided = of_rule.next().map_or(&[][..], Vec::as_slice);
        for (facet, names) in &mut rule.terms {
            names.retain(|name| {
                let named = book.facet_name(*facet, *name);
                let has =
                    |step: &usize| named.is_some_and(|it| it.steps.binary_search(step).is_ok());
                decided.iter().any(has)
            });
        }
        if rule.place.is_some() {
            rule.reach = book.matching_steps(&rule.terms);
        }
        // What leaves a step stays: it may be about one that is not in the book.
        rule.place.is_none() || !decided.is_empty()
    });
}

/// The rules with two of them as one, where that says the same.
fn join_two_rules(
    book: &StepCatalog,
    rules: &[FoldedRule],
    at: usize,
    other: usize,
) -> Option<Vec<FoldedRule>> {
    let (one, two) = (rules.get(at)?, rules.get(other)?);
    let terms = union_terms(&one.terms, &two.terms)?;
    (one.place.is_some() && one.place == two.place).then_some(())?;
    let both = FoldedRule { place: one.place, reach: book.matching_steps(&terms), terms };
    let ways = [(at, other), (other, at)].into_iter().map(|(stays, goes)| {
        let mut rules = rules.to_vec();
        rules.get_mut(stays).into_iter().for_each(|rule| *rule = both.clone());
        rules.remove(goes);
        rules
    });
    ways.into_iter().find(|it| preserves_places(book, it))
}

/// The terms of two rules as those of one; none where they differ in more than one facet.
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
