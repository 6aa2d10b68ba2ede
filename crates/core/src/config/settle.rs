//! Rules that would never settle: the result of one is what another one looks for.
//!
//! Rule `i` sends a step to a place; if rule `j` takes steps of that place elsewhere, the next run would
//! move the step again. That cannot happen where `i` comes first and still matches the step at its new
//! place, since the first rule that matches decides. Only what the file alone proves is told here;
//! `diff` tells the rest, on the steps that there are.

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
    /// Tells which rules would never settle.
    pub(super) fn check_rules_settle(&mut self) {
        let rules = &self.desired.rules;
        let unsettled = rules.iter().enumerate().filter_map(|(at, first)| {
            let next = next_decider(rules, at, first)?;
            Some(unsettled_error(first, next))
        });
        let unsettled: Vec<_> = unsettled.collect();
        self.report_all(unsettled);
    }
}

/// The rule that may decide about a step which `first` has moved; none where `first` does so itself.
fn next_decider<'a>(
    rules: &'a [Declared<PlacementRule>],
    at: usize,
    first: &PlacementRule,
) -> Option<&'a Declared<PlacementRule>> {
    let matches = |(other, rule): &(usize, &Declared<PlacementRule>)| {
        if at == *other {
            matches_own_result(first)
        } else {
            takes_result(first, rule) && selectors_overlap(first, rule)
        }
    };
    let decider = rules.iter().enumerate().find(matches);
    decider.filter(|(other, _)| at != *other).map(|(_, rule)| rule)
}

fn place_target(rule: &PlacementRule) -> Option<&DesiredPlacement> {
    match &rule.verdict {
        PlacementVerdict::Place(target) => Some(target),
        PlacementVerdict::Leave => None,
    }
}

/// Whether `next` looks for where `first` sends its steps, and sends them elsewhere.
fn takes_result(first: &PlacementRule, next: &PlacementRule) -> bool {
    let (Some(from), Some(to)) = (place_target(first), place_target(next)) else { return false };
    !is_same_place(from, to) && selects_result(next, from)
}

/// Whether two rules send a step to one place.
fn is_same_place(one: &DesiredPlacement, other: &DesiredPlacement) -> bool {
    match (&one.place, &other.place) {
        (Place::Pool(one), Place::Pool(other)) => one.value == other.value,
        (one, other) => one == other,
    }
}

/// Whether the rule's `currently` names where `target` sends its steps.
fn selects_result(rule: &PlacementRule, target: &DesiredPlacement) -> bool {
    let Some(currently) = &rule.select.currently else { return false };
    match &target.place {
        Place::DefaultPool => {
            currently.covers_place(DEFAULT, |place| *place == CurrentPlace::Default)
        }
        Place::Variable(_) => {
            currently.covers_place(VARIABLE, |place| *place == CurrentPlace::Variable)
        }
        Place::Pool(sent) => {
            let (DesiredPoolRef::Declared(word) | DesiredPoolRef::Live(word)) = &sent.value;
            let is_same_pool = |place: &CurrentPlace| matches!(place, CurrentPlace::Pool(item) if item.value == sent.value);
            currently.covers_place(&fold_case(word), is_same_pool)
        }
    }
}

/// Whether a rule still matches a step that it has moved.
fn matches_own_result(rule: &PlacementRule) -> bool {
    rule.select.currently.is_none()
        || place_target(rule).is_some_and(|target| selects_result(rule, target))
}

/// Whether a step can be thought of that both rules are about.
fn selectors_overlap(one: &PlacementRule, other: &PlacementRule) -> bool {
    // Every field by name, so that a new selector cannot be forgotten here.
    let StepSelectors {
        project,
        project_group,
        // One project has many tags, and one step many channels: two lists may always meet.
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
    let at = next.select.currently.as_ref().map_or(&next.span, |it| &it.span);
    let message =
        format!("the rules would never settle: this one takes what {} has placed", name(first));
    Finding::error(Code::UnsettledRules, at.clone(), message)
        .with_help("let no rule's `currently` be another rule's result, or put the rule that shall win first and without `currently`")
}
