//! Finds rules that would never settle, because the result of one is what another one matches.
//!
//! Suppose rule `i` moves a step to a place. If rule `j` moves steps away from that place, the next run
//! would move the step again, unless `i` comes first and still matches the step at its new place: the
//! first rule that matches decides. Only conflicts that the file alone proves are reported here; `diff`
//! reports the others, for the steps that exist.

use super::lower::DesiredDraft;
use crate::{
    desired::{
        CurrentPlace, DEFAULT, Declared, DesiredPlacement, DesiredPoolRef, PlacementRule,
        PlacementVerdict, StepSelectors, VARIABLE,
    },
    finding::{Code, Finding},
    model::Place,
    text::{fold_case, pattern::Patterns},
};

impl DesiredDraft {
    /// Reports rules that would never settle.
    pub(super) fn check_rules_settle(&mut self) {
        let rules = &self.desired.rules;
        let unsettled = rules.iter().enumerate().filter_map(|(index, first)| {
            let next = next_decider(rules, index, first)?;
            Some(unsettled_error(first, next))
        });
        let unsettled: Vec<_> = unsettled.collect();
        self.report_all(unsettled);
    }
}

/// Returns the rule that may decide about a step that `first` has moved, unless it is `first` itself.
fn next_decider<'a>(
    rules: &'a [Declared<PlacementRule>],
    index: usize,
    first: &PlacementRule,
) -> Option<&'a Declared<PlacementRule>> {
    let matches = |(candidate, rule): &(usize, &Declared<PlacementRule>)| {
        if index == *candidate {
            matches_own_result(first)
        } else {
            takes_result(first, rule) && selectors_overlap(first, rule)
        }
    };
    let decider = rules.iter().enumerate().find(matches);
    decider.filter(|(candidate, _)| index != *candidate).map(|(_, rule)| rule)
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
    Finding::error(Code::UnsettledRules, at.clone(), message)
        .with_help("make sure that no rule's `currently` matches another rule's result, or move the rule that should win to the top and remove its `currently`")
}
