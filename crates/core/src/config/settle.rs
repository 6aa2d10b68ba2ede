//! Finds rules that would never settle, because the result of one is what another one matches.
//!
//! Suppose rule `i` moves a step to a place. If rule `j` moves steps away from that place, the next run
//! would move the step again, unless `i` comes first and still matches the step at its new place: the
//! first rule that matches decides. Only conflicts that the file alone proves are reported here; `diff`
//! reports the others, for the steps that exist.

use super::lower::DesiredDraft;
use crate::{
    desired::{
        CurrentPlace, CurrentPlaces, DEFAULT, Declared, DesiredPlacement, DesiredPoolRef,
        PlacementRule, PlacementVerdict, StepSelectors, VARIABLE,
    },
    finding::{Code, Finding},
    model::Place,
    text::{fold_case, pattern::Patterns},
};

use std::collections::HashMap;

impl DesiredDraft {
    /// Reports rules that would never settle.
    pub(super) fn check_rules_settle(&mut self) {
        let candidates = ResultTakers::new(&self.desired.rules);
        let rules = self.desired.rules.iter().enumerate();
        let unsettled = rules.filter_map(|(index, first)| {
            let next = candidates.next_decider(index, first)?;
            Some(unsettled_error(first, next))
        });
        let unsettled: Vec<_> = unsettled.collect();
        self.report_all(unsettled);
    }
}

/// The rules that may take what another rule has placed: only these have a `currently`. They are found by the
/// place that they take steps from, so that a file of ten thousand rules is not compared pair by pair.
struct ResultTakers<'a> {
    rules: &'a [Declared<PlacementRule>],
    by_place: HashMap<ResultPlace<'a>, Vec<usize>>,
    /// The rules whose `currently` has a wildcard or an exclusion.
    others: Vec<usize>,
}

/// A place that is the result of a rule.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum ResultPlace<'a> {
    Pool(&'a DesiredPoolRef),
    Variable,
    DefaultPool,
}

impl<'a> ResultTakers<'a> {
    fn new(rules: &'a [Declared<PlacementRule>]) -> Self {
        let mut takers = Self { rules, by_place: HashMap::new(), others: Vec::new() };
        for (index, rule) in rules.iter().enumerate() {
            let Some(currently) = &rule.select.currently else { continue };
            match ResultPlace::listed(currently) {
                Some(places) => {
                    let add = |place| takers.by_place.entry(place).or_default().push(index);
                    places.into_iter().for_each(add);
                }
                None => takers.others.push(index),
            }
        }
        takers
    }

    /// Returns the rule that may decide about a step that `first` has moved, unless it is `first` itself.
    fn next_decider(
        &self,
        index: usize,
        first: &PlacementRule,
    ) -> Option<&'a Declared<PlacementRule>> {
        let result = ResultPlace::of_target(place_target(first)?);
        let listed = self.by_place.get(&result).map(Vec::as_slice).unwrap_or_default();
        let takes = |candidate: &usize| {
            let rule = self.rules.get(*candidate).filter(|_| *candidate != index);
            rule.is_some_and(|rule| takes_result(first, rule) && selectors_overlap(first, rule))
        };
        let find_taker = |list: &[usize]| list.iter().copied().find(takes);
        let next = find_taker(listed).into_iter().chain(find_taker(&self.others)).min()?;
        let decides_itself = index < next && matches_own_result(first);
        self.rules.get(next).filter(|_| !decides_itself)
    }
}

impl<'a> ResultPlace<'a> {
    fn of_target(target: &'a DesiredPlacement) -> Self {
        match &target.place {
            Place::Pool(pool) => Self::Pool(&pool.value),
            Place::Variable(_) => Self::Variable,
            Place::DefaultPool => Self::DefaultPool,
        }
    }

    /// Returns the results of rules that a `currently` lists; `None` if only a comparison can tell.
    fn listed(currently: &'a CurrentPlaces) -> Option<Vec<Self>> {
        if currently.include.is_empty() || !currently.exclude.is_empty() {
            return None;
        }
        let mut places = Vec::new();
        for place in &currently.include {
            match place {
                CurrentPlace::Pool(pool) => places.push(Self::Pool(&pool.value)),
                CurrentPlace::Variable => places.push(Self::Variable),
                CurrentPlace::Default => places.push(Self::DefaultPool),
                // No rule can move a step there.
                CurrentPlace::Server | CurrentPlace::Target => {}
                CurrentPlace::Matching(_) => return None,
            }
        }
        Some(places)
    }
}

fn place_target(rule: &PlacementRule) -> Option<&DesiredPlacement> {
    match &rule.verdict {
        PlacementVerdict::Place(target) => Some(target),
        PlacementVerdict::Leave => None,
    }
}

/// Whether `next` matches the place to which `first` moves its steps, and moves them away from it.
fn takes_result(first: &PlacementRule, next: &PlacementRule) -> bool {
    let (Some(from), Some(to)) = (place_target(first), place_target(next)) else { return false };
    !is_same_place(from, to) && selects_result(next, from)
}

/// Whether two rules move steps to the same place.
fn is_same_place(one: &DesiredPlacement, other: &DesiredPlacement) -> bool {
    match (&one.place, &other.place) {
        (Place::Pool(one), Place::Pool(other)) => one.value == other.value,
        (one, other) => one == other,
    }
}

/// Whether the rule's `currently` matches the place of `target`.
fn selects_result(rule: &PlacementRule, target: &DesiredPlacement) -> bool {
    let Some(currently) = &rule.select.currently else { return false };
    match &target.place {
        Place::DefaultPool => {
            currently.covers_place(DEFAULT, |place| *place == CurrentPlace::Default)
        }
        Place::Variable(_) => {
            currently.covers_place(VARIABLE, |place| *place == CurrentPlace::Variable)
        }
        Place::Pool(pool) => {
            let (DesiredPoolRef::Declared(word) | DesiredPoolRef::Live(word)) = &pool.value;
            let is_same_pool = |place: &CurrentPlace| matches!(place, CurrentPlace::Pool(current) if current.value == pool.value);
            currently.covers_place(&fold_case(word), is_same_pool)
        }
    }
}

/// Whether a rule still matches a step that it has moved.
fn matches_own_result(rule: &PlacementRule) -> bool {
    rule.select.currently.is_none()
        || place_target(rule).is_some_and(|target| selects_result(rule, target))
}

/// Whether a step could exist that both rules match.
fn selectors_overlap(one: &PlacementRule, other: &PlacementRule) -> bool {
    // Names every field, so that a new selector cannot be forgotten here.
    let StepSelectors {
        project,
        project_group,
        // A project may have many tags, and a step many channels: two lists may always overlap.
        project_tag: _,
        channel: _,
        runbook,
        step,
        action_type,
        processes,
        currently: _,
    } = &one.select;
    let other = &other.select;
    let pairs = [
        (project, &other.project),
        (project_group, &other.project_group),
        (step, &other.step),
        (action_type, &other.action_type),
    ];
    let both_deployments = processes.has_deployments() && other.processes.has_deployments();
    let both_runbooks = processes.has_runbooks()
        && other.processes.has_runbooks()
        && patterns_may_overlap(runbook, &other.runbook);
    (both_deployments || both_runbooks)
        && pairs.into_iter().all(|(one, other)| patterns_may_overlap(one, other))
}

fn patterns_may_overlap(
    one: &Option<Declared<Patterns>>,
    other: &Option<Declared<Patterns>>,
) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.value.may_overlap(&other.value),
        _ => true,
    }
}

fn unsettled_error(first: &Declared<PlacementRule>, next: &Declared<PlacementRule>) -> Finding {
    let name = |rule: &PlacementRule| {
        rule.label.as_ref().map_or("another rule".into(), |label| format!("`{label}`"))
    };
    let at = next.select.currently.as_ref().map_or(&next.span, |places| &places.span);
    let message =
        format!("the rules would never settle: this rule moves what {} has placed", name(first));
    let finding = Finding::error(Code::UnsettledRules, at.clone(), message);
    let finding = if first.span == next.span {
        finding
    } else {
        finding.with_other_place(first.span.clone(), "the other rule")
    };
    finding.with_help("make sure that no rule's `currently` matches another rule's result, or move the rule that should win to the top and remove its `currently`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::load_desired,
        finding::{Source, Sources},
    };
    use proptest::prelude::*;
    use std::fmt::Write as _;

    /// Compares a rule with every other one, in their order.
    fn next_decider_pair_by_pair(
        rules: &[Declared<PlacementRule>],
        index: usize,
    ) -> Option<&Declared<PlacementRule>> {
        let first = &rules[index].value;
        let decides = |(candidate, rule): &(usize, &Declared<PlacementRule>)| {
            if *candidate == index {
                matches_own_result(first)
            } else {
                takes_result(first, rule) && selectors_overlap(first, rule)
            }
        };
        let decider = rules.iter().enumerate().find(decides);
        decider.filter(|(candidate, _)| *candidate != index).map(|(_, rule)| rule)
    }

    proptest! {
        #[test]
        fn the_next_decider_matches_a_pairwise_comparison(
            rules in prop::collection::vec((0..4_usize, 0..8_usize, 0..3_usize), 1..8),
        ) {
            let targets = ["pool = \"a\"", "pool = \"b\"", "pool_variable = \"v\"", "default_pool = true"];
            let places = ["", "a", "b", "default", "variable", "server\", \"a", "!a", "A*"];
            let mut text = "version = 1\n[pools.a]\n[pools.b]\n".to_owned();
            for (target, currently, project) in rules {
                writeln!(text, "[[placements]]\n{}\nproject = \"{project}\"", targets[target]).unwrap();
                if currently > 0 {
                    writeln!(text, "currently = [\"{}\"]", places[currently]).unwrap();
                }
            }
            let (desired, _) = load_desired(&Sources(vec![Source::new("w", text)]));
            let takers = ResultTakers::new(&desired.rules);
            for (index, rule) in desired.rules.iter().enumerate() {
                let naive = next_decider_pair_by_pair(&desired.rules, index);
                let next = takers.next_decider(index, rule);
                prop_assert_eq!(next.map(|it| &it.span), naive.map(|it| &it.span));
            }
        }
    }
}
