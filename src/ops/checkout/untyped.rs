//! Steps of which a file does not have the type, where a rule asks for it: a server may place them otherwise.
//!
//! # Source
//!
//! Octopus writes the parameters of such a step and a reference to its template, and no type
//! (OctopusDeploy/Ocl, "Step Templates in Configuration as Code").

use poolwright_core::{
    desired::{Declared, Desired, PlacementRule, PlacementVerdict, StepSelectors},
    diff::deciding_rules,
    finding::{Code, Finding, Span},
    live::{Live, LiveStep},
    model::{Address, Place},
    text::pluralize,
};

use std::collections::{BTreeSet, HashMap};

/// The steps without a type about which a rule may decide that asks for one, as it comes before the rule that
/// decides here; but for those of which something is `told` already.
pub(super) fn untyped_finding(
    desired: &Desired,
    live: &Live,
    told: impl Fn(&LiveStep) -> bool,
) -> Option<Finding> {
    let asking = desired.rules.iter().enumerate();
    let asking: Vec<_> =
        asking.filter_map(|(at, rule)| Some((at, rule, requested_type_at(rule)?))).collect();
    let (_, _, first) = asking.first()?;
    let live = untyped_steps(live, told);
    let rule_index =
        |rule: &Declared<PlacementRule>| desired.rules.iter().position(|it| std::ptr::eq(it, rule));
    let here = deciding_rules(desired, &live).into_iter();
    let here: HashMap<Address, usize> =
        here.filter_map(|(step, rule)| Some((step, rule_index(rule)?))).collect();
    let mut doubtful = BTreeSet::new();
    for (at, rule, _) in &asking {
        let alone = Desired { rules: vec![without_type(rule)], ..desired.clone() };
        for (step, _) in deciding_rules(&alone, &live) {
            let decides = here.get(&step);
            let other = decides.and_then(|decide| desired.rules.get(*decide));
            let differs = !is_same_verdict(
                &rule.verdict,
                other.map_or(&PlacementVerdict::Leave, |it| &it.verdict),
            );
            let comes_first = decides.is_none_or(|decide| at < decide) && differs;
            if comes_first || decides == Some(at) {
                doubtful.insert(step.to_string());
            }
        }
    }
    if doubtful.is_empty() {
        return None;
    }
    let steps = pluralize(doubtful.len(), "step");
    let message = format!(
        "{steps} of step templates may be placed otherwise by a server: no file has their types"
    );
    let finding = Finding::warning(Code::UntypedStep, first.clone(), message);
    let finding = finding.with_notes(doubtful.into_iter().collect());
    Some(finding.with_help("name these steps in a rule before the one that asks for a type, or let a server be asked: `poolwright plan`"))
}

/// Where a rule asks for a type, if not for any.
fn requested_type_at(rule: &PlacementRule) -> Option<Span> {
    let asked = rule.select.action_type.as_ref()?;
    (!asked.value.matches_everything()).then(|| asked.span.clone())
}

fn without_type(rule: &Declared<PlacementRule>) -> Declared<PlacementRule> {
    let mut rule = rule.clone();
    rule.value.select = StepSelectors { action_type: None, ..rule.value.select };
    rule
}

/// The steps without a type, as if a template said that a worker runs each of which a file says nothing.
fn untyped_steps(live: &Live, told: impl Fn(&LiveStep) -> bool) -> Live {
    let mut live = live.clone();
    for process in &mut live.processes {
        process.steps.retain(|step| step.action_type.is_empty() && !told(step));
        process.steps.iter_mut().for_each(|step| _ = step.run_on_server.get_or_insert(true));
    }
    live
}

/// Whether two rules leave a step in one place.
fn is_same_verdict(one: &PlacementVerdict, other: &PlacementVerdict) -> bool {
    match (one, other) {
        (PlacementVerdict::Leave, PlacementVerdict::Leave) => true,
        (PlacementVerdict::Place(one), PlacementVerdict::Place(other)) => {
            match (&one.place, &other.place) {
                (Place::Pool(one), Place::Pool(other)) => one.value == other.value,
                (one, other) => one == other,
            }
        }
        _ => false,
    }
}
