//! What a rule is about, in a few words, so that a plan can name it.
//!
//! Never: where its steps run, or how many there are. Both may change while the label stays.

use super::{
    FoldedRule,
    catalog::{PlacedStep, RuleFacet, StepCatalog},
};

/// How many names a label lists.
const LISTED: usize = 2;
/// The maximum length of a label, in characters.
const LONGEST_LABEL: usize = 180;
/// The maximum length of a name in a label, in characters.
const LONGEST_NAME: usize = 40;

/// Describes the steps of a rule.
pub(super) fn describe_rule(catalog: &StepCatalog, fold: &FoldedRule) -> String {
    let names = |facet: RuleFacet| -> Vec<&str> {
        let terms = fold.terms.iter().filter(|(rule_facet, _)| *rule_facet == facet);
        let numbers = terms.flat_map(|(_, numbers)| numbers);
        numbers.filter_map(|it| catalog.facet_name(facet, *it)).map(|it| it.written).collect()
    };
    let steps = names(RuleFacet::Step);
    let types: Vec<&str> = names(RuleFacet::ActionType)
        .into_iter()
        .map(|name| name.strip_prefix("Octopus.").unwrap_or(name))
        .collect();
    let mut words = match (steps.as_slice(), types.as_slice()) {
        ([], []) if fold.terms.is_empty() => "all other steps".to_owned(),
        ([], []) => "steps".to_owned(),
        ([], [one]) => format!("steps of type {}", shorten_name(one)),
        ([], types) => format!("steps of types {}", list_names(types)),
        (steps, _) => list_names(steps),
    };
    if let ([kind], true) = (names(RuleFacet::Process).as_slice(), steps.is_empty()) {
        words = format!("{kind} {words}");
    }
    for (facet, link) in
        [(RuleFacet::Runbook, "in"), (RuleFacet::Project, "in"), (RuleFacet::Group, "in group")]
    {
        let names = names(facet);
        if !names.is_empty() {
            words = format!("{words} {link} {}", list_names(&names));
        }
    }
    words.chars().take(LONGEST_LABEL).collect::<String>().trim().to_owned()
}

/// Describes a step that a rule leaves unchanged.
pub(super) fn describe_left_step(step: &PlacedStep) -> String {
    let name = |facet| shorten_name(step.facet_value(facet).unwrap_or_default());
    format!("{} in {}", name(RuleFacet::Step), name(RuleFacet::Project))
}

/// Lists the first names.
fn list_names(names: &[&str]) -> String {
    let listed: Vec<String> = names.iter().take(LISTED).map(|it| shorten_name(it)).collect();
    let listed = listed.join(", ");
    if names.len() > LISTED { format!("{listed} and others") } else { listed }
}

/// Returns a name as one line of a few words.
fn shorten_name(name: &str) -> String {
    let mut text: String = name
        .trim()
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(LONGEST_NAME)
        .collect();
    if name.trim().chars().count() > LONGEST_NAME {
        text.push('…');
    }
    text
}
