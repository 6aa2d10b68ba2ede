//! Finds steps whose type is not in the file although a rule selects by type: a server may place them differently.
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

/// Returns a warning for the steps without a type that a rule with a type may decide, because it comes before the
/// rule that decides here. Steps for which `is_reported` holds are left out.
pub(super) fn untyped_finding(
    desired: &Desired,
    live: &Live,
    is_reported: impl Fn(&LiveStep) -> bool,
) -> Option<Finding> {
    let rules = desired.rules.iter().enumerate();
    let typed: Vec<_> =
        rules.filter_map(|(at, rule)| Some((at, rule, requested_type_at(rule)?))).collect();
    let (_, _, first) = typed.first()?;
    let live = untyped_steps(live, is_reported);
    let rule_index =
        |rule: &Declared<PlacementRule>| desired.rules.iter().position(|it| std::ptr::eq(it, rule));
    let here = deciding_rules(desired, &live).into_iter();
    let here: HashMap<Address, usize> =
        here.filter_map(|(step, rule)| Some((step, rule_index(rule)?))).collect();
    let mut doubtful = BTreeSet::new();
    for (at, rule, _) in &typed {
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
        "{steps} from step templates may be placed differently on a server: the files do not contain their types"
    );
    let finding = Finding::warning(Code::UntypedStep, first.clone(), message);
    let finding = finding.with_notes(doubtful);
    Some(finding.with_help(
        "add a rule that names these steps before the one with a type, or plan against a server: `poolwright plan`",
    ))
}

/// Returns where a rule selects by type, unless it selects every type.
fn requested_type_at(rule: &PlacementRule) -> Option<Span> {
    let asked = rule.select.action_type.as_ref()?;
    (!asked.value.matches_everything()).then(|| asked.span.clone())
}

fn without_type(rule: &Declared<PlacementRule>) -> Declared<PlacementRule> {
    let mut rule = rule.clone();
    rule.value.select = StepSelectors { action_type: None, ..rule.value.select };
    rule
}

/// Keeps only the steps without a type, and assumes that a worker runs each unless the file says otherwise.
fn untyped_steps(live: &Live, is_reported: impl Fn(&LiveStep) -> bool) -> Live {
    let mut live = live.clone();
    for process in &mut live.processes {
        process.steps.retain(|step| step.action_type.is_empty() && !is_reported(step));
        process.steps.iter_mut().for_each(|step| _ = step.run_on_server.get_or_insert(true));
    }
    live
}

/// Whether two verdicts place a step identically.
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
